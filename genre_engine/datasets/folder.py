"""A folder of music: one sub-folder a genre, or genres from the files' own tags.

`track_id` is the POSIX path relative to the folder. Identical files stay separate tracks; their
equal `sha256` says what they are. Artist, album, title and duration come from the tags where there
are any. Several genres in one tag (or in a sub-folder's name) are parted by `;` or `/`.
"""

import hashlib
import logging
import os
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genre_engine import audio, labels
from genre_engine.audio import tags
from genre_engine.audio.decoders import SUFFIXES
from genre_engine.datasets import tracks as track_table
from genre_engine.datasets.store import Imported
from genre_engine.errors import AudioError, DatasetError, NotAudio, WrongUsage
from genre_engine.storage.progress import Progress

KIND = "folder"
SUMMARY = "A folder of music: one sub-folder a genre, or tags in the files"
GENRE_SOURCES = ("auto", "folders", "tags")

EXTENSIONS = SUFFIXES
MAX_TRACKS = 1_000_000
_NUMBER = re.compile(r"\d+")
_LEAST_FOLDERS = 2
# From so many tracks on a genre for every other track is doubtful.
_MANY = 10

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Found:
    """One readable file: what its tags say, its length and checksum."""

    track_id: str
    genres: tuple[str, ...]
    artist: str | None
    album: str | None
    title: str | None
    licence: str | None
    duration_s: float
    sha256: str


def build(
    folder: Path,
    *,
    path: Path,
    genres_from: str = "auto",
    progress: Progress | None = None,
    jobs: int | None = None,
) -> tuple[Imported, tuple[str, ...]]:
    """Read a folder of music; nothing is written into `folder`, the audio stays where it is.

    Args:
        genres_from: `folders`, `tags`, or `auto` (see `genre_source`).
        progress: called with the number of files done and in all.
        jobs: threads that read files.

    Raises:
        DatasetError: no such folder, no audio in it, or no track with a genre.
        WrongUsage: an unknown `genres_from`.
    """
    del folder
    if genres_from not in GENRE_SOURCES:
        raise WrongUsage(
            f"Genres can't come from {genres_from!r}. Choose one of: {', '.join(GENRE_SOURCES)}."
        )
    if not path.is_dir():
        raise DatasetError(f"There is no folder {path}. Check the path.")
    closed: list[OSError] = []
    files = sorted(walk(path, closed.append))
    if not files:
        raise DatasetError(
            f"There is no audio file below {path}. Name a folder that holds music "
            f"({', '.join(sorted(EXTENSIONS)[:8])}, …)."
        )
    if len(files) > MAX_TRACKS:
        raise DatasetError(f"{len(files)} files are too many; name a folder with fewer.")
    found, failed = read_all(path, files, progress, jobs)
    for error in closed:
        place = os.path.relpath(error.filename or path, path).replace(os.sep, "/")
        message = f"The folder can't be read: {error.strerror or error}."
        failed.append((f"{place}/", "FileUnreadable", message))
    if not found:
        raise DatasetError(
            f"None of the {len(files)} audio files below {path} can be read. The first is "
            f"{failed[0][0]}: {failed[0][2]}"
        )
    depth = genre_depth([item.track_id for item in found])
    source = genre_source(found, depth) if genres_from == "auto" else genres_from
    named = [_genres(item, source, depth) for item in found]
    spelling = labels.spellings(genre for names in named for genre in names)
    lists = [sorted({spelling[labels.folded(genre)] for genre in names}) for names in named]
    kept = [(item, names) for item, names in zip(found, lists, strict=True) if names]
    if not kept:
        raise DatasetError(
            f"No file below {path} names a genre. Put the files into one sub-folder a genre, or "
            "write genres into their tags."
        )
    notes = [
        "Genres come from the names of the sub-folders."
        if source == "folders"
        else "Genres come from the files' own tags."
    ]
    notes += _doubts({genre for _, names in kept for genre in names}, len(kept), source)
    if n_without := len(found) - len(kept):
        first = next(item.track_id for item, names in zip(found, lists, strict=True) if not names)
        notes.append(f"{n_without} files without a genre left out, the first is {first}.")
    columns: dict[str, list[Any]] = {
        "track_id": [item.track_id for item, _ in kept],
        "path": [item.track_id for item, _ in kept],
        "artist_id": [item.artist for item, _ in kept],
        "album_id": [item.album for item, _ in kept],
        "title": [item.title or Path(item.track_id).stem for item, _ in kept],
        "licence": [item.licence for item, _ in kept],
        "duration_s": [item.duration_s for item, _ in kept],
        "sha256": [item.sha256 for item, _ in kept],
        "genres": [names for _, names in kept],
    }
    imported = Imported(
        track_table.frame(columns),
        audio=path,
        source={"folder": str(path.resolve()), "genres_from": source},
        notes=tuple(notes),
        failures=track_table.failures(failed),
    )
    return imported, labels.choose(labels.count(columns["genres"]), "all")


def walk(folder: Path, on_error: Callable[[OSError], object] | None = None) -> Iterator[str]:
    """POSIX paths of the audio files below a folder; hidden files and folders are passed over.

    Args:
        on_error: is called with folders that can't be read.
    """
    seen = set()
    # Links to folders are followed, for a collection is often put together from them; each folder
    # once, for links can go round in circles.
    for place, folders, files in os.walk(folder, onerror=on_error, followlinks=True):
        status = Path(place).stat()
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in files:
            if not name.startswith(".") and Path(name).suffix.lower() in EXTENSIONS:
                yield Path(place, name).relative_to(folder).as_posix()


def genre_depth(track_ids: Sequence[str]) -> int:
    """How many folders lie around those that are named after genres.

    One folder around all others is a wrapper, as in Kaggle's GTZAN (`genres_original/blues/…`).

    >>> genre_depth(["genres_original/blues/1.wav", "genres_original/rock/2.wav"])
    1
    >>> genre_depth(["rock/a/1.wav", "rock/a/2.wav"])
    0
    """
    folders = [name.split("/")[:-1] for name in track_ids]
    depth = 0
    while True:
        around = {tuple(names[: depth + 1]) for names in folders}
        inside = {names[depth + 1] for names in folders if len(names) > depth + 1}
        if len(around) > 1 or len(inside) < _LEAST_FOLDERS:
            # Without several folders inside, what is around is a genre by itself.
            return depth if len(around) > 1 else 0
        depth += 1


def _doubts(genres: set[str], n_tracks: int, source: str) -> list[str]:
    """What makes it doubtful that these are genres."""
    if len(genres) == 1:
        return [
            f"Only one genre was found, {next(iter(genres))!r}, so nothing can be learnt from this "
            "data set. Name the folder whose sub-folders are the genres, or take the genres from "
            "the files' tags (--genres-from tags)."
        ]
    if source == "folders" and all(_NUMBER.fullmatch(genre) for genre in genres):
        return [
            "The sub-folders are numbers, which are no genres. If the files have tags, take the "
            "genres from them (--genres-from tags); else rename the folders."
        ]
    if n_tracks >= _MANY and 2 * len(genres) > n_tracks:
        return [
            f"{len(genres):,} genres for {n_tracks:,} tracks: these may be names of artists, "
            "albums or songs. Check the folders, or take the genres from the tags "
            "(--genres-from tags)."
        ]
    return []


def genre_source(found: Sequence[Found], depth: int = 0) -> str:
    """Whether genres are in the names of sub-folders or in tags.

    Sub-folders that hold the files themselves are genres, unless they are numbers or named after
    the files' artists or albums; in deeper folders (artist, album) tags are taken if most files
    have one.

    Args:
        depth: see `genre_depth`.
    """
    nested = [item for item in found if item.track_id.count("/") > depth]
    tagged = sum(bool(item.genres) for item in nested)
    if not nested:
        return "tags"
    if not tagged:
        return "folders"
    numbered = sum(bool(_NUMBER.fullmatch(item.track_id.split("/")[depth])) for item in nested)
    deep = sum(item.track_id.count("/") > depth + 1 for item in nested)
    if 2 * numbered > len(nested):
        return "tags" if 2 * tagged > len(nested) else "folders"
    if 2 * deep > len(nested):
        return "tags" if 2 * tagged > len(nested) else "folders"
    named = sum(
        item.track_id.split("/")[depth].casefold()
        in {(item.artist or "").casefold(), (item.album or "").casefold()}
        for item in nested
    )
    return "tags" if 2 * named > len(nested) else "folders"


def _genres(item: Found, source: str, depth: int) -> list[str]:
    folders = item.track_id.split("/")[:-1]
    # A file beside the sub-folders has nothing but its tags.
    if source == "tags" or len(folders) <= depth:
        return list(item.genres)
    return tags.split_genres([folders[depth]])


def read_all(
    folder: Path, files: Sequence[str], progress: Progress | None = None, jobs: int | None = None
) -> tuple[list[Found], list[tuple[str, str, str]]]:
    """Read files below a folder, several at a time.

    Args:
        files: their POSIX paths.

    Returns:
        What can be read, and rows for `tracks.failures`; both in the order of `files`.
    """
    jobs = jobs or min(8, 2 * (os.cpu_count() or 1))
    found: list[Found] = []
    failed: list[tuple[str, str, str]] = []
    # Threads are enough: hashing and reading let go of the interpreter's lock.
    with ThreadPoolExecutor(jobs) as pool:
        for done, result in enumerate(pool.map(lambda name: _read(folder, name), files), start=1):
            if isinstance(result, Found):
                found.append(result)
            else:
                failed.append(result)
            if progress:
                progress(done, len(files))
    return found, failed


def _read(folder: Path, name: str) -> Found | tuple[str, str, str]:
    printable = name.encode("utf-8", "backslashreplace").decode()
    if printable != name or any(ord(sign) < 32 for sign in name) or "\\" in name:
        return printable, "BadName", "The file's name can't be written as text. Rename the file."
    if name != name.strip():
        return printable, "BadName", "The file's name begins or ends with a space. Rename the file."
    if problem := track_table.path_problem(name):
        # `I: Allegro.mp3` would be a drive's letter on another system.
        return printable, "BadName", f"The file's name {problem}. Rename the file."
    try:
        return read_file(folder / name, name)
    except OSError as error:
        return name, "FileUnreadable", f"It can't be read: {error.strerror or error}."
    except AudioError as error:
        return name, type(error).__name__, str(error)


def read_file(path: Path, track_id: str) -> Found:
    """Tags, length and checksum of one audio file.

    Raises:
        OSError: it can't be read.
        AudioError: no decoder here can read it.
    """
    if not path.stat().st_size:
        raise NotAudio("The file is empty. Fetch it again.")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    duration_s = audio.length_s(path)
    found = tags.read(path, cover=False)
    return Found(
        track_id,
        found.genres,
        found.artist,
        found.album,
        found.title,
        found.licence,
        duration_s,
        digest,
    )
