"""How a run's scores grow with the tracks it learns from, and which genre more songs would help.

`training.learning_curve` trains on growing shares of the training tracks and hands the outcomes in
here; `learning_curve.json` beside the run holds

    {"format": 1, "run", "model", "task", "part": "validation", "genres",
     "complete": whether all shares are done, "shares": [percent],
     "folds": how many folds were judged, or null,
     "left_out": what shares leave out together: "artists" or "tracks",
     "judged": {"tracks", "over": what intervals are drawn over, or null where there are none},
     "points": [{"share", "tracks", "trainings",
                 "average_precision" | "f1" | "top1": {"value", "low", "high", "interval"},
                 "genres": {genre: {"tracks", "value", "interval"}}}],
     "no_skill": {figure: x},
     "doubling": {"tracks", "from", "gain", "interval", "rises"} or null,
     "advice": {"songs", "genres": {genre: {"tracks", "from", "gain", "interval", "rises"}},
                "best": [genre], "perhaps": genre or null, "text"},
     "failed": [{"share", "repeat", "message"}], "seconds"}

A point's value is the mean of its trainings, `low` and `high` their extremes; its interval pools
the bootstrap draws of all of them, so it holds the choice of the judged tracks and of the learnt
ones. Genres have their average precision, against the number of *their* tracks among those that
were learnt from.

What more tracks would bring is `growth`'s.
"""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from genre_engine import metrics
from genre_engine.errors import RunError
from genre_engine.evaluation import growth, out_of_fold
from genre_engine.evaluation.evaluate import in_threshold_set
from genre_engine.evaluation.growth import Outcome
from genre_engine.metrics import export
from genre_engine.runs import Run

FORMAT = 1
FILE = "learning_curve.json"
FIGURES = {
    "average_precision": "average_precision.macro",
    "f1": "f1.macro",
    "top1": "accuracy.top1",
}
Floats = npt.NDArray[np.float64]


def judge(
    run: Run,
    p: npt.NDArray[np.float32],
    rows: npt.NDArray[np.intp],
    fold: npt.NDArray[np.intp] | None,
) -> metrics.Report:
    """Judge a training on validation as the run itself is: its threshold comes from the threshold
    set, or for each fold from the others.

    Args:
        p: float32 [m, n_genres], what it says of the judged tracks.
        rows: int [m], which of the run's predictions for validation these are.
        fold: int [m], their folds; None for a run without.
    """
    config, predicted = run.config, run.predictions("validation")
    y = predicted.y[rows]
    groups = None if predicted.groups is None else predicted.groups[rows].tolist()
    threshold, nested = 0.5, None
    if config.task == "multilabel" and fold is not None:
        nested = out_of_fold.global_thresholds(y, p, config.genres, groups, fold)
    elif config.task == "multilabel":
        on = in_threshold_set(run, predicted)[rows]
        known = [None] * int(on.sum()) if groups is None else np.array(groups)[on].tolist()
        threshold = metrics.choose_global(y[on], p[on], config.genres, groups=known)
    return metrics.evaluate(
        y,
        p,
        genres=config.genres,
        thresholds=threshold,
        nested=nested,
        task=config.task,
        groups=groups,
        run=run.name,
        part="validation",
    )


def read(run: Run) -> dict[str, Any] | None:
    """A run's learning curve, as far as it was measured; None where it wasn't, or was by another
    version.

    Raises:
        RunError: the file is damaged.
    """
    try:
        found = json.loads((run.folder / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise RunError(
            f"{FILE} of the run {run.name!r} can't be read ({error}). Remove that file and measure "
            "again."
        ) from error
    if not isinstance(found, dict) or found.get("format") != FORMAT or not found.get("points"):
        return None
    return found


def summary(run: Run, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Points, growth and advice of what was trained so far, as `learning_curve.json` has them."""
    genres = run.config.genres
    shares = sorted({one.share for one in outcomes})
    by_share = [[one for one in outcomes if one.share == share] for share in shares]
    last = by_share[-1][0].report
    stored = (run.report() or {}).get("validation") or {"baselines": {}}
    best = {name: export.best_baseline(stored, path) for name, path in FIGURES.items()}
    return {
        "judged": {
            "tracks": len(last.judged.y),
            "over": None if last.draws is None else last.draws.groups.over,
            "groups": len(last.groups.sizes),
        },
        "points": [_point(share, of) for share, of in zip(shares, by_share, strict=True)],
        "no_skill": {name: None if one is None else one[1] for name, one in best.items()},
        "doubling": growth.doubling(by_share),
        "advice": growth.advice(by_share, genres),
    }


def _point(share: int, of: Sequence[Outcome]) -> dict[str, Any]:
    drawn = [one.report.draws for one in of]
    point: dict[str, Any] = {
        "share": share,
        "tracks": round(float(np.mean([one.tracks for one in of])), 1),
        "trainings": len(of),
    }
    for name, path in FIGURES.items():
        values = np.array([one.report.figures.overall[path][0] for one in of], float)
        interval = None
        if drawn[0] is not None:
            pooled = np.concatenate([d.figures.overall[path] for d in drawn if d is not None])
            interval = drawn[0].interval(pooled)
        point[name] = _with_extremes(values) | {"interval": interval}
    rows = {}
    for index, genre in enumerate(of[0].report.genres):
        interval = None
        if drawn[0] is not None:
            pooled = np.concatenate([growth.drawn_of_genre(one, index) for one in of])
            having = np.unique(drawn[0].groups.of[of[0].report.judged.y[:, index]])
            interval = drawn[0].interval(pooled, n_groups=len(having))
        values = np.array([growth.score_of_genre(one, index) for one in of])
        rows[genre] = {
            "tracks": round(float(np.mean([one.of_genres[index] for one in of])), 1),
            "value": _with_extremes(values)["value"],
            "interval": interval,
        }
    return point | {"genres": rows}


def _with_extremes(values: Floats) -> dict[str, float | None]:
    known = values[np.isfinite(values)]
    if not len(known):
        return {"value": None, "low": None, "high": None}
    return {"value": float(known.mean()), "low": float(known.min()), "high": float(known.max())}
