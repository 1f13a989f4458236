"""The stages of the reproduction, in their order: what each does and what it needs.

Three parts: `course` repeats the course project as it is described, `honest` does the same with a
split that shares no artist and thresholds from validation, `beyond` goes on with what the project
named as next.
"""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from genre_engine.errors import WrongUsage

PARTS = {
    "course": "As described",
    "honest": "The same, honestly",
    "beyond": "Beyond it",
}

# The course project said a genre from a probability of one half on.
COURSE_THRESHOLD = "0.5"

# Enough to see that every stage works, and too little for a figure to mean something.
QUICK: dict[str, dict[str, Any]] = {
    "fcn": {"epochs": 3},
    "cnn": {"epochs": 1, "filters": [8, 8]},
    "xgboost": {"rounds": 10, "learning_rate": 0.3, "columns": 0.1},
    "forest": {"trees": 20},
    "linear": {"max_iterations": 20},
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


@dataclass(frozen=True)
class Stage:
    """One stage.

    Attributes:
        needs: stages that must be done before it.
        training: what it trains, if it does.
        extracts: the kind of features that it extracts, if it does.
    """

    name: str
    title: str
    part: str
    needs: tuple[str, ...] = ()
    training: Training | None = None
    extracts: str | None = None


def _course(name: str, title: str, model: str, **wishes: Any) -> Stage:
    return Stage(name, title, "course", ("splits", "summary"), Training(model, **wishes))


def _judged(
    part: str, name: str, title: str, model: str, needs: str = "summary", **wishes: Any
) -> Stage:
    wishes = {"split": "honest", "thresholds": "global", **wishes}
    return Stage(name, title, part, ("tracks", needs), Training(model, **wishes))


STAGES = (
    Stage("audio", "Audio of the tracks", "course"),
    Stage("tracks", "Tracks with only the ten genres", "course", ("audio",)),
    Stage("splits", "Random splits, 72/18/10 and 70/15/15", "course", ("tracks",)),
    Stage("summary", "The 498 features", "course", ("tracks",), extracts="summary"),
    _course("binary-xgboost", "Two genres, XGBoost", "xgboost", task="binary", genres="two"),
    _course("binary-fcn", "Two genres, Keras network", "fcn", task="binary", genres="two"),
    _course("multiclass-xgboost", "One of ten, XGBoost", "xgboost", task="multiclass"),
    _course("multiclass-fcn", "One of ten, Keras network", "fcn", task="multiclass"),
    _course("multilabel-xgboost", "Any of ten, XGBoost", "xgboost"),
    _course("multilabel-fcn", "Any of ten, Keras network", "fcn"),
    _course("multilabel-fcn-ran", "The same as it ran, 70/15/15", "fcn", split="random:course-ran"),
    Stage("figures", "The nine figures", "course", ("splits",)),
    _judged("honest", "honest-fcn", "Any of ten, Keras network", "fcn"),
    _judged("honest", "honest-xgboost", "Any of ten, XGBoost", "xgboost"),
    _judged("beyond", "forest", "Random forest", "forest"),
    _judged("beyond", "linear", "Logistic regression", "linear"),
    Stage("patches", "Mel patches", "beyond", ("tracks",), extracts="patches"),
    _judged("beyond", "cnn", "Convolutional network", "cnn", "patches", features="patches"),
    Stage("embedding", "musicnn's embedding", "beyond", ("tracks",), extracts="embedding"),
    _judged(
        "beyond", "embedding-fcn", "Network on the embedding", "fcn", "embedding",
        features="embedding", settings={"learning_rate": 1e-3},
    ),
    _judged("beyond", "more-genres", "All genres, any track", "fcn", genres="all", rule="any"),
    Stage("official-splits", "All official splits", "beyond", ("tracks", "summary")),
)  # fmt: skip

NAMES = tuple(stage.name for stage in STAGES)


def stage(name: str) -> Stage:
    """Raises WrongUsage: there is none of that name."""
    for found in STAGES:
        if found.name == name:
            return found
    near = difflib.get_close_matches(name, (*NAMES, *PARTS), n=1)
    meant = f" Did you mean {near[0]!r}?" if near else f" There are: {', '.join((*PARTS, *NAMES))}."
    raise WrongUsage(f"There is no stage {name!r}.{meant}")


def chosen(names: Sequence[str] | None) -> tuple[Stage, ...]:
    """Stages by name or part, with all that they need, in their order; all where none is named.

    Raises:
        WrongUsage: there is no such stage.
    """
    if not names:
        return STAGES
    wanted: set[str] = set()

    def add(name: str) -> None:
        if name not in wanted:
            wanted.add(name)
            for needed in stage(name).needs:
                add(needed)

    for name in names:
        for one in [s.name for s in STAGES if s.part == name] or [stage(name).name]:
            add(one)
    return tuple(found for found in STAGES if found.name in wanted)
