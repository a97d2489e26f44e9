import json
from datetime import UTC, datetime

import pyarrow.parquet as pq
import pytest

from tumorscope.errors import ScoringError
from tumorscope.learning.part_files import ANSWERS, discard, finished_parts, merge_parts, write_part

SCORED = datetime(2026, 11, 30, 12, 30, 0, 5, tzinfo=UTC)


def answers(*paths):
    told = {
        "scored_at": SCORED.isoformat(),
        "probability": 1 / 3,
        "label": "tumor",
        "error": None,
        "frames": None,
        "model_version": "shipped",
    }
    return "\n".join(json.dumps(told | {"path": path}) for path in paths).encode()


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / ".out.parquet.parts"
    folder.mkdir()
    write_part(folder, 1, answers("c"))
    write_part(folder, 0, answers("a", "b"))
    return folder


def test_parts_become_one_file_in_their_order(folder, tmp_path):
    (folder / "growing-2").write_bytes(b"half a part")

    assert finished_parts(folder) == {0, 1}
    merge_parts(folder, range(2), 3, tmp_path / "out.parquet")

    whole = pq.read_table(tmp_path / "out.parquet")
    assert whole.schema == ANSWERS
    assert whole["path"].to_pylist() == ["a", "b", "c"]
    assert whole["model_version"].to_pylist() == ["shipped"] * 3
    assert whole["error"].null_count == 3
    assert whole["probability"].to_pylist() == [1 / 3] * 3
    assert whole["scored_at"].to_pylist() == [SCORED] * 3


@pytest.mark.parametrize(
    "name", ['two\nlines, a "quote" and a \\', "\x00", "Hügel 脳", "x" * 3_000_000]
)
def test_any_text_comes_back_as_it_was(folder, tmp_path, name):
    write_part(folder, 2, answers("d", name))

    merge_parts(folder, range(3), 5, tmp_path / "out.parquet")

    assert pq.read_table(tmp_path / "out.parquet")["path"].to_pylist()[3:] == ["d", name]


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
