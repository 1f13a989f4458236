"""What is known of a song, and what two songs have in common in words."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from genre_engine.audio.tempo_key import NOTES, key_name, related_keys
from genre_engine.prediction import vocabulary

if TYPE_CHECKING:
    from genre_engine.library.analysing import Found
    from genre_engine.library.index import Snapshot

# From here on a result names a genre on the Classify page too.
LEAST_SCORE = vocabulary.GenreScores.clear
# Tempos that differ by less are heard as one.
TEMPO_TOLERANCE = 0.04
# More would no longer be read.
_MOST_NAMES = 3
_KEYS = {key_name(key): key for key in range(2 * len(NOTES))}


@dataclass(frozen=True)
class Traits:
    """What is known of a song; empty or None where nothing is.

    Attributes:
        genres: (genre, score 0 to 1), those that the song counts as.
        sound: identity of the sound, the same for copies of a file.
    """

    genres: tuple[tuple[str, float], ...] = ()
    moods: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()
    bpm: float | None = None
    key: str | None = None
    artist: str | None = None
    title: str | None = None
    sound: str | None = None


def of_rows(snapshot: "Snapshot", rows: Iterable[int]) -> list[Traits]:
    """Traits of songs of a library by their positions in `songs`.

    Genres that a person decided on stand in for what was analysed.
    """
    songs, (genres, scores) = snapshot.songs, snapshot.scores("wide")
    return [_of(songs.iloc[row], genres, scores[row]) for row in rows]


def _of(song: Any, genres: Sequence[str], scores: Any) -> Traits:
    if song["decision"] is not None and song["decision"] == song["decision"]:  # not NaN
        found = [(genre, 1.0) for genre in song["decided_genres"]]
    else:
        found = _reached(genres, scores)
    return Traits(
        genres=tuple(found),
        moods=names(song["moods"]),
        instruments=names(song["instruments"]),
        bpm=_known(song["bpm"]),
        key=_known(song["key"]),
        artist=_known(song["artist"]),
        title=_known(song["title"]),
        sound=_known(song["sound"]),
    )


def _reached(genres: Iterable[str], scores: Any) -> list[tuple[str, float]]:
    pairs = zip(genres, np.asarray(scores).tolist(), strict=True)
    return sorted((pair for pair in pairs if pair[1] >= LEAST_SCORE), key=lambda pair: -pair[1])


def of_file(found: "Found") -> Traits:
    """Traits of a file that a library doesn't hold, as `analysing.analyse_file` found them."""
    detected = json.loads(found.row["detected"])
    moods, instruments = (
        tuple(name for group, name, _ in detected if group == wanted)
        for wanted in ("mood", "instruments")
    )
    return Traits(
        tuple(_reached(vocabulary.WIDE, np.frombuffer(found.row["wide"], "<f4"))),
        moods,
        instruments,
        found.row.get("bpm"),
        found.row.get("key"),
        found.tags.artist,
        found.tags.title,
        found.sound,
    )


def names(detected: Any) -> tuple[str, ...]:
    """The names of (name, probability) pairs, in their order; none of what isn't there."""
    return tuple(name for name, _ in detected) if isinstance(detected, (tuple, list)) else ()


def _known(value: Any) -> Any:
    return None if value is None or value != value or value == "" else value


def common(one: Traits, other: Traits) -> tuple[str, ...]:
    """What two songs have in common, the most telling first; empty where that is nothing.

    >>> one = Traits(genres=(("rock", 0.9),), moods=("energetic",), bpm=119, key="A minor")
    >>> common(one, Traits(genres=(("rock", 0.6),), moods=("energetic",), bpm=121, key="C major"))
    ('rock', 'energetic', 'about 120 beats a minute', 'in related keys, A minor and C major')
    """
    scores = {genre.casefold(): score for genre, score in other.genres}
    shared = [
        (min(score, scores[genre.casefold()]), genre)
        for genre, score in one.genres
        if genre.casefold() in scores
    ]
    shared.sort(key=lambda pair: -pair[0])
    found = [vocabulary.name_within(genre) for _, genre in shared[:_MOST_NAMES]]
    found += [mood for mood in one.moods if mood in other.moods][:_MOST_NAMES]
    instruments = [name for name in one.instruments if name in other.instruments][:_MOST_NAMES]
    if instruments:
        found.append(f"with {_listed(instruments)}")
    if one.bpm and other.bpm:
        slow, fast = sorted((one.bpm, other.bpm))
        if fast <= slow * (1 + TEMPO_TOLERANCE):
            found.append(f"about {(slow + fast) / 2:.0f} beats a minute")
    if one.key in _KEYS and other.key in _KEYS:
        if one.key == other.key:
            found.append(f"in {one.key}")
        elif _KEYS[other.key] in related_keys(_KEYS[one.key]):
            found.append(f"in related keys, {one.key} and {other.key}")
    return tuple(found)


def in_words(shared: Sequence[str]) -> str:
    """What two songs have in common as a phrase; empty where that is nothing.

    >>> in_words(("rock", "energetic", "about 120 beats a minute"))
    'both rock, energetic, about 120 beats a minute'
    """
    return f"both {', '.join(shared)}" if shared else ""


def _listed(found: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(found[:-1]), found[-1]]))
