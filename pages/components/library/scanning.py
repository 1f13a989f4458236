"""Scans of libraries: starting one, and what is to be seen of it."""

from pathlib import Path
from typing import Any

import streamlit as st

from genre_engine import jobs, library
from genre_engine.errors import GenreEngineError
from genre_engine.jobs import Job
from pages.components.shared.session_id import visitor
from pages.components.shared.text import duration, plain

# How often running work is looked at, in seconds.
_TICK_S = 0.7
# Kinds of jobs on a library.
_KINDS = ("library", "tags")


def job_on(name: str) -> Job | None:
    """The work on a library that runs, waits or is paused, else that ended last."""
    found = [
        job for job in jobs.listing() if job.kind in _KINDS and job.request.get("library") == name
    ]
    busy = next((job for job in found if job.busy), None)
    return busy or max(found, key=lambda job: job.queued_at, default=None)


def start(request: dict[str, Any]) -> bool:
    """Have a library scanned; False, and why on the page, where that can't be."""
    try:
        jobs.supervisor()
        jobs.submit("library", request, owner=visitor())
    except GenreEngineError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return False
    return True


def new_form(*, first: bool) -> None:
    """A form for a new library; its scan begins at once."""
    folder = st.text_input(
        "Folder of music",
        key="library-folder",
        placeholder=str(Path.home() / "Music"),
        help="All folders below it are looked through. Hidden files and symbolic links are "
        "passed over.",
    ).strip()
    name = st.text_input(
        "Name of the library",
        value="music" if first else "",
        key="library-name",
        max_chars=64,
        help="Letters, digits, dots, dashes and underscores.",
    ).strip()
    tempo_key = st.toggle(
        "Find tempo and key too",
        key="library-tempo",
        help="Takes about three times as long. It can be done later, too.",
    )
    if not st.button(
        "Analyse the folder",
        type="primary",
        icon=":material/library_music:",
        disabled=not (folder and name),
        key="library-start",
    ):
        return
    if name in library.names():
        st.error(f"There is a library {plain(name)} already. Choose another name.")
        return
    if start({"library": name, "folders": [folder], "tempo_key": tempo_key}):
        st.session_state["library-next"] = name
        st.rerun()


def show(name: str) -> Job | None:
    """The work on a library, with a bar while it goes on; the page runs again when it has ended."""
    job = job_on(name)
    if job is None:
        return None
    if job.busy:
        st.fragment(_progress, run_every=_TICK_S, key="scanning")(name, job.id)
    elif job.status in ("paused", "failed", "cancelled") and job.resumable:
        _halted(job)
    elif job.status == "failed":
        st.error(plain(job.message), icon=":material/error:")
    return job


def _progress(name: str, job_id: str) -> None:
    job = job_on(name)
    if job is None or job.id != job_id or not job.busy:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(job.progress or 0.0, text=_said(job))
        if job.status == "running":
            st.button("Pause", key="scan-pause", on_click=_try(job.pause), icon=":material/pause:")
        st.button(
            "Stop",
            key="scan-stop",
            on_click=_try(job.cancel),
            help="What is done is kept; the next scan goes on from there.",
        )


def _said(job: Job) -> str:
    if job.status != "running":
        return f"{plain(job.title)}: waiting for its turn"
    said = plain(job.note or "Starting")
    return said + (f", about {duration(job.seconds_left)} left" if job.seconds_left else "")


def _halted(job: Job) -> None:
    said = {"paused": "is paused", "cancelled": "was stopped", "failed": "has failed"}[job.status]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"**{plain(job.title)}** {said}; what was done is kept. {plain(job.message)}",
            width="content",
        )
        st.button(
            "Go on", key="scan-resume", icon=":material/play_arrow:", on_click=_resume, args=(job,)
        )


def _resume(job: Job) -> None:
    jobs.supervisor()
    _try(job.resume)()


def _try(change: Any) -> Any:
    """Pausing and the like, where the job may have ended in the same moment."""

    def tried() -> None:
        try:
            change()
        except GenreEngineError as error:
            st.toast(plain(str(error)))

    return tried


def remarks(job: Job | None) -> None:
    """What the last scan passed over."""
    if job is None or job.busy:
        return
    for remark in job.result.get("remarks", ())[:5]:
        st.warning(plain(str(remark)), icon=":material/warning:")
