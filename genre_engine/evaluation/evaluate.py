"""What a run's predictions are worth: thresholds and calibration from the threshold set of
validation, and the report on validation or test.

`report.json` holds

    {"format": 1,
     "validation": …                      the JSON of `evaluate` at the global threshold
     "thresholds": {"global": x, "per_genre": {genre: x}}   or null where one genre is said
     "calibration": {"slope", "offsets", "single", "kept"}  Platt's, see `metrics.calibration`
     "artist_overlap": share of test tracks whose artist is also in train, or null
     "sizes": {part: tracks},
     "fit": {"epochs", "best_epoch", "seconds", "chosen": {setting: value that the model chose}}}

Test has no place in it: figures on test are made when they are asked for, and each look is counted.
"""

import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from genre_engine import metrics
from genre_engine.errors import RunError, WrongUsage
from genre_engine.evaluation import out_of_fold
from genre_engine.metrics import baselines, calibration
from genre_engine.models.base import Model
from genre_engine.runs import Predictions, Run
from genre_engine.splits import THRESHOLD_SET

FORMAT = 1
# Chosen when asked for: the others are in report.json.
MICRO, PRECISION = "micro", "precision:"
THRESHOLDS = ("global", "per-genre")


def report(
    run: Run,
    model: Model,
    *,
    threshold_ids: Sequence[str],
    artist_overlap: float | None,
    sizes: dict[str, int],
    outcome: out_of_fold.CrossValidation | None = None,
) -> dict[str, Any]:
    """What is stored as report.json; the run's predictions lie in its folder.

    Args:
        threshold_ids: the tracks of validation that thresholds and calibration are chosen on.
        artist_overlap: share of test tracks whose artist is also in train, None if unknown.
        sizes: tracks in each part.
        outcome: of cross-validation, where the run has folds.
    """
    config = run.config
    validation = run.predictions("validation")
    chosen_on = np.isin(validation.track_ids, list(threshold_ids))
    y, p = validation.y[chosen_on], validation.p[chosen_on]
    thresholds = None
    groups = [None] * len(y)
    if validation.groups is not None:
        groups = validation.groups[chosen_on].tolist()
    if config.task == "multilabel":
        best = metrics.choose_global(y, p, config.genres, groups=groups)
        own = metrics.choose_per_genre(y, p, config.genres, groups=groups, towards=best)
        per_genre = dict(zip(config.genres, own.tolist(), strict=True))
        thresholds = {"global": best, "per_genre": per_genre}
    judged_on = metrics.check(y, p, config.genres, config.task)
    platt = calibration.fit_if_better(judged_on, groups)
    found: dict[str, Any] = {
        "format": FORMAT,
        "thresholds": thresholds,
        "calibration": platt.to_dict(),
        "artist_overlap": artist_overlap,
        "sizes": sizes,
        "fit": {
            "epochs": len(model.history_),
            "best_epoch": model.best_epoch_,
            "chosen": model.chosen_,
            "seconds": round(sum(epoch.get("seconds") or 0.0 for epoch in model.history_), 3),
        },
    }
    if outcome is not None:
        found["cross_validation"] = out_of_fold.summary(run, outcome)
    judged = judge(run, "validation", found)
    return found | {"validation": judged.to_dict()}


def evaluate_run(
    run: Run, part: str = "validation", thresholds: str | float = "global"
) -> metrics.Report:
    """Judge a finished run on a part. A look at test is counted in the run.

    Args:
        thresholds: as `thresholds_of` takes them.

    Raises:
        RunError: it hasn't finished, or its files are damaged.
        WrongUsage: no such part or threshold.
    """
    if part not in ("validation", "test"):
        raise WrongUsage(f"There is no part {part!r} to judge. Choose validation or test.")
    found = run.report()
    if found is None:
        if run.status == "finished":
            raise RunError(
                f"report.json of the run {run.name!r} is missing. Remove the run and train again."
            )
        raise RunError(
            f"The run {run.name!r} hasn't finished (it is {run.status}), so there is nothing to "
            f"judge. {'Resume it first.' if run.resumable else 'Wait for it.'}"
        )
    thresholds_of(run, found, thresholds)
    run.predictions(part)  # refuses before the look is counted
    if part == "test":
        run.add_look()
    return judge(run, part, found, thresholds)


def judge(
    run: Run, part: str, found: dict[str, Any], thresholds: str | float = "global"
) -> metrics.Report:
    """The report on a part, beside all predictors that don't listen; `found` is report.json's.

    After cross-validation a threshold that was chosen is each fold's own, chosen without it.
    """
    config = run.config
    predicted = run.predictions(part)
    nested = None
    if thresholds in THRESHOLDS:
        nested = out_of_fold.nested_thresholds(run, found, str(thresholds))
    return metrics.evaluate(
        predicted.y,
        predicted.p,
        genres=config.genres,
        thresholds=thresholds_of(run, found, thresholds),
        nested=nested,
        task=config.task,
        groups=None if predicted.groups is None else predicted.groups.tolist(),
        baselines=_baselines(run, predicted),
        run=run.name,
        part=part,
        artist_overlap=found.get("artist_overlap"),
    )


def verdict(found: dict[str, Any]) -> str:
    """The result in a line, beside what is reached without listening."""
    figures = found["validation"]
    said = f"Macro F1 {figures['f1']['macro']:.2f} on validation"
    idle = {
        name: values["f1"]["macro"]
        for name, values in figures["baselines"].items()
        if values and values["f1"]["macro"] is not None
    }
    artist_prior = idle.pop("artist_prior", None)
    if idle:
        said += f"; no-skill {max(idle.values()):.2f}"
    return said + (f"; artist prior {artist_prior:.2f}" if artist_prior is not None else "")


def thresholds_of(run: Run, found: dict[str, Any], wanted: str | float) -> Any:
    """One number, or one a genre; unused where the most probable genre is said.

    Args:
        found: report.json's.
        wanted: `global` (one for all genres, for macro F1), `per-genre`, `micro` (one, for micro
            F1) or `precision:0.8` (the lowest one that reaches such a micro precision), each chosen
            on the threshold set; or a number.

    Raises:
        RunError: the run's files are damaged.
        WrongUsage: no such threshold, or a precision that none reaches.
    """
    stored = found.get("thresholds")
    chosen = str(wanted)
    if stored is None and (chosen in (*THRESHOLDS, MICRO) or chosen.startswith(PRECISION)):
        return 0.5
    if chosen == MICRO:
        y, p = _threshold_set(run)
        return metrics.choose_global(y, p, run.config.genres, average="micro")
    if chosen.startswith(PRECISION):
        y, p = _threshold_set(run)
        precision = _number(chosen.removeprefix(PRECISION), wanted)
        return metrics.for_precision(y, p, run.config.genres, precision)
    if stored is not None and chosen in THRESHOLDS:
        try:
            return stored["global"] if chosen == "global" else stored["per_genre"]
        except (KeyError, TypeError) as error:
            raise RunError(
                f"report.json of the run {run.name!r} holds no thresholds. Train it again."
            ) from error
    return _number(wanted, wanted)


def _number(text: str | float, wanted: str | float) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise WrongUsage(
            f"{wanted!r} is no threshold. Choose global, micro, per-genre, precision:0.8 (or "
            "another one), or a number from 0 to 1."
        )
    return number


def _threshold_set(run: Run) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """Truth and probabilities on the threshold set."""
    validation = run.predictions("validation")
    chosen_on = in_threshold_set(run, validation)
    return validation.y[chosen_on], validation.p[chosen_on]


def in_threshold_set(run: Run, validation: Predictions) -> npt.NDArray[np.bool_]:
    """All of validation where none of it is known to be of that half."""
    parts = run.parts()
    chosen_on = np.isin(
        validation.track_ids, parts["track_id"][parts["half"] == THRESHOLD_SET].tolist()
    )
    return chosen_on if chosen_on.any() else np.ones_like(chosen_on)


def _baselines(run: Run, predicted: Predictions) -> dict[str, Any]:
    config = run.config
    validation = run.predictions("validation")
    chosen_on = in_threshold_set(run, validation)
    y = validation.y[chosen_on]
    found: dict[str, Any] = baselines.no_skill(
        _train_truth(run), y, len(predicted.y), config.genres, task=config.task, seed=config.seed
    )
    if predicted.artist_prior is not None and validation.artist_prior is not None:
        found["artist_prior"] = baselines.artist_prior(
            y,
            validation.artist_prior[chosen_on],
            predicted.artist_prior,
            config.genres,
            task=config.task,
        )
    return found


def _train_truth(run: Run) -> npt.NDArray[np.uint8]:
    try:
        with (
            (run.folder / "predictions" / "train.npz").open("rb") as opened,
            np.load(opened, allow_pickle=False) as file,
        ):
            return np.asarray(file["y"], np.uint8)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise RunError(
            f"predictions/train.npz of the run {run.name!r} is damaged ({error}). Remove the run "
            "and train again."
        ) from error
