"""Decoded slices on disk, by the digest of the file's content, so that a second run starts fast.

One SQLite file in the user's cache folder (`$XDG_CACHE_HOME/tumorscope`, else
`~/.cache/tumorscope`). It holds nothing that cannot be made again: delete it at any time.
"""

import logging
import math
import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

logger = logging.getLogger(__name__)

# Change it whenever decoding, framing, thumbnails or views change: no old record is believed.
RECORD_VERSION = 2
THUMBNAIL_SHAPE = (2, 32, 32)
VIEW_SHAPE = (2, 64, 64)
QUERY_SIZE = 500


@dataclass(frozen=True)
class SliceRecord:
    """What is kept of a file.

    Attributes:
        shape: (height, width) of the frame in pixels.
        slice: shape (size, size), uint8.
        thumbnails: shape (2, 32, 32), uint8; see `learning.duplicates.thumbnails`.
        views: shape (2, 64, 64), uint8; see `learning.fingerprints.wide_views`.
    """

    shape: tuple[int, int]
    slice: np.ndarray
    thumbnails: np.ndarray
    views: np.ndarray


class SliceCache:
    """Records of one image size and framing. A cache that fails is logged and done without."""

    def __init__(self, image_size: int, framing: str, path: Path | None = None) -> None:
        self._image_size = image_size
        self._settings = f"{RECORD_VERSION}/{image_size}/{framing}"
        self._path = path or user_cache_folder() / "slices.sqlite"

    def get(self, digests: list[str]) -> dict[str, SliceRecord]:
        """Look up the records of those digests that are known."""
        found = {}
        try:
            with closing(self._connect()) as connection:
                for start in range(0, len(digests), QUERY_SIZE):
                    some = digests[start : start + QUERY_SIZE]
                    rows = connection.execute(
                        "SELECT digest, height, width, pixels FROM slices WHERE settings = ? "
                        f"AND digest IN ({','.join('?' * len(some))})",
                        [self._settings, *some],
                    )
                    found |= {row[0]: self._unpack(*row[1:]) for row in rows}
        except (sqlite3.Error, OSError, ValueError) as error:
            logger.warning("The slice cache %s is not used: %s.", self._path, error)
        return found

    def put(self, records: Mapping[str, SliceRecord]) -> None:
        """Keep records by digest; those that are there already are replaced."""
        rows = [
            (self._settings, digest, *record.shape, _pack(record))
            for digest, record in records.items()
        ]
        if not rows:
            return
        try:
            with closing(self._connect()) as connection, connection:
                connection.executemany("INSERT OR REPLACE INTO slices VALUES (?, ?, ?, ?, ?)", rows)
        except (sqlite3.Error, OSError) as error:
            logger.warning("The slice cache %s is not written: %s.", self._path, error)

    def _connect(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, timeout=30)
        connection.execute(
            "CREATE TABLE IF NOT EXISTS slices (settings TEXT, digest TEXT, height INTEGER, "
            "width INTEGER, pixels BLOB, PRIMARY KEY (settings, digest)) WITHOUT ROWID"
        )
        return connection

    def _unpack(self, height: int, width: int, pixels: bytes) -> SliceRecord:
        values = np.frombuffer(pixels, np.uint8)
        shapes = ((self._image_size, self._image_size), THUMBNAIL_SHAPE, VIEW_SHAPE)
        ends = np.cumsum([math.prod(shape) for shape in shapes])
        parts = np.split(values, ends[:-1])
        arrays = [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
        return SliceRecord((height, width), *arrays)


def _pack(record: SliceRecord) -> bytes:
    return record.slice.tobytes() + record.thumbnails.tobytes() + record.views.tobytes()


def user_cache_folder() -> Path:
    """Where everything is kept that can be made again: `$XDG_CACHE_HOME/tumorscope`."""
    cache_home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache_home) / "tumorscope"
