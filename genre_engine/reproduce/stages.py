"""The stages of the reproduction, in their order: what each does and what it needs.

Three parts: `course` repeats the course project as it is described, `honest` does the same with a
split that shares no artist and thresholds from validation, `beyond` goes on with what the project
named as next.
"""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from genre_engine.errors import WrongUsage
from genre_engine.reproduce import steps
from genre_engine.reproduce.steps import Step
from genre_engine.reproduce.trainings import Training

PARTS = {
    "course": "As described",
    "honest": "The same, honestly",
    "beyond": "Beyond it",
}


@dataclass(frozen=True)
class Stage:
    """One stage.

    Attributes:
        needs: stages that must be done before it.
        step: what it does.
        training: what it trains, if it does.
        extracts: the kind of features that it extracts, if it does.
    """

    name: str
    title: str
    part: str
    needs: tuple[str, ...]
    step: Step
    training: Training | None = None
    extracts: str | None = None


def _training(
    part: str, name: str, title: str, needs: tuple[str, ...], training: Training
) -> Stage:
    return Stage(name, title, part, needs, steps.train(training), training=training)


def _course(name: str, title: str, model: str, **options: Any) -> Stage:
    return _training("course", name, title, ("splits", "summary"), Training(model, **options))


def _judged(
    part: str, name: str, title: str, model: str, needs: str = "summary", **options: Any
) -> Stage:
    options = {"split": "honest", "thresholds": "global", **options}
    return _training(part, name, title, ("tracks", needs), Training(model, **options))


def _extracting(part: str, kind: str, title: str) -> Stage:
    return Stage(kind, title, part, ("tracks",), steps.extract(kind), extracts=kind)


STAGES = (
    Stage("audio", "Audio of the tracks", "course", (), steps.FETCH),
    Stage(
        "tracks", "Tracks with only the ten genres", "course", ("audio",), steps.CHOOSE_TRACKS
    ),
    Stage(
        "splits", "Random splits, 72/18/10 and 70/15/15", "course", ("tracks",), steps.SPLIT
    ),
    _extracting("course", "summary", "The 498 features"),
    _course("binary-xgboost", "Two genres, XGBoost", "xgboost", task="binary", genres="two"),
    _course("binary-fcn", "Two genres, Keras network", "fcn", task="binary", genres="two"),
    _course("multiclass-xgboost", "One of ten, XGBoost", "xgboost", task="multiclass"),
    _course("multiclass-fcn", "One of ten, Keras network", "fcn", task="multiclass"),
    _course("multilabel-xgboost", "Any of ten, XGBoost", "xgboost"),
    _course("multilabel-fcn", "Any of ten, Keras network", "fcn"),
    _course("multilabel-fcn-ran", "The same as it ran, 70/15/15", "fcn", split="random:course-ran"),
    Stage("figures", "The nine figures", "course", ("splits",), steps.DRAW),
    _judged("honest", "honest-fcn", "Any of ten, Keras network", "fcn"),
    _judged("honest", "honest-xgboost", "Any of ten, XGBoost", "xgboost"),
    _judged("beyond", "forest", "Random forest", "forest"),
    _judged("beyond", "linear", "Logistic regression", "linear"),
    _extracting("beyond", "patches", "Mel patches"),
    _judged("beyond", "cnn", "Convolutional network", "cnn", "patches", features="patches"),
    _extracting("beyond", "embedding", "musicnn's embedding"),
    _judged(
        "beyond", "embedding-fcn", "Network on the embedding", "fcn", "embedding",
        features="embedding", settings={"learning_rate": 1e-3},
    ),
    _judged("beyond", "more-genres", "All genres, any track", "fcn", genres="all", rule="any"),
    Stage(
        "official-splits", "All official splits", "beyond", ("tracks", "summary"),
        steps.OFFICIAL_SPLITS,
    ),
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
