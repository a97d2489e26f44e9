from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from tumorscope.config import PhantomsConfig
from tumorscope.errors import PhantomError
from tumorscope.phantom import draw_phantom
from tumorscope.phantom.folder import draw_folder

CONFIG = PhantomsConfig(count=24, seed=3, image_size=64)
ONE = PhantomsConfig(count=1, image_size=64)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Path:
    """Phantoms that one process has drawn."""
    folder = tmp_path_factory.mktemp("phantoms") / "drawn"
    draw_folder(CONFIG, folder, processes=1)
    return folder


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def read(path: Path) -> np.ndarray:
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


def test_a_phantom_is_the_same_whatever_the_count_and_the_number_of_processes(drawn, tmp_path):
    draw_folder(CONFIG, tmp_path / "many", processes=2)
    draw_folder(replace(CONFIG, count=5), tmp_path / "few", processes=1)

    assert files_of(tmp_path / "many") == files_of(drawn)
    few = files_of(tmp_path / "few")
    assert files_of(drawn)["manifest.csv"].startswith(few.pop("manifest.csv"))
    assert few.items() < files_of(drawn).items()


def test_another_seed_draws_others(drawn, tmp_path):
    draw_folder(replace(CONFIG, count=1, seed=4), tmp_path / "other")

    assert not set(files_of(tmp_path / "other").values()) & set(files_of(drawn).values())


def test_the_manifest_has_a_row_for_each_phantom_with_its_flat_facts(drawn):
    manifest = pd.read_csv(drawn / "manifest.csv", keep_default_na=False)

    assert [Path(file).stem for file in manifest["file"]] == [f"{n:05}" for n in range(24)]
    named = set(manifest["file"]) | set(manifest["mask"]) - {""} | {"manifest.csv"}
    assert named == set(files_of(drawn))
    assert (manifest["mask"] != "").equals(manifest["label"] == 1)
    assert {"plane", "contrast", "tumor_kind", "pixel_height_mm"} <= set(manifest.columns)


def test_slices_and_masks_are_those_of_the_phantom(drawn):
    for row in pd.read_csv(drawn / "manifest.csv", keep_default_na=False).itertuples():
        rng = np.random.default_rng(np.random.SeedSequence((3, row.Index)))
        phantom = draw_phantom(rng, CONFIG)
        assert row.label == phantom.label
        assert np.array_equal(read(drawn / row.file), phantom.slice)
        if row.label:
            assert np.array_equal(read(drawn / row.mask), phantom.mask * 255)


def test_the_share_of_tumors_may_be_chosen(tmp_path):
    config = replace(ONE, count=3, tumor_share=1.0)

    assert draw_folder(config, tmp_path / "all") == 3


def test_progress_is_told_up_to_the_last_phantom(tmp_path):
    told = []

    draw_folder(replace(ONE, count=21), tmp_path / "new", lambda *counts: told.append(counts))

    assert told == [(20, 21), (21, 21)]


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "empty").mkdir()

    draw_folder(ONE, tmp_path / "empty")

    assert (tmp_path / "empty" / "manifest.csv").is_file()


def test_a_folder_that_holds_something_is_refused_and_left_as_it_is(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")

    with pytest.raises(PhantomError, match="full holds something already: expected a folder"):
        draw_folder(ONE, tmp_path / "full")

    assert files_of(tmp_path) == {"full/mine.txt": b"mine"}


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(PhantomError, match="file holds something already"):
        draw_folder(ONE, tmp_path / "file")
    with pytest.raises(PhantomError, match="cannot be written to .* directory"):
        draw_folder(ONE, tmp_path / "file" / "below")
