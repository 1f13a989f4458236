"""A small table of ready features, on which a network learns something in seconds."""

import shutil

import numpy as np
import pandas as pd
import pytest

from genre_engine import datasets, runs, training

GENRES = ("ambient", "jazz", "rock")
SETTINGS = {"layers": [16], "epochs": 6, "batch_size": 16, "learning_rate": 0.01}


def table(n_artists=45, per_artist=4, seed=0):
    """Tracks whose first columns lean towards their genres; every artist is fond of one or two."""
    rng = np.random.default_rng(seed)
    rows = []
    for artist in range(n_artists):
        likes = rng.choice(len(GENRES), rng.integers(1, 3), replace=False)
        for song in range(per_artist):
            y = np.zeros(len(GENRES))
            y[rng.choice(likes, rng.integers(1, len(likes) + 1), replace=False)] = 1
            x = rng.normal(size=8)
            x[: len(GENRES)] += 2 * y
            names = ";".join(name for name, on in zip(GENRES, y, strict=True) if on)
            rows.append(
                {"track_id": f"t{artist:02d}-{song}", "artist": f"a{artist:02d}"}
                | {f"x{i}": value for i, value in enumerate(x)}
                | {"genre": names}
            )
    return pd.DataFrame(rows)


def import_table(tmp_path, name="small", frame=None):
    path = tmp_path / f"{name}.csv"
    (table() if frame is None else frame).to_csv(path, index=False)
    return datasets.import_table(name, path, label="genre", label_separator=";", group="artist")


@pytest.fixture(autouse=True)
def workspace(tmp_path, monkeypatch):
    folder = tmp_path / "workspace"
    monkeypatch.setenv("GENRE_ENGINE_WORKSPACE", str(folder))
    return folder


@pytest.fixture
def small(tmp_path, workspace):
    there = (workspace / "datasets" / "small").is_dir()
    return datasets.open("small") if there else import_table(tmp_path)


@pytest.fixture
def new_run(small):
    def new(model="fcn", **options):
        options.setdefault("settings", SETTINGS if model == "fcn" else None)
        return runs.create(training.new_config("small", model=model, **options))

    return new


@pytest.fixture(scope="session")
def trained_workspace(tmp_path_factory):
    """A workspace with the table and a run of it, trained once."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENRE_ENGINE_WORKSPACE", str(folder / "workspace"))
        import_table(folder)
        config = training.new_config("small", settings=SETTINGS, name="first")
        training.train(runs.create(config))
    return folder / "workspace"


@pytest.fixture
def trained(trained_workspace, workspace):
    """A copy of the trained run in this test's workspace."""
    shutil.copytree(trained_workspace, workspace, dirs_exist_ok=True)
    return runs.open("first")
