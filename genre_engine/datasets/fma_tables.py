"""FMA's tables: `tracks.csv`, whose columns are named by three rows, and the tree of `genres.csv`.

    ,album,album,artist,set,set,track,track          what a column is about
    ,id,title,id,split,subset,genre_top,genres       its name there
    track_id,,,,,,,

Only the columns that are needed are kept, block by block: the texts on artists and albums are most
of the file's 260 MB. Ids are whole numbers; lists of them (`[21, 45]`) are read digit by digit.
Rows are counted as a spreadsheet shows them: the first track stands in row 4.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv

from genre_engine.datasets import tables
from genre_engine.errors import BadTable, DatasetError

TRACKS, GENRES = "tracks.csv", "genres.csv"
SUBSETS = ("small", "medium", "large", "full")
PARTS = {"training": "train", "validation": "validation", "test": "test"}

MAX_BYTES = 1_000_000_000
MAX_GENRES_BYTES = 5_000_000
MAX_COLUMNS = 500
MAX_TRACKS = 1_000_000
_MAX_LIST = 2_000  # signs of one list of genres
_HEADER_ROWS = 3
_HEADER_BYTES = 1 << 16
_BLOCK_BYTES = 1 << 24  # also the longest row
_ADVICE = "Take it from fma_metadata.zip (`download fma-metadata`)."

# What is needed, by its first two rows.
_NEEDED = {
    "artist": ("artist", "id"),
    "album": ("album", "id"),
    "title": ("track", "title"),
    "licence": ("track", "license"),
    "duration": ("track", "duration"),
    "genre_top": ("track", "genre_top"),
    "genres": ("track", "genres"),
    "split": ("set", "split"),
    "subset": ("set", "subset"),
}
_ID = re.compile(r"[0-9]{1,6}")  # six digits are a file's name
_OTHER_ID = re.compile(r"-?[0-9]{1,9}")
_LIST = re.compile(r"\[ *(?:[0-9]{1,6} *(?:, *[0-9]{1,6} *)*)?\]")


@dataclass(frozen=True)
class Row:
    """A track, as `tracks.csv` has it.

    Attributes:
        row: of the file.
        number: its id.
        artist, album: their ids, or None.
        genre_top: the name of its one top-level genre, or "".
        genres: the numbers of all genres that it was given.
        split: train, validation, test or None.
    """

    row: int
    number: int
    artist: int | None
    album: int | None
    title: str
    licence: str
    duration_s: float | None
    genre_top: str
    genres: tuple[int, ...]
    split: str | None


def read_tracks(path: Path, subset: str) -> Iterator[Row]:
    """The tracks of a subset, each of which holds those before it.

    Raises:
        BadTable: the content, with the row.
        DatasetError: the file can't be read, or is too large.
    """
    _check_size(path, MAX_BYTES)
    header = _header(path)
    place = {name: str(index) for index, name in enumerate(header)}
    columns = {"number": "0"} | {name: place[pair] for name, pair in _NEEDED.items()}
    wanted = {*SUBSETS[: SUBSETS.index(subset) + 1], *([""] if subset in ("large", "full") else [])}
    seen: set[int] = set()
    for row, cells in _rows(path, len(header), columns):
        if cells["subset"] not in (*SUBSETS, ""):
            raise BadTable(
                TRACKS, f"{cells['subset'][:40]!r} is no subset of FMA's. {_ADVICE}", row=row
            )
        if cells["subset"] not in wanted:
            continue
        track = _track(row, cells)
        if track.number in seen:
            raise BadTable(
                TRACKS,
                f"the track {track.number} is there already. Remove one of the two.",
                row=row,
            )
        seen.add(track.number)
        if len(seen) > MAX_TRACKS:
            raise BadTable(TRACKS, f"there are more than {MAX_TRACKS:,} tracks. {_ADVICE}", row=row)
        yield track


def _check_size(path: Path, limit: int) -> None:
    try:
        n_bytes = path.stat().st_size
    except OSError as error:
        raise DatasetError(
            f"{path} can't be read ({error.strerror or error}). Check the path and its permissions."
        ) from error
    if not path.is_file():
        raise DatasetError(f"{path} is no file. {_ADVICE}")
    if n_bytes > limit:
        raise DatasetError(
            f"{path.name} has {n_bytes / 1e6:,.0f} MB, over the limit of {limit / 1e6:,.0f} MB. "
            f"{_ADVICE}"
        )


def _header(path: Path) -> list[tuple[str, str]]:
    """Each column's name, as two words."""
    try:
        with path.open("rb") as file:
            start = file.read(_HEADER_BYTES)
    except OSError as error:
        raise DatasetError(
            f"{path} can't be read ({error.strerror or error}). Check its permissions."
        ) from error
    lines = start.decode("utf-8-sig", "replace").splitlines()[:_HEADER_ROWS]
    try:
        rows = [[cell.strip() for cell in row] for row in csv.reader(lines)]
    except csv.Error:
        rows = []
    three = len(rows) == _HEADER_ROWS and len({len(row) for row in rows}) == 1
    if not three or rows[2][0] != "track_id" or any(rows[2][1:]):
        raise BadTable(
            TRACKS,
            "the columns aren't named by three rows, of which the third holds track_id alone. "
            f"{_ADVICE}",
            row=1,
        )
    if len(rows[0]) > MAX_COLUMNS:
        raise BadTable(TRACKS, f"it has more than {MAX_COLUMNS} columns. {_ADVICE}", row=1)
    names = list(zip(rows[0], rows[1], strict=True))
    for pair in _NEEDED.values():
        if names.count(pair) != 1:
            found = "is missing" if pair not in names else "is there twice"
            raise BadTable(TRACKS, f"the column {' '.join(pair)} {found}. {_ADVICE}", row=1)
    return names


def _rows(
    path: Path, n_columns: int, columns: dict[str, str]
) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows below the header with their numbers, each with the cells that are needed."""
    names = [str(index) for index in range(n_columns)]
    row = _HEADER_ROWS
    try:
        with pa_csv.open_csv(
            path,
            read_options=pa_csv.ReadOptions(
                use_threads=False,
                skip_rows=_HEADER_ROWS,
                column_names=names,
                block_size=_BLOCK_BYTES,
            ),
            parse_options=pa_csv.ParseOptions(newlines_in_values=True),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                include_columns=list(columns.values()),
                strings_can_be_null=False,
            ),
        ) as reader:
            for batch in reader:
                cells = batch.to_pydict()
                taken = [cells[place] for place in columns.values()]
                for values in zip(*taken, strict=True):
                    row += 1
                    texts = (value.strip() for value in values)
                    yield row, dict(zip(columns, texts, strict=True))
    except pa.ArrowException as error:
        # Not by a handler of such rows, which pyarrow can't call where they aren't UTF-8.
        if ragged := re.search(r"Expected \d+ columns, got (\d+)", str(error)):
            problem = f"a row has {ragged[1]} columns where {n_columns} belong"
        elif "Empty CSV" in str(error):
            problem = "there is no row below the header"
        elif "UTF8" in str(error):
            problem = "it isn't UTF-8 text"
        else:
            problem = "it can't be read as CSV"
        raise BadTable(TRACKS, f"after row {row}, {problem}. {_ADVICE}") from error
    except OSError as error:
        raise DatasetError(
            f"{path} can't be read ({error.strerror or error}). Check its permissions."
        ) from error
    if row == _HEADER_ROWS:
        raise BadTable(TRACKS, f"there is no row below the header. {_ADVICE}")


def _track(row: int, cells: dict[str, str]) -> Row:
    if not _ID.fullmatch(cells["number"]):
        raise BadTable(TRACKS, f"{cells['number'][:40]!r} is no id of a track. {_ADVICE}", row=row)
    if cells["split"] not in (*PARTS, ""):
        raise BadTable(
            TRACKS, f"{cells['split'][:40]!r} is no part of the official split. {_ADVICE}", row=row
        )
    genres = cells["genres"] or "[]"
    if len(genres) > _MAX_LIST or not _LIST.fullmatch(genres):
        raise BadTable(TRACKS, f"{genres[:40]!r} is no list of genres' numbers. {_ADVICE}", row=row)
    return Row(
        row,
        int(cells["number"]),
        _other_id(cells["artist"], "artist", row),
        _other_id(cells["album"], "album", row),
        _one_line(cells["title"]),
        _one_line(cells["licence"]),
        _duration(cells["duration"], row),
        _one_line(cells["genre_top"]),
        tuple(int(number) for number in re.findall(r"\d+", genres)),
        PARTS.get(cells["split"]),
    )


def _other_id(text: str, what: str, row: int) -> int | None:
    """An artist's or album's id; FMA writes −1 where there is none."""
    text = text.removesuffix(".0")
    if not text:
        return None
    if not _OTHER_ID.fullmatch(text):
        raise BadTable(TRACKS, f"{text[:40]!r} is no id of an {what}. {_ADVICE}", row=row)
    return int(text) if int(text) >= 0 else None


def _duration(text: str, row: int) -> float | None:
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e6:
        raise BadTable(TRACKS, f"{text[:40]!r} is no duration in seconds. {_ADVICE}", row=row)
    return seconds


def _one_line(text: str) -> str:
    """Text without signs that break a line or a table."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


@dataclass(frozen=True)
class GenreTree:
    """The genres of `genres.csv`: a name and a parent (0: none) by number."""

    names: dict[int, str]
    parents: dict[int, int]

    def top(self, number: int) -> str | None:
        """The name of the top-level genre above a genre, or of itself; None if it isn't there."""
        while parent := self.parents.get(number, 0):
            number = parent
        return self.names.get(number)


def read_genres(path: Path) -> GenreTree:
    """Read the tree of genres.

    Raises:
        BadTable: columns or numbers that are missing, or genres that go round in a circle.
        DatasetError: the file can't be read, or is too large.
    """
    _check_size(path, MAX_GENRES_BYTES)
    table = tables.read(path)
    for column in ("genre_id", "parent", "title"):
        if column not in table.columns:
            raise BadTable(GENRES, f"the column {column} is missing. {_ADVICE}", row=1)
    names: dict[int, str] = {}
    parents: dict[int, int] = {}
    rows: dict[int, int] = {}
    texts = (table.text(column) for column in ("genre_id", "parent", "title"))
    for index, (number, parent, title) in enumerate(zip(*texts, strict=True)):
        row = table.row(index)
        for text in (number.strip(), parent.strip()):
            if not _ID.fullmatch(text):
                raise BadTable(GENRES, f"{text[:40]!r} is no number of a genre. {_ADVICE}", row=row)
        if int(number) in names or not _one_line(title):
            problem = "is there already" if int(number) in names else "has no title"
            raise BadTable(GENRES, f"the genre {int(number)} {problem}. {_ADVICE}", row=row)
        names[int(number)], parents[int(number)] = _one_line(title), int(parent)
        rows[int(number)] = row
    _check_tree(parents, rows)
    return GenreTree(names, parents)


def _check_tree(parents: dict[int, int], rows: dict[int, int]) -> None:
    """Raises BadTable: a parent that isn't there, or above itself."""
    sound: set[int] = {0}
    for start in parents:
        way: list[int] = []
        number = start
        while number not in sound:
            if number not in parents or number in way:
                problem = (
                    "its parent isn't there" if number not in parents else "it is above itself"
                )
                raise BadTable(
                    GENRES, f"the genre {start} has no top: {problem}. {_ADVICE}", row=rows[start]
                )
            way.append(number)
            number = parents[number]
        sound.update(way)


def some(numbers: Sequence[int], most: int = 5) -> str:
    """The first of some ids, as their files are called."""
    shown = ", ".join(f"{number:06d}" for number in islice(numbers, most))
    return shown + (", …" if len(numbers) > most else "")
