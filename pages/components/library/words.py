"""The words of a library: which genres are called what, and how many songs each rule touches."""

from dataclasses import replace

import numpy as np
import pandas as pd
import streamlit as st

from genre_engine.errors import GenreEngineError
from genre_engine.library import catalogue, mapping
from genre_engine.library.index import Library
from genre_engine.library.mapping import Mapping
from genre_engine.library.vocabulary_file import Rule
from genre_engine.prediction import vocabulary
from pages.components.shared.text import plain


def section(lib: Library) -> None:
    """Presets, numbers, and a table of genre → word with live counts."""
    try:
        kept = mapping.load(lib)
    except GenreEngineError as error:
        st.error(plain(str(error)), icon=":material/error:")
        kept = Mapping()
    st.markdown(
        "What the networks analyse can have any name you like. These words are used everywhere: in "
        "the table, in playlists, and in what is written into files."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        preset = st.selectbox(
            "Begin with",
            list(mapping.PRESETS),
            format_func=mapping.NAMES.__getitem__,
            index=None,
            placeholder="Your words as they are",
            key=f"preset-{lib.name}",
            width=320,
        )
    begun = kept if preset is None else mapping.with_settings(mapping.PRESETS[preset], kept)
    left, right = st.columns(2)
    least = left.slider(
        "Least score",
        0,
        100,
        round(100 * begun.least),
        5,
        key=f"least-{lib.name}",
        help="Below this score a genre isn't named",
    )
    most = right.slider("Genres a song, at most", 1, 5, min(begun.most, 5), key=f"most-{lib.name}")
    genres, scores = lib.snapshot().scores(begun.view)
    by_genre = catalogue.word_of(replace(begun, least=0.0), genres)
    reached = (scores >= least / 100).sum(axis=0)
    # The most common first, and they stay where they are while the least score moves.
    order = sorted(genres, key=lambda genre: -float(np.nansum(scores[:, genres.index(genre)])))
    begun_words = [by_genre.get(genre, "") for genre in order]
    edited = st.data_editor(
        pd.DataFrame(
            {
                "Analysed": [vocabulary.display_name(genre) for genre in order],
                "Your word": begun_words,
                "Songs": [int(reached[genres.index(genre)]) for genre in order],
            }
        ),
        hide_index=True,
        disabled=["Analysed", "Songs"],
        height=420,
        key=f"words-{lib.name}-{preset}",
        column_config={
            "Analysed": st.column_config.TextColumn(width="medium"),
            "Your word": st.column_config.TextColumn(
                width="medium", help="Empty: this genre is never named"
            ),
            "Songs": st.column_config.NumberColumn(
                format="%d", width="small", help="That reach the least score in this genre"
            ),
        },
    )
    words = [" ".join(str(word or "").split()) for word in edited["Your word"]]
    try:
        new = _mapping(order, words, begun, most=most, least=least / 100)
    except GenreEngineError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    _counts(new, list(genres), scores)
    if st.button(
        "Use these words",
        type="primary",
        icon=":material/check:",
        disabled=preset is None
        and words == begun_words
        and (new.most, new.least) == (kept.most, kept.least),
        key=f"save-words-{lib.name}",
    ):
        mapping.save(lib, new)
        st.toast("These words are used from now on.", icon=":material/check:")
        st.rerun()


def _mapping(
    genres: list[str], words: list[str], begun: Mapping, *, most: int, least: float
) -> Mapping:
    rules: dict[str, list[str]] = {}
    for genre, word in zip(genres, words, strict=True):
        rules.setdefault(word, []).append(genre)
    return Mapping(
        tuple(Rule(tuple(members), word) for word, members in rules.items()),
        keep_others=False,
        most=most,
        least=least,
        view=begun.view,
    )


def _counts(new: Mapping, genres: list[str], scores: object) -> None:
    touched = zip(new.rules, new.touches(genres, scores), strict=True)  # type: ignore[arg-type]
    counts = sorted(
        ((count, rule.word) for rule, count in touched if rule.word and count),
        key=lambda pair: -pair[0],
    )
    said = " ".join(f":violet-badge[{plain(word)} {count:,}]" for count, word in counts[:12])
    rest = f" and {len(counts) - 12} more words" if len(counts) > 12 else ""
    st.markdown(f"Songs by word: {said}{rest}" if counts else "No song reaches this score.")
