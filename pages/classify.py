"""Classify: put in a song, see its genres, as a whole and over time."""

import csv
import io
import json
import shlex
from typing import Any

import streamlit as st

from genre_engine import results, vocabulary
from genre_engine.prediction import MODEL
from pages.components import guard, train_own, visit
from pages.components.listener import Song
from pages.components.song_card import song_card
from pages.components.text import plain

# MB a file; said on the drop zone.
LIMIT_MB = 100

VIEWS = {"wide": "All 31 genres", "ten": "Ten Jamendo genres"}
CSV_GENRES = 5


def main() -> None:
    st.title("What genre is this song?", anchor=False)
    uploads = st.file_uploader(
        "Drop in one song or several. Two pretrained networks listen to the whole of each.",
        accept_multiple_files=True,
        max_upload_size=LIMIT_MB,
        key="uploads",
        help="WAV, FLAC, Ogg, Opus, MP3, AIFF and, where ffmpeg is installed, M4A. The content "
        f"decides, not the name. Up to {LIMIT_MB} MB a file; the command line takes 6 hours. The "
        "files are kept in memory for this visit only.",
    )
    visit.add_uploads(uploads)
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        view = _view()
        if not any(song.example for song in visit.songs()):
            st.button("Try the example", icon=":material/play_circle:", on_click=visit.add_example)
    _undo()
    songs, news = visit.songs(), visit.news()
    if not songs:
        st.info("No songs on this page. Drop some in above, or try the example.")
    for song in songs:
        song_card(song, view, visit.remove)
    visit.watch(news)
    _table(songs, view)
    train_own.offer()
    _about_matches(view)


def _view() -> str:
    """The choice of genres, kept in the address by the name that the command line uses."""
    wanted = st.query_params.get("view", "wide")
    view = st.segmented_control(
        "Genres to choose from",
        list(VIEWS),
        format_func=VIEWS.__getitem__,
        default=wanted if wanted in VIEWS else "wide",
        required=True,
        key="view",
        persist_state="session",
        label_visibility="collapsed",
    )
    st.query_params["view"] = view
    return view


def _undo() -> None:
    song = visit.removed()
    if song is not None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"Removed **{plain(song.name)}**.", width="content")
            st.button("Undo", icon=":material/undo:", type="tertiary", on_click=visit.undo)


def _table(songs: list[Song], view: str) -> None:
    """This visit's songs that are done, with what `classify` would print of them."""
    done = [song for song in songs if not song.busy]
    if not done:
        return
    elements = [_element(song, view) for song in done]
    st.subheader("Songs of this visit", anchor=False)
    rows = [
        {
            "Song": song.name,
            "Result": song.analysis.sentence(view) if song.analysis else "Didn't work",
            "Genres": ", ".join(
                f"{vocabulary.display_name(g['genre'])} {100 * g['score']:.0f}"
                for g in found["genres"][:3]
            ),
            "Length in s": found["duration_s"],
            "Remarks": found["error"]["message"] if found["error"] else " ".join(found["warnings"]),
        }
        for song, found in zip(done, elements, strict=True)
    ]
    st.dataframe(
        rows,
        hide_index=True,
        column_config={
            "Song": st.column_config.TextColumn(width="medium"),
            "Result": st.column_config.TextColumn(width="medium"),
            "Genres": st.column_config.TextColumn(width="large"),
            "Length in s": st.column_config.NumberColumn(format="%.0f", width="small"),
            "Remarks": st.column_config.TextColumn(width="large"),
        },
        alt="The songs of this visit with their results",
    )
    with st.container(horizontal=True):
        st.download_button(
            "CSV",
            _as_csv(done, elements),
            "genres.csv",
            "text/csv",
            icon=":material/download:",
            help="One row a song",
        )
        st.download_button(
            "JSON",
            json.dumps(elements, ensure_ascii=False, indent=2),
            "genres.json",
            "application/json",
            icon=":material/download:",
            help="With the scores of every window of 3 s",
        )
        with st.popover("As a command", icon=":material/terminal:"):
            names = " ".join(shlex.quote(song.name) for song in done if not song.example)
            st.markdown("The same from the command line:")
            st.code(
                f"python -m genre_engine classify {names or 'SONG'} --view {view} --format json "
                "--windows",
                language="bash",
                wrap_lines=True,
            )


def _element(song: Song, view: str) -> dict[str, Any]:
    if song.analysis is not None and song.error is None:
        return results.element(song.analysis, song.name, view, windows=True)
    return results.failure(song.name, song.error or RuntimeError(), view, MODEL)


def _as_csv(done: list[Song], elements: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(results.csv_header(CSV_GENRES))
    for song, found in zip(done, elements, strict=True):
        writer.writerow(results.csv_row(found, song.analysis, CSV_GENRES))
    return text.getvalue()


def _about_matches(view: str) -> None:
    with st.expander("What do these numbers mean?"):
        st.markdown(
            "A **match** from 0 to 100 says how strongly the networks hear a genre, compared with "
            "how often they met it in training. It is **not a probability**: genres are heard "
            "independently, and matches do not add up to 100. The line over a bar spans the "
            "windows of 3 s between the lowest and the highest tenth. Below 35 no genre is named."
        )
        st.markdown(
            "The networks are musicnn by Jordi Pons (ISC licence), trained on the Million Song "
            "Dataset and on MagnaTagATune. They know music only, Western music best."
        )
        if view == "ten":
            st.markdown(
                "Of the ten Jamendo genres, *soundtrack* has no tag in either network, so its row "
                "is hatched."
            )


guard.enter()
main()
