"""The demo data set: synthetic clips, so that every part can be tried without a download.

The sound is made by `genre_engine.synthesis.demo_tracks`, which is loaded when it is needed.
"""

import time
from contextlib import suppress
from os import cpu_count
from pathlib import Path

from genre_engine import labels
from genre_engine.datasets import tracks as track_table
from genre_engine.datasets.store import Imported, find_audio
from genre_engine.errors import DatasetError, StorageError
from genre_engine.features import throughput
from genre_engine.storage.progress import Progress

KIND = "demo"
SUMMARY = "Synthetic clips by invented artists, to try every part without a download"


# Core seconds of a clip as long as this machine hasn't made any: measured on one of 2026.
_CLIP_CORE_S = 0.2


def expected_s(tracks: int) -> float:
    """How long it takes to make so many clips here, by what was measured last."""
    known = throughput.read().get(KIND, {})
    return tracks * known.get("core_seconds", _CLIP_CORE_S) / (cpu_count() or 1)


def build(
    folder: Path,
    *,
    tracks: int = 300,
    seed: int = 0,
    progress: Progress | None = None,
    jobs: int | None = None,
) -> tuple[Imported, tuple[str, ...]]:
    """Synthesise the clips into `folder/audio`.

    Raises:
        WrongUsage: too few or far too many tracks are asked for.
        DatasetError: a file of the table wasn't made.
    """
    from genre_engine.synthesis import demo_tracks

    audio = folder / "audio"
    audio.mkdir()
    began = time.perf_counter()
    table = demo_tracks.generate(audio, tracks=tracks, seed=seed, progress=progress, jobs=jobs)
    took_s = time.perf_counter() - began
    cores = min(jobs or cpu_count() or 1, tracks)
    with suppress(StorageError):  # only an estimate depends on it
        throughput.remember(KIND, core_seconds=took_s * cores / tracks, bytes=0.0)
    columns = {
        name: table[name].tolist() if name == "genres" else track_table.nullable(table[name])
        for name in track_table.COLUMNS
        if name in table
    }
    for path in columns.get("path", ()):
        if find_audio(audio, path) is None:
            raise DatasetError(f"The synthesis made no file {path!r}. Try again.")
    imported = Imported(
        track_table.frame(columns),
        source={"tracks": tracks, "seed": seed},
        notes=(demo_tracks.WARNING,),
        licence=demo_tracks.LICENCE,
        extra={"synthetic": True},
    )
    return imported, labels.choose(labels.count(columns["genres"]), "all")
