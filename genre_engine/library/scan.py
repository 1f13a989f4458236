"""A scan: what lies in a library's folders now → the index, analysing only what is new.

A file whose size and time of change are known isn't opened. One that was moved, copied or got other
tags is recognised by its sound and isn't analysed again. What is gone is marked as missing, and
forgotten on request. Whatever ends a scan, what was done by then is kept.
"""

import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from genre_engine import library
from genre_engine.audio import tags
from genre_engine.audio.tags import FileTags
from genre_engine.errors import LibraryError
from genre_engine.library import analysing, index
from genre_engine.library.analysing import Found, Task, Wanted
from genre_engine.library.index import Library
from genre_engine.library.walking import Walk
from genre_engine.prediction.catalogue import FAST
from genre_engine.storage import parallel
from genre_engine.storage.lock import exclusively

# Results are written after so many, or so many seconds.
_BATCH, _BATCH_S = 64, 2.0
# Files that a process is given at a time.
_CHUNK = 2
# Failures that say something of the file itself, which won't change while the file doesn't.
_LASTING = frozenset(("NotAudio", "BadSamples", "TooShort", "TooLong", "SilentAudio"))


@dataclass(frozen=True)
class Progress:
    """How far a scan is.

    Attributes:
        done, total: files to be read, and of these done, failed ones included.
        failed: of those done.
        audio_s: seconds of sound that were analysed.
        seconds: that took.
    """

    done: int
    total: int
    failed: int
    audio_s: float
    seconds: float

    @property
    def rate(self) -> float:
        """How many times faster than real time."""
        return self.audio_s / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """None before anything can be said."""
        if self.done < _LEAST_FOR_RATE or self.seconds < 1.0:
            return None
        return (self.total - self.done) * self.seconds / self.done

    def sentence(self) -> str:
        """In words: "1,204 of 50,000 files, 212 × real time, 3 failed"."""
        said = f"{self.done:,} of {self.total:,} files"
        if self.audio_s:
            said += f", {self.rate:.0f} × real time"
        return said + (f", {self.failed:,} failed" if self.failed else "")


_LEAST_FOR_RATE = 8


@dataclass
class Result:
    """What a scan found.

    Attributes:
        files: audio files in the folders.
        read: files that were new or changed, and were read.
        analysed: sounds that the networks analysed.
        moved, missing, forgotten: songs.
        failed: path → why it couldn't be analysed, of the files that were read.
        remarks: sentences on what was passed over.
        stopped: whether it was asked to stop before the end.
    """

    files: int = 0
    read: int = 0
    analysed: int = 0
    moved: int = 0
    missing: int = 0
    forgotten: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    stopped: bool = False


def scan(
    lib: Library,
    *,
    folders: Sequence[Path] = (),
    model: str = FAST,
    tempo_key: bool = False,
    again: bool = False,
    forget: bool = False,
    jobs: int | None = None,
    dask: str | None = None,
    progress: Callable[[Progress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Result:
    """Bring a library's index up to date with its folders.

    Args:
        folders: more of them, which the library keeps.
        model: `fast` or `full` pretrained networks.
        tempo_key: find tempo and key too, of all songs that lack them.
        again: analyse everything once more, and try again what failed.
        forget: drop what is known of songs that are gone.
        jobs: processes; as many as cores by default.
        dask: the address of a Dask scheduler, to analyse on its workers instead; they must see the
            files under the same paths.

    Raises:
        LibraryError: another process scans it, or its index can't be used.
        FileMissing, Refused: as `library.check_folders`.
        WeightsError: there are no networks, and none can be fetched.
        WrongUsage: no such model, or no Dask scheduler answers.
        StorageError: the disk is full; what is in the index stays.
    """
    from genre_engine import pretrained

    more = library.check_folders(folders)
    busy = LibraryError(
        f"The library {lib.name!r} is being scanned already. Wait for that, or stop it."
    )
    with exclusively(lib.folder / "scan.lock", busy):
        with lib.connect() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO roots (path) VALUES (?)", [(str(f),) for f in more]
            )
        wanted = Wanted(model, tempo_key, again, None if dask else str(lib.folder / index.FILE))
        result = Result()
        walk = Walk()
        there = _walked(lib, walk)
        result.files = len(there)
        tasks = _changed(lib, there, wanted)
        _mark_missing(lib, there, walk)
        if tasks:
            pretrained.prepare(model)
        writer = _Writer(lib, result, progress or (lambda _: None), len(tasks))
        for found in parallel.each(
            partial(_worker, wanted),
            tasks,
            item_of=lambda found: found.task,
            died=analysing.died,
            chunk=_CHUNK,
            jobs=jobs,
            dask=dask,
            should_stop=should_stop,
        ):
            writer.add(found)
        writer.flush()
        result.stopped = result.read < len(tasks)
        if not result.stopped:
            result.moved = _drop_moved(lib)
        if forget:
            result.forgotten = _forget(lib)
        result.missing = lib.counts()["missing"]
        result.remarks = _remarks(walk)
    return result


# What processes run; tests put in what kills its process.
_worker = analysing.analyse_files


def refresh(lib: Library, paths: Iterable[Path]) -> None:
    """Note the size, the time and the tags that some files have now; their sounds stay as known.

    Raises:
        LibraryError, StorageError: as `Library.connect`.
    """
    rows = []
    for path in paths:
        status = path.stat()
        task = Task(str(path), status.st_size, status.st_mtime_ns)
        rows.append((*_file_columns(task, tags.read(path, cover=False)), task.path))
    with lib.connect() as connection:
        connection.executemany(
            "UPDATE songs SET size = ?, mtime_ns = ?, title = ?, artist = ?, album = ?, "
            "file_genres = ?, missing = 0 WHERE path = ?",
            rows,
        )


def _walked(lib: Library, walk: Walk) -> dict[str, tuple[int, int, str]]:
    """By path: size, time of change and root."""
    return {
        path: (size, mtime_ns, str(root))
        for root in lib.roots
        for path, size, mtime_ns in walk.files(root)
    }


def _changed(lib: Library, there: dict[str, tuple[int, int, str]], wanted: Wanted) -> list[Task]:
    """The files to be read; those that are new get their rows."""
    with lib.connect() as connection:
        known = {
            row["path"]: row
            for row in connection.execute(
                "SELECT path, size, mtime_ns, error_type, model, key_sure "
                "FROM songs LEFT JOIN sounds USING (sound)"
            )
        }
        connection.executemany(
            "INSERT OR IGNORE INTO songs (path, root, size, mtime_ns) VALUES (?, ?, ?, ?)",
            (
                (path, root, size, mtime_ns)
                for path, (size, mtime_ns, root) in there.items()
                if path not in known
            ),
        )
    return [
        Task(path, size, mtime_ns)
        for path, (size, mtime_ns, _) in there.items()
        if _is_open(known.get(path), size, mtime_ns, wanted)
    ]


def _is_open(row: "sqlite3.Row | None", size: int, mtime_ns: int, wanted: Wanted) -> bool:
    if row is None or wanted.again or (row["size"], row["mtime_ns"]) != (size, mtime_ns):
        return True
    if row["error_type"] is not None:
        return row["error_type"] not in _LASTING
    return row["model"] is None or (wanted.tempo_key and row["key_sure"] is None)


def _mark_missing(lib: Library, there: dict[str, tuple[int, int, str]], walk: Walk) -> None:
    """Mark what wasn't found; what lies below a folder that can't be read may still be there."""
    unread = tuple(str(Path(place)) for place in walk.unread)
    with lib.connect() as connection:
        rows = connection.execute("SELECT id, path, missing FROM songs").fetchall()
        changed = []
        for row in rows:
            path = Path(row["path"])
            gone = row["path"] not in there
            if gone and any(path.is_relative_to(place) for place in unread):
                continue
            if gone != bool(row["missing"]):
                changed.append((int(gone), row["id"]))
        connection.executemany("UPDATE songs SET missing = ? WHERE id = ?", changed)


def _drop_moved(lib: Library) -> int:
    """Drop songs that are missing where their sound is found under another path."""
    with lib.connect() as connection:
        return connection.execute(
            "DELETE FROM songs WHERE missing = 1 AND sound IN "
            "(SELECT sound FROM songs WHERE missing = 0 AND sound IS NOT NULL)"
        ).rowcount


def _forget(lib: Library) -> int:
    with lib.connect() as connection:
        gone = connection.execute("DELETE FROM songs WHERE missing = 1").rowcount
        # Decisions stay: they were somebody's work, and the song may come back.
        connection.execute(
            "DELETE FROM sounds WHERE sound NOT IN "
            "(SELECT sound FROM songs WHERE sound IS NOT NULL)"
        )
    return gone


def _remarks(walk: Walk) -> list[str]:
    remarks = [
        f"{place} isn't there or can't be read, so the songs below it stay as they were. Connect "
        "the disk, or change the folder's permissions, then scan again."
        for place in walk.unread
    ]
    if walk.links:
        remarks.append(
            f"Symbolic links were passed over: {walk.links:,}. Scan the folders that they point to."
        )
    if walk.unnamed:
        remarks.append(
            f"Files left out, since their names aren't UTF-8: {walk.unnamed:,}. Rename them."
        )
    return remarks


def _file_columns(task: Task, said: FileTags) -> tuple[int | str | None, ...]:
    genres = json.dumps(said.genres, ensure_ascii=False)
    return task.size, task.mtime_ns, said.title, said.artist, said.album, genres


class _Writer:
    """Takes results into the index, some at a time, and reports."""

    def __init__(
        self, lib: Library, result: Result, report: Callable[[Progress], None], total: int
    ) -> None:
        self._lib, self._result, self._report, self._total = lib, result, report, total
        self._waiting: list[Found] = []
        self._audio_s = 0.0
        self._began = self._written = time.monotonic()
        self._say()

    def add(self, found: Found) -> None:
        self._waiting.append(found)
        self._result.read += 1
        if found.error:
            self._result.failed[found.task.path] = found.message
        if "model" in found.row:
            self._result.analysed += 1
            self._audio_s += found.row["duration_s"]
        if len(self._waiting) >= _BATCH or time.monotonic() - self._written > _BATCH_S:
            self.flush()
        self._say()

    def flush(self) -> None:
        with self._lib.connect() as connection:
            for found in self._waiting:
                _write(connection, found)
        self._waiting.clear()
        self._written = time.monotonic()

    def _say(self) -> None:
        seconds = time.monotonic() - self._began
        failed = len(self._result.failed)
        self._report(Progress(self._result.read, self._total, failed, self._audio_s, seconds))


def _write(connection: sqlite3.Connection, found: Found) -> None:
    connection.execute(
        "UPDATE songs SET size = ?, mtime_ns = ?, title = ?, artist = ?, album = ?, "
        "file_genres = ?, sound = ?, error_type = ?, error = ?, missing = 0 WHERE path = ?",
        (
            *_file_columns(found.task, found.tags),
            found.sound,
            found.error or None,
            found.message or None,
            found.task.path,
        ),
    )
    if not found.row:
        return
    columns = {"sound": found.sound, **found.row}
    changes = ", ".join(f"{name} = excluded.{name}" for name in found.row)
    if "model" in found.row:
        connection.execute(
            f"INSERT INTO sounds ({', '.join(columns)}) "  # noqa: S608 - names of ours
            f"VALUES ({', '.join('?' * len(columns))}) ON CONFLICT (sound) DO UPDATE SET {changes}",
            list(columns.values()),
        )
    else:
        changes = ", ".join(f"{name} = ?" for name in found.row)
        connection.execute(
            f"UPDATE sounds SET {changes} WHERE sound = ?",  # noqa: S608 - names of ours
            [*found.row.values(), found.sound],
        )
