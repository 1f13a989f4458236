"""Many songs of a visit as a list: a row a song, sortable; a click opens the song's card."""

import base64
from typing import Any

import numpy as np
import streamlit as st

from genre_engine.prediction import ModelInfo, vocabulary
from pages.components.classify import tag_words
from pages.components.classify.queue import Hearing, Song

# From so many songs of one's own on, the example not counted, cards would take several screens.
LIST_FROM = 3
_ROW_PX, _MOST_PX = 35, 530
# Points of the small picture of a song.
_POINTS = 40


def is_long(songs: list[Song]) -> bool:
    """Whether the songs are shown as a list."""
    return sum(not song.example for song in songs) >= LIST_FROM


def choose(songs: list[Song], models: list[ModelInfo], view: str) -> Song:
    """Draw the list and return the song whose card is open."""
    model = models[0]
    songs = _filtered(songs, model, view)
    rows = [_row(song, song.hearings[model.id], view) for song in songs]
    # Columns that no song has anything for.
    empty = [name for name in ("Cover", "Tag says") if not any(row[name] for row in rows)]
    rows = [{name: row[name] for name in row if name not in empty} for row in rows]
    picked = st.dataframe(
        rows,
        hide_index=True,
        height=min(38 + _ROW_PX * len(rows), _MOST_PX),
        key=f"songs-{len(songs)}",
        on_select="rerun",
        selection_mode=["single-row", "single-cell"],
        selection_default={"selection": {"rows": [0]}},
        column_config={
            "Cover": st.column_config.ImageColumn(width=50),
            "Tag says": st.column_config.TextColumn(
                width="medium",
                help="The genre in the file's tags, and its score where the model knows it.",
            ),
            "Song": st.column_config.TextColumn(width="medium"),
            "Result": st.column_config.TextColumn(width="medium"),
            "Score": st.column_config.ProgressColumn(
                format="%d", min_value=0, max_value=100, width="small"
            ),
            "Over time": st.column_config.AreaChartColumn(
                y_min=0, y_max=100, width="small", help="The first genre, window by window."
            ),
            "Length in s": st.column_config.NumberColumn(format="%.0f", width="small"),
        },
        placeholder="",
        alt="The songs of this visit with their first genre; select one to open its card",
    )
    chosen = picked["selection"]
    at = [*chosen["rows"], *(row for row, _ in chosen.get("cells", ()))]
    return songs[at[-1]] if at and at[-1] < len(songs) else songs[0]


def _filtered(songs: list[Song], model: ModelInfo, view: str) -> list[Song]:
    """The songs, on request those only whose tags say another genre."""
    others = []
    for song in songs:
        analysis = song.hearings[model.id].analysis
        found = tag_words.compared(song, analysis, view) if analysis is not None else None
        if found is not None and found.agrees is False:
            others.append(song)
    if not others:
        return songs
    shown = st.toggle(
        f"Only the {len(others)} whose tag says another genre"
        if len(others) > 1
        else "Only the one whose tag says another genre",
        key="disagreeing",
    )
    return others if shown else songs


def _row(song: Song, hearing: Hearing, view: str) -> dict[str, Any]:
    cover = base64.b64encode(song.cover).decode() if song.cover else None
    row: dict[str, Any] = {
        "Cover": f"data:image/jpeg;base64,{cover}" if cover else None,
        "Song": song.title,
        "Result": hearing.note or "Waiting",
        "Score": None,
        "Over time": None,
        "Tag says": None,
        "Length in s": None,
    }
    if hearing.error is not None:
        row["Result"] = f"Could not be classified. {hearing.error}"
    elif hearing.analysis is not None:
        analysis = hearing.analysis
        scores = analysis.views[analysis.view(view)]
        best = int(scores.ranking()[0])
        every = max(1, -(-len(scores.by_window) // _POINTS))
        row["Result"] = (
            f"{vocabulary.display_name(scores.genres[best])} so far, {analysis.share_heard:.0%}"
            if hearing.busy
            else analysis.sentence(analysis.view(view))
        )
        row["Score"] = round(100 * float(scores.song[best]))
        row["Over time"] = np.round(100 * scores.by_window[::every, best]).tolist()
        row["Length in s"] = analysis.duration_s
        if (found := tag_words.compared(song, analysis, view)) is not None:
            row["Tag says"] = found.text
    return row
