"""Discogs-EffNet on the Classify page: its terms, and the download for whoever accepts them."""

import streamlit as st

from genre_engine.errors import GenreEngineError
from genre_engine.jobs import hosted
from genre_engine.pretrained import discogs
from pages.components.classify import model_picker
from pages.components.shared.text import plain


def offer() -> None:
    """Offer the download where it isn't here; on a shared server its owner decides."""
    if discogs.available() or hosted.active():
        return
    shown = st.expander(
        "Stronger networks, under terms of their own", key="discogs-terms", on_change="rerun"
    )
    if not shown.open:
        return
    with shown:
        st.markdown(plain(discogs.TERMS))
        st.markdown(
            "With them a song gets 87 genres and 400 styles, named beside their licence. The same "
            "from the command line:"
        )
        st.code(discogs.COMMAND, language="bash")
        if st.button("Accept the terms and download", icon=":material/download:", key="discogs"):
            _download()


def _download() -> None:
    bar = st.progress(0.0, text="Downloading Discogs-EffNet")

    def report(done: int, total: int) -> None:
        share = min(1.0, done / total) if total else 0.0
        bar.progress(share, text=f"Downloading Discogs-EffNet: {done / 1e6:.0f} MB")

    try:
        discogs.fetch(accepted=True, progress=report)
    except GenreEngineError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    model_picker.refresh()
    st.rerun()
