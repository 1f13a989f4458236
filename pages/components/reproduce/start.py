"""What the experiment is to run on, what that takes, and its start and stop."""

import shlex
from typing import Any

import streamlit as st

from genre_engine import datasets, jobs, reproduce
from genre_engine.errors import GenreEngineError
from genre_engine.jobs import Job, hosted
from genre_engine.reproduce import Estimate, Request, drawing
from pages.components.shared.session_id import visitor
from pages.components.shared.text import plain

_NEW = "Fetch tracks of MTG-Jamendo"
_AGAIN = "Try those again"
# How often running work is looked after, in seconds.
_TICK_S = 1.0


def section() -> Request | None:
    """Choose, start and watch; returns what is chosen, None where that is nothing sound."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        request = _request()
        if request is None:
            return None
    job = running(request.dataset)
    if job is not None:
        st.fragment(_watch, run_every=_TICK_S, key="reproducing")(job.id, request.dataset)
    else:
        label = _estimate(request)
        _last_word(request.dataset)
    with st.container(horizontal=True):
        if job is None:
            if label is not None:
                _start(request, label)
        elif st.button("Stop", icon=":material/stop:", help="What is done is kept."):
            _stop(job)
        with st.popover("As a command", icon=":material/terminal:"):
            st.code(command(request), language="bash", wrap_lines=True)
    return request


def running(dataset: str) -> Job | None:
    """The job that reproduces the experiment on a data set, or waits for that."""
    for job in jobs.listing():
        if job.kind == "reproduction" and job.busy and job.request.get("dataset") == dataset:
            return job
    return None


def command(request: Request) -> str:
    words = ["python", "-m", "genre_engine", "reproduce", request.dataset]
    if request.tracks is not None:
        words += ["--tracks", str(request.tracks)]
    if request.stages:
        words += ["--stages", ",".join(request.stages)]
    return shlex.join(words + (["--quick"] if request.quick else []))


def _request() -> Request | None:
    names = [entry["name"] for entry in datasets.listing() if entry["error"] is None]
    options = [*names, *([] if hosted.active() else [_NEW])]
    if not options:
        st.info("There is no data set yet. Make one on Explore.", icon=":material/dataset:")
        return None
    chosen = str(st.selectbox("On", options, key="reproduced", bind="query-params", width=300))
    tracks = None
    if chosen == _NEW:
        tracks = int(st.number_input("Tracks", 20, 20_000, 500, 100, width=140))
        chosen = st.text_input("Called", f"jamendo-{tracks}", width=200).strip()
    parts = st.pills(
        "Parts",
        list(reproduce.PARTS),
        format_func=reproduce.PARTS.__getitem__,
        selection_mode="multi",
        default=list(reproduce.PARTS),
        key="reproduced_parts",
    )
    quick = st.toggle(
        "Quick",
        # As it ran last, or a reload would count the stages of a quick run as left.
        value=reproduce.load(chosen).request.quick,
        key=f"reproduced_quick-{chosen}",
        help="Very short trainings, to see that every stage works; their figures mean nothing.",
    )
    stages = () if len(parts) in (0, len(reproduce.PARTS)) else tuple(parts)
    return Request(chosen, stages=stages, quick=quick, tracks=tracks)


def _estimate(request: Request) -> str | None:
    """Say what is left; returns what the button that goes on is called, None where all is done."""
    if request.tracks is not None and request.dataset in {e["name"] for e in datasets.listing()}:
        st.markdown("This data set exists: what of its audio is missing will be fetched.")
    listed: Estimate = reproduce.estimate(request, reproduce.chosen(request.stages))
    found = reproduce.load(request.dataset)
    said = listed.sentence()
    n_quick = sum(
        found.outcomes[stage.name].is_done(quick=True)
        and not found.outcomes[stage.name].is_done(quick=request.quick)
        for stage in reproduce.chosen(request.stages)
    )
    if n_quick and listed.stages:
        said += f" {n_quick} of them ran quickly, and run again in full."
    elif not listed.stages and any(outcome.quick for outcome in found.outcomes.values()):
        said += " They ran quickly: turn Quick off to run them in full."
    st.markdown(f"**{plain(request.dataset)}**: {plain(said)}")
    if listed.stages or drawing.incomplete(found):
        begun = any(outcome.status != "waiting" for outcome in found.outcomes.values())
        return "Go on" if begun else "Start"
    return _AGAIN if listed.left_out else None


def _last_word(dataset: str) -> None:
    """Why the last job on it ended before its time."""
    mine = [
        job
        for job in jobs.listing()
        if job.kind == "reproduction" and job.request.get("dataset") == dataset
    ]
    last = max(mine, key=lambda job: job.created, default=None)
    if last is not None and last.status == "failed":
        st.warning(plain(last.message), icon=":material/warning:")


def _start(request: Request, label: str) -> None:
    try:
        hosted.check_reproduction()
    except GenreEngineError as error:
        st.info(plain(str(error)), icon=":material/cloud_off:")
        return
    if reproduce.load(request.dataset).alive:
        st.info("The command line works on it at this moment.", icon=":material/terminal:")
        return
    kind: Any = "secondary" if label == _AGAIN else "primary"
    if not st.button(label, type=kind, icon=":material/play_arrow:"):
        return
    try:
        jobs.supervisor()
        jobs.submit("reproduction", request.to_dict(), owner=visitor())
    except GenreEngineError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    st.rerun()


def _stop(job: Job) -> None:
    try:
        job.pause()
    except GenreEngineError as error:  # it has just ended by itself
        st.toast(plain(str(error)))
    st.rerun()


def _watch(job_id: str, dataset: str) -> None:
    """How far it is; the page runs again when a stage or the whole has ended."""
    job: Any = running(dataset)
    if job is None or job.id != job_id:
        st.rerun()
    stages = tuple(outcome.status for outcome in reproduce.load(dataset).outcomes.values())
    before = st.session_state.setdefault("reproduced_stages", {})
    if before.get(job_id, stages) != stages:
        before[job_id] = stages
        st.rerun()
    before[job_id] = stages
    waits = "Waits for its turn" if job.status == "queued" else "Starting"
    st.progress(job.progress or 0.0, text=plain(job.note or waits))
