"""Songs that sound like one another: exact nearest neighbours by the cosine of embeddings.

A query compares with every song, which is quick up to 200,000 of them;
docs/scale.md says what to use beyond.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genre_engine.errors import WrongUsage
from genre_engine.library import traits as traits_
from genre_engine.library.analysing import analyse_file
from genre_engine.library.identity import sound_identity
from genre_engine.library.index import Library, Snapshot
from genre_engine.library.space import Floats, Space, artist_name, plain, space
from genre_engine.library.traits import Traits

# How much of a playlist's choice is likeness; the rest is how little it repeats what is on it.
_LIKENESS = 0.7
_POOL = 8


@dataclass(frozen=True)
class Neighbour:
    """A similar song.

    Attributes:
        row: its position in the library's `songs()`.
        distance: 1 − the cosine, 0 (the same) to 2.
        common: what it has in common with the song it was asked for, in words.
    """

    row: int
    distance: float
    common: tuple[str, ...]


def nearest(
    lib: Library | Snapshot,
    song: int | NDArray[np.floating],
    count: int = 20,
    *,
    other_artists: bool = False,
    most_per_artist: int = 2,
    traits: Traits | None = None,
) -> list[Neighbour]:
    """The songs of a library that sound most like one, nearest first.

    Copies of the song and of each other are left out, files with the same sound or the same artist
    and title, and so are files that were missing at the last scan.

    Args:
        lib: where positions come from a snapshot, that snapshot, since a scan may move them.
        song: a position in `songs()`, or the embedding `[d]` of a song from outside.
        other_artists: leave out the song's own artist.
        most_per_artist: songs of one artist at most; unknown artists aren't one.
        traits: what is known of a song from outside, for what it has in common with others.

    Raises:
        WrongUsage: the song, or all of the library, has no embedding, or one of another length.
    """
    now = _snapshot(lib)
    found = space(now)
    if isinstance(song, np.ndarray):
        traits = traits or Traits()
        unit = found.unit(_checked(found, song))
        taken = _Taken(most_per_artist)
        own = found.artist_names.get(artist_name(traits.artist), -1)
        taken.leave_out_copies(_outside_copies(now, found, traits))
    else:
        place = _place(now, found, int(song))
        (traits,) = traits_.of_rows(now, [int(song)])
        unit = found.units[place]
        taken = _Taken(most_per_artist)
        own = int(found.artists[place])
        taken.leave_out_copies(_copies(found, place))
    if other_artists:
        taken.leave_out_artist(own)
    likeness = found.units @ unit
    places = taken.pick(found, likeness, count)
    return _described(now, found, places, likeness[places], [traits] * len(places))


def nearest_to_file(
    lib: Library | Snapshot,
    path: Path,
    count: int = 20,
    *,
    other_artists: bool = False,
    most_per_artist: int = 2,
) -> list[Neighbour]:
    """The songs of a library that sound most like a file from anywhere.

    It is analysed by the quick networks, unless the library knows its sound.

    Args:
        count, other_artists, most_per_artist: as `nearest`.

    Raises:
        AudioError: the file can't be analysed.
        WeightsError: there are no networks, and none can be fetched.
        WrongUsage: other networks analysed the library, or nothing in it was analysed.
    """
    now = _snapshot(lib)
    limits: dict[str, Any] = {"other_artists": other_artists, "most_per_artist": most_per_artist}
    known = np.flatnonzero(now.songs["sound"].to_numpy() == sound_identity(path)).tolist()
    analysed = [row for row in known if space(now).place(row) >= 0]
    if analysed:
        return nearest(now, analysed[0], count, **limits)
    found = analyse_file(path)
    embedding = np.frombuffer(found.row["embedding"], "<f4")
    return nearest(now, embedding, count, traits=traits_.of_file(found), **limits)


def playlist(
    lib: Library | Snapshot,
    rows: Sequence[int],
    count: int = 20,
    *,
    other_artists: bool = False,
    most_per_artist: int = 2,
) -> list[Neighbour]:
    """A playlist from a few songs: these first, then songs that are like them, with variety.

    Likeness is that to the songs' mean. Of the likest songs each next one is likest to it and
    least like what is on the list already, after "maximal marginal relevance" (J. Carbonell and
    J. Goldstein, 1998).

    Args:
        rows: positions in `songs()`.
        count: songs of the playlist, those that it is made from included.
        other_artists: leave out their artists.
        most_per_artist: songs of one artist at most; the given ones are on it all the same.

    Raises:
        WrongUsage: one of the songs has no embedding.
    """
    if not rows:
        raise WrongUsage("A playlist begins with at least one song. Name one.")
    now = _snapshot(lib)
    found = space(now)
    rows = list(dict.fromkeys(int(row) for row in rows))
    seeds = [_place(now, found, row) for row in rows]
    taken = _Taken(most_per_artist)
    for seed in seeds:
        taken.leave_out_copies(_copies(found, seed))
        taken.count(int(found.artists[seed]))
    if other_artists:
        for seed in seeds:
            taken.leave_out_artist(int(found.artists[seed]))
    centre = found.units[seeds].mean(axis=0)
    centre /= np.linalg.norm(centre) or 1
    likeness = found.units @ centre
    wanted = max(count - len(seeds), 0)
    pool = taken.pick(found, likeness, _POOL * wanted)
    chosen = _varied(found.units[pool], likeness[pool], found.units[seeds], wanted)
    places = [*seeds, *(pool[index] for index in chosen)]
    own = traits_.of_rows(now, rows)
    closest = (found.units[places] @ found.units[seeds].T).argmax(axis=1)
    listed = _described(now, found, places, likeness[places], [own[seed] for seed in closest])
    given = [Neighbour(song.row, song.distance, ()) for song in listed[: len(rows)]]
    return given + listed[len(rows) :]


def _varied(units: Floats, likeness: Floats, seeds: Floats, count: int) -> list[int]:
    """Positions in a pool, `[p, d]` and `[p]`, each likest and least like those before it."""
    if not len(units):
        return []
    repeats = (units @ seeds.T).max(axis=1)
    free = np.ones(len(units), bool)
    chosen: list[int] = []
    for _ in range(min(count, len(units))):
        worth = np.where(free, _LIKENESS * likeness - (1 - _LIKENESS) * repeats, -np.inf)
        best = int(worth.argmax())
        chosen.append(best)
        free[best] = False
        repeats = np.maximum(repeats, units @ units[best])
    return chosen


class _Taken:
    """What a list has already, and what may not be on it."""

    def __init__(self, most_per_artist: int) -> None:
        self._most = most_per_artist
        self._artists: Counter[int] = Counter()
        self._banned: set[int] = set()
        self._copies: set[int] = set()

    def leave_out_copies(self, places: Iterable[int]) -> None:
        self._copies.update(places)

    def leave_out_artist(self, artist: int) -> None:
        if artist >= 0:
            self._banned.add(artist)

    def count(self, artist: int) -> None:
        if artist >= 0:
            self._artists[artist] += 1

    def pick(self, found: Space, likeness: Floats, count: int) -> list[int]:
        """The likest places that may be on the list, at most `count`, likest first."""
        picked: list[int] = []
        sounds: set[int] = set()
        recordings: set[int] = set()
        artists = self._artists.copy()
        for place in _descending(likeness, first=4 * count + 100):
            if len(picked) >= count:
                break
            artist, sound = int(found.artists[place]), int(found.sounds[place])
            recording = int(found.recordings[place])
            copy = sound in sounds or recording in recordings
            if not copy and (
                not found.present[place]
                or place in self._copies
                or artist in self._banned
                or (artist >= 0 and artists[artist] >= self._most)
            ):
                continue
            # Also what a copy is known as is on the list from now on.
            sounds |= {sound} - {-1}
            recordings |= {recording} - {-1}
            if not copy:
                picked.append(place)
                artists[artist] += 1
        return picked


def _descending(values: Floats, first: int) -> Iterator[int]:
    """Positions by value, highest first, without sorting more than is asked for."""
    seen: set[int] = set()
    while len(seen) < len(values):
        upto = min(first, len(values))
        highest = np.argpartition(-values, upto - 1)[:upto]
        ordered = highest[np.lexsort((highest, -values[highest]))].tolist()
        yield from (place for place in ordered if place not in seen)
        seen.update(ordered)
        first = 8 * first


def _copies(found: Space, place: int) -> list[int]:
    """A song's place, and those of its copies."""
    same = np.zeros(len(found.rows), bool)
    for codes in (found.sounds, found.recordings):
        if codes[place] >= 0:
            same |= codes == codes[place]
    return [place, *np.flatnonzero(same).tolist()]


def _outside_copies(now: Snapshot, found: Space, traits: Traits) -> list[int]:
    """Places of the copies of a song that isn't one of the library's rows."""
    songs = now.songs
    copies: list[int] = []
    if traits.sound:
        copies += np.flatnonzero(songs["sound"].to_numpy()[found.rows] == traits.sound).tolist()
    artist, title = found.artist_names.get(artist_name(traits.artist)), plain(traits.title)
    if artist is not None and title:
        titles = songs["title"].to_numpy()[found.rows]
        own = np.flatnonzero(found.artists == artist).tolist()
        copies += [place for place in own if plain(titles[place]) == title]
    return copies


def _snapshot(lib: Library | Snapshot) -> Snapshot:
    return lib if isinstance(lib, Snapshot) else lib.snapshot()


def _place(now: Snapshot, found: Space, row: int) -> int:
    place = found.place(row)
    if place < 0:
        raise WrongUsage(
            f"{now.songs['path'].iloc[row]} hasn't been analysed, so nothing can be compared with "
            "it. Scan the library again, or name another song."
        )
    return place


def _checked(found: Space, embedding: NDArray[np.floating]) -> Floats:
    if not len(found.rows):
        raise WrongUsage("No song of this library has been analysed yet. Scan its folders first.")
    if embedding.shape != found.centre.shape or not np.isfinite(embedding).all():
        raise WrongUsage(
            f"The song is described by {embedding.size} numbers, those of the library by "
            f"{len(found.centre)}: other networks analysed them. Scan the library again."
        )
    return embedding.astype(np.float32)


def _described(
    now: Snapshot,
    found: Space,
    places: Sequence[int],
    likeness: Floats,
    asked: Sequence[Traits],
) -> list[Neighbour]:
    rows = found.rows[list(places)].tolist() if places else []
    return [
        Neighbour(row, max(0.0, 1 - float(cosine)), traits_.common(other, of))
        for row, cosine, of, other in zip(
            rows, likeness, traits_.of_rows(now, rows), asked, strict=True
        )
    ]
