"""What a visitor of a shared server is shown; elsewhere that is everything."""

from typing import Any

from genre_engine import datasets, runs
from genre_engine.jobs import Job, hosted
from genre_engine.runs import Run
from genre_engine.storage import workspace
from pages.components.shared.session_id import visitor


def visible_datasets() -> list[dict[str, Any]]:
    """`datasets.listing`, without what other visitors have uploaded."""
    return hosted.visible_datasets(datasets.listing(), visitor())


def visible_runs() -> list[Run]:
    """`runs.listing`, without what was trained on other visitors' uploads."""
    return [run for run in runs.listing() if hosted.may_see(run.folder, visitor())]


def may_see(job: Job) -> bool:
    """Whether a job's title and course are shown to this visitor."""
    if not hosted.active() or job.owner == visitor():
        return True
    run = job.run()
    if run is not None:
        return hosted.may_see(run.folder, visitor())
    if job.dataset is None or job.kind == "dataset":
        return False  # one that is being made is its visitor's alone
    return hosted.may_see(workspace.datasets_folder() / job.dataset, visitor())
