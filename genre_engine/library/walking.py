"""The audio files below a library's folders: what lies there now, without opening anything."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from genre_engine.audio.decoders import SUFFIXES


@dataclass
class Walk:
    """What was found below some folders.

    Attributes:
        unread: folders that aren't there or can't be read; what lies below them isn't known.
        links: symbolic links that were passed over.
        unnamed: files whose names aren't text.
    """

    unread: list[str] = field(default_factory=list)
    links: int = 0
    unnamed: int = 0

    def files(self, root: Path) -> Iterator[tuple[str, int, int]]:
        """Path, size in bytes and time of change in ns of each audio file below a folder.

        Hidden files and folders and symbolic links are passed over.
        """
        waiting = [str(root)]
        while waiting:
            place = waiting.pop()
            try:
                with os.scandir(place) as entries:
                    found = list(entries)
            except OSError:
                self.unread.append(place)
                continue
            for entry in found:
                if entry.name.startswith("."):
                    continue
                try:
                    if entry.is_symlink():
                        self.links += _is_wanted(entry)
                    elif entry.is_dir():
                        waiting.append(entry.path)
                    elif _is_wanted(entry) and entry.is_file():
                        entry.path.encode()  # SQLite holds text only
                        status = entry.stat()
                        yield entry.path, status.st_size, status.st_mtime_ns
                except UnicodeEncodeError:
                    self.unnamed += 1
                except OSError:  # gone since
                    continue


def _is_wanted(entry: "os.DirEntry[str]") -> bool:
    return os.path.splitext(entry.name)[1].lower() in SUFFIXES  # noqa: PTH122 - of 50,000 names
