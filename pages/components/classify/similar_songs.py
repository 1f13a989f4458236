"""Songs of one's own library that sound like a song on the Classify page."""

import numpy as np
import streamlit as st

from genre_engine.errors import GenreEngineError
from genre_engine.prediction import questions
from genre_engine.storage import workspace
from pages.components.classify.queue import Hearing, Song, listener
from pages.components.shared.local import is_local
from pages.components.shared.text import plain

_COUNT = 20


def offer(song: Song) -> None:
    """An expander with similar songs, where there is a library to look in."""
    # The library's modules are imported only where there is one: the first page is to be quick.
    if not is_local() or not workspace.libraries_folder().is_dir():
        return
    from genre_engine import library

    names = library.names()
    if not names:
        return
    shown = st.expander(
        "Similar songs in your library",
        icon=":material/library_music:",
        key=f"{song.key}-similar",
        on_change="rerun",
    )
    if not shown.open:
        return
    with shown:
        name = names[0]
        if len(names) > 1:
            name = str(st.selectbox("Library", names, key=f"{song.key}-library"))
        hearing = song.hearings.get(questions.EMBEDDING)
        if hearing is None:
            song.hearings[questions.EMBEDDING] = hearing = Hearing(questions.EMBEDDING)
            listener().submit(song, questions.EMBEDDING)
        if hearing.error is not None:
            st.warning(plain(str(hearing.error)), icon=":material/warning:")
        elif hearing.answer is None:
            st.progress(0.0, text="Comparing it with your songs")
        else:
            _draw(song, name, np.array(hearing.answer["embedding"], np.float32))


def _draw(song: Song, name: str, vector: "np.ndarray[tuple[int], np.dtype[np.float32]]") -> None:
    from genre_engine import library
    from genre_engine.library import catalogue, similar
    from genre_engine.library.traits import Traits
    from pages.components.library import song as library_song

    traits = Traits(title=song.tags.title, artist=song.tags.artist)
    try:
        lib = library.open(name)
        found = similar.nearest(lib.snapshot(), vector, _COUNT, traits=traits)
        songs = catalogue.table(lib)
    except GenreEngineError as error:
        st.info(plain(str(error)))
        return
    library_song.neighbours(songs, found, first=None, key=f"{song.key}-similar-songs")
