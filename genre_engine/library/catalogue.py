"""A library's songs in the user's own words: the table that filters, pages, exports and tags use.

A song's genres are those that the user decided on, else what the library's vocabulary makes of the
scores. What was rejected has none.
"""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from genre_engine.library import mapping as own_words
from genre_engine.library.index import Library, Snapshot
from genre_engine.library.mapping import Mapping, Words
from genre_engine.prediction import vocabulary

# Below this score of its first genre, or this far ahead of the second, a song is unsure.
_SURE, _AHEAD = 50.0, 4.0

_lock = threading.Lock()
_kept: dict[Path, tuple[Snapshot, Mapping, pd.DataFrame]] = {}
_MOST_KEPT = 2


def table(lib: Library) -> pd.DataFrame:
    """`Snapshot.songs` with more columns, row by row the same; shared and not to be changed.

    `words` (pairs of word and score 0 to 1, best first), `genre` (their names), `score` (of the
    first, 0 to 100, NaN where there is none), `tag` (genres that the file names), `mood`,
    `instrument` (names), `minutes`, `searched` (title, artist, album and the path below its root,
    in small letters), and a column of bools for each of `where.WORDS`.

    Raises:
        WrongUsage: the library's vocabulary can't be read.
        LibraryError, StorageError: as `Library.connect`.
    """
    snapshot, words = lib.snapshot(), own_words.load(lib)
    with _lock:
        kept = _kept.get(lib.folder)
        if kept is None or kept[0] is not snapshot or kept[1] != words:
            _kept.pop(lib.folder, None)
            _kept[lib.folder] = (snapshot, words, described(snapshot, words))
            while len(_kept) > _MOST_KEPT:
                del _kept[next(iter(_kept))]
        return _kept[lib.folder][2]


def described(snapshot: Snapshot, words: Mapping) -> pd.DataFrame:
    """The table of a snapshot with a vocabulary, as `table`."""
    songs = snapshot.songs.copy(deep=False)
    genres, scores = snapshot.scores(words.view)
    analysed = words.assign(genres, scores)
    decisions, decided = songs["decision"].tolist(), songs["decided_genres"].tolist()
    lists = [
        found
        if decision is None
        else tuple((genre, dict(found).get(genre, 1.0)) for genre in chosen)
        for found, decision, chosen in zip(analysed, decisions, decided, strict=True)
    ]
    firsts = [100 * found[0][1] if found else np.nan for found in lists]
    seconds = [100 * found[1][1] if len(found) > 1 else 0.0 for found in lists]
    songs["words"] = _objects(lists)
    songs["genre"] = _objects([tuple(word for word, _ in found) for found in lists])
    songs["score"] = np.array(firsts, float).round(1)
    songs["tag"] = songs["file_genres"]
    for column, pairs in (("mood", "moods"), ("instrument", "instruments")):
        songs[column] = _objects([tuple(name for name, _ in row) for row in songs[pairs].tolist()])
    songs["minutes"] = songs["duration_s"] / 60
    state = songs["state"]
    songs["analysed"], songs["failed"] = state == "analysed", state == "failed"
    songs["untagged"] = songs["tag"].map(len) == 0
    songs["disagrees"] = _disagreeing(songs["tag"].tolist(), lists, words, genres)
    ahead = np.array(firsts, float) - np.array(seconds, float)
    undecided = np.array([decision is None for decision in decisions], bool)
    songs["unsure"] = (
        songs["analysed"] & undecided & ~((ahead >= _AHEAD) & (songs["score"] >= _SURE))
    )
    for decision in ("accepted", "corrected", "rejected"):
        songs[decision] = [found == decision for found in decisions]
    songs["undecided"] = undecided
    songs["searched"] = _searched(songs)
    return songs


def _searched(songs: pd.DataFrame) -> "pd.Series[Any]":
    # Of the path, what tells songs of a library apart.
    paths = zip(songs["path"], songs["root"], strict=True)
    below = [path.removeprefix(root) for path, root in paths]
    columns = [*(songs[name].fillna("") for name in ("title", "artist", "album")), below]
    return _objects(["\n".join(row).casefold() for row in zip(*columns, strict=True)])


def _objects(values: Sequence[Any]) -> "pd.Series[Any]":
    # By way of an array of objects: tuples as long as each other would become rows.
    return pd.Series(np.fromiter(values, object, len(values)))


def _disagreeing(
    tags: Sequence[tuple[str, ...]],
    lists: Sequence[Words],
    words: Mapping,
    genres: Sequence[str],
) -> list[bool]:
    """Whether a file names genres that are known, and none of them was found."""
    called: dict[str, str | None] = {}
    by_genre = word_of(words, genres)
    names = {word.casefold(): word for word in by_genre.values()}

    def known(tag: str) -> str | None:
        if tag not in called:
            genre = vocabulary.genre_called(tag, genres)
            called[tag] = names.get(tag.casefold()) or (by_genre.get(genre) if genre else None)
        return called[tag]

    found = []
    for own, listed in zip(tags, lists, strict=True):
        said = {word for tag in own if (word := known(tag)) is not None}
        found.append(bool(said and listed and not said & {word for word, _ in listed}))
    return found


def word_of(words: Mapping, genres: Sequence[str]) -> dict[str, str]:
    """Genre → the first word that stands for it under a vocabulary; those without one are left out.

    >>> word_of(Mapping(), ["hip hop"])
    {'hip hop': 'Hip hop'}
    """
    found: dict[str, str] = {}
    for genre_at, genre in enumerate(genres):
        one = np.zeros((1, len(genres)), np.float32)
        one[0, genre_at] = 1.0
        for word, _ in words.assign(genres, one)[0]:
            found.setdefault(genre, word)
    return found


def genre_counts(songs: pd.DataFrame) -> dict[str, int]:
    """How many songs have each genre, the most frequent first."""
    counts: dict[str, int] = {}
    for listed in songs["genre"].tolist():
        for word in listed:
            counts[word] = counts.get(word, 0) + 1
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0].casefold())))
