"""The figures of a report, by name, for one set of weights of the tracks or for many.

A figure's name is its path in the report, such as `f1.macro`. Precision, recall and F1 are 0 where
nothing was predicted or nothing is true (scikit-learn's `zero_division=0`), and their macro mean is
over all genres. ROC AUC and average precision are NaN where they aren't defined, and their macro
mean is over the genres where they are.

In a draw of the bootstrap a genre that the part has may not occur. Then nothing is known of it,
and in that draw's macro means it counts as in the figure itself: as 0, or left out, it would pull
the interval of a macro mean below or above the figure where genres have a few tracks each.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from genre_engine.metrics.arrays import Flags, Floats, Judged
from genre_engine.metrics.metric import GENRE_METRICS, METRICS
from genre_engine.metrics.ranking import Ranking, rank_cells, rank_genres

PER_GENRE = tuple(GENRE_METRICS)
NAMES = tuple(METRICS)

# Probabilities of exactly 0 and 1 would make a loss infinite.
CLIP = 1e-7


@dataclass(frozen=True, eq=False)
class Figures:
    """Figures for d sets of weights.

    Attributes:
        overall: float [d] by a name of NAMES.
        per_genre: float [d, n_genres] by a name of PER_GENRE.
    """

    overall: dict[str, Floats]
    per_genre: dict[str, Floats]


@dataclass(frozen=True, eq=False)
class Sums:
    """What is summed over tracks, whatever they weigh: once for all draws.

    Attributes:
        terms: float [n, 3 * n_genres + 4]: for each genre hits, predicted, true; then loss, rows
            that are right as a whole, right cells, rows whose best-ranked genre is true.
        rankings: the cells of each genre, and last all of them, in order of their scores.
    """

    terms: Floats
    rankings: list[Ranking]


def sums(judged: Judged, decisions: Flags) -> Sums:
    """Prepare the figures of a judgement."""
    y, predicted = judged.y, decisions
    right = y == predicted
    best = y[np.arange(len(y)), judged.p.argmax(axis=1)]
    columns = [y & predicted, predicted, y, losses(judged)[:, None], right.all(axis=1)[:, None]]
    columns += [right.sum(axis=1)[:, None], best[:, None]]
    terms = np.concatenate([np.asarray(column, float) for column in columns], axis=1)
    return Sums(terms, [*rank_genres(y, judged.p), rank_cells(y, judged.p)])


def losses(judged: Judged) -> Floats:
    """Each track's loss: binary cross-entropy, mean over genres; for one genre a track the
    categorical one.
    """
    p = np.clip(judged.p, CLIP, 1 - CLIP)
    if judged.single:
        categorical: Floats = -np.log(p[judged.y])
        return categorical
    binary: Floats = -np.log(np.where(judged.y, p, 1 - p)).mean(axis=1)
    return binary


def plain(prepared: Sums) -> Figures:
    """The figures with each track counted once."""
    n = np.array([float(len(prepared.terms))])
    return _combine(
        prepared.terms.sum(axis=0)[None], n, *_columns(r.score() for r in prepared.rankings)
    )


def weighted(
    prepared: Sums, of_all: Figures, totals: Floats, n: Floats, weights: Floats
) -> Figures:
    """The figures for sets of weights.

    Args:
        of_all: the figures of `plain`.
        totals: float [d, terms], the weighted sums of `prepared.terms`.
        n: float [d], the sums of the weights.
        weights: float [d, n_tracks], whole numbers.
    """
    scores = _columns(ranking.score_weighted(weights) for ranking in prepared.rankings)
    return _combine(totals, n, *scores, of_all=of_all)


def _columns(scores: Iterable[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    auc, average_precision = zip(*scores, strict=True)
    return np.stack(auc, axis=1), np.stack(average_precision, axis=1)


def _combine(
    totals: Floats,
    n: Floats,
    auc: Floats,
    average_precision: Floats,
    of_all: Figures | None = None,
) -> Figures:
    """Figures from sums; for draws, `of_all` has those of the tracks that they are drawn from."""
    g = auc.shape[1] - 1
    hits, predicted, true = totals[:, :g], totals[:, g : 2 * g], totals[:, 2 * g : 3 * g]
    loss, whole, cells, best = totals[:, 3 * g :].T
    overall = {
        "loss": loss / n,
        "accuracy.subset": whole / n,
        "accuracy.labelwise": cells / (n * g),
        "accuracy.top1": best / n,
        "hamming_loss": (n * g - cells) / (n * g),
    }
    per_genre = precision_recall_f1(hits, predicted, true)
    micro = precision_recall_f1(hits.sum(axis=1), predicted.sum(axis=1), true.sum(axis=1))
    if of_all is not None:
        # A draw without a genre's tracks says nothing of that genre, if the part has any: then
        # average precision is defined.
        missing = (true == 0) & np.isfinite(of_all.per_genre["average_precision"])
        per_genre = {name: np.where(missing, np.nan, values) for name, values in per_genre.items()}
    for name, values in micro.items():
        overall[f"{name}.micro"] = values
    for name, values in (("roc_auc", auc), ("average_precision", average_precision)):
        overall[f"{name}.micro"] = values[:, g]
        per_genre[name] = values[:, :g]
    for name, values in per_genre.items():
        if of_all is not None:
            values = np.where(np.isfinite(values), values, of_all.per_genre[name])
        overall[f"{name}.macro"] = mean_of_defined(values)
    return Figures(overall, per_genre)


def precision_recall_f1(hits: Floats, predicted: Floats, true: Floats) -> dict[str, Floats]:
    """Each from counts of any shape; 0 where there is nothing to divide by."""
    return {
        "precision": _ratio(hits, predicted),
        "recall": _ratio(hits, true),
        "f1": _ratio(2 * hits, predicted + true),
    }


def _ratio(above: Floats, below: Floats) -> Floats:
    result: Floats = np.divide(above, below, out=np.zeros_like(above, float), where=below > 0)
    return result


def mean_of_defined(values: Floats) -> Floats:
    """Means over the last axis, NaN left out; NaN where all are."""
    known = np.isfinite(values)
    n = known.sum(axis=-1)
    total = np.where(known, values, 0).sum(axis=-1)
    result: Floats = np.divide(total, n, out=np.full(np.shape(n), np.nan), where=n > 0)
    return result
