"""The track table, searched on the server, and the drawer with one track's player and pictures."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from genre_engine import figures
from genre_engine.errors import GenreEngineError
from genre_engine.prediction import vocabulary
from pages.components.shared import datasets, player
from pages.components.shared.datasets import Opened
from pages.components.shared.row_table import row_table
from pages.components.shared.text import plain

PAGE = 100


def section(data: Opened) -> None:
    """Search, table, drawer."""
    text = st.text_input(
        "Search",
        key="q",
        bind="query-params",
        type="search",
        live=True,
        icon=":material/search:",
        placeholder="Words of title, artist, album, genre or id",
        autocomplete="off",
        max_chars=200,
    )
    rows = data.search.find(text or "")
    if not len(rows):
        st.info(f"No track holds all of these words: {plain(text or '')}")
        return
    said = f"**{len(rows):,}** of {len(data.tracks):,} tracks" if text else ""
    st.markdown(said or f"**{len(rows):,}** tracks")
    # Below the table, where its toolbar can't lie over it, and as wide, so that it shows the pages.
    place = st.container()
    page = 1
    if len(rows) > PAGE:
        # Another search has other pages, and starts on the first.
        page = st.pagination(
            -(-len(rows) // PAGE),
            key=f"page-{data.dataset.name}-{text}",
            max_visible_pages=5,
            width="stretch",
        )
    shown = rows[(page - 1) * PAGE : page * PAGE]
    with place:
        at = row_table(
            _table(data.tracks.iloc[shown]),
            hide_index=True,
            height=min(38 + 35 * len(shown), 388),
            key=f"tracks-{data.dataset.name}-{text}-{page}",
            placeholder="–",
            column_config={
                "Title": st.column_config.TextColumn(width=190),
                "Artist": st.column_config.TextColumn(width=150),
                "Genres": st.column_config.ListColumn(width=230),
                "Length": st.column_config.TextColumn(width=70),
                "Part": st.column_config.TextColumn(width=90, help="Of the official split"),
            },
            alt="Tracks that match the search; select one to hear and see it",
        )
    if at is not None:
        drawer(data, int(shown[at]))
    else:
        st.markdown(":gray[Click a track to hear it and see inside.]")


def _table(tracks: pd.DataFrame) -> pd.DataFrame:
    """The columns that have something to say."""
    length = tracks["duration_s"].map(
        lambda s: "" if np.isnan(s) else f"{int(s) // 60}:{int(s) % 60:02}"
    )
    columns = {
        "Title": [datasets.label(row) for row in tracks[["title", "track_id"]].to_dict("records")],
        "Artist": tracks["artist_id"],
        "Genres": [
            [vocabulary.display_name(genre) for genre in genres] for genres in tracks["genres"]
        ],
        "Length": length if tracks["duration_s"].notna().any() else tracks["duration_s"],
        "Part": tracks["split"],
        "Album": tracks["album_id"],
        "Id": tracks["track_id"],
    }
    table = pd.DataFrame(columns)
    return table.dropna(axis="columns", how="all").reset_index(drop=True)


def drawer(data: Opened, row: int) -> None:
    """One track: what is known, a player, and on demand the five pictures."""
    track = data.tracks.iloc[row]
    with st.container(border=True, key="drawer"):
        st.header(plain(datasets.label(track.to_dict())), anchor=False)
        badges = " ".join(
            f":violet-badge[{plain(vocabulary.display_name(genre))}]" for genre in track["genres"]
        )
        known = [
            f"by **{plain(track['artist_id'])}**" if isinstance(track["artist_id"], str) else "",
            f"from {plain(track['album_id'])}" if isinstance(track["album_id"], str) else "",
            f"in {track['split']}" if isinstance(track["split"], str) else "",
            f"licence {plain(track['licence'])}" if isinstance(track["licence"], str) else "",
        ]
        st.markdown(" · ".join([badges, *filter(None, known)]))
        path = data.dataset.audio_path(track["path"])
        if path is None:
            _no_audio(data, track)
            return
        player.show(path, datasets.label(track.to_dict()))
        _pictures(path, track)


def _no_audio(data: Opened, track: pd.Series) -> None:
    if not isinstance(track["path"], str):
        st.info("This data set holds features only, so there is nothing to play.")
        return
    st.info(
        f"There is no audio here for {plain(track['path'])}. It would be played from "
        f"{plain(str(data.dataset.audio_folder))}: put the data set's audio there, or import it "
        "again with the folder that holds it."
    )


def _pictures(path: Path, track: pd.Series) -> None:
    try:
        drawn = datasets.track_view_of(str(path), path.stat().st_mtime_ns)
    except (GenreEngineError, OSError) as error:
        said = str(error) if isinstance(error, GenreEngineError) else "The file can't be read."
        st.error(plain(said), icon=":material/error:")
        return
    name = re.sub(r"\W+", "-", str(track["track_id"])).strip("-")[:60] or "track"
    st.plotly_chart(
        figures.track_panels(drawn),
        key="track_panels",
        config={"displaylogo": False, "toImageButtonOptions": {"filename": name}},
        alt="Waveform, MFCC, mel spectrogram, chroma and tonnetz of "
        f"{datasets.label(track.to_dict())} on one time axis",
    )
    st.markdown(
        f":gray[{'The middle 30 s' if drawn.start_s else 'All of it'}, as features see it. Zoom "
        "in one picture and all follow; double-click for the whole. MFCC 0 is the level, and off "
        "the scale of the others.]"
    )
