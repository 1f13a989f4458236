"""Where things live on disk, and how they get there.

The workspace is the folder `GENRE_ENGINE_WORKSPACE`, else `./workspace`:

    weights/            pretrained networks
    datasets/<name>/    data sets
    runs/<id>/          trainings
    jobs/<id>/          long work: waiting, running and lately ended
    analyses/           what was said of songs, by the checksum of the file
    corrections.jsonl   genres that songs were given on the Classify page
    libraries/<name>/   libraries of music: what is known of the files of some folders
    jamendo-metadata/   MTG-Jamendo's tables, as downloaded
    fma/                FMA's tables and clips, as downloaded

Every file is written beside its place and moved there with `os.replace`, so that a crash at any
moment leaves the old or the new, never half.
"""

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from genre_engine.errors import StorageError, WrongUsage

SHARED_VARIABLE = "GENRE_ENGINE_HOSTED"


def is_shared() -> bool:
    """Whether visitors share this server, who needn't know its folders."""
    return os.environ.get(SHARED_VARIABLE) == "1"


def root() -> Path:
    """The workspace's folder; it need not exist yet."""
    return Path(os.environ.get("GENRE_ENGINE_WORKSPACE") or "workspace").absolute()


def weights_folder() -> Path:
    return root() / "weights"


def datasets_folder() -> Path:
    return root() / "datasets"


def dataset_folder(name: str) -> Path:
    """The folder of a data set; it need not exist.

    Raises:
        WrongUsage: the name can't be a folder's.
    """
    return datasets_folder() / check_name(name)


def libraries_folder() -> Path:
    return root() / "libraries"


def runs_folder() -> Path:
    return root() / "runs"


def jobs_folder() -> Path:
    return root() / "jobs"


def metadata_folder() -> Path:
    return root() / "jamendo-metadata"


def fma_folder() -> Path:
    return root() / "fma"


def shown(path: Path) -> str:
    """A path for a message: whole, but to visitors of a shared server from the workspace on.

    >>> shown(Path("/elsewhere/song.mp3"))
    '/elsewhere/song.mp3'
    """
    if not is_shared():
        return str(path)
    return str(path.relative_to(root())) if path.is_relative_to(root()) else path.name


# The first sign is a letter or digit: a leading dot marks what is being written, and a leading
# dash would be read as an option.
_NAME = re.compile(r"[^\W_][\w.-]{0,63}")


def check_name(name: str) -> str:
    """Return a name that is safe as a folder's on every system.

    Raises:
        WrongUsage: it isn't.
    """
    if not _NAME.fullmatch(name) or name.endswith("."):
        raise WrongUsage(
            f"{name!r} can't be a name. Use up to 64 letters, digits, dots, dashes and "
            "underscores, with a letter or digit first."
        )
    return name


def make_folder(folder: Path) -> Path:
    """Create a folder with its parents and return it.

    Raises:
        StorageError: it can't be created.
    """
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`, moved to `path` when the block ends well, else removed.

    The block may create a file or a folder there. A folder can't replace a folder that has content.

    Raises:
        StorageError: the disk is full or the place can't be written.
    """
    make_folder(path.parent)
    with storage_errors(path):
        room = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
        try:
            yield room / path.name
            os.replace(room / path.name, path)
        finally:
            shutil.rmtree(room, ignore_errors=True)


def clear_leftovers(path: Path) -> None:
    """Remove what killed writers of `path` left beside it; for those who hold the place's lock."""
    # Exactly what mkdtemp makes: ".a-*" alone would also match the live room of a place "a-b".
    room_of = re.compile(rf"\.{re.escape(path.name)}-[a-z0-9_]{{8}}")
    if not path.parent.is_dir():
        return
    for room in path.parent.iterdir():
        if room_of.fullmatch(room.name):
            with suppress(OSError):
                shutil.rmtree(room)


def clear_leftovers_in(folder: Path, *, but: str = "") -> None:
    """Remove what killed writers of anything in a folder left there; for those who hold its lock.

    Args:
        but: the name of what others may be writing there all the same.
    """
    for room in folder.iterdir() if folder.is_dir() else ():
        name = room.name[1:].rpartition("-")[0]
        if room.name.startswith(".") and name not in ("", but):
            clear_leftovers(folder / name)


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's complaints about writing into words.

    Raises:
        StorageError: instead of the OSError.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageError(
                f"The disk that holds {shown(path.parent)} is full. Free some space, then "
                "try again."
            ) from error
        raise StorageError(
            f"Can't write {shown(path)} ({error.strerror or error}). Make the folder writable, or "
            "choose another one with the environment variable GENRE_ENGINE_WORKSPACE."
        ) from error
