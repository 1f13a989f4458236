"""Many songs of a visit as a list: a row a song, sortable; a click opens the song's card."""

import base64
from typing import Any

import numpy as np
import streamlit as st

from genre_engine.prediction import ModelInfo, vocabulary
from pages.components.classify import keyboard, session, tag_words
from pages.components.classify.queue import Hearing, Song
from pages.components.shared.row_table import pick, row_table

# From so many songs of one's own on, the example not counted, cards would take several screens.
LIST_FROM = 3
_ROW_PX, _MOST_PX = 35, 530
# By these the session knows the open song and those of the list, in their order.
_OPEN, _LISTED, _PLAYED = "open_song", "listed_songs", "played_row"
# Points of the small picture of a song.
_POINTS = 40


# Hides what the upload widget says of files that stand in the list; not of those on their way, nor
# why one was refused. Hides the table's toolbar, too: it lies over what is above, and the downloads
# are below.
_STYLE = """<style>
.st-key-uploads [data-testid="stFileChips"] > div > div:not(:has([role="alert"],
  [role="progressbar"])) { display: none; }
.st-key-uploads [data-testid="stBaseButton-borderlessIcon"] { width: auto; white-space: nowrap; }
.st-key-uploads [data-testid="stBaseButton-borderlessIcon"]::after { content: "Add songs"; }
.st-key-uploads [data-testid="stFileUploaderDropzone"] { align-items: center; }
.st-key-listed-songs [data-testid="stElementToolbar"] { display: none; }
</style>"""


def is_long(songs: list[Song]) -> bool:
    """Whether the songs are shown as a list."""
    return sum(not song.example for song in songs) >= LIST_FROM


def choose(songs: list[Song], models: list[ModelInfo], view: str) -> Song:
    """Draw the list and return the song whose card is open."""
    model = models[0]
    songs = _filtered(songs, model, view)
    st.html(_STYLE)
    st.session_state[_LISTED] = [song.key for song in songs]
    rows = [_row(song, song.hearings[model.id], view) for song in songs]
    # Columns that no song has anything for.
    empty = [name for name in ("Cover", "Tag says") if not any(row[name] for row in rows)]
    rows = [{name: row[name] for name in row if name not in empty} for row in rows]
    at = _open_row()
    key = f"songs-{len(songs)}"
    if st.session_state.get(key, {}).get("selection", {}).get("rows") != [at]:
        pick(key, at)
    with st.container(key="listed-songs"):
        row_table(
            rows,
            key=key,
            on_pick=_open,
            hide_index=True,
            height=min(38 + _ROW_PX * len(rows), _MOST_PX),
            column_config={
                "Play": st.column_config.ButtonColumn(
                    "", width=40, type="tertiary", key=_PLAYED, on_click=_play
                ),
                # So wide that song and result are seen on a phone; they grow where there is room.
                "Song": st.column_config.TextColumn(width=150),
                "Result": st.column_config.TextColumn(width=150),
                "Score": st.column_config.ProgressColumn(
                    format="%d", min_value=0, max_value=100, width=75
                ),
                "Over time": st.column_config.AreaChartColumn(
                    y_min=0, y_max=100, width=75, help="The first genre, window by window."
                ),
                "Tag says": st.column_config.TextColumn(
                    width=130,
                    help="The genre in the file's tags, and its score where the model knows it.",
                ),
                "Length": st.column_config.NumberColumn(format="%.0f s", width=60),
                "Cover": st.column_config.ImageColumn(width=60),
            },
            placeholder="",
            alt="The songs of this visit with their first genre; select one to open its card",
        )
    return songs[at]


def move(step: int) -> Song | None:
    """Open the song so many rows below the open one; None at either end."""
    at = _open_row() + step
    if not 0 <= at < len(st.session_state[_LISTED]):
        return None
    _open(at)
    return _song(at)


def _open_row() -> int:
    keys: list[str] = st.session_state[_LISTED]
    key = st.session_state.get(_OPEN)
    return keys.index(key) if key in keys else 0


def _open(row: int) -> None:
    st.session_state[_OPEN] = st.session_state[_LISTED][row]


def _song(row: int) -> Song | None:
    key = st.session_state[_LISTED][row]
    return next((song for song in session.songs() if song.key == key), None)


def _play() -> None:
    row = int(st.session_state[_PLAYED]["row"])
    song = _song(row)
    if song is not None:
        _open(row)
        keyboard.play(song)


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
        "Play": ":material/play_arrow:" if song.playable is not None else None,
        "Song": song.title,
        "Result": hearing.note or "Waiting",
        "Score": None,
        "Over time": None,
        "Tag says": None,
        "Length": None,
        "Cover": f"data:image/jpeg;base64,{cover}" if cover else None,
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
        row["Length"] = analysis.duration_s
        if (found := tag_words.compared(song, analysis, view)) is not None:
            row["Tag says"] = found.text
    return row
