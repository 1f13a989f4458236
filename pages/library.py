"""Library: a folder of music by genre; review, words of one's own, similar songs, tags."""

import streamlit as st

from genre_engine import library
from genre_engine.errors import GenreEngineError
from genre_engine.jobs import hosted
from genre_engine.library import catalogue, corrections
from genre_engine.library.index import Library
from pages.components.library import map as song_map
from pages.components.library import scanning, songs, tags, words
from pages.components.shared import navigation
from pages.components.shared.local import is_local
from pages.components.shared.text import plain


def main() -> None:
    st.title("Your music, by genre", anchor=False)
    if hosted.active() or not is_local():
        _elsewhere()
        return
    names = library.names()
    begun = st.session_state.pop("library-next", None)
    if begun is not None:
        st.session_state["library"] = begun
    waiting = st.session_state.get("library")
    if not names and (waiting is None or scanning.job_on(waiting) is None):
        _empty()
        return
    name = _choose(names)
    job = scanning.show(name)
    if name not in names:
        return
    try:
        _library(library.open(name))
        scanning.remarks(job)
    except GenreEngineError as error:
        st.error(plain(str(error)), icon=":material/error:")


def _elsewhere() -> None:
    st.info(
        "A library reads the folders of the computer that the app runs on, so it works there "
        "alone. Install Genre Studio on your computer to have your music by genre.",
        icon=":material/home:",
    )


def _empty() -> None:
    st.markdown(
        "Name a folder: every song in it is analysed on this computer and listed by genre, mood "
        "and instruments, and **no file is changed** unless you ask for it later and confirm a "
        "plan."
    )
    with st.container(border=True, width=560):
        scanning.new_form(first=True)


def _choose(names: list[str]) -> str:
    waiting = st.session_state.get("library")
    listed = names if waiting in names or waiting is None else [*names, waiting]
    if st.session_state.get("library") not in listed:
        st.session_state["library"] = listed[0]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = str(
            st.selectbox(
                "Library",
                listed,
                key="library",
                bind="query-params",
                persist_state="session",
                width=280,
            )
        )
        if name in names:
            _controls(name)
        with st.popover("New library", icon=":material/add:", width="content"):
            scanning.new_form(first=False)
    return name


def _controls(name: str) -> None:
    job = scanning.job_on(name)
    busy = job is not None and job.busy
    with st.popover("Scan again", icon=":material/refresh:", disabled=busy, width="content"):
        st.markdown("Only what is new or changed is analysed.")
        folder = st.text_input("Another folder", key="scan-folder", placeholder="None").strip()
        tempo_key = st.toggle("Find tempo and key too", key="scan-tempo")
        forget = st.toggle(
            "Forget songs that are gone",
            key="scan-forget",
            help="What is known of them is dropped; your decisions stay.",
        )
        again = st.toggle("Analyse everything once more", key="scan-again")
        if st.button("Scan", type="primary", key="scan-go"):
            request = {
                "library": name,
                "folders": [folder] if folder else [],
                "tempo_key": tempo_key,
                "forget": forget,
                "again": again,
            }
            if scanning.start(request):
                st.rerun()
    if st.button(
        "Remove", icon=":material/delete:", type="tertiary", help="Asks first", disabled=busy
    ):
        _ask_to_remove(name)


@st.dialog("Remove this library?")
def _ask_to_remove(name: str) -> None:
    st.markdown(
        f"What is known of the songs of **{plain(name)}** goes, with your decisions and the "
        "journals that undo written tags. Your music files stay as they are."
    )
    with st.container(horizontal=True):
        if st.button(
            "Remove it",
            type="primary",
            icon=":material/delete:",
            on_click=_remove,
            args=(name,),
        ):
            st.rerun()
        if st.button("Keep it"):
            st.rerun()


def _remove(name: str) -> None:
    try:
        library.remove(name)
    except GenreEngineError as error:
        st.toast(plain(str(error)), icon=":material/error:")


def _library(lib: Library) -> None:
    table = catalogue.table(lib)
    counts = lib.counts()
    hours = float(table["duration_s"].sum()) / 3600
    said = [
        f"**{counts['songs']:,}** songs",
        f"**{hours:,.0f}** hours" if hours >= 10 else f"**{hours:.1f}** hours",
        f"{counts['analysed']:,} analysed",
        *([f"{counts['failed']:,} failed"] if counts["failed"] else []),
        *([f"{counts['missing']:,} missing"] if counts["missing"] else []),
        "in " + plain(", ".join(map(str, lib.roots))),
    ]
    st.markdown(" · ".join(said))
    if not counts["songs"]:
        st.info(
            "No audio file was found yet. Once the scan has ended, check the folder, or scan "
            "another one."
        )
        return
    _corrections(lib, int((table["accepted"] | table["corrected"]).sum()))
    sections = {
        "Songs": songs.section,
        "Map": song_map.section,
        "Your words": words.section,
        "Write tags": tags.section,
    }
    tabs = st.tabs(list(sections), key="library-tab", on_change="rerun", bind="query-params")
    for tab, section in zip(tabs, sections.values(), strict=True):
        if tab.open:
            with tab:
                section(lib)


def _corrections(lib: Library, decided: int) -> None:
    """A data set of what was decided, in one click."""
    if not decided:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"You decided on the genres of **{decided:,}** songs.", width="content")
        with st.popover("Train on my corrections", icon=":material/model_training:"):
            st.markdown(
                "They become a data set: the audio stays where it is, and no artist is in two "
                "parts of a split."
            )
            name = st.text_input("Name of the data set", f"{lib.name}-corrected", key="made-name")
            if st.button("Make it", type="primary", key="make-dataset"):
                try:
                    corrections.to_dataset(lib, name.strip())
                except GenreEngineError as error:
                    st.error(plain(str(error)), icon=":material/error:")
                    return
                navigation.go("train", {"data": name.strip()})


navigation.enter()
main()
