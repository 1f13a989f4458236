"""What is done for each kind of job. A task is given the request and says how far it is; it returns
when all is done, or raises Ended where it was asked to pause or to end."""

import importlib
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from genre_engine.errors import ExtractionRunning, FeaturesMissing, RunError, WrongUsage
from genre_engine.jobs.reporter import Ended, Reporter
from genre_engine.storage import workspace

Task = Callable[[dict[str, Any], Reporter], None]

# By name, so that a module that comes after this one can do a job too.
_TASKS = {
    "training": "genre_engine.jobs.tasks.train",
    "extraction": "genre_engine.jobs.tasks.extract",
    "tuning": "genre_engine.jobs.tasks.tune",
    "dataset": "genre_engine.jobs.tasks.make_dataset",
    "download": "genre_engine.jobs.tasks.download",
    "reproduction": "genre_engine.reproduce.work",
}

# What has been downloaded is written in many small pieces; so many bytes between two reports.
_REPORT_BYTES = 1 << 18
# The speed of a download is that of so many seconds.
_RATE_S = 8.0
# How often it is looked whether another process has done with its extraction.
_WAIT_S = 1.0


def task(kind: str) -> Task:
    """Raises WrongUsage: this version can't do that."""
    module, _, name = _TASKS[kind].rpartition(".")
    try:
        found: Task = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise WrongUsage(f"This version knows no jobs of the kind {kind!r}. Update it.") from error
    return found


def train(request: dict[str, Any], reporter: Reporter) -> None:
    """Train a run; where its features are missing, they are extracted first."""
    from genre_engine import runs, training
    from genre_engine.jobs import hosted
    from genre_engine.runs.run import Run

    run_id = reporter.state.run or request.get("run")
    if run_id is None:
        options = {key: value for key, value in request.items() if key != "origin"}
        try:
            config = training.new_config(**options)
        except FeaturesMissing as missing:
            _extract_for(options, reporter, missing)
            config = training.new_config(**options)
        run = runs.create(config, request.get("origin", "app"))
        hosted.own(
            run.folder, reporter.job.owner, private=hosted.is_private_dataset(config.dataset)
        )
        reporter.has_run(run.id)
        if wish := reporter.wish():
            run.request(wish)
    else:
        run = Run(workspace.runs_folder() / run_id)
        if run.error or not run.folder.is_dir():
            raise RunError(run.error or "Its run has been removed. Train a new one.")
    hosted.check_memory(run.config.model)
    reporter.note("Starting")
    training.train(run, enough=reporter.time_is_up)


def _extract_for(options: dict[str, Any], reporter: Reporter, missing: FeaturesMissing) -> None:
    """Extract what a training needs, of those tracks that take part."""
    from genre_engine import datasets, features, training

    dataset = datasets.open(options["dataset_name"])
    kind = training.fitting_features(dataset, options.get("model", "fcn"), options.get("features"))
    if kind not in features.NAMES:
        raise missing
    chosen = dataset.select(
        options.get("genres"),
        rule=options.get("rule", "any"),
        task=options.get("task", "multilabel"),
    )
    ids = dataset.tracks["track_id"].iloc[chosen.rows].tolist()
    excerpt_s = options.get("excerpt_s", features.EXCERPT_S)
    _extract(dataset, features.kind(kind, excerpt_s=excerpt_s), reporter, track_ids=ids)


def extract(request: dict[str, Any], reporter: Reporter) -> None:
    from genre_engine import datasets, features

    kind = features.kind(
        request.get("features", "summary"),
        excerpt_s=request.get("excerpt_s", features.EXCERPT_S),
    )
    _extract(datasets.open(request["dataset"]), kind, reporter, jobs=request.get("jobs"))


def _extract(dataset: Any, kind: Any, reporter: Reporter, **options: Any) -> None:
    from genre_engine import extraction

    note = f"Extracting {kind.name} features"
    reporter.note(note)

    def progress(done: int, total: int, failed: int) -> None:
        said = f"{note}: {done:,} of {total:,} tracks" + (f", {failed:,} failed" if failed else "")
        reporter.progress(done, total, said)

    while True:
        try:
            extraction.extract(
                dataset, kind, progress=progress, should_stop=reporter.should_stop, **options
            )
        except ExtractionRunning:
            reporter.note("Waiting for another process that extracts the same features")
            time.sleep(_WAIT_S)
            reporter.leave_if_asked()
        else:
            break
    reporter.leave_if_asked()


def tune(request: dict[str, Any], reporter: Reporter) -> None:
    """Search, then put the best trial into the queue as a run; also when it was cancelled."""
    from genre_engine.jobs import hosted, queue
    from genre_engine.training import search as settings_search

    hosted.check_memory(str(request.get("model", "fcn")))
    reporter.note("Reading the features")
    try:
        search = settings_search.Search(reporter.folder, request)
    except FeaturesMissing as missing:
        _extract_for(request, reporter, missing)
        search = settings_search.Search(reporter.folder, request)
    search.run(progress=reporter.progress, should_stop=reporter.should_stop)
    if reporter.wish() == "pause":
        raise Ended
    if search.best() is None:
        reporter.leave_if_asked()
    run = search.make_run()
    job = reporter.job
    hosted.own(run.folder, job.owner, private=hosted.is_private_dataset(run.config.dataset))
    title = f"Train {run.name}"
    queue.add(
        *("training", title, {"run": run.id}),
        owner=job.owner,
        minutes=hosted.minutes(None),
        run_id=run.id,
    )
    reporter.result(run=run.id, name=run.name)


def make_dataset(request: dict[str, Any], reporter: Reporter) -> None:
    """Synthesise or import a data set."""
    from genre_engine import datasets
    from genre_engine.jobs import hosted

    options = dict(request)
    what, name = options.pop("make"), options.pop("name")
    for place in ("path", "file", "metadata", "audio"):
        if options.get(place):
            options[place] = Path(options[place]).expanduser()

    def progress(done: int, total: int) -> None:
        reporter.progress(done, total)

    if what == "demo":
        reporter.note("Synthesising clips")
        made = datasets.make_demo(name, progress=progress, **options)
    elif what == "folder":
        reporter.note("Reading files")
        made = datasets.import_folder(name, progress=progress, **options)
    elif what == "table":
        reporter.note("Reading the table")
        made = datasets.import_table(name, **options)
    elif what == "jamendo":
        if not options.get("metadata"):
            options["metadata"] = _fetched_tables(reporter)
        reporter.note("Reading the tables")
        made = datasets.import_jamendo(name, **options)
    else:
        raise WrongUsage(f"There is nothing to make of {what!r}.")
    if what == "table":
        hosted.own(made.folder, reporter.job.owner, private=True)
    reporter.result(dataset=name)


def _fetched_tables(reporter: Reporter) -> Path:
    from genre_engine.download import jamendo_metadata

    reported: dict[str, int] = {}

    def advance(file: str, done: int, total: int) -> None:
        if done >= reported.get(file, -_REPORT_BYTES) + _REPORT_BYTES or done == total:
            if file not in reported:
                reporter.note(f"Fetching {file}")
            reported[file] = done
            reporter.progress(done, total)

    jamendo_metadata.jamendo_metadata(progress=advance)
    return workspace.metadata_folder()


def download(request: dict[str, Any], reporter: Reporter) -> None:
    """Fetch audio; what has come is kept, however it ends."""
    from genre_engine.download import jamendo_audio

    reporter.note("Looking up what there is")
    plan = jamendo_audio.plan(request)
    reporter.leave_if_asked()
    reporter.note("Fetching audio")
    # When how many bytes had come, over the last seconds.
    marks = deque([(time.monotonic(), 0)])

    def progress(done: int, total: int, failed: int, bytes_done: int, bytes_total: int) -> None:
        now = time.monotonic()
        marks.append((now, bytes_done))
        while now - marks[0][0] > _RATE_S:
            marks.popleft()
        rate = (bytes_done - marks[0][1]) / max(now - marks[0][0], 1e-3)
        said = f"{done:,} of {total:,} tracks, {bytes_done / 1e6:,.1f} MB"
        said += f" at {rate / 1e6:,.1f} MB/s" if rate else ""
        said += f", {failed:,} failed" if failed else ""
        left = round((bytes_total - bytes_done) / rate, 1) if rate else None
        # What was there before counts too, so that a resumed bar goes on where it stood.
        reporter.progress(done + failed, total, f"Fetching audio: {said}", left)

    outcome = jamendo_audio.download(plan, progress=progress, should_stop=reporter.should_stop)
    reporter.result(dataset=outcome.dataset.name, failures=len(outcome.failures))
    reporter.leave_if_asked()
