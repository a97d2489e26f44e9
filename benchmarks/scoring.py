"""What `score` costs an image, against the floor: decode and ONNX Runtime in one loop.

The floor is one process and one thread that reads a file, decodes and frames it, and runs the
shipped network on them, as many at a time as `score` does; nothing else. It runs alone, and as one
process a core side by side, since cores share memory and caches. `score` runs as its command, with
one process and with one a core, and is held against the floor of as many; then once more without
the check of the input, which the floor does not make either. Throughput per core is images a second
of processor time, of the command and its processes together, which other programs on the machine
disturb less than the clock; images a second by the clock, over the number of processes, stand
beside it. Starting costs the same for one image and for a million, so it is measured apart, on one
image a process, and ratios are given with it and without. Floor and commands take turns in each
round; the medians are compared. Command:

    python benchmarks/scoring.py --images 5000
"""

import json
import multiprocessing
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

SOURCE = Path(__file__).resolve().parents[1] / "src"
sys.path.insert(0, str(SOURCE))
ENVIRONMENT = os.environ | {"PYTHONPATH": str(SOURCE)}


def floor(paths: list[Path]) -> tuple[float, float]:
    """Seconds by the clock and of the processor."""
    import cv2
    import numpy as np
    import onnxruntime

    from tumorscope.shipped import BUNDLE
    from tumorscope_serving.answers import CHUNK
    from tumorscope_serving.card import ModelCard
    from tumorscope_serving.predictor import BATCH
    from tumorscope_serving.slices import network_input, read_slice

    cv2.setNumThreads(1)
    card, options = ModelCard.read(BUNDLE), onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(BUNDLE / "network.onnx", options)
    name = session.get_inputs()[0].name
    clock, busy = time.perf_counter(), time.process_time()
    for first in range(0, len(paths), CHUNK):
        slices = np.stack(
            [
                read_slice(path.read_bytes(), card.image_size, card.framing)
                for path in paths[first : first + CHUNK]
            ]
        )
        for start in range(0, len(slices), BATCH):
            session.run(None, {name: network_input(slices[start : start + BATCH])})
    return time.perf_counter() - clock, time.process_time() - busy


def floors(paths: list[Path], processes: int) -> tuple[float, float]:
    """The floor in several processes at once, each with its share of the files.

    Seconds by the clock of the slowest, and of the processor of all.
    """
    shares = [paths[first::processes] for first in range(processes)]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        clocks, busy = zip(*pool.map(floor, shares, chunksize=1), strict=True)
    return max(clocks), sum(busy)


def command(source: Path, workers: int, check_input: str, *more: str) -> tuple[float, float]:
    """Seconds by the clock and of the processor of one `score`, its start included."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as out:
        subprocess.run(
            [sys.executable, "-m", "tumorscope", "score", str(source), "--model", "shipped"]
            + ["--workers", str(workers), "--check-input", check_input]
            + ["--out", f"{out}/scores.parquet", *more],
            env=ENVIRONMENT,
            check=True,
            stdout=subprocess.DEVNULL,
        )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - start, busy


def draw(folder: Path, images: int, distinct: int) -> list[Path]:
    """Draw phantoms; more images than distinct ones are copies, each a file of its own."""
    from tumorscope.config import PhantomsConfig
    from tumorscope.phantom.folder import draw_folder

    draw_folder(PhantomsConfig(count=distinct), folder / "drawn")
    drawn = sorted((folder / "drawn").glob("*/*.png"))
    drawn = [path for path in drawn if path.parent.name != "masks"]
    (folder / "slices").mkdir()
    for number in range(images):
        shutil.copy(drawn[number % len(drawn)], folder / "slices" / f"{number:06}.png")
    return sorted((folder / "slices").iterdir())


def few_of(paths: list[Path], folder: Path) -> Path:
    """A folder of these files alone."""
    folder.mkdir()
    for path in paths:
        shutil.copy(path, folder)
    return folder


@click.command()
@click.option("--images", default=5000, show_default=True, help="Slices that are scored.")
@click.option("--distinct", default=5000, show_default=True, help="Phantoms that are drawn.")
@click.option("--rounds", default=3, show_default=True, help="Of the floor and each command.")
@click.option("--report", default="", help="Also write the figures to this JSON file.")
def main(images: int, distinct: int, rounds: int, report: str) -> None:
    """Print a line a way of scoring."""
    cores = os.cpu_count() or 1
    ways: dict[str, list[tuple[float, float]]] = {}
    starts: dict[str, list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as place:
        paths = draw(Path(place), images, min(distinct, images))
        folder = Path(place, "slices")
        few = {count: few_of(paths[:count], Path(place, f"few_{count}")) for count in {1, cores}}
        for _ in range(rounds):
            for workers in sorted(few):
                ways.setdefault(f"floor x {workers}", []).append(floors(paths, workers))
                for name, checks in (("score", "true"), ("unchecked score", "false")):
                    way = f"{name} x {workers}"
                    start = command(few[workers], workers, checks, "--chunk", "1")
                    starts.setdefault(way, []).append(start)
                    ways.setdefault(way, []).append(command(folder, workers, checks))
    figures = {}
    for way, seconds in ways.items():
        processes = int(way.split()[-1])
        clock, busy = (statistics.median(each) for each in zip(*seconds, strict=True))
        begun = starts.get(way, [(0.0, 0.0)])
        start, start_busy = (statistics.median(each) for each in zip(*begun, strict=True))
        figures[way] = {
            "start_s": start,
            "per_core": images / busy,
            "per_core_after_start": images / (busy - start_busy),
            "by_clock": images / clock / processes,
            "by_clock_after_start": images / (clock - start) / processes,
        }
    click.echo(f"{images} slices, medians of {rounds} rounds; images a second and core:")
    for way, of in figures.items():
        floor_of = figures[f"floor x {way.split()[-1]}"]
        shares = {name: of[name] / floor_of[name] for name in of if name != "start_s"}
        click.echo(
            f"  {way:20} {of['per_core']:5.0f} of processor time ({shares['per_core']:.0%} of the "
            f"floor), {of['per_core_after_start']:5.0f} after {of['start_s']:.1f} s of start "
            f"({shares['per_core_after_start']:.0%}); by the clock {of['by_clock']:.0f} "
            f"({shares['by_clock']:.0%}), {of['by_clock_after_start']:.0f} after start "
            f"({shares['by_clock_after_start']:.0%})"
        )
    if report:
        Path(report).write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
