import io

import numpy as np
import pytest
from PIL import Image

from tumorscope.learning.dataset import load_dataset
from tumorscope.learning.duplicates import duplicate_groups, thumbnails
from tumorscope_serving.decoding import decode_gray


@pytest.fixture
def gray(drawn_data):
    return decode_gray((drawn_data / "yes" / "slice_20.png").read_bytes())


@pytest.fixture
def other(drawn_data):
    return decode_gray((drawn_data / "yes" / "slice_21.png").read_bytes())


def compressed(gray):
    stream = io.BytesIO()
    Image.fromarray(gray).save(stream, "JPEG", quality=40)
    return decode_gray(stream.getvalue())


def groups_of(*pictures):
    return list(duplicate_groups(np.stack([thumbnails(one) for one in pictures])))


@pytest.mark.parametrize(
    "copy",
    [
        lambda gray: gray,
        lambda gray: gray[:, ::-1],
        lambda gray: gray[::-1],
        lambda gray: gray[::-1, ::-1],
        compressed,
        lambda gray: gray[5:-5, 6:-6],
        lambda gray: np.pad(gray, 25, constant_values=5),
        lambda gray: gray[::2, ::2],
        lambda gray: (gray * 0.7).astype(np.uint8),
    ],
    ids=[
        "same",
        "mirrored",
        "upside down",
        "turned by 180 degrees",
        "re-compressed",
        "cropped",
        "padded",
        "shrunk",
        "darkened",
    ],
)
def test_a_copy_is_in_the_group_of_its_original(gray, other, copy):
    original, unrelated, copied = groups_of(gray, other, np.ascontiguousarray(copy(gray)))

    assert copied == original
    assert unrelated != original


def test_a_turn_by_90_degrees_is_not_looked_for():
    left_half_bright = np.zeros((1, 32, 32), np.uint8)
    left_half_bright[:, :, :16] = 200
    views = np.stack([left_half_bright, np.rot90(left_half_bright, axes=(1, 2))])

    first, second = duplicate_groups(views)

    assert first != second


def test_a_copy_of_a_copy_is_in_the_same_group():
    blend = np.random.default_rng(0).normal(size=(2, 2, 32, 32))
    ends, between = blend * 20 + 128, blend.sum(axis=0) * 14 + 128
    near = [0.35 * ends[0] + 0.65 * between, 0.35 * ends[1] + 0.65 * between]
    views = np.stack([near[0], between, near[1]]).astype(np.uint8)
    assert len(set(duplicate_groups(views[[0, 2]]))) == 2

    assert len(set(duplicate_groups(views))) == 1


def test_equal_digests_are_duplicates_whatever_they_show(gray, other):
    views = np.stack([thumbnails(gray), thumbnails(other), thumbnails(gray[:40, :40])])

    groups = duplicate_groups(views, ["x", "y", "x"])

    assert groups[0] == groups[2] != groups[1]


def test_uniform_pictures_are_not_duplicates_of_anything(gray):
    black = np.zeros((40, 40), np.uint8)

    assert len(set(groups_of(black, black, gray))) == 3


def test_groups_are_numbered_from_zero(gray, other):
    assert sorted(groups_of(gray, other, gray)) in ([0, 0, 1], [0, 1, 1])


def test_more_slices_than_one_block_are_compared():
    views = np.random.default_rng(0).integers(0, 256, (1100, 1, 32, 32), dtype=np.uint8)
    views[1099] = views[3, :, :, ::-1]

    groups = duplicate_groups(views)

    assert groups[1099] == groups[3]
    assert len(set(groups)) == 1099


def test_the_drawn_slices_are_distinct_and_their_copies_are_found(drawn_data):
    dataset = load_dataset(str(drawn_data), 32, "head")
    groups = dataset.groups

    pictures = dataset.table["class_folder"] + dataset.table["path"].str.extract(r"(slice_\d\d)")[0]

    assert pictures.nunique() == len(set(groups)) == 120
    assert (pictures.groupby(groups).nunique() == 1).all()


def test_the_real_set_holds_199_groups_of_which_38_hold_92_slices(real_dataset):
    groups = real_dataset.groups

    sizes = np.bincount(groups)

    assert len(sizes) == 199
    assert (sizes > 1).sum() == 38
    assert sizes[sizes > 1].sum() == 92
