"""The command line in this process, with stand-ins for the networks."""

import sys

import pytest

from genre_engine import cli
from genre_engine.prediction import batch
from tests import stub_networks as stubs


@pytest.fixture
def stub_networks(monkeypatch):
    # Other processes would have the real ones.
    monkeypatch.setattr(batch, "cores", lambda: 1)
    return stubs.install(monkeypatch, stubs.rock)


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
