"""The demo data set: synthetic clips, so that every part can be tried without a download.

The sound is made by `genre_engine.datasets.demo`, which is loaded when it is needed.
"""

import importlib
from pathlib import Path

from genre_engine import labels
from genre_engine.datasets import tracks as track_table
from genre_engine.datasets.store import Imported, Progress, find_audio
from genre_engine.errors import DatasetError, WrongUsage

KIND = "demo"
SUMMARY = "Synthetic clips by invented artists, to try every part without a download"
GENERATOR = "genre_engine.datasets.demo"
NOTE = (
    "Synthetic music, made by this program. It is for trying things out; scores on it say nothing "
    "about real music."
)


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
        WrongUsage: no tracks are asked for, or far too many.
        DatasetError: a file of the table wasn't made.
    """
    if not 10 <= tracks <= 20_000:
        raise WrongUsage(f"{tracks} tracks: ask for 10 to 20000.")
    generator = importlib.import_module(GENERATOR)
    audio = folder / "audio"
    audio.mkdir()
    table = generator.generate(audio, tracks=tracks, seed=seed, progress=progress, jobs=jobs)
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
        notes=(NOTE,),
        extra={"synthetic": True},
    )
    return imported, labels.choose(labels.count(columns["genres"]), "all")
