"""The track table: one row a track, whatever kind of data set it came from.

    track_id      unique name
    artist_id     who it is by, or null
    album_id      what it is from, or null
    title         or null
    path          POSIX path below the data set's audio folder, or null; never leaves that folder
    duration_s    or null
    genres        sorted list of names
    split         train, validation, test or null: the data set's own part
    licence       or null
    sha256        of the audio file's bytes, or null

On disk it is `tracks.parquet`, with one column more, `other_genres`: genres of the track that were
not asked for at import, so that the rule `only` can still be applied to what is stored.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from genre_engine.errors import BadTable, DatasetError

COLUMNS = (
    "track_id",
    "artist_id",
    "album_id",
    "title",
    "path",
    "duration_s",
    "genres",
    "split",
    "licence",
    "sha256",
)
OTHER = "other_genres"
FAILURE_COLUMNS = ("track_id", "error", "message")

_SCHEMA = pa.schema(
    [
        (name, pa.float64() if name == "duration_s" else pa.string())
        if name != "genres"
        else (name, pa.list_(pa.string()))
        for name in COLUMNS
    ]
    + [(OTHER, pa.list_(pa.string()))]
)


def frame(columns: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """A track table from lists; absent columns become null, genres are sorted.

    Raises:
        ValueError: an unknown column, or no `track_id` or `genres`.
    """
    unknown = set(columns) - set(COLUMNS) - {OTHER}
    if unknown or not {"track_id", "genres"} <= set(columns):
        raise ValueError(f"not a track table's columns: {sorted(columns)}")
    n = len(columns["track_id"])
    ready = {name: list(columns.get(name, [None] * n)) for name in COLUMNS}
    ready["genres"] = [sorted(set(genres)) for genres in ready["genres"]]
    ready[OTHER] = [sorted(set(genres)) for genres in columns.get(OTHER, [()] * n)]
    return _to_pandas(pa.table(ready, schema=_SCHEMA))


def write(tracks: pd.DataFrame, path: Path) -> None:
    """Write a track table as Parquet.

    Raises:
        DatasetError: an id twice, or a path that leaves the audio folder.
    """
    check(tracks)
    columns = {
        name: tracks[name].tolist() if name in ("genres", OTHER) else nullable(tracks[name])
        for name in (*COLUMNS, OTHER)
        if name in tracks
    }
    columns.setdefault(OTHER, [[] for _ in range(len(tracks))])
    pq.write_table(pa.table(columns, schema=_SCHEMA), path, compression="zstd")


def read(path: Path) -> pd.DataFrame:
    """Read a track table, with the column `other_genres`.

    Raises:
        DatasetError: the file isn't there or isn't a track table.
    """
    try:
        return _to_pandas(pq.read_table(path, schema=_SCHEMA))
    except (OSError, pa.ArrowException, ValueError) as error:
        raise DatasetError(
            f"The track table {path.name} can't be read ({error}). Remove the data set and import "
            "it again."
        ) from error


def check(tracks: pd.DataFrame) -> None:
    """Hold what every track table promises.

    Raises:
        DatasetError: no track, an id twice, or a path that leaves the audio folder.
    """
    if tracks.empty:
        raise DatasetError("There is no track here. Choose other genres or another source.")
    if tracks["track_id"].duplicated().any():
        twice = tracks["track_id"][tracks["track_id"].duplicated()].iloc[0]
        raise DatasetError(f"The track {twice!r} is there twice. Remove one of the two.")
    for path in tracks["path"].dropna():
        if path_problem(path):
            raise DatasetError(f"The path {path!r} {path_problem(path)}.")


def path_problem(text: str) -> str | None:
    """What is wrong with a path that should lie below a folder, or None.

    The answer continues a sentence that begins with the path.
    """
    if not text or text != text.strip() or any(ord(sign) < 32 for sign in text):
        return "is empty, or holds signs that no path has"
    path = PurePosixPath(text)
    # A backslash or a drive letter is harmless here and an escape on Windows.
    if text[1:2] == ":":
        return "begins like a drive's letter on Windows; a letter and a colon must not stand first"
    if path.is_absolute() or ".." in path.parts or "\\" in text:
        return "leads out of the audio folder; paths must be relative and without .."
    return None


def decode(data: bytes, file: str) -> str:
    """Text of a UTF-8 file, with or without a byte order mark.

    Raises:
        BadTable: another encoding, with the row where it shows.
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise BadTable(file, "this is UTF-16; save it as UTF-8.", row=1)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data[: error.start].count(b"\n") + 1
        raise BadTable(file, "not UTF-8 text; save the file as UTF-8.", row=row) from error
    if "\0" in text:
        row = text[: text.index("\0")].count("\n") + 1
        raise BadTable(
            file, "holds a null byte; this isn't a text file, or it is damaged.", row=row
        )
    return text


def read_bytes(path: Path, *, limit: int) -> bytes:
    """A file's bytes, if there are no more than `limit`.

    Raises:
        DatasetError: no such file, not readable, or too large.
    """
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise DatasetError(f"{path} is no file. Name a file.")
        if size > limit:
            raise DatasetError(
                f"{path.name} has {size / 1e6:.0f} MB, over the limit of {limit / 1e6:.0f} MB. "
                "Cut it into smaller files."
            )
        return path.read_bytes()
    except FileNotFoundError as error:
        raise DatasetError(f"There is no file {path}. Check the path.") from error
    except OSError as error:
        raise DatasetError(
            f"{path} can't be read ({error.strerror or error}). Check its permissions."
        ) from error


def failures(rows: Iterable[tuple[str, str, str]]) -> pd.DataFrame:
    """What was kept out of a data set: `track_id`, `error` (a kind of error) and `message`."""
    return pd.DataFrame(list(rows), columns=list(FAILURE_COLUMNS), dtype=str)


def _to_pandas(table: pa.Table) -> pd.DataFrame:
    lists = ("genres", OTHER)
    tracks = table.drop_columns(list(lists)).to_pandas()
    for name in lists:
        # to_pandas would give NumPy arrays, which have no truth value and don't compare as lists.
        tracks[name] = pd.Series(table[name].to_pylist(), index=tracks.index, dtype=object)
    return tracks[[*COLUMNS, OTHER]]


def nullable(values: pd.Series) -> list[Any]:
    """A column's values with None where pandas has its own kinds of missing values."""
    return list(values.astype(object).where(values.notna(), None))
