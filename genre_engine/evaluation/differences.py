"""How far one run is ahead of another, and whether that is real.

A difference is taken draw by draw, over the same artists for both runs (paired bootstrap); where
several pairs are looked at, their p-values are Holm's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from genre_engine import metrics
from genre_engine.metrics.metric import METRICS
from genre_engine.runs import Run

DEFAULT_FIGURE = "average_precision.macro"
_ALPHA = 0.05
# From fewer artists (or tracks, where none are known) no difference is called real.
LEAST_GROUPS = 10
# A difference below this matters to nobody, however sure it is.
LEAST_DIFFERENCE = 0.01


@dataclass(frozen=True)
class Difference:
    """How much a better run is ahead of another, in one figure.

    Attributes:
        ahead, behind: names of the runs.
        value: at least 0, whichever way the figure counts.
        interval: 95 %, of the same sign as `value` where the difference is real.
        p: two-sided, from the draws; None where nothing could be drawn.
        p_holm: the same, corrected for all pairs that were looked at.
        over: what was drawn: `artists` or `tracks`.
        n_groups: how many of them there are.
        least: the least difference that matters.
    """

    ahead: str
    behind: str
    value: float
    interval: tuple[float, float] | None
    p: float | None
    p_holm: float | None = None
    over: str = "tracks"
    n_groups: int = 0
    least: float = LEAST_DIFFERENCE

    @property
    def few(self) -> bool:
        """Whether there are too few artists or tracks to call any difference real."""
        return self.p is None or self.n_groups < LEAST_GROUPS

    @property
    def distinguishable(self) -> bool:
        """Whether it can be distinguished from chance at the 5 % level, all pairs considered."""
        return not self.few and self.p_holm is not None and self.p_holm < _ALPHA

    @property
    def real(self) -> bool:
        """Whether it can be distinguished from chance, and is as large as matters."""
        return self.distinguishable and self.value >= self.least

    def sentence(self, figure: str = DEFAULT_FIGURE) -> str:
        """ "B is ahead of A by 0.03 [−0.01, 0.07] in macro F1: it may be chance"."""
        name = METRICS[figure].label if figure in METRICS else figure
        # Nothing beats anything by what may be chance.
        verb = "beats" if self.real else "is ahead of"
        said = f"{self.ahead} {verb} {self.behind} by {self.value:.3f}"
        if self.value == 0:
            said = f"{self.ahead} and {self.behind} are level"
        if self.interval is not None:
            low, high = (f"{bound:.3f}".replace("-", "−") for bound in self.interval)
            said += f" [{low}, {high}]"
        said += f" in {name[0].lower() + name[1:]}"
        if self.few:
            return f"{said}: too few {self.over} to tell"
        if self.distinguishable and not self.real:
            return f"{said}: not chance, but below the {self.least:g} that matters"
        return f"{said}: {'a real difference' if self.real else 'it may be chance'}"


def difference(
    ahead: Run,
    behind: Run,
    reports: Mapping[str, metrics.Report],
    figure: str,
    sign: int,
    least: float,
) -> Difference | None:
    """How far a run is ahead of another, draw by draw; None where one lacks the figure.

    Args:
        reports: by the runs' ids, with the same draws.
        sign: −1 where less is better.
    """
    one, other = reports[ahead.id], reports[behind.id]
    a, b = one.figure(figure), other.figure(figure)
    if a is None or b is None:
        return None
    value = sign * (a - b)
    groups = one.groups
    unknown = Difference(
        ahead.name,
        behind.name,
        value,
        None,
        None,
        over=groups.over,
        n_groups=len(groups.sizes),
        least=least,
    )
    if one.draws is None or other.draws is None:
        return unknown
    drawn = sign * (one.draws.figures.overall[figure] - other.draws.figures.overall[figure])
    drawn = drawn[np.isfinite(drawn)]
    if not len(drawn):
        return unknown
    low, high = np.quantile(drawn, (0.025, 0.975))
    # One is added to both: so many draws can't show that chance is impossible.
    tail = min((drawn <= 0).sum(), (drawn >= 0).sum())
    p = min(1.0, 2 * (1 + float(tail)) / (1 + len(drawn)))
    return replace(unknown, interval=(float(low), float(high)), p=p)


def corrected(found: Sequence[Difference]) -> tuple[Difference, ...]:
    """Differences with p-values that are corrected for how many there are."""
    known = [difference for difference in found if difference.p is not None]
    by_holm = dict(zip(known, holm([d.p for d in known if d.p is not None]), strict=True))
    return tuple(replace(d, p_holm=by_holm.get(d)) for d in found)


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for how many there are.

    Source: S. Holm, "A simple sequentially rejective multiple test procedure", 1979.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    corrected = [1.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = highest
    return corrected
