"""The demo data set: synthetic clips, so that every part can be tried without a download.

The sound is made by `genre_engine.synthesis.demo_tracks`, which is loaded when it is needed.
"""

from pathlib import Path

from genre_engine import labels
from genre_engine.datasets import tracks as track_table
from genre_engine.datasets.store import Imported, find_audio
from genre_engine.errors import DatasetError
from genre_engine.storage.progress import Progress

KIND = "demo"
SUMMARY = "Synthetic clips by invented artists, to try every part without a download"


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
    table = demo_tracks.generate(audio, tracks=tracks, seed=seed, progress=progress, jobs=jobs)
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
