"""Where slices come from: a folder, or phantoms that are drawn into one and then read alike.

Phantoms are drawn once into the user's cache folder. The name of their folder says count, seed,
size and a digest of everything that decides how they look, so no outdated one is believed.
"""

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path

from filelock import FileLock

import tumorscope.phantom
from tumorscope.config import AUTO, PHANTOM, LearningConfig, PhantomsConfig, SlicesConfig
from tumorscope.errors import PhantomError
from tumorscope.learning.dataset import Dataset, load_dataset
from tumorscope.learning.folders import holds_pictures
from tumorscope.learning.slice_cache import user_cache_folder
from tumorscope.phantom.folder import Progress, draw_folder, no_progress

DEFAULT_FOLDER = "data"
DRAWING_LIBRARIES = ("nilearn", "numpy", "opencv-python-headless", "scipy")


@dataclass(frozen=True)
class ResolvedData:
    """A folder of slices and its origin, "folder" or "phantom"."""

    folder: Path
    origin: str

    @property
    def name(self) -> str:
        """What cards and runs call the data set: phantoms by what they are, not by their cache."""
        return PHANTOM if self.origin == PHANTOM else self.folder.resolve().name


def silence(sentence: str) -> None:
    """Stand in for a terminal where nobody reads."""


def resolve_data(
    config: SlicesConfig,
    purpose: str,
    say: Callable[[str], None] = silence,
    progress: Progress = no_progress,
) -> ResolvedData:
    """Turn the setting `data` into a folder, drawing phantoms into it where they are asked for.

    Args:
        config: the setting, and which phantoms.
        purpose: what the slices are for, as "training".
        say: called with one sentence: what was chosen.
        progress: called with the number of phantoms drawn so far, and of all.

    Raises:
        PhantomError: the cache folder cannot be written.
    """
    if config.data == PHANTOM:
        say(f"{purpose.capitalize()} on {config.phantom_count} phantoms.")
    elif config.data == AUTO and not holds_pictures(Path(DEFAULT_FOLDER)):
        say(f"No slices in {DEFAULT_FOLDER}/: {purpose} on {config.phantom_count} phantoms.")
    else:
        folder = DEFAULT_FOLDER if config.data == AUTO else config.data
        say(f"Reading slices from {folder.rstrip('/')}/.")
        return ResolvedData(Path(folder).expanduser(), "folder")
    wanted = PhantomsConfig(count=config.phantom_count, seed=config.phantom_seed)
    return ResolvedData(_drawn_once(wanted, progress), PHANTOM)


def load_slices(
    config: LearningConfig,
    purpose: str,
    say: Callable[[str], None] = silence,
    progress: Progress = no_progress,
) -> tuple[Dataset, str]:
    """Read the slices that a network is to learn from; arguments as above.

    Returns:
        The data set under its own name, and its origin, "folder" or "phantom".

    Raises:
        DatasetError: the folder cannot be used.
        PhantomError: the cache folder cannot be written.
    """
    data = resolve_data(config, purpose, say, progress)
    dataset = load_dataset(str(data.folder), config.image_size, config.framing)
    return replace(dataset, name=data.name), data.origin


def _drawn_once(config: PhantomsConfig, progress: Progress) -> Path:
    """The folder of these phantoms in the cache; whoever comes second waits for the first."""
    folder = user_cache_folder() / "phantoms" / _name(config)
    if folder.is_dir():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f"{folder.name}.lock")):
            for left_behind in folder.parent.glob(f".{folder.name}.*.part"):  # by a kill
                shutil.rmtree(left_behind, ignore_errors=True)
            if not folder.is_dir():
                draw_folder(config, folder, progress)
    except OSError as error:
        raise PhantomError(
            f"The cache folder {folder.parent} cannot be written ({error.strerror}); set "
            "XDG_CACHE_HOME to one that can be."
        ) from error
    return folder


def _name(config: PhantomsConfig) -> str:
    digest = hashlib.sha256(repr(sorted(asdict(config).items())).encode())
    for library in DRAWING_LIBRARIES:
        digest.update(f"{library} {version(library)} ".encode())
    for source in sorted(Path(tumorscope.phantom.__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return f"{config.count}-seed{config.seed}-{config.image_size}px-{digest.hexdigest()[:8]}"
