"""The map of a data set's tracks by their features; a click plays the track."""

from contextlib import suppress
from pathlib import Path

import streamlit as st

from genre_engine import features, jobs
from genre_engine.datasets import pca_map
from genre_engine.errors import GenreEngineError
from genre_engine.features import store as feature_stores
from pages.components.explore import tracks
from pages.components.shared import datasets
from pages.components.shared.datasets import Opened
from pages.components.shared.feature_names import excerpt_of, features_text
from pages.components.shared.session_id import visitor
from pages.components.shared.text import duration, plain

# How often a running extraction is looked at, in seconds.
_TICK_S = 0.5
# Tracks whose audio is looked for.
_LOOKED_AT = 100


def _names(data: Opened, stores: list[Path]) -> dict[Path, str]:
    """What each store holds; of two that would have one name, also their fingerprints."""
    known = {store.folder: store for store in feature_stores.listing(data.dataset.features_folder)}
    names = {}
    for place in stores:
        kind = place.name.rpartition("-")[0]
        excerpt = excerpt_of(known[place].parameters) if place in known else ""
        names[place] = features_text(kind, excerpt)
        if sum(other.name.rpartition("-")[0] == kind for other in stores) > 1 and not excerpt:
            names[place] += f" of {features.excerpt_text(features.EXCERPT_S)} s"
    said = list(names.values())
    return {
        place: f"{name}, {place.name.rpartition('-')[2][:6]}" if said.count(name) > 1 else name
        for place, name in names.items()
    }


def _without_features(data: Opened) -> None:
    """What the map needs, and a button for it."""
    name = data.dataset.name
    st.info(
        "The map needs features: numbers that say how each track sounds. This data set has none "
        "yet.",
        icon=":material/map:",
    )
    some = data.tracks["path"].head(_LOOKED_AT)
    if not any(data.dataset.audio_path(path) for path in some):
        st.markdown("Its audio isn't here, so none can be extracted.")
        return
    with suppress(GenreEngineError):
        busy = [job for job in jobs.listing() if job.busy and job.kind == "extraction"]
        if mine := next((job for job in busy if job.dataset == name), None):
            st.fragment(_extracting, run_every=_TICK_S, key="map-extracting")(mine.id)
            return
    if st.button("Extract features", icon=":material/graphic_eq:", type="primary"):
        try:
            jobs.submit("extraction", {"dataset": name}, owner=visitor())
        except GenreEngineError as error:
            st.error(plain(str(error)), icon=":material/error:")
        else:
            st.rerun()


def _extracting(job_id: str) -> None:
    try:
        job = jobs.open(job_id)
    except GenreEngineError:
        job = None
    if job is None or not job.busy:
        st.rerun()
    said = plain(job.note) or job.working
    if job.seconds_left is not None:
        said += f" · about {duration(job.seconds_left)} left"
    st.progress(min(1.0, job.progress or 0.0), text=said)


def section(data: Opened) -> None:
    """The map, or what to do to get one."""
    stores = pca_map.stores(data.dataset)
    if not stores:
        _without_features(data)
        return
    store = stores[0]
    if len(stores) > 1:
        names = _names(data, stores)
        store = st.selectbox("Features", stores, format_func=names.__getitem__, key="store")
    try:
        found, figure, traces = datasets.mapped(data, store)
    except GenreEngineError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    st.markdown(
        f"Tracks that sound alike by their **{found.n_features}** features lie near each other. "
        "Click one to hear it; click a genre in the legend to hide it."
    )
    if found.n_tracks > len(found.rows):
        st.markdown(f":gray[{len(found.rows):,} of {found.n_tracks:,} tracks, chosen at random.]")
    picked = st.plotly_chart(
        figure,
        key=f"map-{data.dataset.name}-{store.name}",
        on_select="rerun",
        selection_mode="points",
        config={"displaylogo": False, "scrollZoom": True},
        alt=f"Map of {len(found.rows):,} tracks by the first two principal components of their "
        "features, coloured by genre",
    )
    points = picked["selection"]["points"]
    if points:
        members = traces[points[0]["curve_number"]]
        tracks.drawer(data, int(found.rows[members[points[0]["point_index"]]]))
