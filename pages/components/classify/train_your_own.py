"""From Classify to Train: a model of one's own in the fewest clicks."""

import streamlit as st

from genre_engine import datasets
from genre_engine.errors import GenreEngineError
from pages.components.explore.new_dataset import DEMO_TRACKS
from pages.components.shared import dataset_jobs, navigation
from pages.components.shared.text import plain

_DEMO = "demo"


def offer() -> None:
    """A way to the recipe; where there is no data set yet, the demo set is made meanwhile."""
    with st.container(horizontal=True, vertical_alignment="center"):
        clicked = st.button("Train your own", icon=":material/model_training:", key="train-own")
        st.markdown(
            "Teach a network genres and watch it learn; then let it classify your songs here.",
            width="stretch",
        )
    if not clicked:
        return
    names = [entry["name"] for entry in datasets.listing() if not entry["error"]]
    if not names:
        try:
            dataset_jobs.start({"make": "demo", "name": _DEMO, "tracks": DEMO_TRACKS})
        except GenreEngineError as error:
            st.error(plain(str(error)), icon=":material/error:")
            return
    name = names[0] if names and _DEMO not in names else _DEMO
    navigation.go("train", {"data": name})
