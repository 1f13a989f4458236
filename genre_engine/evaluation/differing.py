"""What was set otherwise in some runs."""

from collections.abc import Sequence
from typing import Any

from genre_engine.runs import Run


def differing_settings(chosen: Sequence[Run]) -> dict[str, dict[str, Any]]:
    """Whatever the runs' configs don't have in common: by its name, each run's value by its name.

    A setting that a model doesn't have is None, and one that all who have it share is left out.
    """
    flat = {run.name: _flat(run) for run in chosen}
    names = dict.fromkeys(name for values in flat.values() for name in values)
    return {
        name: {run: values.get(name) for run, values in flat.items()}
        for name in names
        if len({repr(values[name]) for values in flat.values() if name in values}) > 1
    }


def _flat(run: Run) -> dict[str, Any]:
    config = run.config
    fractions = config.split.get("fractions")
    excerpt = config.features.get("parameters", {}).get("excerpt_s")
    return {
        "data set": config.dataset,
        "model": config.model,
        "features": config.features.get("kind"),
        "excerpt in s": excerpt,
        "task": config.task,
        "genres": ", ".join(config.genres),
        "rule": config.rule,
        "split": config.split.get("kind"),
        "folds": config.split.get("folds"),
        "fractions": None
        if not fractions
        else ", ".join(f"{part} {share:.2f}" for part, share in fractions.items()),
        "seed": config.seed,
        **config.settings,
    }
