"""From which probability on a genre is predicted: chosen on the threshold set.

One global threshold is the default. Given the artists, it is the mean of what would be chosen had
others been in the set, so that it doesn't follow a single track. A threshold of its own for each
genre fits chance where few artists made the genre's tracks, so it is drawn back towards the global
one, the more the fewer they are in effect. Only the task `multilabel` has thresholds; elsewhere the
most probable genre is predicted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from genre_engine.errors import WrongUsage
from genre_engine.metrics.arrays import Flags, Floats, Judged, check
from genre_engine.metrics.bootstrap import effective_number, groups_of
from genre_engine.metrics.figures import precision_recall_f1

AVERAGES = ("macro", "micro")

# A genre of this many artists (in effect) gets a threshold halfway between its own and the global.
HALFWAY_ARTISTS = 20.0

# The points of the threshold slider.
POINTS = np.linspace(0.0, 1.0, 101)
_LEAST = 1e-4
_DRAWS = 100


def choose_global(
    y_true: Any,
    y_prob: Any,
    genres: Sequence[str],
    *,
    average: str = "macro",
    groups: Sequence[Any] | None = None,
) -> float:
    """The threshold with the highest F1; the middle one where several are as good.

    Args:
        average: `macro` or `micro`.
        groups: the artist of each track, null where unknown (then a track counts as its own): the
            threshold is then the mean, on the scale of log odds, of the best ones of 100 draws of
            the artists. Without it, the best on just these tracks.

    Raises:
        WrongUsage: another average, or arrays that can't be judged.

    >>> y_true = [[1, 0], [0, 1], [1, 1]]
    >>> y_prob = [[0.9, 0.2], [0.4, 0.8], [0.6, 0.3]]
    >>> round(choose_global(y_true, y_prob, ["jazz", "rock"]), 2)
    0.25
    """
    _check_average(average)
    judged = check(y_true, y_prob, genres)
    points = _candidates(judged.p)
    of = np.zeros(len(judged.y), int) if groups is None else groups_of(groups, len(judged.y)).of
    weights = _weights(int(of.max()) + 1)
    f1 = _weighted_f1(judged, points, of, weights, average)
    best = [log_odds(_middle_of_best(points, drawn)) for drawn in f1]
    return _sigmoid(float(np.mean(best)))


def _weights(n_groups: int) -> Floats:
    """How often each group is in each draw [n_draws, n_groups]; a single group is taken once."""
    if n_groups < 2:
        return np.ones((1, n_groups))
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, n_groups, (_DRAWS, n_groups))
    return np.stack([np.bincount(draw, minlength=n_groups) for draw in drawn]).astype(float)


def _weighted_f1(judged: Judged, points: Floats, of: Any, weights: Floats, average: str) -> Floats:
    """F1 of each draw at each point [n_draws, n_points]; a genre that isn't drawn has no part."""
    order = np.argsort(of, kind="stable")
    starts = np.searchsorted(of[order], np.arange(weights.shape[1]))
    total: Any = np.zeros((3, len(weights), len(points)))
    f1, n_genres = np.zeros((len(weights), len(points))), np.zeros((len(weights), 1))
    for truth, scores in zip(judged.y[order].T, judged.p[order].T, strict=True):
        over = (scores[:, None] >= points).astype(np.int32)
        hits = weights @ np.add.reduceat(over * truth[:, None], starts, axis=0)
        predicted = weights @ np.add.reduceat(over, starts, axis=0)
        true = (weights @ np.add.reduceat(truth.astype(np.int32), starts))[:, None]
        true = np.broadcast_to(true, hits.shape)
        total += np.stack([hits, predicted, true])
        f1 += precision_recall_f1(hits, predicted, true)["f1"] * (true > 0)
        n_genres += true[:, :1] > 0
    if average == "micro":
        return precision_recall_f1(*total)["f1"]
    return f1 / np.maximum(n_genres, 1)


def choose_per_genre(
    y_true: Any,
    y_prob: Any,
    genres: Sequence[str],
    *,
    groups: Sequence[Any] | None = None,
    towards: float | None = None,
) -> Floats:
    """A threshold for each genre [n_genres], shrunk towards the global one.

    Args:
        groups: the artist of each track, null where unknown (then a track counts as its own).
        towards: the global threshold; chosen for macro F1 if it isn't given.

    The own threshold of a genre, on the scale of log odds, has the weight m / (m + 20), where m is
    the effective number of artists of the tracks that carry the genre. Without such tracks it is
    the global one.

    >>> y_true = [[1, 0], [0, 1], [1, 1]]
    >>> y_prob = [[0.9, 0.2], [0.4, 0.8], [0.6, 0.3]]
    >>> choose_per_genre(y_true, y_prob, ["jazz", "rock"]).round(2)
    array([0.27, 0.25])
    """
    judged = check(y_true, y_prob, genres)
    centre = float(
        choose_global(y_true, y_prob, genres, groups=groups) if towards is None else towards
    )
    artists = groups_of(groups, len(judged.y)).of
    chosen = np.full(len(judged.genres), centre)
    for index in range(len(judged.genres)):
        truth = judged.y[:, index]
        if not truth.any():
            continue
        p = judged.p[:, [index]]
        points = _candidates(p)
        hits, predicted = counts(truth[:, None], p, points)
        f1 = precision_recall_f1(hits, predicted, np.full(hits.shape, truth.sum()))["f1"][:, 0]
        m = effective_number(pd.Series(artists[truth]).value_counts().to_numpy())
        weight = m / (m + HALFWAY_ARTISTS)
        own = _middle_of_best(points, f1)
        chosen[index] = _sigmoid(weight * log_odds(own) + (1 - weight) * log_odds(centre))
    return chosen


def for_precision(
    y_true: Any, y_prob: Any, genres: Sequence[str], wanted: float, *, average: str = "micro"
) -> float:
    """The lowest threshold that reaches a precision, so that as much as possible is found.

    Raises:
        WrongUsage: no threshold reaches it; the message says what can be reached.

    >>> y_true = [[1, 0], [0, 1], [1, 1]]
    >>> y_prob = [[0.9, 0.2], [0.4, 0.8], [0.6, 0.3]]
    >>> round(for_precision(y_true, y_prob, ["jazz", "rock"], 1.0), 2)
    0.4
    """
    _check_average(average)
    if not 0 < wanted <= 1:
        raise WrongUsage(f"{wanted:g} is no precision. Choose a number over 0 and up to 1.")
    judged = check(y_true, y_prob, genres)
    points = _candidates(judged.p)
    hits, predicted = counts(judged.y, judged.p, points)
    if average == "micro":
        hits, predicted = hits.sum(axis=1), predicted.sum(axis=1)
    precision = precision_recall_f1(hits, predicted, np.ones_like(hits))["precision"]
    if average == "macro":
        precision = precision.mean(axis=1)
    reached = np.flatnonzero(precision >= wanted)
    if not len(reached):
        raise WrongUsage(
            f"No threshold reaches a {average} precision of {wanted:g} here; the most is "
            f"{precision.max():.3f}. Ask for less."
        )
    return float(points[reached[0]])


@dataclass(frozen=True, eq=False)
class Curves:
    """Figures at each threshold.

    Attributes:
        points: float [n], the thresholds, rising.
        hits, predicted: float [n, n_genres]; true: float [n_genres].
        subset, labelwise: float [n], accuracies.
        overall: float [n] by `precision.micro` and the like.
        per_genre: float [n, n_genres] by `precision`, `recall`, `f1`.
    """

    points: Floats
    hits: Floats
    predicted: Floats
    true: Floats
    subset: Floats
    labelwise: Floats
    overall: dict[str, Floats]
    per_genre: dict[str, Floats]


def curves(judged: Judged, points: Floats = POINTS) -> Curves:
    """All that moves when a global threshold moves, once for all its places."""
    hits, predicted = counts(judged.y, judged.p, points)
    true = judged.y.sum(axis=0).astype(float)
    rows = np.broadcast_to(true, hits.shape)
    per_genre = precision_recall_f1(hits, predicted, rows)
    micro = precision_recall_f1(hits.sum(axis=1), predicted.sum(axis=1), rows.sum(axis=1))
    overall = {f"{name}.micro": values for name, values in micro.items()}
    overall |= {f"{name}.macro": values.mean(axis=1) for name, values in per_genre.items()}
    n, g = judged.y.shape
    wrong = (predicted - hits + true - hits).sum(axis=1)
    # A row is right as a whole from the highest false score (excluded) to the lowest true one.
    least = np.where(judged.y, judged.p, np.inf).min(axis=1)
    most = np.where(judged.y, -np.inf, judged.p).max(axis=1)
    subset = np.array([((least >= t) & (most < t)).mean() for t in points])
    return Curves(points, hits, predicted, true, subset, 1 - wrong / (n * g), overall, per_genre)


def counts(y: Flags, p: Floats, points: Floats) -> tuple[Floats, Floats]:
    """Hits and predicted [n_points, n_genres] at each of the rising thresholds."""
    predicted = np.empty((len(points), y.shape[1]))
    hits = np.empty_like(predicted)
    for genre, (truth, scores) in enumerate(zip(y.T, p.T, strict=True)):
        ranked, own = np.sort(scores), np.sort(scores[truth])
        predicted[:, genre] = len(ranked) - np.searchsorted(ranked, points)
        hits[:, genre] = len(own) - np.searchsorted(own, points)
    return hits, predicted


def _candidates(p: Floats) -> Floats:
    """Hundredths, and the scores' own quantiles: rare genres may have low scores only."""
    quantiles = np.quantile(p, np.linspace(0.005, 0.999, 300))
    return np.unique(np.clip(np.r_[POINTS[1:-1], quantiles], _LEAST, 1 - _LEAST))


def _middle_of_best(points: Floats, values: Floats) -> float:
    best = np.flatnonzero(values >= values.max() - 1e-12)
    run = best[: 1 + int((np.diff(best) == 1).cumprod().sum())]
    return float(points[run[len(run) // 2]])


def _check_average(average: str) -> None:
    if average not in AVERAGES:
        raise WrongUsage(f"There is no average {average!r}. Choose one of: {', '.join(AVERAGES)}.")


def log_odds(p: Any) -> Any:
    """log(p / (1 - p)), finite also at 0 and 1."""
    p = np.clip(p, _LEAST, 1 - _LEAST)
    return np.log(p / (1 - p))


def _sigmoid(value: float) -> float:
    return float(1 / (1 + np.exp(-value)))
