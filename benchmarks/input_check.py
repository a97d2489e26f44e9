"""Calibrate the check that refuses pictures of no head, and print how much of what it refuses.

It learns from phantoms, as drawn and changed, and schematic heads (head_variants.py), against drawn
pictures of other things (other_pictures.py) and pictures that Debian packages ship. What it is
measured on comes from other phantoms, other kinds of drawings and other packages, and from real
slices, of which none was learned from. The threshold refuses some 3 % of the phantoms in planes
of the brain.
Commands (the first one fetches 600 MB; the second writes src/tumorscope_serving/input_check.npz):

    benchmarks/input_check_pictures.sh PICTURES
    python benchmarks/input_check.py --pictures PICTURES --data FOLDER --write true
"""

import json
import multiprocessing
import os
import pickle
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import click
import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from head_variants import VARIANTS, schematic  # noqa: E402
from other_pictures import CALIBRATION, HELD_OUT, OF_HEADS  # noqa: E402
from tumorscope.config import PhantomConfig  # noqa: E402
from tumorscope.phantom.draw import draw_phantom  # noqa: E402
from tumorscope.phantom.plane import LEVELS_MM  # noqa: E402
from tumorscope_serving.bounds import UnreadableSliceError  # noqa: E402
from tumorscope_serving.decoding import decode_gray  # noqa: E402
from tumorscope_serving.descriptors import FACTS, descriptors  # noqa: E402
from tumorscope_serving.heads import find_head  # noqa: E402
from tumorscope_serving.input_check import MIN_SPREAD, PARAMETERS_FILE, InputCheck  # noqa: E402

SEED, CALIBRATION_STREAM, MEASURING_STREAM = 5, 0, 1
PHANTOMS = {CALIBRATION_STREAM: 6000, MEASURING_STREAM: 3000}
PROCESSES = 4 * (os.cpu_count() or 1)
CHANGES = {CALIBRATION_STREAM: 4, MEASURING_STREAM: 1}  # of each phantom
SCHEMATIC, DRAWN = 2400, 800  # heads, and other things of each kind, to calibrate with
# What drawn heads seldom show and users often ask about counts so many times.
COUNTED = {("variant", "great_mass"): 3, ("variant", "tiny"): 2, ("schematic", "drawn"): 2}
HIDDEN, NETWORKS, DECAY, EPOCHS = 48, 4, 1.0, 10
# Source: (files looked at, at most this many, drawn by lot).
CALIBRATION_SOURCES = {
    "gnome-backgrounds": ("usr/share/backgrounds/**/*", 100),
    "plasma-workspace-wallpapers": ("usr/share/wallpapers/**/images/*", 60),
    "tuxpaint-stamps-default": ("usr/share/tuxpaint/stamps/**/*", 400),
    "openclipart-png": ("usr/share/openclipart/png/**/*", 700),
    "stellarium-data": ("usr/share/stellarium/nebulae/**/*", 250),
}
HELD_OUT_SOURCES = {
    "mate-backgrounds": ("usr/share/**/*", 100),
    "lxqt-themes": ("usr/share/lxqt/wallpapers/*", 100),
    "desktop-base": ("usr/share/**/*", 100),
    "opencv-doc": ("usr/share/doc/opencv-doc/opencv4/html/*", 200),
    "opencv-doc samples": ("usr/share/doc/opencv-doc/examples/data/*", 100),
    "tango-icon-theme": ("usr/share/icons/Tango/**/*", 200),
    "marble-data": ("usr/share/doc/HTML/en/**/*", 100),
    "scikit-image": ("skimage/data/*", 100),
    "insighttoolkit5-examples": ("usr/share/doc/**/Data/*", 100),
}
# True slices of heads, or drawings of one, among them.
HEADS_AMONG = ("Brain", "phantom.png")
MIN_BYTES, MAX_BYTES = 1_000, 1_500_000  # larger files take seconds to decode


def phantoms_of(stream: int, work: Path) -> list[tuple[np.ndarray, dict]]:
    """Phantoms of a stream, at 128 and 256 pixels; kept in the folder."""
    kept = work / f"phantoms_{stream}.pkl"
    if not kept.exists():
        with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
            numbers = [(stream, number) for number in range(PHANTOMS[stream])]
            kept.write_bytes(pickle.dumps(pool.starmap(_phantom, numbers, chunksize=100)))
    return pickle.loads(kept.read_bytes())


def _phantom(stream: int, number: int) -> tuple[np.ndarray, dict]:
    config = PhantomConfig(image_size=(128, 256)[number // 2 % 2])
    phantom = draw_phantom(np.random.default_rng((SEED, stream, number)), config)
    return phantom.slice, phantom.description


def shipped_pictures(folder: Path, source: str, pattern: str, most: int) -> Iterator[np.ndarray]:
    """Gray pictures of a source, drawn by lot; as large as 512 pixels."""
    found = sorted((folder / source.split()[0]).glob(pattern))
    found = [
        path
        for path in found
        if path.is_file()
        and MIN_BYTES <= path.stat().st_size <= MAX_BYTES
        and not any(word in path.name for word in HEADS_AMONG)
    ]
    np.random.default_rng(SEED).shuffle(found)
    count = 0
    for path in found:
        try:
            gray = decode_gray(path.read_bytes())
        except UnreadableSliceError:
            continue
        scale = 512 / max(gray.shape)
        if scale < 1:
            gray = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        if min(gray.shape) >= 16:
            count += 1
            yield gray
        if count == most:
            return


def pieces(gray: np.ndarray, rng: np.random.Generator, count: int) -> Iterator[np.ndarray]:
    """The picture and parts of it."""
    yield gray
    height, width = gray.shape
    for _ in range(count if min(gray.shape) >= 100 else 0):
        part = rng.uniform(0.3, 0.8, 2) * (height, width)
        top, left = (rng.uniform(0, 1, 2) * ((height, width) - part)).astype(int)
        yield gray[top : top + int(part[0]), left : left + int(part[1])]


Described = dict[tuple[str, str], np.ndarray]


def describe(gray: np.ndarray) -> np.ndarray:
    """Descriptors of one picture."""
    return descriptors([find_head(gray)])[0]


def describe_heads(stream: int, work: Path, each_variant: bool) -> Described:
    """Descriptors by variant of phantoms, each as drawn and changed."""
    phantoms = phantoms_of(stream, work)
    rows: dict[tuple[str, str], list[np.ndarray]] = {}
    rng = np.random.default_rng((SEED, stream, 7))
    names = [name for name in VARIANTS if name != "as_drawn"]
    for number, (head, facts) in enumerate(phantoms):
        rows.setdefault(("phantom", "as drawn"), []).append(describe(head))
        if each_variant:
            low, high = LEVELS_MM[facts["plane"]]
            where = "brain" if low <= facts["level_mm"] <= high else "beyond the brain"
            groups = {"plane": facts["plane"], "contrast": facts["contrast"], "level": where}
            for group in groups.items():
                rows.setdefault(group, []).append(rows["phantom", "as drawn"][-1])
        for change in range(CHANGES[stream]):
            name = names[(number * CHANGES[stream] + change) % len(names)]
            rows.setdefault(("variant", name), []).append(describe(VARIANTS[name](rng, head)))
    return {key: np.stack(value) for key, value in rows.items()}


def describe_others(
    kinds: dict, sources: dict, of_each: int, parts: int, stream: int, pictures: Path, work: Path
) -> Described:
    """Descriptors of drawn kinds and of sources."""
    heads = [head for head, _ in phantoms_of(stream, work)[:500]]
    tasks = [("drawn", name, (draw, of_each, stream, None)) for name, draw in kinds.items()]
    tasks += [("of heads", one.__name__, (one, of_each, stream, heads)) for one in OF_HEADS]
    tasks += [("shipped", name, (pictures, name, *of, parts)) for name, of in sources.items()]
    with multiprocessing.get_context("spawn").Pool(PROCESSES, cv2.setNumThreads, (1,)) as pool:
        found = pool.starmap(_describe, [(group, what) for group, _, what in tasks], chunksize=1)
    for (group, name, _), rows in zip(tasks, found, strict=True):
        if not len(rows):
            raise click.UsageError(f"No pictures of {group} {name} are in {pictures}.")
    return {(group, name): rows for (group, name, _), rows in zip(tasks, found, strict=True)}


def _describe(group: str, what: tuple) -> np.ndarray:
    if group == "shipped":
        pictures, source, pattern, most, parts = what
        rng = np.random.default_rng(SEED)
        shown = shipped_pictures(pictures, source, pattern, most)
        return np.array([describe(piece) for gray in shown for piece in pieces(gray, rng, parts)])
    draw, count, stream, heads = what
    rng = np.random.default_rng((SEED, stream, 8))
    arguments = (rng,) if heads is None else (rng, heads)
    return np.array([describe(draw(*arguments)) for _ in range(count)])


def describe_real(data: str) -> tuple[np.ndarray, list[str]]:
    """Descriptors of real slices, and their names."""
    from tumorscope.learning.dataset import load_dataset

    dataset = load_dataset(data, 32, "head")
    paths = list(dataset.table["path"])
    described = [describe(decode_gray((dataset.root / path).read_bytes())) for path in paths]
    return np.stack(described), [str(path) for path in paths]


def learn(heads: Described, others: Described) -> dict[str, np.ndarray]:
    """Fit a perceptron; return its arrays, and how far the facts of heads reach."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    # So few epochs are meant: with 25 it refused fewer of the pictures that it had not seen.
    warnings.simplefilter("ignore", ConvergenceWarning)
    positive = np.concatenate(
        [rows for key, rows in heads.items() for _ in range(COUNTED.get(key, 1))]
    )
    # Twice, since there are half as many of them as of heads.
    negative = np.concatenate(list(others.values()) * 2)
    features = np.concatenate([positive, negative])
    labels = np.repeat([1, 0], [len(positive), len(negative)])
    mean, deviation = features.mean(0), features.std(0) + 1e-3
    scaled = np.clip((features - mean) / deviation, -5, 5)
    networks = [
        MLPClassifier((HIDDEN,), alpha=DECAY, batch_size=256, max_iter=EPOCHS, random_state=seed)
        for seed in range(NETWORKS)
    ]
    for network in networks:
        network.fit(scaled, labels)
    facts = heads["phantom", "as drawn"][:, : len(FACTS)]
    low, high = np.percentile(facts, (0.2, 99.8), axis=0)
    return {
        "mean": mean,
        "deviation": deviation,
        # The mean of several networks' logits is one network, as wide as all of them.
        "weights_in": np.concatenate([one.coefs_[0] for one in networks], axis=1),
        "bias_in": np.concatenate([one.intercepts_[0] for one in networks]),
        "weights_out": np.concatenate([one.coefs_[1][:, 0] for one in networks]) / NETWORKS,
        "bias_out": np.mean([one.intercepts_[1][0] for one in networks]),
        "threshold": np.float64(0),
        "facts_low": low,
        "facts_high": high,
    }


def write(parameters: dict[str, np.ndarray], path: Path) -> None:
    """Half precision is enough for weights of inputs within 5 deviations."""
    np.savez_compressed(
        path,
        **{
            name: np.asarray(value, np.float16 if name == "weights_in" else np.float32)
            for name, value in parameters.items()
        },
    )


def kept(path: Path, make) -> object:
    if not path.exists():
        path.write_bytes(pickle.dumps(make()))
    return pickle.loads(path.read_bytes())


def refused(check: InputCheck, rows: np.ndarray) -> np.ndarray:
    blank = rows[:, FACTS.index("spread")] * 64 < MIN_SPREAD
    return blank | (check.scores(rows) < check.threshold)


def print_shares(title: str, check: InputCheck, described: Described) -> dict[str, dict]:
    click.echo(f"\n{title}\n{'':12} {'':28} {'pictures':>8} {'refused':>8}")
    shares = {}
    for (group, name), rows in described.items():
        share = float(refused(check, rows).mean())
        shares[f"{group}: {name}"] = {"pictures": len(rows), "refused": share}
        click.echo(f"{group:12} {name:28} {len(rows):8} {share:8.1%}")
    return shares


@click.command()
@click.option("--pictures", required=True, help="Folder that input_check_pictures.sh filled.")
@click.option("--data", default="", help="Folder of real slices.")
@click.option("--work", default="input_check", help="Folder for what is drawn and described.")
@click.option("--threshold", default=1.5, help="Log-odds of a head below which is refused.")
@click.option("--write", "writes", default=False, type=bool, help="Calibrate and write.")
@click.option("--report", default="", help="Also write the figures to this JSON file.")
def main(pictures: str, data: str, work: str, threshold: float, writes: bool, report: str) -> None:
    """Print tables of what is refused."""
    folder, shown = Path(work), Path(pictures)
    folder.mkdir(exist_ok=True)
    if writes:
        heads = kept(folder / "heads_0.desc", lambda: describe_heads(0, folder, False))
        rng = np.random.default_rng((SEED, 9))
        heads["schematic", "drawn"] = np.array([describe(schematic(rng)) for _ in range(SCHEMATIC)])
        others = kept(
            folder / "others_0.desc",
            lambda: describe_others(CALIBRATION, CALIBRATION_SOURCES, DRAWN, 1, 0, shown, folder),
        )
        parameters = learn(heads, others)
        parameters["threshold"] = np.float64(threshold)
        write(parameters, PARAMETERS_FILE)
    check = InputCheck()
    tables = {}
    if writes:
        tables["calibration"] = print_shares("Calibrated on", check, heads | others)
    heads = kept(folder / "heads_1.desc", lambda: describe_heads(1, folder, True))
    others = kept(
        folder / "others_1.desc",
        lambda: describe_others(HELD_OUT, HELD_OUT_SOURCES, 60, 0, 1, shown, folder),
    )
    more = kept(
        folder / "others_2.desc",
        lambda: describe_others(CALIBRATION, {}, 40, 0, 1, shown, folder),
    )
    tables["heads"] = print_shares("Held out: heads", check, heads)
    tables["others"] = print_shares("Held out: other things", check, others)
    all_of = np.concatenate([rows for (group, _), rows in others.items() if group != "of heads"])
    click.echo(f"{'all':12} {'':28} {len(all_of):8} {refused(check, all_of).mean():8.1%}")
    tables["new"] = print_shares("New drawings of calibrated kinds", check, more)
    if data:
        described, names = kept(folder / "real.desc", lambda: describe_real(data))
        tables["real"] = print_shares("Real slices", check, {("real", "all"): described})
        scores = check.scores(described)
        for index in np.argsort(scores)[:8]:
            click.echo(f"  {names[index]:20} log-odds {scores[index]:.2f}")
    if report:
        Path(report).write_text(json.dumps(tables, indent=2) + "\n")


if __name__ == "__main__":
    main()
