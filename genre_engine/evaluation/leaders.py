"""The leader board: finished runs by what they were asked, several seeds of one recipe as one row.

A row's figure is the mean over its seeds. Beside it stands a spread: over the seeds where there are
several, else over the folds of a cross-validated run. Rows are ranked together only where they were
asked the same. Where a seed deals the split, each seed has its own validation tracks; rows of the
same seeds are then asked the same. A run that was asked what one of a row's seeds was is ranked
with that seed by itself, so that it isn't alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genre_engine.evaluation import repeats
from genre_engine.evaluation.repeats import Spread
from genre_engine.metrics.export import best_baseline, value_of
from genre_engine.metrics.metric import METRICS
from genre_engine.runs import Run


@dataclass(frozen=True, eq=False)
class Member:
    """A finished run with what it was asked (`comparison.question`) and its report.json."""

    run: Run
    asked: str
    found: Mapping[str, Any]

    @property
    def validation(self) -> Mapping[str, Any]:
        """Its figures on validation."""
        return self.found.get("validation") or {}


@dataclass(frozen=True, eq=False)
class Row:
    """Runs of one recipe, one a seed."""

    members: tuple[Member, ...]

    @property
    def run(self) -> Run:
        """The one that gives the row its name: that of the shortest name, the oldest of these."""
        found = [member.run for member in self.members]
        return min(found, key=lambda run: (len(run.name), run.config.created))

    @property
    def asked(self) -> frozenset[str]:
        return frozenset(member.asked for member in self.members)

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(sorted(member.run.config.seed for member in self.members))

    @property
    def spread_over(self) -> str:
        """ "3 seeds", "5 folds", or "" for a single run of a single split."""
        if len(self.members) > 1:
            return f"{len(self.members)} seeds"
        folds = self.members[0].found.get("cross_validation")
        if not folds:
            return ""
        times = f" × {folds['repeats']}" if folds["repeats"] > 1 else ""
        return f"{folds['folds']} folds{times}"

    def figure(self, name: str) -> Spread:
        """Mean and spread of a figure. A single run's figure is that of all its tracks together,
        whatever the folds' own mean is."""
        over_seeds = repeats.spread([value_of(member.validation, name) for member in self.members])
        if len(self.members) > 1:
            return over_seeds
        over_folds = repeats.over_folds(self.members[0].found, name)
        return Spread(over_seeds.mean, over_folds.sd if over_folds else None, 1)

    def no_skill(self, name: str) -> float | None:
        """The mean of the best that each member's no-skill baselines reach."""
        found = [
            best_baseline(member.validation, name)
            for member in self.members
            if member.validation.get("baselines")
        ]
        return repeats.spread([one[1] for one in found if one is not None]).mean

    def singly(self) -> list["Row"]:
        """Each member as a row of its own, by its seed."""
        ordered = sorted(self.members, key=lambda member: member.run.config.seed)
        return [Row((member,)) for member in ordered]


@dataclass(frozen=True, eq=False)
class Board:
    """Rows that may be ranked together."""

    rows: tuple[Row, ...]

    def ranked(self, figure: str) -> list[Row]:
        """The best first; those without the figure last."""
        sign = -1 if METRICS[figure].higher_is_better else 1

        def order(row: Row) -> float:
            value = row.figure(figure).mean
            return float("inf") if value is None else sign * value

        return sorted(self.rows, key=order)

    @property
    def asked(self) -> frozenset[str]:
        return self.rows[0].asked


def boards(members: Sequence[Member]) -> list[Board]:
    """The largest boards first: a board of one has nobody to be compared with."""
    by_run = {member.run.id: member for member in members}
    groups = repeats.grouped([member.run for member in members])
    rows = [Row(tuple(by_run[run.id] for run in group)) for group in groups]
    found: dict[frozenset[str], list[Row]] = {}
    for row in rows:
        found.setdefault(row.asked, []).append(row)
    for row in rows:
        if len(row.asked) > 1:
            for alone in row.singly():
                if alone.asked in found:
                    found[alone.asked].append(alone)
    return [Board(tuple(rows)) for rows in sorted(found.values(), key=len, reverse=True)]
