"""`localize`: teach a finished network's heat map from phantoms' masks; `pretrain` ends with it."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from tumorscope.config import LocalizationConfig, PhantomConfig
from tumorscope.errors import SettingError
from tumorscope.learning.bundle import KERAS_FILE, write_bundle
from tumorscope.learning.evaluation import Estimate
from tumorscope.learning.localization import require_blocks
from tumorscope.learning.mask_teaching import train_head
from tumorscope.learning.pointing import pointing
from tumorscope.phantom.stream import (
    LOCALIZATION_STREAM,
    VALIDATION_STREAM,
    PhantomBatch,
    draw_batch,
    phantom_batches,
)
from tumorscope_serving.card import CARD_FILE, ModelCard
from tumorscope_serving.predictor import Predictor
from tumorscope_serving.slices import network_input

DRAWN_AT_ONCE = 32
Watch = Callable[[int, dict[str, float]], None]


@dataclass(frozen=True)
class LocalizationSummary:
    """What a heat map is summed up by.

    Attributes:
        bundle: folder that it was written to.
        slices: phantoms that it learned from.
        pointing: figure -> estimate on phantoms that taught it nothing.
    """

    bundle: str
    slices: int
    pointing: dict[str, Estimate]


def localize(
    config: LocalizationConfig, on_pass: Watch = lambda number, metrics: None
) -> LocalizationSummary:
    """Learn the heat map of a bundle anew and write it there; its scores stay as they are.

    Raises:
        SettingError: there is no bundle, or its network can carry no heat map.
        PhantomError: a process that drew was killed.
    """
    folder = Path(config.bundle)
    if not config.bundle or not (folder / CARD_FILE).is_file():
        raise SettingError(
            f"There is no bundle in {config.bundle or 'an unnamed folder'}: give --bundle a folder "
            "that pretrain --out has written."
        )
    card = ModelCard.read(folder)
    network = keras.saving.load_model(folder / KERAS_FILE, compile=False)
    head = learn_head(network, card.framing, config, on_pass)
    judges = draw_batch(
        config.seed,
        VALIDATION_STREAM,
        0,
        config.validation_slices,
        card.framing,
        PhantomConfig(image_size=card.image_size),
    )
    write_bundle(folder, network, network_input(judges.slices[:64]), card, head=head)
    return LocalizationSummary(
        config.bundle, config.slices, measure_pointing(Predictor(folder), judges)
    )


def learn_head(
    network: keras.Model, framing: str, config: LocalizationConfig, on_pass: Watch
) -> keras.Model:
    """Draw fresh phantoms, in pairs, and teach a head by their masks.

    Raises:
        SettingError: the network can carry no heat map.
        PhantomError: a process that drew was killed.
    """
    require_blocks(network)
    phantom = PhantomConfig(image_size=network.input_shape[1])
    slices, masks = [], []
    with closing(
        phantom_batches(
            config.seed,
            LOCALIZATION_STREAM,
            0,
            DRAWN_AT_ONCE,
            framing,
            phantom,
            paired=True,
            workers=config.workers,
        )
    ) as stream:
        while len(slices) * DRAWN_AT_ONCE < config.slices:
            batch = next(stream)
            slices.append(batch.slices)
            masks.append(batch.masks)
    count = config.slices
    return train_head(
        network, np.concatenate(slices)[:count], np.concatenate(masks)[:count], config, on_pass
    )


def measure_pointing(predictor: Predictor, phantoms: PhantomBatch) -> dict[str, Estimate]:
    """How often the heat of a model's detected tumors lies on them."""
    probabilities, heat = predictor.explained(phantoms.slices)
    return pointing(
        heat,
        phantoms.masks,
        probabilities >= predictor.card.threshold,
        np.array([each["tumor_diameter_mm"] or 0.0 for each in phantoms.descriptions]),
    )
