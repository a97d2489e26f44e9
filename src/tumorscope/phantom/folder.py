"""A folder of phantoms on disk, in the layout of any other data set, drawn on all cores.

It holds yes|no/00012.png, masks/00012.png (255 in the tumor; only where there is one) and
manifest.csv. Phantom i of a seed is drawn from SeedSequence((seed, i)), so neither the count nor
the number of processes changes it. The folder grows under a hidden name beside its place and is
renamed at the end: what bears the name is complete.
"""

import contextlib
import csv
import functools
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from joblib import cpu_count

from tumorscope.config import PhantomsConfig
from tumorscope.errors import PhantomError
from tumorscope.phantom.draw import Phantom, draw_phantom
from tumorscope.phantom.worker import drawing_processes

MANIFEST = "manifest.csv"
CLASS_FOLDERS = ("no", "yes")
MASK_FOLDER = "masks"
CHUNK = 20
# A process of its own takes about as long to start as this many phantoms to draw.
PHANTOMS_PER_PROCESS = 100

Progress = Callable[[int, int], None]


def no_progress(done: int, total: int) -> None:
    """Stand in for a progress bar where nobody watches."""


def draw_folder(
    config: PhantomsConfig,
    folder: Path,
    progress: Progress = no_progress,
    processes: int | None = None,
) -> int:
    """Draw phantoms into a new folder, whatever `config.out` says.

    Args:
        config: how many, and which.
        folder: absolute; not there yet, or empty.
        progress: called with the number of phantoms drawn so far, and of all.
        processes: that draw; by default as many as there are cores to use, fewer for few phantoms.

    Returns:
        The number of tumors.

    Raises:
        PhantomError: the folder is not empty or cannot be written, or a process that drew was
            killed; nothing was touched.
    """
    growing = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.part")
    try:
        if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
            raise PhantomError(
                f"{folder} holds something already: expected a folder that is empty or not there "
                "yet. Give another one, or empty it."
            )
        for name in (*CLASS_FOLDERS, MASK_FOLDER):
            (growing / name).mkdir(parents=True)
        rows = _draw_all(config, growing, progress, processes)
        _write_manifest(growing / MANIFEST, rows)
        growing.rename(folder)
    except OSError as error:
        raise PhantomError(
            f"Phantoms cannot be written to {folder} ({error.strerror}); give a folder that can be."
        ) from error
    finally:
        shutil.rmtree(growing, ignore_errors=True)
    return sum(row["label"] for row in rows)


def _draw_all(
    config: PhantomsConfig, folder: Path, progress: Progress, processes: int | None
) -> list[dict[str, Any]]:
    chunks = [
        range(start, min(start + CHUNK, config.count)) for start in range(0, config.count, CHUNK)
    ]
    draw = functools.partial(_draw_chunk, config, folder)
    processes = processes or min(cpu_count(), config.count // PHANTOMS_PER_PROCESS)
    rows = []
    with _mapping(processes) as map_chunks:
        for some in map_chunks(draw, chunks):
            rows += some
            progress(len(rows), config.count)
    return rows


@contextlib.contextmanager
def _mapping(processes: int) -> Iterator[Callable]:
    """A `map` that works in so many processes; in this one where more do not pay."""
    if processes < 2:
        yield map
        return
    with drawing_processes(processes) as pool:
        yield pool.map


def _draw_chunk(config: PhantomsConfig, folder: Path, numbers: range) -> list[dict[str, Any]]:
    rows = []
    for number in numbers:
        rng = np.random.default_rng(np.random.SeedSequence((config.seed, number)))
        rows.append(_write_phantom(draw_phantom(rng, config), folder, f"{number:05}.png"))
    return rows


def _write_phantom(phantom: Phantom, folder: Path, name: str) -> dict[str, Any]:
    """Write the slice and the mask; returns the row of the manifest."""
    file, mask = f"{CLASS_FOLDERS[phantom.label]}/{name}", ""
    (folder / file).write_bytes(_png(phantom.slice))
    if phantom.label:
        mask = f"{MASK_FOLDER}/{name}"
        (folder / mask).write_bytes(_png(phantom.mask.astype(np.uint8) * 255))
    facts = dict(phantom.description)
    height_mm, width_mm = facts.pop("pixel_mm")
    facts["findings"] = "; ".join(facts["findings"])
    facts |= {"pixel_height_mm": height_mm, "pixel_width_mm": width_mm}
    return {"file": file, "label": phantom.label, "mask": mask, **facts}


def _png(pixels: np.ndarray) -> bytes:
    return cv2.imencode(".png", pixels)[1].tobytes()


def _write_manifest(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
