"""Which tracks the trainings of a learning curve learn from.

The choices of one repeat are nested: the tracks of a share are among those of every larger one.
They hold a track of each genre from the start, and leave out whole artists where the run's split
keeps artists apart. Small shares are chosen several times over.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genre_engine.training.data import Material

SHARES = (10, 20, 35, 50, 75, 100)
MOST_FOLDS = 5
# Up to these shares the choice of the tracks matters so much that it is made several times.
_SMALL, _MIDDLE = 35, 75

Ints = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Step:
    """One training.

    Attributes:
        rows: int [n], the material's rows that are learnt from.
        held: int [m], those that are judged.
    """

    share: int
    repeat: int
    fold: int
    rows: Ints
    held: Ints

    @property
    def name(self) -> str:
        """Of the file that keeps what came of it."""
        return f"{self.share:03}-{self.repeat}-{self.fold}.npz"

    @property
    def checksum(self) -> int:
        """Of its tracks."""
        return zlib.crc32(self.rows.tobytes()) ^ zlib.crc32(self.held.tobytes())


def repeats(share: int, folds: bool) -> int:
    """How often the tracks of a share are chosen; folds are choices of their own.

    >>> [repeats(share, folds=False) for share in SHARES]
    [3, 3, 3, 2, 2, 1]
    """
    if share == 100:
        return 1
    if folds:
        return 2 if share <= _SMALL else 1
    return 3 if share <= _SMALL else 2 if share <= _MIDDLE else 1


def nested_order(units: Ints, y: npt.NDArray[np.uint8], rng: np.random.Generator) -> list[Ints]:
    """The tracks in the order in which a growing choice takes them, as groups that come together.

    The first group is the least that can be learnt from: tracks of every genre, and none that all
    of them carry. The other groups are single units, in a random order.

    Args:
        units: int [n], what stays together.
        y: labels [n, n_genres].

    Returns:
        Positions of tracks, 0 to n - 1, each once.

    >>> units = np.array([0, 0, 1, 2, 2])
    >>> y = np.array([[1, 0], [1, 0], [0, 1], [1, 0], [1, 0]], np.uint8)
    >>> [len(group) for group in nested_order(units, y, np.random.default_rng(0))]
    [3, 2]
    """
    units = np.unique(units, return_inverse=True)[1]
    order = rng.permutation(int(units.max()) + 1)
    tracks = np.split(np.argsort(units, kind="stable"), np.cumsum(np.bincount(units))[:-1])
    has = np.stack([np.bincount(units, column) > 0 for column in y.T], axis=1)
    lacks = np.stack([np.bincount(units, 1 - column) > 0 for column in y.T], axis=1)
    first: list[int] = []
    for wanted in (has, lacks):
        for genre in np.argsort(wanted.sum(axis=0), kind="stable"):  # the rarest first
            if wanted[first, genre].any() or not wanted[:, genre].any():
                continue
            first.append(int(order[wanted[order, genre].argmax()]))
    rest = [unit for unit in order.tolist() if unit not in set(first)]
    start = [np.concatenate([tracks[unit] for unit in first])] if first else []
    return [*start, *(tracks[unit] for unit in rest)]


def judged_folds(material: Material) -> list[int]:
    """The folds that are judged; 0 stands for none."""
    fold = material.split.fold
    return [0] if fold is None else list(range(min(MOST_FOLDS, int(fold[:, 0].max()) + 1)))


def learnt_by(material: Material, fold: int) -> Ints:
    """The rows that the run's own model, or a fold's, has learnt from."""
    dealt = material.split.fold
    return material.rows("train") if dealt is None else np.flatnonzero(dealt[:, 0] != fold)


def leaves_out_tracks(material: Material) -> bool:
    """Whether single tracks are left out, since the run's split lets artists be in two parts."""
    if material.split.kind in ("random", "kfold"):
        return True
    return material.split.kind == "official" and material.artist_overlap != 0


def plan(material: Material, shares: Sequence[int], seed: int) -> list[Step]:
    """The trainings on less than all tracks, smallest share first.

    Where artists are few, two shares may come to the same tracks: the smaller one is left out.
    """
    dealt, alone = material.split.fold, leaves_out_tracks(material)
    folds = judged_folds(material)
    found: list[Step] = []
    smaller = [share for share in shares if share < 100]
    for fold in folds:
        learnt = learnt_by(material, fold)
        held = material.rows("validation")
        if dealt is not None:
            held = np.flatnonzero(dealt[:, 0] == fold)
        units = np.arange(len(learnt)) if alone else material.groups[learnt]
        most = max((repeats(share, dealt is not None) for share in smaller), default=0)
        for repeat in range(most):
            rng = np.random.default_rng([seed, 83, repeat, fold])
            order = nested_order(units, material.y[learnt], rng)
            sizes = np.cumsum([len(group) for group in order])
            tracks = np.concatenate(order)
            for share in smaller:
                if repeat >= repeats(share, dealt is not None):
                    continue
                n = int(sizes[np.searchsorted(sizes, share / 100 * len(learnt) - 1e-9)])
                rows = np.sort(learnt[tracks[:n]])
                found.append(Step(share, repeat, fold, rows, held))
    return _without_doubles(found, tuple(len(learnt_by(material, fold)) for fold in folds))


def _without_doubles(steps: Sequence[Step], whole: tuple[int, ...]) -> list[Step]:
    sizes: dict[tuple[int, int], tuple[int, ...]] = {}
    for step in steps:
        key = (step.share, step.repeat)
        sizes[key] = (*sizes.get(key, ()), len(step.rows))
    kept = {
        key
        for key, size in sizes.items()
        if size != whole
        and not any(
            other == size and repeat == key[1] and share > key[0]
            for (share, repeat), other in sizes.items()
        )
    }
    chosen = [step for step in steps if (step.share, step.repeat) in kept]
    return sorted(chosen, key=lambda step: (step.share, step.repeat, step.fold))
