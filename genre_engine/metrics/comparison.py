"""Is the difference between two runs real? Judged on the same tracks, draw by draw.

Every run's figures are computed over the same bootstrap draws. The interval of a difference is that
of the differences of the draws, which is much narrower than two intervals side by side suggest,
because what is hard for one run is mostly hard for the other. Where several runs are compared with
one, Holm's correction keeps chance from finding one that is better.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from genre_engine.errors import WrongUsage
from genre_engine.metrics import bootstrap
from genre_engine.metrics.arrays import check, decide, thresholds_of
from genre_engine.metrics.figures import NAMES, Figures, plain, sums

SIGNIFICANT = 0.05
# Of these, less is better.
LESS_IS_BETTER = ("loss", "hamming_loss")


@dataclass(frozen=True)
class Candidate:
    """What one run says about the tracks that all are judged on.

    Attributes:
        probabilities: [n_tracks, n_genres].
        thresholds: as for `evaluate`.
    """

    probabilities: Any
    thresholds: Any = 0.5


@dataclass(frozen=True)
class Difference:
    """One figure of a run less that of the run it is compared with.

    Attributes:
        figure: a name of `figures.NAMES`.
        run, base: names of the two.
        value, base_value: the figure of each.
        low, high: the 95 % interval of the difference; None where nothing could be drawn.
        p: two-sided, from the draws; None likewise.
        p_corrected: Holm's, over all runs compared by this figure.
    """

    figure: str
    run: str
    base: str
    value: float | None
    base_value: float | None
    low: float | None
    high: float | None
    p: float | None
    p_corrected: float | None = None

    @property
    def difference(self) -> float | None:
        if self.value is None or self.base_value is None:
            return None
        return self.value - self.base_value

    @property
    def real(self) -> bool:
        """Whether it is more than chance would make, after the correction."""
        return self.p_corrected is not None and self.p_corrected < SIGNIFICANT

    @property
    def better(self) -> bool | None:
        """Whether the run is the better one; None where the two can't be told apart."""
        if not self.real or not self.difference:
            return None
        return (self.difference < 0) == (self.figure in LESS_IS_BETTER)

    def to_dict(self) -> dict[str, Any]:
        return {
            "figure": self.figure,
            "run": self.run,
            "base": self.base,
            "value": self.value,
            "base_value": self.base_value,
            "difference": self.difference,
            "interval": None if self.low is None else [self.low, self.high],
            "p": self.p,
            "p_corrected": self.p_corrected,
            "real": self.real,
        }


def compare(
    y_true: Any,
    runs: Mapping[str, Candidate],
    *,
    genres: Sequence[str],
    base: str | None = None,
    task: str = "multilabel",
    groups: Sequence[Any] | None = None,
    figures: Sequence[str] = ("f1.macro", "average_precision.macro"),
    draws: int = bootstrap.DRAWS,
    seed: int = 0,
) -> list[Difference]:
    """Each run's figures less those of `base` (the first one, if none is named).

    All are judged on the same tracks, of which `y_true` is the truth and `groups` the artists; runs
    on other tracks or genres can't be compared, and it is for the caller to leave them out.

    Raises:
        WrongUsage: fewer than two runs, an unknown base or figure, or arrays that don't fit.
    """
    names = list(runs)
    if len(names) < 2:
        raise WrongUsage("A comparison needs at least two runs. Name another one.")
    first = names[0] if base is None else base
    if first not in runs:
        raise WrongUsage(f"{first!r} isn't among the runs: {', '.join(names)}.")
    for figure in figures:
        if figure not in NAMES:
            raise WrongUsage(f"There is no figure {figure!r}. Choose from: {', '.join(NAMES)}.")
    judged = {name: check(y_true, run.probabilities, genres, task) for name, run in runs.items()}
    over = bootstrap.groups_of(groups, len(judged[first].y))
    found: dict[str, tuple[Figures, Figures | None]] = {}
    for name, run in runs.items():
        one = judged[name]
        thresholds = np.zeros(0) if one.single else thresholds_of(run.thresholds, one.genres)
        prepared = sums(one, decide(one, thresholds))
        drawn = bootstrap.draw(prepared, over, n=draws, seed=seed)
        found[name] = plain(prepared), None if drawn is None else drawn.figures
    differences = []
    for figure in figures:
        column = [
            _difference(figure, name, first, found[name], found[first])
            for name in names
            if name != first
        ]
        corrected = holm([one.p for one in column])
        differences += [
            Difference(**{**vars(one), "p_corrected": p})
            for one, p in zip(column, corrected, strict=True)
        ]
    return differences


def _difference(
    figure: str,
    run: str,
    base: str,
    one: tuple[Figures, Figures | None],
    other: tuple[Figures, Figures | None],
) -> Difference:
    value, base_value = (
        float(v) if np.isfinite(v := plain_figures.overall[figure][0]) else None
        for plain_figures in (one[0], other[0])
    )
    low = high = p = None
    if one[1] is not None and other[1] is not None:
        apart = one[1].overall[figure] - other[1].overall[figure]
        apart = apart[np.isfinite(apart)]
        if len(apart):
            low, high = np.quantile(apart, (0.025, 0.975)).tolist()
            # Draws on the far side of zero, and one more: p is never 0 from finitely many.
            beyond = min((apart <= 0).sum(), (apart >= 0).sum())
            p = min(1.0, 2 * float(beyond + 1) / (len(apart) + 1))
    return Difference(figure, run, base, value, base_value, low, high, p)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down correction; None stays None and doesn't count."""
    known = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for place, (p, index) in enumerate(known):
        highest = max(highest, min(1.0, p * (len(known) - place)))
        corrected[index] = highest
    return corrected
