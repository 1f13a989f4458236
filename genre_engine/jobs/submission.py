"""From a request to a job: all that can be refused before any work is refused here.

What can be asked for, by kind: `kinds.KINDS`. Where the features of a training are missing that can
be extracted, its process does that first; else its run is made at once.
"""

from collections.abc import Mapping
from typing import Any

from genre_engine import datasets, runs
from genre_engine.errors import GenreEngineError, JobError
from genre_engine.jobs import hosted, kinds, queue, quota, record
from genre_engine.jobs.job import Job, everything, of_run, read
from genre_engine.jobs.kind import Kind, Request
from genre_engine.jobs.record import Files
from genre_engine.jobs.requests import RunRequest
from genre_engine.runs import Run
from genre_engine.storage import owners, workspace
from genre_engine.training import TrainingRequest

KINDS = tuple(kinds.KINDS)


def submit(
    kind: str,
    request: Request | Mapping[str, Any],
    *,
    owner: str = "",
    minutes: float | None = None,
    files: Files | None = None,
) -> Job:
    """Put work into the queue; a supervisor starts it when there is a place.

    Args:
        request: the kind's request, or what its `to_dict` gives.
        owner: names the visit it belongs to.
        minutes: how long it may be worked on.
        files: uploads by the request's entry that is to hold the path: (file name, content).

    Raises:
        WrongUsage, DatasetMissing, …: what can't be done, as the engine's own functions say it.
        Refused: a server that visitors share doesn't do this.
        StorageError: the workspace can't be written.
    """
    chosen = kinds.kind(kind)
    queue.places(chosen.pool)
    asked = chosen.request(request) if isinstance(request, Mapping) else request
    if isinstance(asked, RunRequest):
        return _existing_run(asked, owner, minutes)
    chosen.check_hosted(asked, tuple(files or ()))
    busy = _busy()
    hosted.check_queue(owner, busy)
    config = chosen.check(asked, busy)
    if config is None:
        return _add(kind, chosen.title(asked), asked, owner, minutes, files=files)
    assert isinstance(asked, TrainingRequest)  # noqa: S101 - for the type checker
    with owners.made_for(owner, workspace.dataset_folder(config.dataset)):
        run = runs.create(config, asked.origin)
    try:
        return _add(kind, f"Train {run.name}", RunRequest(run.id), owner, minutes, run=run)
    except GenreEngineError:  # such as: the visitor asked for another in the same moment
        with owners.as_engine():
            runs.remove(run)
        raise


def _existing_run(request: RunRequest, owner: str, minutes: float | None) -> Job:
    """Train a run that is there, or go on with it in the job that it has."""
    run = runs.open(request.run)
    owners.check_own(owners.owner(run.folder).visit, f"The run {run.name!r}")
    hosted.check_memory(run.config.model)
    job = of_run(run.id)
    if job is not None and job.busy:
        raise JobError(f"{job.title}: it is {job.status} already.")
    if job is not None and job.resumable:
        return job.resume()
    hosted.check_queue(owner, _busy())
    if run.status != "queued":
        if not run.resumable:
            raise JobError(f"The run {run.name!r} can't go on, since it is {run.status}.")
        run.set_status("queued")
    title = f"Train {run.name}"
    return _add("training", title, RunRequest(run.id), owner, minutes, run=run)


def resume_run(run_id: str, *, owner: str = "") -> Job:
    """Go on with a paused, cancelled or failed run, whoever began it.

    Raises:
        RunMissing: there is no such run.
        JobError: it is in no state for that.
        Refused: where visitors share a server, it isn't whoever asks'.
    """
    run = runs.open(run_id)
    owners.check_own(owners.owner(run.folder).visit, f"The run {run.name!r}")
    job = of_run(run.id)
    if job is not None and job.own_folder:
        return job.resume()
    if not run.resumable:
        raise JobError(f"The run {run.name!r} can't go on, since it is {run.status}.")
    return submit("training", RunRequest(run.id), owner=owner)


def _busy() -> list[Job]:
    return [job for job in everything() if job.busy]


def _add(
    kind: str,
    title: str,
    request: Request,
    owner: str,
    minutes: float | None,
    *,
    run: Run | None = None,
    files: Files | None = None,
) -> Job:
    """Accept a job, and make room for what it will store."""
    folder = record.add(
        kind,
        title,
        request.to_dict(),
        owner=owner,
        minutes=hosted.minutes(minutes),
        run_id=run.id if run is not None else None,
        files=files,
        check=lambda: _check_again(kinds.kind(kind), request, owner),
    )
    quota.make_room()
    return read(folder)


def _check_again(kind: Kind, request: Request, owner: str) -> None:
    """With the queue locked: what may have changed since it was checked."""
    busy = _busy()
    hosted.check_queue(owner, busy)
    if not kind.reads_dataset:
        kind.check(request, busy)
    elif hosted.active() and (name := kind.dataset(request)):
        datasets.open(name)  # the oldest go where visitors share a server
