"""One run or job on the Train page: while it goes on, and what can be done with it afterwards."""

import streamlit as st

from genre_engine import jobs, runs
from genre_engine.errors import GenreEngineError
from genre_engine.jobs import Job
from genre_engine.runs import Run
from genre_engine.storage import owners
from pages.components.shared import navigation
from pages.components.shared.session_id import visitor
from pages.components.shared.text import plain
from pages.components.train import bundles, coaching, live, pickers, request_text, search

_LOOKED_AT = "train-looked-at"
_STATUS = {
    "queued": (":material/hourglass_top:", "gray", "waiting"),
    "running": (":material/autorenew:", "violet", "running"),
    "paused": (":material/pause:", "orange", "paused"),
    "cancelled": (":material/stop:", "gray", "cancelled"),
    "failed": (":material/error:", "red", "failed"),
    "finished": (":material/check_circle:", "green", "finished"),
}

_TITLES = {"running": "Watch it learn", "queued": "Waiting to train"}


def found() -> tuple[Job | None, Run | None]:
    """What the address asks to look at.

    Raises:
        GenreEngineError: there is no such run or job.
    """
    run_id, job_id = st.query_params.get("run"), st.query_params.get("job")
    _set_address(run_id, job_id)
    if run_id:
        run = runs.open(run_id)
        return jobs.of_run(run.id), run
    if job_id:
        job = jobs.open(job_id)
        made = job.run()
        if made is not None and job.kind == "training":
            # From here on the run is the truth, and its link outlives the job's.
            st.query_params.from_dict({"run": made.id})
        return job, made
    return None, None


def _set_address(run_id: str | None, job_id: str | None) -> None:
    """Put what is shown into the browser's address: it stays as it was when a link of this page
    leads to this page, and a reload would bring back what was there before.
    """
    before = st.session_state.get(_LOOKED_AT)
    st.session_state[_LOOKED_AT] = (run_id, job_id)
    if before not in (None, (run_id, job_id)) and (run_id or job_id):
        st.query_params.from_dict(st.query_params.to_dict())


def title(job: Job | None, run: Run | None) -> str:
    """Of the page: what is to be seen."""
    status = _status(job, run)
    return _TITLES.get(status, f"Training {_STATUS[status][2]}")


def _status(job: Job | None, run: Run | None) -> str:
    return job.status if job is not None else run.status if run is not None else "failed"


def show(job: Job | None, run: Run | None) -> None:
    """Draw what was found."""
    st.button("All trainings", icon=":material/arrow_back:", type="tertiary", on_click=leave)
    status = _status(job, run)
    name = run.name if run is not None else job.title if job is not None else ""
    with st.container(horizontal=True, vertical_alignment="center", key="train-status"):
        st.header(plain(name), anchor=False, width="content")
        icon, colour, word = _STATUS[status]
        st.badge(word, icon=icon, color=colour)  # type: ignore[arg-type]
    if run is not None and run.error is None:
        st.markdown(_about(run))
    said = st.session_state.pop("train-said", None)
    if said:
        st.error(plain(said), icon=":material/error:")
    if job is not None and (job.busy or job.resumable):
        live.buttons(job)
    elif run is not None and run.resumable and owners.may_change(run.folder):
        _resume_run(run)
    _ended(job, run, status)
    if job is not None and job.kind == "tuning":
        search.trials(job)
    else:
        live.watch(job, run)
    if job is not None and status in ("failed", "cancelled"):
        _log(job)


def leave() -> None:
    """Back to the choice of what to train."""
    st.query_params.clear()


def _about(run: Run) -> str:
    config = run.config
    said = plain(request_text.sentence(config))
    if config.synthetic:
        said += " · :material/science: synthetic music: scores say nothing about real songs"
    return said


def _ended(job: Job | None, run: Run | None, status: str) -> None:
    message = job.message if job is not None and job.message else run.message if run else ""
    if status == "failed":
        st.error(plain(message or "It ended without saying why."), icon=":material/error:")
    elif status in ("paused", "cancelled") and message:
        st.info(plain(message), icon=":material/info:")
    if run is None or run.error is not None:
        return
    if status == "finished":
        if message:
            st.success(plain(message), icon=":material/check_circle:")
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button("See how good it is", icon=":material/insights:", type="primary"):
                navigation.go("metrics", {"run": run.id})
            if st.button("Classify my song with it", icon=":material/music_note:"):
                navigation.go("classify", {"model": run.id})
            bundles.export(run)
            _again(run)
        coaching.section(run)
    elif status not in ("queued", "running"):
        with st.container(horizontal=True):
            _again(run)
        coaching.section(run)


def _again(run: Run) -> None:
    st.button(
        "Train again with changes",
        icon=":material/edit:",
        on_click=_refill,
        args=(run,),
        help="Fills the page with what this run trained",
    )


def _refill(run: Run) -> None:
    pickers.fill(request_text.of_run(run.config))
    leave()


def _resume_run(run: Run) -> None:
    """A run that no job of this server knows: one of the command line's, or of a server before."""
    if st.button("Resume", key="train-resume", type="primary", icon=":material/play_arrow:"):
        try:
            job = jobs.resume_run(run.id, owner=visitor())
        except GenreEngineError as error:
            st.error(plain(str(error)), icon=":material/error:")
            return
        st.query_params.from_dict({"job": job.id})
        st.rerun()


def _log(job: Job) -> None:
    log = job.log()
    if log:
        with st.expander("The end of its log", icon=":material/description:"):
            st.code(log, language=None, wrap_lines=True)
