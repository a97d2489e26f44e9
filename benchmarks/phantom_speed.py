"""How many phantoms are drawn in a second: by one core, and by all worker processes together.

One core means one process with one thread of OpenCV; its figure is given by the clock and by
processor time, which other programs on the machine disturb less. The worker processes also write
their files, as `python -m tumorscope phantoms` does; their start (the head is built once in each)
is measured apart, as the time until the first phantoms come. Command:

    python benchmarks/phantom_speed.py --count 2000
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import click
import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))


def one_core(count: int) -> dict[str, float]:
    """Draw in this process, keeping nothing."""
    from tumorscope.config import PhantomConfig
    from tumorscope.phantom import draw_pair, draw_phantom
    from tumorscope.phantom.atlas import load_atlas

    cv2.setNumThreads(1)
    start = time.perf_counter()
    load_atlas()
    atlas_s = time.perf_counter() - start
    rng, config = np.random.default_rng(0), PhantomConfig()
    for _ in range(20):  # the first ones fill caches
        draw_phantom(rng, config)
    start, busy = time.perf_counter(), time.process_time()
    for _ in range(count):
        draw_phantom(rng, config)
    figures = {
        "atlas_s": atlas_s,
        "per_s": count / (time.perf_counter() - start),
        "per_processor_s": count / (time.process_time() - busy),
    }
    busy = time.process_time()
    for _ in range(count // 2):
        draw_pair(rng, config)
    return figures | {"in_pairs_per_processor_s": count / (time.process_time() - busy)}


def all_processes(count: int, processes: int) -> dict[str, float]:
    """Draw a folder, as the command does."""
    from tumorscope.config import PhantomsConfig
    from tumorscope.phantom.folder import draw_folder

    told = []
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        draw_folder(
            PhantomsConfig(count=count),
            Path(folder, "phantoms"),
            lambda done, total: told.append((done, time.perf_counter())),
            processes,
        )
        whole_s = time.perf_counter() - start
    (first, began), (last, ended) = told[0], told[-1]
    return {
        "start_s": began - start,
        "per_s": (last - first) / (ended - began),
        "per_s_with_start": count / whole_s,
    }


@click.command()
@click.option("--count", default=2000, show_default=True, help="Phantoms of each measure.")
@click.option("--processes", default=os.cpu_count(), show_default=True, help="At least 2.")
@click.option("--report", default="", help="Also write the figures to this JSON file.")
def main(count: int, processes: int, report: str) -> None:
    """Print both measures."""
    one = one_core(count)
    click.echo(
        f"one process: {one['per_s']:.0f} phantoms a second, {one['per_processor_s']:.0f} a second "
        f"of processor time, {one['in_pairs_per_processor_s']:.0f} where a head is drawn with and "
        f"without its tumor; the head takes {one['atlas_s']:.1f} s, once"
    )
    many = all_processes(count, processes)
    click.echo(
        f"{processes} processes, files written: {many['per_s']:.0f} phantoms a second after "
        f"{many['start_s']:.1f} s of start; {many['per_s_with_start']:.0f} a second with it"
    )
    if report:
        Path(report).write_text(json.dumps({"one_process": one, "processes": many}, indent=2))


if __name__ == "__main__":
    main()
