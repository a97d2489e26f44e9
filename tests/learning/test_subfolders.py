import numpy as np
import pandas as pd

from tumorscope.learning.subfolders import evaluate_sub_folders, sub_folder_table


def measured(paths_and_scores, healthy=("notumor", "no")):
    rows = [(path, path.split("/")[-2]) for path, _ in paths_and_scores]
    table = pd.DataFrame(rows, columns=["path", "class_folder"])
    table["label"] = (~table["class_folder"].isin(healthy)).astype(int)
    scores = np.array([score for _, score in paths_and_scores])
    return evaluate_sub_folders(table, scores, scores >= 0.5, np.arange(len(table)), 200, seed=0)


SLICES = [
    ("Training/glioma/a.png", 0.9),
    ("Training/glioma/b.png", 0.2),
    ("Training/notumor/c.png", 0.1),
    ("Testing/glioma/d.png", 0.8),
    ("Testing/pituitary/e.png", 0.3),
    ("Testing/notumor/f.png", 0.6),
]


def test_a_folder_of_tumors_has_a_sensitivity_and_one_of_healthy_slices_a_specificity():
    found = {each.name: each for each in measured(SLICES)}

    assert found["*/glioma"].slices == 3
    assert found["*/glioma"].estimates["sensitivity"].value == 2 / 3
    assert list(found["Testing/pituitary"].estimates) == ["sensitivity"]
    assert found["Testing/pituitary"].estimates["sensitivity"].value == 0
    assert list(found["*/notumor"].estimates) == ["specificity"]
    assert found["*/notumor"].estimates["specificity"].value == 0.5


def test_a_folder_of_both_classes_has_an_auroc():
    found = {each.name: each for each in measured(SLICES)}

    assert found["Training"].estimates["auroc"].value == 1.0
    assert found["Testing"].estimates["auroc"].value == 0.5  # f is between d and e
    assert found["Testing"].tumors == 2


def test_one_folder_for_each_class_says_no_more_than_the_whole():
    assert measured([("yes/a.png", 0.9), ("yes/b.png", 0.1), ("no/c.png", 0.2)]) == []


def test_folders_below_that_of_the_class_are_not_parts_of_the_data_set():
    found = evaluate_sub_folders(
        pd.DataFrame(
            {
                "path": ["glioma/p1/a.png", "pituitary/p2/b.png", "notumor/p3/c.png"],
                "class_folder": ["glioma", "pituitary", "notumor"],
                "label": [1, 1, 0],
            }
        ),
        np.array([0.9, 0.1, 0.2]),
        np.array([True, False, False]),
        np.arange(3),
        200,
        seed=0,
    )

    assert [each.name for each in found] == ["glioma", "notumor", "pituitary"]


def test_what_a_sub_folder_cannot_tell_is_empty_in_the_table():
    table = sub_folder_table(measured(SLICES)).set_index("sub_folder")

    assert np.isnan(table.loc["*/glioma", "auroc"])
    assert table.loc["Training", "auroc"] == 1.0
