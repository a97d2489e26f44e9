import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tumorscope.config import PhantomsConfig
from tumorscope.errors import StoppedError
from tumorscope.learning.folders import find_slice_files
from tumorscope.workflows.phantoms import write_phantoms


def test_the_folder_is_read_as_a_data_set_and_its_masks_are_passed_over(tmp_path):
    summary = write_phantoms(PhantomsConfig(count=9, out=str(tmp_path / "new"), image_size=64))

    files, others = find_slice_files(Path(summary.folder))

    assert len(files) == summary.phantoms == 9
    assert sum(file.label for file in files) == summary.tumors
    assert others == []


def test_phantoms_that_are_interrupted_leave_nothing(tmp_path):
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(StoppedError, match="Stopped: nothing was written to .*new"):
        write_phantoms(PhantomsConfig(count=1, out=str(tmp_path / "new")), progress=interrupt)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs to choose cores")
@pytest.mark.parametrize(
    ("number", "cores"), [(signal.SIGTERM, 1), (signal.SIGKILL, 2)], ids=["stopped", "killed"]
)
def test_a_killed_command_leaves_no_folder_that_looks_complete(tmp_path, number, cores):
    """On one core it draws in one process, on more in several."""
    source = Path(__file__).resolve().parents[2] / "src"
    process = subprocess.Popen(
        [sys.executable, "-m", "tumorscope", "phantoms"]
        + ["--count", "100000", "--out", str(tmp_path / "new")],
        env={"PYTHONPATH": str(source)},
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores]),
    )
    while not list(tmp_path.glob(".new.*.part/masks")):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)

    assert not (tmp_path / "new").exists()
    if number == signal.SIGTERM:
        assert process.returncode == 130
        assert errors == f"Stopped: nothing was written to {tmp_path / 'new'}.\n"
        assert list(tmp_path.iterdir()) == []
