"""Who waits, who is next, and who may start.

Whatever decides holds the lock of the workspace's jobs, so two servers, or a server and a command
line, agree. A place is taken by a living process that holds its job's lock; a run that the command
line trains takes one too.
"""

import logging
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

from genre_engine.errors import GenreEngineError, JobError, WrongUsage
from genre_engine.jobs import job as jobs_on_disk
from genre_engine.jobs.job import POOLS, Job, State
from genre_engine.storage import lock as run_lock
from genre_engine.storage import workspace

_log = logging.getLogger(__name__)

TRAININGS = "GENRE_ENGINE_TRAININGS"
_MOST_TRAININGS = 64
_PLACES = {"extraction": 1, "download": 1, "dataset": 2}

# Ended jobs that are kept to be looked at.
_KEPT = 50

# Called after a change of the queue, so that a supervisor here needn't wait for its tick.
changed: list[Callable[[], None]] = []


def places(pool: str) -> int:
    """How many may run at a time.

    Raises:
        WrongUsage: the environment variable isn't a sensible number.
    """
    if pool in _PLACES:
        return _PLACES[pool]
    told = os.environ.get(TRAININGS) or "1"
    if not told.isdecimal() or not 1 <= int(told) <= _MOST_TRAININGS:
        raise WrongUsage(
            f"{TRAININGS} is how many trainings may run at a time, from 1 to {_MOST_TRAININGS}, "
            f"not {told!r}. Correct it, or leave it out for one."
        )
    return int(told)


@contextmanager
def deciding() -> Iterator[Path]:
    """The folder of all jobs, with its lock held."""
    folder = workspace.make_folder(workspace.jobs_folder())
    with workspace.storage_errors(folder / ".lock"):
        lock = FileLock(folder / ".lock")
        lock.acquire()
    try:
        yield folder
    finally:
        lock.release()


def listing() -> list[Job]:
    """All jobs: running ones, then those that wait in their order, then those that have ended, the
    newest first. A run that is trained without having been submitted is among them."""
    found = [*_submitted(), *_unsubmitted()]
    running = [job for job in found if job.status == "running"]
    queued = sorted(
        (job for job in found if job.status == "queued"), key=lambda job: (job.queued_at, job.id)
    )
    ended = [job for job in found if not job.busy]
    ahead = dict.fromkeys(POOLS.values(), 0)
    numbered = []
    for job in queued:
        ahead[job.pool] += 1
        numbered.append(replace(job, position=ahead[job.pool]))
    running.sort(key=lambda job: (job.queued_at, job.id))
    ended.sort(key=lambda job: (job.created, job.id), reverse=True)
    return [*running, *numbered, *ended]


def open_job(job_id: str) -> Job:
    """The job of an id.

    Raises:
        JobError: there is none.
    """
    for job in listing():
        if job.id == job_id:
            return job
    raise JobError(f"There is no job {job_id!r} any more. Look at the list of those there are.")


def of_run(run_id: str) -> Job | None:
    """The job that trains, or last trained, a run."""
    return next((job for job in listing() if job.run_id == run_id), None)


def _submitted() -> list[Job]:
    folder = workspace.jobs_folder()
    found = []
    if folder.is_dir():
        for place in folder.iterdir():
            if place.name[0] != ".":
                with suppress(JobError):  # removed while this looked
                    found.append(jobs_on_disk.read(place))
    return found


def _unsubmitted() -> Iterator[Job]:
    folder = workspace.runs_folder()
    if not folder.is_dir():
        return
    known = {job.run_id for job in _submitted() if job.status == "running"}
    for place in folder.iterdir():
        if place.name[0] != "." and place.name not in known and run_lock.is_held(place):
            yield jobs_on_disk.of_running_run(place)


def startable() -> list[Job]:
    """The queued jobs for which there is a place now, in their order."""
    found = listing()
    free = {pool: places(pool) for pool in set(POOLS.values())}
    for job in found:
        if job.status == "running":
            free[job.pool] -= 1
    return [job for job in found if job.position and job.position <= free[job.pool]]


@contextmanager
def claimed(job_id: str) -> Iterator[Job | None]:
    """Take a place for a job and hold it; None if it may not start now, and then that is said."""
    with deciding() as folder:
        chosen = next((job for job in startable() if job.id == job_id), None)
        if chosen is None:
            _say_waiting(folder / job_id)
            yield None
            return
        held = ExitStack()
        refusal = f"{chosen.title}: another process works on it already."
        held.enter_context(run_lock.hold(chosen.folder, refusal))
        state = jobs_on_disk.read_state(chosen.folder)
        jobs_on_disk.write_state(
            chosen.folder, replace(state, status="running", message="", note="Starting")
        )
    with held:
        yield chosen


def _say_waiting(folder: Path) -> None:
    state = jobs_on_disk.read_state(folder)
    if state.status == "queued":
        with suppress(GenreEngineError):
            note = "Another one took the last place, so this one waits for its turn."
            jobs_on_disk.write_state(folder, replace(state, note=note))


def add(
    kind: str,
    title: str,
    request: dict[str, Any],
    *,
    owner: str = "",
    minutes: float | None = None,
    run_id: str | None = None,
    files: Mapping[str, tuple[str, bytes]] | None = None,
) -> Job:
    """Store a job at the queue's end."""
    now = time.time()
    job_id = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    request = dict(request)
    with deciding() as folder, workspace.replacing(folder / job_id) as room:
        room.mkdir()
        for key, (name, data) in (files or {}).items():
            (room / "files").mkdir(exist_ok=True)
            # Only the last part of a name that came with an upload, so that it stays inside.
            safe = Path(name.replace("\\", "/")).name or "upload"
            (room / "files" / safe).write_bytes(data)
            request[key] = str(folder / job_id / "files" / safe)
        fixed = {"format": jobs_on_disk.FORMAT, "kind": kind, "title": title, "created": now}
        jobs_on_disk.write_json(
            room / "job.json",
            {**fixed, "request": request, "owner": owner, "minutes": minutes},
        )
        jobs_on_disk.write_state(room, State(queued_at=now, run=run_id))
    _tell()
    return open_job(job_id)


def wish(job_id: str, what: str) -> Job:
    """Ask a job to pause or to end."""
    with deciding():
        job = open_job(job_id)
        if not job.busy:
            raise JobError(f"{job.title}: it isn't running, it is {job.status}.")
        if what == "pause" and not job.pausable:
            raise JobError(f"{job.title}: this can't be paused. Cancel it, or let it finish.")
        if not job.own_folder:  # the command line trains it
            jobs_on_disk.forward(job, what)
        elif job.status == "queued":
            status = "paused" if what == "pause" else "cancelled"
            said = "It was taken out of the queue before it began."
            _leave_queue(job, status, said)
        else:
            jobs_on_disk.request(job.folder, what)
            jobs_on_disk.forward(job, what)
    _tell()
    return open_job(job_id)


def _leave_queue(job: Job, status: str, said: str) -> None:
    state = jobs_on_disk.read_state(job.folder)
    jobs_on_disk.write_state(job.folder, replace(state, status=status, message=said, note=""))
    run = job.run()
    if run is not None:
        run.set_status(status, said)
    if status == "cancelled":
        shutil.rmtree(job.files(), ignore_errors=True)


def resume(job_id: str) -> Job:
    """Put a job into the queue again."""
    from genre_engine.jobs import hosted

    with deciding():
        job = open_job(job_id)
        if not job.resumable:
            raise JobError(f"{job.title}: it can't go on, for it is {job.status}.")
        if job.minutes is not None and job.seconds >= job.minutes * 60:
            raise JobError(
                f"{job.title}: its time of {job.minutes:g} minutes is used up. Begin a smaller "
                "one, or go on where there is no such limit."
            )
        hosted.check_queue(job.owner, [other for other in listing() if other.busy])
        jobs_on_disk.request(job.folder, None)
        run = job.run()
        if run is not None:
            run.set_status("queued")
        state = jobs_on_disk.read_state(job.folder)
        jobs_on_disk.write_state(
            job.folder,
            replace(
                state, status="queued", message="", note="", progress=None, queued_at=time.time()
            ),
        )
    _tell()
    return open_job(job_id)


def record_end(job_id: str, cause: str, started: float = 0.0) -> None:
    """Say how a job ended whose process can't say it any more, where it isn't said already.

    Args:
        cause: in words.
        started: when that process was started. What still waits and waited then has crashed before
            it could even take its place.
    """
    with deciding() as folder, suppress(GenreEngineError):
        job = jobs_on_disk.read(folder / job_id)
        if run_lock.is_held(job.folder):
            return
        state = jobs_on_disk.read_state(job.folder)
        if state.status == "running" or (state.status == "queued" and state.queued_at < started):
            said = " ".join(filter(None, (cause, jobs_on_disk.end_of_log(job))))
            status = "failed"
            if jobs_on_disk.requested(job.folder) == "cancel":
                status, said = "cancelled", "Cancelled."
            state = replace(state, status=status, message=said, note="", seconds_left=None)
            if job.run() is None or job.status in ("failed", "queued"):
                jobs_on_disk.write_state(job.folder, state)
        run = job.run()
        over = state.status in ("paused", "cancelled", "failed")
        if over and run is not None and run.told().status in ("running", "queued"):
            run.set_status(state.status, state.message)
        if job.kind == "dataset" and state.status != "finished":
            from genre_engine.datasets import store

            store.clear_half_made(str(job.request.get("name")))


def reconcile() -> None:
    """Say of those that a server left when it ended how they ended."""
    for job in _submitted():
        if job.status in ("paused", "cancelled", "failed"):
            record_end(job.id, "The server ended, and this with it.")


def clear_ended() -> None:
    """Forget the oldest of those that have ended, and what was uploaded for any of them."""
    with deciding():
        ended = [job for job in _submitted() if not job.busy]
        ended.sort(key=lambda job: (job.created, job.id), reverse=True)
        for number, job in enumerate(ended):
            if number >= _KEPT or (job.run_id and job.run() is None):
                shutil.rmtree(job.folder, ignore_errors=True)
            elif not job.resumable:
                shutil.rmtree(job.files(), ignore_errors=True)


def _tell() -> None:
    for call in changed:
        call()
