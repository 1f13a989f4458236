"""What a model takes for what, and on which tracks it errs most.

All functions take truth and decisions bool [n, n_genres], and probabilities [n, n_genres].
"""

from dataclasses import dataclass

import numpy as np

from genre_engine.metrics.arrays import Flags, Floats, Ints, Judged
from genre_engine.metrics.thresholds import log_odds

KINDS = ("missed", "invented", "unsure")


@dataclass(frozen=True, eq=False)
class Together:
    """What was predicted for the tracks of each genre.

    Attributes:
        predicted: int [n_genres, n_genres + 1]: of the tracks that carry the row's genre, for how
            many the column's was predicted; the last column counts those for which none was.
        both: int [n_genres, n_genres]: of these, how many do carry the column's genre too.
        support: int [n_genres].
    """

    predicted: Ints
    both: Ints
    support: Ints

    @property
    def shares(self) -> Floats:
        """Of the row's tracks; NaN for a genre without tracks."""
        rows = np.maximum(self.support, 1)[:, None]
        shares: Floats = np.where(self.support[:, None] > 0, self.predicted / rows, np.nan)
        return shares

    @property
    def mixed_up(self) -> tuple[int, int] | None:
        """The pair (true, predicted) mixed up most, by share of tracks that don't carry both."""
        wrong = (self.predicted[:, :-1] - self.both) / np.maximum(self.support, 1)[:, None]
        np.fill_diagonal(wrong, 0)
        if not wrong.any():
            return None
        true, predicted = np.unravel_index(int(wrong.argmax()), wrong.shape)
        return int(true), int(predicted)


def together(judged: Judged, decisions: Flags) -> Together:
    """The confusion matrix of a task with one genre a track, and what stands for it with several:
    a track of two genres is counted in two rows.
    """
    y, predicted = judged.y.astype(int), decisions.astype(int)
    none = ~decisions.any(axis=1)
    counts = np.concatenate([y.T @ predicted, (y.T @ none)[:, None]], axis=1)
    both = np.stack(
        [y.T @ (y[:, column] * predicted[:, column]) for column in range(y.shape[1])], axis=1
    )
    return Together(counts, both, y.sum(axis=0))


def in_cell(judged: Judged, decisions: Flags, true: int, predicted: int) -> Ints:
    """The tracks that a cell of `Together.predicted` counts, the surest mistakes first.

    Args:
        predicted: a genre's column, or n_genres for tracks of which none was predicted.
    """
    carries = judged.y[:, true]
    if predicted == judged.y.shape[1]:
        rows = np.flatnonzero(carries & ~decisions.any(axis=1))
        return rows[np.argsort(judged.p[rows, true], kind="stable")]
    rows = np.flatnonzero(carries & decisions[:, predicted])
    # What is right comes after what is not.
    order = np.lexsort((-judged.p[rows, predicted], judged.y[rows, predicted]))
    return rows[order]


def worst(judged: Judged, thresholds: Floats | None, genre: int, kind: str, most: int = 50) -> Ints:
    """Tracks on which a genre went most wrong, the worst first.

    Args:
        thresholds: float [n_genres]; None where the most probable genre is predicted.
        kind: `missed` (they carry the genre, and it has least probability), `invented` (they don't,
            and it was predicted with most), `unsure` (nearest to where it would have been decided
            otherwise: the threshold, or the strongest other genre).
    """
    y, p = judged.y[:, genre], judged.p[:, genre]
    if thresholds is None:
        turning = np.delete(judged.p, genre, axis=1).max(axis=1, initial=0.0)
        predicted = judged.p.argmax(axis=1) == genre
    else:
        turning = np.full(len(p), thresholds[genre])
        predicted = p >= turning
    if kind == "missed":
        rows, order = np.flatnonzero(y & ~predicted), p
    elif kind == "invented":
        rows, order = np.flatnonzero(~y & predicted), -p
    elif kind == "unsure":
        rows, order = np.arange(len(y)), np.abs(log_odds(p) - log_odds(turning))
    else:
        raise ValueError(f"no such kind of mistake: {kind!r}")
    return rows[np.argsort(order[rows], kind="stable")][:most]
