"""What a run's features carry: what its score on validation loses when a group of them is shuffled.

The columns of a group are shuffled together among the tracks of validation, so that they keep their
values and their company but say nothing of the track (L. Breiman, "Random forests", 2001; by
groups: B. Gregorutti et al., 2015). The drop in macro average precision, mean of several shuffles,
is what the model draws from the group that no other group stands in for: groups that carry the same
look less important than they are, which `correlated` warns of. It says what this model uses, not
what tells genres apart. Test is never read.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genre_engine import models
from genre_engine.errors import RunError, WrongUsage
from genre_engine.features import groups as feature_groups
from genre_engine.features.groups import Group
from genre_engine.metrics.arrays import Floats
from genre_engine.metrics.figures import mean_of_defined
from genre_engine.metrics.ranking import rank_genres
from genre_engine.models.files import read_description
from genre_engine.runs import Run
from genre_engine.training import reopen_material

REPEATS = 10
FIGURE = "average_precision.macro"
# Of more tracks a random choice of so many is enough, and takes seconds.
MOST_TRACKS = 1000
# From so many tracks on a correlation is one, and from which on it is worth a word.
LEAST_TRACKS = 30
CORRELATED = 0.7
_MOST_PAIRS = 3

Predict = Callable[[NDArray[np.float32]], NDArray[np.floating]]


@dataclass(frozen=True, eq=False)
class Importance:
    """What shuffling a group costs.

    Attributes:
        drops: float [repeats], in macro average precision.
        of_genres: float [n_genres], the mean drop of each genre's; NaN where it has no tracks.
    """

    group: Group
    drops: Floats
    of_genres: Floats


def check(run: Run) -> list[Group]:
    """The groups of a run's features.

    Raises:
        RunError: it hasn't finished, or is damaged, or no track is left that its model hasn't
            learnt from.
        WrongUsage: its features have no groups.
    """
    if run.report() is None or run.status != "finished":
        raise RunError(
            f"The run {run.name!r} is {run.status}; what its features carry can be measured once "
            "it has finished."
        )
    if "folds" in run.config.split:
        raise RunError(
            "This run is cross-validated. Its folds' models aren't kept, and the one that is has "
            "learnt from all tracks, so there is none left to measure on. Train the same with the "
            "split artist or random to see what its features carry."
        )
    kind = run.config.features["kind"]
    if models.model(run.config.model).input == "patches":
        raise WrongUsage(
            "This model learns from pictures of the spectrum, which have no groups of columns. "
            "Train a model on the 498 features (summary) to see what they carry."
        )
    columns = read_description(run.model_folder).features.columns
    found = list(feature_groups.groups(kind, columns))
    if len(found) < 2:
        raise WrongUsage(
            "These features are of a single piece, so there are no groups to compare. Train a "
            "model on the 498 features (summary), or on an embedding of two networks."
        )
    return found


def of_run(run: Run, *, repeats: int = REPEATS, seed: int = 0) -> dict[str, Any]:
    """What each group of a run's features carries on validation; `evaluate --importance` prints it.

    Returns:
        {"part": "validation", "figure", "score", "tracks", "repeats", "seed",
         "groups": [{"title", "level", "columns", "drop", "sd", "low", "high", "genres"}],
         "correlated": [{"level", "groups": [title, title], "r"}] or null for too few tracks},
        groups by level, within it the largest drop first.

    Raises:
        RunError, WrongUsage: as `check`.
        GenreEngineError: its data set or features are gone.
    """
    found = check(run)
    material = reopen_material(run)
    rows = material.rows("validation")
    rng = np.random.default_rng([seed, 41])
    if len(rows) > MOST_TRACKS:
        rows = np.sort(rng.choice(rows, MOST_TRACKS, replace=False))
    ids = material.track_ids
    x, y = material.store.vectors([ids[row] for row in rows]), material.y[rows]
    model = models.load_classifier(run.model_folder)
    score, measured = permutation_importance(
        model.predict_proba, x, y, found, repeats=repeats, seed=seed
    )
    learnt = material.rows("train")
    if len(learnt) > MOST_TRACKS:
        learnt = np.sort(rng.choice(learnt, MOST_TRACKS, replace=False))
    both = np.concatenate([x, material.store.vectors([ids[row] for row in learnt])])
    order = list(feature_groups.LEVELS)
    measured.sort(key=lambda one: (order.index(one.group.level), -one.drops.mean()))
    return {
        "part": "validation",
        "figure": FIGURE,
        "score": score,
        "tracks": len(rows),
        "repeats": repeats,
        "seed": seed,
        "groups": [_row(one, material.genres) for one in measured],
        "correlated": None if len(both) < LEAST_TRACKS else correlated(both, found),
    }


def _row(one: Importance, genres: Sequence[str]) -> dict[str, Any]:
    return {
        "title": one.group.title,
        "level": one.group.level,
        "columns": len(one.group.columns),
        "drop": float(one.drops.mean()),
        "sd": float(one.drops.std(ddof=1)) if len(one.drops) > 1 else None,
        "low": float(one.drops.min()),
        "high": float(one.drops.max()),
        "genres": {
            genre: float(drop) if np.isfinite(drop) else None
            for genre, drop in zip(genres, one.of_genres, strict=True)
        },
    }


def permutation_importance(
    predict: Predict,
    x: NDArray[np.float32],
    y: NDArray[np.uint8],
    groups: Sequence[Group],
    *,
    repeats: int = REPEATS,
    seed: int = 0,
) -> tuple[float, list[Importance]]:
    """The score as it is, and what it loses when each group is shuffled.

    Args:
        predict: features [n, columns] → probabilities [n, n_genres].
        x: float32 [n, columns].
        y: labels [n, n_genres].
        seed: each group's shuffles depend on it and on the group's place alone.

    Raises:
        WrongUsage: there is no track of any genre to judge by.

    >>> x = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
    >>> y = (x[:, :1] > 0).astype(np.uint8)
    >>> groups = [Group("what counts", "column", (0,)), Group("noise", "column", (1,))]
    >>> score, found = permutation_importance(lambda x: x[:, :1], x, y, groups)
    >>> score, bool(found[0].drops.min() > 0.1), float(found[1].drops.max())
    (1.0, True, 0.0)
    """
    whole = _average_precision(y, predict(x))
    if not np.isfinite(whole).any():
        raise WrongUsage("No track of validation carries one of the genres. Choose another split.")
    score = float(mean_of_defined(whole))
    found = []
    for place, group in enumerate(groups):
        rng = np.random.default_rng([seed, place])
        columns = list(group.columns)
        # All shuffles at once: a model costs more by the call than by the row.
        shuffled = np.tile(x, (repeats, 1))
        for repeat in range(repeats):
            order = rng.permutation(len(x))
            shuffled[repeat * len(x) : (repeat + 1) * len(x), columns] = x[order][:, columns]
        p = np.split(predict(shuffled), repeats)
        drops = whole - np.stack([_average_precision(y, part) for part in p])
        found.append(Importance(group, mean_of_defined(drops), drops.mean(axis=0)))
    return score, found


def _average_precision(y: NDArray[np.uint8], p: NDArray[np.floating]) -> Floats:
    """Of each genre [n_genres]; NaN for one without tracks."""
    rankings = rank_genres(y.astype(bool), np.asarray(p, float))
    return np.array([ranking.score()[1][0] for ranking in rankings])


def correlated(x: NDArray[np.float32], groups: Sequence[Group]) -> list[dict[str, Any]]:
    """Pairs of groups of one level that carry much of the same, the closest first.

    How close: for each column of one group its largest correlation, without its sign, with a column
    of the other; the mean of these, the larger of the two ways round.

    >>> x = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    >>> x[:, 1] = -x[:, 0]
    >>> groups = [Group(name, "column", (place,)) for place, name in enumerate("abc")]
    >>> correlated(x, groups)
    [{'level': 'column', 'groups': ['a', 'b'], 'r': 1.0}]
    """
    away = x - x.mean(axis=0, dtype=np.float64)
    spread = np.sqrt((away**2).sum(axis=0))
    scaled = np.divide(away, spread, out=np.zeros_like(away), where=spread > 0)
    r = np.abs(scaled.T @ scaled)
    found = []
    for one, other in combinations(groups, 2):
        if one.level != other.level:
            continue
        between = r[np.ix_(one.columns, other.columns)]
        close = max(float(between.max(axis=1).mean()), float(between.max(axis=0).mean()))
        if close >= CORRELATED:
            pair = [one.title, other.title]
            found.append({"level": one.level, "groups": pair, "r": round(close, 2)})
    return sorted(found, key=lambda pair: -float(pair["r"]))


def warning(found: dict[str, Any], level: str) -> str:
    """What correlated groups of a level mean for it, in a sentence or two; "" where there are none.

    >>> pair = {"level": "family", "groups": ["MFCC", "Mel"], "r": 0.9}
    >>> warning({"correlated": [pair]}, "family")[:52]
    'MFCC and Mel (correlation 0.90) carry much of the sa'
    """
    if found["correlated"] is None:
        return (
            "There are too few tracks to say which groups carry the same; those that do look less "
            "important than they are."
        )
    pairs = [pair for pair in found["correlated"] if pair["level"] == level]
    if not pairs:
        return ""
    shown = [
        f"{pair['groups'][0]} and {pair['groups'][1]} (correlation {pair['r']:.2f})"
        for pair in pairs[:_MOST_PAIRS]
    ]
    if len(pairs) > _MOST_PAIRS:
        n = len(pairs) - _MOST_PAIRS
        shown.append(f"{n} other pair{'' if n == 1 else 's'}")
    return (
        f"{'; '.join(shown)} carry much of the same: while one is shuffled the other stands in, so "
        "each looks less important than it is."
    )
