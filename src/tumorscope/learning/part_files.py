"""Answers on disk while they come in: a part file a chunk, written whole or not at all.

Parts stand in a hidden folder beside the file that they become. A part has its name only when it
is complete, and the file appears by a rename, so a kill at any moment leaves neither half a
part nor half a file.
"""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tumorscope.errors import ScoringError
from tumorscope.learning.json_lines import read_lines

ANSWERS = pa.schema(
    [
        ("path", pa.string()),
        ("probability", pa.float64()),
        ("label", pa.string()),
        ("error", pa.string()),
        ("frames", pa.string()),  # JSON, of a file that holds several pictures
        ("model_version", pa.string()),
        ("scored_at", pa.timestamp("us", "UTC")),
    ]
)


def parts_folder(out: Path) -> Path:
    """The hidden folder beside a file, for its parts."""
    return out.with_name(f".{out.name}.parts")


def finished_parts(folder: Path) -> set[int]:
    """Numbers of the parts that are complete."""
    return {int(path.stem) for path in folder.glob("[0-9]*.parquet")}


def write_part(folder: Path, number: int, lines: bytes) -> None:
    """Write one part.

    Args:
        folder: of the parts.
        number: of the chunk.
        lines: of JSON, an answer each, with all of ANSWERS.
    """
    growing = folder / f"growing-{number}"
    pq.write_table(read_lines(lines, ANSWERS), growing)
    _replace(growing, _part(folder, number))


def merge_parts(folder: Path, numbers: Iterable[int], rows: int, out: Path) -> None:
    """Write all parts into one file, in their order, a part at a time.

    Args:
        folder: of the parts.
        numbers: of all parts.
        rows: that they must hold together.
        out: appears when it is complete.

    Raises:
        ScoringError: a part is damaged, or rows are missing; the damaged part is taken away.
    """
    growing, written = folder / "growing-whole", 0
    with pq.ParquetWriter(growing, ANSWERS) as writer:
        for number in numbers:
            path = _part(folder, number)
            try:
                with pq.ParquetFile(path) as part:  # read_table would import pandas
                    table = part.read()
            except (pa.ArrowException, OSError):
                path.unlink(missing_ok=True)
                raise ScoringError(
                    f"{path} was damaged, and is taken away: give the command again."
                ) from None
            writer.write_table(table)
            written += table.num_rows
    if written != rows:
        raise ScoringError(
            f"The parts in {folder} hold {written} rows instead of {rows}: delete the folder, "
            "then give the command again."
        )
    _replace(growing, out)


def merge_folder(folder: Path, out: Path) -> None:
    """Write what stands in a folder of parquet files into one file, in no promised order."""
    growing = folder / "growing-whole"
    with pq.ParquetWriter(growing, ANSWERS) as writer:
        for path in sorted(folder.glob("*.parquet")):
            with pq.ParquetFile(path) as part:
                for batch in part.iter_batches():
                    writer.write_table(pa.Table.from_batches([batch]).cast(ANSWERS))
    _replace(growing, out)


def answered_paths(folder: Path) -> set[str]:
    """The paths of all rows in a folder of parquet files."""
    return {
        path
        for file in folder.glob("*.parquet")
        for path in pq.read_table(file, columns=["path"])["path"].to_pylist()
    }


def discard(folder: Path) -> None:
    """Delete the folder of parts; half deleted it has another name."""
    done = folder.with_name(f"{folder.name}-done")
    shutil.rmtree(done, ignore_errors=True)
    folder.rename(done)
    shutil.rmtree(done)


def _part(folder: Path, number: int) -> Path:
    return folder / f"{number:08}.parquet"


def _replace(growing: Path, path: Path) -> None:
    with growing.open("rb") as stream:
        os.fsync(stream.fileno())  # else a power cut leaves the name without the content
    growing.replace(path)
