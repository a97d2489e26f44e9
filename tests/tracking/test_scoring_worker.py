import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tumorscope.shipped import BUNDLE

OLD_MODEL = """
class Model:
    def predict(self, table, params):
        assert params == {"check_input": False}
        return table.assign(probability=[len(each) / 8 for each in table["image"]], label="tumor")


def _load_pyfunc(data):
    return Model()
"""


def asked(code, data, paths):
    """What a process that scores says of files, and which libraries it has imported for it.

    It has no second thread for the algebra of arrays.
    """
    script = (
        "import json, os, sys; from tumorscope.tracking import scoring_worker as worker; "
        "worker._end_with_parent = lambda: None; "
        "assert 'numpy' not in sys.modules, 'it would have started threads'; "
        f"worker.start({code!r}, {data!r}, 'models:/m/1'); "
        f"lines = worker.answer({paths!r}, {[None] * len(paths)!r}, {{'check_input': False}}); "
        "heavy = {'mlflow', 'tensorflow', 'pandas', 'pyarrow'} & set(sys.modules); "
        "import threadpoolctl; "
        "assert {each['num_threads'] for each in threadpoolctl.threadpool_info()} == {1}; "
        "print(json.dumps([lines.decode(), sorted(heavy)]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    lines, heavy = json.loads(done.stdout)
    return [json.loads(line) for line in lines.split("\n")], heavy


@pytest.fixture
def files(tmp_path):
    paths = [tmp_path / name for name in ("a.png", "b.png", "c.png")]
    paths[0].write_bytes(b"1234")
    paths[2].write_bytes(b"12345678")
    return [str(path) for path in paths]


def test_the_shipped_model_answers_without_the_libraries_of_tables(drawn_data, tmp_path):
    slices = [str(path) for path in sorted((drawn_data / "yes").glob("slice_0[0-9].png"))]

    rows, heavy = asked("", str(BUNDLE), [*slices, str(tmp_path / "gone.png")])

    assert heavy == []
    assert [row["path"] for row in rows[:-1]] == slices
    assert all(0 <= row["probability"] <= 1 and row["error"] is None for row in rows[:-1])
    assert rows[-1]["error"] == "The file cannot be opened (No such file or directory)."
    assert rows[-1]["probability"] is None


def test_a_model_that_older_code_logged_is_asked_by_tables(files, tmp_path):
    package = Path(tmp_path, "code", "tumorscope_serving")
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "pyfunc.py").write_text(OLD_MODEL)

    rows, _ = asked(str(package.parent), "", files)

    assert [row["probability"] for row in rows] == [0.5, None, 1.0]
    assert [row["label"] for row in rows] == ["tumor", None, "tumor"]
    assert {row["model_version"] for row in rows} == {"models:/m/1"}
