"""MTG-Jamendo's metadata, as MTG hands it out or in the Hugging Face copy.

MTG (https://github.com/MTG/mtg-jamendo-dataset, metadata CC BY-NC-SA 4.0): tab-separated tables
with the columns TRACK_ID ARTIST_ID ALBUM_ID PATH DURATION TAGS, where TAGS goes on for as many
columns as a track has tags. Two sources of labels: `raw_30s.tsv` (raw) and the cleaned genres of
the official split files (split). Given a folder with both, labels are the raw ones and the parts
come from the split files by TRACK_ID.

Hugging Face (rkstgr/mtg-jamendo): `train.tsv` and `valid.tsv` with lists written as Python text.
Its bare numbers are written here in MTG's way (241 → track_0000241), so that both fit together.

Source: Bogdanov et al., "The MTG-Jamendo dataset for automatic music tagging", 2019.
"""

import ast
import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from genre_engine import labels, leakage
from genre_engine.datasets import tracks as track_table
from genre_engine.datasets.store import Imported
from genre_engine.errors import BadTable, DatasetError, WrongUsage

KIND = "jamendo"
SUMMARY = "MTG-Jamendo's metadata, with or without its audio"
LICENCE = "metadata CC BY-NC-SA 4.0 (MTG); each track under its own Creative Commons licence"
LABEL_SOURCES = ("raw", "split")

HEADER = ("TRACK_ID", "ARTIST_ID", "ALBUM_ID", "PATH", "DURATION", "TAGS")
HF_HEADER = ("id", "artist_id", "album_id", "durationInSec", "genres")
RAW, CLEANED = "raw_30s.tsv", "autotagging_genre.tsv"
SPLIT_NAMES = ("split-0-autotagging_genre-{}.tsv", "splits/split-0/autotagging_genre-{}.tsv")
PARTS = ("train", "validation", "test")
HF_PARTS = {"train": "train", "valid": "validation", "validation": "validation", "test": "test"}
DUPLICATES = "duplicates_sha256.csv"

MAX_BYTES = 500_000_000
_NUMBER = re.compile(r"(?:[a-z]+_)?0*(\d{1,15})")
_PART_IN_NAME = re.compile(r"autotagging_genre-(train|validation|test)$")


@dataclass
class Rows:
    """The columns of one or more tables, row by row."""

    track_id: list[str] = field(default_factory=list)
    artist_id: list[str | None] = field(default_factory=list)
    album_id: list[str | None] = field(default_factory=list)
    path: list[str] = field(default_factory=list)
    duration_s: list[float] = field(default_factory=list)
    genres: list[list[str]] = field(default_factory=list)
    split: list[str | None] = field(default_factory=list)
    place: dict[str, tuple[str, int]] = field(default_factory=dict)

    def add(self, place: tuple[str, int], **values: Any) -> None:
        track_id = values["track_id"]
        if track_id in self.place:
            file, row = self.place[track_id]
            raise BadTable(
                place[0],
                f"the track {track_id!r} is there already, in {file}, row {row}. Remove one.",
                row=place[1],
            )
        self.place[track_id] = place
        for name, value in values.items():
            getattr(self, name).append(value)


def build(
    folder: Path,
    *,
    metadata: Path,
    audio: Path | None = None,
    genres: str = labels.DEFAULT_GENRES,
    rule: str = "any",
    labels_from: str = "raw",
    drop_duplicates: Path | None = None,
) -> tuple[Imported, tuple[str, ...]]:
    """Read the metadata; nothing is written into `folder`.

    Returns:
        What is to be stored, and the chosen genres.

    Raises:
        BadTable: a table's content, with file and row.
        DatasetError: a file or folder that isn't there or holds no metadata.
        WrongUsage: unknown genres, rule or label source.
    """
    del folder
    if labels_from not in LABEL_SOURCES:
        raise WrongUsage(f"There are no labels from {labels_from!r}. Choose raw or split.")
    if audio is not None and not audio.is_dir():
        raise DatasetError(f"There is no folder {audio}. Check the path of the audio.")
    rows, files, source = read(metadata, labels_from=labels_from)
    notes = _without_genre(rows)
    beside = metadata / DUPLICATES if metadata.is_dir() else None
    listed = drop_duplicates or (beside if beside is not None and beside.is_file() else None)
    digests, joined = read_duplicates(listed, rows) if listed else ({}, ())

    chosen = labels.choose(labels.count(rows.genres), genres)
    kept = labels.select(rows.genres, chosen, rule=rule).rows
    n_with_genre = sum(1 for names in rows.genres if names)
    if len(kept) < n_with_genre:
        notes.append(f"{n_with_genre - len(kept)} tracks are left out by the choice of genres.")
    sha256 = [digests.get(track_id) for track_id in rows.track_id]
    agreement = leakage.uploader_agreement(rows.genres, sha256, chosen)
    if drop_duplicates:
        first: dict[str, int] = {}
        n_before = len(kept)
        kept = np.array(
            [row for row in kept if not (d := sha256[row]) or first.setdefault(d, row) == row]
        )
        notes.append(f"{n_before - len(kept)} byte-identical duplicates dropped.")
    wanted = set(chosen)
    columns: dict[str, list[Any]] = {
        name: [getattr(rows, name)[row] for row in kept]
        for name in ("track_id", "artist_id", "album_id", "path", "duration_s", "split")
    }
    columns["genres"] = [[g for g in rows.genres[row] if g in wanted] for row in kept]
    columns["other_genres"] = [[g for g in rows.genres[row] if g not in wanted] for row in kept]
    columns["sha256"] = [sha256[row] for row in kept]
    imported = Imported(
        track_table.frame(columns),
        audio=audio,
        source={
            "files": files,
            "layout": source,
            "labels_from": labels_from if source != "huggingface" else "huggingface",
            "genres": genres,
            "rule": rule,
            "drop_duplicates": drop_duplicates.name if drop_duplicates else None,
        },
        notes=tuple(notes),
        joined_artists=joined,
        licence=LICENCE,
        extra={"uploader_agreement": agreement},
    )
    return imported, chosen


def read(metadata: Path, *, labels_from: str = "raw") -> tuple[Rows, list[str], str]:
    """Read one table or a folder of them.

    Returns:
        The rows, the names of the files that were read, and the layout (`mtg`, `huggingface`).

    Raises:
        BadTable, DatasetError, WrongUsage: as `build`.
    """
    if metadata.is_dir():
        return _read_folder(metadata, labels_from)
    rows = Rows()
    layout = _read_table(metadata, rows)
    if labels_from == "split" and layout == "mtg" and not _PART_IN_NAME.search(metadata.stem):
        raise WrongUsage(
            "Labels from the split files need those files: give the folder that holds them instead "
            "of one table."
        )
    return rows, [metadata.name], layout


def _read_folder(folder: Path, labels_from: str) -> tuple[Rows, list[str], str]:
    parts = {
        part: path
        for part in PARTS
        for name in reversed(SPLIT_NAMES)
        if (path := folder / name.format(part)).is_file()
    }
    table = next((folder / n for n in (RAW, CLEANED) if (folder / n).is_file()), None)
    hugging = [path for stem in HF_PARTS if (path := folder / f"{stem}.tsv").is_file()]
    rows = Rows()
    if labels_from == "split" and not parts:
        raise DatasetError(
            f"{folder} holds no official split file ({SPLIT_NAMES[0].format('train')}, …). Fetch "
            "them with `download jamendo-metadata`, or take the labels from raw."
        )
    if parts and (labels_from == "split" or (table is None and not hugging)):
        for path in parts.values():
            _read_table(path, rows)
        return rows, [path.name for path in parts.values()], "mtg"
    read_files = [table] if table else hugging
    if not read_files:
        raise DatasetError(
            f"{folder} holds no MTG-Jamendo table ({RAW}, {CLEANED}, or train.tsv and valid.tsv). "
            "Fetch them with `download jamendo-metadata`, or give another folder."
        )
    for path in read_files:
        layout = _read_table(path, rows)
    if parts:
        official = _read_parts(parts)
        rows.split = [official.get(track_id) for track_id in rows.track_id]
        read_files = [*read_files, *parts.values()]
    return rows, [path.name for path in read_files], layout


def _read_table(path: Path, rows: Rows) -> str:
    """Add a table's rows; say which layout it has."""
    text = track_table.decode(track_table.read_bytes(path, limit=MAX_BYTES), path.name)
    header = [name.strip() for name in text.partition("\n")[0].strip("\r\n").split("\t")]
    if not text.strip():
        raise BadTable(path.name, "the file is empty. Fetch it again.")
    if set(HF_HEADER) <= set(header):
        _read_huggingface(path, text, rows)
        return "huggingface"
    if tuple(header[:6]) != HEADER:
        missing = [name for name in HEADER if name not in header]
        what = f"the columns {', '.join(missing)} are missing" if missing else "the order is wrong"
        raise BadTable(
            path.name,
            f"{what}. The first row must name {' '.join(HEADER)}, parted by tabs.",
            row=1,
        )
    part = _PART_IN_NAME.search(path.stem)
    for row, cells in _mtg_lines(text):
        _add_mtg(rows, (path.name, row), cells, part[1] if part else None)
    if not rows.track_id:
        raise BadTable(path.name, "there is no row below the header. Fetch the file again.")
    return "mtg"


def _mtg_lines(text: str) -> Iterator[tuple[int, list[str]]]:
    # Not splitlines: it would also cut at signs that may stand in a field.
    for row, line in enumerate(text.split("\n")[1:], start=2):
        line = line.rstrip("\r")
        if line.strip():
            yield row, line.split("\t")


def _add_mtg(rows: Rows, place: tuple[str, int], cells: list[str], part: str | None) -> None:
    file, row = place
    if len(cells) < 5:
        raise BadTable(
            file, f"{len(cells)} columns where at least 5 belong. Correct the row.", row=row
        )
    track_id, artist_id, album_id, path, duration = (cell.strip() for cell in cells[:5])
    if not track_id:
        raise BadTable(file, "the track has no TRACK_ID. Correct the row.", row=row)
    if problem := track_table.path_problem(path):
        raise BadTable(file, f"the path {path!r} {problem}.", row=row)
    genres = set()
    for tag in cells[5:]:
        tag = tag.strip()
        category, dashes, name = tag.partition("---")
        if tag and not (dashes and name):
            raise BadTable(
                file, f"the tag {tag!r} names no category (as genre---rock does).", row=row
            )
        if category == "genre":
            genres.add(name)
    rows.add(
        place,
        track_id=track_id,
        artist_id=artist_id or None,
        album_id=album_id or None,
        path=path,
        duration_s=_duration(duration, place),
        genres=sorted(genres),
        split=part,
    )


def _duration(text: str, place: tuple[str, int]) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e6:
        raise BadTable(place[0], f"{text!r} is no duration in seconds.", row=place[1])
    return seconds


def _read_parts(parts: Mapping[str, Path]) -> dict[str, str]:
    """Each track's official part, from the first column of the split files."""
    official: dict[str, str] = {}
    for part, path in parts.items():
        text = track_table.decode(track_table.read_bytes(path, limit=MAX_BYTES), path.name)
        if not text.startswith("TRACK_ID\t"):
            raise BadTable(path.name, "the first column must be TRACK_ID. Fetch it again.", row=1)
        for row, cells in _mtg_lines(text):
            if official.setdefault(cells[0], part) != part:
                raise BadTable(
                    path.name, f"{cells[0]} is in {official[cells[0]]} already.", row=row
                )
    return official


def _read_huggingface(path: Path, text: str, rows: Rows) -> None:
    part = HF_PARTS.get(path.stem)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter="\t")
    try:
        for cells in reader:
            place = (path.name, reader.line_num)
            if None in cells or any(cells[name] is None for name in HF_HEADER):
                raise BadTable(
                    path.name, "too many or too few columns. Correct the row.", row=place[1]
                )
            number = _numbered(cells["id"], place)
            chunk = (cells.get("chunk_nr") or "").strip() or "0"
            rows.add(
                place,
                track_id=f"track_{number:07d}",
                artist_id=f"artist_{_numbered(cells['artist_id'], place):06d}",
                album_id=f"album_{_numbered(cells['album_id'], place):06d}",
                path=f"{part or 'audio'}/{chunk}/{number}.opus",
                duration_s=_duration(cells["durationInSec"], place),
                genres=_python_list(cells["genres"], place),
                split=part,
            )
            if problem := track_table.path_problem(rows.path[-1]):
                raise BadTable(path.name, f"the path {rows.path[-1]!r} {problem}.", row=place[1])
    except csv.Error as error:
        raise BadTable(path.name, f"{error}. Correct the row.", row=reader.line_num) from error
    if not rows.track_id:
        raise BadTable(path.name, "there is no row below the header. Fetch the file again.")


def _numbered(text: str, place: tuple[str, int]) -> int:
    found = _NUMBER.fullmatch(text.strip())
    if not found:
        raise BadTable(place[0], f"{text!r} is no id of a track, artist or album.", row=place[1])
    return int(found[1])


def _python_list(text: str, place: tuple[str, int]) -> list[str]:
    genres = _literal(text.strip())
    if genres is None:
        raise BadTable(
            place[0], f"{text[:60]!r} is no list of genres such as ['rock', 'pop'].", row=place[1]
        )
    return list(genres)


@lru_cache(maxsize=10_000)
def _literal(text: str) -> tuple[str, ...] | None:
    if text in ("", "nan", "None"):
        return ()
    # Literals only, and short ones: deep nesting can exhaust the parser.
    if len(text) > 10_000:
        return None
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    if not isinstance(value, (list, tuple, set)) or not all(isinstance(v, str) for v in value):
        return None
    return tuple(sorted({v.removeprefix("genre---").strip() for v in value} - {""}))


def _without_genre(rows: Rows) -> list[str]:
    empty = [
        track_id for track_id, names in zip(rows.track_id, rows.genres, strict=True) if not names
    ]
    if not empty:
        return []
    if len(empty) == len(rows.track_id):
        file, row = rows.place[empty[0]]
        raise BadTable(file, "no row has a genre. Choose another table.", row=row)
    named = [f"{file}, row {row}" for file, row in (rows.place[t] for t in empty[:10])]
    more = f"; and {len(empty) - 10} more" if len(empty) > 10 else ""
    return [f"{len(empty)} tracks without a genre dropped: {'; '.join(named)}{more}."]


def read_duplicates(path: Path, rows: Rows) -> tuple[dict[str, str], tuple[tuple[str, ...], ...]]:
    """Read a list of byte-identical audio (columns mp3_sha256 or sha256, and id).

    Returns:
        The sha256 of each track that is listed, and the groups of artists who share audio.

    Raises:
        BadTable: missing columns, or what is no id or checksum.
    """
    text = track_table.decode(track_table.read_bytes(path, limit=MAX_BYTES), path.name)
    reader = csv.DictReader(io.StringIO(text, newline=""))
    names = reader.fieldnames or []
    digest_name = next((n for n in ("mp3_sha256", "sha256") if n in names), None)
    id_name = next((n for n in ("id", "track_id", "TRACK_ID") if n in names), None)
    if digest_name is None or id_name is None:
        raise BadTable(path.name, "the columns mp3_sha256 and id are needed.", row=1)
    by_number = {}
    for index, track_id in enumerate(rows.track_id):
        if found := _NUMBER.fullmatch(track_id):
            by_number[int(found[1])] = index
    digests: dict[str, str] = {}
    artists: dict[str, set[str]] = {}
    for cells in reader:
        place = (path.name, reader.line_num)
        digest = (cells[digest_name] or "").strip().lower()
        if not re.fullmatch(r"[0-9a-f]{64}", digest):
            raise BadTable(path.name, f"{digest[:70]!r} is no sha256.", row=place[1])
        at = by_number.get(_numbered(cells[id_name] or "", place))
        if at is None:
            continue
        digests[rows.track_id[at]] = digest
        if artist := rows.artist_id[at]:
            artists.setdefault(digest, set()).add(artist)
    joined = sorted({tuple(sorted(group)) for group in artists.values() if len(group) > 1})
    return digests, tuple(joined)
