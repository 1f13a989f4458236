"""What a training's course suggests for the next one, in plain words.

A pure function of the epochs that a run has recorded (`models.history` says what one holds), of its
settings and of how much it was judged on. Curves are looked at where a model learns by small steps
(it has a learning rate); the epochs of a forest or of linear models are only parts of the work. At
most one remark is about the curves; the first of these that fits:

    not a number    the loss ran away
    jumps           validation goes up and down by more than it has gained
    never better    validation was best after the first epoch and rose from then on
    overfits        validation got worse while train went on improving
    too short       validation was still falling when the epochs ran out
    underfits       train and validation are close, and both low
    learns by heart train is far better than validation, which no longer improves
    fine            none of these

A curve's level at an epoch is the median of it and its neighbours, so that one lucky epoch isn't
taken for a trend.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import Any

# Fewer epochs are no curve.
LEAST_EPOCHS = 5
# Below so many tracks, or artists, a difference of some hundredths is chance.
FEW_TRACKS, FEW_ARTISTS = 100, 10
# How much validation must have worsened or improved, as a share of its best loss.
_WORSE, _FALLING = 0.04, 0.01
# Train went on improving: by such a share since validation's best.
_ON = 0.02
# Both AUCs below the first and no further apart than the second: too little was learnt.
_LOW_AUC, _CLOSE_AUC = 0.75, 0.06
_CHANCE_AUC = 0.55
# Train's loss below this share of validation's, and its AUC higher by so much: learnt by heart.
_HALF, _APART_AUC = 0.5, 0.08
# A curve is "still falling" by what was gained in this share of it, the last.
_LAST = 0.25
# What a setting may become.
_MOST_DROPOUT, _MOST_EPOCHS, _LEAST_RATE = 0.7, 1000, 1e-5
_LEAST_UNITS, _MOST_UNITS, _MOST_DEPTH = 16, 512, 12
_UNITS = ("layers", "filters")


@dataclass(frozen=True)
class Remark:
    """One thing to know.

    Attributes:
        kind: one of the module's, or `few tracks`.
        text: a sentence or two.
        change: settings to try next, by name; only such as the model has.
        action: what that change is, in a few words; "" without one.
    """

    kind: str
    text: str
    change: Mapping[str, Any] = field(default_factory=dict)
    action: str = ""


def remarks(
    epochs: Sequence[Mapping[str, Any]],
    *,
    settings: Mapping[str, Any],
    tracks: int | None = None,
    artists: int | None = None,
) -> list[Remark]:
    """What a run's curves suggest.

    Args:
        epochs: in their order, with `epoch`, `loss`, `val_loss`, and where known `epochs`, `auc`,
            `val_auc`.
        settings: all of the run's model.
        tracks, artists: how many validation has, where that is known.

    >>> falling = [{"epoch": n, "epochs": 8, "loss": 1 / n, "val_loss": 1 / n} for n in range(1, 9)]
    >>> (remark,) = remarks(falling, settings={"epochs": 8, "learning_rate": 0.001})
    >>> remark.text
    'Validation loss was still falling when the 8 epochs were over: train longer.'
    >>> remark.change, remark.action
    ({'epochs': 16}, '16 epochs')
    """
    found = []
    known = [epoch for epoch in epochs if isinstance(epoch.get("epoch"), int)]
    if len(known) >= LEAST_EPOCHS and "learning_rate" in settings:
        found += _of_curves(_Course(known), settings)
    few = _few(tracks, artists)
    return [*found, few] if few else found


def _few(tracks: int | None, artists: int | None) -> Remark | None:
    if tracks is not None and tracks < FEW_TRACKS:
        said = f"There are only {tracks} validation tracks"
    elif artists is not None and artists < FEW_ARTISTS:
        said = f"Validation has only {artists} artists"
    else:
        return None
    return Remark(
        "few tracks",
        f"{said}: don't read much into small differences. Cross-validation, or more music, says "
        "more.",
    )


class _Course:
    """The curves of a training, of which the last epoch is the last there was."""

    def __init__(self, epochs: Sequence[Mapping[str, Any]]) -> None:
        self.epochs = epochs
        self.train = _curve(epochs, "loss")
        self.validation = _curve(epochs, "val_loss")
        self.most = int(epochs[-1].get("epochs") or 0)

    @property
    def lacks_numbers(self) -> bool:
        """Whether the loss is missing in epochs that others have it in."""
        train = [epoch.get("loss") for epoch in self.epochs]
        return None in train and any(value is not None for value in train)

    @property
    def judged(self) -> bool:
        return len(self.validation) == len(self.epochs) == len(self.train)

    @property
    def best(self) -> int:
        """The place of the lowest validation loss, from 0; of equal levels the lowest value's."""
        both = list(zip(_levels(self.validation), self.validation, strict=True))
        return both.index(min(both))

    @property
    def ran_out(self) -> bool:
        """Whether it ended because all its epochs were over."""
        return self.most > 0 and self.epochs[-1]["epoch"] >= self.most

    def number(self, place: int) -> int:
        return int(self.epochs[place]["epoch"])

    def auc(self, name: str) -> float | None:
        values = _curve(self.epochs, name)
        return median(values[-3:]) if values else None


def _curve(epochs: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    return [float(epoch[name]) for epoch in epochs if epoch.get(name) is not None]


def _levels(values: Sequence[float]) -> list[float]:
    """Each value's median with its neighbours."""
    return [median(values[max(0, i - 1) : i + 2]) for i in range(len(values))]


def _of_curves(course: _Course, settings: Mapping[str, Any]) -> list[Remark]:
    if course.lacks_numbers:
        change, action = _slower(settings)
        text = "The loss ran away and is no number any more: lower the learning rate."
        return [Remark("not a number", text, change, action)]
    if not course.judged:
        return []
    for rule in (_jumps, _worse, _short, _low, _apart):
        if (remark := rule(course, settings)) is not None:
            return [remark]
    kept = course.number(course.best)
    return [
        Remark(
            "fine",
            f"Nothing stands out in the curves: validation was best around epoch {kept} of "
            f"{len(course.epochs)}. Other features or another model may do more than longer "
            "training.",
        )
    ]


def _worse(course: _Course, settings: Mapping[str, Any]) -> Remark | None:
    """Validation rose after its best epoch."""
    best, last = course.best, len(course.epochs) - 1
    levels, train = _levels(course.validation), _levels(course.train)
    risen = median(course.validation[-3:]) / max(levels[best], 1e-9) - 1
    if last - best < 2 or risen < _WORSE:
        return None
    if best <= 1:
        change, action = _slower(settings)
        return Remark(
            "never better",
            "Validation was best right at the start and got worse from then on: lower the learning "
            "rate, so that what comes in between is seen.",
            change,
            action,
        )
    if train[last] > train[best] * (1 - _ON):
        return None  # both rose or stood still: that is no overfitting
    change, action = _regularised(settings)
    return Remark(
        "overfits",
        f"Validation got worse from epoch {course.number(best) + 1} on while train went on "
        f"improving, so the model learns its tracks by heart: {_less_of(settings)} or more music. "
        "The weights of the best epoch are kept in any case.",
        change,
        action,
    )


def _less_of(settings: Mapping[str, Any]) -> str:
    if "dropout" in settings:
        return "more dropout, fewer units"
    return "shallower trees" if "depth" in settings else "a smaller model"


def _short(course: _Course, settings: Mapping[str, Any]) -> Remark | None:
    """Validation still improved when the epochs ran out."""
    n = len(course.epochs)
    tail = max(3, round(n * _LAST))
    if not course.ran_out or n <= tail:
        return None
    before = median(course.validation[-tail - 1 : -tail + 2])
    gained = 1 - median(course.validation[-3:]) / max(before, 1e-9)
    if gained < _FALLING or course.best < n - max(3, tail):
        return None
    text = (
        f"Validation loss was still falling when the {course.most} epochs were over: train longer."
    )
    for name in ("epochs", "rounds"):
        if isinstance(settings.get(name), int) and settings[name] < _MOST_EPOCHS:
            longer = min(_MOST_EPOCHS, 2 * settings[name])
            return Remark("too short", text, {name: longer}, f"{longer} {name}")
    return Remark("too short", text)


def _low(course: _Course, settings: Mapping[str, Any]) -> Remark | None:
    """Train and validation are close, and both low."""
    train, validation = course.auc("auc"), course.auc("val_auc")
    if train is None or validation is None:
        return None
    if max(train, validation) >= _LOW_AUC or abs(train - validation) > _CLOSE_AUC:
        return None
    change, action = _larger(settings)
    said = f"Train and validation are close and both low (AUC {train:.2f} and {validation:.2f})"
    if max(train, validation) < _CHANCE_AUC:
        said += ", hardly better than chance"
    what = "a bigger network" if any(name in settings for name in _UNITS) else "a larger model"
    text = f"{said}: {what} or other features."
    return Remark("underfits", text, change, action)


def _apart(course: _Course, settings: Mapping[str, Any]) -> Remark | None:
    """Train is far better than validation at the kept epoch."""
    best = course.best
    train, validation = _levels(course.train)[best], _levels(course.validation)[best]
    aucs = [course.epochs[best].get(name) for name in ("auc", "val_auc")]
    if train >= _HALF * validation or None in aucs or aucs[0] - aucs[1] < _APART_AUC:  # type: ignore[operator]
        return None
    change, action = _regularised(settings)
    return Remark(
        "learns by heart",
        f"Train is far ahead of validation (AUC {aucs[0]:.2f} and {aucs[1]:.2f}), so much of what "
        f"was learnt holds for the training tracks alone: {_less_of(settings)} or more music.",
        change,
        action,
    )


def _jumps(course: _Course, settings: Mapping[str, Any]) -> Remark | None:
    """Validation goes up and down by more than it has gained."""
    values = course.validation
    steps = [after - before for before, after in pairwise(values)]
    turns = sum(one * other < 0 for one, other in pairwise(steps))
    size = median(abs(step) for step in steps)
    gained = median(values[:3]) - min(_levels(values))
    # A curve that falls or rises has few turns.
    if 2 * turns < len(steps) or size < max(_WORSE * min(values), gained / 3):
        return None
    change, action = _slower(settings)
    return Remark(
        "jumps",
        "Validation loss jumps from epoch to epoch by more than it has gained: a lower learning "
        "rate or larger batches make it steadier.",
        change,
        action,
    )


def _slower(settings: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    rate = settings.get("learning_rate")
    if not isinstance(rate, int | float) or rate <= _LEAST_RATE:
        return {}, ""
    lower = float(f"{max(_LEAST_RATE, rate / 3):.0e}")
    return {"learning_rate": lower}, f"learning rate {lower:g}"


def _regularised(settings: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    dropout, depth = settings.get("dropout"), settings.get("depth")
    if isinstance(dropout, int | float) and dropout < _MOST_DROPOUT:
        more = round(min(_MOST_DROPOUT, dropout + 0.2), 2)
        return {"dropout": more}, f"dropout {more:g}"
    for name in _UNITS:
        units = settings.get(name)
        if isinstance(units, list | tuple) and units and min(units) >= _LEAST_UNITS:
            fewer = [int(count) // 2 for count in units]
            return {name: fewer}, f"{name} {', '.join(map(str, fewer))}"
    if isinstance(depth, int) and depth > 1:
        return {"depth": depth - 1}, f"depth {depth - 1}"
    return {}, ""


def _larger(settings: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    for name in _UNITS:
        units = settings.get(name)
        if isinstance(units, list | tuple) and units and 2 * max(units) <= _MOST_UNITS:
            more = [2 * int(count) for count in units]
            return {name: more}, f"{name} {', '.join(map(str, more))}"
    dropout, depth = settings.get("dropout"), settings.get("depth")
    if isinstance(dropout, int | float) and dropout > 0:
        less = round(max(0.0, dropout - 0.2), 2)
        return {"dropout": less}, f"dropout {less:g}"
    if isinstance(depth, int) and depth < _MOST_DEPTH:
        return {"depth": depth + 1}, f"depth {depth + 1}"
    return {}, ""


def of_run(run: Any) -> list[Remark]:
    """The remarks on a stored run that has ended: its epochs, and what it was judged on."""
    from genre_engine.errors import GenreEngineError

    tracks = artists = None
    try:
        predicted = run.predictions("validation")
        tracks = len(predicted.track_ids)
        if predicted.groups is not None:
            artists = len(set(predicted.groups.tolist()))
    except GenreEngineError:  # it hasn't finished
        pass
    return remarks(run.epochs(), settings=run.config.settings, tracks=tracks, artists=artists)
