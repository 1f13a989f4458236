"""ROC AUC and average precision, of every track once or of thousands of sets of weights.

What a bootstrap draws are weights of tracks, while the order by score stays. So the cells (a track
and a genre) are sorted once. From one true cell to the next only the sum of the weights matters,
and these sums are a sparse matrix times the weights; what is left of a draw are cumulative sums
over the true cells. With weights of one the figures are scikit-learn's `roc_auc_score` and
`average_precision_score`: ties count half in the first, and share their precision in the second.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from genre_engine.metrics.arrays import Flags, Floats, Ints


@dataclass(frozen=True, eq=False)
class Ranking:
    """Cells sorted from the highest score to the lowest. Equal scores are one step.

    Only steps that hold a true cell are kept.

    Attributes:
        rows: int [cells], the track of each cell.
        true_rows: int [m], the track of each true cell, in the same order.
        starts, ends: int [steps], the cells before a step, and up to its end.
        true_starts: int [steps], the true cells before it.
        n_tracks: how many tracks there are.
    """

    rows: Ints
    true_rows: Ints
    starts: Ints
    ends: Ints
    true_starts: Ints
    n_tracks: int

    def score(self) -> tuple[Floats, Floats]:
        """ROC AUC and average precision [1], every track counted once.

        NaN where they aren't defined: no true cell, and for ROC AUC no false one.
        """
        true = np.diff(self.true_starts, append=len(self.true_rows))
        own, reached, within = (
            column[None].astype(float) for column in (true, self.ends, self._sizes)
        )
        return _scores(own, reached, within, np.array([float(len(self.rows))]))

    def score_weighted(self, weights: Floats) -> tuple[Floats, Floats]:
        """The same [d] for whole-numbered weights [d, n_tracks] of the tracks."""
        if not len(self.starts):
            nothing = np.full(len(weights), np.nan)
            return nothing, nothing
        # Sums of whole numbers below 2 ** 24 are exact in float32, which is half the work.
        drawn = np.ascontiguousarray(weights.T, np.float32)
        own_sums, between_sums, within_sums = self._sums
        own, reached = _turned(own_sums @ drawn), _turned(between_sums @ drawn)
        within = None if within_sums is None else _turned(within_sums @ drawn)
        np.cumsum(reached, axis=1, out=reached)
        in_all = weights.sum(axis=1) * (len(self.rows) / self.n_tracks)
        return _scores(own, reached, within, in_all)

    def prepare(self) -> None:
        """Make what `score_weighted` needs, once, before threads share it."""
        if len(self.starts):
            _ = self._sums

    @property
    def _sizes(self) -> Ints:
        return self.ends - self.starts

    @cached_property
    def _sums(self) -> tuple[Any, Any, Any]:
        """What turns weights into each step's: true cells, cells since the step before, all cells.

        The last is None where no step holds a false cell, and then has no part.
        """
        from scipy.sparse import csr_array

        def matrix(rows: Ints, bounds: Ints) -> Any:
            ones = np.ones(len(rows), np.float32)
            shape = (len(bounds) - 1, self.n_tracks)
            return csr_array((ones, rows.astype(np.int32), bounds.astype(np.int32)), shape=shape)

        own = matrix(self.true_rows, np.r_[self.true_starts, len(self.true_rows)])
        between = matrix(self.rows[: self.ends[-1]], np.r_[0, self.ends])
        if len(self.true_rows) == self._sizes.sum():
            return own, between, None
        inside = np.zeros(len(self.rows) + 1, int)
        np.add.at(inside, self.starts, 1)
        np.add.at(inside, self.ends, -1)
        within = self.rows[np.cumsum(inside)[:-1] > 0]
        return own, between, matrix(within, np.r_[0, np.cumsum(self._sizes)])


def _scores(
    own: Floats, reached: Floats, within: Floats | None, in_all: Floats
) -> tuple[Floats, Floats]:
    """ROC AUC and average precision [d].

    Args:
        own: float [d, steps], what the true cells of each step weigh.
        reached: float [d, steps], what all cells up to its end weigh.
        within: float [d, steps], what its cells weigh, true and false; None where all are true.
        in_all: float [d], what all cells weigh.
    """
    hits = np.cumsum(own, axis=1)
    in_true = hits[:, -1].copy() if hits.shape[1] else np.zeros(len(own))
    # False cells that rank above true ones; in a tie half of them do. The true ones among all that
    # is reached, summed over steps, come to half the squares of the sum and of the steps.
    same = own if within is None else within
    above = _dot(own, reached) - in_true**2 / 2 - _dot(own, same) / 2
    # Where nothing is reached yet, nothing is true either.
    np.divide(hits, np.maximum(reached, 1.0, out=reached), out=hits)
    with np.errstate(invalid="ignore", divide="ignore"):
        average_precision = _dot(own, hits) / in_true
        auc = 1 - above / (in_true * (in_all - in_true))
    auc[(in_true <= 0) | (in_true >= in_all)] = np.nan
    average_precision[in_true <= 0] = np.nan
    return auc, average_precision


def _turned(sums: Any) -> Floats:
    """[steps, d] → [d, steps], each row in one piece."""
    return np.ascontiguousarray(sums.T, np.float64)


def _dot(one: Floats, other: Floats) -> Floats:
    """Sum of the products of each row."""
    products: Floats = np.einsum("ds,ds->d", one, other)
    return products


def rank(tracks: Ints, truth: Flags, scores: Floats, n_tracks: int) -> Ranking:
    """Sort cells [n]: which track each is of, whether it is true, and its score."""
    order = np.argsort(-scores, kind="stable")
    rows, truth, scores = tracks[order], truth[order], scores[order]
    starts = np.flatnonzero(np.r_[True, scores[1:] != scores[:-1]])
    ends = np.r_[starts[1:], len(scores)]
    true_before = np.r_[0, np.cumsum(truth)]
    kept = true_before[ends] > true_before[starts]
    starts, ends = starts[kept], ends[kept]
    return Ranking(rows, rows[truth], starts, ends, true_before[starts], n_tracks)


def rank_genres(y: Flags, p: Floats) -> list[Ranking]:
    """Each genre's tracks, sorted; y and p [n, n_genres]."""
    tracks = np.arange(len(y))
    return [rank(tracks, truth, scores, len(y)) for truth, scores in zip(y.T, p.T, strict=True)]


def rank_cells(y: Flags, p: Floats) -> Ranking:
    """All cells of all genres together, for the micro means."""
    tracks = np.repeat(np.arange(len(y)), y.shape[1])
    return rank(tracks, y.ravel(), p.ravel(), len(y))
