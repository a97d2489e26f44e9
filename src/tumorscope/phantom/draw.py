"""Draw one phantom: the order of the story.

A head, its contrast and its findings are drawn first; then, from a stream of its own, the
tumor, if there is one; then both go through the same scanner, frame and publication.
Each chapter has its own stream, and none but the tumor's knows the label. So for one seed
the slices with and without a tumor are the same picture outside the tumor's influence.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tumorscope.config import PhantomConfig
from tumorscope.phantom.anatomy import cut_plane
from tumorscope.phantom.contrast import choose_contrast
from tumorscope.phantom.description import Head, describe, diameter_mm, visibility
from tumorscope.phantom.finding import draw_findings
from tumorscope.phantom.framing import choose_frame
from tumorscope.phantom.lesion import Lesion, choose_diameter, grow_tumor
from tumorscope.phantom.plane import choose_plane
from tumorscope.phantom.publishing import publish, to_8_bits
from tumorscope.phantom.scanner import scan
from tumorscope.phantom.tissue import draw_tissue
from tumorscope.phantom.tumor_site import GLIOMAS, KINDS, kinds_in_plane

_CHAPTERS = ("anatomy", "contrast", "findings", "frame", "scanner", "publication", "tumor")
_MAX_ATTEMPTS = 25


@dataclass(frozen=True)
class Phantom:
    """A simulated slice.

    Attributes:
        slice: shape (size, size), uint8.
        mask: shape (size, size), bool: the tumor without its oedema; all False without one.
        label: 1 for tumor, 0 for none.
        description: JSON-able facts about what was drawn.
    """

    slice: np.ndarray
    mask: np.ndarray
    label: int
    description: dict[str, Any]


def draw_phantom(
    rng: np.random.Generator, config: PhantomConfig, tumor: bool | None = None
) -> Phantom:
    """Draw a phantom.

    Args:
        rng: the same state draws the same phantom.
        config: size of the picture, share and limits of tumors.
        tumor: whether one shall grow; None draws that too. It can only where the picture shows
            brain.

    Returns:
        The slice, its mask and what is known about them.
    """
    chance, story = _tell(rng)
    has_tumor = chance < config.tumor_share if tumor is None else tumor
    head = _draw_head(story, config)
    return _scan(story, head, _draw_lesion(story, head, config) if has_tumor else None, config)


def draw_pair(rng: np.random.Generator, config: PhantomConfig) -> tuple[Phantom, Phantom]:
    """Draw one head twice: with a tumor, and without.

    Both are what `draw_phantom` makes of this state with `tumor=True` and `tumor=False`, in two
    thirds of the time. A network that learns from both at once is told by nothing but the tumor.
    Where the picture shows no brain, and so no tumor can grow, the first is another scan of the
    head without one.

    Args:
        rng: the same state draws the same pair.
        config: size of the pictures and limits of tumors; `tumor_share` does not matter.
    """
    _, story = _tell(rng)
    head = _draw_head(story, config)
    lesion = _draw_lesion(story, head, config)
    first = story if lesion else story.with_another_scan()
    return _scan(first, head, lesion, config), _scan(story, head, None, config)


class _Story(dict[str, int]):
    """The seed of each chapter."""

    def stream(self, chapter: str) -> np.random.Generator:
        """The chapter's random numbers, from their start."""
        return np.random.default_rng(self[chapter])

    def with_another_scan(self) -> "_Story":
        """The same head, scanned and published anew."""
        scanner, publication = self.stream("tumor").integers(2**63, size=2)
        return _Story(self | {"scanner": int(scanner), "publication": int(publication)})


def _tell(rng: np.random.Generator) -> tuple[float, _Story]:
    """Draw the chance of a tumor, even where it is given, and the seeds of the chapters."""
    chance = rng.random()
    seeds = rng.integers(2**63, size=len(_CHAPTERS))
    return chance, _Story(zip(_CHAPTERS, map(int, seeds), strict=True))


def _draw_head(story: _Story, config: PhantomConfig) -> Head:
    of_anatomy = story.stream("anatomy")
    plane = choose_plane(of_anatomy, config.axial_share)
    anatomy = cut_plane(of_anatomy, plane, "folds" not in config.left_out)
    contrast = choose_contrast(story.stream("contrast"), "gadolinium" not in config.left_out)
    signal = draw_tissue(of_anatomy, anatomy, contrast)
    findings: list[str] = []
    if "findings" not in config.left_out:
        signal, findings = draw_findings(story.stream("findings"), signal, anatomy, contrast)
    frame = choose_frame(story.stream("frame"), anatomy, config.image_size)
    return Head(anatomy, contrast, signal.astype(np.float32), findings, frame)


def _scan(story: _Story, head: Head, lesion: Lesion | None, config: PhantomConfig) -> Phantom:
    """Scan, frame and publish a head, with its tumor if there is one."""
    signal = lesion.signal if lesion else head.signal
    artifacts = "artifacts" not in config.left_out
    picture = scan(story.stream("scanner"), signal, head.signal, artifacts)
    framed = head.frame.apply(picture)
    if "publication" in config.left_out:
        pixels = to_8_bits(framed)
    else:
        pixels = publish(story.stream("publication"), framed, head.outside)
    mask = np.zeros(pixels.shape, bool)
    if lesion:
        mask = head.frame.apply(lesion.mask) > 0.5
    return Phantom(pixels, mask, int(lesion is not None), describe(head, lesion, mask))


def _draw_lesion(story: _Story, head: Head, config: PhantomConfig) -> Lesion | None:
    """Grow tumors until one can be seen, None where none can grow; the head is left as it is."""
    rng = story.stream("tumor")
    shown = GLIOMAS if "kinds" in config.left_out else KINDS
    kinds = kinds_in_plane(head.anatomy, head.frame.seen(), shown)
    if not kinds:
        return None
    weights = np.array([kind.weight for kind, _ in kinds])
    best, best_contrast = None, -1.0
    for _ in range(_MAX_ATTEMPTS):
        kind, places = kinds[int(rng.choice(len(kinds), p=weights / weights.sum()))]
        diameter = choose_diameter(rng, kind, config.min_diameter_mm, config.max_diameter_mm)
        lesion = grow_tumor(rng, head.signal, head.anatomy, head.contrast, kind, places, diameter)
        mask = head.frame.apply(lesion.mask) > 0.5
        if np.count_nonzero(mask) < config.min_mask_pixels:
            continue
        if diameter_mm(mask, head.frame) < 0.9 * config.min_diameter_mm:
            continue
        contrast = visibility(lesion, head)
        if contrast >= config.min_contrast:
            return lesion
        if contrast > best_contrast:
            best, best_contrast = lesion, contrast
    return best or lesion
