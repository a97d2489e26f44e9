"""`pretrain`: learn brains and tumors from phantoms alone, round by round, and log the model."""

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from tumorscope.config import PhantomConfig, PretrainingConfig
from tumorscope.learning.dataset import Dataset, load_dataset
from tumorscope.learning.pretraining import (
    NETWORK,
    Checkpoint,
    build_learner,
    learn_round,
    load_checkpoint,
    network_of,
    remove_checkpoint,
    save_checkpoint,
)
from tumorscope.phantom.stream import (
    TRAINING_STREAM,
    VALIDATION_STREAM,
    PhantomBatch,
    draw_batch,
    phantom_batches,
)
from tumorscope.tracking.runs import PRETRAINING_EXPERIMENT, TrackedRun, tracked_run
from tumorscope.workflows.pretraining_figures import curve_metrics
from tumorscope.workflows.pretraining_summary import PretrainingSummary, conclude


def pretrain_and_log(
    config: PretrainingConfig, on_progress: Callable[[int, dict], None] = lambda seen, metrics: None
) -> PretrainingSummary:
    """Train on a stream of phantoms, from the last checkpoint where there is one.

    Args:
        config: all settings.
        on_progress: called after each round with the slices seen and the round's metrics.

    Returns:
        The figures of the finished network.

    Raises:
        SettingError: the checkpoint was made with other settings, or `out` is not empty.
        DatasetError: the folder of real slices cannot be used.
        PhantomError: a process that drew was killed; the next call goes on from the last round.
        StoppedError: the run was interrupted; the next call goes on from its last round.
    """
    folder = Path(config.checkpoint)
    found = load_checkpoint(folder, config)
    real = load_dataset(config.data, config.image_size, config.framing) if config.data else None
    with tracked_run(
        "pretrain", config, PRETRAINING_EXPERIMENT, found.run_id if found else ""
    ) as run:
        checkpoint = found or Checkpoint(build_learner(config), 0, run.run_id)
        run.set_tags({"tumorscope.network": NETWORK})
        phantoms = _unseen(config, config.validation_slices)
        _learn(config, run, checkpoint, phantoms, real, on_progress)
        phantoms = _unseen(config, config.judging_slices)
        summary = conclude(config, run, checkpoint, phantoms, real)
    remove_checkpoint(folder)
    return summary


def _unseen(config: PretrainingConfig, count: int) -> PhantomBatch:
    """The first phantoms of the stream that is not learned from."""
    given = PhantomConfig(image_size=config.image_size)
    return draw_batch(config.seed, VALIDATION_STREAM, 0, count, config.framing, given)


def _learn(
    config: PretrainingConfig,
    run: TrackedRun,
    checkpoint: Checkpoint,
    phantoms: PhantomBatch,
    real: Dataset | None,
    on_progress: Callable[[int, dict], None],
) -> None:
    with closing(
        phantom_batches(
            config.seed,
            TRAINING_STREAM,
            checkpoint.slices_seen,
            config.batch_size,
            config.framing,
            PhantomConfig(image_size=config.image_size),
            config.pairs,
            config.workers,
        )
    ) as stream:
        batches = ((batch.slices, batch.labels, batch.masks) for batch in stream)
        while checkpoint.slices_seen < config.slices:
            start = time.perf_counter()
            left = config.slices - checkpoint.slices_seen
            seen, logs = learn_round(
                checkpoint.learner,
                batches,
                min(config.round_size, left),
                config.seed + checkpoint.slices_seen,
            )
            checkpoint.slices_seen += seen
            metrics = {
                **logs,
                "slices_per_second": seen / (time.perf_counter() - start),
                **curve_metrics(config, network_of(checkpoint.learner), phantoms, real),
            }
            run.log_step(checkpoint.slices_seen, metrics)
            save_checkpoint(Path(config.checkpoint), checkpoint, config)
            on_progress(checkpoint.slices_seen, metrics)
