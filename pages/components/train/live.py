"""A job as it goes on: how far it is, its curves, and its buttons.

What ticks only reads and draws; when the job's state changes, the whole page runs again.
"""

from contextlib import suppress
from typing import Any

import streamlit as st

from genre_engine import figures, jobs
from genre_engine.errors import GenreEngineError
from genre_engine.jobs import Job
from genre_engine.runs import Run
from genre_engine.storage import owners
from pages.components.shared.live_plot import live_plot
from pages.components.shared.text import duration, plain
from pages.components.train.tail import baseline, tail

# How often a running job is looked at, in seconds; a waiting one more seldom.
_TICK_S = 0.5
_WAITING_TICK_S = 1.0

_HEIGHT = 300


def buttons(job: Job) -> None:
    """Pause, cancel, resume; outside of what ticks, so that no tick can swallow a click."""
    if not owners.is_own(job.owner):
        return
    with st.container(horizontal=True, key="train-buttons"):
        if job.pausable:
            training = job.kind == "training" and job.status == "running"
            about = "Stops at the epoch's end" if training else None
            _button(job, "Pause", ":material/pause:", about)
        if job.busy:
            _button(job, "Cancel", ":material/stop:", "What was learnt so far is kept")
        if job.resumable:
            _button(job, "Resume", ":material/play_arrow:", "Goes on after its last epoch")


def _button(job: Job, what: str, icon: str, about: str | None) -> None:
    st.button(
        what,
        key=f"train-{what.lower()}",
        icon=icon,
        type="primary" if what == "Resume" else "secondary",
        on_click=_ask,
        args=(job.id, what.lower()),
        help=about,
    )


def _ask(job_id: str, what: str) -> None:
    try:
        job = jobs.open(job_id)
        {"pause": job.pause, "cancel": job.cancel, "resume": job.resume}[what]()
    except GenreEngineError as error:
        # What ended by itself in the same moment needs no pause: the page shows how it ended.
        if what == "resume" or _busy(job_id):
            st.session_state["train-said"] = str(error)


def _busy(job_id: str) -> bool:
    with suppress(GenreEngineError):
        return jobs.open(job_id).busy
    return False


def watch(job: Job | None, run: Run | None) -> None:
    """Draw a job and its run, again and again while it is at work."""
    if job is not None and job.busy:
        seconds = _TICK_S if job.status == "running" else _WAITING_TICK_S
        state = _state(job)
        st.fragment(_tick, run_every=seconds, key="train-live")(job.id, state)
    elif run is not None:
        curves(run, ended=True)


def _state(job: Job) -> tuple[Any, ...]:
    """What the rest of the page depends on."""
    return job.status, job.run_id


def _tick(job_id: str, drawn: tuple[Any, ...]) -> None:
    try:
        job = jobs.open(job_id)
    except GenreEngineError:
        job = None
    if job is None or _state(job) != drawn:
        # Whatever the visitor asked for meanwhile goes first: a call like this one lets it through,
        # and the rerun below would be taken for an answer to it.
        st.empty()
        st.rerun()
    progress(job)
    run = job.run()
    if run is not None and run.error is None:
        curves(run, ended=False)


def progress(job: Job) -> None:
    """How far a job is, in words and as a bar."""
    if job.status == "queued":
        place = "next" if job.position == 1 else f"number {job.position}"
        st.info(
            f"Waiting in the queue, {place}. {plain(job.note)}".strip(),
            icon=":material/hourglass_top:",
        )
        return
    said = plain(job.note) or job.working
    run = job.run()
    if run is not None and job.note.startswith("Epoch"):
        at = run.progress()
        if at["batch"] and at["batches"]:
            said += f" · batch {at['batch']:,} of {at['batches']:,}"
    if job.seconds_left is not None:
        said += f" · at most {duration(job.seconds_left)} left"
    if asked := job.asked:
        said += " · pausing at the epoch's end" if asked == "pause" else " · ending"
    st.progress(min(1.0, job.progress or 0.0), text=said)


def curves(run: Run, *, ended: bool) -> None:
    """Loss, accuracy and AUC of train and validation, as far as they are known."""
    known = tail(run)
    shown = known.curves(ended=ended)
    if ended and not shown.epochs:
        return
    if not shown.epochs and known.batch is None:
        st.markdown("The curves begin with the first epoch; starting takes a few seconds.")
        if run.recorded().status != "running":
            return
        # Empty ones at once: what draws them is on its way while the training starts up.
    reached = baseline(run)
    columns = st.columns(3)
    for column, (quantity, title) in zip(columns, figures.QUANTITIES.items(), strict=True):
        with column:
            st.markdown(_headline(shown, quantity, title))
            live_plot(
                figures.training_curve(shown, quantity, no_skill=reached.get(quantity)),
                key=f"train-curve-{run.id}-{quantity}",
                alt=figures.training_curve_alt(shown, quantity, reached.get(quantity)),
                height=_HEIGHT,
            )
    _caption(shown)


def _caption(shown: figures.Curves) -> None:
    """Why Results says other numbers."""
    if shown.ended:
        st.markdown(
            ":gray[Validation here is its early-stopping half, with 0.5 as the threshold. Results "
            "judges all of validation at the chosen thresholds, so its numbers differ.]"
        )


def _headline(shown: figures.Curves, quantity: str, title: str) -> str:
    # Two lines in every case: the charts below stand in a row.
    if not shown.epochs:
        return f"**{title}**  \n:gray[no epoch yet]"
    # What a finished run has kept is its best epoch, not its last.
    event = shown.best if shown.ended and shown.best else shown.epochs[-1]
    value = event.get(f"val_{quantity}")
    if value is None:
        return f"**{title}** unknown  \n:gray[validation lacks one of the two]"
    train = event.get(quantity)
    where = f"epoch {event['epoch']}" + (", kept" if shown.ended else "")
    said = f"**{title} {value:.3f}**" + ("" if train is None else f" · train {train:.3f}")
    return f"{said}  \n:gray[{where}]"
