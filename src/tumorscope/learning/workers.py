"""Processes that share a folder: which of them live, and which may act alone.

A process holds a lock file as long as it lives; the system frees it when the process dies, however
it dies, and then the others know. Nobody waits for a heartbeat to be missed, and a process that was
only suspended is not taken for dead.
"""

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout


class Workers:
    """The processes of a folder, with this one as one of them.

    Attributes:
        name: of this process.
    """

    def __init__(self, folder: Path) -> None:
        """Share a folder, which is there; nobody knows of this process before `join`."""
        self.name = uuid.uuid4().hex[:12]
        self._folder = folder
        self._presence = FileLock(self._path(self.name))
        self._guard = FileLock(folder / "study.lock")

    def join(self) -> None:
        """Be known as alive to the other processes, until `leave`."""
        self._presence.acquire()

    def leave(self) -> bool:
        """Be no longer known as alive; returns whether nobody else is, either."""
        with self.alone():
            self._presence.release()
            self._path(self.name).unlink(missing_ok=True)
            return not any(self.alive(path.stem) for path in self._folder.glob("*.worker"))

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep the others from what they do alone; for moments only."""
        with self._guard:
            yield

    @contextlib.contextmanager
    def finale(self) -> Iterator[None]:
        """Let one process at a time do what is done once, at the end."""
        with FileLock(self._folder / "finale.lock"):
            yield

    def alive(self, name: str) -> bool:
        """Whether a process of this name still holds its lock."""
        if name == self.name:
            return self._presence.is_locked
        if not self._path(name).exists():
            return False
        try:
            with FileLock(self._path(name), timeout=0):
                return False
        except Timeout:
            return True

    def forget_dead(self) -> None:
        """Remove the lock files of processes that are dead; `alone` must be held."""
        for path in self._folder.glob("*.worker"):
            if not self.alive(path.stem):
                path.unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.worker"
