"""A library's index: an SQLite file (WAL) of what is known of each song.

    workspace/libraries/<name>/
        index.sqlite        see `schema`
        vocabulary.toml     words of the user's own for genres, if there are any
        writes/<batch>/     what was written into files, and what stood there before

Readers and one writer don't wait for each other. Paths are absolute, and symbolic links to folders
are not followed.
"""

import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genre_engine.errors import LibraryError, WrongUsage
from genre_engine.library import schema, song_table
from genre_engine.prediction import vocabulary
from genre_engine.storage import workspace

if TYPE_CHECKING:
    import pandas as pd

FILE = "index.sqlite"
DECISIONS = ("accepted", "corrected", "rejected")
# How long to wait for another writer.
_BUSY_S = 30.0

Floats = NDArray[np.float32]

_SONGS = """
    SELECT songs.id, path, root, title, artist, album, file_genres, duration_s, size, mtime_ns,
           songs.sound, missing, error_type, error, model, bpm, bpm_sure, key, key_sure, detected,
           warnings, decision, genres AS decided_genres
    FROM songs LEFT JOIN sounds USING (sound) LEFT JOIN decisions USING (sound)
    ORDER BY path
"""
# The index counts its changes, since SQLite's own counter is a connection's.
_COUNT_UP = """
    INSERT INTO settings (name, value) VALUES ('_changes', 1)
    ON CONFLICT (name) DO UPDATE SET value = value + 1
"""


@dataclass(frozen=True)
class Library:
    """A library that exists.

    Attributes:
        name: also its folder's.
        folder: where its index lies.
    """

    name: str
    folder: Path

    @property
    def roots(self) -> tuple[Path, ...]:
        """The folders that are scanned."""
        with self.connect() as connection:
            rows = connection.execute("SELECT path FROM roots ORDER BY path")
            return tuple(Path(row["path"]) for row in rows)

    @contextmanager
    def connect(self) -> Iterator[sqlite3.Connection]:
        """A connection for one piece of work: kept at a good end, else as if it had never been.

        Raises:
            LibraryError: the index is damaged, of a later version, or busy for long.
            StorageError: the disk is full, or the index can't be written.
        """
        path = self.folder / FILE
        with (
            workspace.storage_errors(path),
            _in_words(self.name),
            closing(_open(path)) as connection,
            connection,
        ):
            yield connection
            if connection.total_changes:
                connection.execute(_COUNT_UP)

    def songs(self) -> "pd.DataFrame":
        """The songs as they are now, see `Snapshot.songs`."""
        return self.snapshot().songs

    def scores(self, view: str = "wide") -> tuple[tuple[str, ...], Floats]:
        """The scores as they are now, see `Snapshot.scores`."""
        return self.snapshot().scores(view)

    def embeddings(self) -> Floats:
        """The embeddings as they are now, see `Snapshot.embeddings`."""
        return self.snapshot().embeddings()

    def song(self, wanted: str | int) -> int:
        """The row in `songs` of a song by its number, its path, or a part of its title or path that
        no other has.

        Raises:
            WrongUsage: there is none, or there are several.
        """
        songs = self.songs()
        text = str(wanted)
        if text.isdecimal() and len(rows := np.flatnonzero(songs["id"] == int(text))):
            return int(rows[0])
        path = Path(text).expanduser()
        rows = np.flatnonzero(songs["path"] == str(path.absolute()))
        if len(rows):
            return int(rows[0])
        low = text.casefold()
        for exact in (True, False):
            for column in ("title", "path"):
                texts = songs[column].fillna("").str.casefold()
                found = texts == low if exact else texts.str.contains(low, regex=False)
                rows = np.flatnonzero(found)
                if len(rows) == 1:
                    return int(rows[0])
                if len(rows):
                    named = "; ".join(songs["path"].iloc[rows[:3]])
                    raise WrongUsage(
                        f"{text!r} names {len(rows)} songs of {self.name!r}: {named}"
                        f"{' and more' if len(rows) > 3 else ''}. Give one of these paths."
                    )
        near = get_close_matches(text, songs["title"].dropna().tolist(), n=1, cutoff=0.6)
        offered = f" Did you mean {near[0]!r}?" if near else ""
        raise WrongUsage(f"There is no song {text!r} in {self.name!r}.{offered}")

    def decide(
        self, sounds: Iterable[str], decision: str | None, genres: Sequence[str] = ()
    ) -> None:
        """Keep what the user says of some sounds' genres, the same of all; see `decide_each`."""
        self.decide_each((sound, decision, genres) for sound in dict.fromkeys(sounds))

    def decide_each(self, decisions: Iterable[tuple[str, str | None, Sequence[str]]]) -> None:
        """Keep what the user says of the genres of sounds, at once or not at all.

        Args:
            decisions: sound, decision and genres. The decision is accepted, with the genres that
                were found, corrected or rejected; None takes back what was said.

        Raises:
            WrongUsage: no such decision.
        """
        rows = list(decisions)
        for _, decision, _ in rows:
            if decision is not None and decision not in DECISIONS:
                raise WrongUsage(f"A decision is one of {', '.join(DECISIONS)}, not {decision!r}.")
        now = time.time()
        with self.connect() as connection:
            connection.executemany(
                "DELETE FROM decisions WHERE sound = ?", [(sound,) for sound, _, _ in rows]
            )
            connection.executemany(
                "INSERT OR REPLACE INTO decisions (sound, decision, genres, time) "
                "VALUES (?, ?, ?, ?)",
                [
                    (sound, decision, json.dumps(list(genres), ensure_ascii=False), now)
                    for sound, decision, genres in rows
                    if decision is not None
                ],
            )

    def counts(self) -> dict[str, int]:
        """How many songs there are, and how many of them are analysed, missing and failed."""
        with self.connect() as connection:
            row = connection.execute(
                "SELECT count(*) AS songs, count(model) AS analysed, "
                "coalesce(sum(missing), 0) AS missing, "
                "coalesce(sum(error IS NOT NULL), 0) AS failed "
                "FROM songs LEFT JOIN sounds USING (sound)"
            ).fetchone()
        return dict(row)

    def setting(self, name: str) -> Any:
        """A setting of this library as it was kept; None where it wasn't."""
        with self.connect() as connection:
            row = connection.execute(
                "SELECT value FROM settings WHERE name = ?", (name,)
            ).fetchone()
        return None if row is None else json.loads(row["value"])

    def keep_setting(self, name: str, value: Any) -> None:
        """Keep a setting, as JSON."""
        with self.connect() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)",
                (name, json.dumps(value)),
            )

    def version(self) -> str:
        """What changes with every change of the index."""
        with self.connect() as connection:
            return _version(connection)

    def snapshot(self) -> "Snapshot":
        """What the index holds at this moment; the same object until it changes.

        Whoever needs songs and their scores takes both from one snapshot, so that rows belong
        together while a scan goes on.
        """
        with _reading:
            kept = _snapshots.get(self.folder)
            with self.connect() as connection:
                version = _version(connection)
            if kept is None or kept.version != version:
                kept = Snapshot(self)
                _snapshots.pop(self.folder, None)
                _snapshots[self.folder] = kept
                while len(_snapshots) > _KEPT:
                    del _snapshots[next(iter(_snapshots))]
            return kept


# Tables of so many libraries are kept in memory.
_KEPT = 2
_snapshots: dict[Path, "Snapshot"] = {}
_reading = threading.RLock()


class Snapshot:
    """The index as it was at one moment; arrays that aren't asked for aren't read.

    All of it is shared and not to be changed.

    Attributes:
        version: of the index.
        songs: one row a song, in the order of their paths. Columns: `id`, `path`, `root`, `folder`
            (below the root), `title`, `artist`, `album`, `file_genres`, `duration_s`, `size`,
            `mtime_ns`, `sound`, `state` (waiting, analysed or failed), `missing`, `error_type`,
            `error`, `model`, `bpm`, `bpm_sure`, `key`, `key_sure`, `moods` and `instruments` (pairs
            of name and probability), `warnings`, `decision`, `decided_genres`.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self._blobs: dict[str, Floats] = {}
        with library.connect() as connection:
            connection.execute("BEGIN")  # one moment for both
            self.version = _version(connection)
            self.songs = song_table.table(connection.execute(_SONGS).fetchall())

    def scores(self, view: str = "wide") -> tuple[tuple[str, ...], Floats]:
        """Genres of a view, and float32 `[songs, genres]` in the order of `songs`.

        NaN where a song wasn't analysed, or the networks don't know a genre.
        """
        return tuple(vocabulary.VIEWS[view]), self._rows(view)

    def embeddings(self) -> Floats:
        """Float32 `[songs, n]` in the order of `songs`: the logits of the networks' tags, means
        over a song; NaN where there is none, or one of other networks than most songs have.
        """
        return self._rows("embedding")

    def _rows(self, column: str) -> Floats:
        with _reading:
            if column not in self._blobs:
                with self._library.connect() as connection:
                    query = f"SELECT songs.id, {column} FROM songs JOIN sounds USING (sound)"  # noqa: S608 - a name of ours
                    found = dict(map(tuple, connection.execute(query)))
                values = [found.get(song) for song in self.songs["id"].tolist()]
                self._blobs[column] = _stacked(values, _WIDTHS.get(column))
            return self._blobs[column]


_WIDTHS = {view: len(genres) for view, genres in vocabulary.VIEWS.items()}


def _stacked(blobs: Sequence[bytes | None], width: int | None) -> Floats:
    lengths = [len(blob) // 4 for blob in blobs if blob]
    if width is None:
        width = max(set(lengths), key=lengths.count) if lengths else 0
    empty = np.full(width, np.nan, "<f4").tobytes()
    fitting = [blob if blob and len(blob) == 4 * width else empty for blob in blobs]
    found: Floats = np.frombuffer(b"".join(fitting), "<f4").reshape(len(blobs), width)
    return found


def _open(path: Path) -> sqlite3.Connection:
    # Created only by `library.create`: a library that was removed doesn't come back by a look.
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=_BUSY_S,
        isolation_level="IMMEDIATE",
    )
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous = NORMAL")
        schema.migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def make(path: Path) -> None:
    """An empty index."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA journal_mode = WAL")
        schema.migrate(connection)
        # A library that was removed and made again changes as often: what is cached of it is old.
        connection.execute(
            "INSERT INTO settings (name, value) VALUES ('_born', ?)", (secrets.token_hex(8),)
        )


def _version(connection: sqlite3.Connection) -> str:
    rows = connection.execute(
        "SELECT value FROM settings WHERE name IN ('_born', '_changes') ORDER BY name"
    )
    return "-".join(str(row["value"]) for row in rows)


@contextmanager
def _in_words(name: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        said = str(error)
        if "unable to open" in said:
            raise LibraryError(
                f"The library {name!r} isn't there any more, or its index can't be opened. Scan "
                "its folders again."
            ) from error
        if "locked" in said:
            raise LibraryError(
                f"Another process writes to the library {name!r} for long. Try again when it is "
                "done."
            ) from error
        if "full" in said:
            raise OSError(28, "No space left on device") from error
        raise LibraryError(f"The index of {name!r} can't be used ({said}).") from error
    except sqlite3.DatabaseError as error:
        raise LibraryError(
            f"The index of the library {name!r} is damaged ({error}). Remove the library, then "
            "scan its folders again; your music isn't touched."
        ) from error
