"""One song of a library: player, scores, and songs like it."""

import io
from pathlib import Path

import pandas as pd
import streamlit as st

from genre_engine.errors import GenreEngineError
from genre_engine.library import playlists, similar, traits
from genre_engine.library.index import Library
from genre_engine.prediction import vocabulary
from pages.components.shared import player
from pages.components.shared.row_table import row_table
from pages.components.shared.text import plain

_SIMILAR = 20
_GENRES = 5


def card(lib: Library, songs: pd.DataFrame, row: int) -> None:
    """Draw a song by its row in `catalogue.table`."""
    one = songs.iloc[row]
    with st.container(border=True, key="song-card"):
        st.header(plain(one["title"] or Path(one["path"]).stem), anchor=False)
        said = [f"by **{plain(one['artist'])}**" if one["artist"] else "", plain(one["path"])]
        st.markdown(" · ".join(filter(None, said)))
        if one["missing"]:
            st.info(
                "The file wasn't there at the last scan. Scan again once its disk is connected."
            )
            return
        player.show(Path(one["path"]), one["title"] or Path(one["path"]).stem)
        if one["error"]:
            st.error(plain(one["error"]), icon=":material/error:")
            return
        st.markdown(_facts(lib, one, row))
        for warning in one["warnings"]:
            st.warning(plain(warning), icon=":material/warning:")
        if st.toggle("Show similar songs", key="similar"):
            _similar(lib, songs, row)


def _facts(lib: Library, one: "pd.Series", row: int) -> str:
    snapshot = lib.snapshot()
    genres, scores = snapshot.scores()
    lines = []
    if row < len(scores) and snapshot.songs["id"].iloc[row] == one["id"]:
        ranked = sorted(zip(scores[row].tolist(), genres, strict=True), reverse=True)
        best = [(g, s) for s, g in ranked[:_GENRES] if s == s]
        lines.append(
            "Analysed: "
            + " ".join(
                f":violet-badge[{plain(vocabulary.display_name(g))} {100 * s:.0f}]" for g, s in best
            )
        )
    if one["tag"]:
        lines.append("The file says: " + " ".join(f":gray-badge[{plain(t)}]" for t in one["tag"]))
    more = [*one["mood"], *one["instrument"]]
    if more:
        lines.append("Also: " + ", ".join(plain(name) for name in more))
    if one["bpm"] == one["bpm"] or one["key"]:
        tempo = f"**{one['bpm']:.0f}** beats a minute" if one["bpm"] == one["bpm"] else ""
        lines.append(
            " · ".join(filter(None, [tempo, f"**{plain(one['key'])}**" if one["key"] else ""]))
        )
    return "  \n".join(lines)


def _similar(lib: Library, songs: pd.DataFrame, row: int) -> None:
    others = st.toggle("Other artists only", key="similar-others")
    try:
        found = similar.nearest(lib.snapshot(), row, _SIMILAR, other_artists=others)
    except GenreEngineError as error:
        st.info(plain(str(error)))
        return
    neighbours(songs, found, first=row, key=f"similar-{row}")


def neighbours(
    songs: pd.DataFrame,
    found: "list[similar.Neighbour]",
    *,
    first: int | None,
    key: str,
) -> None:
    """A list of songs with what they have in common, playable, and as a playlist.

    Args:
        first: the row of the song that begins the playlist.
    """
    if not found:
        st.info("There are no other songs to compare it with.")
        return
    part = songs.iloc[[one.row for one in found]]
    at = row_table(
        pd.DataFrame(
            {
                "Title": titles(part),
                "Artist": part["artist"].tolist(),
                "Genres": [", ".join(words) for words in part["genre"]],
                "In common": [traits.in_words(one.common) for one in found],
                "Likeness": [round(100 * (1 - one.distance)) for one in found],
            }
        ),
        hide_index=True,
        height=min(38 + 35 * len(found), 388),
        key=f"{key}-table",
        placeholder="–",
        column_config={
            "Title": st.column_config.TextColumn(width=200),
            "Artist": st.column_config.TextColumn(width=140),
            "Genres": st.column_config.TextColumn(width=170),
            "In common": st.column_config.TextColumn(width=280),
            "Likeness": st.column_config.ProgressColumn(
                format="%d", min_value=0, max_value=100, width=90
            ),
        },
        alt="Similar songs, the most similar first; select one to play it",
    )
    if at is not None:
        one = part.iloc[at]
        player.show(Path(one["path"]), one["title"] or Path(one["path"]).stem)
    listed = songs.iloc[[*([first] if first is not None else []), *(one.row for one in found)]]
    st.download_button(
        "Playlist of these",
        lambda: as_playlist(listed, "Similar songs"),
        "similar.m3u8",
        "audio/x-mpegurl",
        icon=":material/playlist_play:",
        key=f"{key}-playlist",
    )


def titles(songs: pd.DataFrame) -> list[str]:
    """Songs as they are called: their titles, or their files' names."""
    pairs = zip(songs["title"], songs["path"], strict=True)
    return [title or Path(path).stem for title, path in pairs]


def as_playlist(songs: pd.DataFrame, name: str) -> str:
    """A playlist's text, with absolute paths."""
    text = io.StringIO(newline="")
    playlists.write_lines(text, songs, name=name)
    return text.getvalue()
