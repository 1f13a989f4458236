"""Genres into the files: a plan, a question, the writing, and what takes it back."""

from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from genre_engine import jobs
from genre_engine.errors import GenreEngineError
from genre_engine.jobs import Job
from genre_engine.library import tag_undo
from genre_engine.library.index import Library
from genre_engine.library.tag_files import REASONS
from pages.components.library import scanning
from pages.components.shared.session_id import visitor
from pages.components.shared.text import plain

_MODES = {
    "only-missing": "Only files that name no genre",
    "append": "Add to what the files say",
    "replace": "Write over what the files say",
}
_FIELDS = {"genre": "Genre", "mood": "Mood", "bpm": "Tempo", "key": "Key"}
_FILES_SHOWN = 50


def section(lib: Library) -> None:
    """What to write, the plan, and the writings so far."""
    st.markdown(
        "Write your words for the genres into the files, so that every player knows them. First "
        "you see **a plan, file by file**; nothing is written before you agree. What stood in the "
        "tags before is kept, and comes back with one click."
    )
    request = _wanted(lib)
    job = scanning.job_on(lib.name)
    busy = job is not None and job.busy
    if st.button(
        "Show the plan", icon=":material/checklist:", type="primary", disabled=busy, key="plan"
    ):
        _start(request)
    if job is not None and job.kind == "tags" and not busy:
        _outcome(job, request)
    _batches(lib, busy=busy)


def _wanted(lib: Library) -> dict[str, Any]:
    mode = st.radio(
        "Which files",
        list(_MODES),
        format_func=_MODES.__getitem__,
        horizontal=True,
        key=f"tag-mode-{lib.name}",
    )
    left, right = st.columns([3, 2], gap="large", vertical_alignment="bottom")
    least = left.slider(
        "Least score",
        0,
        100,
        50,
        5,
        key=f"tag-least-{lib.name}",
        help="Genres below it aren't written. What you accepted or corrected always is.",
    )
    where = right.text_input(
        "Only songs that match",
        key=f"tag-where-{lib.name}",
        placeholder='artist ~ "miles davis"',
        help="A filter in words, as on the tab Songs. Empty: all songs.",
        max_chars=400,
    )
    with st.container(horizontal=True):
        moods = st.toggle("Moods too", key=f"tag-moods-{lib.name}")
        bpm = st.toggle("Tempo too", key=f"tag-bpm-{lib.name}", help="Where it is sure")
        key = st.toggle("Key too", key=f"tag-key-{lib.name}", help="Where it is sure")
        keep_times = st.toggle(
            "Keep the files' dates",
            key=f"tag-times-{lib.name}",
            help="Off: a program that looks for changed files sees that they changed.",
        )
    return {
        "library": lib.name,
        "mode": mode,
        "least": least / 100,
        "moods": moods,
        "bpm": bpm,
        "key": key,
        "where": where.strip(),
        "keep_times": keep_times,
    }


def _start(request: dict[str, Any]) -> None:
    try:
        jobs.supervisor()
        jobs.submit("tags", request, owner=visitor())
    except GenreEngineError as error:
        st.error(plain(str(error)), icon=":material/error:")
    else:
        st.rerun()


def _outcome(job: Job, request: dict[str, Any]) -> None:
    """The plan that was made last, or what came of the writing."""
    if job.status == "failed":
        return  # said above the tabs
    if job.request.get("action") == "plan":
        if job.status == "finished":
            _plan(job, request)
        return
    written, others = job.result.get("written", 0), job.result.get("left_out", ())
    undone = job.request.get("action") == "undo"
    what = "have their old tags again" if undone else "have new tags"
    if written or job.status == "finished":
        st.success(f"{_files(written)} {what}.", icon=":material/check_circle:")
    if others:
        count = job.result.get("left_out_in_all", len(others))
        with st.expander(f"{_files(count)} left as they were, and why", icon=":material/info:"):
            st.dataframe(
                pd.DataFrame(others, columns=["File", "Why"]),
                hide_index=True,
                alt="Files that weren't written",
            )


def _plan(job: Job, request: dict[str, Any]) -> None:
    count = int(job.result.get("files", 0))
    reasons = job.result.get("reasons", {})
    same = {name: job.request.get(name) for name in request} == request
    with st.container(border=True, key="tag-plan"):
        if not count:
            st.markdown("**Nothing would change.**")
        else:
            st.markdown(f"**{_files(count)} would change:**")
            st.dataframe(
                _changes(job.result.get("changes", ())),
                hide_index=True,
                height=min(38 + 35 * min(count, _FILES_SHOWN), 388),
                placeholder="–",
                alt="What would change in each file",
            )
            if count > _FILES_SHOWN:
                st.markdown(f":gray[The first {_FILES_SHOWN} are shown.]")
        if reasons:
            said = [f"{_files(n)}: {REASONS.get(why, why)}" for why, n in reasons.items()]
            with st.expander("Files that stay as they are, and why", icon=":material/info:"):
                st.markdown("\n".join(f"- {plain(line)}" for line in said))
        if count and not same:
            st.info("You have changed what is to be written since. Show the plan again.")
        elif count and st.button(
            f"Write into {_files(count)} …", icon=":material/edit_note:", key="write"
        ):
            _ask(request, count)


def _changes(changes: Any) -> pd.DataFrame:
    rows = []
    for path, values in changes[:_FILES_SHOWN]:
        row = {"File": Path(path).name}
        for field, (old, new) in values.items():
            before = ", ".join(old) or "nothing"
            row[_FIELDS.get(field, field)] = f"{before} → {', '.join(new)}"
        rows.append(row | {"Folder": str(Path(path).parent)})
    table = pd.DataFrame(rows)
    first = [name for name in ("File", *_FIELDS.values()) if name in table]
    return table[[*first, "Folder"]]


@st.dialog("Write the tags?")
def _ask(request: dict[str, Any], count: int) -> None:
    st.markdown(
        f"The tags of **{_files(count)}** will be written as the plan says. The sound, pictures "
        "and all other tags stay. Each file is written beside itself and moved into place, so it "
        "is old or new and never half; **Take back** below brings the old tags back."
    )
    with st.container(horizontal=True):
        if st.button(
            "Write them",
            type="primary",
            icon=":material/edit_note:",
            on_click=_submit,
            args=({**request, "action": "write"},),
        ):
            st.rerun()
        if st.button("Not now"):
            st.rerun()


def _submit(request: dict[str, Any]) -> None:
    try:
        jobs.supervisor()
        jobs.submit("tags", request, owner=visitor())
    except GenreEngineError as error:
        st.toast(plain(str(error)), icon=":material/error:")


def _batches(lib: Library, *, busy: bool) -> None:
    """The writings so far, each with what takes it back."""
    found = [one for one in tag_undo.batches(lib) if one.kind != "undo"]
    if not found:
        return
    st.header("Written so far", anchor=False)
    for one in reversed(found):
        left = one.files - one.undone
        with st.container(horizontal=True, vertical_alignment="center"):
            said = f"**{plain(one.when)}** · {_files(one.files)}"
            if one.undone:
                said += " · taken back" if not left else f" · {one.undone:,} taken back"
            st.markdown(said, width="content")
            if left:
                st.button(
                    "Take back",
                    key=f"undo-{one.batch}",
                    icon=":material/undo:",
                    disabled=busy,
                    on_click=_submit,
                    args=({"library": lib.name, "action": "undo", "batch": one.batch},),
                    help="The files get the tags that they had before this writing",
                )


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"
