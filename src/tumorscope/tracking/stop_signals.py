"""Ctrl-C and SIGTERM alike: they end the work, and never what ends it in peace."""

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
IMPORT_PATIENCE_S, RETRY_S = 20.0, 0.05


@contextlib.contextmanager
def stop_signals_raise() -> Iterator[None]:
    """Both stop signals raise KeyboardInterrupt, once: what follows must end the run in peace.

    Where a module is being imported they wait until it is: some modules drop the exception, and
    compiled ones make an ImportError of it. Needs the main thread.
    """
    first_s = None

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal first_s
        first_s = time.monotonic() if first_s is None else first_s
        if _is_importing(frame) and time.monotonic() < first_s + IMPORT_PATIENCE_S:
            retry = threading.Timer(RETRY_S, signal.raise_signal, [number])
            retry.daemon = True
            retry.start()
            return
        ignore_stop_signals()
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def ignore_stop_signals() -> None:
    """From here on neither signal does anything, until `stop_signals_raise` is left."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _is_importing(frame: FrameType | None) -> bool:
    while frame:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
