"""How much visitors of a shared server may store, and what goes when that is used up.

What visitors threw away goes first, then their oldest things. What is in use stays: what a process
works on, what a job that runs or waits needs (its run, its data set with the feature stores in it),
and what belongs to nobody. Room is made when a job is accepted, with the queue locked, so that no
job can be accepted meanwhile for what is being removed.
"""

import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from genre_engine import datasets, runs
from genre_engine.errors import GenreEngineError, Refused
from genre_engine.jobs import hosted, kinds, record
from genre_engine.jobs.job import everything
from genre_engine.runs import Run
from genre_engine.storage import lock, owners, workspace

VARIABLE = "GENRE_ENGINE_QUOTA_MB"
QUOTA_MB = 500.0


def make_room() -> list[str]:
    """Remove the oldest things of visitors until the rest is within the quota.

    Returns:
        the names of what was removed.

    Raises:
        StorageError: the workspace can't be written.
    """
    if not hosted.active():
        return []
    with record.deciding(), owners.as_engine():
        return _make_room(_quota_mb() * 1e6)


def admit(folder: Path) -> None:
    """Make room for what a visitor has brought; where that isn't enough, it goes again.

    Raises:
        Refused: it is larger than what visitors may store.
        StorageError: the workspace can't be written.
    """
    if not hosted.active():
        return
    quota = _quota_mb()
    with record.deciding(), owners.as_engine():
        _make_room(quota * 1e6, keep=folder)
        if (size := _size(folder)) > quota * 1e6:
            _remove(folder)
            raise Refused(
                f"This server is shared: visitors store at most {quota:,.0f} MB, and this takes "
                f"{size / 1e6:,.1f}. Use it on your own computer."
            )


def _quota_mb() -> float:
    try:
        return float(os.environ.get(VARIABLE) or QUOTA_MB)
    except ValueError:
        return QUOTA_MB


def _make_room(quota: float, keep: Path | None = None) -> list[str]:
    sizes = {place: _size(place) for place in _places()}
    total = sum(sizes.values())
    removed: list[str] = []
    theirs = [place for place in sizes if owners.owner(place).visit]
    thrown = set(_places_in_trash())
    theirs.sort(key=lambda place: (place not in thrown, (place / owners.FILE).stat().st_mtime))
    if total <= quota or not theirs:
        return removed
    used = in_use()
    for place in theirs:
        if total <= quota:
            break
        if place in used or place == keep:
            continue
        with suppress(GenreEngineError):  # a process has begun to train it
            _remove(place)
            total -= sizes[place]
            removed.append(place.name)
    return removed


def in_use() -> set[Path]:
    """The folders of runs and data sets that something needs now."""
    used: set[Path] = set()
    trained: list[Run] = []
    for job in everything():
        if not job.busy:
            continue
        if (name := kinds.dataset_of(job)) is not None:
            used.add(workspace.datasets_folder() / name)
        if (run := job.run()) is not None:
            trained.append(run)
        if (needed := kinds.run_of(job)) is not None:
            with suppress(GenreEngineError):
                trained.append(runs.open(needed))
    trained += [run for run in runs.listing() if run.alive]
    for run in trained:
        used.add(run.folder)
        if run.error is None:
            used.add(workspace.datasets_folder() / run.config.dataset)
    return used | {place for place in _folders(workspace.datasets_folder()) if _written(place)}


def _written(dataset: Path) -> bool:
    """Whether a process writes to a feature store of a data set, or fetches its audio."""
    places = [*_folders(dataset / "features"), dataset / "download"]
    return any(lock.is_held(place, name=".lock") for place in places)


def _remove(place: Path) -> None:
    if place.parent == workspace.runs_folder() or place in _places_in_trash():
        runs.remove(Run(place))
    elif (place / "dataset.json").is_file():
        datasets.remove(place.name)
    else:
        shutil.rmtree(place, ignore_errors=True)


def _places() -> Iterable[Path]:
    yield from _folders(workspace.runs_folder())
    yield from _folders(workspace.datasets_folder())
    yield from _places_in_trash()


def _places_in_trash() -> list[Path]:
    return [run.folder for run in runs.trash()]


def _folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [place for place in folder.iterdir() if place.is_dir() and place.name[0] != "."]


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += path.lstat().st_size
    return total
