"""Which files of a folder are slices, and of which class: the known layouts, by folder names.

`yes|no`, `tumor|no_tumor|notumor|healthy|normal` and `glioma|meningioma|pituitary|notumor` are
understood, nested or flat, with or without `Training|Testing` around them. The folder nearest
to a file decides; hidden folders, checkpoints and masks are passed over.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from tumorscope.errors import DatasetError

TUMOR_FOLDERS = frozenset(
    {"yes", "tumor", "tumour", "glioma", "meningioma", "pituitary"}
    | {f"{kind}_tumor" for kind in ("glioma", "meningioma", "pituitary")}
)
HEALTHY_FOLDERS = frozenset(
    {"no", "no_tumor", "no_tumour", "notumor", "notumour", "healthy", "normal"}
)
IMAGE_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".tif", ".tiff", ".bmp", ".webp", ".dcm", ".dicom"}
)
# Volumes are no slices; they are listed all the same, so that reading them says what they are.
VOLUME_NAMES = (".nii", ".nii.gz")
IGNORED_FOLDERS = frozenset({"__macosx", "checkpoints", "masks", "__pycache__"})
UNDERSTOOD = "yes|no, tumor|no_tumor|notumor|healthy|normal, or glioma|meningioma|pituitary|notumor"


@dataclass(frozen=True)
class SliceFile:
    """A picture of a class folder: `label` is 1 for tumor and 0 for none."""

    path: Path
    class_folder: str
    label: int


def find_slice_files(
    data_dir: Path, need_both_classes: bool = True
) -> tuple[list[SliceFile], list[Path]]:
    """List the slices below a folder in a fixed order.

    Args:
        data_dir: the folder; its own name is not looked at.
        need_both_classes: whether a folder with one class only is an error.

    Returns:
        The slices, and the files in class folders that are no pictures by their names.

    Raises:
        DatasetError: no such folder, nothing in it, a folder of pictures whose name is
            unknown, or a class without slices.
    """
    if not data_dir.is_dir():
        raise DatasetError(
            f"There is no folder {data_dir}: expected a folder of slices; "
            "data/README.md says how to get one."
        )
    files, others, unknown = [], [], set()
    for path in _visible_files(data_dir):
        is_picture = _is_picture(path)
        class_folder = _class_folder(path.relative_to(data_dir))
        if class_folder is None:
            if is_picture:
                unknown.add(str(path.parent.relative_to(data_dir)))
        elif is_picture:
            label = int(_plain(class_folder) in TUMOR_FOLDERS)
            files.append(SliceFile(path, class_folder, label))
        else:
            others.append(path)
    if unknown:
        raise DatasetError(
            f"{data_dir} holds pictures in folders of unknown class: {_listed(unknown)}; "
            f"expected {UNDERSTOOD}. Rename them, or move them out of the data set."
        )
    _check_classes(data_dir, files, need_both_classes)
    return files, others


def holds_pictures(folder: Path) -> bool:
    """Whether a picture stands anywhere below a folder, of known class or not."""
    return any(_is_picture(path) for path in _visible_files(folder))


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_SUFFIXES or path.name.lower().endswith(VOLUME_NAMES)


def _visible_files(data_dir: Path) -> list[Path]:
    found, seen = [], set()
    # Data sets are often linked into place; `seen` keeps a link to a folder above from looping.
    for folder, subfolders, names in os.walk(data_dir, followlinks=True):
        seen.add(os.path.realpath(folder))
        subfolders[:] = sorted(
            name
            for name in subfolders
            if not name.startswith(".")
            and name.lower() not in IGNORED_FOLDERS
            and os.path.realpath(Path(folder, name)) not in seen
        )
        found += [Path(folder, name) for name in sorted(names) if not name.startswith(".")]
    return found


def _plain(folder: str) -> str:
    return folder.strip().lower().replace(" ", "_").replace("-", "_")


def _class_folder(path: Path) -> str | None:
    known = TUMOR_FOLDERS | HEALTHY_FOLDERS
    return next((name for name in reversed(path.parts[:-1]) if _plain(name) in known), None)


def _check_classes(data_dir: Path, files: list[SliceFile], need_both_classes: bool) -> None:
    if not files:
        raise DatasetError(
            f"No slices in {data_dir}: expected pictures in folders named {UNDERSTOOD}. "
            "data/README.md says how to get them."
        )
    labels = {file.label for file in files}
    if need_both_classes and len(labels) == 1:
        found = _listed({file.class_folder for file in files})
        missing = "no slices without a tumor" if labels == {1} else "no slices with a tumor"
        raise DatasetError(
            f"{data_dir} holds {missing}: found only {found}; expected both classes, "
            f"in folders named {UNDERSTOOD}."
        )


def _listed(names: set[str]) -> str:
    shown = sorted(names)[:8]
    return ", ".join(shown) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
