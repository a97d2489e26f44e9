import numpy as np
import onnxruntime
import pytest

from tumorscope.config import LocalizationConfig, PretrainingConfig
from tumorscope.errors import SettingError
from tumorscope.learning.averaging import average_network
from tumorscope.learning.bundle import export_network, model_card, write_bundle
from tumorscope.learning.localization import build_head, load_head, with_heat
from tumorscope.learning.mask_teaching import coverage, heat_loss, train_head
from tumorscope.learning.networks import build_network
from tumorscope.learning.pointing import peaks_inside
from tumorscope.learning.training import predict_scores
from tumorscope_serving.predictor import HEAT, NETWORK_FILE, SCORE
from tumorscope_serving.slices import network_input

SIZE = 32


def network(seed: int = 0, name: str = "compact", size: int = SIZE):
    return build_network(name, image_size=size, width=4, dropout=0.0, seed=seed)


@pytest.fixture(scope="module")
def blobs():
    """Noise with a bright square in half of the slices, and its mask."""
    rng = np.random.default_rng(0)
    slices = rng.integers(0, 60, (96, SIZE, SIZE)).astype(np.uint8)
    masks = np.zeros(slices.shape, bool)
    for one in range(0, len(slices), 2):
        top, left = rng.integers(2, SIZE - 10, 2)
        masks[one, top : top + 8, left : left + 8] = True
    slices[masks] += 150
    return slices, masks


def test_a_head_leaves_the_network_and_its_scores_as_they_are(blobs):
    slices, masks = blobs
    trunk = network()
    before, scores = trunk.get_weights(), predict_scores(trunk, network_input(slices))
    trainable = [layer.trainable for layer in trunk.layers]

    head = train_head(trunk, slices, masks, LocalizationConfig(passes=1, slices=96))

    assert all(map(np.array_equal, before, trunk.get_weights()))
    assert [layer.trainable for layer in trunk.layers] == trainable
    both = with_heat(trunk, head).predict(network_input(slices), batch_size=256, verbose=0)
    assert np.array_equal(both[SCORE][:, 0], scores)


def test_a_head_learns_to_point(blobs):
    slices, masks = blobs
    losses = []

    head = train_head(
        network(),
        slices[:64],
        masks[:64],
        LocalizationConfig(passes=12, batch_size=8, slices=64),
        lambda number, metrics: losses.append(metrics["localization_loss"]),
    )

    answers = with_heat(network(), head).predict(network_input(slices[64:]), verbose=0)
    assert losses[-1] < losses[0] / 2
    assert peaks_inside(answers[HEAT][::2, ..., 0], masks[64::2]).mean() > 0.8
    assert answers[HEAT][1::2].max(axis=(1, 2)).mean() < answers[HEAT][::2].max(axis=(1, 2)).mean()


def test_the_loss_is_lower_where_the_heat_is_on_the_tumor():
    covered = np.zeros((1, 4, 4, 1), np.float32)
    covered[0, 1, 1] = 1
    right, wrong = np.full(covered.shape, 0.1, np.float32), np.full(covered.shape, 0.1, np.float32)
    right[0, 1, 1], wrong[0, 2, 2] = 0.9, 0.9

    assert float(heat_loss(covered, right)[0]) < float(heat_loss(covered, wrong)[0])


def test_coverage_is_the_share_of_each_cell():
    masks = np.zeros((1, 4, 4), bool)
    masks[0, :2, :2] = True
    masks[0, 2, 2] = True

    assert coverage(masks, 2)[0, ..., 0].tolist() == [[1.0, 0.0], [0.0, 0.25]]


def test_an_average_has_the_mean_of_its_networks_heat():
    networks = [network(seed) for seed in (1, 2)]
    head = build_head(networks[0], seed=0)
    inputs = np.random.default_rng(0).random((3, SIZE, SIZE, 1), dtype=np.float32)

    answers = with_heat(average_network(networks), head).predict(inputs, verbose=0)

    each = [with_heat(one, head)(inputs, training=False) for one in networks]
    for name in (HEAT, SCORE):
        mean = np.mean([np.asarray(answer[name]) for answer in each], axis=0)
        assert answers[name] == pytest.approx(mean, abs=1e-6)


def test_only_a_network_with_the_blocks_of_the_head_carries_one():
    head = build_head(network(), seed=0)

    assert with_heat(network(name="reference"), head) is None
    assert with_heat(network(size=64), head) is None
    with pytest.raises(SettingError, match="network reference can carry no heat map: it needs"):
        build_head(network(name="reference"), seed=0)
    with pytest.raises(SettingError, match="image_size that is a multiple of 32"):
        build_head(network(size=48), seed=0)


def test_a_bundle_keeps_the_head_and_its_score_is_the_same_to_the_bit_without(tmp_path):
    trunk, inputs = network(), np.random.default_rng(0).random((5, SIZE, SIZE, 1), dtype=np.float32)
    card = model_card(
        PretrainingConfig(image_size=64),
        "compact",
        {"threshold": 0.5, "validation_sensitivity": 1.0, "validation_specificity": 1.0},
        ("drawn", "0"),
        "unknown",
    )

    export_network(trunk, inputs, tmp_path / "plain.onnx")
    write_bundle(tmp_path / "bundle", trunk, inputs, card, head=build_head(trunk, seed=0))

    scores = []
    for path in (tmp_path / "plain.onnx", tmp_path / "bundle" / NETWORK_FILE):
        session = onnxruntime.InferenceSession(path)
        outputs = [each.name for each in session.get_outputs()][:1]
        scores.append(session.run(outputs, {session.get_inputs()[0].name: inputs})[0])
    assert np.array_equal(*scores)
    assert load_head(tmp_path / "bundle") is not None
    assert load_head(tmp_path) is None
