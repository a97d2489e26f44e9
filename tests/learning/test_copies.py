import numpy as np
import pytest

from drawn import draw_slice, encoded
from tumorscope.learning.copies import THRESHOLD, find_copies, join_copies, likenesses
from tumorscope.learning.duplicates import duplicate_groups, thumbnails
from tumorscope.learning.fingerprints import (
    NO_VIEWS,
    fingerprints,
    read_fingerprints,
    wide_views,
    write_fingerprints,
)
from tumorscope_serving.decoding import decode_gray


@pytest.fixture(scope="module")
def slices():
    rng = np.random.default_rng(7)
    return [draw_slice(rng, tumor=index % 2 == 0) for index in range(12)]


@pytest.fixture(scope="module")
def known(slices):
    return fingerprints(np.stack([wide_views(one) for one in slices]))


def views_of(*pictures):
    return np.stack([wide_views(np.ascontiguousarray(one)) for one in pictures])


def compressed(gray):
    return decode_gray(encoded(gray, "JPEG"))


@pytest.mark.parametrize(
    "copy",
    [
        lambda gray: gray[:, ::-1],
        lambda gray: gray[::-1, ::-1],
        compressed,
        lambda gray: gray[8:-8, 7:-7],
        lambda gray: gray[:, 10:],
        lambda gray: np.pad(gray, 25),
        lambda gray: np.pad(gray, 20, constant_values=255),
        lambda gray: gray[::2, ::2],
        lambda gray: compressed(gray[5:-5, 4:-4][:, ::-1]),
    ],
    ids=[
        "mirrored",
        "turned by 180 degrees",
        "re-compressed",
        "cropped by 5 percent",
        "cropped on one side",
        "black margin",
        "white margin",
        "shrunk",
        "mirrored, cropped and compressed",
    ],
)
def test_a_copy_of_a_known_slice_is_found(slices, known, copy):
    assert find_copies(views_of(*[copy(one) for one in slices[:3]]), known).all()


def test_a_slice_that_is_not_known_is_not_taken_for_a_copy(slices, known):
    rng = np.random.default_rng(8)
    others = views_of(*[draw_slice(rng, tumor=True) for _ in range(6)])

    found = likenesses(others, known)

    assert (found < THRESHOLD).all()
    assert (found > 0.3).all()  # heads are alike, and it was looked


def test_a_model_that_has_learned_from_nothing_knows_no_slice(slices):
    assert not find_copies(views_of(*slices), fingerprints(NO_VIEWS)).any()


def test_a_blank_picture_is_a_copy_of_nothing(known):
    blank = views_of(np.full((90, 80), 37, np.uint8))

    assert not find_copies(blank, known).any()
    assert not find_copies(blank, fingerprints(blank)).any()


def test_copies_that_thumbnails_miss_join_the_group_of_their_original(slices):
    # A frame that is filled, so that a crop moves every edge.
    full = slices[0][30:-30, 30:-30]
    pictures = [full, slices[1], full[3:-3, 4:-4]]
    views = views_of(*pictures)
    apart = duplicate_groups(np.stack([thumbnails(np.ascontiguousarray(p)) for p in pictures]))
    assert len(set(apart)) == 3

    joined = join_copies(apart, views, fingerprints(views))

    assert joined[0] == joined[2] != joined[1]


def test_fingerprints_are_small_and_say_nothing_of_the_order(known, tmp_path):
    write_fingerprints(tmp_path, np.concatenate([known, known[:4]]))
    other = tmp_path / "other"
    other.mkdir()
    write_fingerprints(other, known[::-1])

    written = read_fingerprints(tmp_path / "fingerprints.npz")

    assert written.shape == (12, 2, 128)
    assert written.dtype == np.int8
    assert (tmp_path / "fingerprints.npz").stat().st_size < 12 * 256 + 1000
    assert np.array_equal(written, read_fingerprints(other / "fingerprints.npz"))


def test_where_fingerprints_are_missing_or_of_another_rule_nothing_is_known(known, tmp_path):
    np.savez(tmp_path / "fingerprints.npz", rule=-1, fingerprints=known)

    assert read_fingerprints(tmp_path / "fingerprints.npz") is None
    assert read_fingerprints(tmp_path / "nothing.npz") is None
    assert read_fingerprints(None) is None


def test_copies_of_real_slices_are_found_and_others_are_not(real_dataset):
    grays = [
        decode_gray((real_dataset.root / path).read_bytes())
        for path in real_dataset.table["path"][::5]
    ]
    groups = duplicate_groups(real_dataset.thumbnails, list(real_dataset.table["sha256"]))
    known = fingerprints(real_dataset.views)

    copies = [
        compressed(gray[round(0.03 * len(gray)) :, ::flip])
        for flip, gray in zip([1, -1] * len(grays), grays, strict=False)
    ]

    assert find_copies(views_of(*copies), known).mean() >= 0.99
    rows = np.arange(len(groups))[::5]
    others = [
        likenesses(real_dataset.views[[row]], known[groups != groups[row]])[0] for row in rows
    ]
    # Y26.jpg and Y195.JPG show the same, which thumbnails miss.
    assert (np.array(others) >= THRESHOLD).sum() <= 1
