"""Classify: put in a song, see its genres, as a whole and over time."""

import csv
import io
import json
import shlex
from typing import Any

import streamlit as st

from genre_engine import pretrained
from genre_engine.jobs import hosted
from genre_engine.prediction import ModelInfo, combining, vocabulary
from genre_engine.prediction import analysis as song_analysis
from genre_engine.pretrained import discogs
from pages.components.classify import (
    discogs_terms,
    keyboard,
    model_picker,
    recent_songs,
    session,
    song_list,
    teach,
    train_your_own,
)
from pages.components.classify.queue import Hearing, Song
from pages.components.classify.song_card import song_card
from pages.components.shared import navigation
from pages.components.shared.text import plain

# MB a file; said on the drop zone.
LIMIT_MB = 100

VIEWS = {"wide": "All genres", "ten": "Ten Jamendo genres", "styles": "400 styles"}
CSV_GENRES = 5


def main() -> None:
    st.title("What genre is this song?", anchor=False)
    limit_mb = hosted.UPLOAD_MB if hosted.active() else LIMIT_MB
    uploads = st.file_uploader(
        "Drop in one song or several. Pretrained networks analyse the whole of each, and so do "
        "models of your own.",
        accept_multiple_files=True,
        max_upload_size=limit_mb,
        key="uploads",
        help="WAV, FLAC, Ogg, Opus, MP3, AIFF and, where ffmpeg is installed, M4A. The content "
        f"decides, not the name. Up to {limit_mb} MB a file; the command line takes 6 hours. The "
        "files are kept in memory for this visit only; their results stay under Recent songs.",
    )
    left_out = session.add_uploads(uploads)
    left_out += _record()
    if left_out:
        st.warning(
            f"This server is shared and takes {hosted.SONGS} songs at a time, so these were left "
            f"out: {plain(', '.join(left_out))}. Remove songs below to make room for them.",
            icon=":material/hourglass_top:",
        )
    chosen = model_picker.choose()
    session.classify([model.id for model in chosen])
    session.ask_tempo_and_key([model.id for model in chosen])
    teach.ask([model.id for model in chosen])
    networks = any(not model.is_run for model in chosen)
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        view = _view(chosen) if networks else "wide"
        if not any(song.example for song in session.songs()):
            st.button(
                "Try the example", icon=":material/play_circle:", on_click=session.add_example
            )
        keyboard.help_box()
    _undo()
    songs, news = session.songs(), session.news()
    if not songs:
        st.info("No songs on this page. Drop some in above, or try the example.")
    long = song_list.is_long(songs)
    for song in [song_list.choose(songs, chosen, view)] if long else songs:
        song_card(song, chosen, view, session.remove)
    session.watch(news)
    _table(songs, chosen, view, listed=long)
    recent_songs.offer(view)
    teach.listing()
    train_your_own.offer()
    discogs_terms.offer()
    _about_scores(songs, view, chosen)
    keyboard.listen(listed=long, move=song_list.move)


def _record() -> list[str]:
    """The microphone, which the browser loads once it is asked for; returns as `add_uploads`."""
    shown = st.popover(
        "Record from the room", icon=":material/mic:", key="record", on_change="rerun"
    )
    if not shown.open:
        return []
    with shown:
        recorded = st.audio_input(
            "Record ten seconds or more of music that plays in the room",
            sample_rate=44100,
            key="recorded",
        )
        st.markdown(
            ":gray[Speech and noise lead the networks astray: hold the microphone to the "
            "loudspeaker. The recording is kept in memory for this visit only.]"
        )
    return session.add_uploads([recorded], recorded=True) if recorded is not None else []


def _view(chosen: list[ModelInfo]) -> str:
    """The choice of genres, kept in the address by the name that the command line uses."""
    there = {name: text for name, text in VIEWS.items() if any(name in m.views for m in chosen)}
    wanted = st.query_params.get("view", "wide")
    view = st.segmented_control(
        "Genres to choose from",
        list(there),
        format_func=VIEWS.__getitem__,
        default=wanted if wanted in there else "wide",
        required=True,
        key="view",
        persist_state="session",
        label_visibility="collapsed",
    )
    st.query_params["view"] = view
    return view


def _undo() -> None:
    song = session.removed()
    if song is not None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"Removed **{plain(song.name)}**.", width="content")
            st.button("Undo", icon=":material/undo:", type="tertiary", on_click=session.undo)


# What one model says of one song.
Done = tuple[Song, ModelInfo, Hearing]


def _table(songs: list[Song], chosen: list[ModelInfo], view: str, *, listed: bool) -> None:
    """This visit's songs that are done, with what `classify` would print of them.

    Args:
        listed: whether they stand in a list above already; then there are the downloads only.
    """
    done = [
        (song, model, song.hearings[model.id])
        for song in songs
        for model in chosen
        if not song.hearings[model.id].busy
    ]
    # Of the example alone its card says it all, and a table is 1.2 MB more for the browser to load.
    if len(chosen) == 1 and all(song.example for song, _, _ in done):
        return
    elements = [_element(one, view) for one in done]
    st.header("All results" if listed else "Songs of this visit", anchor=False)
    if not listed:
        _rows(done, elements, chosen, view)
    _downloads(songs, chosen, view, done, elements)


def _rows(
    done: list[Done], elements: list[dict[str, Any]], chosen: list[ModelInfo], view: str
) -> None:
    rows = [
        {
            "Song": song.name,
            **({"Model": model.name} if len(chosen) > 1 else {}),
            "Result": _result(hearing, view),
            "Genres": ", ".join(
                f"{vocabulary.display_name(g['genre'])} {100 * g['score']:.0f}"
                for g in found["genres"][:3]
            ),
            "Length in s": found["duration_s"],
            "Remarks": found["error"]["message"] if found["error"] else " ".join(found["warnings"]),
        }
        for (song, model, hearing), found in zip(done, elements, strict=True)
    ]
    st.dataframe(
        rows,
        hide_index=True,
        column_config={
            "Song": st.column_config.TextColumn(width="medium"),
            "Model": st.column_config.TextColumn(width="small"),
            "Result": st.column_config.TextColumn(width="medium"),
            "Genres": st.column_config.TextColumn(width="large"),
            "Length in s": st.column_config.NumberColumn(format="%.0f", width="small"),
            "Remarks": st.column_config.TextColumn(width="large"),
        },
        alt="The songs of this visit with their results",
    )


def _downloads(
    songs: list[Song],
    chosen: list[ModelInfo],
    view: str,
    done: list[Done],
    elements: list[dict[str, Any]],
) -> None:
    with st.container(horizontal=True):
        st.download_button(
            "CSV",
            _as_csv(done, elements),
            "genres.csv",
            "text/csv",
            icon=":material/download:",
            help="One row for each song and model",
        )
        st.download_button(
            "JSON",
            json.dumps(elements, ensure_ascii=False, indent=2),
            "genres.json",
            "application/json",
            icon=":material/download:",
            help="With the scores of every window",
        )
        shown = st.popover(
            "As a command", icon=":material/terminal:", key="as-command", on_change="rerun"
        )
        if shown.open:
            with shown:
                st.markdown("The same from the command line:")
                st.code(_commands(songs, chosen, view), language="bash", wrap_lines=True)


def _commands(songs: list[Song], chosen: list[ModelInfo], view: str) -> str:
    names = " ".join(shlex.quote(song.name) for song in songs if not song.example) or "SONG"
    options = (
        f"--model {shlex.quote(model.name)}" + ("" if model.is_run else f" --view {view}")
        for model in chosen
    )
    return "\n".join(
        f"python -m genre_engine classify {names} {option} --format json --windows"
        for option in options
    )


def _result(hearing: Hearing, view: str) -> str:
    if hearing.analysis is None or hearing.error is not None:
        return "Could not be classified"
    return hearing.analysis.sentence(hearing.analysis.view(view))


def _element(done: Done, view: str) -> dict[str, Any]:
    song, model, hearing = done
    if hearing.analysis is not None and hearing.error is None:
        analysis = hearing.analysis
        return song_analysis.element(analysis, song.name, analysis.view(view), windows=True)
    shown = view if view in model.views else model.views[0]
    return song_analysis.failure(song.name, hearing.error or RuntimeError(), shown, model.name)


def _as_csv(done: list[Done], elements: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(song_analysis.csv_header(CSV_GENRES))
    for (_, _, hearing), found in zip(done, elements, strict=True):
        writer.writerow(song_analysis.csv_row(found, hearing.analysis, CSV_GENRES))
    return text.getvalue()


def _about_scores(songs: list[Song], view: str, chosen: list[ModelInfo]) -> None:
    with st.expander("What do these numbers mean?"):
        if any(not model.is_run for model in chosen):
            _about_pretrained(view, songs, chosen)
        for model in chosen:
            if model.is_run:
                known = [song.hearings[model.id].analysis for song in songs]
                _about_run(model, all(found.calibrated for found in known if found is not None))


def _about_pretrained(view: str, songs: list[Song], chosen: list[ModelInfo]) -> None:
    choice = next((model.id for model in chosen if model.id in pretrained.CHOICES), None)
    if choice is None:
        _about_discogs()
        return
    known = (song.hearings[choice].analysis for song in songs)
    names = next((found.networks for found in known if found), pretrained.available(choice))
    if combining.is_learnt(view, names):
        st.markdown(
            "These scores from 0 to 100 are the **probabilities** that networks trained on "
            "MTG-Jamendo give each genre, learnt from the labels of that data set. They are not "
            "calibrated: 70 doesn't mean seven times in ten. Genres are scored independently, so "
            "they do not add up to 100. Below 20 no genre is named."
        )
    else:
        st.markdown(
            "A **match** from 0 to 100 says how strongly the networks detect a genre, compared "
            "with how often they met it in training. It is **not a probability**: genres are "
            "scored independently, and matches do not add up to 100. Below 35 no genre is named."
        )
    st.markdown(
        "The line over a bar spans the windows between the lowest and the highest tenth. The "
        "networks know music only, Western music best."
    )
    networks = [pretrained.NETWORKS[name] for name in names]
    if networks:
        lines = [f"- **{n.name}**: {n.data}; {n.source} ({n.licence})" for n in networks]
        st.markdown("Networks in use:\n" + "\n".join(lines))
    missing = [name for name in pretrained.CHOICES[choice] if name not in names]
    if networks and missing:
        st.markdown(
            f"Not here yet, because their server could not be reached: {', '.join(missing)}. They "
            "are tried again later."
        )
    if view == "ten" and not combining.is_learnt(view, names):
        st.markdown(
            "Of the ten Jamendo genres, *soundtrack* has no tag in these networks, so its row is "
            "hatched."
        )


def _about_discogs() -> None:
    st.markdown(
        "These scores from 0 to 100 are the **probabilities** that Discogs-EffNet gives each genre "
        "or style, the means over its windows of 2 s. They are not calibrated. Below 20 no genre "
        f"is named. {plain(discogs.LICENCE)}: not for commercial use."
    )


def _about_run(model: ModelInfo, calibrated: bool) -> None:
    windows = (
        f"It takes the song in windows of {model.excerpt_s:g} s, as long as the excerpts that it "
        "was trained on; a song's score is their mean."
        if model.excerpt_s is not None
        else "It takes the song as a whole, as it was trained."
    )
    said = (
        "The grey tick on a row is the threshold that its training chose on validation: from there "
        'on the genre counts as "yes", and the headline names it.'
        if model.task == "multilabel"
        else "A song has one of its genres, so the scores add up to 100."
    )
    st.markdown(
        f"**{plain(model.name)}** was trained on the data set *{plain(model.dataset)}*, and knows "
        f"its {len(model.genres)} genres only: it names one of these or none, whatever the song. "
        f"{windows} {said} "
        + (
            "Its scores are **probabilities**, calibrated on validation: they hold for music like "
            f"that of {plain(model.dataset)}, and for no other."
            if calibrated
            else "Its scores are **not calibrated**: 70 doesn't mean seven times in ten."
        )
    )


navigation.enter()
main()
