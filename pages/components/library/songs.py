"""The songs of a library for review: a table by the page, decisions on many at once, one's card."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from genre_engine.errors import GenreEngineError
from genre_engine.library import catalogue, export, similar
from genre_engine.library.index import Library
from pages.components.library import filters, song
from pages.components.shared.row_table import rows_table
from pages.components.shared.text import plain

PAGE = 50
_SEVERAL = 2
# Songs that a playlist has beside those that it is made from.
_MORE = 20


def section(lib: Library) -> None:
    """Filters, table, what can be done with the chosen songs, the first one's card."""
    songs = catalogue.table(lib)
    rows = filters.choose(songs, lib.name)
    _undo(lib)
    if not len(rows):
        st.info("No song is of this kind. Choose other filters.")
        return
    shown = _page(songs, rows, lib.name)
    chosen = _table(songs, shown, lib.name)
    _decide(lib, songs, rows, chosen)
    if len(chosen) >= _SEVERAL:
        _like_these(lib, songs, chosen)
    if chosen:
        song.card(lib, songs, chosen[0])
    else:
        st.markdown(":gray[Click a row to play the song and decide on its genres.]")
    _downloads(songs, rows, lib.name)


def _page(songs: pd.DataFrame, rows: NDArray[np.intp], name: str) -> NDArray[np.intp]:
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
    ):
        said = (
            f"**{len(rows):,}** of {len(songs):,}"
            if len(rows) < len(songs)
            else f"**{len(rows):,}**"
        )
        st.markdown(f"{said} songs", width="content")
        number = 1
        if len(rows) > PAGE:
            # Other filters have other pages, and start on the first.
            number = st.pagination(
                -(-len(rows) // PAGE),
                key=f"songs-page-{name}-{len(rows)}-{rows[0]}",
                max_visible_pages=7,
            )
    return rows[(number - 1) * PAGE : number * PAGE]


def _table(songs: pd.DataFrame, shown: NDArray[np.intp], name: str) -> list[int]:
    """Draw some songs; returns the rows in `songs` of those that are chosen."""
    part = songs.iloc[shown]
    table = pd.DataFrame(
        {
            "Title": song.titles(part),
            "Analysed": [_words(one) for one in part.itertuples(index=False)],
            "Score": part["score"].tolist(),
            "File says": [", ".join(tags) for tags in part["tag"]],
            "Artist": part["artist"].tolist(),
            "Decision": [str(one).capitalize() if one else None for one in part["decision"]],
            "Length": [_length(seconds) for seconds in part["duration_s"]],
            "Folder": part["folder"].tolist(),
        }
    )
    picked = rows_table(
        table,
        hide_index=True,
        height=min(38 + 35 * len(table), 388),
        key=f"songs-{name}-{len(songs)}-{shown[0]}-{len(shown)}",
        placeholder="–",
        column_config={
            "Title": st.column_config.TextColumn(width=190),
            "Artist": st.column_config.TextColumn(width=130),
            "File says": st.column_config.TextColumn(
                width=130, help="Genres in the file's own tags"
            ),
            "Analysed": st.column_config.TextColumn(
                width=190, help="Your words for what the networks found, or what you decided"
            ),
            "Score": st.column_config.ProgressColumn(
                format="%d", min_value=0, max_value=100, width=90, help="Of the first genre"
            ),
            "Decision": st.column_config.TextColumn(width=90),
            "Length": st.column_config.TextColumn(width=70),
            "Folder": st.column_config.TextColumn(width=160),
        },
        alt="Songs with what their files say and what was analysed; select one to play it",
    )
    return [int(shown[row]) for row in picked]


def _words(one: Any) -> str:
    if one.state == "failed":
        return f"Failed: {one.error}"
    if one.missing:
        return "Missing"
    if one.state == "waiting":
        return "Waiting"
    return ", ".join(one.genre) or "No clear genre"


def _length(seconds: float) -> str | None:
    return None if np.isnan(seconds) else f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def _decide(
    lib: Library, songs: pd.DataFrame, rows: NDArray[np.intp], chosen: Sequence[int]
) -> None:
    """What can be decided on the chosen songs, or on all that the filters leave."""
    usable = songs["sound"].notna().to_numpy(bool)
    mine = [row for row in chosen if usable[row]]
    undecided = songs["undecided"].to_numpy(bool) & (songs["genre"].map(len) > 0).to_numpy(bool)
    every = [int(row) for row in rows if undecided[row] and usable[row]]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.button(
            f"Accept {len(mine)}" if len(mine) >= _SEVERAL else "Accept",
            icon=":material/check:",
            key="accept",
            disabled=not mine,
            help="The genres as analysed are right",
            on_click=_accept,
            args=(lib, songs, mine),
        )
        with st.popover("Correct", icon=":material/edit:", disabled=not mine):
            _correct(lib, songs, mine)
        st.button(
            f"Reject {len(mine)}" if len(mine) >= _SEVERAL else "Reject",
            icon=":material/close:",
            key="reject",
            disabled=not mine,
            help="None of the genres is right; none will be written into the file",
            on_click=_set,
            args=(lib, songs, mine, "rejected", ()),
        )
        st.button(
            "Clear",
            icon=":material/undo:",
            key="clear",
            type="tertiary",
            disabled=not any(songs["decision"].iloc[row] for row in mine),
            help="Take the decision back",
            on_click=_set,
            args=(lib, songs, mine, None, ()),
        )
        if len(every) >= _SEVERAL and st.button(
            f"Accept all {len(every):,} shown by the filters",
            type="tertiary",
            icon=":material/done_all:",
            key="accept-all",
        ):
            _ask_for_all(lib, songs, every)


def _correct(lib: Library, songs: pd.DataFrame, rows: Sequence[int]) -> None:
    known = list(catalogue.genre_counts(songs))
    first = list(songs["genre"].iloc[rows[0]]) if rows else []
    words = st.multiselect(
        "Genres of the song" if len(rows) < _SEVERAL else f"Genres of these {len(rows)} songs",
        list(dict.fromkeys([*first, *known])),
        default=first,
        accept_new_options=True,
        # Else the first offer, which Enter takes, is all that match.
        select_all=False,
        max_selections=10,
        key=f"correct-{'-'.join(str(songs['id'].iloc[row]) for row in rows[:5])}",
        placeholder="Choose, or type a new one",
    )
    if st.button("Save", type="primary", disabled=not words, key="correct-save"):
        _set(lib, songs, rows, "corrected", words)
        st.rerun()


@st.dialog("Accept them all?")
def _ask_for_all(lib: Library, songs: pd.DataFrame, rows: Sequence[int]) -> None:
    st.markdown(
        f"The genres that were analysed become yours for **{len(rows):,}** songs. Songs that you "
        "decided on before stay as they are. No file changes, and it can be undone."
    )
    with st.container(horizontal=True):
        if st.button(
            f"Accept {len(rows):,}",
            type="primary",
            icon=":material/done_all:",
            on_click=_accept,
            args=(lib, songs, rows),
        ):
            st.rerun()
        if st.button("Not now"):
            st.rerun()


def _like_these(lib: Library, songs: pd.DataFrame, rows: Sequence[int]) -> None:
    """A playlist that begins with the chosen songs."""
    if not st.toggle(f"Playlist from these {len(rows)} songs", key="like-these"):
        return
    try:
        found = similar.playlist(lib.snapshot(), list(rows), len(rows) + _MORE)
    except GenreEngineError as error:
        st.info(plain(str(error)))
        return
    song.neighbours(songs, found, first=None, key="like-these")


def _accept(lib: Library, songs: pd.DataFrame, rows: Sequence[int]) -> None:
    part = songs.iloc[list(rows)]
    _keep(
        lib, part, [(s, "accepted", g) for s, g in zip(part["sound"], part["genre"], strict=True)]
    )


def _set(
    lib: Library,
    songs: pd.DataFrame,
    rows: Sequence[int],
    decision: str | None,
    genres: Sequence[str],
) -> None:
    part = songs.iloc[list(rows)]
    _keep(lib, part, [(sound, decision, tuple(genres)) for sound in part["sound"]])


Decisions = list[tuple[str, str | None, tuple[str, ...]]]


def _keep(lib: Library, part: pd.DataFrame, decisions: Decisions) -> None:
    """Keep decisions, and what undoes them."""
    before = zip(part["sound"], part["decision"], part["decided_genres"], strict=True)
    st.session_state["library-undo"] = (lib.name, list(before))
    lib.decide_each(decisions)


def _undo(lib: Library) -> None:
    name, before = st.session_state.get("library-undo", ("", []))
    if name == lib.name and before:
        with st.container(horizontal=True, vertical_alignment="center"):
            what = "1 song" if len(before) == 1 else f"{len(before):,} songs"
            st.markdown(f"Decided on {what}.", width="content")
            st.button(
                "Undo",
                icon=":material/undo:",
                type="tertiary",
                key="undo",
                on_click=_take_back,
                args=(lib,),
            )


def _take_back(lib: Library) -> None:
    _, before = st.session_state.pop("library-undo")
    lib.decide_each(before)


def _downloads(songs: pd.DataFrame, rows: NDArray[np.intp], name: str) -> None:
    part = songs.iloc[rows]
    with st.container(horizontal=True):
        st.download_button(
            "CSV",
            lambda: export.as_csv(part),
            f"{name}.csv",
            "text/csv",
            icon=":material/download:",
            help="The songs that the filters leave, with all that is known of them",
        )
        st.download_button(
            "Playlist",
            lambda: song.as_playlist(part, name),
            f"{name}.m3u8",
            "audio/x-mpegurl",
            icon=":material/playlist_play:",
            help="The songs that the filters leave, as M3U8 for VLC, Navidrome or Mixxx",
        )
        with st.popover("As a command", icon=":material/terminal:"):
            st.markdown("The same from the command line:")
            st.code(
                f"python -m genre_engine library export {plain(name)} --format csv "
                '--where "genre = jazz"',
                language="bash",
                wrap_lines=True,
            )
