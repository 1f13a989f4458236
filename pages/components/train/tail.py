"""What a page knows of a run: its events, read by offset, so that a tick costs next to nothing."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import streamlit as st

from genre_engine import datasets
from genre_engine.errors import GenreEngineError
from genre_engine.figures import Curves
from genre_engine.models import history
from genre_engine.runs import Run, journal
from genre_engine.runs.journal import Event
from genre_engine.splits import EARLY_STOPPING_SET

_TAILS = "train-tails"


@dataclass(eq=False)
class Tail:
    """One run's events so far.

    Attributes:
        offset: up to where they are read.
        n_epochs: how many there will be at most; 0 before that is known.
    """

    run: Run
    offset: int = 0
    epochs: list[Event] = field(default_factory=list)
    batch: Event | None = None
    n_epochs: int = 0

    def read(self) -> None:
        """Take in what has come since the last call."""
        new, self.offset = self.run.events(self.offset)
        for event in new:
            if event["type"] in ("epoch", "batch"):
                self.n_epochs = event.get("epochs") or self.n_epochs
            if event["type"] == "batch":
                self.batch = event
            elif event["type"] == "epoch":
                self.epochs = journal.by_epoch([*self.epochs, event])
                self.batch = None

    def curves(self, *, ended: bool) -> Curves:
        most = self.n_epochs or int(self.run.config.settings.get("epochs") or 1)
        return Curves(self.epochs, most, self.batch, ended)


def tail(run: Run) -> Tail:
    """This visit's tail of a run, brought up to date."""
    tails: dict[str, Tail] = st.session_state.setdefault(_TAILS, {})
    if run.id not in tails:
        tails.clear()  # one run is looked at at a time
        tails[run.id] = Tail(run)
    tails[run.id].read()
    return tails[run.id]


def baseline(run: Run) -> dict[str, float]:
    """By quantity, what the no-skill baseline reaches that only knows how common the genres are.

    On the validation tracks that the curves are about; nothing where these aren't known any more.
    """
    try:
        return _baseline(run.id, run)
    except (GenreEngineError, KeyError, OSError):
        return {"auc": 0.5}


@st.cache_data(max_entries=32, show_spinner=False)
def _baseline(run_id: str, _run: Run) -> dict[str, float]:
    config, parts = _run.config, _run.parts()
    dataset = datasets.open(config.dataset)
    chosen = dataset.select(config.genres, rule=config.rule, task=config.task)
    there = dataset.tracks["track_id"].iloc[chosen.rows]
    row = {str(track): index for index, track in enumerate(there)}
    train, stopping = (
        np.array([row[track] for track in parts["track_id"][which]], int)
        for which in (parts["part"] == "train", parts["half"] == EARLY_STOPPING_SET)
    )
    y: Any = chosen.y[stopping]
    prior = np.tile(chosen.y[train].mean(axis=0, dtype=np.float32), (len(stopping), 1))
    return {
        "loss": history.cross_entropy(y, prior, config.task),
        "accuracy": history.accuracy(y, prior, config.task),
        "auc": 0.5,
    }
