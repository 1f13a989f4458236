"""A learning curve: a finished run's model, trained again on growing shares of its training tracks.

    found = measure(runs.open("demo-fcn"))    # as `evaluation.learning_curve` has it

Each training has the run's settings, features, genres, task and validation part, and learns from a
part of its training tracks only (`shares`); test is never read. The run itself is the last point.

A cross-validated run's folds (the first MOST_FOLDS of the first repeat) stay as they are: each is
judged by a model that learnt from a share of the others.

What a training says of the judged tracks is kept in the run's folder as
`learning-curve/<share>-<repeat>-<fold>.npz`, so what is done isn't trained again, whatever stopped
it.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from genre_engine import models
from genre_engine.errors import ModelError, RunError, WrongUsage
from genre_engine.evaluation import learning_curve as evaluation
from genre_engine.evaluation.growth import Outcome
from genre_engine.models.base import Stop
from genre_engine.models.data import Data
from genre_engine.models.files import read_arrays
from genre_engine.runs import Run
from genre_engine.splits import EARLY_STOPPING_SET
from genre_engine.storage import json_fields, lock, workspace
from genre_engine.storage.progress import NotedProgress
from genre_engine.storage.workspace import replacing
from genre_engine.training.cross_validation import stopping_rows
from genre_engine.training.data import part_data
from genre_engine.training.request import reopen_material
from genre_engine.training.shares import (
    MOST_FOLDS,
    SHARES,
    Ints,
    Step,
    judged_folds,
    learnt_by,
    leaves_out_tracks,
    plan,
    repeats,
)

FOLDER = "learning-curve"
# What a training takes beside its tracks: as long as so many of them, and about so many seconds.
_EACH_TRACKS, _EACH_S = 50, 0.3


@dataclass(frozen=True)
class LearningCurveRequest:
    """A learning curve that is to be measured.

    Attributes:
        run: the id or name of a finished run.
        shares: of its training tracks, in percent; 100, the run itself, is always among them.
    """

    run: str
    shares: tuple[int, ...] = SHARES

    def __post_init__(self) -> None:
        if wrong := [share for share in self.shares if not 1 <= share <= 100]:
            raise WrongUsage(
                f"A share is a whole number of percent from 1 to 100, not {wrong[0]}. "
                f"Leave the shares out for {', '.join(map(str, SHARES))}."
            )
        object.__setattr__(self, "shares", tuple(sorted({*self.shares, 100})))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "LearningCurveRequest":
        """Raises WrongUsage: it isn't one."""
        return json_fields.read(cls, values, "a learning curve")

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"shares": list(self.shares)}


def check(run: Run) -> None:
    """Refuse a run that has no learning curve to be measured.

    Raises:
        RunError: it hasn't finished, or is damaged.
    """
    if run.report() is None or run.status != "finished":
        raise RunError(
            f"The run {run.name!r} is {run.status}. A learning curve trains a finished run's model "
            f"again. {'Resume it first.' if run.resumable else 'Wait for it.'}"
        )


def seconds(run: Run, shares: Sequence[int] = SHARES) -> float | None:
    """About how long it will take, from how long the run's own training took; None if unknown."""
    report = run.report() or {}
    fitting = (report.get("fit") or {}).get("seconds")
    if not fitting:
        return None
    folds = run.config.split.get("folds")
    of_all = min(MOST_FOLDS, folds) if folds else 1
    times = {share: repeats(share, bool(folds)) * of_all for share in shares if share < 100}
    whole = sum(share / 100 * n for share, n in times.items())
    if folds:  # the fit that was timed has learnt from all folds
        whole *= (folds - 1) / folds
    return float(fitting) * whole + _EACH_S * sum(times.values())


def measure(
    run: Run,
    shares: Sequence[int] = SHARES,
    *,
    progress: NotedProgress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> dict[str, Any]:
    """Train what isn't trained yet, and write the curve beside the run, also after each share.

    Args:
        shares: in percent, as in `LearningCurveRequest`.
        progress: called with how much is done, of how much, and what is being done.
        should_stop: asked at every batch and epoch; the training that is under way is dropped.

    Returns:
        What `learning_curve.json` holds: not `complete` where it was stopped, without points where
        it was stopped at the first share.

    Raises:
        RunError: the run hasn't finished, is damaged or was removed, or another process measures.
        GenreEngineError: its data set or features are gone.
        ModelError: no share can be learnt from.
        StorageError: it can't be written.
    """
    shares = LearningCurveRequest(run.name, tuple(shares)).shares
    check(run)
    before = evaluation.read(run)
    whole = before is not None and before["complete"] and not before["failed"]
    if before is not None and whole and before["shares"] == list(shares):
        return before
    refusal = (
        f"The learning curve of {run.name!r} is being measured by another process. Wait for it, or "
        "stop it first."
    )
    with lock.hold(workspace.make_folder(run.folder / FOLDER), refusal):
        return _Measurement(run, shares, progress, should_stop or (lambda: False)).work()


class _Measurement:
    """A learning curve in the making."""

    def __init__(
        self,
        run: Run,
        shares: Sequence[int],
        progress: NotedProgress | None,
        should_stop: Callable[[], bool],
    ) -> None:
        self.run, self.shares = run, shares
        self.material = reopen_material(run)
        self.folds = judged_folds(self.material)
        self.steps = plan(self.material, shares, run.config.seed)
        self._progress, self._should_stop = progress, should_stop
        self._began = time.monotonic()
        before = evaluation.read(run) or {"complete": True}
        self._before = 0.0 if before["complete"] else float(before["seconds"])
        self._all = sum(map(_cost, self.steps))
        self._done = sum(_cost(step) for step in self.steps if self._kept(step) is not None)
        self._data: Data | None = None

    def work(self) -> dict[str, Any]:
        outcomes = [self._whole()]
        failed: list[dict[str, Any]] = []
        written: dict[str, Any] = {"complete": False, "points": []}
        trained = self._done
        for share in self.shares:
            mine = [step for step in self.steps if step.share == share]
            for repeat in sorted({step.repeat for step in mine}):
                steps = [step for step in mine if step.repeat == repeat]
                try:
                    outcomes.append(self._outcome(steps))
                except Stop:
                    return written
                except ModelError as error:
                    failed.append({"share": share, "repeat": repeat + 1, "message": str(error)})
            complete = share == 100
            if len(outcomes) > 1 and (complete or self._done > trained):
                written = self._write(outcomes, failed, complete=complete)
                trained = self._done
        if len(outcomes) == 1:
            raise ModelError(
                "No smaller share of these tracks can be learnt from. "
                + (failed[-1]["message"] if failed else "Add tracks, or give other shares.")
            )
        return written

    def _whole(self) -> Outcome:
        """The run itself."""
        predicted = self.run.predictions("validation")
        held = self._held()
        ids = self.material.track_ids
        if predicted.track_ids != [ids[row] for row in self.material.rows("validation")]:
            raise RunError(
                f"The predictions of the run {self.run.name!r} don't fit its parts. Train it again."
            )
        learnt = [learnt_by(self.material, fold) for fold in self.folds]
        return self._judged(100, 0, learnt, predicted.p[self._positions(held)])

    def _outcome(self, steps: Sequence[Step]) -> Outcome:
        found = [self._fitted(step) for step in steps]
        held = np.concatenate([step.held for step in steps])
        p = np.concatenate(found)[np.argsort(held, kind="stable")]
        return self._judged(steps[0].share, steps[0].repeat, [step.rows for step in steps], p)

    def _judged(
        self, share: int, repeat: int, learnt: Sequence[Ints], p: npt.NDArray[np.float32]
    ) -> Outcome:
        held = self._held()
        fold = self.material.split.fold
        report = evaluation.judge(
            self.run, p, self._positions(held), None if fold is None else fold[held, 0]
        )
        of_genres = np.mean([self.material.y[rows].sum(axis=0) for rows in learnt], axis=0)
        tracks = float(np.mean([len(rows) for rows in learnt]))
        return Outcome(share, repeat, tracks, of_genres, report)

    def _held(self) -> Ints:
        """The material's rows that are judged."""
        fold = self.material.split.fold
        if fold is None:
            return self.material.rows("validation")
        return np.flatnonzero(np.isin(fold[:, 0], self.folds))

    def _positions(self, held: Ints) -> Ints:
        """Where they are among the run's predictions for validation."""
        found: Ints = np.searchsorted(self.material.rows("validation"), held)
        return found

    def _fitted(self, step: Step) -> npt.NDArray[np.float32]:
        """What a training says of the tracks that it is judged on."""
        if (kept := self._kept(step)) is not None:
            return kept
        run, material = self.run, self.material
        if self._should_stop():
            raise Stop
        self._say(0.0, step)
        kind = models.model(run.config.model)
        settings = kind.Settings.from_dict(run.config.settings)
        model = kind(settings, seed=run.config.seed + step.repeat)
        rows, stopping = step.rows, None
        if material.split.fold is None:
            stopping = material.rows(EARLY_STOPPING_SET)
        elif kind.stops_early:
            seed = [run.config.seed, step.repeat, step.fold]
            rows, stopping = stopping_rows(material, rows, seed)
        watcher = _Watcher(lambda share: self._say(share, step), self._should_stop)
        model.fit(self._part(rows), None if stopping is None else self._part(stopping), watcher)
        p = model.predict_proba(self._part(step.held).x)
        if "keras" in sys.modules:  # it keeps what it built until its session is cleared
            sys.modules["keras"].utils.clear_session()
        if not np.isfinite(p).all():
            raise ModelError("It diverged: its scores aren't numbers.")
        self._keep(step, p)
        self._done += _cost(step)
        return p

    def _part(self, rows: Ints) -> Data:
        """Some tracks as the model takes them; those of test are never read."""
        if self._data is None:
            self._data = part_data(self.run, self.material, self._used())
        return self._data.take(np.searchsorted(self._used(), rows))

    def _used(self) -> Ints:
        return np.flatnonzero(np.isin(self.material.split.part, ("train", "validation")))

    def _kept(self, step: Step) -> npt.NDArray[np.float32] | None:
        """What was kept of a training; None where there is nothing that could be used."""
        try:
            arrays = read_arrays(self.run.folder / FOLDER, step.name)
            rows = int(arrays["rows"].reshape(()))
            p = np.asarray(arrays["p"], np.float32)
        except (ModelError, KeyError, ValueError, TypeError):
            return None
        whole = p.shape == (len(step.held), len(self.material.genres))
        return p if whole and rows == step.checksum else None

    def _keep(self, step: Step, p: npt.NDArray[np.float32]) -> None:
        if not self.run.folder.is_dir():
            raise RunError(f"The run {self.run.name!r} has been removed meanwhile.")
        path = self.run.folder / FOLDER / step.name
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, p=p, rows=np.array(step.checksum))

    def _say(self, share: float, step: Step) -> None:
        if self._progress is not None:
            said = f"Learning from {step.share} % of the tracks ({len(step.rows):,})"
            self._progress(self._done + share * _cost(step), self._all, said)

    def _write(
        self,
        outcomes: Sequence[Outcome],
        failed: Sequence[dict[str, Any]],
        *,
        complete: bool,
    ) -> dict[str, Any]:
        config = self.run.config
        values: dict[str, Any] = {
            "format": evaluation.FORMAT,
            "run": self.run.name,
            "model": config.model,
            "task": config.task,
            "part": "validation",
            "genres": list(config.genres),
            "complete": complete,
            "shares": list(self.shares),
            "folds": len(self.folds) if self.material.split.fold is not None else None,
            "left_out": "tracks" if leaves_out_tracks(self.material) else "artists",
            **evaluation.summary(self.run, outcomes),
            "failed": list(failed),
            "seconds": round(self._before + time.monotonic() - self._began, 1),
        }
        self.run.write_json(evaluation.FILE, json.loads(json.dumps(values)))
        return values


def _cost(step: Step) -> int:
    """How long a training takes, against the others."""
    return len(step.rows) + _EACH_TRACKS


class _Watcher:
    """The Progress of a training."""

    def __init__(self, say: Callable[[float], None], should_stop: Callable[[], bool]) -> None:
        self._say, self._should_stop = say, should_stop

    def batch(
        self, *, epoch: int, epochs: int, batch: int, batches: int, loss: float | None
    ) -> None:
        self._look((epoch - 1 + batch / max(1, batches)) / max(1, epochs))

    def epoch(self, values: dict[str, Any]) -> None:
        self._look(values["epoch"] / max(1, values["epochs"]))

    def log(self, text: str) -> None:
        pass  # of one training among many

    def _look(self, share: float) -> None:
        if self._should_stop():
            raise Stop
        self._say(min(1.0, share))
