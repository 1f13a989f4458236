"""Analyses of songs, kept by the files' content: a reload loses none, and none is made twice.

    analyses/<sha256>.json      {"song": {…}, "analyses": {model: …}}

At home they are kept in the workspace. Where visitors share a server they are kept in its memory,
each visitor's apart, and are gone when it ends. The audio itself is kept nowhere.
"""

import json
import logging
import threading
import time
from collections import OrderedDict
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from genre_engine import pretrained
from genre_engine.errors import StorageError
from genre_engine.prediction.analysis import Analysis, dump, restore
from genre_engine.storage import budget, json_fields, owners, workspace

# How many songs are kept, of one visitor and of all where they share a server.
MOST, MOST_IN_ALL = 200, 2_000
_MOST_BYTES = 20_000_000

# What makes earlier analyses of the same model no longer what it would say: raise it then.
_VERSION = 1

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class KeptSong:
    """What is kept of a song besides its analyses.

    Attributes:
        sha256: of the file's content.
        name: the file's name.
        title: title and artist of its tags, or its name.
        kept_at: when, in seconds since 1970.
        genres: those of its tags.
    """

    sha256: str
    name: str
    title: str
    kept_at: float = 0.0
    genres: tuple[str, ...] = ()
    version: int = _VERSION


@dataclass(frozen=True, eq=False)
class Kept:
    """A song with its analyses, by the model's id."""

    song: KeptSong
    analyses: dict[str, Analysis]

    def of(self, model: str) -> Analysis | None:
        """A model's analysis, if it is what the model would say today."""
        found = self.analyses.get(model)
        if found is None or self.song.version != _VERSION:
            return None
        # Networks that have come since would say more.
        if model in pretrained.CHOICES and found.networks != tuple(pretrained.available(model)):
            return None
        return found


_lock = threading.Lock()
_in_memory: dict[str, OrderedDict[str, Kept]] = {}


def keep(visitor: str, song: KeptSong, model: str, analysis: Analysis) -> None:
    """Keep an analysis with those of the same file by other models. A full disk loses it, no more.

    Args:
        visitor: whose it is, where visitors share a server.
    """
    with _lock:
        before = find(visitor, song.sha256)
        analyses = dict(before.analyses) if before and before.song.version == _VERSION else {}
        kept = Kept(replace(song, kept_at=time.time()), analyses | {model: analysis})
        if owners.active():
            _keep_in_memory(visitor, kept)
        else:
            try:
                _write(kept)
            except StorageError as error:
                _log.warning("an analysis could not be kept: %s", error)


def find(visitor: str, sha256: str) -> Kept | None:
    """What is kept of a file, by its checksum or the beginning of it; None where nothing is."""
    if not sha256:
        return None
    if owners.active():
        mine = _in_memory.get(visitor, OrderedDict())
        return next((kept for key, kept in mine.items() if key.startswith(sha256)), None)
    if not set(sha256) <= set("0123456789abcdef"):
        return None
    path = next(iter(sorted(_folder().glob(f"{sha256}*.json"))), None)
    return None if path is None else _read(path)


def listing(visitor: str, most: int = MOST) -> list[Kept]:
    """The songs that are kept, the newest first."""
    if owners.active():
        return list(reversed(_in_memory.get(visitor, {}).values()))[:most]
    kept = (_read(path) for path in _newest_first()[:most])
    return [one for one in kept if one is not None]


def count(visitor: str) -> int:
    """How many songs are kept."""
    return len(_in_memory.get(visitor, {})) if owners.active() else len(_newest_first())


def forget(visitor: str, sha256: str | None = None) -> None:
    """Forget a song, or all of them.

    Raises:
        StorageError: a file can't be removed.
    """
    with _lock:
        if owners.active():
            if sha256 is None:
                _in_memory.pop(visitor, None)
            else:
                _in_memory.get(visitor, OrderedDict()).pop(sha256, None)
            return
        for path in _newest_first():
            if sha256 in (None, path.stem):
                with workspace.storage_errors(path):
                    path.unlink(missing_ok=True)


def _keep_in_memory(visitor: str, kept: Kept) -> None:
    mine = _in_memory.pop(visitor, OrderedDict())
    mine.pop(kept.song.sha256, None)
    mine[kept.song.sha256] = kept
    while len(mine) > MOST:
        mine.popitem(last=False)
    _in_memory[visitor] = mine  # who came last stays longest
    while sum(map(len, _in_memory.values())) > MOST_IN_ALL and len(_in_memory) > 1:
        _in_memory.pop(next(iter(_in_memory)))


def _folder() -> Path:
    return workspace.root() / "analyses"


def _newest_first() -> list[Path]:
    def age(path: Path) -> float:
        with suppress(OSError):
            return -path.stat().st_mtime
        return 0.0

    try:
        return sorted(_folder().glob("[0-9a-f]*.json"), key=age)
    except OSError:
        return []


def _write(kept: Kept) -> None:
    values = {
        "song": asdict(kept.song),
        "analyses": {model: dump(found) for model, found in kept.analyses.items()},
    }
    with workspace.replacing(_folder() / f"{kept.song.sha256}.json") as place:
        place.write_text(json.dumps(values, separators=(",", ":")), encoding="utf-8")
    for path in _newest_first()[MOST:]:
        with suppress(OSError):
            path.unlink()


def _read(path: Path) -> Kept | None:
    """What a file holds; a damaged one is as good as none."""
    try:
        values: Any = budget.parse_json(path.read_bytes(), _MOST_BYTES, _MOST_BYTES)
        song = json_fields.read(KeptSong, values["song"], path.name)
        return Kept(song, {m: _checked(restore(one)) for m, one in values["analyses"].items()})
    except OSError as error:
        _log.debug("%s: %r", path, error)
    except Exception as error:  # noqa: BLE001 - what a changed file makes of these is open
        _log.warning("%s can't be read: %r", path.name, error)
    return None


def _checked(found: Analysis) -> Analysis:
    """An analysis whose parts fit each other.

    Raises:
        ValueError: they don't.
    """
    n = len(found.starts_s)
    for scores in found.views.values():
        genres = len(scores.genres)
        fits = scores.song.shape == (genres,) and scores.by_window.shape == (n, genres)
        if not (fits and genres and n and np.isfinite(scores.by_window).all()):
            raise ValueError("scores that don't fit their windows")
    if not found.views or found.ends_s.shape != (n,) or not found.duration_s > 0:
        raise ValueError("times that don't fit their windows")
    return found
