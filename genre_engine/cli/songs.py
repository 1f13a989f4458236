"""The songs that a command is about: files, and every audio file below a folder."""

import os
from collections.abc import Iterator
from pathlib import Path

from genre_engine.cli.console import complain, printable
from genre_engine.errors import AudioError, FileUnreadable, NotAudio

# A song to be done: its name as the user gave it, or why there is none.
Song = tuple[str, AudioError | None]


def songs(inputs: list[str]) -> Iterator[Song]:
    """Every file that is named, and the audio files below every folder that is."""
    for name in inputs:
        if os.path.isdir(name):  # noqa: PTH112 (Path.is_dir raises where a parent is forbidden)
            yield from _walk(name)
        else:
            yield name, None


def _walk(folder: str) -> Iterator[Song]:
    """Audio files below a folder in the order of their names, without hidden ones.

    Links to folders are followed, each folder once: links can go round in circles.
    """
    from genre_engine.audio.decoders import is_audio

    unreadable: list[OSError] = []
    found = False
    seen: set[tuple[int, int]] = set()
    for place, folders, names in os.walk(folder, onerror=unreadable.append, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        status = os.stat(place)  # noqa: PTH116
        if (status.st_dev, status.st_ino) in seen:
            complain(f"{printable(place)}: the same folder was walked already, so it is left out.")
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        for name in sorted(names):
            path = os.path.join(place, name)  # noqa: PTH118
            if not name.startswith(".") and is_audio(Path(path)):
                found = True
                yield path, None
    for error in unreadable:
        yield str(error.filename), FileUnreadable(f"The folder can't be read ({error.strerror}).")
    if not found and not unreadable:
        yield folder, NotAudio("There is no audio in this folder, nor below it.")
