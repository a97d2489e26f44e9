from pathlib import Path

import pytest

from tumorscope.errors import DatasetError
from tumorscope.learning.folders import find_slice_files, holds_pictures


def make_files(root: Path, *names: str) -> Path:
    """Empty files: only their names are looked at."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


@pytest.mark.parametrize(
    ("tumor", "healthy"),
    [
        ("yes", "no"),
        ("tumor", "no_tumor"),
        ("Tumor", "No Tumor"),
        ("tumour", "no-tumour"),
        ("glioma", "notumor"),
        ("meningioma", "healthy"),
        ("pituitary_tumor", "normal"),
        ("Training/glioma", "Testing/notumor"),
        ("brain_tumor_dataset/yes", "brain_tumor_dataset/no"),
    ],
)
def test_the_known_layouts_give_labels(tmp_path, tumor, healthy):
    make_files(tmp_path, f"{tumor}/a.png", f"{healthy}/b.png")

    files, _ = find_slice_files(tmp_path)

    assert {file.path.name: file.label for file in files} == {"a.png": 1, "b.png": 0}


def test_the_class_folder_is_named_as_on_disk(tmp_path):
    make_files(tmp_path, "Training/Glioma Tumor/a.png", "Training/No Tumor/b.png")

    files, _ = find_slice_files(tmp_path)

    assert [file.class_folder for file in files] == ["Glioma Tumor", "No Tumor"]


def test_the_folder_nearest_to_the_file_decides(tmp_path):
    make_files(tmp_path, "yes/no/a.png", "yes/b.png")

    files, _ = find_slice_files(tmp_path)

    assert {file.path.name: file.label for file in files} == {"a.png": 0, "b.png": 1}


def test_the_data_folders_own_name_is_not_looked_at(tmp_path):
    make_files(tmp_path / "tumor", "scans/a.png", "no/b.png")

    with pytest.raises(DatasetError, match="folders of unknown class: scans"):
        find_slice_files(tmp_path / "tumor")


def test_the_slices_come_in_a_fixed_order(tmp_path):
    make_files(tmp_path, "yes/b.png", "no/c.png", "yes/a.png")

    files, _ = find_slice_files(tmp_path)

    assert [file.path.relative_to(tmp_path).as_posix() for file in files] == [
        "no/c.png",
        "yes/a.png",
        "yes/b.png",
    ]


def test_the_suffix_is_read_in_capitals_too(tmp_path):
    make_files(tmp_path, "yes/a.JPG", "no/b.Jpeg")

    files, others = find_slice_files(tmp_path)

    assert len(files) == 2
    assert others == []


def test_files_in_class_folders_that_are_no_pictures_are_told_apart(tmp_path):
    make_files(tmp_path, "yes/a.png", "no/b.png", "no/notes.txt", "README.md")

    files, others = find_slice_files(tmp_path)

    assert len(files) == 2
    assert others == [tmp_path / "no" / "notes.txt"]


def test_hidden_folders_checkpoints_and_masks_are_passed_over(tmp_path):
    make_files(
        tmp_path,
        "yes/a.png",
        "no/b.png",
        "yes/._a.png",
        "yes/.ipynb_checkpoints/a.png",
        "__MACOSX/yes/a.png",
        "checkpoints/c.png",
        "masks/a.png",
    )

    files, others = find_slice_files(tmp_path)

    assert len(files) == 2
    assert others == []


@pytest.mark.parametrize(
    ("names", "holds"),
    [
        (["README.md"], False),
        (["yes/notes.txt", "yes/.hidden.png", ".git/one.png", "masks/one.png"], False),
        (["set/yes/one.JPG"], True),
        (["unknown/one.png"], True),
    ],
)
def test_a_folder_holds_pictures_where_one_stands_that_is_not_passed_over(tmp_path, names, holds):
    assert holds_pictures(make_files(tmp_path, *names)) == holds
    assert not holds_pictures(tmp_path / "nowhere")


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="There is no folder .*nowhere.*data/README.md"):
        find_slice_files(tmp_path / "nowhere")


def test_a_folder_without_pictures_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="No slices in .*data/README.md"):
        find_slice_files(make_files(tmp_path, "README.md"))


def test_pictures_in_a_folder_of_unknown_class_are_refused(tmp_path):
    make_files(tmp_path, "yes/a.png", "no/b.png", "maybe/c.png")

    with pytest.raises(DatasetError, match="folders of unknown class: maybe; expected yes|no"):
        find_slice_files(tmp_path)


def test_a_long_list_of_unknown_folders_is_cut_short(tmp_path):
    make_files(tmp_path, *(f"patient_{number}/a.png" for number in range(10)))

    with pytest.raises(DatasetError, match="patient_7 and 2 more"):
        find_slice_files(tmp_path)


@pytest.mark.parametrize(
    ("folder", "missing"),
    [("yes", "no slices without a tumor"), ("no", "no slices with a tumor")],
)
def test_one_class_alone_is_refused(tmp_path, folder, missing):
    with pytest.raises(DatasetError, match=f"{missing}: found only {folder}"):
        find_slice_files(make_files(tmp_path, f"{folder}/a.png"))


def test_one_class_alone_is_enough_where_it_is_asked_for(tmp_path):
    files, _ = find_slice_files(make_files(tmp_path, "yes/a.png"), need_both_classes=False)

    assert [file.label for file in files] == [1]


def test_a_linked_class_folder_is_read_and_a_link_upwards_does_not_loop(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    data = tmp_path / "data"
    for folder in (elsewhere, data / "no"):
        folder.mkdir(parents=True)
        (folder / "one.png").touch()
    (data / "yes").symlink_to(elsewhere)
    (data / "no" / "loop").symlink_to(data)

    files, _ = find_slice_files(data)

    assert [(file.class_folder, file.path.name) for file in files] == [
        ("no", "one.png"),
        ("yes", "one.png"),
    ]


def test_dicom_files_are_slices_and_volumes_are_listed_so_that_reading_refuses_them(tmp_path):
    make_files(tmp_path, "yes/a.DCM", "yes/b.nii.gz", "no/c.nii", "no/d.png", "no/e.gz")

    files, others = find_slice_files(tmp_path)

    assert [file.path.name for file in files] == ["c.nii", "d.png", "a.DCM", "b.nii.gz"]
    assert [path.name for path in others] == ["e.gz"]
