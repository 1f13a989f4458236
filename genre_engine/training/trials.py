"""A search's trials on disk: `trials.jsonl`, one line a trial that has ended.

Lines are only ever added. A writer that was killed leaves a line without an end: readers pass over
it, and the next writer ends it before adding its own.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from genre_engine.storage import workspace


@dataclass(frozen=True)
class Trial:
    """One trial that has ended.

    Attributes:
        settings: those that were searched, as JSON has them.
        state: `finished`, `pruned` (given up early) or `failed`.
        score: macro average precision on the early-stopping set; None unless it finished.
        curve: validation AUC by epoch.
        message: why it failed.
    """

    number: int
    settings: Mapping[str, Any]
    state: str
    score: float | None = None
    epochs: int = 0
    seconds: float = 0.0
    curve: Mapping[str, float] = field(default_factory=dict)
    message: str = ""


def read(folder: Path) -> list[Trial]:
    """The trials of a search that have ended, in their order; a torn last line isn't one yet."""
    try:
        lines = (folder / "trials.jsonl").read_text(encoding="utf-8").split("\n")
    except OSError:
        return []
    found = []
    for line in lines:
        try:
            found.append(Trial(**json.loads(line)))
        except (ValueError, TypeError):
            continue
    return found


def best(ended: list[Trial]) -> Trial | None:
    """The one with the highest score; of equal ones the first."""
    scored = [trial for trial in ended if trial.score is not None]
    return max(scored, key=lambda trial: trial.score or 0.0, default=None)


def add(folder: Path, trial: Trial) -> None:
    """Raises StorageError: it can't be written down."""
    line = json.dumps(asdict(trial), allow_nan=False) + "\n"
    path = folder / "trials.jsonl"
    with workspace.storage_errors(path), path.open("a+b") as file:
        if file.tell() and not _ends_line(path):
            file.write(b"\n")  # a killed writer left half a line
        file.write(line.encode())


def _ends_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) == b"\n"
