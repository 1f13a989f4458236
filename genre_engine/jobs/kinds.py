"""The kinds of jobs: the one place that says what each is.

A new kind is a request with `from_dict` and `to_dict`, a task, and an entry here.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from genre_engine.errors import (
    DatasetExists,
    FeaturesMissing,
    GenreEngineError,
    JobError,
    WrongUsage,
)
from genre_engine.jobs import hosted, tasks
from genre_engine.jobs.kind import Kind, Request
from genre_engine.jobs.record import Record
from genre_engine.jobs.requests import (
    DatasetRequest,
    ExtractionRequest,
    ReferenceRequest,
    RunRequest,
    ScanRequest,
    TagRequest,
)
from genre_engine.storage import owners, workspace
from genre_engine.training import LearningCurveRequest, SearchRequest, TrainingRequest

if TYPE_CHECKING:
    from genre_engine.runs import Config, Run


def kind(name: str) -> Kind:
    """Raises WrongUsage: there is no such kind."""
    try:
        return KINDS[name]
    except KeyError:
        raise WrongUsage(
            f"There is no kind of job {name!r}. Choose one of: {', '.join(KINDS)}."
        ) from None


def dataset_of(job: Record) -> str | None:
    """The name of the data set that a job reads or makes, where that is known."""
    try:
        found = kind(job.kind)
        return found.dataset(found.request(job.request))
    except WrongUsage:  # of another version
        return None


def run_of(job: Record) -> str | None:
    """The id or name of a finished run that a job needs, where that is known."""
    try:
        found = kind(job.kind)
        return found.run(found.request(job.request))
    except WrongUsage:  # of another version
        return None


def _training_request(values: Mapping[str, Any]) -> TrainingRequest | RunRequest:
    return RunRequest.from_dict(values) if "run" in values else TrainingRequest.from_dict(values)


def _training_title(request: TrainingRequest | RunRequest) -> str:
    if isinstance(request, RunRequest):
        return f"Train {request.run}"
    return f"Train {request.name or f'{request.model} on {request.dataset_name}'}"


def _training_dataset(request: TrainingRequest | RunRequest) -> str | None:
    if isinstance(request, TrainingRequest):
        return request.dataset_name
    from genre_engine.runs import Run

    run = Run(workspace.runs_folder() / request.run)
    return None if run.error else run.config.dataset


def _check_training(request: TrainingRequest, _busy: Sequence[Record]) -> "Config | None":
    from genre_engine import training

    try:
        return training.config_of(request)
    except FeaturesMissing:  # then its process extracts them first
        return None


def _check_training_hosted(
    request: TrainingRequest | RunRequest, _uploaded: Collection[str]
) -> None:
    if isinstance(request, TrainingRequest):
        hosted.check_memory(request.model)
        hosted.check_tracks(request)


def _check_search(request: SearchRequest, _busy: Sequence[Record]) -> None:
    from genre_engine.training import search

    search.check(request)


def _curve_dataset(request: LearningCurveRequest) -> str | None:
    from genre_engine import runs

    try:
        return runs.open(request.run).config.dataset
    except GenreEngineError:  # removed since
        return None


def _check_curve(request: LearningCurveRequest, busy: Sequence[Record]) -> None:
    from genre_engine import runs
    from genre_engine.training import learning_curve

    run = runs.open(request.run)
    owners.check_own(owners.owner(run.folder).visit, f"The run {run.name!r}")
    learning_curve.check(run)
    if any(job.kind == CURVE and run_of(job) in (run.id, run.name) for job in busy):
        raise JobError(
            f"The learning curve of {run.name!r} is being measured already, or waits for that."
        )


def _check_curve_hosted(request: LearningCurveRequest, _uploaded: Collection[str]) -> None:
    from genre_engine import runs

    hosted.check_curve(runs.open(request.run))


def _check_extraction(request: ExtractionRequest, _busy: Sequence[Record]) -> None:
    from genre_engine import datasets, features

    datasets.open(request.dataset)
    features.kind(request.features, excerpt_s=request.excerpt_s)


def _check_dataset(request: DatasetRequest, busy: Sequence[Record]) -> None:
    if workspace.dataset_folder(request.name).exists():
        raise DatasetExists(
            f"There is a data set {request.name!r} already, and it stays as it is. Choose another "
            "name."
        )
    if any(job.kind == "dataset" and dataset_of(job) == request.name for job in busy):
        raise DatasetExists(
            f"A data set {request.name!r} is being made at this moment. Wait for it, or choose "
            "another name."
        )


def _run_of(request: ReferenceRequest) -> "Run | None":
    from genre_engine import runs

    try:
        return runs.open(request.run)
    except GenreEngineError:
        return None


def _reference_title(request: ReferenceRequest) -> str:
    run = _run_of(request)
    return f"Judge the pretrained networks beside {run.name if run else request.run}"


def _reference_dataset(request: ReferenceRequest) -> str | None:
    run = _run_of(request)
    return run.config.dataset if run else None


def _check_reference(request: ReferenceRequest, busy: Sequence[Record]) -> None:
    from genre_engine import runs
    from genre_engine.prediction import reference

    run = runs.open(request.run)
    if request.model not in reference.MODELS:
        raise WrongUsage(f"There are no pretrained networks {request.model!r}.")
    if why := reference.obstacle(run):
        raise WrongUsage(why)
    if any(job.kind == "reference" and dataset_of(job) == run.config.dataset for job in busy):
        raise JobError(
            f"The pretrained networks are being judged on {run.config.dataset!r} already. Wait for "
            "it."
        )


def _check_reference_hosted(request: ReferenceRequest, _uploaded: Collection[str]) -> None:
    if (name := _reference_dataset(request)) is not None:
        hosted.check_tracks(TrainingRequest(name))


def _clear_dataset(request: DatasetRequest) -> None:
    from genre_engine.datasets import store

    store.clear_half_made(request.name)


def _download_request(values: Mapping[str, Any]) -> Request:
    from genre_engine.download.jamendo_plan import Request as DownloadRequest

    return DownloadRequest.from_dict(values)


def _check_download(request: Any, busy: Sequence[Record]) -> None:
    if any(job.kind == "download" and dataset_of(job) == request.name for job in busy):
        raise JobError(
            f"The audio of {request.name!r} is being fetched already, or waits for that. Let it "
            "finish, or cancel it."
        )


def _reproduction_request(values: Mapping[str, Any]) -> Request:
    # Imported here, since every page imports this module.
    from genre_engine import reproduce

    request = reproduce.Request.from_dict(values)
    reproduce.chosen(request.stages)
    return request


def _check_reproduction(request: Any, _busy: Sequence[Record]) -> None:
    from genre_engine import datasets

    if request.tracks is None:  # else a data set that doesn't exist is fetched
        datasets.open(request.dataset)


def _check_scan(request: ScanRequest, busy: Sequence[Record]) -> None:
    from genre_engine import library

    if any(job.kind == "library" and job.request.get("library") == request.library for job in busy):
        raise JobError(
            f"The library {request.library!r} is being scanned already, or waits for that. Let it "
            "finish, or cancel it."
        )
    library.check_folders(request.folders)
    if request.library not in library.names() and not request.folders:
        raise WrongUsage("Name the folders of the new library.")


_TAG_TITLES = {"plan": "Plan tags for", "write": "Write tags of", "undo": "Take back tags of"}


def _check_tags(request: TagRequest, busy: Sequence[Record]) -> None:
    from genre_engine import library

    library.open(request.library)
    if any(job.kind == "tags" and job.request.get("library") == request.library for job in busy):
        raise JobError(
            f"Tags of {request.library!r} are being planned or written already. Wait for that, or "
            "stop it."
        )


CURVE = "learning-curve"
KINDS = {
    "training": Kind(
        title=_training_title,
        request=_training_request,
        check=_check_training,
        check_hosted=_check_training_hosted,
        task=tasks.train,
        dataset=_training_dataset,
        pool="training",
        working="Training",
    ),
    "extraction": Kind(
        title=lambda request: f"Extract {request.features} of {request.dataset}",
        request=ExtractionRequest.from_dict,
        check=_check_extraction,
        check_hosted=lambda request, _: hosted.check_tracks(TrainingRequest(request.dataset)),
        task=tasks.extract,
        dataset=lambda request: request.dataset,
        pool="extraction",
        working="Extracting features",
    ),
    "tuning": Kind(
        title=lambda request: f"Tune {request.training.model} on {request.dataset_name}",
        request=SearchRequest.from_dict,
        check=_check_search,
        check_hosted=lambda request, _: hosted.check_search(request),
        task=tasks.search,
        dataset=lambda request: request.dataset_name,
        pool="training",
        working="Searching for settings",
    ),
    CURVE: Kind(
        title=lambda request: f"Learning curve of {request.run}",
        request=LearningCurveRequest.from_dict,
        check=_check_curve,
        check_hosted=_check_curve_hosted,
        task=tasks.learning_curve,
        dataset=_curve_dataset,
        pool="training",
        working="Measuring the learning curve",
        run=lambda request: request.run,
    ),
    "dataset": Kind(
        title=lambda request: f"Make {request.name}",
        request=DatasetRequest.from_dict,
        check=_check_dataset,
        check_hosted=lambda request, uploaded: hosted.check_dataset(request, uploaded=uploaded),
        task=tasks.make_dataset,
        dataset=lambda request: request.name,
        pool="dataset",
        working="Making a data set",
        pausable=False,
        reads_dataset=False,
        # It is built out of sight, and what was half done is cleared away.
        stops_when_asked=False,
        in_background=False,
        clear=_clear_dataset,
    ),
    "reference": Kind(
        title=_reference_title,
        request=ReferenceRequest.from_dict,
        check=_check_reference,
        check_hosted=_check_reference_hosted,
        task=tasks.reference,
        dataset=_reference_dataset,
        pool="extraction",
        working="Judging the pretrained networks",
    ),
    "download": Kind(
        title=lambda request: f"Download audio of {request.name}",
        request=_download_request,
        check=_check_download,
        check_hosted=lambda _request, _uploaded: hosted.check_download(),
        task=tasks.download,
        dataset=lambda request: request.name,
        pool="download",
        working="Fetching audio",
        reads_dataset=False,
    ),
    "library": Kind(
        title=lambda request: f"Scan {request.library}",
        request=ScanRequest.from_dict,
        check=_check_scan,
        check_hosted=lambda _request, _uploaded: hosted.check_library(),
        task=tasks.scan,
        dataset=lambda _request: None,
        pool="library",
        working="Analysing songs",
        reads_dataset=False,
    ),
    "tags": Kind(
        title=lambda request: f"{_TAG_TITLES[request.action]} {request.library}",
        request=TagRequest.from_dict,
        check=_check_tags,
        check_hosted=lambda _request, _uploaded: hosted.check_library(),
        task=tasks.tags,
        dataset=lambda _request: None,
        pool="library",
        working="Writing tags",
        pausable=False,
        reads_dataset=False,
    ),
    "reproduction": Kind(
        title=lambda request: f"Reproduction for {request.dataset}",
        request=_reproduction_request,
        check=_check_reproduction,
        check_hosted=lambda _request, _uploaded: hosted.check_reproduction(),
        task=tasks.reproduce,
        dataset=lambda request: request.dataset,
        pool="training",
        working="Reproducing the experiment",
        reads_dataset=False,
    ),
}

POOLS = tuple(sorted({entry.pool for entry in KINDS.values()}))
