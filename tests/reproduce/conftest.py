"""A small table of ready features over the course project's ten genres."""

import numpy as np
import pandas as pd
import pytest

from genre_engine import datasets
from genre_engine.prediction import vocabulary

SHORT = {
    "fcn": {"layers": [8], "epochs": 2, "batch_size": 64},
    "cnn": {"epochs": 1, "filters": [4], "batch_size": 16},
    "xgboost": {"rounds": 2, "columns": 0.2, "depth": 2},
    "forest": {"trees": 10},
    "linear": {"max_iterations": 10},
}


def import_table(tmp_path, name="small", n_artists=60, per_artist=5, seed=0):
    """Tracks whose first columns lean towards their genres; artists are fond of one or two."""
    rng = np.random.default_rng(seed)
    genres = list(vocabulary.TEN)
    rows = []
    for artist in range(n_artists):
        likes = [genres[artist % 10], genres[(3 * artist + 1) % 10]]
        for song in range(per_artist):
            own = likes[:1] if song % 2 else sorted(set(likes))
            x = rng.normal(size=14)
            x[[genres.index(genre) for genre in own]] += 2
            rows.append(
                {"track_id": f"t{artist:02d}-{song}", "artist": f"a{artist:02d}"}
                | {f"x{i}": value for i, value in enumerate(x)}
                | {"genre": ";".join(own)}
            )
    path = tmp_path / f"{name}.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return datasets.import_table(name, path, label="genre", label_separator=";", group="artist")


@pytest.fixture
def small(tmp_path, workspace):
    return import_table(tmp_path)
