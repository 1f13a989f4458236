"""Finished runs without a training: what a page or a comparison reads of one, made from scores."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from genre_engine import metrics, runs
from genre_engine.runs import Predictions

GENRES = ("jazz", "rock", "techno")
N = 90


def truth(n: int = N, seed: int = 0) -> npt.NDArray[np.uint8]:
    """Zeros and ones [n, 3], each track with at least one genre."""
    rng = np.random.default_rng(seed)
    y = (rng.random((n, len(GENRES))) < 0.35).astype(np.uint8)
    y[np.arange(n), rng.integers(0, len(GENRES), n)] = 1
    return y


def scores(y: npt.NDArray[np.uint8], skill: float, seed: int = 1) -> npt.NDArray[np.float32]:
    """Scores that know the truth as well as `skill` says, from 0 (not at all) to 1."""
    rng = np.random.default_rng(seed)
    return np.clip(skill * y + (1 - skill) * rng.random(y.shape), 0, 1).astype(np.float32)


def finished(
    name: str,
    *,
    skill: float = 0.3,
    ids: Sequence[str] | None = None,
    genres: Sequence[str] = GENRES,
    y: npt.NDArray[np.uint8] | None = None,
    artists: int = 30,
    settings: Mapping[str, Any] | None = None,
    seed: int = 1,
    order: npt.NDArray[np.intp] | None = None,
    model: str = "fcn",
    task: str = "multilabel",
    dataset: str = "mine",
    origin: str = "python",
    config_seed: int = 0,
) -> runs.Run:
    """Store a finished run called `name`; the same arguments give the same truth."""
    y = truth()[:, : len(genres)] if y is None else y
    n = len(y)
    ids = [f"track {i:03}" for i in range(n)] if ids is None else list(ids)
    p = scores(y, skill, seed)
    if task != "multilabel":
        p /= p.sum(axis=1, keepdims=True)
    groups = np.arange(n) % artists if artists else None
    order = np.arange(n) if order is None else order
    run = runs.create(
        runs.Config(
            dataset=dataset,
            model=model,
            settings=settings or {"learning_rate": 0.001},
            genres=tuple(genres),
            task=task,
            features={"kind": "summary", "fingerprint": "0" * 12, "parameters": {"excerpt_s": 30}},
            name=name,
            seed=config_seed,
        ),
        origin,
    )
    predicted = Predictions(
        [ids[i] for i in order], y[order], p[order], None if groups is None else groups[order]
    )
    for part in runs.PREDICTED:
        predicted.save(run.folder / "predictions" / f"{part}.npz")
    Predictions(ids, y, p).save(run.folder / "predictions" / "train.npz")
    pd.DataFrame(
        {
            "track_id": ids,
            "part": ["validation"] * n,
            "half": [("selecting", "tuning")[i % 2] for i in range(n)],
            "artist": [f"artist {i % (artists or n)}" for i in range(n)],
            "group": np.arange(n) % (artists or n),
        }
    ).to_parquet(run.folder / "parts.parquet")
    report = metrics.evaluate(
        predicted.y, predicted.p, genres=genres, part="validation", draws=50, task=task
    )
    run.write_json(
        "report.json",
        {
            "format": 1,
            "validation": report.to_dict(),
            "thresholds": {"global": 0.5, "per_genre": dict.fromkeys(genres, 0.5)},
            "artist_overlap": 0.0,
            "sizes": {"train": n, "validation": n, "test": n},
        },
    )
    with run.writing() as events:
        for epoch, loss in enumerate((0.7, 0.5, 0.6), 1):
            events.write(
                "epoch", epoch=epoch, epochs=3, loss=loss, val_loss=loss + 0.1, val_auc=0.7
            )
        events.write("status", status="finished", message="done")
    return run
