"""Choosing a small subset of a large data set: balanced by genre, spread over artists.

Tracks are taken one by one, each time for the genre that lacks most. A track counts for all its
genres, so a genre that often comes along (electronic) needs few picks of its own. Within a genre
the data set's parts (train, validation, test) keep their shares, and artists take turns: whoever
has the fewest tracks in the subset comes first, and among those the track that adds least to genres
that have enough already.
"""

import heapq
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from genre_engine.errors import WrongUsage

Cell = tuple[int, int]  # genre, part


def choose(
    y: npt.NDArray[np.uint8],
    *,
    artists: Sequence[str | None],
    parts: Sequence[str | None],
    per_genre: int | None = None,
    tracks: int | None = None,
    seed: int = 0,
) -> npt.NDArray[np.intp]:
    """Rows of the chosen tracks, ascending.

    Args:
        y: zeros and ones [n, n_genres].
        artists: who each track is by; None counts as an artist of its own.
        parts: each track's part of the data set's own split, or None.
        per_genre: at least so many tracks a genre, as far as there are so many.
        tracks: so many in all, as evenly over the genres as they allow.
        seed: the order among equals.

    Raises:
        WrongUsage: both or a number below 1.
    """
    if per_genre is not None and tracks is not None:
        raise WrongUsage("Tracks can be counted per genre or in all, not both. Give one of them.")
    wanted = per_genre if per_genre is not None else tracks
    if wanted is None or (tracks is not None and tracks >= len(y)):
        return np.arange(len(y))
    if wanted < 1:
        raise WrongUsage(f"{wanted} tracks are none. Ask for at least 1.")
    picks = _Picks(y, artists, parts, np.random.default_rng(seed))
    goal = wanted if tracks is None else -(-tracks // y.shape[1])
    while tracks is None or len(picks.chosen) < tracks:
        genre = picks.neediest(None if tracks is not None else goal)
        if genre is None:
            break
        picks.take(genre, goal)
    return np.array(sorted(picks.chosen), dtype=np.intp)


class _Picks:
    def __init__(
        self,
        y: npt.NDArray[np.uint8],
        artists: Sequence[str | None],
        parts: Sequence[str | None],
        rng: np.random.Generator,
    ) -> None:
        self.genres = [np.flatnonzero(row).tolist() for row in y]
        names: dict[str | None, int] = {}
        # No artist known: each track counts as another's.
        self.artist = [
            names.setdefault(artist, len(names)) if artist is not None else -1 - row
            for row, artist in enumerate(artists)
        ]
        part_names = sorted({part for part in parts if part is not None})
        place = {part: index for index, part in enumerate([*part_names, None])}
        self.part = [place[part] for part in parts]
        self.have = [0] * y.shape[1]
        self.have_in: dict[Cell, int] = {}
        self.by_artist: dict[int, int] = {}
        self.chosen: set[int] = set()
        self._heaps: dict[Cell, list[tuple[int, int, float, int]]] = {}
        draw = rng.random(len(y)).tolist()
        for row, genres in enumerate(self.genres):
            for genre in genres:
                cell = (genre, self.part[row])
                self._heaps.setdefault(cell, []).append((0, 0, draw[row], row))
        for heap in self._heaps.values():
            heapq.heapify(heap)
        self._open: list[list[int]] = [
            sorted(part for g, part in self._heaps if g == genre) for genre in range(y.shape[1])
        ]
        self._share = {
            (genre, part): len(self._heaps[genre, part])
            / sum(len(self._heaps[genre, p]) for p in self._open[genre])
            for genre in range(y.shape[1])
            for part in self._open[genre]
        }

    def neediest(self, goal: int | None) -> int | None:
        """The genre with the fewest tracks that has some left, and fewer than `goal`."""
        left = [
            genre
            for genre, parts in enumerate(self._open)
            if parts and (goal is None or self.have[genre] < goal)
        ]
        return min(left, key=lambda genre: (self.have[genre], genre)) if left else None

    def take(self, genre: int, goal: int) -> None:
        """Take one more track of a genre, from the part that is furthest behind its share."""
        total = self.have[genre] + 1
        parts = self._open[genre]
        part = max(
            parts,
            key=lambda p: (
                self._share[genre, p] * total - self.have_in.get((genre, p), 0),
                self._share[genre, p],
            ),
        )
        row = self._pop((genre, part), goal)
        if row is None:
            parts.remove(part)
            return
        self.chosen.add(row)
        artist = self.artist[row]
        self.by_artist[artist] = self.by_artist.get(artist, 0) + 1
        for carried in self.genres[row]:
            self.have[carried] += 1
            cell = (carried, self.part[row])
            self.have_in[cell] = self.have_in.get(cell, 0) + 1

    def _pop(self, cell: Cell, goal: int) -> int | None:
        heap = self._heaps[cell]
        while heap:
            used, over, drawn, row = heap[0]
            if row in self.chosen:
                heapq.heappop(heap)
                continue
            now = (
                self.by_artist.get(self.artist[row], 0),
                sum(self.have[genre] >= goal for genre in self.genres[row] if genre != cell[0]),
            )
            if now == (used, over):
                heapq.heappop(heap)
                return row
            # Both only grow, so what was put back last with its new place stays right.
            heapq.heapreplace(heap, (*now, drawn, row))
        return None
