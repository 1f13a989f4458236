"""Libraries: thousands of songs of one's own, by genre, in an index that outlives a scan.

    from genre_engine import library
    mine = library.create("mine", ["/music"])
    scan.scan(mine)                        # looks at what is new or changed, and analyses it
    mine.songs()                           # DataFrame, one row a song

    index.py        the index: what is known of each song
    schema.py       its tables, and their migrations
    song_table.py   its rows as a table of songs
    walking.py      the audio files below the folders
    identity.py     what names a sound, whatever the tags say
    analysing.py    one file → its tags, scores and embedding
    scan.py         the whole of it, resumable, on all cores or a cluster
    where.py        filters in words: "genre = jazz and score >= 50"
    export.py       songs as CSV, JSON or a playlist
    tag_formats/    the tags of each format, item by item
    tag_plan.py     what writing tags would change
    tag_writing.py  it is written, with a journal; tag_undo.py takes it back

Nothing here changes a music file but `tag_writing`, and that only after a plan.
"""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from genre_engine.errors import FileMissing, LibraryExists, LibraryMissing, Refused, WrongUsage
from genre_engine.library import index
from genre_engine.library.index import Library, Snapshot
from genre_engine.storage import workspace

__all__ = ["Library", "Snapshot", "check_folders", "create", "names", "open", "remove"]


def names() -> list[str]:
    """The libraries there are, in the order of their names."""
    folder = workspace.libraries_folder()
    if not folder.is_dir():
        return []
    return sorted(
        entry.name
        for entry in folder.iterdir()
        if not entry.name.startswith(".") and (entry / index.FILE).is_file()
    )


def open(name: str) -> Library:  # noqa: A001 - as `datasets.open`
    """A library by its name.

    Raises:
        LibraryMissing: there is none.
    """
    folder = workspace.libraries_folder() / workspace.check_name(name)
    if not (folder / index.FILE).is_file():
        there = names()
        known = f"There are: {', '.join(there)}." if there else "There is none yet."
        raise LibraryMissing(
            f"There is no library {name!r}. {known} Make one with: library scan NAME FOLDER"
        )
    return Library(name, folder)


def check_folders(folders: Iterable[str | os.PathLike[str]]) -> list[Path]:
    """The folders to scan, absolute; one within another goes with it.

    Raises:
        FileMissing: one isn't a folder.
        Refused: on a server that visitors share.
    """
    if workspace.is_shared():
        raise Refused(
            "A server that visitors share doesn't read its own folders. Install Genre Studio on "
            "your computer to have a library of your music."
        )
    found = []
    for given in folders:
        folder = Path(given).expanduser().absolute()
        if not folder.is_dir():
            raise FileMissing(f"There is no folder {str(given)!r}. Check its path.")
        found.append(folder.resolve())
    return [
        folder
        for folder in dict.fromkeys(found)
        if not any(other in folder.parents for other in found)
    ]


def create(name: str, folders: Iterable[str | os.PathLike[str]]) -> Library:
    """An empty library over some folders; `scan.scan` fills it.

    Raises:
        LibraryExists: the name is taken.
        WrongUsage: it can't be a name, or no folder is given.
        FileMissing, Refused: as `check_folders`.
        StorageError: the workspace can't be written.
    """
    folder = workspace.libraries_folder() / workspace.check_name(name)
    roots = check_folders(folders)
    if not roots:
        raise WrongUsage("Name the folders of the library: library scan NAME FOLDER")
    if folder.exists():
        raise LibraryExists(f"There is a library {name!r} already. Choose another name.")
    with workspace.replacing(folder) as made:
        made.mkdir()
        index.make(made / index.FILE)
        with Library(name, made).connect() as connection:
            connection.executemany(
                "INSERT INTO roots (path) VALUES (?)", [(str(root),) for root in roots]
            )
    return Library(name, folder)


def remove(name: str) -> None:
    """Remove a library: what is known of the songs, the user's decisions and the journals of tags.
    No music file is touched.

    Raises:
        LibraryMissing: there is none.
        StorageError: it can't be removed.
    """
    folder = open(name).folder
    with workspace.storage_errors(folder):
        # Out of sight at once, then file by file.
        gone = folder.with_name(f".{folder.name}-removed")
        shutil.rmtree(gone, ignore_errors=True)
        folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)
