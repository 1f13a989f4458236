"""Where MTG-Jamendo's files lie, and fetching its metadata.

Every address that the package fetches data sets from is here, and each can be overridden.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from genre_engine import workspace
from genre_engine.datasets.fetch import NotThere, Progress, Retry, fetch
from genre_engine.errors import WrongUsage

JAMENDO_METADATA_URL = "https://raw.githubusercontent.com/MTG/mtg-jamendo-dataset/master/data/"
JAMENDO_METADATA_VARIABLE = "GENRE_ENGINE_JAMENDO_METADATA_URL"


@dataclass(frozen=True)
class RemoteFile:
    """A file to fetch.

    Attributes:
        name: under which it is kept.
        paths: where it may lie below the base address; the first that is there is taken.
        sha256: of its content at the usual address; not checked on another one's.
    """

    name: str
    paths: tuple[str, ...]
    sha256: str


def _official(part: str, sha256: str) -> RemoteFile:
    name = f"split-0-autotagging_genre-{part}.tsv"
    return RemoteFile(name, (f"splits/split-0/autotagging_genre-{part}.tsv", name), sha256)


JAMENDO_METADATA = (
    RemoteFile(
        "raw_30s.tsv",
        ("raw_30s.tsv",),
        "4673e71953852a2e6c15ece1db8784cc59c6f1f62914e3850b741e36e01fe784",
    ),
    RemoteFile(
        "autotagging_genre.tsv",
        ("autotagging_genre.tsv",),
        "2b59cf0ba1c447da88858f7f51bdd8b15f791e65330b1710918324543680a998",
    ),
    _official("train", "c1cddb195ef94a07e67e227bf38e2a79389c1820950702b8c8894a2096f21e54"),
    _official("validation", "3e203b4c573db6ec63a06c7066cf678dcf673a68ad5694c8fed22637c270dbcf"),
    _official("test", "cf917388eebfa7d17d363c2fca037e2379ac027e31aa6dbe92e8dbf409ac5098"),
)


def jamendo_metadata(
    to: Path | None = None,
    *,
    base_url: str | None = None,
    retry: Retry | None = None,
    progress: Progress | None = None,
) -> list[Path]:
    """Fetch MTG-Jamendo's tables (CC BY-NC-SA 4.0, Music Technology Group).

    Args:
        to: the folder; the workspace's `jamendo-metadata` by default.
        base_url: another address than the usual one, which the environment variable
            GENRE_ENGINE_JAMENDO_METADATA_URL also sets. Its files' checksums are its own affair.

    Raises:
        DownloadError: a file can't be fetched or isn't what it should be.
        WrongUsage: the address isn't one of the web.
        StorageError: it can't be written.
    """
    base = base_url or os.environ.get(JAMENDO_METADATA_VARIABLE) or JAMENDO_METADATA_URL
    if urlsplit(base).scheme not in ("http", "https") or not urlsplit(base).netloc:
        raise WrongUsage(f"{base!r} is no address of the web. It must begin with http or https.")
    base = base.rstrip("/") + "/"
    folder = workspace.make_folder(to or workspace.metadata_folder())
    usual = base == JAMENDO_METADATA_URL
    fetched = []
    for file in JAMENDO_METADATA:
        paths = file.paths[:1] if usual else file.paths
        target = folder / file.name
        _fetch_first(
            [base + path for path in paths],
            target,
            sha256=file.sha256 if usual else None,
            check=_check_table,
            retry=retry,
            progress=progress,
        )
        fetched.append(target)
    return fetched


def _fetch_first(urls: Sequence[str], target: Path, **options: Any) -> None:
    for url in urls[:-1]:
        with suppress(NotThere):
            fetch(url, target, **options)
            return
    fetch(urls[-1], target, **options)


def _check_table(path: Path) -> str | None:
    """What is wrong with a fetched table, or None: a lying length cuts it off inside a row."""
    with path.open("rb") as file:
        start = file.read(9)
        file.seek(-1, os.SEEK_END)
        end = file.read(1)
    if start != b"TRACK_ID\t":
        return "it doesn't begin as a table of tracks does"
    return None if end == b"\n" else "it ends in the middle of a row"
