"""What is done for each kind of job. A task is given its typed request and a Reporter; it returns
when all is done, or raises Ended where it was asked to pause or to end."""

import time
from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genre_engine.errors import ExtractionRunning, FeaturesMissing, RunError
from genre_engine.jobs import hosted, record
from genre_engine.jobs.reporter import Ended, Reporter
from genre_engine.jobs.requests import (
    DatasetRequest,
    ExtractionRequest,
    ReferenceRequest,
    RunRequest,
    ScanRequest,
    TagRequest,
)
from genre_engine.runs import Run
from genre_engine.storage import owners, workspace
from genre_engine.training import LearningCurveRequest, SearchRequest, TrainingRequest

if TYPE_CHECKING:
    from genre_engine.download.jamendo_plan import Request as DownloadRequest
    from genre_engine.library.scan import Progress
    from genre_engine.reproduce import Request as ReproductionRequest

# What has been downloaded is written in many small pieces; so many bytes between two reports.
_REPORT_BYTES = 1 << 18
# The function of `datasets` that makes a kind, what it does in words, and whether it reports its
# progress.
_MAKING = {
    "demo": ("make_demo", "Synthesising clips", True),
    "folder": ("import_folder", "Reading files", True),
    "gtzan": ("import_gtzan", "Reading clips", True),
    "fma": ("import_fma", "Reading the tables", True),
    "table": ("import_table", "Reading the table", False),
    "jamendo": ("import_jamendo", "Reading the tables", False),
}
# The speed of a download is that of so many seconds.
_RATE_S = 8.0
# How often to look whether another process has finished its extraction.
_WAIT_S = 1.0


def train(request: TrainingRequest | RunRequest, reporter: Reporter) -> None:
    """Train a run; where its features are missing, they are extracted first."""
    from genre_engine import training

    known = reporter.state.run or (request.run if isinstance(request, RunRequest) else None)
    if known is not None:
        run = Run(workspace.runs_folder() / known)
        if run.error or not run.folder.is_dir():
            raise RunError(run.error or "Its run has been removed. Train a new one.")
    else:
        assert isinstance(request, TrainingRequest)  # noqa: S101 - for the type checker
        run = _new_run(request, reporter)
    reporter.has_run(run)
    hosted.check_memory(run.config.model)
    reporter.note("Starting")
    training.train(run, enough=reporter.time_is_up)


def _new_run(request: TrainingRequest, reporter: Reporter) -> Run:
    from genre_engine import runs, training

    try:
        config = training.config_of(request)
    except FeaturesMissing as missing:
        _extract_for(request, reporter, missing)
        config = training.config_of(request)
    with owners.made_for(reporter.job.owner, workspace.dataset_folder(config.dataset)):
        return runs.create(config, request.origin)


def _extract_for(request: TrainingRequest, reporter: Reporter, missing: FeaturesMissing) -> None:
    """Extract what a training needs, of those tracks that take part."""
    from genre_engine import datasets, features, training

    dataset = datasets.open(request.dataset_name)
    kind = training.fitting_features(dataset, request.model, request.features)
    if kind not in features.NAMES:
        raise missing
    chosen = dataset.select(request.genres, rule=request.rule, task=request.task)
    ids = dataset.tracks["track_id"].iloc[chosen.rows].tolist()
    made = features.kind(kind, excerpt_s=request.excerpt_s)
    _extract(dataset, made, reporter, track_ids=ids)


def extract(request: ExtractionRequest, reporter: Reporter) -> None:
    """Extract features of all tracks of a data set."""
    from genre_engine import datasets, features

    kind = features.kind(request.features, excerpt_s=request.excerpt_s)
    _extract(datasets.open(request.dataset), kind, reporter, jobs=request.jobs)


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


def search(request: SearchRequest, reporter: Reporter) -> None:
    """Search, then put the best trial into the queue as a run; also when it was cancelled."""
    from genre_engine.training.search import Search

    hosted.check_memory(request.training.model)
    reporter.note("Reading the features")
    try:
        found = Search(reporter.folder, request)
    except FeaturesMissing as missing:
        _extract_for(replace(request.training, name=None), reporter, missing)
        found = Search(reporter.folder, request)
    found.run(progress=reporter.progress, should_stop=reporter.should_stop)
    if reporter.asked() == "pause":
        raise Ended
    if found.best() is None:
        reporter.leave_if_asked()
    job = reporter.job
    with owners.made_for(job.owner, workspace.dataset_folder(request.dataset_name)):
        run = found.make_run()
    record.add(
        "training",
        f"Train {run.name}",
        RunRequest(run.id).to_dict(),
        owner=job.owner,
        minutes=hosted.minutes(None),
        run_id=run.id,
    )
    reporter.result(run=run.id, name=run.name)


def learning_curve(request: LearningCurveRequest, reporter: Reporter) -> None:
    """Measure a run's learning curve; what is trained is kept, however it ends."""
    from genre_engine import runs
    from genre_engine.training import learning_curve as curves

    run = runs.open(request.run)
    hosted.check_memory(run.config.model)
    reporter.note("Reading the features")
    reporter.result(run=run.id, name=run.name)
    curves.measure(
        run, request.shares, progress=reporter.progress, should_stop=reporter.should_stop
    )
    reporter.leave_if_asked()


def make_dataset(request: DatasetRequest, reporter: Reporter) -> None:
    """Synthesise or import a data set."""
    from genre_engine import datasets

    options = request.options
    for name, place in request.places.items():
        options[name] = Path(place).expanduser()
    if request.make == "jamendo" and "metadata" not in options:
        options["metadata"] = _fetched_tables(reporter)
    make, note, reports = _MAKING[request.make]
    reporter.note(note)
    if reports:
        options["progress"] = lambda done, total: reporter.progress(done, total)
    with owners.acting_for(reporter.job.owner, private=request.make == "table"):
        getattr(datasets, make)(request.name, **options)
    reporter.result(dataset=request.name)


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


def download(request: "DownloadRequest", reporter: Reporter) -> None:
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


def scan(request: ScanRequest, reporter: Reporter) -> None:
    """Bring a library up to date with its folders; what is analysed is kept, however it ends."""
    from genre_engine import library
    from genre_engine.library import scan as scanning

    reporter.note("Looking for files")
    there = request.library in library.names()
    lib = (
        library.open(request.library) if there else library.create(request.library, request.folders)
    )

    def progress(now: "Progress") -> None:
        said = f"Analysing songs: {now.sentence()}"
        reporter.progress(now.done, now.total, said, now.seconds_left)

    result = scanning.scan(
        lib,
        folders=[Path(folder) for folder in request.folders] if there else [],
        model=request.model,
        tempo_key=request.tempo_key,
        again=request.again,
        forget=request.forget,
        jobs=request.jobs,
        progress=progress,
        should_stop=reporter.should_stop,
    )
    reporter.result(
        library=lib.name,
        read=result.read,
        analysed=result.analysed,
        failed=len(result.failed),
        remarks=result.remarks,
    )
    reporter.leave_if_asked()


# Files of a plan that are shown.
_SHOWN = 200


def tags(request: TagRequest, reporter: Reporter) -> None:
    """Plan, write or take back tags. What is written stays, however it ends, and can be undone."""
    from genre_engine import library
    from genre_engine.library import tag_plan, tag_undo, tag_writing

    lib = library.open(request.library)
    asked: dict[str, Any] = {
        "should_stop": reporter.should_stop,
        "progress": lambda done, total: reporter.progress(done, total),
    }
    refresh = tag_writing.refresher(lib)
    if request.action == "undo":
        reporter.note("Taking back tags")
        done = tag_undo.undo(
            lib, request.batch, everything=request.everything, refresh=refresh, **asked
        )
    else:
        wanted = tag_plan.Wanted(
            request.mode, request.least, moods=request.moods, bpm=request.bpm, key=request.key
        )
        reporter.note("Reading tags")
        plan = tag_plan.of_library(lib, wanted, request.where, **asked)
        reporter.leave_if_asked()
        reporter.result(
            files=len(plan.changes),
            reasons=plan.reasons,
            changes=[[one.path, one.values] for one in plan.changes[:_SHOWN]],
        )
        if request.action == "plan":
            return
        reporter.note("Writing tags")
        done = tag_writing.write(lib, plan, keep_times=request.keep_times, refresh=refresh, **asked)
    reporter.result(
        batch=done.batch,
        written=len(done.written),
        left_out=[[one.path, one.text] for one in done.left_out[:_SHOWN]],
        left_out_in_all=len(done.left_out),
    )
    reporter.leave_if_asked()


def reference(request: ReferenceRequest, reporter: Reporter) -> None:
    """Have the pretrained networks analyse a run's validation tracks; what is done is kept."""
    from genre_engine import runs
    from genre_engine.prediction import reference as pretrained

    run = runs.open(request.run)
    reporter.note("Opening the networks")

    def progress(done: int, total: int) -> None:
        reporter.progress(done, total, f"Analysing: {done:,} of {total:,} tracks")

    pretrained.score(run, request.model, progress=progress, should_stop=reporter.should_stop)
    reporter.leave_if_asked()
    reporter.result(run=run.id, model=request.model)


def reproduce(request: "ReproductionRequest", reporter: Reporter) -> None:
    """Run the course project's experiment, stage by stage."""
    from genre_engine import reproduce

    reproduce.work(request.to_dict(), reporter)
