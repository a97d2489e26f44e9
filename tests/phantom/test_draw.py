"""Is a phantom what it says it is, and the same for the same seed?"""

import json

import cv2
import numpy as np
import pytest

from tumorscope.config import ADDITIONS, PhantomConfig
from tumorscope.errors import SettingError
from tumorscope.phantom import draw_pair, draw_phantom


def grown(mask, radius_px):
    """The mask and everything within a radius."""
    distance = cv2.distanceTransform(1 - mask.astype(np.uint8), cv2.DIST_L2, 5)
    return distance <= radius_px


def test_one_seed_draws_one_phantom(config):
    first, second = (draw_phantom(np.random.default_rng(7), config) for _ in range(2))

    assert np.array_equal(first.slice, second.slice)
    assert np.array_equal(first.mask, second.mask)
    assert first.description == second.description


def test_phantoms_of_one_stream_differ(config):
    rng = np.random.default_rng(7)

    first, second = draw_phantom(rng, config), draw_phantom(rng, config)

    assert not np.array_equal(first.slice, second.slice)


def test_a_restored_generator_goes_on_with_the_same_phantoms(config):
    rng = np.random.default_rng(7)
    draw_phantom(rng, config)
    state = rng.bit_generator.state
    following = draw_phantom(rng, config)

    restored = np.random.default_rng(0)
    restored.bit_generator.state = state

    assert np.array_equal(draw_phantom(restored, config).slice, following.slice)


def test_slices_are_square_bytes_that_show_something(heads, config):
    for pair in heads:
        for phantom in pair:
            assert phantom.slice.shape == (config.image_size, config.image_size)
            assert phantom.slice.dtype == np.uint8
            assert phantom.slice.std() > 5


def test_another_image_size_is_drawn():
    phantom = draw_phantom(np.random.default_rng(1), PhantomConfig(image_size=96), tumor=True)

    assert phantom.slice.shape == phantom.mask.shape == (96, 96)


def test_masks_are_empty_without_a_tumor_and_visible_with_one(pairs, config):
    for with_tumor, without in pairs:
        assert with_tumor.label == 1 and without.label == 0
        assert not without.mask.any()
        assert np.count_nonzero(with_tumor.mask) >= config.min_mask_pixels


def test_the_mask_lies_where_the_twins_differ(pairs):
    inside, outside = [], []
    for with_tumor, without in pairs:
        change = np.abs(with_tumor.slice.astype(float) - without.slice)
        inside.append(change[with_tumor.mask].mean())
        outside.append(change[~grown(with_tumor.mask, 20)].mean())

    assert np.median(inside) > 25
    assert np.mean(np.array(inside) > np.array(outside) + 2) > 0.97


def test_descriptions_are_json(pairs):
    for pair in pairs[:50]:
        for phantom in pair:
            assert json.loads(json.dumps(phantom.description)) == phantom.description


def test_the_share_of_tumors_is_the_configured_one():
    rng, config = np.random.default_rng(3), PhantomConfig(tumor_share=0.25)

    labels = [draw_phantom(rng, config).label for _ in range(200)]

    assert 0.15 < np.mean(labels) < 0.35


def test_asking_for_a_tumor_changes_nothing_that_follows(config):
    told, asked = np.random.default_rng(5), np.random.default_rng(5)
    draw_phantom(told, config, tumor=True)
    draw_phantom(asked, config)

    assert told.bit_generator.state == asked.bit_generator.state


def test_a_pair_is_one_head_with_and_without_a_tumor():
    config = PhantomConfig(image_size=96)
    pair = draw_pair(np.random.default_rng(3), config)
    for phantom, tumor in zip(pair, (True, False), strict=True):
        alone = draw_phantom(np.random.default_rng(3), config, tumor=tumor)
        assert np.array_equal(phantom.slice, alone.slice)
        assert np.array_equal(phantom.mask, alone.mask)
        assert phantom.description == alone.description
    assert [phantom.label for phantom in pair] == [1, 0]
    assert not np.array_equal(pair[0].slice, pair[1].slice)


def test_no_tumor_grows_where_the_plane_shows_no_brain(heads, config):
    bare = [seed for seed, (asked, _) in enumerate(heads) if not asked.label]

    assert 0.02 < len(bare) / len(heads) < 0.08
    for seed in bare:
        asked, without = heads[seed]
        assert not asked.mask.any()
        assert np.array_equal(asked.slice, without.slice)
        first, second = draw_pair(np.random.default_rng(seed), config)
        assert np.array_equal(second.slice, without.slice)
        assert not np.array_equal(first.slice, second.slice)
        assert first.label == second.label == 0
        assert first.description == second.description


@pytest.mark.parametrize("addition", ADDITIONS)
def test_an_addition_can_be_left_out(addition):
    config = PhantomConfig(image_size=64, without=addition)
    full = PhantomConfig(image_size=64)
    bare = [draw_phantom(np.random.default_rng(seed), config, tumor=True) for seed in range(30)]
    rich = [draw_phantom(np.random.default_rng(seed), full, tumor=True) for seed in range(30)]

    assert any(
        not np.array_equal(one.slice, other.slice) for one, other in zip(bare, rich, strict=True)
    )
    if addition == "gadolinium":
        assert "T1C" not in {phantom.description["contrast"] for phantom in bare}
    if addition == "findings":
        assert not any(phantom.description["findings"] for phantom in bare)
    if addition == "kinds":
        kinds = {phantom.description["tumor_kind"] for phantom in bare}
        assert all(kind is None or "glio" in kind for kind in kinds)


def test_an_unknown_addition_is_refused():
    with pytest.raises(SettingError, match="without must hold names out of .* has fog"):
        PhantomConfig(without="findings, fog")
