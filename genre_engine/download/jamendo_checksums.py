"""MTG-Jamendo's lists beside its tables: checksums, licences, byte-identical audio.

    raw_30s_audio-low_sha256_tracks.txt   checksum, a space, 41/241.low.mp3
    raw_30s_audio-low_sha256_tars.txt     checksum, a space, raw_30s_audio-low-41.tar
    raw_30s_audio_sha256_tracks.txt       the same for the full quality: equal sums, equal uploads
    audio_licenses.txt                    blocks of lines: 41/241.mp3; title, artist, address;
                                          "Available under a … license: ADDRESS"

Each may be missing; lines that aren't as they should be are passed over.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from genre_engine.datasets import jamendo
from genre_engine.datasets import tracks as track_table
from genre_engine.download import jamendo_metadata
from genre_engine.storage import workspace

_SUM = re.compile(r"([0-9a-fA-F]{64})[ \t]+\*?(\S+)")
_TRACK = re.compile(r"(?:.*/)?(\d\d/\d+)(?:\.low)?\.mp3")
_CREATIVE_COMMONS = re.compile(
    r"creativecommons\.org/(?:licenses/([a-z-]+)/([\d.]+)|(publicdomain)/(zero|mark))"
)


@dataclass(frozen=True)
class Sums:
    """sha256 of tracks by name (`41/241.low.mp3`) and of archives by number."""

    tracks: dict[str, str] = field(default_factory=dict)
    tars: dict[str, str] = field(default_factory=dict)


def read_sums(metadata: Path) -> Sums:
    """The checksums that are known."""
    folder = metadata if metadata.is_dir() else metadata.parent
    tars = {
        name.removesuffix(".tar").rpartition("-")[2]: digest
        for digest, name in _sums(folder / jamendo_metadata.TAR_SUMS)
    }
    tracks = {name: digest for digest, name in _sums(folder / jamendo_metadata.TRACK_SUMS)}
    return Sums(tracks, tars)


def _sums(path: Path) -> Iterator[tuple[str, str]]:
    for line in _lines(path):
        if found := _SUM.fullmatch(line.strip()):
            yield found[1].lower(), found[2].removeprefix("./")


def read_licences(metadata: Path) -> dict[str, str]:
    """Each track's licence by its path (`41/241.mp3`): its address, or its name where CC's."""
    folder = metadata if metadata.is_dir() else metadata.parent
    found: dict[str, str] = {}
    path = None
    for line in _lines(folder / jamendo_metadata.LICENCES):
        line = line.strip()
        if track := _TRACK.fullmatch(line):
            path = f"{track[1]}.mp3"
        elif path and "://" in line and "licen" in line.casefold():
            found.setdefault(path, _licence(line[line.rindex("http") :].split()[0]))
    return found


def _licence(address: str) -> str:
    known = _CREATIVE_COMMONS.search(address)
    if not known:
        return address
    if known[3]:
        return "CC0 1.0" if known[4] == "zero" else "Public Domain Mark"
    return f"CC {known[1].upper()} {known[2]}"


def write_duplicates(folder: Path) -> None:
    """Make the list of byte-identical audio from the checksums, where it isn't there yet.

    Raises:
        StorageError: it can't be written.
    """
    target = folder / jamendo.DUPLICATES
    source = folder / jamendo_metadata.RAW_SUMS
    if target.exists() or not source.is_file():
        return
    rows = [
        (digest, found[1].partition("/")[2])
        for digest, name in _sums(source)
        if (found := _TRACK.fullmatch(name))
    ]
    times = Counter(digest for digest, _ in rows)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["mp3_sha256", "id"])
    writer.writerows(sorted(row for row in rows if times[row[0]] > 1))
    with workspace.replacing(target) as path:
        path.write_text(text.getvalue(), encoding="utf-8")


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        return []
    data = track_table.read_bytes(path, limit=jamendo.MAX_BYTES)
    return data.decode("utf-8", "replace").splitlines()
