"""Playlists as M3U8 that VLC, Navidrome and Mixxx read.

    #EXTM3U
    #EXTINF:184,Artist - Title
    ../music/song.mp3

UTF-8 without a byte order mark, paths as they are and not percent-encoded. How these programs read
a line decides the rest:

- Navidrome and VLC drop spaces at a line's beginning, and all take `#` there for a comment, so a
  relative path that begins like that gets `./` in front, and one with a colon too: VLC takes what
  is before it for the name of a protocol.
- VLC reads paths as addresses: `#` and `?` end them, `%41` is a letter. An absolute path with one
  of these is written as `file:///`, percent-encoded, which all three read. A relative one can't be;
  it stays as it is, for Navidrome and Mixxx.
- Mixxx takes a file with a control character in it for one in Windows-1250. Titles go without them.
- A path with a line break, a control character or bytes that aren't UTF-8 can't be written at all.
"""

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import quote

from genre_engine.errors import WrongUsage
from genre_engine.storage import workspace
from genre_engine.storage.escape import one_line

if TYPE_CHECKING:
    import pandas as pd

# What VLC takes for a part of an address, and Mixxx a backslash for a slash.
_READ_AS_ELSE = re.compile(r"[#?\\]|%[0-9A-Fa-f]{2}")
# What no file name may hold on some system.
_NOT_IN_NAMES = re.compile(r'[\\/:*?"<>|\x00-\x1f]+')
_MAX_NAME = 100
_WINDOWS_DEVICES = {"con", "prn", "aux", "nul"} | {
    f"{device}{number}" for device in ("com", "lpt") for number in range(1, 10)
}


@dataclass(frozen=True)
class Written:
    """What became of a playlist.

    Attributes:
        songs: how many are on it.
        missing: how many were left out, since their files weren't found at the last scan.
        unwritable: how many were left out, since a playlist can't hold their paths.
    """

    songs: int
    missing: int = 0
    unwritable: int = 0


def write_m3u8(
    path: Path, songs: "pd.DataFrame", relative_to: Path | None = None, *, name: str = ""
) -> Written:
    """Write a playlist.

    Args:
        songs: rows of a library's `songs()`, in the order in which they are played.
        relative_to: write paths relative to this folder, that of the playlist; else they are
            absolute. What lies on another drive stays absolute.
        name: of the playlist, for players that show one.

    Raises:
        StorageError: it can't be written.
    """
    with (
        workspace.replacing(path) as place,
        place.open("w", encoding="utf-8", newline="\n") as file,
    ):
        return write_lines(file, songs, relative_to, name=name)


def write_lines(
    file: IO[str], songs: "pd.DataFrame", relative_to: Path | None = None, *, name: str = ""
) -> Written:
    """Write a playlist's lines, as `write_m3u8` does."""
    file.write("#EXTM3U\n")
    if name:
        file.write(f"#PLAYLIST:{one_line(name)}\n")
    written = missing = unwritable = 0
    for song in songs[["path", "title", "artist", "duration_s", "missing"]].itertuples(index=False):
        if song.missing:
            missing += 1
        elif (line := _line(song.path, relative_to)) is None:
            unwritable += 1
        else:
            written += 1
            said = _said(song.path, song.title, song.artist)
            file.write(f"#EXTINF:{_seconds(song.duration_s)},{said}\n{line}\n")
    return Written(written, missing, unwritable)


def write_by_word(
    folder: Path,
    songs: "pd.DataFrame",
    words: Sequence[Sequence[str]],
    *,
    relative: bool = True,
) -> dict[str, tuple[Path, Written]]:
    """Write a playlist for each word into a folder; a song with several words is on several.

    Args:
        words: of each song, as `Mapping.assign` names them.
        relative: paths relative to the folder, else absolute.

    Returns:
        Word → its playlist's file and what became of it, in the order of the words.

    Raises:
        WrongUsage: no song has a word.
        StorageError: one can't be written.
    """
    rows: dict[str, list[int]] = {}
    for row, of_song in enumerate(words):
        for word in of_song:
            rows.setdefault(word, []).append(row)
    if not rows:
        raise WrongUsage("None of these songs has a genre, so there is nothing to make lists of.")
    found: dict[str, tuple[Path, Written]] = {}
    for word, stem in zip(sorted(rows), _file_names(sorted(rows)), strict=True):
        path = folder / f"{stem}.m3u8"
        relative_to = folder if relative else None
        found[word] = path, write_m3u8(path, songs.iloc[rows[word]], relative_to, name=word)
    return found


def _file_names(words: Iterable[str]) -> Iterator[str]:
    """A name for each word that every system allows, no two that differ in capitals only."""
    taken: set[str] = set()
    for word in words:
        plain = _NOT_IN_NAMES.sub("-", one_line(word))[:_MAX_NAME].strip(" .-") or "playlist"
        if plain.casefold() in _WINDOWS_DEVICES:
            plain += "-"
        name, number = plain, 1
        while name.casefold() in taken:
            number += 1
            name = f"{plain} {number}"
        taken.add(name.casefold())
        yield name


def _line(path: str, relative_to: Path | None) -> str | None:
    """A path as a line; None where none can hold it."""
    if not _holdable(path):
        return None
    if relative_to is None:
        return _absolute(path)
    try:
        relative = os.path.relpath(path, relative_to)
    except ValueError:  # another drive
        return _absolute(path)
    line = relative.replace(os.sep, "/")
    first = line.partition("/")[0]
    misread = line[0] == "#" or line[0].isspace() or ":" in first
    return f"./{line}" if misread else line


def _holdable(path: str) -> bool:
    if path != path.strip():
        return False  # readers drop spaces at a line's end
    return not any(unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") for sign in path)


def _absolute(path: str) -> str:
    if os.sep == "/" and _READ_AS_ELSE.search(path):
        return f"file://{quote(path)}"
    return path


def _seconds(duration_s: float | None) -> int:
    """Whole seconds; -1 for an unknown length, as players expect it."""
    known = duration_s is not None and duration_s == duration_s
    return max(1, round(duration_s)) if known and duration_s else -1


def _said(path: str, title: object, artist: object) -> str:
    """ "Artist - Title", which players part at the first " - "."""
    known = one_line(title) if isinstance(title, str) else ""
    known = known or one_line(Path(path).stem)
    by = one_line(artist) if isinstance(artist, str) else ""
    return f"{by.replace(' - ', ' – ')} - {known}" if by else known
