"""One recipe with several seeds: which runs belong together, and how far they are apart.

Two runs have the same recipe where all that decides a training's result is the same but the seed.
With a split by artist or at random the seed also deals the tracks, so the spread over seeds then
holds both: other starting weights, and other validation tracks.
"""

import hashlib
import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genre_engine.evaluation import out_of_fold
from genre_engine.runs import Config, Run

# What a config holds beside the recipe. Warnings speak of the split that a seed dealt.
_APART = ("id", "name", "created", "origin", "seed", "warnings", "format")


def recipe(config: Config) -> str:
    """A digest of all that is trained but the seed."""
    kept = {name: value for name, value in config.to_dict().items() if name not in _APART}
    text = json.dumps(kept, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def grouped(chosen: Sequence[Run]) -> list[tuple[Run, ...]]:
    """Runs by recipe, in the order given; each group has a seed once.

    A run whose recipe and seed another has already is alone: that is the same training again, and
    counted as a further seed it would make the spread too small.
    """
    groups: dict[tuple[str, int], list[Run]] = {}
    again: dict[tuple[str, int], int] = {}
    for run in chosen:
        made = recipe(run.config)
        number = again.get((made, run.config.seed), 0)
        again[made, run.config.seed] = number + 1
        # The first of each seed share a row; what comes again is by itself.
        key = (made, 0) if number == 0 else (run.id, number)
        groups.setdefault(key, []).append(run)
    return [tuple(group) for group in groups.values()]


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation (n − 1) of some values; None where there are too few."""

    mean: float | None
    sd: float | None
    n: int


def spread(values: Sequence[float | None]) -> Spread:
    """Of the values that are known.

    >>> spread([0.5, 1.0, None])
    Spread(mean=0.75, sd=0.3535533905932738, n=2)
    """
    known = [float(value) for value in values if value is not None]
    mean = statistics.fmean(known) if known else None
    return Spread(mean, statistics.stdev(known) if len(known) > 1 else None, len(known))


def over_folds(found: Mapping[str, Any], figure: str) -> Spread | None:
    """A figure's spread over the folds of a run's report.json; None without folds."""
    folds = found.get("cross_validation")
    names = {long: short for short, long in out_of_fold.FIGURES.items()}
    if not folds or figure not in names:
        return None
    short = names[figure]
    return Spread(
        folds["mean"].get(short), folds["sd"].get(short), folds["folds"] * folds["repeats"]
    )
