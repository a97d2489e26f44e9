from datetime import UTC, datetime

import pyarrow.parquet as pq
import pytest

from tumorscope.errors import ScoringError
from tumorscope.learning.part_files import discard, finished_parts, merge_parts, write_part


def columns(*paths):
    nothing = [None] * len(paths)
    return {
        "path": list(paths),
        "probability": [0.5] * len(paths),
        "label": ["tumor"] * len(paths),
        "error": nothing,
        "frames": nothing,
        "model_version": ["shipped"] * len(paths),
        "scored_at": [datetime.now(UTC)] * len(paths),
    }


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / ".out.parquet.parts"
    folder.mkdir()
    write_part(folder, 1, columns("c"))
    write_part(folder, 0, columns("a", "b"))
    return folder


def test_parts_become_one_file_in_their_order(folder, tmp_path):
    (folder / "growing-2").write_bytes(b"half a part")

    assert finished_parts(folder) == {0, 1}
    merge_parts(folder, range(2), 3, tmp_path / "out.parquet")

    assert pq.read_table(tmp_path / "out.parquet")["path"].to_pylist() == ["a", "b", "c"]


def test_a_missing_row_is_refused(folder, tmp_path):
    with pytest.raises(ScoringError, match="hold 3 rows instead of 4"):
        merge_parts(folder, range(2), 4, tmp_path / "out.parquet")

    assert not (tmp_path / "out.parquet").exists()


def test_a_damaged_part_is_taken_away(folder, tmp_path):
    (folder / "00000001.parquet").write_bytes(b"PAR1")

    with pytest.raises(ScoringError, match="was damaged, and is taken away"):
        merge_parts(folder, range(2), 3, tmp_path / "out.parquet")

    assert finished_parts(folder) == {0}


def test_parts_are_discarded_even_where_an_earlier_try_stopped_half_way(folder, tmp_path):
    (tmp_path / ".out.parquet.parts-done").mkdir()

    discard(folder)

    assert list(tmp_path.iterdir()) == []
