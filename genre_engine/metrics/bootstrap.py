"""How far a figure could be off, had other tracks (or artists) been in the part: the bootstrap.

Where artists are known they are drawn, each with all its tracks, because the songs of one artist
resemble each other: a test of 343 artists may say no more than 57 would. A track whose artist isn't
known is drawn by itself.

The draws depend on the seed, the groups and the number of draws alone. So two runs that are judged
on the same tracks see the same draws, and the difference of their figures can be taken draw by
draw.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from genre_engine.errors import WrongUsage
from genre_engine.metrics.arrays import Floats, Ints
from genre_engine.metrics.figures import Figures, Sums, plain, weighted

LEVEL = 0.95
# The bootstrap needs about so many groups for its intervals to hold what they promise.
FEW_GROUPS = 20
# From fewer of them an interval says nothing: with three artists one of them is most of every draw.
LEAST_GROUPS = {"artists": 8, "tracks": 10}
DRAWS = 1000
MOST_DRAWS = 100_000
# Draws that differ by less say the same.
_SAME = 1e-9

# Draws made at once, from one stream of random numbers; it bounds the memory.
_BATCH = 25


@dataclass(frozen=True, eq=False)
class Groups:
    """What is drawn.

    Attributes:
        of: int [n_tracks], the group of each track, from 0.
        over: `artists` or `tracks`.
        sizes: int [n_groups], tracks of each.
    """

    of: Ints
    over: str
    sizes: Ints

    @property
    def effective(self) -> float:
        """How many groups of equal size would be as uneven: one that has nearly all is one."""
        return effective_number(self.sizes)


def groups_of(groups: Sequence[Any] | None, n_tracks: int) -> Groups:
    """The tracks' artists (null where unknown) as groups; each track by itself for none.

    Raises:
        WrongUsage: there are more or fewer artists than tracks.
    """
    if groups is None:
        codes = np.full(n_tracks, -1)
    else:
        series = pd.Series(list(groups), dtype=object)
        if len(series) != n_tracks:
            raise WrongUsage(
                f"There are {len(series):,} groups for {n_tracks:,} tracks. Give the artist of "
                "each track, null where unknown."
            )
        codes = pd.factorize(series.where(series.notna() & (series != ""), None))[0]
    known = codes >= 0
    over = "artists" if known.any() else "tracks"
    n_known = int(codes.max(initial=-1)) + 1
    of = np.where(known, codes, n_known + np.cumsum(~known) - 1).astype(np.intp)
    return Groups(of, over, np.bincount(of).astype(np.intp))


def effective_number(sizes: Any) -> float:
    """1 / sum of squared shares: what unequal groups are worth; 0 for none."""
    sizes = np.asarray(sizes, float)
    total = sizes.sum()
    return float(total**2 / (sizes**2).sum()) if total else 0.0


@dataclass(frozen=True, eq=False)
class Draws:
    """Figures of every draw, and where they come from."""

    figures: Figures
    groups: Groups
    n: int
    seed: int

    def interval(self, values: Floats, *, n_groups: int | None = None) -> list[float] | None:
        """The middle 95 % of values [n], those that aren't defined left out; None where none is.

        Where every draw gives the same, as for a perfect score, drawing says nothing of what wasn't
        met: the interval is then Wilson's for a share of so many groups.

        Args:
            n_groups: the groups that the figure rests on, by default all.
        """
        known = values[np.isfinite(values)]
        if not len(known):
            return None
        tail = (1 - LEVEL) / 2
        low, high = np.quantile(known, (tail, 1 - tail))
        if high - low < _SAME and 0 <= low <= 1:
            n = len(self.groups.sizes) if n_groups is None else n_groups
            return list(wilson(float(low), max(1, n)))
        return [float(low), float(high)]


def wilson(share: float, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share of n; it has a width at 0 and at 1 too.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
    1927.

    >>> [round(end, 3) for end in wilson(1.0, 20)]
    [0.839, 1.0]
    """
    z = 1.959964
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * float(np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)))
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))


def draw(prepared: Sums, groups: Groups, *, n: int = DRAWS, seed: int = 0) -> Draws | None:
    """Draw groups with replacement n times; None for no draw, or too few groups to learn from.

    Raises:
        WrongUsage: a number of draws that isn't from 0 to MOST_DRAWS.
    """
    if not 0 <= n <= MOST_DRAWS:
        raise WrongUsage(f"{n} draws can't be made. Choose 0 (no intervals) to {MOST_DRAWS:,}.")
    n_groups = len(groups.sizes)
    if n_groups < LEAST_GROUPS[groups.over] or len(groups.of) < LEAST_GROUPS["tracks"] or not n:
        return None
    from scipy.sparse import csr_array

    # Sparse: most answers are no. And BLAS' threads wait for each other on a busy machine.
    by_group = csr_array(
        np.stack([np.bincount(groups.of, column, n_groups) for column in prepared.terms.T])
    )

    for ranking in prepared.rankings:
        ranking.prepare()
    of_all = plain(prepared)

    def batch(rng: np.random.Generator, size: int) -> Figures:
        counts = np.stack(
            [
                np.bincount(rng.integers(0, n_groups, n_groups), minlength=n_groups)
                for _ in range(size)
            ]
        ).astype(float)
        totals = (by_group @ counts.T).T
        n_tracks = (counts * groups.sizes).sum(axis=1)
        return weighted(prepared, of_all, totals, n_tracks, counts[:, groups.of])

    # NumPy lets go of the interpreter's lock in what takes the time here.
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        parts = list(pool.map(lambda task: batch(*task), _batches(n, seed)))
    return Draws(_joined(parts), groups, n, seed)


def _batches(n: int, seed: int) -> Iterator[tuple[np.random.Generator, int]]:
    """A stream of random numbers for each batch, whichever thread takes it."""
    streams = np.random.SeedSequence(seed).spawn(-(-n // _BATCH))
    for index, stream in enumerate(streams):
        yield np.random.default_rng(stream), min(_BATCH, n - index * _BATCH)


def _joined(parts: list[Figures]) -> Figures:
    return Figures(
        {name: np.concatenate([p.overall[name] for p in parts]) for name in parts[0].overall},
        {name: np.concatenate([p.per_genre[name] for p in parts]) for name in parts[0].per_genre},
    )
