"""Which runs can be compared, read once as long as they don't change."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from genre_engine import runs
from genre_engine.errors import GenreEngineError
from genre_engine.evaluation import comparison
from genre_engine.evaluation.comparison import Comparison
from genre_engine.runs import Run

# Judgements of this visit that are kept; each holds the draws of its runs.
_MOST_KEPT = 8


def finished() -> tuple[list[Run], list[str]]:
    """Finished runs, the newest first, and what is wrong with those that can't be read."""
    found, problems = [], []
    for run in runs.listing():
        if run.error is not None:
            problems.append(run.error)
        elif run.status == "finished":
            found.append(run)
    # Ids of the same second are in no order.
    found.sort(key=lambda run: run.config.created, reverse=True)
    return found, problems


def managed(shown: Sequence[Run] | None = None) -> list[Run]:
    """The runs to be managed, the newest first: of the finished ones those that the page shows."""
    ids = None if shown is None else {run.id for run in shown}
    return [
        run
        for run in runs.listing()
        if run.error is not None or run.status != "finished" or ids is None or run.id in ids
    ]


def first_choice(found: list[Run]) -> list[str]:
    """The newest two that were asked the same; what a visitor most likely wants to see."""
    if len(found) < 2:
        return []
    asked = [_question(run) for run in found]
    for at, question in enumerate(asked):
        if question is not None and question in asked[at + 1 :]:
            return [found[at].name, found[asked.index(question, at + 1)].name]
    return [run.name for run in found[:2]]


def _question(run: Run) -> str | None:
    try:
        return question(run.id, changed(run))
    except GenreEngineError:
        return None


def changed(run: Run) -> float:
    """When its results were written; a part of a cache's key."""
    try:
        return (run.folder / "report.json").stat().st_mtime
    except OSError:
        return 0.0


@st.cache_data(max_entries=500, show_spinner=False)
def question(run_id: str, changed_at: float) -> str:
    """`comparison.question` of a run on validation."""
    return comparison.question(runs.open(run_id))


@st.cache_data(max_entries=500, show_spinner=False)
def stored(run_id: str, changed_at: float) -> dict[str, Any]:
    """A run's report.json."""
    return runs.open(run_id).report() or {}


def compared(chosen: list[Run], part: str) -> Comparison:
    """`comparison.compare`, kept: a look at test is counted once in a visit."""
    key = (part, *((run.id, changed(run)) for run in chosen))
    kept: dict[Any, Comparison] = st.session_state.setdefault("comparisons", {})
    if key not in kept:
        with st.spinner("Comparing …"):
            kept[key] = comparison.compare(chosen, part=part)
        while len(kept) > _MOST_KEPT:
            del kept[next(iter(kept))]
    return kept[key]
