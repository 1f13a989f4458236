"""FMA, the Free Music Archive's data set: its tables, with or without its audio.

    fma_metadata/tracks.csv, genres.csv     or beside the audio's folder
    fma_small/000/000002.mp3                a track's id in six digits, below its first three

Subsets: `small` (8,000 clips of 30 s in 8 genres of equal size), `medium` (25,000 in 16), `large`
(106,574 clips) and `full` (the same tracks untrimmed). In the first two each track has one genre,
its top-level one; in the others all top-level genres of those that it was given, through the tree.
The official split keeps artists apart.

Source: Defferrard, Benzi, Vandergheynst and Bresson, "FMA: a dataset for music analysis", 2017
(https://github.com/mdeff/fma), metadata CC BY 4.0.
"""

import math
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from genre_engine import labels
from genre_engine.datasets import fma_tables
from genre_engine.datasets import tracks as track_table
from genre_engine.datasets.fma_tables import GENRES, SUBSETS, TRACKS, GenreTree, Row
from genre_engine.datasets.store import Imported
from genre_engine.errors import DatasetError, WrongUsage
from genre_engine.storage.progress import Progress

KIND = "fma"
SUMMARY = "FMA's tables, with or without its audio"
LICENCE = "metadata CC BY 4.0 (FMA); each track under the licence that its artist chose"

METADATA_FOLDER = "fma_metadata"
CLIP_S = 30.0
ONE_GENRE = ("small", "medium")

# Clips that were cut beyond their track's end (https://github.com/mdeff/fma/issues/8): without any
# sound, and with less than 30 s. The untrimmed tracks are whole.
_NO_SOUND = (
    *(1486, 5574, 65753, 80391, 98558, 98559, 98560, 98571),
    *(99134, 105247, 108925, 126981, 127336, 133297, 143992),
)
_SHORT = (98565, 98566, 98567, 98568, 98569, 108924)
BROKEN = frozenset((*_NO_SOUND, *_SHORT))

_AUDIO_PLACE = re.compile(r"[0-9]{3}")
_REPORT_ROWS = 2_000


def build(
    folder: Path, *, path: Path, subset: str = "small", progress: Progress | None = None
) -> tuple[Imported, tuple[str, ...]]:
    """Read the tables; nothing is written into `folder`, the audio stays where it is.

    Args:
        path: the folder with `tracks.csv` or around it, or the audio's folder beside it.
        progress: called with the number of tracks read and in all (0: not known).

    Raises:
        BadTable: a table's content, with file and row.
        DatasetError: no such folder, no table in it, or no track of the subset.
        WrongUsage: an unknown subset.
    """
    del folder
    if subset not in SUBSETS:
        raise WrongUsage(f"FMA has no subset {subset!r}. Choose one of: {', '.join(SUBSETS)}.")
    if not path.is_dir():
        raise DatasetError(f"There is no folder {path}. Check the path.")
    tables = _tables_folder(path)
    tree = _tree(tables, subset)
    notes: list[str] = []
    rows = []
    for row in fma_tables.read_tracks(tables / TRACKS, subset):
        rows.append(row)
        if progress and len(rows) % _REPORT_ROWS == 0:
            progress(len(rows), 0)
    if not rows:
        raise DatasetError(
            f"{TRACKS} has no track of the subset {subset}. Choose another one, or take the table "
            "from fma_metadata.zip (`download fma-metadata`)."
        )
    rows = _without_broken(rows, subset, notes)
    genres = [_genres(row, tree) for row in rows]
    kept = [(row, names) for row, names in zip(rows, genres, strict=True) if names]
    if not kept:
        raise DatasetError(f"No track of the subset {subset} has a genre. Fetch the tables again.")
    if without := [row.number for row, names in zip(rows, genres, strict=True) if not names]:
        notes.append(
            f"{len(without):,} tracks without a genre left out: {fma_tables.some(without)}."
        )
    notes += _strangers(rows, tree)
    audio = _audio_folder(path, tables, subset)
    notes += _about_audio(audio, [row.number for row, _ in kept], subset)
    imported = Imported(
        track_table.frame(_columns([row for row, _ in kept], [g for _, g in kept], subset)),
        audio=audio,
        source={"folder": str(path.resolve()), "subset": subset},
        notes=tuple(notes),
        licence=LICENCE,
    )
    return imported, labels.choose(labels.count(imported.tracks["genres"]), "all")


def _tables_folder(path: Path) -> Path:
    around = path.absolute().parent
    for place in (path, path / METADATA_FOLDER, around, around / METADATA_FOLDER):
        if (place / TRACKS).is_file():
            return place
    raise DatasetError(
        f"There is no {TRACKS} in {path}, in its folder {METADATA_FOLDER} or beside it. Fetch it "
        "with `download fma-metadata`, or name the folder that holds it."
    )


def _tree(tables: Path, subset: str) -> GenreTree | None:
    """The tree of genres, where the subset needs it."""
    if subset in ONE_GENRE:
        return None
    if not (tables / GENRES).is_file():
        raise DatasetError(
            f"There is no {GENRES} in {tables}, and the genres of the subset {subset} are found "
            "through its tree. Fetch it with `download fma-metadata`."
        )
    return fma_tables.read_genres(tables / GENRES)


def _without_broken(rows: list[Row], subset: str, notes: list[str]) -> list[Row]:
    if subset == "full":
        return rows
    broken = [row.number for row in rows if row.number in BROKEN]
    if broken:
        notes.append(
            f"{len(broken)} clips are left out, for FMA is known to have cut them beyond their "
            f"track's end, so that they hold little sound or none: "
            f"{fma_tables.some(broken, len(broken))}."
        )
    return [row for row in rows if row.number not in BROKEN]


def _genres(row: Row, tree: GenreTree | None) -> list[str]:
    if tree is None:
        return [row.genre_top] if row.genre_top else []
    tops = {top for number in row.genres if (top := tree.top(number)) is not None}
    return sorted(tops | ({row.genre_top} if row.genre_top else set()))


def _strangers(rows: Sequence[Row], tree: GenreTree | None) -> list[str]:
    """Numbers of genres that the tree doesn't have, in a sentence."""
    if tree is None:
        return []
    numbers = {number for row in rows for number in row.genres if number not in tree.names}
    if not numbers:
        return []
    return [f"{len(numbers)} numbers of genres aren't in {GENRES} and are passed over."]


def _audio_folder(path: Path, tables: Path, subset: str) -> Path | None:
    """Where the audio lies: a subset's own folder, that of a larger one, or the given folder."""
    # Of the untrimmed tracks, other 30 s would be taken than the clips are.
    wide = ("full",) if subset == "full" else SUBSETS[SUBSETS.index(subset) : -1]
    names = [f"fma_{name}" for name in wide]
    around = [path, tables, tables.absolute().parent]
    for place in (path, *(place / name for name in names for place in around)):
        if place.is_dir() and _places(place):
            return place
    return None


def _places(folder: Path) -> list[Path]:
    """The folders that tracks lie in: those named by three digits."""
    try:
        with os.scandir(folder) as entries:
            found = [e.name for e in entries if _AUDIO_PLACE.fullmatch(e.name) and e.is_dir()]
    except OSError as error:
        raise DatasetError(
            f"{folder} can't be read ({error.strerror or error}). Check its permissions."
        ) from error
    return [folder / name for name in sorted(found)]


def _about_audio(audio: Path | None, numbers: Sequence[int], subset: str) -> list[str]:
    if audio is None:
        return [
            f"There is no folder fma_{subset} with audio beside the tables, so these tracks can be "
            "looked at but not heard."
        ]
    there: set[str] = set()
    for place in _places(audio):
        with os.scandir(place) as entries:
            there.update(f"{place.name}/{entry.name}" for entry in entries)
    lacking = [number for number in numbers if audio_path(number) not in there]
    if not lacking:
        return []
    return [
        f"{len(lacking):,} of {len(numbers):,} tracks have no audio in {audio}: "
        f"{fma_tables.some(lacking)}."
    ]


def audio_path(number: int) -> str:
    """Where a track's audio lies below the audio's folder.

    >>> audio_path(2)
    '000/000002.mp3'
    """
    name = f"{number:06d}"
    return f"{name[:3]}/{name}.mp3"


def _columns(
    rows: Sequence[Row], genres: Sequence[Sequence[str]], subset: str
) -> dict[str, list[Any]]:
    # The table has the lengths of the untrimmed tracks.
    longest_s = math.inf if subset == "full" else CLIP_S
    return {
        "track_id": [f"fma_{row.number:06d}" for row in rows],
        "artist_id": [_named("artist", row.artist) for row in rows],
        "album_id": [_named("album", row.album) for row in rows],
        "title": [row.title or None for row in rows],
        "path": [audio_path(row.number) for row in rows],
        "duration_s": [
            None if row.duration_s is None else min(row.duration_s, longest_s) for row in rows
        ],
        "genres": list(genres),
        "split": [row.split for row in rows],
        "licence": [row.licence or None for row in rows],
    }


def _named(what: str, number: int | None) -> str | None:
    return None if number is None else f"{what}_{number:06d}"
