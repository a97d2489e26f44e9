"""A sheet of phantoms: the upper half with tumors, the lower half without. Drawn pictures only.

Command:

    python benchmarks/phantom_sheet.py --out docs/phantoms.png
"""

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

CAPTION_PX, GAP_PX = 22, 2
CAPTIONS = {True: "Phantoms with a tumor", False: "Phantoms without a tumor"}


def draw_slices(tumor: bool, seed: int, size: int) -> Iterator[np.ndarray]:
    """Draw phantoms without end; planes without brain are left out of those with a tumor."""
    from tumorscope.config import PhantomConfig
    from tumorscope.phantom import draw_phantom

    for number in itertools.count():
        rng = np.random.default_rng(np.random.SeedSequence((seed, int(tumor), number)))
        phantom = draw_phantom(rng, PhantomConfig(image_size=size), tumor)
        if phantom.label == tumor:
            yield phantom.slice


def draw_rows(tumor: bool, seed: int, rows: int, columns: int, size: int) -> np.ndarray:
    """Draw phantoms side by side, one gap apart."""
    step = size + GAP_PX
    sheet = np.full((rows * step - GAP_PX, columns * step - GAP_PX), 255, np.uint8)
    places = itertools.product(range(0, rows * step, step), range(0, columns * step, step))
    for (top, left), one in zip(places, draw_slices(tumor, seed, size), strict=False):
        sheet[top : top + size, left : left + size] = one
    return sheet


def with_caption(sheet: np.ndarray, caption: str) -> np.ndarray:
    """Put a line of text above a sheet."""
    line = Image.new("L", (sheet.shape[1], CAPTION_PX), 255)
    ImageDraw.Draw(line).text((2, 3), caption, fill=0, font=ImageFont.load_default(14))
    return np.vstack([np.asarray(line), sheet])


@click.command()
@click.option("--out", required=True, help="PNG file to write.")
@click.option("--seed", default=0, show_default=True)
@click.option("--columns", default=10, show_default=True)
@click.option("--rows", default=2, show_default=True, help="Rows of each half.")
@click.option("--size", default=128, show_default=True, help="Width of a phantom in pixels.")
def main(out: str, seed: int, columns: int, rows: int, size: int) -> None:
    """Write the sheet and print its size."""
    cv2.setNumThreads(1)
    halves = [
        with_caption(draw_rows(tumor, seed, rows, columns, size), caption)
        for tumor, caption in CAPTIONS.items()
    ]
    Image.fromarray(np.vstack(halves)).save(out, optimize=True)
    click.echo(f"{out}: {Path(out).stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
