"""The stages that train: each is an ordinary run, judged on its test once."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from genre_engine import evaluation, models, runs, training
from genre_engine.datasets import Dataset
from genre_engine.errors import RunError, RunMissing
from genre_engine.metrics.export import best_baseline, value_of
from genre_engine.metrics.metric import METRICS
from genre_engine.reproduce.material import (
    Share,
    ShouldStop,
    Skipped,
    Stopped,
    genres,
    honest_split,
)
from genre_engine.reproduce.state import Request
from genre_engine.runs import Run

# What of a report is kept in the reproduction; the rest can be asked of the run.
KEPT = (
    "accuracy.labelwise",
    "accuracy.subset",
    "accuracy.top1",
    "loss",
    "hamming_loss",
    "roc_auc.micro",
    "roc_auc.macro",
    "average_precision.macro",
    "f1.micro",
    "precision.micro",
    "recall.micro",
    "f1.macro",
    "precision.macro",
    "recall.macro",
)


# The course project predicted a genre from a probability of one half on.
COURSE_THRESHOLD = "0.5"

# Enough to see that every stage works, and too little for a figure to mean something.
QUICK: dict[str, dict[str, Any]] = {
    "fcn": {"epochs": 3},
    "cnn": {"epochs": 1, "filters": [8, 8]},
    "xgboost": {"rounds": 10, "learning_rate": 0.3, "columns": 0.1},
    "forest": {"trees": 20},
    "linear": {"max_iterations": 20, "strength": 0.01},
}


@dataclass(frozen=True)
class Training:
    """A training and how its test is judged.

    Attributes:
        genres: `ten`, `two` (electronic and classical), or `all`.
        split: as `splits.parse` reads it, or `honest`: official where the data set has parts, else
            by artist.
        thresholds: as `evaluation.evaluate_run` takes them.
    """

    model: str
    features: str = "summary"
    task: str = "multilabel"
    genres: str = "ten"
    rule: str = "only"
    split: str = "random:course"
    thresholds: str = COURSE_THRESHOLD
    settings: dict[str, Any] = field(default_factory=dict)


class Watch:
    """The Progress of a run's fit: reports the share that is done, and passes a stop on."""

    def __init__(self, run: Run, share: Share, should_stop: ShouldStop) -> None:
        self._run, self._share, self._should_stop = run, share, should_stop
        self._asked = False

    def batch(
        self, *, epoch: int, epochs: int, batch: int, batches: int, loss: float | None
    ) -> None:
        self._share((epoch - 1 + batch / max(1, batches)) / epochs, f"epoch {epoch} of {epochs}")
        self._look()

    def epoch(self, values: dict[str, Any]) -> None:
        epoch, epochs = values["epoch"], values["epochs"]
        self._share(epoch / epochs, f"epoch {epoch} of {epochs}")
        self._look()

    def log(self, text: str) -> None:
        """What it says stands in the run's log."""

    def _look(self) -> None:
        if self._asked or not self._should_stop():
            return
        self._asked = True
        with suppress(RunError):
            self._run.request("cancel")


def train(
    dataset: Dataset,
    name: str,
    planned: Training,
    request: Request,
    before: str | None,
    share: Share,
    should_stop: ShouldStop,
    begun: Callable[[str], None],
) -> Run:
    """The finished run of a stage: the one of before, gone on with where it was stopped, or new.

    Args:
        name: what the run is to be called.
        before: the id of the run that was begun for this stage.
        begun: is called with the id of a new run before it is trained.

    Raises:
        Stopped: it was asked to stop; the run can go on.
        Skipped: this data set can't have it.
        GenreEngineError: why it can't be trained.
    """
    run = _reopen(before)
    if run is None:
        run = _new(dataset, name, planned, request)
        begun(run.id)
    if run.status == "finished":
        return run
    if should_stop():
        raise Stopped
    training.train(run, progress=Watch(run, share, should_stop))
    if run.status != "finished":
        raise Stopped
    return run


def _reopen(run_id: str | None) -> Run | None:
    if run_id is None:
        return None
    try:
        return runs.open(run_id)
    except (RunMissing, RunError):  # removed or damaged since: another one takes its place
        return None


def _new(dataset: Dataset, name: str, planned: Training, request: Request) -> Run:
    chosen = genres(dataset, planned.genres)
    if planned.genres == "all" and set(chosen) == set(genres(dataset, "ten")):
        raise Skipped(
            "This data set holds no other genres often enough. Import one with --genres all."
        )
    kind = planned.features
    if dataset.kind == "feature_table" and kind == "summary":
        kind = "table"
    course = models.model(planned.model).PRESETS.get("course project", {})
    settings = dict(course) | planned.settings | (QUICK[planned.model] if request.quick else {})
    config = training.new_config(
        dataset.name,
        model=planned.model,
        features=kind,
        task=planned.task,
        genres=chosen,
        rule=planned.rule,
        split=honest_split(dataset) if planned.split == "honest" else planned.split,
        seed=request.seed,
        settings=settings | request.settings.get(planned.model, {}),
        name=_free_name(name),
    )
    return runs.create(config, origin="reproduction")


def _free_name(name: str) -> str:
    taken = runs.taken_names()
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free


def judge(run: Run, thresholds: str) -> dict[str, Any]:
    """What a stage keeps of its run's figures on test; the look is counted in the run."""
    found = evaluation.evaluate_run(run, "test", thresholds).to_dict()
    intervals, artist_prior = found["intervals"], found["baselines"].get("artist_prior")
    config = run.config
    return {
        "model": config.model,
        "features": config.features["kind"],
        "task": config.task,
        "genres": len(config.genres),
        "rule": config.rule,
        "split": config.split,
        "tracks": {**(run.report() or {}).get("sizes", {}), "test": found["tracks"]},
        "thresholds": (found["thresholds"] or {}).get("global"),
        "artist_overlap": found["artist_overlap"],
        "epochs": (run.report() or {}).get("fit", {}).get("epochs"),
        "figures": {name: value_of(found, name) for name in KEPT},
        "intervals": {name: value_of(intervals, name) for name in KEPT} if intervals else None,
        "no_skill": {name: (best_baseline(found, name) or (name, None))[1] for name in KEPT},
        "artist_prior": {name: value_of(artist_prior, name) for name in KEPT}
        if artist_prior
        else None,
        "bootstrap": found["bootstrap"],
    }


def sentence(output: dict[str, Any]) -> str:
    """A stage's outcome in a line."""
    figures, idle, artist_prior = output["figures"], output["no_skill"], output["artist_prior"]
    several = output["task"] == "multilabel"
    key = "f1.macro" if several else "accuracy.top1"
    said = f"{METRICS[key].label} {figures[key]:.2f} on {output['tracks']['test']:,} test tracks"
    if several and idle[key] is not None:
        said += f"; no-skill {idle[key]:.2f}"
    elif not several:
        said += f"; {output['genres']} genres"
    return said + (
        f"; artist prior {artist_prior[key]:.2f}"
        if artist_prior and artist_prior[key] is not None
        else ""
    )
