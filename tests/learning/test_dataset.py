import logging
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest

from tumorscope.errors import DatasetError
from tumorscope.learning import dataset as dataset_module
from tumorscope.learning.dataset import load_dataset
from tumorscope_serving.slices import read_slice


@pytest.fixture
def four_slices(drawn_data, tmp_path):
    """A folder of two slices a class that a test may change."""
    root = tmp_path / "four"
    for folder in ("no", "yes"):
        (root / folder).mkdir(parents=True)
        for name in ("slice_10.png", "slice_11.png"):
            shutil.copy(drawn_data / folder / name, root / folder)
    return root


def load(folder, **settings):
    return load_dataset(str(folder), image_size=32, framing="head", **settings)


def test_every_readable_slice_is_loaded(drawn_data):
    dataset = load(drawn_data)

    assert len(dataset.table) == 2 * (60 + 6)
    assert dataset.slices.shape == (132, 32, 32)
    assert dataset.thumbnails.shape == (132, 2, 32, 32)
    assert dataset.labels.sum() == 66


def test_files_that_cannot_be_read_are_listed_with_the_reason(drawn_data):
    dataset = load(drawn_data)

    reasons = dict(dataset.unreadable)
    assert set(reasons) == {"yes/torn.png", "no/notes.txt"}
    assert "damaged or truncated" in reasons["yes/torn.png"]
    assert reasons["no/notes.txt"] == "not a picture"


def test_dicom_slices_are_loaded_and_volumes_are_refused_by_a_sentence(four_slices):
    shipped = Path(pydicom.__file__).parent / "data" / "test_files" / "MR_small.dcm"
    shutil.copy(shipped, four_slices / "yes" / "slice.dcm")
    volume = nibabel.Nifti1Image(np.zeros((20, 20, 4), np.uint8), np.eye(4))
    nibabel.save(volume, four_slices / "no" / "volume.nii.gz")

    dataset = load(four_slices)

    assert "yes/slice.dcm" in set(dataset.table["path"])
    ((path, reason),) = dataset.unreadable
    assert (path, reason) == (
        "no/volume.nii.gz",
        "The file holds 4 pictures; send them one by one.",
    )


def test_a_row_of_the_table_describes_its_file_and_its_slice(drawn_data):
    dataset = load(drawn_data)

    index = list(dataset.table["path"]).index("yes/slice_02_cropped.png")
    row = dataset.table.iloc[index]
    content = (drawn_data / row["path"]).read_bytes()
    assert (row["label"], row["class_folder"]) == (1, "yes")
    assert (row["height"], row["width"], row["bytes"]) == (152, 134, len(content))
    assert np.array_equal(dataset.slices[index], read_slice(content, 32, "head"))


def test_the_folder_gives_the_name(four_slices):
    assert load(f"{four_slices}/").name == "four"


def test_a_second_load_decodes_nothing(four_slices, tmp_path, monkeypatch):
    first = load(four_slices, cache_path=tmp_path / "cache.sqlite")

    def refuse(data):
        raise AssertionError("decoded again")

    monkeypatch.setattr(dataset_module, "decode_gray", refuse)
    second = load(four_slices, cache_path=tmp_path / "cache.sqlite")

    assert second.table.equals(first.table)
    assert np.array_equal(second.slices, first.slices)
    assert np.array_equal(second.thumbnails, first.thumbnails)


def test_a_changed_file_is_decoded_anew(four_slices, tmp_path):
    first = load(four_slices, cache_path=tmp_path / "cache.sqlite")
    shutil.copy(four_slices / "no" / "slice_11.png", four_slices / "no" / "slice_10.png")

    second = load(four_slices, cache_path=tmp_path / "cache.sqlite")

    assert np.array_equal(second.slices[0], first.slices[1])


def test_another_image_size_is_not_taken_from_the_cache(four_slices, tmp_path):
    load(four_slices, cache_path=tmp_path / "cache.sqlite")

    larger = load_dataset(str(four_slices), 48, "head", cache_path=tmp_path / "cache.sqlite")

    assert larger.slices.shape == (4, 48, 48)


def test_a_corrupt_cache_is_done_without(four_slices, tmp_path, caplog):
    cache = tmp_path / "cache.sqlite"
    cache.write_bytes(b"this is no database " * 100)

    with caplog.at_level(logging.WARNING):
        dataset = load(four_slices, cache_path=cache)

    assert len(dataset.table) == 4
    assert f"The slice cache {cache} is not used" in caplog.text


def test_the_digest_does_not_change_with_names(four_slices):
    before = load(four_slices).digest
    (four_slices / "no" / "slice_10.png").rename(four_slices / "no" / "z.png")

    assert load(four_slices).digest == before


def test_the_digest_changes_with_a_label(four_slices):
    before = load(four_slices).digest
    (four_slices / "no" / "slice_10.png").rename(four_slices / "yes" / "moved.png")

    assert load(four_slices).digest != before


def test_the_digest_changes_with_a_file_content(four_slices, drawn_data):
    before = load(four_slices).digest
    shutil.copy(drawn_data / "no" / "slice_12.png", four_slices / "no" / "slice_10.png")

    assert load(four_slices).digest != before


def test_a_class_without_a_readable_slice_is_refused(four_slices):
    for path in (four_slices / "yes").iterdir():
        path.write_bytes(b"torn")

    with pytest.raises(DatasetError, match="No readable slices of both classes.*yes/slice_10.png"):
        load(four_slices)


def test_one_class_alone_loads_where_it_is_asked_for(four_slices):
    shutil.rmtree(four_slices / "no")

    assert list(load(four_slices, need_both_classes=False).labels) == [1, 1]


def test_the_real_set_holds_253_slices(real_dataset):
    assert len(real_dataset.table) == 253
    assert real_dataset.labels.sum() == 155
    assert real_dataset.unreadable == []
