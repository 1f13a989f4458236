"""What every figure is computed from, checked once: truth, probabilities, thresholds.

Truth is zeros and ones [n_tracks, n_genres]; probabilities lie between 0 and 1 in the same shape.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from genre_engine.errors import WrongUsage
from genre_engine.labels import TASKS

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.intp]

# Softmax and sigmoid in float32 may pass 1, and rows may miss a sum of 1, by this much.
_ROUNDING = 1e-5


@dataclass(frozen=True, eq=False)
class Judged:
    """Truth and probabilities that fit each other.

    Attributes:
        y: bool [n, n_genres].
        p: float64 [n, n_genres].
        task: one of labels.TASKS; but for `multilabel` each row of `y` has a single one.
    """

    y: Flags
    p: Floats
    genres: tuple[str, ...]
    task: str = "multilabel"

    @property
    def single(self) -> bool:
        """Whether a track has one genre only."""
        return self.task != "multilabel"


def check(y_true: Any, y_prob: Any, genres: Sequence[str], task: str = "multilabel") -> Judged:
    """Truth and probabilities, if they can be judged.

    Raises:
        WrongUsage: they can't; the message says what is wrong where.

    >>> check([[1, 0]], [[0.9, 0.2]], ["jazz", "rock"]).p
    array([[0.9, 0.2]])
    """
    if task not in TASKS:
        raise WrongUsage(f"There is no task {task!r}. Choose one of: {', '.join(TASKS)}.")
    if isinstance(genres, str) or not np.iterable(genres):
        raise WrongUsage("genres is a list of names, one a column of the truth.")
    names = tuple(str(genre) for genre in genres)
    if not names:
        raise WrongUsage("No genre was named. Name the columns of the truth in genres.")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise WrongUsage(f"The genre {twice!r} is named twice. Name each column once.")
    if task == "binary" and len(names) != 2:
        raise WrongUsage(f"The task binary has two genres, not {len(names)}.")
    y = _matrix(y_true, "the truth", len(names))
    p = _matrix(y_prob, "the probabilities", len(names))
    if y.shape != p.shape:
        raise WrongUsage(
            f"The truth has {len(y):,} tracks and the probabilities have {len(p):,}. Give the "
            "same tracks in the same order."
        )
    if not len(y):
        raise WrongUsage("There is no track to judge. Choose a part that has tracks.")
    if not np.isin(y, (0, 1)).all():
        raise WrongUsage("The truth holds other values than 0 and 1. Give one column a genre.")
    p = _within(p, names)
    truth = y.astype(bool)
    if task != "multilabel":
        _check_single(truth, p, task)
    return Judged(truth, p, names, task)


def _matrix(values: Any, what: str, n_genres: int) -> Floats:
    try:
        matrix: Floats = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise WrongUsage(f"In {what}, something isn't a number ({error}).") from error
    if matrix.ndim == 1 and n_genres == 1:
        matrix = matrix[:, None]
    if matrix.ndim != 2 or matrix.shape[1] != n_genres:
        raise WrongUsage(
            f"Shape of {what}: {matrix.shape}. It must be (tracks, genres), and {n_genres} "
            f"genre{' is' if n_genres == 1 else 's are'} named."
        )
    return matrix


def _within(p: Floats, genres: tuple[str, ...]) -> Floats:
    wrong = ~((p >= -_ROUNDING) & (p <= 1 + _ROUNDING))
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise WrongUsage(
            f"Row {row} gives {genres[column]!r} the probability {p[row, column]:g}. Probabilities "
            "lie between 0 and 1; a model that gives NaN has not learnt, try a smaller learning "
            "rate."
        )
    clipped: Floats = np.clip(p, 0.0, 1.0)
    return clipped


def _check_single(y: Flags, p: Floats, task: str) -> None:
    wrong = np.flatnonzero(y.sum(axis=1) != 1)
    if len(wrong):
        raise WrongUsage(
            f"In the task {task} a track has one genre; row {wrong[0]} has {y[wrong[0]].sum()}. "
            "Leave such tracks out, or choose the task multilabel."
        )
    off = np.abs(p.sum(axis=1) - 1)
    if off.max() > 1e-3:
        row = int(off.argmax())
        raise WrongUsage(
            f"In the task {task} the probabilities of a track add up to 1; those of row {row} add "
            f"up to {p[row].sum():.3g}."
        )


def thresholds_of(thresholds: Any, genres: Sequence[str]) -> Floats:
    """Thresholds [n_genres] from one number, one for each genre by name, or an array.

    Raises:
        WrongUsage: a genre that isn't there or lacks its threshold, or no number from 0 to 1.
    """
    names = list(genres)
    if isinstance(thresholds, Mapping):
        unknown = [str(name) for name in thresholds if name not in names]
        if unknown:
            raise WrongUsage(
                f"There is a threshold for {unknown[0]!r}, which is none of the genres: "
                f"{', '.join(names)}."
            )
        missing = [name for name in names if name not in thresholds]
        if missing:
            raise WrongUsage(f"There is no threshold for {', '.join(missing)}. Give one a genre.")
        thresholds = [thresholds[name] for name in names]
    try:
        values: Floats = np.asarray(thresholds, dtype=float)
    except (TypeError, ValueError) as error:
        raise WrongUsage(f"{thresholds!r} is no threshold. Give a number from 0 to 1.") from error
    if values.ndim == 0:
        values = np.full(len(names), float(values))
    if values.shape != (len(names),):
        raise WrongUsage(
            f"There are {values.size} thresholds for {len(names)} genres. Give one number, or one "
            "a genre."
        )
    if not ((values >= 0) & (values <= 1)).all():
        wrong = values[~((values >= 0) & (values <= 1))][0]
        raise WrongUsage(f"{wrong:g} is no threshold. Thresholds lie between 0 and 1.")
    return values


def decide(judged: Judged, thresholds: Floats) -> Flags:
    """Which genres are predicted for a track: all that reach their threshold (`multilabel`), else
    the most probable one.
    """
    if judged.single:
        return most_probable(judged.p)
    decisions: Flags = judged.p >= thresholds
    return decisions


def most_probable(p: Floats) -> Flags:
    """True at the highest of each row, the first of equals."""
    decisions = np.zeros(p.shape, bool)
    decisions[np.arange(len(p)), p.argmax(axis=1)] = True
    return decisions
