"""The demo data set: synthetic clips, so that every part can be tried without a download.

The sound is made by `genre_engine.datasets.demo`, which is loaded when it is needed.
"""

from pathlib import Path, PurePosixPath

from genre_engine import labels
from genre_engine.datasets import tracks as track_table
from genre_engine.datasets.store import Imported, Progress

KIND = "demo"
SUMMARY = "Synthetic clips by invented artists, to try every part without a download"
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
    """
    from genre_engine.datasets import demo

    table = demo.generate(folder, tracks=tracks, seed=seed, progress=progress, jobs=jobs)
    columns = {
        name: table[name].tolist() if name == "genres" else track_table.nullable(table[name])
        for name in track_table.COLUMNS
    }
    # The track table's paths lie below the audio folder.
    columns["path"] = [str(PurePosixPath(path).relative_to("audio")) for path in columns["path"]]
    imported = Imported(
        track_table.frame(columns),
        source={"tracks": tracks, "seed": seed},
        notes=(NOTE,),
        licence=demo.LICENCE,
        extra={"synthetic": True},
    )
    return imported, labels.choose(labels.count(columns["genres"]), "all")
