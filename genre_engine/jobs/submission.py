"""From a wish to a job: all that can be refused before any work is refused here.

The requests by kind:

    training    the arguments of `training.new_config`, or {"run": ID} for a run that is there.
                Where features are missing that can be extracted, that is done first.
    extraction  {"dataset", "features", "excerpt_s"?, "jobs"?}
    tuning      the arguments of `training.new_config` but `settings` and `name`, and "trials" or
                "minutes"
    dataset     {"make": "demo"|"folder"|"table"|"jamendo", "name", …}, the arguments of the
                function of `datasets` that makes it
    download    the fields of `download.jamendo_plan.Request`
"""

from collections.abc import Mapping
from typing import Any

from genre_engine import runs, training
from genre_engine.errors import DatasetExists, FeaturesMissing, JobError, WrongUsage
from genre_engine.jobs import hosted, queue
from genre_engine.jobs.job import POOLS, Job
from genre_engine.storage import workspace

KINDS = tuple(POOLS)

Files = Mapping[str, tuple[str, bytes]]


def submit(
    kind: str,
    request: Mapping[str, Any],
    *,
    owner: str = "",
    minutes: float | None = None,
    files: Files | None = None,
) -> Job:
    """Put work into the queue; a supervisor starts it when there is a place.

    Args:
        owner: names the visit it belongs to.
        minutes: how long it may be worked on.
        files: uploads by the request's entry that is to hold the path: (file name, content).

    Raises:
        WrongUsage, DatasetMissing, …: what can't be done, as the engine's own functions say it.
        Refused: a server that visitors share doesn't do this.
        StorageError: the workspace can't be written.
    """
    if kind not in POOLS:
        raise WrongUsage(f"There is no kind of job {kind!r}. Choose one of: {', '.join(KINDS)}.")
    queue.places(POOLS[kind])
    request = dict(request)
    hosted.check_request(kind, request, files=bool(files))
    hosted.check_queue(owner, [job for job in queue.listing() if job.busy])
    if kind == "training":
        return _training(request, owner, minutes)
    title = _check(kind, request)
    return queue.add(
        kind, title, request, owner=owner, minutes=hosted.minutes(minutes), files=files
    )


def _training(request: dict[str, Any], owner: str, minutes: float | None) -> Job:
    if "run" in request:
        run = runs.open(str(request["run"]))
        if (job := queue.of_run(run.id)) is not None and job.busy:
            raise JobError(f"{job.title}: it is {job.status} already.")
        if run.status != "queued":
            run.set_status("queued")
    else:
        origin = str(request.pop("origin", "app"))
        try:
            config = training.new_config(**request)
        except FeaturesMissing:
            # The run is made when the features are there, for its config holds what they are.
            hosted.check_tracks(request)
            model, data = request.get("model", "fcn"), request["dataset_name"]
            title = f"Train {request.get('name') or f'{model} on {data}'}"
            return queue.add(
                "training",
                title,
                {**request, "origin": origin},
                owner=owner,
                minutes=hosted.minutes(minutes),
            )
        hosted.check_tracks(request)
        run = runs.create(config, origin)
        hosted.own(run.folder, owner, private=hosted.is_private_dataset(config.dataset))
    return queue.add(
        "training",
        f"Train {run.name}",
        {"run": run.id},
        owner=owner,
        minutes=hosted.minutes(minutes),
        run_id=run.id,
    )


def resume_run(run_id: str, *, owner: str = "") -> Job:
    """Go on with a paused, cancelled or failed run, whoever began it.

    Raises:
        RunMissing: there is no such run.
        JobError: it is in no state for that.
    """
    run = runs.open(run_id)
    job = queue.of_run(run.id)
    if job is not None and job.own_folder:
        return job.resume()
    if not run.resumable:
        raise JobError(f"The run {run.name!r} can't go on, for it is {run.status}.")
    return submit("training", {"run": run.id}, owner=owner)


def _check(kind: str, request: dict[str, Any]) -> str:
    """Refuse what can't be done; returns the title."""
    if kind == "dataset":
        return _check_dataset(request)
    if kind == "download":
        return _check_download(request)
    from genre_engine import datasets

    name = str(request.get("dataset") or request.get("dataset_name") or "")
    datasets.open(name)
    if kind == "extraction":
        from genre_engine import features

        features.kind(str(request.get("features", "summary")))
        return f"Extract {request.get('features', 'summary')} of {name}"
    if kind == "tuning":
        from genre_engine.training import search

        search.check(request)
        return f"Tune {request.get('model', 'fcn')} on {name}"
    return f"{kind.capitalize()} for {name}"


def _check_download(request: dict[str, Any]) -> str:
    from genre_engine.download import jamendo_plan

    name = jamendo_plan.Request.of(request).name
    for job in queue.listing():
        if job.busy and job.kind == "download" and job.request.get("name") == name:
            raise JobError(
                f"The audio of {name!r} is being fetched already, or waits for that. Let it "
                "finish, or cancel it."
            )
    return f"Download audio of {name}"


def _check_dataset(request: dict[str, Any]) -> str:
    name = workspace.check_name(str(request.get("name", "")))
    if workspace.dataset_folder(name).exists():
        raise DatasetExists(
            f"There is a data set {name!r} already, and it stays as it is. Choose another name."
        )
    for job in queue.listing():
        if job.busy and job.kind == "dataset" and job.request.get("name") == name:
            raise DatasetExists(
                f"A data set {name!r} is being made at this moment. Wait for it, or choose another "
                "name."
            )
    return f"Make {name}"
