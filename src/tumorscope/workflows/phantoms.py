"""`phantoms`: draw simulated slices with their tumor masks into a folder."""

import time
from dataclasses import dataclass
from pathlib import Path

from tumorscope.config import PhantomsConfig
from tumorscope.errors import StoppedError
from tumorscope.phantom.folder import Progress, draw_folder, no_progress
from tumorscope.tracking.stop_signals import stop_signals_raise


@dataclass(frozen=True)
class PhantomsSummary:
    """What was written: `tumors` of the `phantoms` have one; `folder` is absolute."""

    folder: str
    phantoms: int
    tumors: int
    duration_s: float


def write_phantoms(config: PhantomsConfig, progress: Progress = no_progress) -> PhantomsSummary:
    """Draw phantoms into a new folder.

    Args:
        config: how many, where and which.
        progress: called with the number of phantoms drawn so far, and of all.

    Raises:
        PhantomError: the folder is not empty or cannot be written, or a process that drew was
            killed; nothing was touched.
        StoppedError: Ctrl-C or SIGTERM came; nothing is left.
    """
    start = time.perf_counter()
    folder = Path(config.out).expanduser().absolute()
    with stop_signals_raise():
        try:
            tumors = draw_folder(config, folder, progress)
        except KeyboardInterrupt:
            raise StoppedError(f"Stopped: nothing was written to {folder}.") from None
    return PhantomsSummary(str(folder), config.count, tumors, time.perf_counter() - start)
