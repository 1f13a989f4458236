"""Where MTG-Jamendo's files lie, and fetching its metadata.

Every address of MTG-Jamendo is here, and each can be overridden. Audio is the low-quality set,
`audio-low`: one MP3 a track, and the same in 100 archives, one for each last two digits of the
tracks' ids.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genre_engine.errors import DownloadError
from genre_engine.storage import workspace
from genre_engine.web.fetch import NotThere, Progress, Retry, fetch, web_address

JAMENDO_METADATA_URL = "https://raw.githubusercontent.com/MTG/mtg-jamendo-dataset/master/data/"
JAMENDO_METADATA_VARIABLE = "GENRE_ENGINE_JAMENDO_METADATA_URL"
JAMENDO_AUDIO_URL = "https://cdn.freesound.org/mtg-jamendo/raw_30s/"
JAMENDO_AUDIO_VARIABLE = "GENRE_ENGINE_JAMENDO_AUDIO_URL"

# audio-low has 156 GB for the 13,599,100 s of raw_30s.tsv.
AUDIO_BYTES = 156e9
AUDIO_BYTES_PER_S = AUDIO_BYTES / 13_599_100
TARS = tuple(f"{number:02d}" for number in range(100))


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

# The official splits besides split 0, below the metadata's address and below the folder alike. They
# are known by their places only.
JAMENDO_SPLITS = tuple(
    tuple(
        f"splits/split-{number}/autotagging_genre-{part}.tsv"
        for part in ("train", "validation", "test")
    )
    for number in range(1, 5)
)

TRACK_SUMS = "raw_30s_audio-low_sha256_tracks.txt"
TAR_SUMS = "raw_30s_audio-low_sha256_tars.txt"
RAW_SUMS = "raw_30s_audio_sha256_tracks.txt"
LICENCES = "audio_licenses.txt"


@dataclass(frozen=True)
class RemoteList:
    """A list that helps with the audio and may be missing: where it may lie, and what it is for."""

    name: str
    paths: tuple[str, ...]
    purpose: str


JAMENDO_LISTS = (
    RemoteList(
        TRACK_SUMS, (f"download/{TRACK_SUMS}", TRACK_SUMS), "what the tracks' checksums are"
    ),
    RemoteList(TAR_SUMS, (f"download/{TAR_SUMS}", TAR_SUMS), "what the archives' checksums are"),
    RemoteList(RAW_SUMS, (f"download/{RAW_SUMS}", RAW_SUMS), "which tracks are byte-identical"),
    RemoteList(LICENCES, (f"../{LICENCES}", LICENCES), "what the tracks' licences are"),
)


def track_url(base: str, file: str) -> str:
    """Where a track's file lies, from its name below the audio folder (`41/241.low.mp3`)."""
    return f"{base}audio-low/{file}"


def tar_url(base: str, number: str) -> str:
    """Where an archive lies."""
    return f"{base}audio-low/{tar_name(number)}"


def tar_name(number: str) -> str:
    return f"raw_30s_audio-low-{number}.tar"


def audio_base(base_url: str | None = None) -> str:
    """The address below which the audio lies, with a slash at its end.

    Args:
        base_url: another address than the usual one, which the environment variable
            GENRE_ENGINE_JAMENDO_AUDIO_URL also sets.

    Raises:
        WrongUsage: the address isn't one of the web.
    """
    return web_address(base_url or os.environ.get(JAMENDO_AUDIO_VARIABLE) or JAMENDO_AUDIO_URL)


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
    base = _metadata_base(base_url)
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


def have_metadata(folder: Path | None = None) -> bool:
    """Whether the tables are there, as far as a look at the folder shows."""
    place = folder or workspace.metadata_folder()
    return all((place / file.name).is_file() for file in JAMENDO_METADATA)


def jamendo_splits(
    to: Path | None = None,
    *,
    base_url: str | None = None,
    retry: Retry | None = None,
    progress: Progress | None = None,
) -> list[Path]:
    """Fetch the official splits 1 to 4 (23 MB), those that the server has whole; arguments and
    errors as for `jamendo_metadata`.

    Returns:
        The tables that are there.
    """
    base = _metadata_base(base_url)
    folder = workspace.make_folder(to or workspace.metadata_folder())
    there = []
    for places in JAMENDO_SPLITS:
        with suppress(NotThere):
            for place in places:
                fetch(
                    base + place, folder / place, check=_check_table, retry=retry, progress=progress
                )
            there += [folder / place for place in places]
    return there


def jamendo_lists(
    to: Path | None = None,
    *,
    base_url: str | None = None,
    retry: Retry | None = None,
    progress: Progress | None = None,
) -> list[str]:
    """Fetch the lists that help with the audio; arguments as for `jamendo_metadata`.

    None of them is needed, so what can't be fetched is only reported.

    Returns:
        Sentences about those.
    """
    base = _metadata_base(base_url)
    folder = workspace.make_folder(to or workspace.metadata_folder())
    notes = []
    for item in JAMENDO_LISTS:
        if (folder / item.name).is_file():
            continue
        try:
            _fetch_first(
                [base + path for path in item.paths],
                folder / item.name,
                check=_check_list,
                retry=retry or Retry(attempts=2),
                progress=progress,
            )
        except NotThere:
            notes.append(f"There is no list {item.name} here, so it isn't known {item.purpose}.")
        except DownloadError as error:
            notes.append(f"Without {item.name}, it isn't known {item.purpose}: {error}")
            break  # the next would wait as long for the same network
    return notes


def _metadata_base(base_url: str | None) -> str:
    return web_address(
        base_url or os.environ.get(JAMENDO_METADATA_VARIABLE) or JAMENDO_METADATA_URL
    )


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


def _check_list(path: Path) -> str | None:
    with path.open("rb") as file:
        start = file.read(200)
    return "it is a page of the web" if start.lstrip().startswith(b"<") else None
