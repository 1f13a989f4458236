"""Labels that a listener holds to be wrong: `label_marks.json` in a data set's folder.

Marks lie beside the track table and change nothing in it, nor in any run. Tracks in a test part
can't be marked: who corrects test by ear, after having seen what a model says, makes it easier.
"""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from filelock import FileLock

from genre_engine.datasets.store import Dataset
from genre_engine.errors import DatasetError, WrongUsage
from genre_engine.storage import workspace

FILE = "label_marks.json"


@dataclass(frozen=True)
class Mark:
    """One label that looks wrong.

    Attributes:
        carries: whether the track carries the genre now.
        run: the run in which it was noticed.
        time: ISO 8601, UTC.
    """

    track_id: str
    genre: str
    carries: bool
    run: str | None
    time: str


def read(dataset: Dataset) -> list[Mark]:
    """All marks, in their order.

    Raises:
        DatasetError: the file is damaged.
    """
    path = dataset.folder / FILE
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return [Mark(**entry) for entry in stored["marks"]]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DatasetError(
            f"{FILE} of {dataset.name!r} can't be read ({error}). Move it away to begin again."
        ) from error


def mark(
    dataset: Dataset, track_id: str, genre: str, *, part: str, run: str | None = None
) -> list[Mark]:
    """Mark a label, or take the mark away if there is one; all marks after that.

    Args:
        part: where the run had the track.

    Raises:
        WrongUsage: the track is in test, or not in the data set.
        StorageError: the folder can't be written.
    """
    if part == "test":
        raise WrongUsage("Labels of test stay as they are. Mark tracks of validation or train.")
    tracks = dataset.tracks
    found = tracks.index[tracks["track_id"] == track_id]
    if not len(found):
        raise WrongUsage(f"There is no track {track_id!r} in the data set {dataset.name!r}.")
    carries = genre in tracks["genres"].loc[found[0]]
    path = dataset.folder / FILE
    with workspace.storage_errors(path), FileLock(dataset.folder / f".{FILE}.lock"):
        marks = read(dataset)
        kept = [one for one in marks if (one.track_id, one.genre) != (track_id, genre)]
        if len(kept) == len(marks):
            time = datetime.now(UTC).isoformat(timespec="seconds")
            kept.append(Mark(track_id, genre, carries, run, time))
        stored: dict[str, Any] = {"format": 1, "marks": [asdict(one) for one in kept]}
        with workspace.replacing(path) as temporary:
            text = json.dumps(stored, ensure_ascii=False, indent=1)
            temporary.write_text(text + "\n", encoding="utf-8")
    return kept
