import subprocess
import sys

import pytest

from tumorscope.learning.workers import Workers

JOIN_AND_WAIT = """
import sys, pathlib
from tumorscope.learning.workers import Workers
workers = Workers(pathlib.Path(sys.argv[1]))
workers.join()
print(workers.name, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path):
    """A process that has joined; its name, and the process."""
    process = subprocess.Popen(
        [sys.executable, "-c", JOIN_AND_WAIT, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process.stdout.readline().strip(), process
    process.kill()
    process.communicate()


def test_a_process_is_known_as_alive_from_joining_to_its_death(tmp_path, other):
    name, process = other
    workers = Workers(tmp_path)
    workers.join()
    assert workers.alive(name)

    process.kill()
    process.wait()

    assert not workers.alive(name)
    assert workers.alive(workers.name)
    workers.forget_dead()
    assert [path.stem for path in tmp_path.glob("*.worker")] == [workers.name]


def test_who_has_not_joined_is_not_alive(tmp_path):
    assert not Workers(tmp_path).alive(Workers(tmp_path).name)


def test_the_last_process_to_leave_is_told_so(tmp_path, other):
    first, second = Workers(tmp_path), Workers(tmp_path)
    first.join()
    second.join()

    assert not first.leave()
    assert not second.leave()  # the other process is there
    second.join()
    other[1].kill()
    other[1].wait()
    assert second.leave()
