import numpy as np
import pytest

from tumorscope.config import TrainingConfig
from tumorscope.learning.augmentation import TrainingBatches, augment

STILL = {"rotation_degrees": 0, "shift": 0, "zoom": 0, "gamma": 0, "contrast": 0, "flip": False}
INPUTS = np.linspace(0, 1, 10 * 32 * 32, dtype=np.float32).reshape(10, 32, 32, 1)
LABELS = np.arange(10) % 2


def varied(one, config, times=40):
    rng = np.random.default_rng(0)
    return np.stack([augment(one, rng, config) for _ in range(times)])


@pytest.fixture
def one():
    return np.random.default_rng(0).random((32, 32, 1), dtype=np.float32)


def test_without_any_variation_a_slice_stays_as_it_is(one):
    assert varied(one, TrainingConfig(**STILL)) == pytest.approx(np.stack([one] * 40), abs=1e-6)


def test_flip_mirrors_left_and_right_in_about_half_of_the_cases(one):
    results = varied(one, TrainingConfig(**STILL | {"flip": True}))

    mirrored = np.abs(results - one[:, ::-1]).max(axis=(1, 2, 3)) < 1e-5
    same = np.abs(results - one).max(axis=(1, 2, 3)) < 1e-5
    assert (mirrored | same).all()
    assert 10 <= mirrored.sum() <= 30


def test_contrast_scales_a_slice_within_its_limit():
    results = varied(
        np.full((32, 32, 1), 0.5, np.float32), TrainingConfig(**STILL | {"contrast": 0.2})
    )

    assert results.min() >= 0.4 - 1e-6
    assert results.max() <= 0.6 + 1e-6
    assert np.ptp(results) > 0.1


def test_gamma_bends_a_slice_within_its_limit():
    results = varied(
        np.full((32, 32, 1), 0.5, np.float32), TrainingConfig(**STILL | {"gamma": 0.5})
    )

    assert results.min() >= 0.5 ** np.exp(0.5) - 1e-6
    assert results.max() <= 0.5 ** np.exp(-0.5) + 1e-6
    assert np.ptp(results) > 0.1


@pytest.mark.parametrize(
    "variation",
    [{"rotation_degrees": 20}, {"shift": 0.2}, {"zoom": 0.3}],
    ids=lambda one: [*one][0],
)
def test_pose_moves_pixels_but_not_the_uniform_parts(variation):
    dot = np.zeros((32, 32, 1), np.float32)
    dot[6:10, 14:18] = 1
    config = TrainingConfig(**STILL | variation)

    assert np.abs(varied(dot, config) - dot).max(axis=(1, 2, 3)).min() > 0.01
    assert varied(np.full_like(dot, 0.3), config) == pytest.approx(0.3)


def test_shape_type_and_range_are_kept():
    loud = np.random.default_rng(0).random((32, 32, 1), dtype=np.float32)

    results = varied(loud, TrainingConfig(rotation_degrees=180, zoom=0.5, gamma=2, contrast=1))

    assert results.shape == (40, 32, 32, 1)
    assert results.dtype == np.float32
    assert results.min() >= 0
    assert results.max() <= 1


def test_an_epoch_holds_every_slice_as_often_as_there_are_copies():
    config = TrainingConfig(batch_size=8, copies=3, **STILL)

    batches = TrainingBatches(INPUTS, LABELS, config)

    drawn = np.concatenate([batches[index][0] for index in range(len(batches))])
    firsts, counts = np.unique(drawn[:, 0, 0, 0].round(3), return_counts=True)
    assert len(batches) == 4  # 30 slices in batches of 8
    assert len(firsts) == 10
    assert (counts == 3).all()


def test_without_augmentation_each_slice_comes_once_and_unchanged():
    batches = TrainingBatches(
        INPUTS, LABELS, TrainingConfig(augment=False, copies=3, batch_size=10)
    )

    ((inputs, labels),) = [batches[index] for index in range(len(batches))]

    order = np.argsort(inputs[:, 0, 0, 0])
    assert np.array_equal(inputs[order], INPUTS)
    assert np.array_equal(labels[order, 0], LABELS)


def test_labels_stay_with_their_slices():
    batches = TrainingBatches(INPUTS, LABELS, TrainingConfig(batch_size=4, copies=2, **STILL))

    for index in range(len(batches)):
        inputs, labels = batches[index]
        assert labels.shape == (len(inputs), 1)
        assert np.array_equal(labels[:, 0], (inputs[:, 0, 0, 0] * 10).round() % 2)


def test_the_same_seed_gives_the_same_batch_whichever_is_asked_for_first():
    config = TrainingConfig(batch_size=4, seed=5)
    forwards, backwards = (TrainingBatches(INPUTS, LABELS, config) for _ in range(2))

    backwards[1]
    forwards[0]

    assert np.array_equal(forwards[1][0], backwards[1][0])
    assert np.array_equal(forwards[0][0], backwards[0][0])


def test_another_seed_gives_other_variations():
    first, second = (
        TrainingBatches(INPUTS, LABELS, TrainingConfig(batch_size=4, seed=seed)) for seed in (1, 2)
    )

    assert not np.array_equal(first[0][0], second[0][0])


def test_the_next_epoch_has_another_order_and_other_variations():
    batches = TrainingBatches(INPUTS, LABELS, TrainingConfig(batch_size=40))
    before = batches[0][0]

    batches.on_epoch_end()

    after = batches[0][0]
    assert not np.array_equal(np.sort(before.ravel()), np.sort(after.ravel()))
