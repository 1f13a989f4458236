"""Truth and probabilities → figures that can be trusted.

    from genre_engine import metrics
    report = metrics.evaluate(y_true, y_prob, genres=names, thresholds=0.5)
    report.to_dict()                            # the JSON of `evaluate`

Truth is zeros and ones [n_tracks, n_genres], probabilities have the same shape. `evaluate` checks
both, computes every figure and gives one Report. The functions below it are the cheap ones for the
end of an epoch; they check nothing and give None where a figure isn't defined.
"""

from typing import Any

import numpy as np

from genre_engine.metrics.arrays import Flags, Floats, Judged, check
from genre_engine.metrics.baselines import Baseline, no_skill
from genre_engine.metrics.calibration import Platt
from genre_engine.metrics.figures import NAMES, PER_GENRE, losses, mean_of_defined
from genre_engine.metrics.ranking import rank_genres
from genre_engine.metrics.report import Report, evaluate
from genre_engine.metrics.thresholds import choose_global, choose_per_genre, for_precision

__all__ = [
    "NAMES",
    "PER_GENRE",
    "Baseline",
    "Flags",
    "Floats",
    "Judged",
    "Platt",
    "Report",
    "auc_macro",
    "average_precision_macro",
    "binary_cross_entropy",
    "categorical_cross_entropy",
    "check",
    "choose_global",
    "choose_per_genre",
    "evaluate",
    "for_precision",
    "labelwise_accuracy",
    "no_skill",
    "top1_accuracy",
]


def auc_macro(y_true: Any, y_prob: Any) -> float | None:
    """Mean ROC AUC over the genres that have true and false tracks.

    >>> y_true = [[1, 0], [0, 1], [1, 1]]
    >>> y_prob = [[0.9, 0.2], [0.4, 0.8], [0.6, 0.3]]
    >>> auc_macro(y_true, y_prob)
    1.0
    """
    return _ranked(y_true, y_prob)[0]


def average_precision_macro(y_true: Any, y_prob: Any) -> float | None:
    """Mean average precision over the genres that have true tracks.

    >>> y_true = [[1, 0], [0, 1], [1, 1]]
    >>> y_prob = [[0.9, 0.2], [0.4, 0.8], [0.6, 0.3]]
    >>> round(average_precision_macro(y_true, y_prob), 3)
    1.0
    """
    return _ranked(y_true, y_prob)[1]


def _ranked(y_true: Any, y_prob: Any) -> tuple[float | None, float | None]:
    y, p = np.asarray(y_true).astype(bool), np.asarray(y_prob, float)
    # A network that has burst gives NaN, for which there is no order.
    if not len(y) or not np.isfinite(p).all():
        return None, None
    scores = np.array([ranking.score() for ranking in rank_genres(y, p)])[:, :, 0]
    auc, precision = mean_of_defined(scores.T).tolist()
    return (auc if np.isfinite(auc) else None), (precision if np.isfinite(precision) else None)


def binary_cross_entropy(y_true: Any, y_prob: Any) -> float:
    """Mean over cells, unweighted, probabilities clipped at 1e-7.

    >>> round(binary_cross_entropy([[1, 0]], [[0.9, 0.2]]), 4)  # (-ln 0.9 - ln 0.8) / 2
    0.1643
    """
    return _loss(y_true, y_prob, "multilabel")


def categorical_cross_entropy(y_true: Any, y_prob: Any) -> float:
    """Mean over tracks with one genre each, unweighted, probabilities clipped at 1e-7.

    >>> round(categorical_cross_entropy([[1, 0]], [[0.9, 0.1]]), 4)  # -ln 0.9
    0.1054
    """
    return _loss(y_true, y_prob, "multiclass")


def _loss(y_true: Any, y_prob: Any, task: str) -> float:
    y, p = np.asarray(y_true).astype(bool), np.asarray(y_prob, float)
    return float(losses(Judged(y, p, (), task)).mean())


def labelwise_accuracy(y_true: Any, y_prob: Any, threshold: float = 0.5) -> float:
    """Share of cells that are right.

    >>> labelwise_accuracy([[1, 0], [0, 1]], [[0.9, 0.2], [0.6, 0.8]])
    0.75
    """
    return float(((np.asarray(y_prob) >= threshold) == np.asarray(y_true).astype(bool)).mean())


def top1_accuracy(y_true: Any, y_prob: Any) -> float:
    """Share of tracks whose best-ranked genre is among the true ones.

    >>> top1_accuracy([[1, 0], [0, 1]], [[0.9, 0.2], [0.6, 0.3]])
    0.5
    """
    y = np.asarray(y_true).astype(bool)
    return float(y[np.arange(len(y)), np.asarray(y_prob).argmax(axis=1)].mean())
