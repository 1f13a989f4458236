"""The command line in this process, with stand-ins for the networks."""

import sys

import numpy as np
import pytest

from genre_engine import cli, pretrained
from genre_engine.pretrained.tags import TAGS


class StubNetwork:
    """Hears rock in everything."""

    prior_logits = np.full(50, -2.0, np.float32)

    def __init__(self, name):
        self._rock = TAGS[name].index("rock")

    def __call__(self, patches):
        found = np.full((len(patches), 50), 0.01, np.float32)
        found[:, self._rock] = 0.7
        return found


@pytest.fixture
def stub_networks(monkeypatch):
    made = {name: StubNetwork(name) for name in TAGS}
    monkeypatch.setattr(pretrained, "networks", lambda progress=None: made)


@pytest.fixture
def run(monkeypatch, capsys):
    """Run a command line; returns (exit status, standard output, standard error)."""

    def command(*words):
        monkeypatch.setattr(sys, "argv", ["genre_engine", *map(str, words)])
        capsys.readouterr()
        try:
            cli.main()
            status = 0
        except SystemExit as ended:
            status = ended.code or 0
        written = capsys.readouterr()
        return status, written.out, written.err

    return command
