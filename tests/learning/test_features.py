import numpy as np
import pytest

from tumorscope.learning.features import COMPONENTS, feature_table, network_features
from tumorscope.learning.networks import build_network
from tumorscope.learning.training import predict_scores


def head(left, right):
    """A slice of a square head, dark outside, of one gray on the left and another on the right."""
    one = np.zeros((64, 64), np.uint8)
    one[12:52, 12:32] = left
    one[12:52, 32:52] = right
    return one


SLICES = np.stack([head(200, 200), head(80, 200), head(80, 80), head(200, 80)])
FEATURES = np.random.default_rng(0).random((4, 10))
LABELS, SCORES = np.array([0, 1, 0, 1]), np.array([0.1, 0.9, 0.2, 0.8])


@pytest.fixture
def table():
    return feature_table(SLICES, LABELS, SCORES, FEATURES)


def test_the_table_has_a_row_a_slice_and_ends_with_score_and_label(table):
    assert len(table) == 4
    assert list(table.columns[-2:]) == ["score", "label"]
    assert list(table["label"]) == [0, 1, 0, 1]
    assert list(table["score"]) == [0.1, 0.9, 0.2, 0.8]


def test_every_feature_is_a_number(table):
    assert np.isfinite(table.to_numpy(float)).all()


def test_a_uniform_slice_has_features_too():
    table = feature_table(np.zeros((3, 32, 32), np.uint8), LABELS[:3], SCORES[:3], FEATURES[:3])

    assert np.isfinite(table.to_numpy(float)).all()
    assert (table["mean intensity"] == 0).all()


def test_brighter_heads_have_a_higher_mean(table):
    assert table["mean intensity"][0] > table["mean intensity"][1] > table["mean intensity"][2]


def test_symmetry_tells_an_even_head_from_a_lopsided_one(table):
    assert table["left-right symmetry"][0] == pytest.approx(1, abs=0.02)
    assert table["left-right symmetry"][1] < 0.8
    assert table["upper-lower symmetry"][1] == pytest.approx(1, abs=0.02)


def test_the_heads_size_is_a_share_of_the_slice(table):
    assert table["head area"][0] == pytest.approx((40 / 64) ** 2, abs=0.15)
    assert table["head aspect ratio"][0] == pytest.approx(1, abs=0.05)


def test_the_components_follow_the_networks_features(table):
    names = [f"network component {number}" for number in range(1, COMPONENTS + 1)]

    spreads = table[names].var()

    assert list(spreads) == sorted(spreads, reverse=True)


def test_fewer_slices_than_components_give_fewer_components():
    table = feature_table(SLICES[:2], LABELS[:2], SCORES[:2], FEATURES[:2])

    assert "network component 2" in table
    assert "network component 3" not in table


def test_without_a_networks_features_the_others_are_left(table):
    without = feature_table(SLICES, LABELS, SCORES)

    dropped = [f"network component {number}" for number in range(1, COMPONENTS + 1)]
    assert without.equals(table.drop(columns=dropped))


def test_scores_and_features_come_from_one_pass_in_the_order_of_the_slices():
    network = build_network("compact", image_size=32, width=4, dropout=0.3, seed=0)
    inputs = np.random.default_rng(0).random((5, 32, 32, 1), dtype=np.float32)

    scores, features = network_features(network, inputs)

    assert scores == pytest.approx(predict_scores(network, inputs), abs=1e-6)
    assert features.ndim == 2
    assert len(features) == 5
