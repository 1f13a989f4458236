"""What writing tags would change, file by file; nothing is written.

Genres are those that the user accepted or corrected, else those that a mapping makes of the scores
and that reach the least score. Songs whose genres were rejected are never written.

Modes:

    only-missing    fields that a file says nothing in; what is there stays
    append          genres and moods are added to those that are there; tempo and key as above
    replace         what is there makes room

A field of which nothing is known well enough is left as it is in every mode.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from genre_engine.audio.tempo_key import SURE
from genre_engine.errors import AudioError, WrongUsage
from genre_engine.library import tag_frames
from genre_engine.library.identity import sound_identity
from genre_engine.library.index import Library
from genre_engine.library.tag_files import REASONS, LeftAlone, LeftOut, of_error, writable
from genre_engine.library.tag_formats import Tags
from genre_engine.storage.progress import Progress

MODES = ("only-missing", "append", "replace")
_SEVERAL = ("genre", "mood")

# A song's genres with their scores, 0 to 1, best first, by the row's label in `Library.songs`.
GenresOf = Callable[[int], Sequence[tuple[str, float]]]


class HasRoots(Protocol):
    """A library, as far as a plan needs it."""

    @property
    def name(self) -> str: ...
    @property
    def roots(self) -> Sequence[Path]: ...


@dataclass(frozen=True)
class Change:
    """What would change in one file.

    Attributes:
        path: as the library has it.
        sound: the identity of its sound.
        size, mtime_ns: of the file when the plan was made.
        values: field → (what it says, what it is to say).
    """

    path: str
    sound: str
    size: int
    mtime_ns: int
    values: dict[str, tuple[tuple[str, ...], tuple[str, ...]]]


@dataclass(frozen=True)
class Plan:
    """What would be written, and what would not.

    Attributes:
        settings: what was asked for.
    """

    settings: dict[str, Any]
    changes: tuple[Change, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def reasons(self) -> dict[str, int]:
        """Why files are left out → how many, the most frequent first."""
        return dict(Counter(one.reason for one in self.left_out).most_common())


@dataclass(frozen=True)
class Wanted:
    """Which fields are to be written, and how.

    Attributes:
        mode: one of MODES.
        least: the least score of a genre and probability of a mood, 0 to 1.
        moods, bpm, key: whether these are written beside genres. Tempo and key are where they are
            sure.
    """

    mode: str = "only-missing"
    least: float = 0.5
    moods: bool = False
    bpm: bool = False
    key: bool = False

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise WrongUsage(f"A mode is one of {', '.join(MODES)}, not {self.mode!r}.")
        if not 0 <= self.least <= 1:
            raise WrongUsage("The least score lies between 0 and 1.")


def plan(
    lib: HasRoots,
    songs: pd.DataFrame,
    genres_of: GenresOf,
    wanted: Wanted,
    *,
    should_stop: Callable[[], bool] | None = None,
    progress: Progress | None = None,
) -> Plan:
    """What would change in the files of some songs.

    Args:
        songs: rows of `Library.songs`, with their labels.
        should_stop: asked before each file; a plan that is stopped covers the files until then.

    Raises:
        WrongUsage: settings that can't be.
    """
    changes: list[Change] = []
    left_out: list[LeftOut] = []
    seen: set[Path] = set()
    roots = list(lib.roots)
    for number, row in enumerate(songs.itertuples()):
        if should_stop is not None and should_stop():
            break
        try:
            changes.append(_change(row, genres_of, wanted, roots, seen))
        except (LeftAlone, AudioError, OSError) as error:
            left_out.append(of_error(row.path, error))
        if progress is not None:
            progress(number + 1, len(songs))
    return Plan(vars(wanted).copy(), tuple(changes), tuple(left_out))


def of_library(
    lib: Library,
    wanted: Wanted,
    where: str = "",
    *,
    should_stop: Callable[[], bool] | None = None,
    progress: Progress | None = None,
) -> Plan:
    """What would change in a library's files, in its own words for genres.

    Args:
        where: a filter in words, see `where`; all songs by default.

    Raises:
        WrongUsage: the filter, or the library's vocabulary, can't be read.
        LibraryError, StorageError: as `Library.connect`.
    """
    from genre_engine.library import catalogue, mapping
    from genre_engine.library import where as filters

    snapshot, words = lib.snapshot(), mapping.load(lib)
    songs = catalogue.described(snapshot, words)
    scored = catalogue.described(snapshot, replace(words, least=wanted.least))["words"]
    return plan(
        *(lib, songs[filters.matching(where, songs)], scored.__getitem__, wanted),
        should_stop=should_stop,
        progress=progress,
    )


def _change(
    row: Any, genres_of: GenresOf, wanted: Wanted, roots: Sequence[Path], seen: set[Path]
) -> Change:
    """What changes in one song's file; raises LeftAlone where nothing does."""
    if row.missing:
        raise LeftAlone("missing")
    if row.state == "failed":
        raise LeftAlone("failed", row.error or REASONS["failed"])
    if row.decision == "rejected":
        raise LeftAlone("rejected")
    if not isinstance(row.sound, str):
        raise LeftAlone("waiting")
    known = _known(row, genres_of, wanted)
    if not any(known.values()):
        if row.state != "analysed":
            raise LeftAlone("waiting")
        raise LeftAlone("no genre" if set(known) == {"genre"} else "nothing sure")
    real, state = writable(Path(row.path), roots)
    if real in seen:
        raise LeftAlone("same file")
    seen.add(real)
    is_as_scanned = (state.st_size, state.st_mtime_ns) == (row.size, row.mtime_ns)
    if not is_as_scanned and sound_identity(real) != row.sound:
        raise LeftAlone("other sound")
    with tag_frames.opened_tags(real) as tags:
        found = {field: tag_frames.texts(tags, field) for field in known}
        values = {
            field: (found[field], new)
            for field in known
            if (new := _new(field, found[field], known[field], wanted.mode)) is not None
        }
        if not values:
            raise LeftAlone("there already" if wanted.mode == "only-missing" else "unchanged")
        _try(tags, {field: new for field, (_, new) in values.items()})
    return Change(row.path, row.sound, state.st_size, state.st_mtime_ns, values)


def _try(tags: Tags, values: tag_frames.Values) -> None:
    """Raises TagsError where a file's tags can't take such values."""
    tags.splices(tag_frames.encoded(tags, values))


def _known(row: Any, genres_of: GenresOf, wanted: Wanted) -> dict[str, tuple[str, ...]]:
    """The values that each wanted field could have; none of which nothing is known."""
    known: dict[str, tuple[str, ...]] = {}
    if row.decision == "corrected" or (row.decision == "accepted" and row.decided_genres):
        known["genre"] = _clean(row.decided_genres)
    else:
        scored = genres_of(row.Index) if row.state == "analysed" else ()
        known["genre"] = _clean(name for name, score in scored if score >= wanted.least)
    if wanted.moods:
        known["mood"] = _clean(name for name, sure in row.moods if sure >= wanted.least)
    if wanted.bpm:
        is_sure = not math.isnan(row.bpm) and row.bpm > 0 and row.bpm_sure >= SURE
        known["bpm"] = (str(round(row.bpm)),) if is_sure else ()
    if wanted.key:
        is_sure = isinstance(row.key, str) and row.key_sure >= SURE
        known["key"] = (tag_frames.key_text(row.key),) if is_sure else ()
    return known


def _clean(names: Any) -> tuple[str, ...]:
    """Names without signs that would part or end them in a tag, each once."""
    found = (" ".join(name.replace("\0", " ").replace(";", ",").split()) for name in names)
    return tuple(dict.fromkeys(name for name in found if name))


def _new(
    field: str, old: tuple[str, ...], known: tuple[str, ...], mode: str
) -> tuple[str, ...] | None:
    """What a field is to say; None where it stays as it is."""
    if not known:
        return None
    if not old:
        return known
    if mode == "only-missing" or (mode == "append" and field not in _SEVERAL):
        return None
    there = tag_frames.names(old) if field in _SEVERAL else list(old)
    if mode == "replace":
        return None if there == tag_frames.names(known) else known
    folded = {name.casefold() for name in (*there, *old)}
    added = tuple(name for name in known if name.casefold() not in folded)
    return (*old, *added) if added else None
