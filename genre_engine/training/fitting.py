"""The whole life of a training: material → model → predictions → report, all in the run's events.

A run is in one of these hands at a time (its lock), and whatever ends it is its last status event:
`finished`, `paused` or `cancelled` where that was asked for, `failed` with the reason. Nothing is
ever half written, so a training that was killed at any moment goes on from its last epoch, or from
the step after the fit that it had come to.
"""

import os
import platform
import shutil
import traceback
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from genre_engine import leakage, models, runs
from genre_engine.errors import GenreEngineError, ModelError, RunError
from genre_engine.evaluation import evaluate
from genre_engine.evaluation.out_of_fold import CrossValidation
from genre_engine.models.base import Model, Progress, Stop
from genre_engine.runs import Journal, Predictions, Run
from genre_engine.splits import EARLY_STOPPING_SET, THRESHOLD_SET
from genre_engine.storage import workspace
from genre_engine.storage.workspace import replacing
from genre_engine.training import cross_validation
from genre_engine.training.data import Material, part_data
from genre_engine.training.reporter import Reporter, StopWatcher
from genre_engine.training.request import open_material, reopen_material

# What comes after the fit; short.
_AFTER_LEARNING = ("Predicting", "Evaluating")


def train(
    run: Run, *, progress: Progress | None = None, enough: Callable[[], str] | None = None
) -> Run:
    """Train a run, or go on with one; back when it has finished, was paused or cancelled.

    What can't be done is said in the run (`failed`) before it is raised.

    Args:
        progress: is called with what goes into the run's events; must not raise.
        enough: asked at every epoch's end. Once it gives a reason, in words, no further epoch is
            learnt: the run finishes with the best of them and says why.

    Raises:
        RunError: another process trains it, or it has finished.
        GenreEngineError: what made it fail.
        KeyboardInterrupt: it was interrupted; the run is cancelled and can be resumed.
    """
    with run.writing() as events:
        status = run.recorded().status
        if status == "finished":
            raise RunError(f"The run {run.name!r} has finished. Train a new one.")
        if status != "queued":
            # What was asked before is done, or was overtaken by what ended the run.
            run.clear_request()
        # A request may be written at this moment.
        workspace.clear_leftovers_in(run.folder, but="control")
        reporter = Reporter(run, events, progress, enough)
        try:
            _live(run, events, reporter)
        except Stop:
            _end_stopped(run, events, reporter)
        except KeyboardInterrupt:
            events.write("status", status="cancelled", message=f"Interrupted{_where(reporter)}.")
            raise
        except GenreEngineError as error:
            _end_failed(events, str(error))
            raise
        except MemoryError as error:
            short = ModelError(
                "There is not enough memory. Close other programs and resume, or train a smaller "
                "model."
            )
            _end_failed(events, str(short))
            raise short from error
        except BaseException as error:
            last = traceback.format_exception_only(error)[-1].strip()
            _end_failed(events, f"It failed with {last} (the whole of it is in log.txt).")
            raise
    return run


def _live(run: Run, events: Journal, reporter: Reporter) -> None:
    config = run.config
    events.log(f"training {config.model} on {config.dataset}, process {os.getpid()}")

    def phase(message: str) -> None:
        events.write("status", status="running", message=message)
        asked = run.requested()
        # Once it has learnt, a pause would keep nothing for later: the run finishes.
        if asked and not (asked == "pause" and message in _AFTER_LEARNING):
            reporter.asked = asked
            raise Stop(asked)

    phase("Reading the features")
    material = _material(run)
    outcome = None
    if material.split.fold is None:
        model = _fit(run, events, reporter, material, phase)
        phase(_AFTER_LEARNING[0])
        _predict(run, material, model)
    else:
        model, outcome = _cross_validate(run, events, reporter, material, phase)
    model.save(run.model_folder)
    phase(_AFTER_LEARNING[1])
    report = evaluate.report(
        run,
        model,
        threshold_ids=[material.track_ids[row] for row in material.rows(THRESHOLD_SET)],
        artist_overlap=material.artist_overlap,
        sizes=material.split.sizes,
        outcome=outcome,
    )
    report["made_with"] = {"python": platform.python_version(), "system": platform.system()}
    run.write_json("report.json", report)
    message = evaluate.verdict(report)
    if reporter.cut_short and len(model.history_) < model.history_[-1]["epochs"]:
        message += f". It ended early{_where(reporter)}: {reporter.cut_short}"
    events.write("status", status="finished", message=message)
    shutil.rmtree(run.checkpoint_folder, ignore_errors=True)
    run.clear_request()


def _fit(
    run: Run, events: Journal, reporter: Reporter, material: Material, phase: Callable[[str], None]
) -> Model:
    train, validation = (
        part_data(run, material, material.rows(part)) for part in ("train", EARLY_STOPPING_SET)
    )
    phase("Training")
    model = _new_model(run)
    model.fit(train, validation, reporter, checkpoint=run.checkpoint_folder)
    _write_lost_epochs(run, events, model)
    return model


def _cross_validate(
    run: Run, events: Journal, reporter: Reporter, material: Material, phase: Callable[[str], None]
) -> tuple[Model, CrossValidation]:
    """Folds, their predictions, and the model that has learnt from all tracks."""
    watching = StopWatcher(run, reporter)
    outcome = cross_validation.fit_folds(
        run,
        material,
        watching,
        lambda done, n: phase(f"Cross-validation: {done} of {n} folds are done"),
    )
    if not run.epochs():
        for values in outcome.mean_history():
            events.write("epoch", **values)
    _write_predictions(
        run,
        material,
        "validation",
        outcome.probabilities[0],
        cross_validation.artist_prior(material),
    )
    _write_train_truth(run, material, np.arange(len(material.y)))
    kind = models.model(run.config.model)
    model = _new_model(run)
    if kind.stops_early:
        model.settings = kind.for_epochs(model.settings, outcome.epochs)
    phase(
        f"Fitting the final model to all {len(material.y):,} tracks"
        + (f", {outcome.epochs} epochs as the folds chose" if kind.stops_early else "")
    )
    model.fit(
        part_data(run, material, np.arange(len(material.y))),
        None,
        watching,
        checkpoint=run.checkpoint_folder / "final",
    )
    return model, CrossValidation(outcome.dealt, outcome.probabilities, outcome.epochs)


def _new_model(run: Run) -> Model:
    kind = models.model(run.config.model)
    return kind(kind.Settings.from_dict(run.config.settings), seed=run.config.seed)


def _write_lost_epochs(run: Run, events: Journal, model: Model) -> None:
    """Add the events of epochs of which only the checkpoint could be written."""
    written = [event["epoch"] for event in run.epochs()]
    whole = [epoch["epoch"] for epoch in model.history_]
    if written == whole:
        return
    lost = next((n for n in whole if n not in written), whole[0])
    for values in model.history_:
        if values["epoch"] >= lost:
            events.write("epoch", **values)


def _material(run: Run) -> Material:
    path = run.folder / "parts.parquet"
    if path.is_file():
        return reopen_material(run)
    material = open_material(run.config)
    with replacing(path) as temporary:
        material.parts_table().to_parquet(temporary, index=False)
    return material


def _predict(run: Run, material: Material, model: Model) -> None:
    """Predictions of validation and test, with the artist-prior baseline's; and train's truth."""
    prior = leakage.artist_prior_scores(material.tracks, material.y, material.split.part == "train")
    for part in runs.PREDICTED:
        rows = material.rows(part)
        if len(rows):
            p = model.predict_proba(part_data(run, material, rows).x)
            _write_predictions(run, material, part, p, prior[rows])
    _write_train_truth(run, material, material.rows("train"))


def _write_predictions(
    run: Run,
    material: Material,
    part: str,
    p: npt.NDArray[np.float32],
    prior: npt.NDArray[np.float64],
) -> None:
    rows = material.rows(part)
    predicted = Predictions(
        [material.track_ids[row] for row in rows],
        material.y[rows],
        p,
        material.groups[rows] if material.has_artists else None,
        prior.astype(np.float32),
    )
    predicted.save(run.folder / "predictions" / f"{part}.npz")


def _write_train_truth(run: Run, material: Material, rows: npt.NDArray[np.intp]) -> None:
    path = run.folder / "predictions" / "train.npz"
    with replacing(path) as temporary, temporary.open("wb") as file:
        ids = np.array([material.track_ids[row] for row in rows])
        np.savez_compressed(file, track_ids=ids, y=material.y[rows])


def _end_stopped(run: Run, events: Journal, reporter: Reporter) -> None:
    status = "paused" if reporter.asked == "pause" else "cancelled"
    events.write("status", status=status, message=f"{status.capitalize()}{_where(reporter)}.")
    run.clear_request()


def _end_failed(events: Journal, message: str) -> None:
    """On a full disk this may not be written either; then the run shows as killed."""
    events.log("".join(traceback.format_exc()))
    try:
        events.write("status", status="failed", message=message)
    except GenreEngineError as error:
        events.log(f"this could not be written among the events: {error}")


def _where(reporter: Reporter) -> str:
    return f" after epoch {reporter.last_epoch}" if reporter.last_epoch else ""
