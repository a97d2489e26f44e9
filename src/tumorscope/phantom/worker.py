"""How a process that draws phantoms behaves beside the one that asks for them."""

import multiprocessing
import os
import signal
import threading

import cv2


def start_worker() -> None:
    """Use one core, leave Ctrl-C to the parent, and do not outlive it; for a pool to call."""
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def end_with_parent() -> None:
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()
