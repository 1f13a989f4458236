"""Which music files may be written, and how one is replaced by a copy of itself.

A copy is written beside the file, hidden, and moved over it: whoever reads the file has the old or
the new, whole, at every moment. That gives a new file to the folder, so what has to stay with it is
copied too: owner, group, permissions, extended attributes.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from genre_engine.errors import AudioError, TagsError
from genre_engine.library.tag_formats import Splice

_READ = 1 << 20
DIGEST_BYTES = 16

# Why a file is left out → what is said of it.
REASONS = {
    "missing": "It wasn't found at the last scan.",
    "vanished": "It isn't there any more. Scan the library again.",
    "waiting": "It hasn't been analysed yet.",
    "failed": "Its analysis failed.",
    "rejected": "You rejected its genres.",
    "no genre": "No genre reaches the least score.",
    "nothing sure": "Nothing that was asked for is known well enough.",
    "there already": "It has what was asked for already.",
    "unchanged": "Its tags say the same already.",
    "read-only": "It, or its folder, can't be written. Change the permissions.",
    "hard link": "It has several names on the disk (hard links), which a new file would part.",
    "outside": "It lies outside the library's folders, or a symbolic link leads there.",
    "same file": "It is the same file as another song, by a symbolic link.",
    "locked": "Another program has locked it. Close that program, then try again.",
    "owner": "It belongs to another user, whom a new file can't be given to.",
    "changed": "It has changed since the plan was made. Scan the library, then plan again.",
    "other sound": "It sounds unlike what was analysed. Scan the library again.",
    "other tags": "What was written isn't in it any more: another program changed its tags since.",
    "full": "Its disk is full. Free some space, then try again.",
    "sound": "Its sound would not have stayed the same, so it was left as it is.",
}


class LeftAlone(Exception):
    """A file isn't written; why is one of REASONS, or said in words of its own."""

    def __init__(self, reason: str, text: str = "") -> None:
        self.reason = reason
        self.text = text or REASONS[reason]
        super().__init__(self.text)


@dataclass(frozen=True)
class LeftOut:
    """A file that isn't written: its path, why as one word or two, and as a sentence."""

    path: str
    reason: str
    text: str


def of_error(path: str, error: Exception) -> LeftOut:
    """What an error of one file is to be called."""
    if isinstance(error, LeftAlone):
        return LeftOut(path, error.reason, error.text)
    if isinstance(error, TagsError):
        return LeftOut(path, "unsupported", str(error))
    if isinstance(error, AudioError):
        return LeftOut(path, "unreadable", str(error))
    if isinstance(error, OSError):
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return LeftOut(path, "full", REASONS["full"])
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            return LeftOut(path, "read-only", REASONS["read-only"])
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return LeftOut(path, "vanished", REASONS["vanished"])
    return LeftOut(path, "unreadable", f"It can't be written ({error}).")


def writable(path: Path, roots: Sequence[Path]) -> tuple[Path, os.stat_result]:
    """The file that a path stands for, links resolved, and its state.

    Raises:
        LeftAlone: it may not be written.
        OSError: it can't be looked at.
    """
    try:
        real = path.resolve(strict=True)
    except (FileNotFoundError, NotADirectoryError):
        raise LeftAlone("vanished") from None
    except RuntimeError:  # links in a circle
        raise LeftAlone("outside") from None
    if not any(real.is_relative_to(root.resolve()) for root in roots):
        raise LeftAlone("outside")
    state = real.stat()
    if not stat.S_ISREG(state.st_mode):
        raise LeftAlone("unreadable", "It is no file.")
    if state.st_nlink > 1:
        raise LeftAlone("hard link")
    may_write = os.access(real, os.W_OK) and os.access(real.parent, os.W_OK | os.X_OK)
    # Whom everything is allowed asks the file itself.
    if not may_write or not state.st_mode & 0o222 or not real.parent.stat().st_mode & 0o222:
        raise LeftAlone("read-only")
    return real, state


def is_same(one: os.stat_result, other: os.stat_result) -> bool:
    """Whether nothing was written between two looks at a file."""
    names = ("st_size", "st_mtime_ns", "st_ino", "st_dev")
    return all(getattr(one, name) == getattr(other, name) for name in names)


@contextmanager
def held(path: Path) -> Iterator[BinaryIO]:
    """A file open for reading, which programs that ask find locked meanwhile.

    Raises:
        LeftAlone: another program has locked it.
        OSError: it can't be opened.
    """
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
    with open(os.open(path, flags), "rb") as file:  # noqa: PTH123 - a descriptor
        try:
            import fcntl
        except ImportError:  # Windows keeps others out by itself
            fcntl = None  # type: ignore[assignment]
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise LeftAlone("locked") from None
            except OSError:
                pass  # a disk that knows no locks
        yield file


@dataclass(frozen=True)
class Copied:
    """A copy: the checksums of the whole file before and after, and the copy's state."""

    old_hash: str
    new_hash: str
    state: os.stat_result


def write_copy(
    source: BinaryIO, splices: Sequence[Splice], to: Path, *, mtime_ns: int | None
) -> Copied:
    """Write `source` with some splices to a new file, durably, with the owner and all else.

    Args:
        mtime_ns: the copy's time of change; None: now.

    Raises:
        TagsError: the bytes that are replaced aren't those that were expected.
        LeftAlone: it can't be given to the file's owner.
        OSError: it can't be written; what there is of it is removed.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(to, flags, 0o600)
    try:
        with open(descriptor, "wb") as target:  # noqa: PTH123 - a descriptor
            hashes = _stream(source, splices, target)
            _give(os.fstat(source.fileno()), target)
            target.flush()
            _copy_extended(source, to)
            if mtime_ns is not None:
                os.utime(to, ns=(os.fstat(source.fileno()).st_atime_ns, mtime_ns))
            os.fsync(target.fileno())
            return Copied(*hashes, os.fstat(target.fileno()))
    except BaseException:
        with suppress(OSError):
            to.unlink()
        raise


def _stream(source: BinaryIO, splices: Sequence[Splice], target: BinaryIO) -> tuple[str, str]:
    old, new = (hashlib.blake2b(digest_size=DIGEST_BYTES) for _ in range(2))
    size = source.seek(0, 2)
    source.seek(0)
    place = 0
    for splice in (*splices, Splice(size, b"", b"")):
        if splice.at < place:
            raise TagsError("Its tags lie in a way that can't be changed safely.")
        while place < splice.at and (data := source.read(min(_READ, splice.at - place))):
            old.update(data)
            new.update(data)
            target.write(data)
            place += len(data)
        data = source.read(len(splice.old))
        if data != splice.old or place < splice.at:
            raise TagsError("Its tags lie in a way that can't be changed safely.")
        old.update(data)
        new.update(splice.new)
        target.write(splice.new)
        place += len(data)
    return old.hexdigest(), new.hexdigest()


def _give(state: os.stat_result, target: BinaryIO) -> None:
    """Give a file the owner, group and permissions of another."""
    if not hasattr(os, "fchown"):  # Windows
        return
    mine = os.fstat(target.fileno())
    if (mine.st_uid, mine.st_gid) != (state.st_uid, state.st_gid):
        try:
            os.fchown(target.fileno(), state.st_uid, state.st_gid)
        except PermissionError:
            raise LeftAlone("owner") from None
    os.fchmod(target.fileno(), stat.S_IMODE(state.st_mode))


def _copy_extended(source: BinaryIO, to: Path) -> None:
    """Copy the extended attributes that the system lets one set."""
    if not hasattr(os, "listxattr"):
        return
    with suppress(OSError):
        for name in os.listxattr(source.fileno()):
            with suppress(OSError):
                os.setxattr(to, name, os.getxattr(source.fileno(), name))


def whole_hash(file: BinaryIO) -> str:
    """The checksum of all bytes of a file."""
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    file.seek(0)
    while data := file.read(_READ):
        digest.update(data)
    return digest.hexdigest()


def sync_folder(folder: Path) -> None:
    """Make names in a folder durable, where the system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
