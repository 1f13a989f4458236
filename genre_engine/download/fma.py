"""Where FMA's files lie, and fetching its tables and its small subset.

Every address of FMA is here, and can be overridden. Both files are zips: they are checked, what is
needed of them is unpacked, and then they are removed. Source: https://github.com/mdeff/fma; the
metadata is CC BY 4.0, each track is under the licence that its artist chose.
"""

import hashlib
import json
import os
import re
import zipfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from genre_engine.download import zip_members
from genre_engine.download.zip_members import DamagedZip, Limits
from genre_engine.errors import DownloadError
from genre_engine.storage import workspace
from genre_engine.storage.lock import exclusively
from genre_engine.web.fetch import Check, Progress, Retry, fetch, web_address

FMA_URL = "https://os.unil.cloud.switch.ch/fma/"
FMA_VARIABLE = "GENRE_ENGINE_FMA_URL"


@dataclass(frozen=True)
class RemoteZip:
    """A zip to fetch.

    Attributes:
        name: of the folder that it unpacks to; with `.zip` its own.
        sha1: as FMA publishes it; not checked at another address than the usual one.
        n_bytes, unpacked_bytes: what it takes, and what is unpacked of it, about.
        wanted: names of the members that are unpacked.
        needed: those without which it is of no use, below the folder.
    """

    name: str
    sha1: str
    n_bytes: int
    unpacked_bytes: int
    max_bytes: int
    wanted: re.Pattern[str]
    needed: tuple[str, ...]
    limits: Limits


METADATA = RemoteZip(
    name="fma_metadata",
    sha1="f0df49ffe5f2a6008d7dc83c6915b31835dfe733",
    n_bytes=358_412_441,
    unpacked_bytes=262_000_000,
    max_bytes=1_000_000_000,
    # Features, raw tables and a pickle are in it too, and stay there.
    wanted=re.compile(r"fma_metadata/(?:README\.txt|tracks\.csv|genres\.csv)"),
    needed=("tracks.csv", "genres.csv"),
    limits=Limits(members=1_000, member_bytes=1_000_000_000, total_bytes=1_100_000_000),
)
SMALL = RemoteZip(
    name="fma_small",
    sha1="ade154f733639d52e35e32f5593efe5be76c6d70",
    n_bytes=7_679_594_875,
    unpacked_bytes=8_000_000_000,
    max_bytes=12_000_000_000,
    wanted=re.compile(r"fma_small/(?:README\.txt|[0-9]{3}/[0-9]{6}\.mp3)"),
    needed=(),
    limits=Limits(members=20_000, member_bytes=20_000_000, total_bytes=16_000_000_000),
)


def fma_metadata(
    to: Path | None = None,
    *,
    base_url: str | None = None,
    retry: Retry | None = None,
    progress: Progress | None = None,
) -> list[Path]:
    """Fetch FMA's tables (342 MiB, of which 250 are kept; CC BY 4.0).

    Args:
        to: the folder around them; the workspace's `fma` by default.
        base_url: another address than the usual one, which the environment variable
            GENRE_ENGINE_FMA_URL also sets. Its files' checksums are its own affair.

    Returns:
        The tables.

    Raises:
        DownloadError: the zip can't be fetched or isn't what it should be.
        WrongUsage: the address isn't one of the web.
        StorageError: it can't be written, or the disk has too little room.
    """
    folder = _fetched(METADATA, to, base_url, retry, progress)
    return [folder / name for name in METADATA.needed]


def fma_small(
    to: Path | None = None,
    *,
    base_url: str | None = None,
    retry: Retry | None = None,
    progress: Progress | None = None,
) -> Path:
    """Fetch FMA's small subset: 8,000 clips of 30 s, 7.2 GiB; arguments and errors as for
    `fma_metadata`.

    Returns:
        The folder of the clips.
    """
    return _fetched(SMALL, to, base_url, retry, progress)


def _fetched(
    remote: RemoteZip,
    to: Path | None,
    base_url: str | None,
    retry: Retry | None,
    progress: Progress | None,
) -> Path:
    base = web_address(base_url or os.environ.get(FMA_VARIABLE) or FMA_URL)
    folder = workspace.make_folder(to or workspace.fma_folder())
    target = folder / f"{remote.name}.zip"
    refusal = DownloadError(
        f"{target.name} is being fetched by another program at this moment. Wait for it."
    )
    with exclusively(folder / f".{remote.name}.lock", refusal):
        if not _is_unpacked(folder, remote):
            _fetch_zip(remote, base, target, retry, progress)
            _unpack(remote, target, progress)
        with workspace.storage_errors(target):
            target.unlink(missing_ok=True)
    return folder / remote.name


def _fetch_zip(
    remote: RemoteZip, base: str, target: Path, retry: Retry | None, progress: Progress | None
) -> None:
    check: Check = _check_zip
    if base == FMA_URL:
        check = partial(_check_sha1, remote.sha1)
        come = sum(path.stat().st_size for path in (target, _part(target)) if path.is_file())
        zip_members.check_room(target.parent, max(0, remote.n_bytes - come) + remote.unpacked_bytes)
    fetch(
        base + target.name,
        target,
        max_bytes=remote.max_bytes,
        check=check,
        retry=retry,
        progress=progress,
    )


def _part(target: Path) -> Path:
    return target.with_name(f".{target.name}.part")


def _check_sha1(expected: str, path: Path) -> str | None:
    """What is wrong with a fetched zip, or None; FMA publishes no better sum."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.sha1(usedforsecurity=False)).hexdigest()
    return None if digest == expected else f"its sha1 is {digest[:12]}… instead of {expected[:12]}…"


def _check_zip(path: Path) -> str | None:
    return None if zipfile.is_zipfile(path) else "it isn't a zip, or it was cut short"


def _unpack(remote: RemoteZip, target: Path, progress: Progress | None) -> None:
    folder = target.parent
    try:
        sizes = zip_members.unpack(
            target, folder, wanted=remote.wanted, limits=remote.limits, progress=progress
        )
        lacking = [n for n in remote.needed if f"{remote.name}/{n}" not in sizes]
        if lacking or not sizes:
            raise DamagedZip(
                f"{target.name} holds no {lacking[0] if lacking else 'audio'}. Fetch it again, or "
                "from another address."
            )
    except DamagedZip:
        target.unlink(missing_ok=True)  # or the next try would find it again
        raise
    with workspace.replacing(_marker(folder, remote)) as beside:
        beside.write_text(json.dumps({"sizes": sizes}), encoding="utf-8")


def _marker(folder: Path, remote: RemoteZip) -> Path:
    """What says that all was unpacked, and how large each file is."""
    return folder / f".{remote.name}.json"


def _is_unpacked(folder: Path, remote: RemoteZip) -> bool:
    """Whether all was unpacked before and is still there."""
    try:
        sizes = json.loads(_marker(folder, remote).read_text(encoding="utf-8"))["sizes"]
        return bool(sizes) and all(
            remote.wanted.fullmatch(name) and (folder / name).stat().st_size == size
            for name, size in sizes.items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
