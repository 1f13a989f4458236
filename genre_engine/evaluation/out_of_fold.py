"""What cross-validation says: figures of every fold and their spread, and nested thresholds.

In report.json stands

    "cross_validation": {"folds": K, "repeats": R, "epochs": the final model's,
        "per_fold": [{"repeat", "fold", "tracks", "top1", "f1", "roc_auc", "average_precision"}…],
        "repeated": the same figures of all tracks, once a repeat
        "mean": {figure: x}, "sd": {figure: x}    over all folds of all repeats
        "thresholds": {"global": [x a fold], "per_genre": [{genre: x} a fold]} or null}

A fold's thresholds are chosen on the other folds' predictions, so no track is judged by a threshold
that it helped to choose.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from genre_engine import metrics
from genre_engine.runs import Run

FIGURES = {
    "top1": "accuracy.top1",
    "f1": "f1.macro",
    "roc_auc": "roc_auc.macro",
    "average_precision": "average_precision.macro",
}


@dataclass(frozen=True)
class CrossValidation:
    """Folds and out-of-fold probabilities of a run's n tracks.

    Attributes:
        fold: int [n, repeats].
        p: float32 [repeats, n, n_genres].
        epochs: how long the final model learns.
    """

    fold: npt.NDArray[np.intp]
    p: npt.NDArray[np.float32]
    epochs: int


def summary(run: Run, found: CrossValidation) -> dict[str, Any]:
    """What stands in report.json; the run's out-of-fold predictions lie in its folder."""
    config, validation = run.config, run.predictions("validation")
    y, genres = validation.y, config.genres
    groups = None if validation.groups is None else validation.groups.tolist()
    fold = found.fold[:, 0]
    numbers = range(int(fold.max()) + 1)
    thresholds: dict[str, Any] | None = None
    if config.task == "multilabel":
        chosen = [_thresholds(y, found.p[0], genres, groups, fold != number) for number in numbers]
        thresholds = {
            "global": [best for best, _ in chosen],
            "per_genre": [own for _, own in chosen],
        }
    per_fold, repeated = [], []
    for repeat, p in enumerate(found.p):
        values = np.full(y.shape, 0.5)
        if thresholds is not None:
            values[:] = np.array(thresholds["global"])[found.fold[:, repeat], None]
        repeated.append(_figures(config.task, y, p, genres, values))
        for number in numbers:
            held = found.fold[:, repeat] == number
            figures = _figures(config.task, y[held], p[held], genres, values[held])
            per_fold.append(
                {"repeat": repeat + 1, "fold": number + 1, "tracks": int(held.sum()), **figures}
            )
    columns = {
        name: np.array([row[name] for row in per_fold if row[name] is not None], float)
        for name in FIGURES
    }
    return {
        "folds": len(numbers),
        "repeats": len(found.p),
        "epochs": found.epochs,
        "per_fold": per_fold,
        "repeated": repeated,
        "mean": {name: float(c.mean()) if len(c) else None for name, c in columns.items()},
        "sd": {name: float(c.std(ddof=1)) if len(c) > 1 else None for name, c in columns.items()},
        "thresholds": thresholds,
    }


def folds(run: Run) -> dict[str, Any] | None:
    """What cross-validation found, as `evaluate` prints it; None for a run without folds.

    Raises:
        RunError: the run's report is damaged.
    """
    found = (run.report() or {}).get("cross_validation")
    if not found:
        return None
    return {name: value for name, value in found.items() if name != "thresholds"}


def spread(found: dict[str, Any]) -> str:
    """The folds' figures in a line, mean ± standard deviation."""
    titles = {"f1": "macro F1", "roc_auc": "macro ROC AUC", "top1": "top-1 accuracy"}
    listed = [
        f"{title} {found['mean'][name]:.3f} ± {found['sd'][name]:.3f}"
        for name, title in titles.items()
        if found["mean"].get(name) is not None and found["sd"].get(name) is not None
    ]
    repeats = f", {found['repeats']} times" if found["repeats"] > 1 else ""
    return f"Mean ± deviation over {found['folds']} folds{repeats}: {', '.join(listed)}."


def nested_thresholds(
    run: Run, found: dict[str, Any], wanted: str
) -> npt.NDArray[np.float64] | None:
    """The threshold of every track and genre, float [n, n_genres], each chosen without its fold.

    Args:
        found: report.json's.
        wanted: `global` or `per-genre`.

    Returns None for a run without folds, or whose tracks have one genre each.
    """
    thresholds = (found.get("cross_validation") or {}).get("thresholds")
    if not thresholds:
        return None
    fold = run.parts()["fold_1"].to_numpy(np.intp)
    if wanted == "global":
        return np.repeat(np.array(thresholds["global"])[fold, None], len(run.config.genres), axis=1)
    rows = [[own[genre] for genre in run.config.genres] for own in thresholds["per_genre"]]
    of_tracks: npt.NDArray[np.float64] = np.array(rows, np.float64)[fold]
    return of_tracks


def global_thresholds(
    y: Any, p: Any, genres: tuple[str, ...], groups: list[int] | None, fold: npt.NDArray[np.intp]
) -> npt.NDArray[np.float64]:
    """Thresholds float [n, n_genres]: one a fold, chosen on the others.

    Args:
        fold: int [n], each track's fold.
    """
    found = np.full(np.shape(y), 0.5)
    for number in np.unique(fold):
        others = fold != number
        known = [None] * int(others.sum()) if groups is None else np.array(groups)[others].tolist()
        found[~others] = metrics.choose_global(y[others], p[others], genres, groups=known)
    return found


def _thresholds(
    y: Any, p: Any, genres: tuple[str, ...], groups: list[int] | None, others: Any
) -> tuple[float, dict[str, float]]:
    known = None if groups is None else np.array(groups)[others].tolist()
    known = known if known is not None else [None] * int(others.sum())
    best = metrics.choose_global(y[others], p[others], genres, groups=known)
    own = metrics.choose_per_genre(y[others], p[others], genres, groups=known, towards=best)
    return best, dict(zip(genres, own.tolist(), strict=True))


def _figures(
    task: str, y: Any, p: Any, genres: tuple[str, ...], nested: Any
) -> dict[str, float | None]:
    judged = metrics.evaluate(y, p, genres=genres, nested=nested, task=task, draws=0)
    return {name: judged.figure(figure) for name, figure in FIGURES.items()}
