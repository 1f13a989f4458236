"""What else runs and waits, and what was trained before."""

import streamlit as st

from genre_engine import runs
from genre_engine.errors import GenreEngineError
from genre_engine.jobs import Job
from pages.components.shared import job_badge
from pages.components.shared.finished_runs import offered
from pages.components.shared.text import plain
from pages.components.train.request_text import sentence

_SHOWN = 8


def others(shown: Job | None) -> None:
    """The queue, without the job that is shown."""
    rest = [job for job in job_badge.busy() if shown is None or job.id != shown.id]
    if not rest:
        return
    st.header("Also in the queue" if shown else "Running and waiting", anchor=False)
    with st.container(key="train-queue", gap="small"):
        for job in rest:
            job_badge.link(job)


def earlier() -> None:
    """Links to the newest runs that have ended."""
    known = [run for run in runs.listing() if run.error is None]
    ended = [run for run in known if run.status not in ("queued", "running")]
    if not ended:
        return
    st.header("Earlier trainings", anchor=False)
    ended = offered(ended, ())
    with st.container(gap="small", key="train-earlier"):
        for run in ended[:_SHOWN]:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.page_link(
                    "pages/train.py",
                    label=f"{plain(run.name)} · {run.status}",
                    icon=":material/show_chart:",
                    query_params={"run": run.id},
                )
                try:
                    st.markdown(plain(sentence(run.config)), width="content")
                except GenreEngineError:
                    continue
