"""Cross-validation: every track is judged once by a model that has learnt from the other folds.

Each fold's predictions are kept below the run's checkpoint as soon as they are there, so a run that
was stopped or killed goes on with the fold that it was at, from that fold's last epoch. The first
fold is fitted here; where those that are left would take long, further processes share them, one
for each core.

A model that stops early needs tracks to stop by: a tenth of the other folds' artists, never the
fold that is judged.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt

from genre_engine import leakage, models, splits
from genre_engine.errors import ModelError
from genre_engine.models.base import Progress, Stop
from genre_engine.models.files import read_arrays
from genre_engine.runs import Run
from genre_engine.storage.workspace import replacing
from genre_engine.training.data import Material, part_data

# What stops a fold's learning: a share of the tracks that it learns from.
STOPPING_SHARE = 0.1
# Starting a process, with TensorFlow in it, takes some seconds; below this it doesn't pay.
_WORTH_PROCESSES_S = 15.0
_LOOK_S = 0.2


@dataclass(frozen=True)
class Fold:
    """A fold's outcome.

    Attributes:
        rows: int [m], the positions of its tracks.
        p: float32 [m, n_genres], what a model says that hasn't learnt from them.
        best_epoch: the epoch that was kept.
        history: what its epochs reported.
    """

    rows: npt.NDArray[np.intp]
    p: npt.NDArray[np.float32]
    best_epoch: int
    history: list[dict[str, Any]]


@dataclass(frozen=True)
class Outcome:
    """All folds of all repeats, in their order.

    Attributes:
        dealt: int [n, repeats], each track's fold.
    """

    folds: tuple[Fold, ...]
    dealt: npt.NDArray[np.intp]

    @property
    def probabilities(self) -> npt.NDArray[np.float32]:
        """Out-of-fold probabilities, float32 [repeats, n, n_genres]."""
        n, repeats = self.dealt.shape
        found = np.empty((repeats, n, self.folds[0].p.shape[1]), np.float32)
        each = len(self.folds) // repeats
        for number, fold in enumerate(self.folds):
            found[number // each, fold.rows] = fold.p
        return found

    @property
    def epochs(self) -> int:
        """How long the final model learns: the median of the folds' best epochs."""
        return round(median(fold.best_epoch for fold in self.folds))

    def mean_history(self) -> list[dict[str, Any]]:
        """Epochs with the means of the folds that learnt so long, as long as half of them did."""
        histories = [fold.history for fold in self.folds]
        epochs: list[dict[str, Any]] = []
        last = max(len(history) for history in histories)
        for number in range(last):
            there = [history[number] for history in histories if len(history) > number]
            if 2 * len(there) < len(histories):
                break
            values: dict[str, Any] = {"epoch": number + 1, "epochs": last}
            for name in _MEANS:
                known = [epoch[name] for epoch in there if epoch.get(name) is not None]
                values[name] = float(np.mean(known)) if known else None
            values["seconds"] = round(sum(epoch.get("seconds") or 0.0 for epoch in there), 3)
            epochs.append(values)
        losses = [epoch["val_loss"] for epoch in epochs if epoch["val_loss"] is not None]
        for epoch in epochs:
            epoch["best"] = not losses or epoch["val_loss"] == min(losses)
        return epochs


_MEANS = ("loss", "val_loss", "accuracy", "val_accuracy", "auc", "val_auc")


def fit_folds(
    run: Run, material: Material, progress: Progress, said: Callable[[int, int], None]
) -> Outcome:
    """Fit a model for each fold, or those that are left, and gather what they say.

    Args:
        progress: asked at every epoch's end, and in between, whether to go on.
        said: called with the number of folds that are done, and of all.

    Raises:
        Stop: `progress` raised it, or the run was asked to stop.
        GenreEngineError: a fold can't be fitted.
    """
    fold = _dealt(material)
    n = int(fold.max() + 1) * fold.shape[1]
    left = [number for number in range(n) if not _path(run, number).is_file()]
    said(n - len(left), n)
    if left:
        began = time.monotonic()
        fit_fold(run, material, left[0], progress)
        seconds = time.monotonic() - began
        left = left[1:]
        said(n - len(left), n)
        processes = min(os.cpu_count() or 1, len(left))
        if processes > 1 and seconds * len(left) > _WORTH_PROCESSES_S:
            _fit_in_processes(run, left, processes, lambda done: said(n - len(left) + done, n))
        else:
            for number in left:
                fit_fold(run, material, number, progress)
                said(number + 1, n)
    return Outcome(tuple(_read(run, material, number) for number in range(n)), fold)


def fit_fold(run: Run, material: Material, number: int, progress: Progress | None = None) -> None:
    """Fit the model that judges a fold, and keep what it says of it.

    Args:
        number: of the fold, counted through all repeats.
    """
    config = run.config
    fold = _dealt(material)
    folds = int(fold.max()) + 1
    repeat, at = divmod(number, folds)
    held = fold[:, repeat] == at
    kind = models.model(config.model)
    model = kind(kind.Settings.from_dict(config.settings), seed=config.seed + repeat)
    learnt, stopping = np.flatnonzero(~held), None
    if kind.stops_early:
        learnt, stopping = stopping_rows(material, learnt, [config.seed, number])
    model.fit(
        part_data(run, material, learnt),
        None if stopping is None else part_data(run, material, stopping),
        progress,
        checkpoint=_folder(run) / f"{number:03}",
    )
    p = model.predict_proba(part_data(run, material, np.flatnonzero(held)).x)
    facts = json.dumps({"best_epoch": model.best_epoch_, "history": model.history_})
    with replacing(_path(run, number)) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, p=p, facts=np.frombuffer(facts.encode(), np.uint8))


def artist_prior(material: Material) -> npt.NDArray[np.float64]:
    """The artist-prior baseline's scores, each fold's from the others' labels."""
    fold = _dealt(material)[:, 0]
    scores = np.empty(material.y.shape)
    for number in range(int(fold.max()) + 1):
        held = fold == number
        scores[held] = leakage.artist_prior_scores(material.tracks, material.y, ~held)[held]
    return scores


def stopping_rows(
    material: Material, rows: npt.NDArray[np.intp], seed: Sequence[int]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp] | None]:
    """Rows to learn from, and rows to stop by; the latter None where none can be spared."""
    y = material.y[rows]
    alone = material.split.kind == "kfold"
    units = np.arange(len(rows)) if alone else material.groups[rows]
    units = np.unique(units, return_inverse=True)[1]
    if int(units.max()) < 1:
        return rows, None
    shares = [1 - STOPPING_SHARE, STOPPING_SHARE]
    stops = splits.partition(units, y, shares, np.random.default_rng(seed)) == 1
    for column in y.T:  # what is to be learnt must be there to learn from
        if not column[~stops].any():
            stops &= ~np.isin(units, units[stops & (column > 0)])
    return (rows[~stops], rows[stops]) if stops.any() else (rows, None)


def _fit_in_processes(
    run: Run, numbers: Sequence[int], n: int, said: Callable[[int], None]
) -> None:
    """Share folds among processes; all end when the run is asked to stop, or one fails."""
    threads = str(max(1, (os.cpu_count() or 1) // n))
    names = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "LOKY_MAX_CPU_COUNT")
    environment = os.environ | dict.fromkeys(names, threads)
    started = [
        subprocess.Popen(
            [
                sys.executable,
                *("-m", "genre_engine.training.fold_worker", str(run.folder.absolute())),
                *map(str, numbers[first::n]),
            ],
            stdin=subprocess.PIPE,  # when this process ends, however it does, so do they
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        for first in range(n)
    ]
    done = 0
    try:
        while any(process.poll() is None for process in started):
            time.sleep(_LOOK_S)
            now = sum(_path(run, number).is_file() for number in numbers)
            if now > done:
                done = now
                said(done)
            if asked := run.requested():
                raise Stop(asked)
            if any(process.poll() for process in started):
                break
        for process in started:
            if process.returncode:
                text = (process.stdout.read() if process.stdout else b"").decode(errors="replace")
                raise ModelError(
                    text.strip()
                    or "A process that fitted folds ended without saying why; perhaps memory ran "
                    "out. Resume the run to go on with the fold that it was at."
                )
    finally:
        for process in started:
            process.kill()
            process.communicate()


def _dealt(material: Material) -> npt.NDArray[np.intp]:
    if material.split.fold is None:
        raise ValueError("no folds")
    return material.split.fold


def _folder(run: Run) -> Path:
    return run.checkpoint_folder / "folds"


def _path(run: Run, number: int) -> Path:
    return _folder(run) / f"{number:03}.npz"


def _read(run: Run, material: Material, number: int) -> Fold:
    fold = _dealt(material)
    repeat, at = divmod(number, int(fold.max()) + 1)
    rows = np.flatnonzero(fold[:, repeat] == at)
    try:
        arrays = read_arrays(_folder(run), _path(run, number).name)
        facts = json.loads(arrays["facts"].astype(np.uint8).tobytes())
        p = np.asarray(arrays["p"], np.float32)
        if p.shape != (len(rows), len(material.genres)):
            raise ValueError("of another shape")
        return Fold(rows, p, int(facts["best_epoch"]), list(facts["history"]))
    except (ModelError, ValueError, KeyError, TypeError) as error:
        _path(run, number).unlink(missing_ok=True)
        raise ModelError(
            f"What fold {number + 1} found is damaged and was removed. Resume the run to fit that "
            "fold again."
        ) from error
