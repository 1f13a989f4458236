"""ROC and precision-recall curves, of a genre, of all cells, and their mean over genres."""

from dataclasses import dataclass

import numpy as np

from genre_engine.metrics.arrays import Flags, Floats, Judged

# Points that a drawn curve has at most; between them it is straight.
_POINTS = 200
_GRID = np.linspace(0, 1, 101)


@dataclass(frozen=True, eq=False)
class Curve:
    """A line [n]: false against true positive rate, or recall against precision."""

    x: Floats
    y: Floats


def roc(truth: Flags, scores: Floats) -> Curve | None:
    """False positive rate → true positive rate; None where there is but one kind of truth."""
    hits, alarms = _running(truth, scores)
    if not hits[-1] or not alarms[-1]:
        return None
    return _thinned(alarms / alarms[-1], hits / hits[-1])


def precision_recall(truth: Flags, scores: Floats) -> Curve | None:
    """Recall → precision, from the first true track on; None where nothing is true."""
    hits, alarms = _running(truth, scores)
    if not hits[-1]:
        return None
    found = hits > 0
    hits, predicted = hits[found], (hits + alarms)[found]
    return _thinned(hits / hits[-1], hits / predicted)


def _running(truth: Flags, scores: Floats) -> tuple[Floats, Floats]:
    """True and false cells down to each distinct score, beginning with none."""
    order = np.argsort(-scores, kind="stable")
    truth, scores = truth[order], scores[order]
    last = np.flatnonzero(np.r_[scores[1:] != scores[:-1], True])
    hits = np.cumsum(truth)[last].astype(float)
    return np.r_[0.0, hits], np.r_[0.0, last + 1 - hits]


def _thinned(x: Floats, y: Floats) -> Curve:
    if len(x) <= _POINTS:
        return Curve(x, y)
    # As many points where the curve climbs as where it runs.
    along = np.r_[0.0, np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))]
    kept = np.unique(np.searchsorted(along, np.linspace(0, along[-1], _POINTS)).clip(0, len(x) - 1))
    return Curve(x[kept], y[kept])


@dataclass(frozen=True, eq=False)
class Curves:
    """The curves of a judgement.

    Attributes:
        per_genre: by name; genres without a curve are left out.
        micro: of all cells together.
        macro: the mean of the genres' curves at equal x.
    """

    per_genre: dict[str, Curve]
    micro: Curve | None
    macro: Curve | None


def roc_curves(judged: Judged) -> Curves:
    found = {
        genre: curve
        for genre, truth, scores in zip(judged.genres, judged.y.T, judged.p.T, strict=True)
        if (curve := roc(truth, scores)) is not None
    }
    return Curves(found, roc(judged.y.ravel(), judged.p.ravel()), _mean(found))


def precision_recall_curves(judged: Judged) -> Curves:
    found = {
        genre: curve
        for genre, truth, scores in zip(judged.genres, judged.y.T, judged.p.T, strict=True)
        if (curve := precision_recall(truth, scores)) is not None
    }
    return Curves(found, precision_recall(judged.y.ravel(), judged.p.ravel()), _mean(found))


def _mean(found: dict[str, Curve]) -> Curve | None:
    if not found:
        return None
    lines = [np.interp(_GRID, curve.x, curve.y) for curve in found.values()]
    return Curve(_GRID, np.mean(lines, axis=0))
