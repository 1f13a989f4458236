"""Explore: what is in a data set, before anything is trained on it."""

from typing import Any

import streamlit as st

from genre_engine import datasets
from genre_engine.errors import GenreEngineError
from genre_engine.jobs import hosted
from pages.components.explore import download, genres, new_dataset, statistics
from pages.components.explore import map as track_map
from pages.components.explore import tracks as explore_tracks
from pages.components.shared import dataset_jobs, navigation
from pages.components.shared import datasets as shared_datasets
from pages.components.shared.datasets import Opened
from pages.components.shared.text import plain

KINDS = {
    "jamendo": "MTG-Jamendo",
    "gtzan": "GTZAN",
    "fma": "FMA",
    "folder": "folder of music",
    "feature_table": "table of features",
    "demo": "synthetic demo",
}


def main() -> None:
    st.title("What is in the music?", anchor=False)
    made = dataset_jobs.finished()
    entries = datasets.listing()
    if made is not None:
        st.session_state["data"] = made
        st.toast(f"**{plain(made)}** is ready.", icon=":material/check_circle:")
    if st.query_params.get("get") == "jamendo":
        download.view()
        return
    if not entries:
        dataset_jobs.show()
        new_dataset.cards()
        genres.jamendo_facts()
        return
    name = _choose(entries)
    dataset_jobs.show()
    entry = next(entry for entry in entries if entry["name"] == name)
    if entry["error"]:
        st.error(plain(entry["error"]), icon=":material/error:")
        return
    try:
        data = shared_datasets.opened(name)
        _about(data)
        genres.section(data)
    except GenreEngineError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    _rest(data)


def _choose(entries: list[dict[str, Any]]) -> str:
    names = [entry["name"] for entry in entries]
    if st.session_state.get("data", names[0]) not in names:
        # Removed since: said, or the box would go on showing it.
        st.session_state["data"] = names[0]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            "Data set",
            names,
            key="data",
            bind="query-params",
            persist_state="session",
            width=320,
        )
        st.page_link(
            "pages/train.py",
            label="Train on this",
            icon=":material/model_training:",
            query_params={"data": str(name)},
        )
        with st.popover("Add a data set", icon=":material/add:", width="content"):
            new_dataset.forms()
        # On a shared server nothing is removed by hand: others may use it.
        if not hosted.active() and st.button(
            "Remove", icon=":material/delete:", type="tertiary", help="Asks first"
        ):
            _ask_to_remove(name)
    return str(name)


@st.dialog("Remove this data set?")
def _ask_to_remove(name: str) -> None:
    st.markdown(
        f"**{plain(name)}** goes from this server's disk, with the audio and the features in its "
        "folder. Audio elsewhere stays."
    )
    with st.container(horizontal=True):
        if st.button("Remove it", type="primary", icon=":material/delete:"):
            try:
                hosted.check_removal()
                datasets.remove(name)
            except GenreEngineError as error:
                st.error(plain(str(error)), icon=":material/error:")
                return
            st.rerun()
        if st.button("Keep it"):
            st.rerun()


def _about(data: Opened) -> None:
    """Size, licence and what was left out, in a line or two."""
    dataset, tracks = data.dataset, data.tracks
    artists = tracks["artist_id"].nunique()
    said = [
        KINDS.get(dataset.kind, dataset.kind),
        f"**{len(tracks):,}** tracks",
        f"**{artists:,}** artists" if artists else "artists unknown",
        f"**{len(data.counts):,}** genres",
        f"{_bytes(data.size_bytes)} on disk",
        f"licence: {plain(dataset.info.get('licence') or 'not stated')}",
    ]
    st.markdown(" · ".join(said))
    if lacking := download.missing(dataset):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"The audio of {lacking:,} tracks isn't here.", width="content")
            new_dataset.to_download("Fetch it", dataset.name)
    if dataset.info.get("synthetic"):
        st.info(plain(dataset.notes[0]), icon=":material/science:")
    notes = [note for note in dataset.notes if not dataset.info.get("synthetic")]
    n_failed = len(dataset.failures)
    if notes or n_failed:
        with st.expander("What was left out, and why", icon=":material/filter_alt:"):
            for note in notes:
                st.markdown(f"- {plain(note)}")
            if n_failed:
                st.dataframe(
                    dataset.failures,
                    hide_index=True,
                    column_config={"track_id": "File", "error": "Kind", "message": "Why"},
                    alt="Files that were left out and why",
                )


def _bytes(size: int) -> str:
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size / 1e3:.0f} kB"


def _rest(data: Opened) -> None:
    tabs = st.tabs(
        ["Tracks", "Genres together", "Lengths and artists", "Map"],
        key="look",
        on_change="rerun",
        bind="query-params",
    )
    sections = (
        explore_tracks.section,
        statistics.genres_together,
        statistics.lengths_and_artists,
        track_map.section,
    )
    for tab, section in zip(tabs, sections, strict=True):
        if tab.open:
            with tab:
                section(data)


navigation.enter()
main()
