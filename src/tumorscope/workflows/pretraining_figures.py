"""How good is a network that learns from phantoms? Figures of a round, and of the end."""

import keras
import numpy as np

from tumorscope.config import PretrainingConfig
from tumorscope.learning.dataset import Dataset
from tumorscope.learning.evaluation import Estimate, OperatingPoint, evaluate, specific_point
from tumorscope.learning.training import predict_scores
from tumorscope.phantom.stream import PhantomBatch
from tumorscope_serving.slices import network_input

DIAMETERS_MM = (0, 8, 16, 32, 200)
CONTRASTS = (0.0, 0.2, 0.4, 10.0)
SLICE_METRICS = ("auroc", "accuracy", "sensitivity", "specificity")


def curve_metrics(
    config: PretrainingConfig, network: keras.Model, phantoms: PhantomBatch, real: Dataset | None
) -> dict[str, float]:
    """The curves of a pretraining: what one round adds to them.

    Args:
        config: its settings.
        network: as it is after the round.
        phantoms: those that judge.
        real: slices that choose nothing, where a folder is given.

    Returns:
        Of the phantoms, of their tumors by size and contrast, and of the real slices.
    """
    scores = predict_scores(network, network_input(phantoms.slices))
    point = specific_point(phantoms.labels, scores, config.min_specificity)
    estimates = estimates_at(config, phantoms.labels, scores, point, np.arange(len(scores)), 100)
    metrics = {f"val_{name}": estimates[name].value for name in (*SLICE_METRICS, "log_loss")}
    metrics |= _sensitivities(phantoms, scores >= point.threshold)
    if real is not None:
        scores = predict_scores(network, network_input(real.slices))
        estimates = estimates_at(config, real.labels, scores, point, np.arange(len(scores)), 100)
        metrics |= {f"real_{name}": estimates[name].value for name in SLICE_METRICS}
    return metrics


def _sensitivities(phantoms: PhantomBatch, found: np.ndarray) -> dict[str, float]:
    """Share of the tumors found, by diameter and by contrast; empty bins are left out."""
    metrics = {}
    for name, fact, edges in (
        ("diameter", "tumor_diameter_mm", DIAMETERS_MM),
        ("contrast", "tumor_contrast", CONTRASTS),
    ):
        values = np.array(
            [np.nan if each[fact] is None else abs(each[fact]) for each in phantoms.descriptions]
        )
        for low, high in zip(edges[:-1], edges[1:], strict=True):
            chosen = (values >= low) & (values < high)
            if chosen.any():
                metrics[f"val_sensitivity_{name}_from_{low}"] = float(found[chosen].mean())
    return metrics


def estimates_at(
    config: PretrainingConfig,
    labels: np.ndarray,
    scores: np.ndarray,
    point: OperatingPoint,
    groups: np.ndarray,
    samples: int,
) -> dict[str, Estimate]:
    """Evaluate scores, shape (n,), at an operating point, with intervals over groups, (n,)."""
    return evaluate(labels, scores, scores >= point.threshold, groups, samples, config.seed)
