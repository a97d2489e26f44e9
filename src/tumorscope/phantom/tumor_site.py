"""Which tumors can grow where in a given plane, how often, and how large.

Weights are relative among the kinds that the plane shows. They follow no registry: rare
kinds and the small places where they grow are shown more often than they occur, so that
a network gets to see them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tumorscope.phantom.anatomy import Anatomy
from tumorscope.phantom.head_shapes import tentorium_height
from tumorscope.phantom.plane import PIXEL_MM

_RIM_MM, _LEAST_BRAIN_MM2 = 4, 500


@dataclass(frozen=True)
class TumorKind:
    """A kind of tumor.

    Attributes:
        name: what the description of a phantom says.
        weight: relative frequency where the plane shows the place.
        diameter_mm: usual range.
        places: anatomy -> boolean map of possible centers.
        look: which recipe of `tumor_look` draws it.
    """

    name: str
    weight: float
    diameter_mm: tuple[float, float]
    places: Callable[[Anatomy], np.ndarray]
    look: str


def kinds_in_plane(
    anatomy: Anatomy, seen: np.ndarray, kinds: tuple[TumorKind, ...]
) -> list[tuple[TumorKind, np.ndarray]]:
    """List the kinds whose place the picture shows, each with its places.

    Args:
        anatomy: what lies in the plane.
        seen: boolean map of the working grid, false where the frame cuts it off.
        kinds: those to choose from.

    Returns:
        Kinds with boolean maps of the pixels where they can grow; none where the picture shows
        next to no brain.
    """
    brain = seen & (anatomy.hull_mm < -_RIM_MM)
    if np.count_nonzero(brain) * PIXEL_MM**2 < _LEAST_BRAIN_MM2:
        return []
    shown = ((kind, kind.places(anatomy) & seen) for kind in kinds)
    return [(kind, places) for kind, places in shown if np.count_nonzero(places) >= 4]


def _near(x: float, y: float, z: float, reach_mm: float) -> Callable[[Anatomy], np.ndarray]:
    def squared_distance(right: np.ndarray, front: np.ndarray, up: np.ndarray) -> np.ndarray:
        return (np.abs(right) - x) ** 2 + (front - y) ** 2 + (up - z) ** 2

    def places(anatomy: Anatomy) -> np.ndarray:
        # a coarse look first: most planes miss most places
        if squared_distance(*anatomy.coarse_position_mm).min() > (reach_mm + 8) ** 2:
            return np.zeros((1, 1), bool)
        return squared_distance(*anatomy.position_mm) < reach_mm**2

    return places


def _in_white_matter(anatomy: Anatomy) -> np.ndarray:
    return (anatomy.hull_mm < -7) & (anatomy.white > 0.3)


def _anywhere_in_brain(anatomy: Anatomy) -> np.ndarray:
    return (anatomy.hull_mm < -5) & (anatomy.fluid < 0.6)


def _below_cortex(anatomy: Anatomy) -> np.ndarray:
    return (anatomy.hull_mm < -4) & (anatomy.hull_mm > -22) & (anatomy.fluid < 0.5)


def _callosum(anatomy: Anatomy) -> np.ndarray:
    right, front, up = anatomy.position_mm
    middle = (np.abs(right) < 6) & (front > -45) & (front < 38) & (up > 2) & (up < 30)
    return middle & (anatomy.white > 0.5)


def _on_dura(anatomy: Anatomy) -> np.ndarray:
    return (anatomy.hull_mm > -3) & (anatomy.hull_mm < 0) & (anatomy.position_mm[2] > -50)


def _on_falx(anatomy: Anatomy) -> np.ndarray:
    right, front, up = anatomy.position_mm
    far = (up > 25) | (front > 35) | ((front < -55) & (up > -5))
    return (np.abs(right) < 4) & far & (anatomy.hull_mm < -3)


def _on_tentorium(anatomy: Anatomy) -> np.ndarray:
    right, front, up = anatomy.position_mm
    behind = (front < -42) & (front > -92) & (anatomy.hull_mm < -2)
    height = tentorium_height(right[behind], front[behind])
    places = behind.copy()
    places[behind] = np.abs(up[behind] - height) < 2.5
    return places


def _cerebellum(anatomy: Anatomy) -> np.ndarray:
    _, front, up = anatomy.position_mm
    return (up < -22) & (front < -45) & (anatomy.hull_mm < -6)


def _in_ventricle(anatomy: Anatomy) -> np.ndarray:
    return (anatomy.ventricle_mm < -0.5) & (anatomy.fluid > 0.6)


def _beside_ventricle(anatomy: Anatomy) -> np.ndarray:
    around = (anatomy.ventricle_mm > 1) & (anatomy.ventricle_mm < 9)
    return around & (anatomy.fluid < 0.3) & (anatomy.hull_mm < -12)


KINDS = (
    TumorKind("diffuse glioma", 1.9, (12, 75), _in_white_matter, "infiltrating"),
    TumorKind("glioblastoma", 4.0, (14, 70), _in_white_matter, "ring"),
    TumorKind("anaplastic glioma", 1.3, (10, 60), _anywhere_in_brain, "patchy"),
    TumorKind("cystic glioma", 0.5, (10, 55), _anywhere_in_brain, "cyst"),
    TumorKind("hemorrhagic tumor", 0.4, (8, 50), _anywhere_in_brain, "bleeding"),
    TumorKind("butterfly glioma", 0.7, (30, 70), _callosum, "ring"),
    TumorKind("convexity meningioma", 1.7, (6, 70), _on_dura, "meningioma"),
    TumorKind("falx meningioma", 0.6, (6, 65), _on_falx, "meningioma"),
    TumorKind("tentorial meningioma", 0.8, (8, 55), _on_tentorium, "meningioma"),
    TumorKind("sphenoid wing meningioma", 1.5, (8, 55), _near(30, 18, -19, 9), "meningioma"),
    TumorKind("pituitary tumor", 6, (6, 40), _near(0, 3, -29, 6), "sellar"),
    TumorKind("suprasellar tumor", 1.2, (8, 40), _near(0, 3, -17, 6), "mixed"),
    TumorKind("metastases", 2.2, (4, 35), _below_cortex, "metastasis"),
    TumorKind("lymphoma", 0.4, (8, 45), _beside_ventricle, "solid"),
    TumorKind("ventricular tumor", 0.4, (5, 45), _in_ventricle, "solid"),
    TumorKind("colloid cyst", 0.8, (6, 28), _near(0, 2, 13, 5), "colloid"),
    TumorKind("pineal tumor", 1.4, (8, 35), _near(0, -32, 2, 6), "solid"),
    TumorKind("cerebellar tumor", 0.9, (6, 50), _cerebellum, "mixed"),
    TumorKind("fourth ventricle tumor", 0.8, (12, 45), _near(0, -50, -36, 8), "solid"),
    TumorKind("vestibular schwannoma", 1.8, (6, 38), _near(17, -31, -39, 6), "solid"),
    TumorKind("brainstem glioma", 1.3, (10, 40), _near(0, -26, -34, 9), "infiltrating"),
)
GLIOMAS = tuple(kind for kind in KINDS if kind.look in ("infiltrating", "ring", "patchy"))
