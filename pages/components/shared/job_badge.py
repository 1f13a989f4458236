"""The chip in the sidebar: what runs and waits, on every page, and the way to it.

The first page that is shown also starts what starts queued jobs, once for the server.
"""

import threading
import time
from pathlib import Path
from typing import Any

import streamlit as st

from genre_engine import jobs
from genre_engine.errors import GenreEngineError
from genre_engine.jobs import Job
from genre_engine.storage import owners
from pages.components.shared.text import plain

# How often the chip is brought up to date, in seconds.
_TICK_S = 3
# Jobs are read from disk at most this often, however many visitors look.
_KEPT_S = 0.8
_MOST = 3
_PAGES = Path(__file__).parents[2]
# A link's label would be cut off where the sidebar ends.
_WRAPPED = "<style>.st-key-chip a, .st-key-chip a * { white-space: normal; height: auto; }</style>"


def show() -> None:
    """Draw the chip into the sidebar."""
    _supervisor()
    with st.sidebar:
        st.fragment(_chip, run_every=_TICK_S, key="chip")()


@st.cache_resource(show_spinner=False)
def _supervisor() -> Any:
    return jobs.supervisor()


class _Board:
    """The busy jobs as they were a moment ago."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read = 0.0
        self._jobs: list[Job] = []

    def busy(self) -> list[Job]:
        with self._lock:
            if time.monotonic() - self._read > _KEPT_S:
                try:
                    with owners.as_engine():  # for all visitors; each is shown their own
                        self._jobs = [job for job in jobs.listing() if job.busy]
                except GenreEngineError:
                    self._jobs = []
                self._read = time.monotonic()
            return self._jobs


@st.cache_resource(show_spinner=False)
def _board() -> _Board:
    return _Board()


def busy() -> list[Job]:
    """Running jobs, then those that wait, as they were a moment ago."""
    return [job for job in _board().busy() if jobs.may_see(job)]


def _chip() -> None:
    found = busy()
    if not found:
        return
    st.html(_WRAPPED)
    with st.container(key="chip", gap="small"):
        for job in found[:_MOST]:
            link(job)
        if len(found) > _MOST:
            st.markdown(f"and {len(found) - _MOST} more")


def link(job: Job) -> None:
    """A link to where a job is shown."""
    pages = {
        "training": "train",
        "tuning": "train",
        "reproduction": "reproduce",
        "learning-curve": "metrics",
        "library": "library",
        "tags": "library",
        "reference": "compare",
    }
    page = pages.get(job.kind, "explore")
    if not (_PAGES / f"{page}.py").is_file():
        page = "train"
    params = {"job": job.id} if page == "train" else {}
    if job.run_id and page == "train":
        params = {"run": job.run_id}
    if page == "metrics":
        params = {"run": str(job.request["run"]), "shown": "Learning curve"}
    st.page_link(
        f"pages/{page}.py",
        label=label(job),
        icon=":material/hourglass_top:" if job.status == "queued" else ":material/autorenew:",
        query_params=params,
        width="stretch",
    )


def label(job: Job) -> str:
    """What a job is and how far."""
    if job.status == "queued":
        return f"{plain(job.title)} · waiting, number {job.position}"
    said = [plain(job.title)]
    if job.progress is not None:
        said.append(f"{job.progress:.0%}")
    return " · ".join(said)
