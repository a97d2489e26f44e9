import dataclasses

import cv2
import numpy as np
import pytest

from tumorscope.config import PhantomConfig
from tumorscope.phantom.draw import draw_phantom
from tumorscope_serving.descriptors import FACTS, descriptors
from tumorscope_serving.heads import Head, find_head

FIRST_RING = len(FACTS) + 64 + 128  # after 8x8 grays and 4x4 cells of 8 directions


@pytest.fixture(scope="module")
def head() -> np.ndarray:
    return draw_phantom(np.random.default_rng((99, 0)), PhantomConfig()).slice


def described(found: Head) -> np.ndarray:
    return descriptors([found])[0]


def facts_of(gray: np.ndarray) -> dict[str, float]:
    return dict(zip(FACTS, described(find_head(gray)), strict=False))


def test_a_picture_is_described_alike_at_any_size(head):
    once = described(find_head(head))

    twice = described(
        find_head(cv2.resize(head, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST))
    )

    assert np.abs(once - twice)[: len(FACTS)].max() < 0.1


def test_a_negative_is_described_as_its_positive(head):
    found = find_head(head)
    inverted = dataclasses.replace(found, thumbnail=255 - found.thumbnail)

    differences = np.abs(described(found) - described(inverted))

    # The even share looks away from black and white, which are not each other's negatives.
    assert np.delete(differences, FACTS.index("even")).max() < 0.05


def test_facts_are_what_their_definitions_say(head):
    found = find_head(head)
    large = found.thumbnail.astype(float)
    border = np.concatenate([large[0], large[-1], large[:, 0], large[:, -1]])
    padded = np.pad(large, 1, mode="reflect")
    around = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
    top, bottom, left, right = found.box
    height, width = bottom - top, right - left

    facts = facts_of(head)

    assert facts["spread"] == pytest.approx(large.std() / 64)
    assert facts["border_spread"] == pytest.approx(border.std() / 64)
    assert facts["background"] == pytest.approx(np.mean(abs(large - np.median(border)) < 12))
    assert facts["fine_grain"] == pytest.approx((around - 4 * large).std() / (large.std() + 1))
    assert facts["aspect"] == pytest.approx(abs(np.log(height / width)))
    assert facts["box"] == pytest.approx(height * width / large.size)


def test_a_disc_is_round_plain_and_symmetric():
    y, x = np.mgrid[:128, :128] - 63.5
    inside = np.hypot(y, x) < 50

    facts = facts_of(np.where(inside, 200, 0).astype(np.uint8))

    assert facts["mirror"] > 0.9
    assert facts["upside_down"] > 0.9
    assert facts["turned"] > 0.9
    assert facts["fill"] == pytest.approx(np.pi / 4, abs=0.05)
    assert facts["corners"] == 1
    assert facts["even"] > 0.9
    assert 0.5 < facts["entropy"] < 1.5  # two grays, and what resizing makes between them


def test_edges_are_told_by_direction_and_rings_by_distance():
    stripes = np.zeros((128, 128), np.uint8)
    stripes[16:112, 16:112] = np.where(np.arange(96) // 8 % 2, 60, 220)

    straight = described(find_head(stripes))
    turned = described(find_head(np.ascontiguousarray(stripes.T)))

    directions = straight[len(FACTS) + 64 : FIRST_RING].reshape(16, 8) ** 2
    turned_directions = turned[len(FACTS) + 64 : FIRST_RING].reshape(16, 8) ** 2
    assert directions[:, 0].sum() > 0.6  # a gradient along x
    assert turned_directions[:, 4].sum() > 0.6
    assert straight[FIRST_RING : FIRST_RING + 16] == pytest.approx(
        turned[FIRST_RING : FIRST_RING + 16], abs=1e-3
    )


def test_the_histogram_holds_every_pixel(head):
    assert described(find_head(head))[-8:].sum() == pytest.approx(1)


def test_what_is_even_all_over_has_finite_numbers():
    for shape in ((16, 16), (16, 4000), (4000, 16)):
        assert np.isfinite(described(find_head(np.full(shape, 128, np.uint8)))).all()


def test_pictures_are_described_one_like_many(head):
    found = [find_head(one) for one in (head, head[::-1], 255 - head, head[:, 20:])]

    together = descriptors(found)

    assert len({row.tobytes() for row in together}) == 4
    assert np.array_equal(together, [described(one) for one in found])
