"""What it costs to train a model here against the bare library: time, and what comes out.

    python -m benchmarks.training [MODEL…]

8,000 tracks × 498 features, 2,000 to validate, ten genres, made up but with signal. Each model is
fitted with its default settings, events, AUC and checkpoints included; beside it the bare library
with the same settings and none of those. Both in turn, so that both see the same machine. Prints a
table, then the same as JSON. It wants a machine that does nothing else meanwhile.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genre_engine import metrics, models
from genre_engine.models import Data, FeatureInfo
from genre_engine.storage.native_stderr import native_noise_filtered

N_TRAIN, N_VALIDATION, N_COLUMNS, N_GENRES = 8000, 2000, 498, 10
MOST = {"fcn": 1.15, "forest": 1.1, "xgboost": 1.1, "linear": 1.1}

Figure = dict[str, Any]
Floats = NDArray[np.float32]
Bare = Callable[[Any, Data, Data, int], Floats]


def problem(seed: int = 0) -> tuple[Data, Data]:
    """Labels that hang on some thirty directions of the features, and on chance."""
    rng = np.random.default_rng(seed)
    n = N_TRAIN + N_VALIDATION
    hidden = rng.standard_normal((n, 30), np.float32)
    x = hidden @ rng.standard_normal((30, N_COLUMNS), np.float32)
    x += 3 * rng.standard_normal(x.shape, np.float32)
    scores = np.tanh(hidden @ rng.standard_normal((30, N_GENRES), np.float32) / 3)
    scores += 0.5 * rng.standard_normal(scores.shape, np.float32)
    shares = np.geomspace(0.35, 0.05, N_GENRES)
    y = (scores > [np.quantile(s, 1 - p) for s, p in zip(scores.T, shares, strict=True)]).astype(
        np.uint8
    )
    genres = tuple(f"genre {number}" for number in range(N_GENRES))
    columns = tuple(f"column {number}" for number in range(N_COLUMNS))
    info = FeatureInfo("summary", "0" * 12, columns)
    cut = N_TRAIN
    return (
        Data(x[:cut], y[:cut], genres, "multilabel", info),
        Data(x[cut:], y[cut:], genres, "multilabel", info),
    )


class Events:
    """A progress that writes what is reported, as a run does."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8")

    def batch(self, **values: Any) -> None:
        self._write({"type": "batch", **values})

    def epoch(self, values: dict[str, Any]) -> None:
        self._write({"type": "epoch", **values})

    def log(self, text: str) -> None:
        self._write({"type": "log", "text": text})

    def _write(self, event: dict[str, Any]) -> None:
        self._file.write(json.dumps(event) + "\n")
        self._file.flush()


def ours(name: str, train: Data, validation: Data, seed: int) -> Floats:
    with tempfile.TemporaryDirectory() as room:
        model = models.model(name)(seed=seed)
        model.fit(train, validation, Events(Path(room, "events.jsonl")), Path(room, "checkpoint"))
    return model.predict_proba(validation.x)


def standardised(train: Data, validation: Data) -> tuple[Floats, Floats]:
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(train.x)
    return scaler.transform(train.x), scaler.transform(validation.x)


def bare_fcn(settings: Any, train: Data, validation: Data, seed: int) -> Floats:
    import keras

    keras.utils.set_random_seed(seed)
    x, val_x = standardised(train, validation)
    network = keras.Sequential([keras.Input((N_COLUMNS,))])
    for size in settings.layers:
        network.add(keras.layers.Dense(size, activation="relu"))
    network.add(keras.layers.Dropout(settings.dropout))
    network.add(keras.layers.Dense(N_GENRES, activation="sigmoid"))
    network.compile(keras.optimizers.Adam(settings.learning_rate), "binary_crossentropy")
    stop = keras.callbacks.EarlyStopping(patience=settings.patience, restore_best_weights=True)
    network.fit(
        x,
        train.y,
        batch_size=settings.batch_size,
        epochs=settings.epochs,
        validation_data=(val_x, validation.y),
        callbacks=[stop],
        verbose=0,
    )
    found: Floats = network.predict(val_x, verbose=0)
    return found


def bare_xgboost(settings: Any, train: Data, validation: Data, seed: int) -> Floats:
    import xgboost

    booster = xgboost.XGBClassifier(
        n_estimators=settings.rounds,
        early_stopping_rounds=settings.patience,
        learning_rate=settings.learning_rate,
        max_depth=settings.depth,
        subsample=settings.rows,
        colsample_bytree=settings.columns,
        min_child_weight=settings.least_weight,
        reg_lambda=settings.l2,
        random_state=seed,
    )
    booster.fit(train.x, train.y, eval_set=[(validation.x, validation.y)], verbose=False)
    found: Floats = booster.predict_proba(validation.x)
    return found


def bare_forest(settings: Any, train: Data, validation: Data, seed: int) -> Floats:
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(
        settings.trees,
        max_features=settings.columns,
        min_samples_leaf=settings.least_leaf,
        random_state=seed,
        n_jobs=-1,
    )
    forest.fit(train.x, train.y)
    return np.stack([pair[:, 1] for pair in forest.predict_proba(validation.x)], axis=1)


def bare_linear(settings: Any, train: Data, validation: Data, seed: int) -> Floats:
    from sklearn.linear_model import LogisticRegression
    from sklearn.multioutput import MultiOutputClassifier

    x, val_x = standardised(train, validation)
    regression = LogisticRegression(C=settings.strength, max_iter=settings.max_iterations)
    found = MultiOutputClassifier(regression).fit(x, train.y).predict_proba(val_x)
    return np.stack([pair[:, 1] for pair in found], axis=1)


BARE: dict[str, Bare] = {
    "fcn": bare_fcn,
    "forest": bare_forest,
    "xgboost": bare_xgboost,
    "linear": bare_linear,
}


def timed(work: Callable[[], Floats]) -> tuple[float, Floats]:
    started = time.perf_counter()
    found = work()
    return time.perf_counter() - started, found


def measure(name: str, repetitions: int) -> list[Figure]:
    train, validation = problem()
    settings = models.model(name).Settings()
    ratios, rows = [], []
    for seed in range(repetitions):
        bare_s, bare = timed(lambda seed=seed: BARE[name](settings, train, validation, seed))  # type: ignore[misc]
        our_s, our = timed(lambda seed=seed: ours(name, train, validation, seed))  # type: ignore[misc]
        ratios.append(our_s / bare_s)
        losses = [metrics.binary_cross_entropy(validation.y, p) for p in (our, bare)]
        rows.append((our_s, bare_s, *losses))
    our_s, bare_s, our_loss, bare_loss = (statistics.median(c) for c in zip(*rows, strict=True))
    ratio = statistics.median(ratios)
    return [
        figure(f"{name}: ours", our_s, "s"),
        figure(f"{name}: bare", bare_s, "s"),
        figure(f"{name}: ours / bare", ratio, "times", MOST[name])
        | {"lowest": round(min(ratios), 3), "highest": round(max(ratios), 3)},
        figure(f"{name}: validation loss, bare", bare_loss, ""),
        figure(f"{name}: validation loss, ours", our_loss, "", round(bare_loss * 1.005, 4)),
    ]


def figure(name: str, value: float, unit: str, target: float | None = None) -> Figure:
    """One line of the table; a target is the most that is allowed."""
    met = None if target is None else value <= target
    return {"name": name, "value": round(value, 4), "unit": unit, "target": target, "met": met}


def table(figures: list[Figure]) -> str:
    width = max(len(line["name"]) for line in figures)
    rows = [f"{'':{width}}  {'value':>9}        target"]
    for line in figures:
        row = f"{line['name']:{width}}  {line['value']:>9.3f} {line['unit']:5}"
        if line["target"] is not None:
            row += f"  {line['target']:g} at most  {'met' if line['met'] else 'MISSED'}"
        if "lowest" in line:
            row += f"  ({line['lowest']:.2f} to {line['highest']:.2f})"
        rows.append(row.rstrip())
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description="Time of training against the bare libraries.")
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"of: {', '.join(BARE)}")
    parser.add_argument("--repetitions", type=int, default=3)
    chosen = parser.parse_args()
    for name in chosen.models:
        if name not in BARE:
            parser.error(f"there is no bare {name!r}; choose one of: {', '.join(BARE)}")
    with native_noise_filtered():
        import tensorflow  # noqa: F401, so that no fit pays for its import
    figures = [line for name in chosen.models or BARE for line in measure(name, chosen.repetitions)]
    print(table(figures))
    print(json.dumps({"repetitions": chosen.repetitions, "figures": figures}, indent=2))


if __name__ == "__main__":
    main()
