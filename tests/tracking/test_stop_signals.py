import importlib
import signal
import time

import pytest

from tumorscope.tracking.stop_signals import STOP_SIGNALS, stop_signals_raise

DROPPING = """
import signal
try:
    signal.raise_signal(signal.SIGTERM)
except BaseException:
    pass
finished = True
"""


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_a_stop_signal_raises_once_and_then_waits_for_the_end(number):
    before = signal.getsignal(number)

    with stop_signals_raise():
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        for again in STOP_SIGNALS:
            signal.raise_signal(again)

    assert signal.getsignal(number) is before


def test_a_stop_signal_outlives_an_import_that_would_drop_it(tmp_path, monkeypatch):
    (tmp_path / "dropping.py").write_text(DROPPING)
    monkeypatch.syspath_prepend(tmp_path)

    with stop_signals_raise():
        dropping = importlib.import_module("dropping")
        with pytest.raises(KeyboardInterrupt):
            time.sleep(10)

    assert dropping.finished
