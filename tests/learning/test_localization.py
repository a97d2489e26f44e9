import numpy as np
import pytest

from tumorscope.config import PretrainingConfig
from tumorscope.errors import SettingError
from tumorscope.learning.averaging import average_network
from tumorscope.learning.bundle import model_card, write_bundle
from tumorscope.learning.localization import with_heat
from tumorscope.learning.mask_teaching import coverage, heat_loss
from tumorscope.learning.networks import build_network
from tumorscope.learning.pointing import peaks_inside
from tumorscope.learning.pretraining import build_learner, learn_round, network_of
from tumorscope.learning.pyramid import HEAT_LOGITS
from tumorscope.learning.training import predict_scores
from tumorscope_serving.predictor import HEAT, SCORE, Predictor
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


def test_masks_teach_a_network_to_point_and_its_score_follows(blobs):
    slices, masks = blobs
    config = PretrainingConfig(image_size=64, slices=64 * 15, batch_size=8, learning_rate=5e-3)
    learner = build_learner(config)
    slices, masks = (np.kron(each, np.ones((1, 2, 2), each.dtype)) for each in (slices, masks))
    labels = masks.any(axis=(1, 2)).astype(int)
    batches = (
        (slices[start : start + 8], labels[start : start + 8], masks[start : start + 8])
        for start in 15 * list(range(0, 64, 8))
    )

    learn_round(learner, batches, config.slices, seed=0)

    answers = with_heat(network_of(learner)).predict(network_input(slices[64:]), verbose=0)
    hottest = answers[HEAT].max(axis=(1, 2, 3))
    assert peaks_inside(answers[HEAT][::2, ..., 0], masks[64::2]).mean() > 0.8
    assert hottest[1::2].mean() < hottest[::2].mean()
    assert answers[SCORE][1::2].max() < answers[SCORE][::2].min()


def test_masks_that_cannot_be_parted_into_cells_are_refused():
    with pytest.raises(
        SettingError, match="image_size that is a multiple of 4, but it is 66: give"
    ):
        build_learner(PretrainingConfig(image_size=66))


def test_a_score_reads_the_heat():
    """Only the score's last layer may stand between."""
    one = network()
    inputs = np.random.default_rng(0).random((3, SIZE, SIZE, 1), dtype=np.float32)
    before = predict_scores(one, inputs)

    kernel, bias = one.get_layer(HEAT_LOGITS).get_weights()
    one.get_layer(HEAT_LOGITS).set_weights([kernel, bias + 4])

    assert np.abs(predict_scores(one, inputs) - before).min() > 1e-3


@pytest.mark.parametrize("size", [32, 50, 76, 96])
def test_slices_of_any_size_have_heat(size):
    inputs = np.random.default_rng(0).random((2, size, size, 1), dtype=np.float32)

    heat = with_heat(network(size=size)).predict(inputs, verbose=0)[HEAT]

    assert heat.shape == (2, size // 4, size // 4, 1)
    assert heat.max() < 0.5  # nothing was learned


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
    inputs = np.random.default_rng(0).random((3, SIZE, SIZE, 1), dtype=np.float32)

    answers = with_heat(average_network(networks)).predict(inputs, verbose=0)

    each = [with_heat(one)(inputs, training=False) for one in networks]
    for name in (HEAT, SCORE):
        mean = np.mean([np.asarray(answer[name]) for answer in each], axis=0)
        assert answers[name] == pytest.approx(mean, abs=1e-6)


def test_only_a_network_that_was_taught_to_point_has_heat_in_its_bundle(tmp_path):
    one, inputs = network(), np.random.default_rng(0).random((5, SIZE, SIZE, 1), dtype=np.float32)
    card = model_card(
        PretrainingConfig(image_size=64),
        "compact",
        {"threshold": 0.5, "validation_sensitivity": 1.0, "validation_specificity": 1.0},
        ("drawn", "0"),
        "unknown",
    )

    write_bundle(tmp_path / "untaught", one, inputs, card)
    write_bundle(tmp_path / "taught", one, inputs, card, points=True)

    untaught, taught = Predictor(tmp_path / "untaught"), Predictor(tmp_path / "taught")
    slices = (inputs[..., 0] * 255).astype(np.uint8)
    assert not untaught.has_heat
    assert taught.has_heat
    assert untaught.probabilities(slices) == pytest.approx(taught.probabilities(slices), abs=1e-6)
