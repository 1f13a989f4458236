"""A run's recipe again with other seeds, so that its score has a spread."""

from dataclasses import replace

import streamlit as st

from genre_engine import jobs, models, runs
from genre_engine.errors import GenreEngineError
from genre_engine.evaluation import repeats
from genre_engine.jobs import hosted
from genre_engine.runs import Run
from genre_engine.training import TrainingRequest
from pages.components.shared.session_id import visitor
from pages.components.shared.text import duration, plain
from pages.components.train import request_text

SEEDS = 5


def requests(run: Run, seeds: int = SEEDS) -> list[TrainingRequest]:
    """What is to be trained so that the recipe has so many seeds; none where it has them."""
    recipe = repeats.recipe(run.config)
    taken = {
        other.config.seed
        for other in runs.listing()
        if other.error is None and repeats.recipe(other.config) == recipe
    }
    free = (seed for seed in range(len(taken) + seeds) if seed not in taken)
    asked = replace(request_text.of_run(run.config), origin="app")
    return [replace(asked, seed=next(free)) for _ in range(seeds - len(taken))]


def offer(run: Run) -> None:
    """A button that puts the trainings that are missing into the queue."""
    if hosted.active() or run.config.model not in models.NAMES:
        return  # one piece of work at a time for each visitor
    wanted = requests(run)
    if not wanted:
        return
    with st.popover(f"Repeat with {SEEDS} seeds", icon=":material/repeat:"):
        n = len(wanted)
        said = f"Trains {n} more with other seeds, so that the leader board shows mean and spread. "
        if "official" not in str(run.config.split.get("kind")) and not run.config.split.get(
            "folds"
        ):
            said += "Each seed deals its own split, so the spread holds both. "
        if seconds := _seconds(run):
            said += f"About {duration(n * seconds)}, by this run."
        st.markdown(said)
        if st.button(f"Train {n} more", key=f"repeat-{run.id}", type="primary"):
            try:
                jobs.supervisor()
                for request in wanted:
                    jobs.submit("training", request, owner=visitor())
            except GenreEngineError as error:
                st.error(plain(str(error)), icon=":material/error:")
                return
            st.success(f"{n} trainings are in the queue.", icon=":material/hourglass_top:")


def _seconds(run: Run) -> float:
    try:
        return float(((run.report() or {}).get("fit") or {}).get("seconds") or 0.0)
    except GenreEngineError:
        return 0.0
