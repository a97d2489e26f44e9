"""How a finished network learns to say in which place it sees a tumor."""

import dataclasses

from tumorscope.config.settings import REPORT_HELP, check_limits, setting


@dataclasses.dataclass(frozen=True)
class LocalizationConfig:
    """Settings of `localize`: fresh phantoms, in pairs, whose masks teach the heat map."""

    bundle: str = setting(
        "", "Folder of a finished bundle; its heat map is learned anew and written there."
    )
    slices: int = setting(16_000, "Phantoms to learn from.", 2, 1_000_000)
    passes: int = setting(3, "How often each is seen.", 1, 100)
    batch_size: int = setting(32, "Phantoms in a step of the optimizer.", 2, 4096)
    learning_rate: float = setting(3e-3, "Adam's learning rate at the start.", 1e-7, 1.0)
    validation_slices: int = setting(2000, "Phantoms of a stream of their own that judge.", 2)
    seed: int = setting(0, "Seed of weights, order and phantoms.", 0, 2**31 - 1)
    workers: int = setting(0, "Processes that draw; 0 is one for each core.", 0, 256)
    report: str = setting("", REPORT_HELP)

    def __post_init__(self) -> None:
        check_limits(self)
