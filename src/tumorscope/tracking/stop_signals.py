"""Ctrl-C and SIGTERM alike: they end the work, and never what ends it in peace."""

import contextlib
import signal
from collections.abc import Iterator

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def stop_signals_raise() -> Iterator[None]:
    """Both stop signals raise KeyboardInterrupt, once: what follows must end the run in peace."""

    def stop(number, frame) -> None:
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
