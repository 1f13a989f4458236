"""A player for a file on this computer's disk."""

from pathlib import Path

import streamlit as st

from genre_engine import audio

# MB up to which a file is handed to the browser's player.
_MOST_PLAYED_MB = 200


def show(path: Path, name: str) -> None:
    """A player, or why there is none."""
    try:
        if path.stat().st_size > _MOST_PLAYED_MB * 1e6:
            st.info(f"The file is over {_MOST_PLAYED_MB} MB, too large for the player.")
            return
        with path.open("rb") as file:
            mime = audio.browser_type(file.read(64))
    except OSError:
        st.error("The file can't be read. Check its permissions.", icon=":material/error:")
        return
    if mime is None:
        st.info("A browser can't play this kind of file.")
        return
    st.audio(path, format=mime, alt=f"Player for {name}")
