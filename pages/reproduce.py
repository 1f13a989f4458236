"""Reproduce: the course project's experiment, stage by stage, its figures beside ours."""

import streamlit as st

from genre_engine.errors import GenreEngineError
from pages.components.reproduce import found, start
from pages.components.shared import navigation
from pages.components.shared.text import plain


def main() -> None:
    st.title("The experiment, finished", anchor=False)
    st.markdown(
        "A course project set out to classify ten genres of MTG-Jamendo and never got to run its "
        "full job. Here it runs from its description, then with a split that shares no artist, "
        "then beyond."
    )
    try:
        request = start.section()
        if request is not None:
            found.section(request.dataset)
    except GenreEngineError as error:
        st.error(plain(str(error)), icon=":material/error:")


navigation.enter()
main()
