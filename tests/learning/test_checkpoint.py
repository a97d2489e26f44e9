import subprocess
import sys
from pathlib import Path

import pytest

from tumorscope.errors import SettingError
from tumorscope.learning.checkpoint import hold, read_state, write_state

SETTINGS = {"epochs": 3, "width": 12}


def test_a_state_comes_back_where_the_settings_are_the_same(tmp_path):
    write_state(tmp_path / "new", {"run_id": "r", "settings": SETTINGS})

    assert read_state(tmp_path / "new", SETTINGS, "work")["run_id"] == "r"


def test_there_is_no_state_where_none_was_written(tmp_path):
    (tmp_path / "state.json.part").write_text("{", encoding="utf-8")  # by a kill

    assert read_state(tmp_path, SETTINGS, "work") is None


def test_a_state_of_other_settings_is_refused_by_their_names(tmp_path):
    write_state(tmp_path, {"settings": SETTINGS})

    with pytest.raises(SettingError, match="holds work with another width, seed: give the same"):
        read_state(tmp_path, {"epochs": 3, "width": 8, "seed": 0}, "work")


def test_a_folder_is_held_by_one_process_and_let_go_when_it_dies(tmp_path):
    source = Path(__file__).resolve().parents[2] / "src"
    code = (
        f"import sys; sys.path.insert(0, {str(source)!r})\n"
        "from pathlib import Path; from tumorscope.learning.checkpoint import hold\n"
        "with hold(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert other.stdout.readline() == b"held\n"

    with (
        pytest.raises(SettingError, match="Another process works in .*: let it end"),
        hold(tmp_path),
    ):
        pass

    other.kill()
    other.communicate()
    with hold(tmp_path):
        pass
