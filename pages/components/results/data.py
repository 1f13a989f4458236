"""What the Results page looks at, judged once for the whole server."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from genre_engine import metrics, runs
from genre_engine.errors import GenreEngineError, RunError
from genre_engine.evaluation import evaluate
from genre_engine.metrics import calibration, curves, mistakes, thresholds
from genre_engine.metrics.calibration import Platt
from genre_engine.runs import Predictions, Run
from genre_engine.splits import THRESHOLD_SET
from pages.components.shared import datasets
from pages.components.shared.datasets import Opened

Key = tuple[str, int, str, str]
# As `judging.thresholds_of` takes them, but for the precision, which has a slider of its own.
KINDS = {
    "global": "One, for macro F1",
    "micro": "One, for micro F1",
    "precision": "One, for a precision",
    "per-genre": "One a genre",
    "0.5": "0.5",
    "own": "One of your own",
}


@dataclass(frozen=True, eq=False)
class Judgement:
    """A run on a part.

    Attributes:
        key: unlike every other's.
        stored: the run's report.json.
        report: with the draws; `found` is the same as JSON.
    """

    key: Key
    run: Run
    part: str
    stored: dict[str, Any]
    predictions: Predictions
    report: metrics.Report
    found: dict[str, Any]

    @property
    def genres(self) -> tuple[str, ...]:
        return self.report.genres

    @property
    def folds(self) -> bool:
        """Whether each track was judged out of its fold, by cross-validation."""
        return "cross_validation" in self.stored

    @property
    def single(self) -> bool:
        return self.report.judged.single

    @property
    def decisions(self) -> metrics.Flags:
        return self.report.decisions

    @property
    def artists(self) -> dict[str, int]:
        """Artists by genre; empty where they aren't known."""
        groups = self.predictions.groups
        if groups is None:
            return {}
        return {
            genre: len(np.unique(groups[self.predictions.y[:, column] == 1]))
            for column, genre in enumerate(self.genres)
        }


def finished() -> tuple[list[Run], int]:
    """Finished runs, the newest first, and how many others there are."""
    listed = runs.listing()
    done = [run for run in listed if run.error is None and run.status == "finished"]
    return done, len(listed) - len(done)


def judged(run: Run, part: str, kind: str = "global") -> Judgement:
    """Judge a run, or take what is judged; that test may be looked at is the caller's care.

    Raises:
        GenreEngineError: its files are damaged.
    """
    # A run's predictions change only with its report, which is written after them.
    stamp = (run.folder / "report.json").stat().st_mtime_ns
    return _judged((run.id, stamp, part, kind), run)


@st.cache_resource(max_entries=6, show_spinner="Judging …")
def _judged(key: Key, _run: Run) -> Judgement:
    _, _, part, kind = key
    stored = _run.report() or {}
    report = evaluate.judge(_run, part, stored, kind)
    return Judgement(key, _run, part, stored, _run.predictions(part), report, report.to_dict())


# Curves go over all thresholds, whichever were chosen, the key's last part.
_WHATEVER_THRESHOLDS: Any = {Judgement: lambda one: one.key[:3]}


@st.cache_resource(max_entries=6, show_spinner=False, hash_funcs=_WHATEVER_THRESHOLDS)
def threshold_curves(one: Judgement) -> thresholds.Curves:
    """What each threshold would give."""
    return thresholds.curves(one.report.judged)


@st.cache_resource(max_entries=6, show_spinner=False, hash_funcs=_WHATEVER_THRESHOLDS)
def ranked_curves(one: Judgement) -> tuple[curves.Curves, curves.Curves]:
    """ROC and precision-recall."""
    return curves.roc_curves(one.report.judged), curves.precision_recall_curves(one.report.judged)


@st.cache_resource(max_entries=6, show_spinner=False, hash_funcs={Judgement: lambda one: one.key})
def matrix(one: Judgement) -> tuple[mistakes.Together, Any, list[tuple[int, int]]]:
    """The matrix and its figure, which must stay the same for clicks to work."""
    from genre_engine.figures import confusion

    found = mistakes.together(one.report.judged, one.decisions)
    return found, *confusion.matrix(found, one.genres, single=one.single)


@dataclass(frozen=True, eq=False)
class Calibrated:
    """Probabilities as they came and after Platt's scaling, with the truth: [n, n_genres].

    Of validation only the half from which the scaling didn't learn.

    Attributes:
        kept: whether the scaling is used: it isn't where it doesn't help on artists held out.
    """

    y: metrics.Flags
    raw: metrics.Floats
    calibrated: metrics.Floats
    kept: bool

    def error(self, *, calibrated: bool) -> float:
        return calibration.ece(self.y, self.calibrated if calibrated else self.raw)


def calibrated(one: Judgement) -> Calibrated:
    """Raises RunError if the run's parts or its calibration can't be read."""
    judgement = one.report.judged
    rows = np.ones(len(judgement.y), bool)
    if one.part == "validation":
        parts = one.run.parts()
        learnt = set(parts["track_id"][parts["half"] == THRESHOLD_SET])
        rows = np.array([track not in learnt for track in one.predictions.track_ids])
        if not rows.any():
            rows[:] = True
    raw = judgement.p[rows]
    try:
        platt = Platt.from_dict(one.stored["calibration"])
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(
            f"report.json of the run {one.run.name!r} holds no calibration. Train it again."
        ) from error
    return Calibrated(judgement.y[rows], raw, platt.apply(raw), platt.kept)


def dataset_of(run: Run) -> Opened | None:
    """The data set that a run was trained on; None if it is gone or was made again."""
    try:
        data = datasets.opened(run.config.dataset)
    except GenreEngineError:
        return None
    same = data.dataset.info.get("created") == run.config.dataset_created
    return data if same or run.config.dataset_created is None else None


def agreement(run: Run) -> dict[str, float | int] | None:
    """How far people agree who uploaded the same audio; None where nobody did."""
    data = dataset_of(run)
    return None if data is None else datasets.agreement(data, run.config.genres)


@st.cache_resource(max_entries=3, show_spinner=False, hash_funcs={Opened: lambda one: one.key})
def tracks_by_id(data: Opened) -> dict[str, int]:
    """Each track's row in the data set."""
    return {name: row for row, name in enumerate(data.tracks["track_id"])}
