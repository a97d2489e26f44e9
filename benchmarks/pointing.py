"""Does the heat map point at the tumor? On phantoms, whose tumors' masks are known.

Compared are the pyramid that has learned from masks, HiResCAM (Draelos and Carin, 2020) on two
maps of the network, the middle of the head, and chance. Then the network's weights are shuffled,
block by block from its end (Adebayo et al., NeurIPS 2018): a map that goes on pointing would have
learned nothing from them. Last comes what an explained answer costs.
Command:

    python benchmarks/pointing.py --bundle FOLDER --sheet heat-maps.png
"""

import json
import sys
import time
from pathlib import Path

import click
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

SIZES_MM = ((0, 10), (10, 20), (20, 40), (40, 200), (10, 200))
BATCH = 100


def hirescam(network, name: str, inputs: np.ndarray) -> np.ndarray:
    """Sum over channels of map times the logit's gradient, where it is positive; (n, h, w)."""
    import keras
    import tensorflow as tf

    outputs = [network.get_layer(each).output for each in (name, "features")]
    both, logit = keras.Model(network.input, outputs), keras.layers.Dense(1)
    logit.build(outputs[1].shape)
    logit.set_weights(network.get_layer("score").get_weights())
    heat = []
    for start in range(0, len(inputs), BATCH):
        with tf.GradientTape() as tape:
            slices = tf.convert_to_tensor(inputs[start : start + BATCH])
            tape.watch(slices)  # so that what becomes of them is recorded
            found, features = both(slices, training=False)
            answer = logit(features)
        heat.append(tf.nn.relu(tf.reduce_sum(found * tape.gradient(answer, found), -1)).numpy())
    heat = np.concatenate(heat)
    return heat / np.maximum(heat.max(axis=(1, 2), keepdims=True), 1e-9)


def shuffled(network, blocks: list[str], seed: int):
    """A copy of the network whose convolutions in these blocks have their weights shuffled."""
    import keras

    rng, copy = np.random.default_rng(seed), keras.models.clone_model(network)
    copy.set_weights(network.get_weights())
    for layer in copy.layers:
        block = "_".join(layer.name.split("_")[:2])  # of block_2_residual, say
        if isinstance(layer, keras.layers.Conv2D) and block in blocks:
            layer.set_weights([rng.permuted(w, axis=None) for w in layer.get_weights()])
    return copy


def line(name: str, inside: np.ndarray, dice: np.ndarray, detected, diameters) -> dict:
    """Print one row of the table and return its figures."""
    row = {}
    for low, high in SIZES_MM:
        large = (diameters >= low) & (diameters < high)
        for which, chosen in (("detected", large & detected), ("all", large)):
            share = float(inside[chosen].mean()) if chosen.any() else float("nan")
            row[f"{low}-{high} mm, {which}"] = {"n": int(chosen.sum()), "inside": share}
    chosen = (diameters >= 10) & detected
    row["overlap"] = float(dice[chosen].mean())
    cells = "".join(
        f"{row[f'{low}-{high} mm, detected']['inside']:>8.3f}"
        f"{row[f'{low}-{high} mm, all']['inside']:>7.3f}"
        for low, high in SIZES_MM
    )
    click.echo(f"{name:28}{cells}{row['overlap']:>9.3f}")
    return row


def cost(bundle: str, slices: np.ndarray) -> float:
    """CPU time of an explained answer over that of a plain one, both from PNG to table."""
    import cv2
    import pandas as pd

    from tumorscope_serving.answers import load_model
    from tumorscope_serving.pyfunc import TableModel

    model = TableModel(load_model(Path(bundle)))
    times = {False: [], True: []}
    for one in slices:
        table = pd.DataFrame({"image": [cv2.imencode(".png", one)[1].tobytes()]})
        for explained in times:
            start = time.process_time()
            model.predict(table, {"explain": explained})
            times[explained].append(time.process_time() - start)
    plain, explained = (float(np.median(times[each][10:])) for each in (False, True))
    click.echo(f"One answer: plain {1e3 * plain:.2f} ms, explained {1e3 * explained:.2f} ms")
    click.echo(f"An explained answer takes {explained / plain:.2f} times as long")
    return explained / plain


@click.command()
@click.option("--bundle", default="src/tumorscope/shipped", show_default=True)
@click.option("--phantoms", default=3000, show_default=True, help="Half of them with a tumor.")
@click.option("--seed", default=0, show_default=True)
@click.option("--sheet", default="", help="Also draw slices with their heat to this PNG.")
@click.option("--report", default="", help="Also write the figures to this JSON file.")
def main(bundle: str, phantoms: int, seed: int, sheet: str, report: str) -> None:
    """Print how often each method's hottest pixel lies inside the tumor."""
    import keras

    from tumorscope.config import DISCLAIMER, PhantomConfig
    from tumorscope.learning.bundle import KERAS_FILE
    from tumorscope.learning.heat_sheet import heat_sheet
    from tumorscope.learning.localization import with_heat
    from tumorscope.learning.pointing import overlaps, peaks_inside
    from tumorscope.phantom.stream import POINTING_STREAM, draw_batch
    from tumorscope_serving.explanation import smoothed
    from tumorscope_serving.predictor import HEAT, Predictor
    from tumorscope_serving.slices import network_input

    predictor = Predictor(Path(bundle))
    if not predictor.has_heat:
        raise click.ClickException(
            f"{bundle} carries no heat map: give one that `pretrain` has made with masks."
        )
    size, framing = predictor.card.image_size, predictor.card.framing
    batch = draw_batch(seed, POINTING_STREAM, 0, phantoms, framing, PhantomConfig(image_size=size))
    tumors = batch.labels == 1
    slices, masks = batch.slices[tumors], batch.masks[tumors]
    diameters = np.array([d["tumor_diameter_mm"] or 0 for d in batch.descriptions])[tumors]
    probabilities, heat = predictor.explained(slices)
    detected = probabilities >= predictor.card.threshold
    network = keras.saving.load_model(Path(bundle, KERAS_FILE), compile=False)
    inputs, rng = network_input(slices), np.random.default_rng(seed)
    middle = np.zeros(heat.shape, np.float32)
    middle[:, heat.shape[1] // 2, heat.shape[2] // 2] = 1
    as_learned = with_heat(network).predict(inputs, batch_size=256, verbose=0)[HEAT][..., 0]
    methods = {
        "pyramid, learned from masks": heat,
        "not smoothed": as_learned,
        "HiResCAM, last map (4 x 4)": hirescam(network, "block_5", inputs),
        "HiResCAM, 16 x 16": hirescam(network, "block_3", inputs),
        "middle of the head": middle,
        "chance": rng.random(heat.shape, np.float32),
    }
    for count in range(1, 6):
        blocks = [f"block_{number}" for number in range(6 - count, 6)]
        model = with_heat(shuffled(network, blocks, seed))
        name = "shuffled: " + ", ".join(block[-1] for block in blocks)
        methods[name] = smoothed(model.predict(inputs, batch_size=256, verbose=0)[HEAT][..., 0])
    click.echo(
        f"{len(slices)} tumors, {int(detected.sum())} detected. Share of peaks inside, "
        f"detected and all, by diameter in mm"
    )
    sizes = "".join(f"{f'{low}-{high}':>8}{'all':>7}" for low, high in SIZES_MM)
    click.echo(f"{'':28}{sizes}{'Dice':>9}")
    rows = {
        name: line(name, peaks_inside(each, masks), overlaps(each, masks), detected, diameters)
        for name, each in methods.items()
    }
    ratio = cost(bundle, batch.slices[:300])
    if sheet:
        (figure,) = heat_sheet(predictor, batch.slices, batch.labels, batch.masks).values()
        figure.savefig(sheet)
    click.echo(DISCLAIMER)
    if report:
        Path(report).write_text(json.dumps({"pointing": rows, "time_ratio": ratio}, indent=2))


if __name__ == "__main__":
    main()
