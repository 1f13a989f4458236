"""A map of a library's songs: click one to play it, draw round some for a playlist."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from genre_engine import library
from genre_engine.errors import GenreEngineError
from genre_engine.figures import library as map_figures
from genre_engine.library import catalogue, song_map
from genre_engine.library.index import Library
from genre_engine.library.song_map import SongMap
from pages.components.library import song
from pages.components.shared.text import plain

_LAYOUTS = {"tsne": "Neighbours together", "pca": "Two components"}
# Up to so many songs neighbours are laid out unasked, since that takes a few seconds.
_UNASKED = 1_000
_MOST_LISTED = 500


def section(lib: Library) -> None:
    """The map, or why there is none."""
    snapshot, songs = lib.snapshot(), catalogue.table(lib)
    try:
        method = _method(lib, snapshot)
        found, figure, traces = _drawn(lib.name, _key(lib), method)
    except GenreEngineError as error:
        st.info(plain(str(error)), icon=":material/map:")
        return
    st.markdown(
        "Songs that sound alike lie near each other. Click one to play it. To have some as a "
        "playlist, choose the lasso above the map and draw round them."
    )
    if len(found.rows) > map_figures.MOST_DRAWN:
        st.markdown(
            f":gray[{map_figures.MOST_DRAWN:,} of {len(found.rows):,} songs, chosen at random.]"
        )
    picked = st.plotly_chart(
        figure,
        key=f"library-map-{lib.name}-{method}",
        on_select="rerun",
        selection_mode=("points", "lasso", "box"),
        config={"displaylogo": False, "scrollZoom": True},
        alt=map_figures.song_map_alt(found, songs["genre"].tolist()),
    )
    rows = _rows(picked["selection"]["points"], traces, len(songs))
    if len(rows) == 1:
        song.card(lib, songs, rows[0])
    elif rows:
        _several(songs, rows)


def _method(lib: Library, snapshot: library.Snapshot) -> str:
    n_songs = int(np.isfinite(snapshot.embeddings()[:, :1]).sum())
    if song_map.method_for(n_songs) == "pca":
        return "pca"
    kept = song_map.kept_tsne(lib, snapshot) is not None
    wanted = st.segmented_control(
        "Layout",
        list(_LAYOUTS),
        format_func=_LAYOUTS.__getitem__,
        default="tsne" if kept or n_songs <= _UNASKED else "pca",
        required=True,
        key=f"map-layout-{lib.name}",
        help="Neighbours together (t-SNE) shows groups; it is made once, in up to half a minute. "
        "Two components (PCA) shows the largest differences.",
    )
    return str(wanted)


def _key(lib: Library) -> str:
    """What changes when the map has to be drawn again: the songs, or the words for their genres."""
    return f"{lib.version()}-{hash(tuple(catalogue.table(lib)['genre'].tolist()))}"


@st.cache_resource(max_entries=2, show_spinner="Laying out the songs …")
def _drawn(name: str, version: str, method: str) -> tuple[SongMap, Any, list[list[int]]]:
    del version  # with another one it is drawn again
    lib = library.open(name)
    snapshot, songs = lib.snapshot(), catalogue.table(lib)
    by_tsne = method == "tsne"
    found = song_map.by_tsne(lib, snapshot) if by_tsne else song_map.by_pca(snapshot)
    figure, traces = map_figures.song_map(found, songs, songs["genre"].tolist())
    return found, figure, traces


def _rows(points: list[dict[str, Any]], traces: list[list[int]], n_songs: int) -> list[int]:
    rows = [traces[point["curve_number"]][point["point_index"]] for point in points]
    return [row for row in dict.fromkeys(rows) if row < n_songs]


def _several(songs: pd.DataFrame, rows: list[int]) -> None:
    part = songs.iloc[rows]
    st.markdown(f"**{len(rows):,}** songs")
    st.dataframe(
        pd.DataFrame(
            {
                "Title": song.titles(part.head(_MOST_LISTED)),
                "Artist": part["artist"].head(_MOST_LISTED).tolist(),
                "Genres": [", ".join(words) for words in part["genre"].head(_MOST_LISTED)],
            }
        ),
        hide_index=True,
        height=min(38 + 35 * len(part), 388),
        placeholder="–",
        alt="The songs that were drawn round",
    )
    st.download_button(
        "Playlist of these",
        lambda: song.as_playlist(part, "From the map"),
        "map.m3u8",
        "audio/x-mpegurl",
        icon=":material/playlist_play:",
        key="map-playlist",
    )
