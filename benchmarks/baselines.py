"""Every model on data sets of the workspace, cross-validated, as the table of docs/baselines.md.

    python -m benchmarks.baselines [DATASET…] [--task multilabel|multiclass] [--folds 5] [--seeds 1]
                                   [--features summary,embedding] [--models linear,svm,…]
                                   [--set auto:minutes=2]…

Without a data set, the demo set, made where it isn't there. Folds never part an artist where they
are known. Features that are missing are extracted first. What is trained stays as runs named
`baseline-…`; a run that is there is not trained again, so the command goes on where it was stopped.
Prints a Markdown table, then the same as JSON.
"""

import argparse
import json
import sys
from typing import Any

import numpy as np

from genre_engine import datasets, models, runs, training
from genre_engine.cli.training import config_with_features
from genre_engine.errors import GenreEngineError
from genre_engine.runs import Run
from genre_engine.training import TrainingRequest

MODELS = ("linear", "svm", "forest", "xgboost", "fcn", "ensemble")
FIGURES = {"average_precision": "macro AP", "roc_auc": "ROC AUC", "f1": "macro F1", "top1": "top-1"}
INTERVALS = ("average_precision", "f1")


def features_of(dataset: datasets.Dataset, asked: str) -> list[str]:
    return ["table"] if dataset.kind == "feature_table" else asked.split(",")


def split_of(dataset: datasets.Dataset, folds: int) -> str:
    known = dataset.tracks["artist_id"].notna().any()
    return f"{'artist-kfold' if known else 'kfold'}:{folds}"


def trained(request: TrainingRequest) -> Run:
    """The run of a name, trained where it isn't there or was stopped."""
    try:
        run = runs.open(str(request.name))
    except GenreEngineError:
        config = config_with_features(request)
        run = runs.create(config, request.origin)
    if run.status != "finished":
        training.train(run)
    return run


def settings_of(texts: list[str]) -> dict[str, dict[str, Any]]:
    """["auto:minutes=2"] → {"auto": {"minutes": 2.0}}."""
    found: dict[str, dict[str, str]] = {}
    for text in texts:
        model, _, pair = text.partition(":")
        name, _, value = pair.partition("=")
        found.setdefault(model, {})[name] = value
    return {
        name: models.model(name).Settings.parse(values).to_dict() for name, values in found.items()
    }


def figures(run: Run) -> dict[str, float | None]:
    """The figures over all tracks, each judged by a model that didn't learn from it."""
    report: dict[str, Any] = run.report() or {}
    judged = report["validation"]
    return {
        "f1": judged["f1"]["macro"],
        "average_precision": judged["average_precision"]["macro"],
        "roc_auc": judged["roc_auc"]["macro"],
        "top1": judged["accuracy"]["top1"],
    }


def row(dataset: str, kind: str, model: str, found: list[Run]) -> dict[str, Any]:
    """Means over the seeds; of the first the spread over folds, and the intervals."""
    each = [figures(run) for run in found]
    report: dict[str, Any] = found[0].report() or {}
    means: dict[str, Any] = {}
    for name in FIGURES:
        values = [value for one in each if (value := one[name]) is not None]
        means[name] = float(np.mean(values)) if values else None
    intervals = report["validation"]["intervals"] or {}
    seconds = sum(event.get("seconds") or 0.0 for event in found[0].epochs())
    deviation = report["cross_validation"]["sd"]
    return {
        "dataset": dataset,
        "features": kind,
        "model": model,
        "seeds": len(found),
        **means,
        "deviation": deviation["average_precision"],
        "intervals": {name: intervals.get(name, {}).get("macro") for name in INTERVALS},
        "seconds": seconds,
    }


def line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def from_to(interval: list[float] | None) -> str:
    return "–" if not interval else f"{interval[0]:.3f} to {interval[1]:.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("datasets", nargs="*")
    parser.add_argument("--task", default="multilabel")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--features", default="summary,embedding")
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--set", action="append", default=[], dest="settings")
    arguments = parser.parse_args()
    names = arguments.datasets
    if not names:
        names = ["demo"]
        if not any(entry["name"] == "demo" for entry in datasets.listing()):
            datasets.make_demo("demo")
    given = settings_of(arguments.settings)
    rows = []
    heads = ["data set", "features", "model", *FIGURES.values()]
    heads += ["± folds (AP)", *(f"95 % ({FIGURES[name]})" for name in INTERVALS)]
    print(line(heads))
    print(line(["---"] * 3 + ["--:"] * (len(heads) - 3)))
    for name in names:
        dataset = datasets.open(name)
        for kind in features_of(dataset, arguments.features):
            for model in arguments.models.split(","):
                done = []
                for seed in range(arguments.seeds):
                    request = TrainingRequest(
                        name,
                        model=model,
                        features=None if kind == "table" else kind,
                        task=arguments.task,
                        split=split_of(dataset, arguments.folds),
                        seed=seed,
                        settings=given.get(model, {}),
                        name=f"baseline-{name}-{arguments.task}-{kind}-{model}-{seed}",
                    )
                    print(f"{request.name} …", file=sys.stderr)
                    done.append(trained(request))
                found = row(name, kind, model, done)
                rows.append(found)
                cells = [name, kind, models.model(model).title]
                cells += [shown(found[figure]) for figure in (*FIGURES, "deviation")]
                cells += [from_to(found["intervals"][figure]) for figure in INTERVALS]
                print(line(cells), flush=True)
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
