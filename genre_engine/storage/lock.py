"""Who trains a run: the process that holds its `lock`.

The operating system frees a lock when its holder ends, however it ends, so a held lock is a living
trainer and nothing else is: process numbers are used again, and files outlive a killed process.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from genre_engine.errors import GenreEngineError, RunError
from genre_engine.storage import workspace

# Whoever looks whether a lock is held holds it for an instant itself; a trainer waits that long.
_SECONDS = 1.0


@contextmanager
def exclusively(path: Path, refusal: GenreEngineError, seconds: float = 0.0) -> Iterator[None]:
    """Keep other processes out while the block runs, by a lock file; the system frees it.

    Args:
        refusal: raised where another process has it after `seconds`.

    Raises:
        StorageError: the lock file can't be written.
    """
    lock = FileLock(path)
    with workspace.storage_errors(path):
        try:
            lock.acquire(timeout=seconds)
        except Timeout as error:
            raise refusal from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def hold(folder: Path, refusal: str) -> Iterator[None]:
    """Lock a run.

    Raises:
        RunError: another process has it; `refusal` says what to do.
        StorageError: its folder can't be written.
    """
    with exclusively(folder / "lock", RunError(refusal), _SECONDS):
        yield


def is_held(folder: Path, name: str = "lock") -> bool:
    """Whether a process has locked a folder by the file of that name; those who ask don't get in
    each other's way."""
    try:
        import fcntl
    except ImportError:  # Windows
        try:
            with FileLock(folder / name, timeout=0):
                return False
        except Timeout:
            return True
    try:
        file = os.open(folder / name, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(file)
    return False
