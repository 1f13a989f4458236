"""Which layers of the pretrained networks, pooled how, separate a data set's genres best.

    python -m benchmarks.embedding [DATASET] [--patches N]

For each candidate a regularised linear model (one logistic regression a genre, on scaled numbers)
learns from the train part of the official split, else of an artist split, and is scored on the
other parts together by macro average precision; how strongly it is regularised is chosen on the
train part, by cross-validation over artists. Beside the candidates stand the 498 and the share of
positives, which is what guessing gets. Prints a table, then the same as JSON.

It says as much as the data set does: on the demo set it compares how well invented styles of one
synthesis are distinguished.
"""

import argparse
import json
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genre_engine import datasets, features, pretrained
from genre_engine.features.patches import PatchKind

STRENGTHS = (0.001, 0.01, 0.1, 1.0)
Floats = NDArray[np.float32]


def activations(
    dataset: datasets.Dataset, n_patches: int
) -> tuple[dict[str, list[Floats]], Floats]:
    """Layer outputs of each track's first patches `[n, width]` by "network layer", and the 498."""
    kind, summary = PatchKind(), features.kind("summary")
    songs, vectors = [], []
    for path in dataset.tracks["path"]:
        file = dataset.audio_path(path)
        if file is None:
            raise SystemExit(f"{path} has no audio. Choose a data set whose audio is here.")
        songs.append(kind.compute_source(file)[:n_patches].astype(np.float32))
        vectors.append(summary.compute_source(file))
    ends = np.cumsum([len(song) for song in songs])[:-1]
    patches = np.concatenate(songs)
    found = {}
    for name, network in pretrained.networks(names=pretrained.PAIR).items():
        for layer, rows in (
            ("channels", network.mean_over_time(patches)),
            ("tags", network(patches)),
        ):
            print(f"{name} {layer}: {rows.shape}", file=sys.stderr)
            found[f"{name} {layer}"] = np.split(rows, ends)
    return found, np.stack(vectors)


def candidates(found: dict[str, list[Floats]]) -> Iterator[tuple[str, Floats]]:
    """Vectors a track `[n, width]` by what they are made of."""
    for layer in ("tags", "channels"):
        each = {name: found[f"{name} {layer}"] for name in pretrained.PAIR}
        for name, songs in each.items():
            yield f"{name} {layer}, mean", np.stack([song.mean(axis=0) for song in songs])
        both = [np.concatenate(pair, axis=1) for pair in zip(*each.values(), strict=True)]
        mean = np.stack([song.mean(axis=0) for song in both])
        yield f"both {layer}, mean", mean
        greatest = np.stack([song.max(axis=0) for song in both])
        yield f"both {layer}, mean and greatest", np.concatenate([mean, greatest], axis=1)


def score(x: Floats, y: NDArray[Any], train: NDArray[Any], artists: NDArray[Any]) -> float:
    """Macro average precision of linear models outside of train."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import average_precision_score
    from sklearn.model_selection import GroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    def model(strength: float) -> Any:
        return make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=2000))

    scores = []
    folds = list(GroupKFold(4).split(x[train], groups=artists[train]))
    for genre in range(y.shape[1]):
        target = y[train, genre]
        inner = [
            average_precision_score(
                target,
                cross_val_predict(
                    model(strength), x[train], target, cv=folds, method="decision_function"
                ),
            )
            for strength in STRENGTHS
        ]
        fitted = model(STRENGTHS[int(np.argmax(inner))]).fit(x[train], target)
        scores.append(
            average_precision_score(y[~train, genre], fitted.decision_function(x[~train]))
        )
    return float(np.mean(scores))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", nargs="?", default="demo")
    parser.add_argument("--patches", type=int, default=10, help="Patches of 3 s a track, at most.")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    dataset = datasets.open(given.dataset)
    chosen = dataset.select()
    parts = datasets.possible_splits(dataset, chosen)
    split = parts.get("official") or parts["artist"]
    found, summary = activations(dataset, given.patches)
    train = split.part == "train"
    artists = dataset.tracks["artist_id"].fillna("").to_numpy()[chosen.rows]
    figures = [{"name": "share of positives", "width": 0, "value": float(chosen.y[~train].mean())}]
    for name, x in [("the 498", summary), *candidates(found)]:
        value = score(x[chosen.rows], chosen.y, train, artists)
        figures.append({"name": name, "width": x.shape[1], "value": value})
        print(f"{name:45} {x.shape[1]:5}  {value:.3f}", flush=True)
    counts = {"train": int(train.sum()), "others": int((~train).sum())}
    print(json.dumps({"dataset": dataset.name, "tracks": counts, "figures": figures}, indent=2))


if __name__ == "__main__":
    main()
