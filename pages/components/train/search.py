"""Searching for better settings: how long, and its trials as they come."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from genre_engine import figures, jobs, models
from genre_engine.errors import GenreEngineError
from genre_engine.jobs import Job, hosted
from genre_engine.training import SearchRequest, TrainingRequest, search
from genre_engine.training import trials as trials_on_disk
from genre_engine.training.request import TRIALS
from genre_engine.training.trials import Trial
from pages.components.shared.live_plot import live_plot
from pages.components.shared.session_id import visitor
from pages.components.shared.text import plain
from pages.components.train import live, request_text

_TICK_S = 1.0
_SCORE = "Macro average precision"
_BUDGETS = {"trials": "trials", "minutes": "minutes"}
_DEFAULTS = {"trials": TRIALS, "minutes": 10}
_MOST = {"trials": 200, "minutes": 600}


def form(choice: TrainingRequest) -> None:
    """Offer a search for what is chosen."""
    # A search chooses by one validation part, so folds stand for their kind of split.
    kind = choice.split.partition(":")[0]
    split = {"kfold": "random", "artist-kfold": "artist"}.get(kind, choice.split)
    choice = replace(choice, settings={}, split=split)
    names = [info.label for info in search.searchable(choice.model)]
    if not names:
        return
    with st.expander("Search for better settings", icon=":material/search:"):
        st.markdown(
            f"Trains again and again with other settings ({plain(', '.join(names))}) and keeps the "
            f"best by {_SCORE.lower()} on the early-stopping set, half of validation. The first "
            "trial has the defaults; the best one becomes an ordinary run."
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            budget = str(
                st.segmented_control(
                    "Stop after",
                    list(_BUDGETS),
                    default="trials",
                    required=True,
                    key="train-budget",
                )
            )
            most = hosted.TRIALS if hosted.active() and budget == "trials" else _MOST[budget]
            amount = st.number_input(
                budget.capitalize(),
                1,
                most,
                min(most, _DEFAULTS[budget]),
                key=f"train-budget-{budget}",
                width=140,
            )
            clicked = st.button("Search", icon=":material/search:", key="train-search")
        command = request_text.command(choice, "tune", f"--{budget}", str(amount))
        st.code(command, language="bash", wrap_lines=True)
    if clicked:
        _start(choice, **{budget: amount})


def _start(training: TrainingRequest, **budget: Any) -> None:
    try:
        job = jobs.submit("tuning", SearchRequest(training, **budget), owner=visitor())
    except GenreEngineError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    st.query_params.from_dict({"job": job.id})
    st.rerun()


def trials(job: Job) -> None:
    """A search's trials, as they come; then what can be done with the best."""
    if job.busy:
        state = (job.status, job.run_id)
        st.fragment(_tick, run_every=_TICK_S, key="train-trials")(job.id, state)
        return
    made = job.result.get("run")
    if made:
        st.page_link(
            "pages/train.py",
            label=f"The best trial is the run {plain(str(job.result.get('name', made)))}",
            icon=":material/star:",
            query_params={"run": str(made)},
        )
    _table(job)


def _tick(job_id: str, drawn: tuple[Any, ...]) -> None:
    try:
        job = jobs.open(job_id)
    except GenreEngineError:
        job = None
    if job is None or (job.status, job.run_id) != drawn:
        st.empty()  # lets a visitor's click go first, see train_live
        st.rerun()
    live.progress(job)
    _table(job)


def _table(job: Job) -> None:
    ended = trials_on_disk.read(job.folder)
    if not ended:
        st.markdown("The first trial is shown when its training has ended.")
        return
    best = trials_on_disk.best(ended)
    figure = figures.tuning_trials([trial.score for trial in ended], _SCORE)
    alt = f"{_SCORE} of {len(ended)} trials" + (f", at best {best.score:.2f}" if best else "")
    live_plot(figure, key=f"train-trials-{job.id}", alt=alt, height=260)
    about = models.model(SearchRequest.from_dict(job.request).training.model).Settings
    infos = {info.name: info for info in about.describe()}
    rows = [_row(trial, infos, trial == best) for trial in ended]
    rows.sort(key=lambda row: -(row["Score"] or 0.0))
    st.dataframe(
        rows,
        hide_index=True,
        key=f"train-trials-table-{job.id}",
        column_config={"Score": st.column_config.NumberColumn(format="%.3f", help=_SCORE)},
        alt="Trials of the search, the best first",
    )


def _row(trial: Trial, infos: Mapping[str, Any], is_best: bool) -> dict[str, Any]:
    ends = {"finished": "done", "pruned": "given up early", "failed": "failed"}
    said = {
        "Trial": f"{trial.number + 1} ★" if is_best else str(trial.number + 1),
        "Score": trial.score,
        "End": ends.get(trial.state, trial.state),
        "Epochs": trial.epochs,
        "Seconds": round(trial.seconds, 1),
    }
    for name, value in trial.settings.items():
        if name in infos:
            # A search draws more digits than anyone would set.
            short = float(f"{value:.3g}") if isinstance(value, float) else value
            said[infos[name].label] = infos[name].text(short)
    return said
