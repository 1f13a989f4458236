"""Unpacking a zip from another server: the members that are expected, each whole or not at all.

All is counted before anything is unpacked. A zip with a member that would lie outside the folder is
refused as a whole; other members that nobody expects are passed over. A member that was unpacked
before is known by its size, so what was cut off goes on where it stood. What comes out is checked
by the sums in the zip.
"""

import io
import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from genre_engine.datasets import tracks as track_table
from genre_engine.errors import DownloadError, StorageError
from genre_engine.storage import workspace
from genre_engine.web.fetch import Progress

# FMA's are compressed by bzip2, which many unzip programs can't read.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)
_BLOCK = 1 << 20
# A directory of 8,000 members has less than a fifth.
_MOST_AT_ONCE = 4 << 20


class DamagedZip(DownloadError):
    """A zip whose content can't be used; fetching it again may help."""


@dataclass(frozen=True)
class Limits:
    """What a zip may hold: members, bytes of one of them, bytes of what is unpacked."""

    members: int
    member_bytes: int
    total_bytes: int


def unpack(
    archive: Path,
    folder: Path,
    *,
    wanted: re.Pattern[str],
    limits: Limits,
    progress: Progress | None = None,
) -> dict[str, int]:
    """Unpack the members whose whole names match; one that is there with its size is left as it is.

    Returns:
        Their names, POSIX paths below `folder`, with their sizes.

    Raises:
        DamagedZip: it isn't a zip, is damaged, or holds what it must not.
        StorageError: the disk is full or can't be written.
    """
    with _opened(archive) as opened:
        members = _members(opened, archive.name, wanted, limits)
        sizes = {name: info.file_size for name, info in members.items()}
        done = {name for name, size in sizes.items() if _size(folder / name) == size}
        check_room(folder, sum(size for name, size in sizes.items() if name not in done))
        for place in {(folder / name).parent for name in members}:
            workspace.clear_leftovers_in(place)
        total, n_bytes = sum(sizes.values()), sum(sizes[name] for name in done)
        for name, info in members.items():
            if name in done:
                continue
            with workspace.replacing(folder / name) as beside:
                with beside.open("wb") as file:
                    for block in _blocks(opened, info):
                        file.write(block)
                        n_bytes += len(block)
                        if progress:
                            progress(f"unpacking {archive.name}", n_bytes, total)
                if beside.stat().st_size != sizes[name]:
                    raise DamagedZip(_damaged(archive.name))
    return sizes


def check_room(folder: Path, n_bytes: int) -> None:
    """Raises StorageError: the folder's disk hasn't so much room."""
    free = shutil.disk_usage(folder).free
    if n_bytes > free:
        raise StorageError(
            f"This takes {n_bytes / 1e9:,.1f} GB in {workspace.shown(folder)}, and the disk has "
            f"{free / 1e9:,.1f} GB left. Make room, or name another folder with --to."
        )


class _Bounded(io.BufferedReader):
    """A file of which little is read at once: zipfile reads a zip's whole directory, whose size
    the zip itself says."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            at = self.tell()
            size = self.seek(0, io.SEEK_END) - at
            self.seek(at)
        if size > _MOST_AT_ONCE:
            raise zipfile.BadZipFile("its directory is too large")
        return super().read(size)


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with _Bounded(io.FileIO(path)) as file, zipfile.ZipFile(file) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
        raise DamagedZip(_damaged(path.name)) from error


def _blocks(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """A member piece by piece."""
    try:
        with archive.open(info) as source:
            while block := source.read(_BLOCK):
                yield block
    except OSError as error:  # bzip2 says so that its data are wrong; it is no fault of the disk
        raise zipfile.BadZipFile(str(error)) from error


def _damaged(name: str) -> str:
    return f"{name} isn't a zip, or it is damaged. Fetch it again, or from another address."


def _members(
    archive: zipfile.ZipFile, name: str, wanted: re.Pattern[str], limits: Limits
) -> dict[str, zipfile.ZipInfo]:
    """The members that are wanted by name, none of which has been read yet."""
    infos = archive.infolist()
    if len(infos) > limits.members:
        raise DamagedZip(_refused(name, f"{len(infos):,} members are more than it should have"))
    found: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        # The name as it stands in the file: zipfile cuts it off at a zero byte.
        member = info.orig_filename
        if problem := track_table.path_problem(member):
            raise DamagedZip(_refused(name, f"a member's name {member[:80]!r} {problem}"))
        if not wanted.fullmatch(member):
            continue
        shown = f"its member {member}"
        if member in found:
            raise DamagedZip(_refused(name, f"{shown} is there twice"))
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
            raise DamagedZip(_refused(name, f"{shown} is a link, not a file"))
        if info.flag_bits & 1:
            raise DamagedZip(_refused(name, f"{shown} is locked with a password"))
        if info.compress_type not in _METHODS:
            raise DamagedZip(_refused(name, f"{shown} is compressed in a way unknown here"))
        if info.file_size > limits.member_bytes:
            raise DamagedZip(_refused(name, f"{shown} unpacks to more than it should"))
        found[member] = info
    if sum(info.file_size for info in found.values()) > limits.total_bytes:
        raise DamagedZip(_refused(name, "it unpacks to more than it should"))
    return found


def _refused(name: str, problem: str) -> str:
    return f"{name} is refused: {problem}. Fetch it again, or from another address."


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size if path.is_file() else None
    except OSError:
        return None
