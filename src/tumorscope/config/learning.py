"""How a network learns: from slices, in folds, and from an endless stream of phantoms."""

import dataclasses

from tumorscope.config.settings import (
    PREVALENCE,
    PREVALENCE_HELP,
    REPORT_HELP,
    check_limits,
    setting,
)
from tumorscope.config.slices import SlicesConfig
from tumorscope.errors import SettingError

TRANSFER_NETWORKS = ("vgg16", "resnet50", "efficientnetv2b0", "mobilenetv3")


@dataclasses.dataclass(frozen=True)
class LearningConfig(SlicesConfig):
    """How a network learns from slices: network, optimization, augmentation, operating point."""

    network: str = setting(
        "compact",
        "compact: the default. reference: the widespread notebook's network. The others are of "
        "keras.applications (mobilenetv3: MobileNetV3Small).",
        choices=("compact", "reference", *TRANSFER_NETWORKS),
    )
    epochs: int = setting(15, "Passes over the training slices.", 1, 10_000)
    batch_size: int = setting(32, "Slices in a step of the optimizer.", 1, 4096)
    learning_rate: float = setting(2e-3, "Adam's learning rate at its peak.", 1e-7, 1.0)
    schedule: str = setting(
        "cosine",
        "constant, or cosine: one epoch of warm-up, then down to zero.",
        choices=("constant", "cosine"),
    )
    early_stopping_patience: int = setting(
        0, "Stop after so many epochs without a lower validation loss; 0 never stops.", 0
    )
    kept_epoch: str = setting(
        "auto",
        "Whose weights are kept. lowest_loss: of the epoch with the lowest validation loss. last: "
        "of the last one. auto: last, where weights that know the task are fine-tuned without "
        "patience, else lowest_loss.",
        choices=("auto", "lowest_loss", "last"),
    )
    class_weights: str = setting(
        "none", "balanced weighs both classes alike in the loss.", choices=("none", "balanced")
    )
    initial_weights: str = setting(
        "auto",
        "shipped: pretrained on phantoms. imagenet: for networks of keras.applications. none: from "
        "scratch. auto: imagenet for those, shipped where they fit, else none. Or a file "
        "network.keras, a bundle's folder, or a model's URI: models:/... or runs:/<run id>/model.",
    )
    imagenet_weights: str = setting(
        "",
        "File of the ImageNet weights without the classifier, where Keras cannot download it.",
    )
    frozen_epochs: int = setting(
        5, "Epochs, the first ones, in which only the head learns on ImageNet weights.", 0, 10_000
    )
    tuned_blocks: int = setting(
        1, "Last blocks, of five, that learn on ImageNet weights afterwards.", 0, 5
    )
    fine_tuning_rate: float = setting(
        1e-4, "Adam's learning rate at its peak where training starts from given weights.", 1e-7, 1
    )
    fine_tuned_share: float = setting(
        0.5,
        "Where training starts from given weights that know the task, the network ends with the "
        "mean of these and of what it learned; this is the share of what it learned. 1: no mean.",
        0.01,
        1.0,
    )
    frozen_blocks: int = setting(
        0, "First blocks that stay as they are where training starts from given weights.", 0, 5
    )
    dropout: float = setting(0.3, "Share of the features dropped before the last layer.", 0, 0.9)
    width: int = setting(12, "Filters of the compact network's first block.", 4, 64)
    augment: bool = setting(True, "Vary the training slices anew in each epoch.")
    copies: int = setting(4, "Augmentation: variations of each slice in an epoch.", 1, 100)
    rotation_degrees: float = setting(15.0, "Augmentation: largest rotation.", 0, 180)
    shift: float = setting(0.08, "Augmentation: largest shift, as a share of the size.", 0, 0.5)
    zoom: float = setting(0.12, "Augmentation: largest zoom in or out, as a share.", 0, 0.5)
    gamma: float = setting(0.25, "Augmentation: largest logarithm of the gamma exponent.", 0, 2)
    contrast: float = setting(0.2, "Augmentation: largest change of brightness, as a share.", 0, 1)
    flip: bool = setting(True, "Augmentation: mirror left and right in half of the cases.")
    image_size: int = setting(128, "Width and height that the network sees, in pixels.", 32, 512)
    framing: str = setting(
        "head",
        "head: crop to the head, pad to a square. letterbox: pad the frame. stretch: squeeze it.",
        choices=("head", "letterbox", "stretch"),
    )
    validation_fraction: float = setting(
        0.2, "Share of the slices that do not test which choose epoch and threshold.", 0.05, 0.5
    )
    split_seed: int = setting(0, "Seed of the split; keep it to compare runs on equal slices.", 0)
    seed: int = setting(0, "Seed of weights, order, augmentation and dropout.", 0, 2**31 - 1)
    operating_point: str = setting(
        "min_sensitivity",
        "How the threshold is chosen. min_sensitivity: the most specific that finds enough tumors. "
        "balanced: the largest sum of sensitivity and specificity.",
        choices=("min_sensitivity", "balanced"),
    )
    min_sensitivity: float = setting(
        0.95, "Share of the validation tumors that the threshold must find.", 0.5, 1.0
    )
    calibration: str = setting(
        "auto",
        "auto: probabilities are made of scores by a temperature or Platt's line, if log loss gets "
        "clearly better out of fold. none: scores are passed on.",
        choices=("auto", "none"),
    )
    unsure_odds: float = setting(
        1.5,
        "The answer is `unsure` where the odds of a tumor are within this factor of those at the "
        "threshold; 1 is never unsure.",
        1.0,
        100.0,
    )
    prevalence: float = setting(PREVALENCE, PREVALENCE_HELP, 1e-6, 0.999)
    bootstrap_samples: int = setting(2000, "Resamples behind each 95 % interval.", 100, 100_000)
    report: str = setting("", REPORT_HELP)

    def __post_init__(self) -> None:
        check_limits(self)


@dataclasses.dataclass(frozen=True)
class TrainingConfig(LearningConfig):
    """Settings of `train`: how to learn, and how much to keep for the test."""

    test_fraction: float = setting(0.2, "Share of the slices that only test.", 0.05, 0.5)


@dataclasses.dataclass(frozen=True)
class CrossValidationConfig(LearningConfig):
    """Settings of `cross-validate`: how to learn, in how many folds, how often."""

    folds: int = setting(5, "Parts of the slices; each tests once what the others teach.", 2, 50)
    repeats: int = setting(
        1, "Times that all of it is done, each with a split and weights of its own.", 1, 100
    )
    checkpoint: str = setting(
        "mlruns/cross-validation", "Folder to resume from; the last fold empties it."
    )


@dataclasses.dataclass(frozen=True)
class PretrainingConfig:
    """Settings of `pretrain`: an endless stream of phantoms for the compact network."""

    slices: int = setting(200_000, "Phantoms to learn from; each is seen once.", 64)
    pairs: bool = setting(True, "Draw every head twice, with a tumor and without.")
    batch_size: int = setting(32, "Phantoms in a step of the optimizer; even for pairs.", 2, 4096)
    round_size: int = setting(
        8192, "Phantoms between two checkpoints, rounded to whole batches.", 64
    )
    validation_slices: int = setting(
        2000, "Phantoms of a stream of their own that judge each round.", 50
    )
    judging_slices: int = setting(
        8000, "Phantoms of that stream that judge the finished network, choose its threshold.", 50
    )
    min_specificity: float = setting(
        0.9, "Share of the healthy phantoms that the threshold must pass.", 0.5, 1.0
    )
    learning_rate: float = setting(2e-3, "Adam's learning rate at its peak.", 1e-7, 1.0)
    mask_weight: float = setting(
        5.0, "Weight of the heat map's loss beside the score's; 0: no mask is looked at.", 0, 100
    )
    dropout: float = setting(0.0, "Share of the features dropped before the last layer.", 0, 0.9)
    width: int = setting(12, "Filters of the network's first block.", 4, 64)
    image_size: int = setting(128, "Width and height that the network sees, in pixels.", 64, 512)
    framing: str = setting(
        "head",
        "head: crop to the head, pad to a square. letterbox: pad the frame. stretch: squeeze it.",
        choices=("head", "letterbox", "stretch"),
    )
    seed: int = setting(0, "Seed of weights, dropout and phantoms.", 0, 2**31 - 1)
    workers: int = setting(0, "Processes that draw; 0 is one for each core.", 0, 256)
    data: str = setting("", "Folder of real slices to measure on after each round, if any.")
    checkpoint: str = setting(
        "mlruns/pretraining", "Folder to resume from; a finished pretraining empties it."
    )
    out: str = setting("", "Also write the bundle (network and card) to this folder.")
    bootstrap_samples: int = setting(2000, "Resamples behind each 95 % interval.", 100, 100_000)
    report: str = setting("", REPORT_HELP)

    def __post_init__(self) -> None:
        check_limits(self)
        if self.pairs and self.batch_size % 2:
            raise SettingError(
                f"batch_size must be even where heads are drawn in pairs, but it is "
                f"{self.batch_size}; give an even one, or pairs=false."
            )
