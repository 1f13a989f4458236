"""What is written about GTZAN's clips: the fault-filtered split, the artists, the exact repeats.

A clip is named by its genre and five digits (`blues.00029`), whatever its folder and suffix.

    train_filtered.txt, valid_filtered.txt, test_filtered.txt   a clip a line
    artists.csv                                                 columns clip and artist

They are the user's own and lie in the data set's folder or the one around it. The repeats are a
table of this package.
"""

import csv
import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from genre_engine.datasets import tables
from genre_engine.datasets import tracks as track_table
from genre_engine.errors import BadTable, DatasetError

GENRES = (
    *("blues", "classical", "country", "disco", "hiphop"),
    *("jazz", "metal", "pop", "reggae", "rock"),
)
N_CLIPS = 1000
# Of Kereliuk, Sturm and Larsen, "Deep Learning and Music Adversaries", 2015: without repeats and
# damaged clips, and with no artist in two parts.
FILTERED = {
    "train": ("train_filtered.txt", 443),
    "validation": ("valid_filtered.txt", 197),
    "test": ("test_filtered.txt", 290),
}
FILTERED_SOURCE = "https://github.com/jongpillee/music_dataset_split"
ARTISTS = "artists.csv"

MAX_LIST_BYTES = 5_000_000
_CLIP_COLUMNS = ("clip", "track", "track_id", "filename", "file")
_CLIP = re.compile(rf"((?:{'|'.join(GENRES)})\.000[0-9]{{2}})(?:\.[a-z0-9]{{1,5}})?", re.IGNORECASE)


def clip_of(name: str) -> str | None:
    """The clip that a file's name or a line of a list stands for, or None.

    >>> clip_of("blues/blues.00029.wav"), clip_of("rock.00001"), clip_of("song.wav")
    ('blues.00029', 'rock.00001', None)
    """
    found = _CLIP.fullmatch(name.strip().replace("\\", "/").rpartition("/")[2])
    return found[1].lower() if found else None


def read_filtered(folder: Path) -> dict[str, str]:
    """Each clip's part in the fault-filtered split, from the lists in a folder or around it.

    Raises:
        BadTable: a line that is no clip, or a clip twice, with file and row.
        DatasetError: the lists aren't there.
    """
    places = (folder, folder.absolute().parent)
    names = [name for name, _ in FILTERED.values()]
    place = next((p for p in places if all((p / name).is_file() for name in names)), None)
    if place is None:
        lacking = [name for name in names if not any((p / name).is_file() for p in places)]
        raise DatasetError(
            "The fault-filtered split needs its published lists "
            f"({', '.join(names)}) together in {folder} or in the folder around it"
            f"{f'; {lacking[0]} is in neither' if lacking else ''}. Fetch them from "
            f"{FILTERED_SOURCE} (GTZAN_split), or leave out --filtered."
        )
    parts: dict[str, str] = {}
    for part, (name, _) in FILTERED.items():
        data = track_table.read_bytes(place / name, limit=MAX_LIST_BYTES)
        for row, line in enumerate(track_table.decode(data, name).splitlines(), start=1):
            if not line.strip():
                continue
            clip = clip_of(line)
            if clip is None:
                raise BadTable(
                    name,
                    f"{line.strip()[:60]!r} is no clip of GTZAN's, as blues/blues.00029.wav is. "
                    "Correct the line, or fetch the list again.",
                    row=row,
                )
            if clip in parts:
                raise BadTable(
                    name, f"{clip} is in {parts[clip]} already. Remove one of the two.", row=row
                )
            parts[clip] = part
    return parts


def filtered_notes(parts: Mapping[str, str]) -> list[str]:
    """What differs between the lists and the published sizes, in a sentence."""
    found = [sum(part == own for own in parts.values()) for part in FILTERED]
    published = [n for _, n in FILTERED.values()]
    if found == published:
        return []
    return [
        f"The lists of the fault-filtered split name {_sizes(found)} clips instead of the "
        f"published {_sizes(published)}, so scores on it can't be compared with published ones."
    ]


def _sizes(numbers: list[int]) -> str:
    return "/".join(map(str, numbers))


def read_artists(folder: Path) -> dict[str, str]:
    """Each clip's artist, from `artists.csv` in a folder or around it; empty where there is none.

    Raises:
        BadTable: no columns clip and artist, a row that is no clip, or two artists for one.
    """
    places = (folder, folder.absolute().parent)
    path = next((p / ARTISTS for p in places if (p / ARTISTS).is_file()), None)
    if path is None:
        return {}
    track_table.read_bytes(path, limit=MAX_LIST_BYTES)
    table = tables.read(path)
    by_name = {name.casefold(): name for name in reversed(table.columns)}
    clip_column = next((by_name[name] for name in _CLIP_COLUMNS if name in by_name), None)
    if clip_column is None or "artist" not in by_name:
        raise BadTable(ARTISTS, "the columns clip and artist are needed. Name them so.", row=1)
    artists: dict[str, str] = {}
    rows = zip(table.text(clip_column), table.text(by_name["artist"]), strict=True)
    for index, (name, text) in enumerate(rows):
        clip = clip_of(name)
        if clip is None:
            raise BadTable(
                ARTISTS,
                f"{name.strip()[:60]!r} is no clip of GTZAN's, as blues.00029 is. Correct the row.",
                row=table.row(index),
            )
        artist = " ".join(text.split())
        if artist and artists.setdefault(clip, artist) != artist:
            raise BadTable(
                ARTISTS,
                f"{clip} is by {artists[clip]!r} in an earlier row. Remove one of the two.",
                row=table.row(index),
            )
    return artists


def read_recordings() -> dict[str, str]:
    """For each clip that has an exact repeat, the first clip of the same recording.

    As published by B. L. Sturm (2012, 2013): 50 clips repeat an earlier one.

    >>> recordings = read_recordings()
    >>> recordings["disco.00050"], recordings["disco.00070"], "blues.00000" in recordings
    ('disco.00050', 'disco.00050', False)
    """
    table = resources.files("genre_engine.datasets") / "data" / "gtzan_repeats.csv"
    lines = table.read_text(encoding="utf-8").splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    recordings: dict[str, str] = {}
    for row in rows:
        recordings[row["first"]] = recordings[row["repeat"]] = row["first"]
    return recordings
