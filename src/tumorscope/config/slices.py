"""Where slices come from: a folder, or phantoms and what they may look like."""

import dataclasses

from tumorscope.config.settings import REPORT_HELP, check_limits, setting
from tumorscope.errors import SettingError

AUTO, PHANTOM = "auto", "phantom"
# What phantoms have beyond a head with a glioma in it, each of which can be left out.
ADDITIONS = ("gadolinium", "folds", "findings", "kinds", "artifacts", "publication")


@dataclasses.dataclass(frozen=True)
class PhantomConfig:
    """What a phantom, a simulated slice, may look like."""

    image_size: int = setting(128, "Width and height of a phantom in pixels.", 64, 512)
    tumor_share: float = setting(0.5, "Share of the phantoms that have a tumor.", 0, 1)
    min_diameter_mm: float = setting(4.0, "Smallest tumor that is drawn, in mm.", 2, 100)
    max_diameter_mm: float = setting(75.0, "Largest tumor that is drawn, in mm.", 2, 100)
    min_mask_pixels: int = setting(3, "A tumor of fewer pixels in the slice is placed anew.", 1)
    min_contrast: float = setting(
        0.1, "Least change of gray inside the mask, as a share of the range.", 0, 1
    )
    axial_share: float = setting(
        0.62, "Share of axial planes; coronal and sagittal ones share the rest.", 0, 1
    )
    without: str = setting(
        "", f"For ablations: leave out some of {', '.join(ADDITIONS)}; with commas between."
    )

    def __post_init__(self) -> None:
        check_limits(self)
        unknown = sorted(self.left_out - set(ADDITIONS))
        if unknown:
            raise SettingError(
                f"without must hold names out of {', '.join(ADDITIONS)}, but it has "
                f"{', '.join(unknown)}."
            )

    @property
    def left_out(self) -> frozenset[str]:
        """The names in `without`."""
        return frozenset(name.strip() for name in self.without.split(",") if name.strip())


@dataclasses.dataclass(frozen=True)
class PhantomsConfig(PhantomConfig):
    """Settings of `phantoms`: how many, where, and what they may look like."""

    count: int = setting(200, "Number of phantoms.", 1, 100_000)
    out: str = setting("phantoms", "Folder to write; it must not exist yet, or be empty.")
    seed: int = setting(0, "Seed of the phantoms; number i of a seed is always the same.", 0)
    report: str = setting("", REPORT_HELP)


@dataclasses.dataclass(frozen=True)
class SlicesConfig:
    """Settings of every workflow that reads slices: where they come from."""

    data: str = setting(
        AUTO,
        "Folder of slices, in a layout of data/README.md. phantom: simulated slices. "
        "auto: the folder data/ if it holds slices, else phantoms.",
    )
    phantom_count: int = setting(1000, "Number of phantoms, where they are drawn.", 1, 100_000)
    phantom_seed: int = setting(0, "Seed of the phantoms.", 0)
