"""One file of a library → what is kept of it: its tags, the identity of its sound, and what the
quick pretrained networks make of that. In whatever process or on whatever machine.
"""

import json
import logging
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from genre_engine.audio import tags
from genre_engine.audio.tags import FileTags
from genre_engine.errors import AudioError, GenreEngineError
from genre_engine.library.identity import sound_identity
from genre_engine.prediction import vocabulary
from genre_engine.prediction.catalogue import FAST

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """A file as it was found.

    Attributes:
        path: absolute.
        size, mtime_ns: of the file.
    """

    path: str
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class Wanted:
    """What a scan wants of each file.

    Attributes:
        model: which pretrained networks.
        tempo_key: whether tempo and key are wanted too.
        again: whether sounds that are known are analysed again.
        index: the library's index where this machine has it, to see which sounds are known.
    """

    model: str = FAST
    tempo_key: bool = False
    again: bool = False
    index: str | None = None


@dataclass(frozen=True, eq=False)
class Found:
    """What became of a file.

    Attributes:
        sound: None where the file can't be read.
        row: columns of `sounds` that were found; empty where they are known already.
        error, message: why it couldn't be analysed.
    """

    task: Task
    sound: str | None = None
    tags: FileTags = field(default_factory=FileTags)
    row: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    message: str = ""


def analyse_files(wanted: Wanted, tasks: Sequence[Task]) -> list[Found]:
    """What becomes of some files, in whatever process this is."""
    from genre_engine import pretrained

    pretrained.use_threads(1)
    return [_attempt(wanted, task) for task in tasks]


def analyse_file(path: Path, *, tempo_key: bool = False) -> Found:
    """What a library would keep of a file that it doesn't hold.

    Raises:
        AudioError: it can't be analysed.
        WeightsError: there are no networks, and none can be fetched.
    """
    status = path.stat() if path.exists() else None
    task = Task(str(path), status.st_size if status else 0, status.st_mtime_ns if status else 0)
    sound = sound_identity(path)
    wanted = Wanted(tempo_key=tempo_key)
    return Found(task, sound, tags.read(path, cover=False), _row(path, wanted, set()))


def _attempt(wanted: Wanted, task: Task) -> Found:
    path, sound, said = Path(task.path), None, FileTags()
    try:
        sound = sound_identity(path)
        said = tags.read(path, cover=False)
        known = _known(wanted, sound)
        return Found(task, sound, said, _row(path, wanted, known))
    except AudioError as error:
        return Found(task, sound, said, error=type(error).__name__, message=str(error))
    except GenreEngineError:
        raise  # says something of the machine, and so of every file
    except Exception as error:  # noqa: BLE001 - a fault that one file shows mustn't end the rest
        _log.exception("%s", task.path)
        kind, message = type(error).__name__, str(error) or repr(error)
        return Found(task, sound, said, error=kind, message=message)


def died(task: Task) -> Found:
    """What becomes of a file that ended the process that read it, twice."""
    message = "The process that analysed it died, twice. Convert the file to WAV or FLAC."
    return Found(task, error="ProcessDied", message=message)


def _known(wanted: Wanted, sound: str) -> set[str]:
    """Of `scores` and `tempo_key`, what the index has of a sound."""
    if wanted.index is None or wanted.again:
        return set()
    address = f"{Path(wanted.index).as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=10.0)) as connection:
            row = connection.execute(
                "SELECT model, key_sure FROM sounds WHERE sound = ?", (sound,)
            ).fetchone()
    except sqlite3.Error as error:  # then it is analysed once more
        _log.warning("the index can't be read: %s", error)
        return set()
    if row is None:
        return set()
    return {"scores"} if row[1] is None else {"scores", "tempo_key"}


def _row(path: Path, wanted: Wanted, known: set[str]) -> dict[str, Any]:
    row = {} if "scores" in known else _scores(path, wanted.model)
    if wanted.tempo_key and "tempo_key" not in known:
        row |= _tempo_key(path)
    return row


def _scores(path: Path, model: str) -> dict[str, Any]:
    from genre_engine.prediction import pretrained_model

    analysis, probabilities = pretrained_model.whole(path, model)
    detected = [[one.group, one.name, round(one.probability, 4)] for one in analysis.detected]
    row: dict[str, Any] = {
        "model": model,
        "networks": json.dumps(analysis.networks),
        "duration_s": analysis.duration_s,
        "detected": json.dumps(detected),
        "warnings": json.dumps(analysis.warnings),
        "embedding": pretrained_model.embedding(probabilities).astype("<f4").tobytes(),
    }
    for view, genres in vocabulary.VIEWS.items():
        scores = analysis.views[view]
        by_name = dict(zip(scores.genres, scores.song.tolist(), strict=True))
        row[view] = np.array([by_name.get(name, np.nan) for name in genres], "<f4").tobytes()
    return row


def _tempo_key(path: Path) -> dict[str, Any]:
    from genre_engine.audio.tempo_key import tempo_key

    found = tempo_key(path)
    return {
        "bpm": found.bpm,
        "bpm_sure": found.bpm_sure,
        "key": found.key,
        "key_sure": found.key_sure,
    }
