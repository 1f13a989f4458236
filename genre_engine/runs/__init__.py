"""Runs: what is trained, what happened, and what came of it.

    from genre_engine import runs, training
    run = runs.create(training.new_config("demo", model="fcn"))    # queued: training.train(run)
    runs.open("demo-fcn").status                                # by id or by name
    runs.listing()                                              # newest first
    runs.rename(run, "baseline"); runs.tag(run, ["thesis"])
    runs.discard(run); runs.restore("baseline")                 # thrown away, and taken back

A run is a folder (`run` says what lies in it). Runs that the command line started and those that
the app started are the same.
"""

from genre_engine.runs.config import Config
from genre_engine.runs.journal import Event, Journal
from genre_engine.runs.managing import (
    KEPT_DAYS,
    annotate,
    discard,
    empty_trash,
    rename,
    restore,
    tag,
    trash,
)
from genre_engine.runs.notes import Notes
from genre_engine.runs.predictions import Predictions
from genre_engine.runs.run import PREDICTED, STATUSES, Run, State
from genre_engine.runs.store import create, listing, open_run, remove, taken_names

__all__ = [
    "KEPT_DAYS",
    "PREDICTED",
    "STATUSES",
    "Config",
    "Event",
    "Journal",
    "Notes",
    "Predictions",
    "Run",
    "State",
    "annotate",
    "create",
    "discard",
    "empty_trash",
    "listing",
    "open",
    "remove",
    "rename",
    "restore",
    "tag",
    "taken_names",
    "trash",
]

# The contract names it so: runs.open("demo-fcn").
open = open_run  # noqa: A001
