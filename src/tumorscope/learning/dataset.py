"""A folder of slices in memory: decoded once, on all cores, and kept by content digest.

Everything that later steps ask of a file is in one row of `Dataset.table`: path relative to
the folder, sha256, label (1 for tumor), class_folder, height and width in pixels, size in bytes.
"""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import cpu_count

from tumorscope.errors import DatasetError
from tumorscope.learning.duplicates import thumbnails
from tumorscope.learning.fingerprints import wide_views
from tumorscope.learning.folders import SliceFile, find_slice_files
from tumorscope.learning.groups import groups_of_slices
from tumorscope.learning.slice_cache import SliceCache, SliceRecord
from tumorscope_serving.bounds import UnreadableSliceError
from tumorscope_serving.decoding import decode_gray
from tumorscope_serving.slices import frame_slice


@dataclass(frozen=True)
class Dataset:
    """Decoded slices with what is known of their files.

    Attributes:
        name: the folder's name.
        root: the folder.
        table: one row a slice; columns as the module says.
        slices: shape (n, size, size), uint8.
        thumbnails: shape (n, 2, 32, 32), uint8: the frame and the head's box.
        views: shape (n, 2, 64, 64), uint8: the same with their surroundings, for fingerprints.
        unreadable: (relative path, reason) of files that were skipped.
    """

    name: str
    root: Path
    table: pd.DataFrame
    slices: np.ndarray
    thumbnails: np.ndarray
    views: np.ndarray
    unreadable: list[tuple[str, str]]

    @property
    def labels(self) -> np.ndarray:
        """Shape (n,), 1 for tumor and 0 for none."""
        return self.table["label"].to_numpy()

    @cached_property
    def groups(self) -> np.ndarray:
        """Duplicate groups, shape (n,), integers from 0: equal where slices show one picture."""
        return groups_of_slices(self.thumbnails, self.views, list(self.table["sha256"]))

    @property
    def digest(self) -> str:
        """32 hexadecimal digits that change with any slice or label, not with names or order."""
        rows = sorted(zip(self.table["sha256"], self.table["label"], strict=True))
        return hashlib.sha256(repr(rows).encode()).hexdigest()[:32]

    def selected(self, chosen: np.ndarray) -> "Dataset":
        """The slices where `chosen`, shape (n,), is true; unreadable files stay on record."""
        return replace(
            self,
            table=self.table[chosen].reset_index(drop=True),
            slices=self.slices[chosen],
            thumbnails=self.thumbnails[chosen],
            views=self.views[chosen],
        )

    def counts(self, groups: np.ndarray) -> dict[str, int]:
        """Slices, those of each class, distinct pictures, copies and unreadable files."""
        distinct = len(np.unique(groups))
        return {
            "slices": len(self.table),
            "tumor": int(self.labels.sum()),
            "no_tumor": int((1 - self.labels).sum()),
            "duplicate_groups": distinct,
            "duplicates": len(self.table) - distinct,
            "unreadable": len(self.unreadable),
        }


def load_dataset(
    data: str,
    image_size: int,
    framing: str,
    need_both_classes: bool = True,
    cache_path: Path | None = None,
) -> Dataset:
    """Read every slice of a folder.

    Args:
        data: the folder, in one of the layouts of `learning.folders`.
        image_size: width and height of the slices in pixels.
        framing: how frames become squares, as in `tumorscope_serving.slices.frame_slice`.
        need_both_classes: whether a folder with one class only is an error.
        cache_path: the cache's file; the user's cache folder by default.

    Returns:
        The data set, in an order that depends on names only.

    Raises:
        DatasetError: the folder cannot be used, or a class has no readable slice.
    """
    root = Path(data).expanduser()
    files, others = find_slice_files(root, need_both_classes)
    cache = SliceCache(image_size, framing, cache_path)
    with ThreadPoolExecutor(cpu_count()) as pool:
        contents = list(pool.map(_digest_of_file, files))
        known = cache.get([digest for digest, _ in contents if digest])
        new = pool.map(
            lambda file, content: None if content[0] in known else _read(file, image_size, framing),
            files,
            contents,
        )
        fresh = {
            digest: record for (digest, _), record in zip(contents, new, strict=True) if record
        }
    readable = {key: record for key, record in fresh.items() if isinstance(record, SliceRecord)}
    cache.put(readable)
    records = known | fresh

    rows, kept, unreadable = [], [], []
    for file, (digest, size) in zip(files, contents, strict=True):
        relative = file.path.relative_to(root).as_posix()
        record = records.get(digest, "The file cannot be opened.")
        if isinstance(record, str):
            unreadable.append((relative, record))
            continue
        rows.append((relative, digest, file.label, file.class_folder, *record.shape, size))
        kept.append(record)
    unreadable += [(path.relative_to(root).as_posix(), "not a picture") for path in others]
    columns = ["path", "sha256", "label", "class_folder", "height", "width", "bytes"]
    table = pd.DataFrame(rows, columns=columns)
    if need_both_classes and table["label"].nunique() < 2 or table.empty:
        raise DatasetError(
            f"No readable slices of both classes in {data}: {len(unreadable)} files could not be "
            f"read, the first is {unreadable[0][0]} ({unreadable[0][1]})."
        )
    return Dataset(
        name=root.resolve().name,
        root=root,
        table=table,
        slices=np.stack([record.slice for record in kept]),
        thumbnails=np.stack([record.thumbnails for record in kept]),
        views=np.stack([record.views for record in kept]),
        unreadable=unreadable,
    )


def _digest_of_file(file: SliceFile) -> tuple[str, int]:
    try:
        content = file.path.read_bytes()
    except OSError:
        return "", 0
    return hashlib.sha256(content).hexdigest(), len(content)


def _read(file: SliceFile, image_size: int, framing: str) -> SliceRecord | str:
    """Decode one file; a sentence instead of a record where that cannot be done."""
    try:
        gray = decode_gray(file.path.read_bytes())
    except UnreadableSliceError as error:
        return str(error)
    except OSError:
        return "The file cannot be opened."
    return SliceRecord(
        shape=gray.shape,
        slice=frame_slice(gray, image_size, framing),
        thumbnails=thumbnails(gray),
        views=wide_views(gray),
    )
