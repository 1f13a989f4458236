"""What the pretrained networks say of a data set's tracks, kept in one file:

track_ids  str [n]
wide, ten  float32 [n, genres]    the scores of both views; NaN where a track can't be analysed
names      str, JSON              the genres of each view, and the networks that took part
"""

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from genre_engine.prediction.analysis import Analysis
from genre_engine.storage import workspace

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Kept:
    """What the networks said of tracks.

    Attributes:
        rows: by track the scores of both views; empty or NaN where it can't be analysed.
        wide, ten: the genres of these views, as far as the networks know them.
        networks: those that took part.
    """

    rows: dict[str, tuple[Floats, Floats]]
    wide: tuple[str, ...] = ()
    ten: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()


def added(kept: Kept, track: str, analysis: Analysis | None) -> Kept:
    """With a further track; None for one that can't be analysed."""
    if analysis is None:
        lacking = (np.full(len(kept.wide), np.nan, np.float32),) * 2
        return Kept(kept.rows | {track: lacking}, kept.wide, kept.ten, kept.networks)
    wide, ten = analysis.views["wide"], analysis.views["ten"]
    now = (wide.genres, ten.genres, analysis.networks)
    # With other networks than before all is to be done again.
    same = not kept.networks or now == (kept.wide, kept.ten, kept.networks)
    rows = kept.rows if same else {}
    rows = rows | {track: (wide.song.astype(np.float32), ten.song.astype(np.float32))}
    return Kept(rows, *now)


def read(path: Path) -> Kept:
    """What is kept; nothing where it is damaged, for it can be made again."""
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            ids, wide, ten = (file[name] for name in ("track_ids", "wide", "ten"))
            names = json.loads(str(file["names"]))
        kinds = [tuple(map(str, names[key])) for key in ("wide", "ten", "networks")]
        if wide.shape != (len(ids), len(kinds[0])) or ten.shape != (len(ids), len(kinds[1])):
            raise ValueError("of another shape")
        rows = {str(track): (wide[row], ten[row]) for row, track in enumerate(ids)}
        return Kept(rows, *kinds)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return Kept({})


def write(path: Path, kept: Kept) -> None:
    """Raises StorageError if it can't be written."""
    ids = list(kept.rows)

    def columns(place: int, names: tuple[str, ...]) -> Floats:
        found = np.full((len(ids), len(names)), np.nan, np.float32)
        for row, track in enumerate(ids):
            if len(kept.rows[track][place]) == len(names):
                found[row] = kept.rows[track][place]
        return found

    names = {"wide": kept.wide, "ten": kept.ten, "networks": kept.networks}
    with workspace.replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(
            file,
            track_ids=np.asarray(ids, str),
            wide=columns(0, kept.wide),
            ten=columns(1, kept.ten),
            names=np.asarray(json.dumps(names)),
        )
