"""Folds within train, by which a model chooses its own settings.

An artist's tracks stay together where artists are known: else settings would be chosen that
remember artists.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from genre_engine import splits
from genre_engine.models.data import Data

Ints = NDArray[np.intp]

FOLDS = 5
# From so many tracks on three folds say as much; on more than MOST_TRACKS nothing is chosen.
_FEWER_FROM = 600
MOST_TRACKS = 1500


def inner_folds(
    train: Data, seed: int, most_tracks: int = MOST_TRACKS
) -> Iterator[tuple[Ints, Ints]]:
    """Rows to learn from and rows to judge by, once a fold.

    A fold without which a genre would be unknown, or known of all, isn't given.

    Args:
        most_tracks: of a larger part a random choice of so many is dealt.
    """
    rng = np.random.default_rng([seed, 7])
    rows = np.arange(len(train))
    if len(rows) > most_tracks:
        rows = np.sort(rng.permutation(len(rows))[:most_tracks])
    groups = rows if train.groups is None else train.groups[rows]
    units = np.unique(groups, return_inverse=True)[1]
    folds = min(FOLDS if len(rows) < _FEWER_FROM else 3, int(units.max()) + 1)
    if folds < 2:
        return
    dealt = splits.partition(units, train.y[rows], np.ones(folds), rng)
    for number in range(folds):
        learnt, held = rows[dealt != number], rows[dealt == number]
        known = train.y[learnt]
        if len(held) and known.any(axis=0).all() and not known.all(axis=0).any():
            yield learnt, held
