"""Small problems with signal, for every model and task."""

import numpy as np
import pytest

from genre_engine.features.patches import Patches
from genre_engine.models import Data, FeatureInfo

GENRES = ("ambient", "jazz", "rock")
N_COLUMNS = 24


def labels(task, n, rng):
    n_genres = 2 if task == "binary" else len(GENRES)
    if task == "multilabel":
        return (rng.random((n, n_genres)) < (0.5, 0.35, 0.2)).astype(np.uint8)
    return np.eye(n_genres, dtype=np.uint8)[rng.integers(n_genres, size=n)]


def vectors(y, rng):
    """Each genre lifts eight columns of its own, some only a little; two are constant."""
    x = rng.standard_normal((len(y), N_COLUMNS))
    for genre in range(y.shape[1]):
        x[:, genre * 7 : genre * 7 + 7] += y[:, [genre]] * np.linspace(0.4, 1.6, 7)
    x[:, -1], x[:, -2] = 1.0, 0.1
    return (x * np.geomspace(0.01, 100, N_COLUMNS)).astype(np.float32)


def patches(y, rng):
    """Each genre sounds in bands of its own, in some frames."""
    songs = []
    for row in y:
        song = rng.standard_normal((int(rng.integers(2, 5)), 24, 16)) * 0.5 + 3
        for genre in np.flatnonzero(row):
            song[:, genre * 4 :: 8, genre * 5 : genre * 5 + 4] += 1.5
        songs.append(song.astype(np.float16))
    return Patches.of(songs)


@pytest.fixture(scope="session")
def problem():
    """`problem(model class, task)` → train, validation, test."""

    def make(model, task, sizes=(240, 120, 120), seed=1):
        rng = np.random.default_rng(seed)
        if model.input == "patches":
            info = FeatureInfo("patches", "0123456789ab", (), {"sample_rate": 16000})
        else:
            columns = tuple(f"column_{number:02}" for number in range(N_COLUMNS))
            info = FeatureInfo("summary", "ba9876543210", columns, {"sample_rate": 22050})
        parts = []
        for n in sizes:
            y = labels(task, n, rng)
            x = patches(y, rng) if model.input == "patches" else vectors(y, rng)
            parts.append(Data(x, y, GENRES[: y.shape[1]], task, info))
        return tuple(parts)

    return make
