"""The runs of the workspace: create, open, list and remove them."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path

from filelock import FileLock

from genre_engine.errors import RunError, RunExists, RunMissing
from genre_engine.runs.config import ORIGINS, Config
from genre_engine.runs.journal import Journal
from genre_engine.runs.run import Run, now
from genre_engine.storage import lock, owners, workspace

# Of a name, as `workspace.check_name` has it.
_MOST_SIGNS = 64


def create(config: Config, origin: str = "python") -> Run:
    """Store a new run, queued. A config without a name gets one that says what it is.

    Raises:
        RunExists: the name is taken.
        WrongUsage: the name can't be one.
        StorageError: the workspace can't be written.
    """
    if origin not in ORIGINS:
        raise ValueError(f"no such origin: {origin!r}")
    folder = workspace.make_folder(workspace.runs_folder())
    if config.name:
        workspace.check_name(config.name)
    with workspace.storage_errors(folder), FileLock(folder / ".lock"):
        taken = taken_names()
        if config.name in taken:
            raise RunExists(
                f"There is a run {config.name!r} already, and it stays as it is. Choose another "
                f"name, or remove it first with `remove {config.name}`."
            )
        name = config.name or _free_name(config, taken)
        made = replace(config, id=_new_id(taken), name=name, created=now(), origin=origin)
        with workspace.replacing(folder / made.id) as room:
            room.mkdir()
            run = Run(room)
            run.write_json("config.json", made.to_dict())
            events = Journal(room)
            events.write("status", status="queued", message="")
            events.close()
            owners.mark(room)
    return Run(folder / made.id)


def open_run(id_or_name: str, *, damaged: bool = False) -> Run:
    """The run of an id or a name.

    Args:
        damaged: return it even if its config can't be read.

    Raises:
        RunMissing: there is none, or several have the name.
        RunError: it is damaged.
    """
    runs = listing()
    found = [run for run in runs if run.id == id_or_name]
    found = found or [run for run in runs if run.name == id_or_name]
    if len(found) > 1:
        raise RunMissing(
            f"{len(found)} runs are called {id_or_name!r}. Name one by its id: "
            f"{', '.join(run.id for run in found)}."
        )
    if not found:
        raise RunMissing(f"There is no run {id_or_name!r}. {_offer(id_or_name, runs)}")
    if found[0].error and not damaged:
        raise RunError(found[0].error)
    return found[0]


def listing() -> list[Run]:
    """All runs, newest first; those that can't be read have their `error`.

    Where visitors share a server, those that whoever asks may see.
    """
    return [run for run in _all() if owners.may_see(run.folder)]


def taken_names() -> set[str]:
    """All ids and names that a new run can't have."""
    return {name for run in _all() for name in (run.id, run.name)}


def _all() -> list[Run]:
    folder = workspace.runs_folder()
    if not folder.is_dir():
        return []
    places = [place for place in folder.iterdir() if place.is_dir() and place.name[0] != "."]
    return [Run(place) for place in sorted(places, key=lambda place: place.name, reverse=True)]


def remove(run: Run) -> None:
    """Remove a run with all that lies in its folder.

    Raises:
        RunError: it is being trained.
        Refused: where visitors share a server, it isn't whoever asks'.
        StorageError: it can't be removed.
    """
    owners.check_own(owners.owner(run.folder).visit, f"The run {run.name!r}")
    refusal = f"The run {run.name!r} is being trained. Cancel it first, then remove it."
    with workspace.storage_errors(run.folder):
        if run.folder.is_symlink():
            run.folder.unlink()
            return
        # Out of sight in one step, so that no half of it is ever listed.
        room = Path(tempfile.mkdtemp(prefix=f".{run.id}-", dir=run.folder.parent))
        try:
            with lock.hold(run.folder, refusal):
                os.replace(run.folder, room / run.id)
        finally:
            shutil.rmtree(room, ignore_errors=True)


def _new_id(taken: set[str]) -> str:
    """Sortable by time; the random end parts runs of the same second."""
    while True:
        made = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        if made not in taken:
            return made


def _free_name(config: Config, taken: set[str]) -> str:
    kind = config.features.get("kind", "summary")
    stem = "-".join((config.dataset, config.model, *([] if kind == "summary" else [kind])))[:56]
    return free_name(stem, taken)


def free_name(wanted: str, taken: Collection[str]) -> str:
    """A name, with a number where it is taken already.

    >>> free_name("demo-fcn", {"demo-fcn", "demo-fcn-2"})
    'demo-fcn-3'
    """
    number, name = 1, wanted
    while name in taken:
        number += 1
        name = f"{wanted[: _MOST_SIGNS - len(str(number)) - 1]}-{number}"
    return name


def _offer(name: str, runs: list[Run]) -> str:
    names = [run.name for run in runs]
    if not names:
        return "There is none yet: train one with `train NAME`."
    near = get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f"Did you mean {near[0]!r}?"
    return f"There are: {', '.join(names[:20])}{' and more' if len(names) > 20 else ''}."
