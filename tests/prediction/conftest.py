"""Runs to predict with, made once."""

import pytest

from tests import trainings


@pytest.fixture(scope="session")
def trained_workspace(tmp_path_factory):
    return trainings.workspace_of(tmp_path_factory)


@pytest.fixture
def trained(trained_workspace, monkeypatch):
    """The workspace with runs is this test's; nothing in it may be changed."""
    monkeypatch.setenv("GENRE_ENGINE_WORKSPACE", str(trained_workspace))
    return trained_workspace
