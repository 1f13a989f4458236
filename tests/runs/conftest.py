"""Runs without a training: their folders and events are all that is looked at here."""

import pytest

from genre_engine import runs


@pytest.fixture(autouse=True)
def workspace(tmp_path, monkeypatch):
    """Every test has a workspace of its own."""
    folder = tmp_path / "workspace"
    monkeypatch.setenv("GENRE_ENGINE_WORKSPACE", str(folder))
    return folder


@pytest.fixture
def config():
    return runs.Config(
        dataset="demo",
        model="fcn",
        settings={"epochs": 64},
        genres=("jazz", "rock"),
        features={"kind": "summary", "fingerprint": "0123456789ab", "parameters": {}},
    )


@pytest.fixture
def run(config):
    return runs.create(config)
