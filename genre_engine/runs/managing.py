"""What is done with runs that are there: rename, note, tag, throw away and take back.

A run that is thrown away lies in the trash, `runs/.trash/<id>`, for `KEPT_DAYS` days; what is older
goes for good when the next run is thrown away, or a job of the app ends. Names in the trash are
free: a run that is taken back while another has its name gets a number.

Whoever changes a run has locked the workspace's runs, so that names stay unique and nobody's note
is lost, whichever process asks. A run may be renamed or noted while it is trained: its trainer
never writes these files.
"""

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from filelock import FileLock

from genre_engine.errors import RunExists, RunMissing
from genre_engine.runs import notes
from genre_engine.runs.notes import Notes
from genre_engine.runs.run import Run
from genre_engine.runs.store import free_name, taken_names
from genre_engine.storage import lock, owners, workspace

KEPT_DAYS = 7
_DAY_S = 86_400


def rename(run: Run, name: str) -> Run:
    """Give a run another name; its id stays.

    Raises:
        RunExists: another run has the name, or the id.
        RunMissing: it was removed meanwhile.
        RunError: its config is damaged.
        WrongUsage: the name can't be one.
        Refused: where visitors share a server, it isn't whoever asks'.
        StorageError: the workspace can't be written.
    """
    name = workspace.check_name(name.strip())
    with _changing(run):
        config = Run(run.folder).config
        if name != config.name:
            if name in taken_names() - {run.id}:
                raise RunExists(f"There is a run {name!r} already. Choose another name.")
            run.write_json("config.json", replace(config, name=name).to_dict())
    return Run(run.folder)


def annotate(run: Run, *, note: str | None = None, tags: Sequence[str] | None = None) -> Notes:
    """Write a run's note or its tags, each in place of what was there; None leaves it.

    Raises:
        WrongUsage: the note is too long, or one of the tags can't be one.
        RunMissing, Refused, StorageError: as `rename`.
    """
    checked = None if note is None else notes.check_note(note)
    wanted = None if tags is None else notes.check_tags(tags)
    with _changing(run):
        found = notes.read(run.folder)
        return _write(run, found, checked, wanted)


def tag(run: Run, added: Sequence[str] = (), removed: Sequence[str] = ()) -> Notes:
    """Put tags on a run and take others away, by whatever capitals; those it has already stay.

    Raises:
        as `annotate`.
    """
    gone = {word.casefold() for word in notes.check_tags(removed)}
    notes.check_tags(added)
    with _changing(run):
        found = notes.read(run.folder)
        kept = [word for word in found.tags if word.casefold() not in gone]
        return _write(run, found, None, notes.check_tags([*kept, *added]))


def _write(run: Run, found: Notes, note: str | None, tags: tuple[str, ...] | None) -> Notes:
    made = Notes(found.note if note is None else note, found.tags if tags is None else tags)
    if made != found:
        run.write_json(notes.FILE, {"note": made.note, "tags": list(made.tags)})
    return made


def discard(run: Run) -> None:
    """Throw a run away: it can be taken back for `KEPT_DAYS` days.

    Raises:
        RunError: it is being trained.
        RunMissing, Refused, StorageError: as `rename`.
    """
    refusal = f"The run {run.name!r} is being trained. Cancel it first, then remove it."
    empty_trash()
    with _changing(run), lock.hold(run.folder, refusal):
        with suppress(OSError):  # from now on its days are counted
            os.utime(run.folder, follow_symlinks=False)
        os.replace(run.folder, workspace.make_folder(_trash()) / run.id)


def trash() -> list[Run]:
    """What was thrown away and can be taken back, the latest first, as far as whoever asks may
    change it."""
    found = [Run(place) for place in _thrown_away()]
    found.sort(key=lambda run: _thrown_away_at(run.folder), reverse=True)
    return [run for run in found if owners.may_change(run.folder)]


def restore(id_or_name: str) -> Run:
    """Take a run back from the trash, the latest of that name.

    Where its name is taken meanwhile it gets a number.

    Raises:
        RunMissing: there is none in the trash.
        Refused, StorageError: as `rename`.
    """
    with _locked() as folder:
        found = [run for run in trash() if id_or_name in (run.id, run.name)]
        if not found:
            there = ", ".join(run.name for run in trash())
            raise RunMissing(
                f"There is no run {id_or_name!r} in the trash. "
                + (f"There are: {there}." if there else "It is empty.")
            )
        run = found[0]
        if run.error is None and run.name in (taken := taken_names()):
            config = replace(run.config, name=free_name(run.name, taken))
            run.write_json("config.json", config.to_dict())
        os.replace(run.folder, folder / run.id)
    return Run(folder / run.id)


def empty_trash(days: float = KEPT_DAYS) -> list[str]:
    """Remove for good what was thrown away so many days ago or longer; returns the ids.

    Raises:
        StorageError: the workspace can't be written.
    """
    removed: list[str] = []
    if not _thrown_away():
        return removed
    with _locked():
        for place in _thrown_away():
            if time.time() - _thrown_away_at(place) >= days * _DAY_S:
                _remove(place)
                removed.append(place.name)
    return removed


def _remove(place: Path) -> None:
    if place.is_symlink():
        place.unlink()
    else:
        shutil.rmtree(place, ignore_errors=True)


def _trash() -> Path:
    return workspace.runs_folder() / ".trash"


def _thrown_away() -> list[Path]:
    folder = _trash()
    return [place for place in folder.iterdir() if place.is_dir()] if folder.is_dir() else []


def _thrown_away_at(place: Path) -> float:
    with suppress(OSError):
        return place.lstat().st_mtime
    return 0.0


@contextmanager
def _locked() -> Iterator[Path]:
    folder = workspace.make_folder(workspace.runs_folder())
    with workspace.storage_errors(folder), FileLock(folder / ".lock"):
        yield folder


@contextmanager
def _changing(run: Run) -> Iterator[None]:
    owners.check_own(owners.owner(run.folder).visit, f"The run {run.name!r}")
    with _locked():
        if not run.folder.is_dir():
            raise RunMissing(f"The run {run.name!r} was removed meanwhile.")
        yield
