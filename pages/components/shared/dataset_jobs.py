"""Data sets that are being made, for the whole server: they go on whatever page one looks at."""

from typing import Any

import streamlit as st

from genre_engine import jobs
from genre_engine.errors import GenreEngineError
from genre_engine.jobs import Job, hosted
from pages.components.shared.session_id import visitor
from pages.components.shared.text import duration, plain

# How often running work is looked at, in seconds.
_TICK_S = 0.4
_MINE = "works"

_KINDS = ("dataset", "download")


def running() -> list[Job]:
    """What is being made or waits for that; on a shared server, only this visit's."""
    return [
        job
        for job in jobs.listing()
        if job.busy and job.kind in _KINDS and (job.owner == visitor() or not hosted.active())
    ]


def name(job: Job) -> str:
    """The data set's."""
    return job.dataset or ""


def start(request: dict[str, Any], upload: Any = None) -> None:
    """Have a data set made, and remember it as this visit's.

    Args:
        upload: a file for it, as the upload widget gives it.

    Raises:
        GenreEngineError: it can't be made.
    """
    files = None
    if upload is not None:
        data = upload.getvalue()
        hosted.check_upload(len(data))
        files = {"file": (upload.name, data)}
    jobs.supervisor()
    job = jobs.submit("dataset", request, owner=visitor(), files=files)
    st.session_state[_MINE] = [*_mine(), (job.id, request["make"])]


def start_download(request: dict[str, Any]) -> None:
    """Have audio of MTG-Jamendo fetched; as `start`."""
    jobs.supervisor()
    job = jobs.submit("download", request, owner=visitor())
    st.session_state[_MINE] = [*_mine(), (job.id, "download")]


def last_download() -> Job | None:
    """The download that ended last, however it ended."""
    ended = [job for job in jobs.listing() if job.kind == "download" and not job.busy]
    return max(ended, key=lambda job: job.queued_at, default=None)


def resume(job: Job) -> None:
    """Raises GenreEngineError: it can't go on."""
    jobs.supervisor()
    job.resume()
    others = [entry for entry in _mine() if entry[0] != job.id]
    st.session_state[_MINE] = [*others, (job.id, job.kind)]


def finished() -> str | None:
    """The name of a data set of this visit that has become whole since the last look."""
    for job_id, what in _mine():
        job = _job(job_id)
        if job is None or job.status in ("finished", "cancelled"):
            st.session_state[_MINE] = [entry for entry in _mine() if entry != (job_id, what)]
        if job is not None and job.status == "finished":
            return name(job)
    return None


def failure(what: str) -> str | None:
    """Why this visit's last try to make a kind of data set failed, until it is tried again."""
    last = next((job_id for job_id, made in reversed(_mine()) if made == what), None)
    job = _job(last) if last else None
    return job.message if job is not None and job.status == "failed" else None


def show() -> None:
    """Progress bars of what is being made; the page runs again when one has ended."""
    found = running()
    if found:
        st.fragment(_progress, run_every=_TICK_S, key="works")([job.id for job in found])


def _progress(ids: list[str]) -> None:
    found = running()
    if [job.id for job in found] != ids:
        st.rerun()
    for job in found:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.progress(job.progress or 0.0, text=_said(job))
            fetches = job.kind == "download"
            st.button(
                "Cancel" if fetches else "Stop",
                key=f"stop-{name(job)}",
                on_click=_stop,
                args=(job.id,),
                help="What has come is kept, and it can go on later."
                if fetches
                else "Nothing is left of what was half done.",
            )


def _said(job: Job) -> str:
    note = job.note if job.status == "running" else "Waiting for its turn"
    what = "Fetching" if job.kind == "download" else "Making"
    note = note.removeprefix("Fetching audio").removeprefix(": ") or "Starting"
    said = f"{what} **{plain(name(job))}**: {plain(note[0].lower() + note[1:])}"
    if job.kind == "download":
        return said + (f", about {duration(job.seconds_left)} left" if job.seconds_left else "")
    return said + (f", {job.progress:.0%}" if job.progress is not None else "")


def _stop(job_id: str) -> None:
    job = _job(job_id)
    if job is not None and job.busy:
        job.cancel()


def _job(job_id: str) -> Job | None:
    try:
        return jobs.open(job_id)
    except GenreEngineError:
        return None


def _mine() -> list[tuple[str, str]]:
    """Id and kind of what this visit had made, the latest last."""
    found: list[tuple[str, str]] = st.session_state.get(_MINE, [])
    return found
