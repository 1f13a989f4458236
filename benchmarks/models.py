"""Every model against scikit-learn's, on the same folds of one table.

    python -m benchmarks.models TABLE.csv --label COL [--label-separator ';'] [--drop COL,…]
                                [--folds 10] [--repeats 3] [--models linear,svm,…] [--most 1000]

Each model learns with its default settings; where one stops early, a tenth of the fold's train
stops it, as in the app's cross-validation. scikit-learn's learn from all of it, standardised where
they want that. One genre a track: top-1 accuracy; several: macro average precision. Prints a table,
then the same as JSON.
"""

import argparse
import json
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from genre_engine import metrics, models, splits
from genre_engine.models import Data, FeatureInfo

Given = Callable[[Data, Any, int], NDArray[Any]]


def read(arguments: argparse.Namespace) -> Data:
    """The table's rows, at most `--most` of them, drawn."""
    frame = pd.read_csv(arguments.table)
    if arguments.most and len(frame) > arguments.most:
        frame = frame.sample(arguments.most, random_state=0).reset_index(drop=True)
    dropped = [name for name in (arguments.drop or "").split(",") if name]
    if "," in arguments.label:  # a column of zeros and ones for each genre
        names = arguments.label.split(",")
        y = (frame[names].to_numpy() > 0).astype(np.uint8)
        dropped += names
    else:
        lists = frame[arguments.label].astype(str)
        separator = arguments.label_separator
        parts = [text.split(separator) if separator else [text] for text in lists]
        names = sorted({name for part in parts for name in part if name})
        y = np.array([[name in part for name in names] for part in parts], np.uint8)
        dropped.append(arguments.label)
    x = frame.drop(columns=dropped).select_dtypes("number")
    enough = y.sum(axis=0) >= arguments.folds
    y, names = y[:, enough], [name for name, on in zip(names, enough, strict=True) if on]
    task = "multiclass" if (y.sum(axis=1) == 1).all() else "multilabel"
    info = FeatureInfo("table", "0" * 12, tuple(x.columns))
    return Data(x.to_numpy(np.float32), y, tuple(names), task, info)


def ours(name: str) -> Given:
    def give(train: Data, x: Any, seed: int) -> NDArray[Any]:
        kind = models.model(name)
        model = kind(seed=seed)
        if kind.stops_early:
            rng = np.random.default_rng(seed)
            stops = splits.partition(np.arange(len(train)), train.y, [0.9, 0.1], rng) == 1
            model.fit(train.take(~stops), train.take(stops))
        else:
            model.fit(train, None)
        return model.predict_proba(x)

    return give


def theirs(estimator: Callable[[int], Any], *, scaled: bool = False) -> Given:
    def give(train: Data, x: Any, seed: int) -> NDArray[Any]:
        from sklearn.multiclass import OneVsRestClassifier
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        made = estimator(seed)
        target: Any = train.y.argmax(axis=1)
        if train.task == "multilabel":
            made, target = OneVsRestClassifier(made), train.y
        pipeline = make_pipeline(StandardScaler(), made) if scaled else make_pipeline(made)
        pipeline.fit(np.asarray(train.x), target)
        if hasattr(pipeline, "predict_proba"):
            return np.asarray(pipeline.predict_proba(x))
        return np.asarray(pipeline.decision_function(x))

    return give


def rivals() -> dict[str, dict[str, Given]]:
    """scikit-learn's, by the model of ours that they stand beside."""
    from sklearn.ensemble import (
        ExtraTreesClassifier,
        HistGradientBoostingClassifier,
        RandomForestClassifier,
    )
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier
    from sklearn.svm import SVC

    forests = {"n_estimators": 500, "n_jobs": -1}
    return {
        "linear": {
            "LogisticRegression": theirs(lambda s: LogisticRegression(max_iter=2000), scaled=True)
        },
        "svm": {"SVC(C=10)": theirs(lambda s: SVC(C=10, random_state=s), scaled=True)},
        "forest": {
            "RandomForest(500)": theirs(
                lambda s: RandomForestClassifier(**forests, random_state=s)
            ),
            "ExtraTrees(500)": theirs(lambda s: ExtraTreesClassifier(**forests, random_state=s)),
        },
        "xgboost": {
            "HistGradientBoosting": theirs(lambda s: HistGradientBoostingClassifier(random_state=s))
        },
        "fcn": {
            "MLP(256, 128)": theirs(
                lambda s: MLPClassifier((256, 128), max_iter=300, random_state=s), scaled=True
            )
        },
    }


def score(data: Data, given: NDArray[Any]) -> float:
    if data.task == "multilabel":
        return float(metrics.average_precision_macro(data.y, given) or 0.0)
    return float((data.y.argmax(axis=1) == given.argmax(axis=1)).mean())


def judge(data: Data, give: Given, folds: int, repeats: int) -> tuple[list[float], float]:
    """A figure for each repeat, over its out-of-fold answers; and seconds a fold."""
    figures = []
    began = time.perf_counter()
    for repeat in range(repeats):
        rng = np.random.default_rng([repeat, folds])
        units = np.arange(len(data))
        dealt = splits.partition(units, data.y, np.ones(folds), rng)
        found = np.zeros(data.y.shape)
        for number in range(folds):
            held = dealt == number
            found[held] = give(data.take(~held), np.asarray(data.x)[held], repeat)
        figures.append(score(data, found))
    return figures, (time.perf_counter() - began) / (folds * repeats)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table")
    parser.add_argument("--label", required=True)
    parser.add_argument("--label-separator", default="")
    parser.add_argument("--drop", default="")
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--most", type=int, default=0)
    parser.add_argument("--models", default="linear,svm,forest,xgboost,fcn")
    parser.add_argument("--ours-only", action="store_true")
    arguments = parser.parse_args()
    data = read(arguments)
    figure = "accuracy" if data.task == "multiclass" else "macro average precision"
    columns = len(data.features.columns)
    print(f"{len(data)} rows, {columns} columns, {len(data.genres)} labels: {figure}")
    print(f"{'':8} {'':24} {'mean':>7} {'± seeds':>8} {'s a fold':>9}")
    rows = []
    beside = rivals()
    for name in arguments.models.split(","):
        tried = {"ours": ours(name)} | ({} if arguments.ours_only else beside.get(name, {}))
        for who, give in tried.items():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                figures, seconds = judge(data, give, arguments.folds, arguments.repeats)
            mean, spread = float(np.mean(figures)), float(np.std(figures))
            rows.append({"model": name, "who": who, "mean": mean, "spread": spread, "s": seconds})
            print(f"{name:8} {who:24} {mean:7.4f} {spread:8.4f} {seconds:9.2f}", flush=True)
    print(json.dumps({"rows": len(data), "figure": figure, "models": rows}))


if __name__ == "__main__":
    main()
