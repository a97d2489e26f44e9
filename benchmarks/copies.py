"""How many copies of training slices are recognized by fingerprints, and how many other slices?

    python benchmarks/copies.py --data /path/to/slices

Every slice of the folder is taken for a training slice; copies of it are made in many ways and
looked for. Then each slice is looked for among all others but those of its duplicate group: what
is found there is a false match. For research and education only; not a medical device.
"""

import argparse
import io
import time
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from tumorscope.learning.copies import THRESHOLD, find_copies, likenesses
from tumorscope.learning.dataset import load_dataset
from tumorscope.learning.duplicates import duplicate_groups, thumbnails
from tumorscope.learning.fingerprints import fingerprints, wide_views
from tumorscope_serving.decoding import decode_gray


def compressed(gray: np.ndarray, quality: int = 50) -> np.ndarray:
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(gray)).save(stream, "JPEG", quality=quality)
    return decode_gray(stream.getvalue())


def cropped(gray: np.ndarray, *shares: float) -> np.ndarray:
    """Cut shares of height and width off: top, bottom, left, right, or one for all."""
    top, bottom, left, right = shares * 4 if len(shares) == 1 else shares
    height, width = gray.shape
    rows = slice(round(top * height), height - round(bottom * height))
    return gray[rows, round(left * width) : width - round(right * width)]


def padded(gray: np.ndarray, share: float, value: int) -> np.ndarray:
    down, across = (round(side * share) for side in gray.shape)
    return cv2.copyMakeBorder(
        gray, down, down, across, across, cv2.BORDER_CONSTANT, value=(value,) * 4
    )


WAYS = {
    "mirrored": lambda gray: gray[:, ::-1],
    "upside down": lambda gray: gray[::-1],
    "turned by 180 degrees": lambda gray: gray[::-1, ::-1],
    "JPEG, quality 75": lambda gray: compressed(gray, 75),
    "JPEG, quality 30": lambda gray: compressed(gray, 30),
    "cropped by 2 % a side": lambda gray: cropped(gray, 0.02),
    "cropped by 5 % a side": lambda gray: cropped(gray, 0.05),
    "cropped by 6 % on one side": lambda gray: cropped(gray, 0, 0, 0.06, 0),
    "black margin of 10 %": lambda gray: padded(gray, 0.1, 0),
    "black margin of 20 %": lambda gray: padded(gray, 0.2, 0),
    "white margin of 10 %": lambda gray: padded(gray, 0.1, 255),
    "resized to 180 pixels": lambda gray: cv2.resize(
        gray, (180, max(16, round(180 * gray.shape[0] / gray.shape[1]))), None, 0, 0, cv2.INTER_AREA
    ),
    "gamma 0.8": lambda gray: (255 * (gray / 255) ** 0.8).astype(np.uint8),
    "mirrored, cropped by 3 %, JPEG 50": lambda gray: compressed(cropped(gray[:, ::-1], 0.03)),
    "upside down, white margin, JPEG 50": lambda gray: compressed(padded(gray[::-1], 0.08, 255)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder of slices")
    dataset = load_dataset(parser.parse_args().data, 128, "head")
    grays = [decode_gray(Path(dataset.root, path).read_bytes()) for path in dataset.table["path"]]
    groups = duplicate_groups(dataset.thumbnails, list(dataset.table["sha256"]))
    known = fingerprints(dataset.views)
    print(f"{len(grays)} slices, {known[0].nbytes} bytes of fingerprint each.")
    print(f"{'copies':38}{'recognized':>12}{'by thumbnails':>15}")
    found, total = 0, 0
    for name, make in WAYS.items():
        copies = [np.ascontiguousarray(make(gray)) for gray in grays]
        hits = find_copies(np.stack([wide_views(copy) for copy in copies]), known)
        small = np.stack([thumbnails(copy) for copy in copies])
        paired = [
            len(set(duplicate_groups(np.stack(pair)))) == 1
            for pair in zip(dataset.thumbnails, small, strict=True)
        ]
        found, total = found + hits.sum(), total + len(hits)
        print(f"{name:38}{hits.mean():12.1%}{np.mean(paired):15.1%}", flush=True)
    print(f"{'all':38}{found / total:12.1%}   ({found} of {total})")
    start = time.perf_counter()
    others = np.array(
        [
            likenesses(dataset.views[[index]], known[groups != group])[0]
            for index, group in enumerate(groups)
        ]
    )
    duration_ms = 1000 * (time.perf_counter() - start) / len(groups)
    distinct = len(np.unique(groups[others >= THRESHOLD]))
    print(
        f"Others taken for a copy: {distinct} of {len(np.unique(groups))} distinct pictures; their "
        f"likeness is {np.quantile(others, 0.95):.3f} at the 95th percentile, {others.max():.3f} "
        f"at most. {duration_ms:.0f} ms a slice."
    )


if __name__ == "__main__":
    main()
