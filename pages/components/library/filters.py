"""Which songs of a library are shown: words, states, genres, folders, artists, or a sentence."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from genre_engine.errors import WrongUsage
from genre_engine.library import catalogue, where
from pages.components.shared.text import plain

# What can be chosen → the column of the table that says so.
STATES = {
    "All songs": None,
    "To review": "review",
    "No genre in the file": "untagged",
    "File says otherwise": "disagrees",
    "Unsure": "unsure",
    "Decided on": "decided",
    "Failed": "failed",
    "Missing": "missing",
}
_ALL = "All"
_FILTER_HELP = (
    "Such as: genre = jazz and score >= 50, or: untagged and not artist ~ various. Fields: "
    + ", ".join((*where.TEXTS, *where.LISTS, *where.NUMBERS))
    + ". Words: "
    + ", ".join(where.WORDS)
    + ". ~ means contains."
)


def choose(songs: pd.DataFrame, name: str) -> NDArray[np.intp]:
    """Draw the filters of a library, and return the rows that they leave."""
    wide = st.columns([3, 2, 2], vertical_alignment="bottom")
    with wide[0]:
        text = st.text_input(
            "Search",
            key=f"find-{name}",
            type="search",
            live=True,
            icon=":material/search:",
            placeholder="Words of title, artist, album or path",
            autocomplete="off",
            max_chars=200,
        )
    with wide[1]:
        counts = {label: _count(songs, column) for label, column in STATES.items()}
        labels = [label for label in STATES if counts[label] or label == "All songs"]
        state = st.selectbox(
            "Show",
            labels,
            format_func=lambda label: f"{label} ({counts[label]:,})",
            key=f"state-{name}",
        )
    genres = catalogue.genre_counts(songs)
    with wide[2]:
        genre = st.selectbox(
            "Genre",
            [_ALL, *genres],
            format_func=lambda word: _ALL if word == _ALL else f"{word} ({genres[word]:,})",
            key=f"genre-{name}",
        )
    with st.expander("By folder, artist, or in words", icon=":material/filter_list:"):
        left, middle, right = st.columns([2, 2, 3])
        folder = _one_of(left, "Folder", songs["folder"], f"folder-{name}")
        artist = _one_of(middle, "Artist", songs["artist"], f"artist-{name}")
        sentence = right.text_input(
            "Filter in words",
            key=f"where-{name}",
            placeholder="genre = jazz and score >= 50",
            help=_FILTER_HELP,
            max_chars=400,
        )
    found = _has_words(songs, text or "")
    column = STATES[str(state)]
    if column is not None:
        found &= _state(songs, column)
    if genre != _ALL:
        found &= where.matching(f'genre = "{genre}"', songs) if '"' not in str(genre) else found
    if folder is not None:
        inside = songs["folder"].map(
            lambda place: place == folder or place.startswith(f"{folder}/")
        )
        found &= inside.to_numpy(bool)
    if artist is not None:
        found &= (songs["artist"] == artist).to_numpy(bool)
    if sentence:
        try:
            found &= where.matching(sentence, songs)
        except WrongUsage as error:
            st.error(plain(str(error)), icon=":material/error:")
    return np.flatnonzero(found)


def _one_of(place: Any, label: str, column: "pd.Series[Any]", key: str) -> str | None:
    names = sorted({name for name in column.dropna().unique() if name}, key=str.casefold)
    chosen = place.selectbox(
        label, names, index=None, key=key, placeholder=f"Any {label.lower()}", disabled=not names
    )
    return None if chosen is None else str(chosen)


def _state(songs: pd.DataFrame, column: str) -> NDArray[np.bool_]:
    if column == "decided":
        return np.asarray(~songs["undecided"], bool)
    if column == "review":
        doubtful = songs["disagrees"] | songs["unsure"]
        return np.asarray(doubtful & songs["undecided"] & ~songs["missing"], bool)
    return np.asarray(songs[column], bool)


def _count(songs: pd.DataFrame, column: str | None) -> int:
    return len(songs) if column is None else int(_state(songs, column).sum())


def _has_words(songs: pd.DataFrame, text: str) -> NDArray[np.bool_]:
    found = np.ones(len(songs), bool)
    texts = songs["searched"].tolist()
    for word in text.casefold().split():
        found &= np.fromiter((word in one for one in texts), bool, len(songs))
    return found
