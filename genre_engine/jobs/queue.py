"""Who is next, who may start, and how those ended that can't say it themselves.

Whoever decides has locked the workspace's jobs, so two servers, or a server and a command line,
agree. A place is taken by a living process that has locked its job; a run that the command line
trains takes one too.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from genre_engine.errors import GenreEngineError, WrongUsage
from genre_engine.jobs import kinds, record
from genre_engine.jobs.job import Job, end_of_log, everything, read, submitted
from genre_engine.jobs.record import State
from genre_engine.storage import lock

TRAININGS = "GENRE_ENGINE_TRAININGS"
_MOST_TRAININGS = 64
_PLACES = {"extraction": 1, "download": 1, "dataset": 2, "library": 1}

# Ended jobs that are kept to be shown.
_KEPT = 50


def places(pool: str) -> int:
    """How many may run at a time.

    Raises:
        WrongUsage: the environment variable isn't a sensible number.
    """
    if pool in _PLACES:
        return _PLACES[pool]
    given = os.environ.get(TRAININGS) or "1"
    if not given.isdecimal() or not 1 <= int(given) <= _MOST_TRAININGS:
        raise WrongUsage(
            f"{TRAININGS} is how many trainings may run at a time, from 1 to {_MOST_TRAININGS}, "
            f"not {given!r}. Correct it, or leave it out for one."
        )
    return int(given)


def startable() -> list[Job]:
    """The queued jobs for which there is a place now, in their order."""
    found = everything()
    free = {pool: places(pool) for pool in kinds.POOLS}
    for job in found:
        if job.status == "running":
            free[job.pool] -= 1
    first = []
    for job in found:
        if job.status == "queued" and free[job.pool] > 0:
            free[job.pool] -= 1
            first.append(job)
    return first


@contextmanager
def claimed(job_id: str) -> Iterator[Job | None]:
    """Take a place for a job and keep it; None if it may not start now, and then its note says so.

    Raises:
        StorageError: the workspace can't be written.
    """
    with record.deciding() as folder:
        chosen = next((job for job in startable() if job.id == job_id), None)
        if chosen is None:
            _note_waiting(folder / job_id)
            yield None
            return
        locked = ExitStack()
        refusal = f"{chosen.title}: another process works on it already."
        locked.enter_context(lock.hold(chosen.folder, refusal))
        state = record.read_state(chosen.folder)
        record.write_state(
            chosen.folder, replace(state, status="running", message="", note="Starting")
        )
    with locked:
        yield chosen


def _note_waiting(folder: Path) -> None:
    state = record.read_state(folder)
    if state.status == "queued":
        with suppress(GenreEngineError):
            note = "Another one took the last place, so this one waits for its turn."
            record.write_state(folder, replace(state, note=note))


def record_end(job_id: str, cause: str, started: float = 0.0) -> None:
    """Say how a job ended whose process can't say it any more, where it isn't said already.

    Args:
        cause: in words.
        started: when that process was started. What still waits and waited then has crashed before
            it could even take its place.
    """
    with record.deciding() as folder, suppress(GenreEngineError):
        job = read(folder / job_id)
        if lock.is_held(job.folder):
            return
        state = record.read_state(job.folder)
        if _has_died(job, state, started):
            said = " ".join(filter(None, (cause, end_of_log(job))))
            if record.asked(job.folder) == "cancel":
                record.conclude(job.folder, "cancelled", "Cancelled.")
            else:
                record.conclude(job.folder, "failed", said)
        kind = kinds.kind(job.kind)
        if kind.clear is not None and read(job.folder).status != "finished":
            kind.clear(kind.request(job.request))


def _has_died(job: Job, state: State, started: float) -> bool:
    """Whether it is stored nowhere how a job ended that no process works on."""
    run = job.run()
    if run is not None and run.recorded().status != "queued":
        return run.recorded().status == "running" and not run.alive
    return state.status == "running" or (state.status == "queued" and state.queued_at < started)


def reconcile() -> None:
    """Say of those that a server left when it ended how they ended."""
    for job in submitted():
        if job.status in ("paused", "cancelled", "failed"):
            _take_over(job)
            record_end(job.id, "The server ended, and this with it.")


def _take_over(job: Job) -> None:
    """Earlier versions said of a training that had begun how its process ended in state.json."""
    state, run = record.read_state(job.folder), job.run()
    if run is None or state.status not in ("paused", "cancelled", "failed"):
        return
    if run.recorded().status == "running":
        with suppress(GenreEngineError):
            run.conclude(state.status, state.message)


def clear_ended() -> None:
    """Forget the oldest of those that have ended, and what was uploaded for any of them."""
    with record.deciding():
        ended = [job for job in submitted() if not job.busy]
        ended.sort(key=lambda job: (job.created, job.id), reverse=True)
        for number, job in enumerate(ended):
            if number >= _KEPT or (job.run_id and job.run() is None):
                shutil.rmtree(job.folder, ignore_errors=True)
            elif not job.resumable:
                record.remove_files(job)
