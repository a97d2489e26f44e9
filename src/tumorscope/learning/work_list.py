"""Which images are to be scored, in a fixed order, without holding a million of them.

A source is a folder (all pictures, DICOM and NIfTI files below it, but for hidden ones and masks),
a glob (whatever it matches), one file, or a parquet file with a column `path` (text) or `content`
(the bytes of an image). The first three become a parquet file of paths, so that there is one
kind of list; chunk n of a list always holds the same images.
"""

import glob
import hashlib
import itertools
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tumorscope.errors import ScoringError
from tumorscope.learning.folders import IGNORED_FOLDERS, IMAGE_SUFFIXES
from tumorscope.learning.json_lines import read_lines

SUFFIXES = tuple(sorted(IMAGE_SUFFIXES | {".dcm", ".dicom", ".nii", ".nii.gz"}))
PATHS = pa.schema([("path", pa.string())])
ROWS = 10_000  # written, or read, at a time
READ_BUFFER = 8 * 2**20  # else the whole column of a row group stands in memory
EXPECTED = "expected a folder of images, a glob in quotes, or a parquet file of paths or contents"


@dataclass(frozen=True)
class WorkList:
    """The images of a source.

    Attributes:
        file: parquet file that holds them.
        images: how many.
        digest: of the paths in their order; of a parquet source, of its name, size and time.
    """

    file: Path
    images: int
    digest: str


@dataclass(frozen=True)
class Chunk:
    """Some images of a list: a path each, and its bytes where the list holds them."""

    number: int
    paths: list[str]
    contents: list[bytes | None]


def make_list(source: str, file: Path) -> WorkList:
    """List the images of a source.

    Args:
        source: as the module says.
        file: where the list is written, unless the source is one.

    Raises:
        ScoringError: there is no such source, or no image in it.
    """
    path = Path(source).expanduser()
    if source and path.suffix == ".parquet" and path.is_file():
        return _given_list(path.absolute())
    digest, images = hashlib.sha256(), 0
    with pq.ParquetWriter(file, PATHS) as writer:
        found = iter(_paths(source))
        while some := list(itertools.islice(found, ROWS)):
            # A name that is no text cannot be stored; escaped, it is a row with an error.
            some = [os.fsencode(each).decode(errors="backslashreplace") for each in some]
            digest.update("\0".join([*some, ""]).encode())
            images += len(some)
            lines = "\n".join(json.dumps({"path": each}) for each in some)
            writer.write_table(read_lines(lines.encode(), PATHS))
    if not images:
        raise ScoringError(f"{source} holds no image: {EXPECTED}.")
    return WorkList(file, images, digest.hexdigest())


def chunks(work: WorkList, size: int, done: set[int]) -> Iterator[Chunk]:
    """Read a list, so many images at a time, but for the chunks that are done."""
    with pq.ParquetFile(work.file, buffer_size=READ_BUFFER) as file:
        columns = [name for name in ("path", "content") if name in file.schema_arrow.names]
        rows = _rows(file, columns, work.file.name, min(size, ROWS))
        for number in itertools.count():
            some = list(itertools.islice(rows, size))
            if not some:
                return
            if number not in done:
                paths, contents = zip(*some, strict=True)
                yield Chunk(number, list(paths), list(contents))


def _rows(
    file: pq.ParquetFile, columns: list[str], name: str, size: int
) -> Iterator[tuple[str, bytes | None]]:
    row = 0
    for batch in file.iter_batches(batch_size=size, columns=columns):
        nothing = [None] * batch.num_rows
        paths, contents = (
            batch.column(column).to_pylist() if column in columns else nothing
            for column in ("path", "content")
        )
        for path, content in zip(paths, contents, strict=True):
            yield (f"{name}#{row}" if path is None else path), content
            row += 1


def _given_list(path: Path) -> WorkList:
    try:
        with pq.ParquetFile(path) as file:
            schema, images = file.schema_arrow, file.metadata.num_rows
    except (pa.ArrowException, OSError):
        raise ScoringError(f"{path} is no parquet file that can be read; write it anew.") from None
    kinds = {name: schema.field(name).type for name in ("path", "content") if name in schema.names}
    wrong = [
        name for name, kind in kinds.items() if not any(kind.equals(each) for each in _TYPES[name])
    ]
    if wrong or not kinds:
        raise ScoringError(
            f"{path} has the columns {', '.join(schema.names)}: expected `path` of text, or "
            "`content` of the bytes of an image, or both."
        )
    if not images:
        raise ScoringError(f"{path} holds no row: {EXPECTED}.")
    facts = path.stat()
    text = f"{path}\0{facts.st_size}\0{facts.st_mtime_ns}"
    return WorkList(path, images, hashlib.sha256(text.encode()).hexdigest())


_TYPES = {
    "path": (pa.string(), pa.large_string()),
    "content": (pa.binary(), pa.large_binary()),
}


def _paths(source: str) -> Iterator[str]:
    place = str(Path(source).expanduser().absolute())
    if not source:
        raise ScoringError(f"No source is given: {EXPECTED}.")
    if os.path.isdir(place):  # noqa: PTH112 - a million Path objects take a gigabyte
        return _below(place)
    if os.path.isfile(place):  # noqa: PTH113
        return iter([place])
    if glob.has_magic(source):
        return (
            path
            for path in sorted(glob.iglob(place, recursive=True))  # noqa: PTH207
            if os.path.isfile(path)  # noqa: PTH113
        )
    raise ScoringError(f"There is no {source}: {EXPECTED}.")


def _below(folder: str) -> Iterator[str]:
    seen = set()  # a link to a folder above would loop
    for place, subfolders, names in os.walk(folder, followlinks=True):
        seen.add(os.path.realpath(place))
        subfolders[:] = sorted(
            name
            for name in subfolders
            if not name.startswith(".")
            and name.lower() not in IGNORED_FOLDERS
            and os.path.realpath(os.path.join(place, name)) not in seen  # noqa: PTH118
        )
        for name in sorted(names):
            if not name.startswith(".") and name.lower().endswith(SUFFIXES):
                yield os.path.join(place, name)  # noqa: PTH118
