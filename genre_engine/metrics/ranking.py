"""ROC AUC and average precision, of one set of weights or of thousands.

What a bootstrap draws are weights of tracks, while the order by score stays. So the cells (a track
and a genre) are sorted once, and a draw costs one cumulative sum over them. With weights of one the
figures are scikit-learn's `roc_auc_score` and `average_precision_score`: ties count half in the
first, and share their precision in the second.
"""

from dataclasses import dataclass

import numpy as np

from genre_engine.metrics.arrays import Flags, Floats, Ints


@dataclass(frozen=True, eq=False)
class Ranking:
    """Columns of cells, each sorted from the highest score to the lowest, one after the other.

    Attributes:
        rows: int [cells], the track of each cell.
        starts: int [n_columns + 1], where each column begins.
        positives: int [m], the track of each cell that is true, in the same order.
        positive_starts: int [n_columns + 1], where each column begins among them.
        column: int [m], the column of each true cell.
        tie_start, tie_end: int [m], the cells before and up to the end of those that have the same
            score as the true cell.
        positive_tie_start, positive_tie_end: int [m], the same among true cells.
        tied: whether a true and a false cell of a column have the same score.
    """

    rows: Ints
    starts: Ints
    positives: Ints
    positive_starts: Ints
    column: Ints
    tie_start: Ints
    tie_end: Ints
    positive_tie_start: Ints
    positive_tie_end: Ints
    tied: bool

    def score(self, weights: Floats) -> tuple[Floats, Floats]:
        """ROC AUC and average precision of each column, for weights [n] of the tracks.

        NaN where they aren't defined: no true cell, and for ROC AUC no false one.
        """
        total = _sums(weights[self.rows])
        own = weights[self.positives]
        true = _sums(own)
        base, true_base = total[self.starts[:-1]], true[self.positive_starts[:-1]]
        in_all = total[self.starts[1:]] - base
        in_true = true[self.positive_starts[1:]] - true_base
        reached = total[self.tie_end] - base[self.column]
        hits = true[self.positive_tie_end] - true_base[self.column]
        # A weight of zero may leave nothing reached; then it has no part in the sum either.
        precision = own * hits / np.maximum(reached, 1e-300)
        above = reached - hits
        if self.tied:
            before = total[self.tie_start] - base[self.column]
            before -= true[self.positive_tie_start] - true_base[self.column]
            above = (above + before) / 2
        with np.errstate(invalid="ignore", divide="ignore"):
            average_precision = self._by_column(precision) / in_true
            auc = 1 - self._by_column(own * above) / (in_true * (in_all - in_true))
        auc[(in_true <= 0) | (in_true >= in_all)] = np.nan
        average_precision[in_true <= 0] = np.nan
        return auc, average_precision

    def _by_column(self, values: Floats) -> Floats:
        sums = np.zeros(len(self.starts) - 1)
        filled = np.flatnonzero(np.diff(self.positive_starts))
        if len(filled):
            sums[filled] = np.add.reduceat(values, self.positive_starts[filled])
        return sums


def _sums(values: Floats) -> Floats:
    """Sums of the first 0, 1, … n values."""
    sums = np.empty(len(values) + 1)
    sums[0] = 0.0
    np.cumsum(values, out=sums[1:])
    return sums


def ranking(y: Flags, p: Floats, *, micro: bool = True) -> Ranking:
    """Sort each genre's tracks, and as a last column all cells together.

    Args:
        y, p: [n, n_genres].
        micro: whether there is that last column.
    """
    n_tracks, n_genres = y.shape
    columns = [(np.arange(n_tracks), y[:, genre], p[:, genre]) for genre in range(n_genres)]
    if micro:
        columns.append((np.repeat(np.arange(n_tracks), n_genres), y.ravel(), p.ravel()))
    parts = []
    offset = positive_offset = 0
    for index, (rows, truth, scores) in enumerate(columns):
        order = np.argsort(-scores, kind="stable")
        truth, scores = truth[order], scores[order]
        first = np.flatnonzero(np.r_[True, scores[1:] != scores[:-1]])
        ends = np.r_[first[1:], len(scores)]
        group = np.repeat(np.arange(len(first)), ends - first)[truth]
        true_before = np.r_[0, np.cumsum(truth)]
        parts.append(
            (
                rows[order],
                rows[order][truth],
                np.full(len(group), index),
                first[group] + offset,
                ends[group] + offset,
                true_before[first][group] + positive_offset,
                true_before[ends][group] + positive_offset,
                bool((true_before[ends] - true_before[first] < ends - first)[group].any()),
            )
        )
        offset += len(scores)
        positive_offset += len(group)
    rows, positives, column, *ties = (
        np.concatenate([part[i] for part in parts]).astype(np.intp) for i in range(7)
    )
    starts = np.cumsum([0, *(len(part[0]) for part in parts)])
    positive_starts = np.cumsum([0, *(len(part[1]) for part in parts)])
    tied = any(part[7] for part in parts)
    return Ranking(rows, starts, positives, positive_starts, column, *ties, tied)
