"""Files that a user names for results: what stands there already is never destroyed unasked.

Devices and named pipes are written to as they are, links through to what they point at, files
beside their place and moved there. One program at a time writes to a file.
"""

import hashlib
import os
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from genre_engine.errors import WrongUsage
from genre_engine.storage import workspace

# Looks at an existing file that isn't empty: whether results of the wanted kind may replace it.
IsKind = Callable[[Path], bool]


def is_special(path: Path) -> bool:
    """Whether it is a device, a named pipe or the like, which can only be written through.

    >>> is_special(Path("/dev/null"))
    True
    """
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def check(
    path: Path,
    *,
    kind: str,
    is_kind: IsKind,
    inputs: Iterable[Path] = (),
    force: bool = False,
) -> Path:
    """The place to write results to, the target of a link; nothing is written yet.

    Args:
        kind: what is to be written, for the message: "a CSV file".
        is_kind: see IsKind.
        inputs: files that must stay as they are.
        force: replace a file of another kind.

    Raises:
        WrongUsage: it is a folder, one of the inputs, or a file of another kind.
    """
    with workspace.storage_errors(path):
        target = path.resolve() if path.is_symlink() else path
    if is_special(path):
        return path
    if target.is_dir():
        raise WrongUsage(f"{path} is a folder. Name a file to write to.")
    if not target.exists():
        return target
    for other in inputs:
        with suppress(OSError):
            if other.samefile(target):
                raise WrongUsage(
                    f"{path} is one of the inputs, and writing results to it would destroy it. "
                    "Name another file."
                )
    if target.stat().st_size and not force and not is_kind(target):
        raise WrongUsage(
            f"There is a file {path} already, and it isn't {kind}. Name another file, or replace "
            "it with --force."
        )
    return target


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Keep other programs of this kind from writing to a file; the system frees it.

    The lock lies among the user's temporary files, so that nothing is left beside the results.

    Raises:
        WrongUsage: another one is writing to it.
    """
    user = os.getuid() if hasattr(os, "getuid") else ""
    place = Path(tempfile.gettempdir()) / f"genre-studio-{user}"
    name = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:32]
    with workspace.storage_errors(place):
        place.mkdir(mode=0o700, exist_ok=True)
        lock = FileLock(place / f"{name}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise WrongUsage(
                f"Another program is writing to {path} at this moment. Wait for it, or name "
                "another file."
            ) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def place_for(target: Path) -> Iterator[Path]:
    """A path to write to: the device itself, or a temporary file that is moved to the target.

    Raises:
        StorageError: the disk is full or the place can't be written.
    """
    if is_special(target):
        with workspace.storage_errors(target):
            yield target
        return
    with workspace.replacing(target) as temporary:
        yield temporary


def looks_like_text(path: Path) -> bool:
    """Whether a file's beginning is text: no song, picture or archive is.

    >>> looks_like_text(Path(__file__))
    True
    """
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError:
        return False
    if b"\0" in head:
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start > len(head) - 4  # cut within a letter
    return True
