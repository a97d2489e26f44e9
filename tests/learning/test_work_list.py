import itertools
import os

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tumorscope.errors import ScoringError
from tumorscope.learning.work_list import chunks, make_list


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "slices"
    for name in (
        "b/2.png",
        "b/1.JPG",
        "a.nii.gz",
        "masks/1.png",
        ".old/1.png",
        "notes.txt",
        ".x.png",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    return root


def paths_of(source, tmp_path, size=2, done=()):
    work = make_list(str(source), tmp_path / "list")
    return [chunk.paths for chunk in chunks(work, size, set(done))]


def test_a_folder_is_its_pictures_in_a_fixed_order_without_masks_and_hidden_files(folder, tmp_path):
    found = list(itertools.chain(*paths_of(folder, tmp_path)))

    assert found == [str(folder / name) for name in ("a.nii.gz", "b/1.JPG", "b/2.png")]


def test_a_glob_is_whatever_files_it_matches(folder, tmp_path):
    found = list(itertools.chain(*paths_of(folder / "**" / "*", tmp_path)))

    assert str(folder / "notes.txt") in found
    assert str(folder / "masks/1.png") in found
    assert str(folder / "b") not in found


def test_a_link_to_a_folder_above_ends(folder, tmp_path):
    (folder / "b" / "loop").symlink_to(folder)

    assert len(list(itertools.chain(*paths_of(folder, tmp_path)))) == 3


def test_chunks_that_are_done_are_passed_over_and_the_others_keep_their_numbers(tmp_path):
    pd.DataFrame({"path": list("abcde")}).to_parquet(tmp_path / "paths.parquet")
    work = make_list(str(tmp_path / "paths.parquet"), tmp_path / "list")

    left = [(chunk.number, chunk.paths) for chunk in chunks(work, 2, {1})]

    assert work.images == 5
    assert left == [(0, ["a", "b"]), (2, ["e"])]


def test_chunks_do_not_depend_on_the_row_groups_of_a_file(tmp_path):
    pq.write_table(pa.table({"path": list("abcde")}), tmp_path / "p.parquet", row_group_size=3)

    assert paths_of(tmp_path / "p.parquet", tmp_path) == [["a", "b"], ["c", "d"], ["e"]]


def test_contents_without_paths_are_named_by_their_row(tmp_path):
    pd.DataFrame({"content": [b"x", None]}).to_parquet(tmp_path / "c.parquet")
    work = make_list(str(tmp_path / "c.parquet"), tmp_path / "list")

    (chunk,) = chunks(work, 5, set())

    assert chunk.paths == ["c.parquet#0", "c.parquet#1"]
    assert chunk.contents == [b"x", None]


def test_the_digest_follows_the_list(folder, tmp_path):
    before = make_list(str(folder), tmp_path / "list").digest
    assert make_list(str(folder), tmp_path / "list").digest == before

    (folder / "b" / "3.png").write_bytes(b"")

    assert make_list(str(folder), tmp_path / "list").digest != before


def test_a_name_that_is_no_text_is_listed_escaped(folder, tmp_path):
    (folder / os.fsdecode(b"\xff.png")).write_bytes(b"")

    assert str(folder / "\\xff.png") in list(itertools.chain(*paths_of(folder, tmp_path)))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"file": ["a"]}, "has the columns file: expected `path` of text, or `content`"),
        ({"path": [1]}, "has the columns path: expected"),
        ({"path": pd.Series([], dtype="str")}, "holds no row"),
    ],
)
def test_a_table_that_is_no_list_is_one_sentence(tmp_path, table, message):
    pd.DataFrame(table).to_parquet(tmp_path / "t.parquet")

    with pytest.raises(ScoringError, match=message):
        make_list(str(tmp_path / "t.parquet"), tmp_path / "list")


def test_sources_without_images_are_one_sentence(tmp_path):
    (tmp_path / "torn.parquet").write_bytes(b"PAR1")
    (tmp_path / "empty").mkdir()
    for source, message in (
        ("nowhere", "There is no nowhere: expected a folder"),
        (str(tmp_path / "torn.parquet"), "is no parquet file that can be read"),
        (str(tmp_path / "empty"), "empty holds no image"),
        (str(tmp_path / "*.png"), "holds no image"),
    ):
        with pytest.raises(ScoringError, match=message):
            make_list(source, tmp_path / "list")
