"""Teach by example: the genres of a song corrected by the visitor, and what that teaches."""

import itertools
from collections.abc import Sequence
from typing import Any

import streamlit as st

from genre_engine.errors import DatasetExists, GenreEngineError
from genre_engine.jobs import hosted
from genre_engine.prediction import questions, taught_model, teaching, vocabulary
from genre_engine.prediction.teaching import Correction
from genre_engine.storage import owners
from pages.components.classify import session
from pages.components.classify.queue import Hearing, Song, listener
from pages.components.shared import navigation
from pages.components.shared.session_id import visitor
from pages.components.shared.text import plain

# Genres of a song that are shown, and rows of the list before all are asked for.
_SHOWN, _ROWS = 3, 10
# Fewer songs teach nothing, so nothing is asked of the others.
_FEW = taught_model.LEAST_GENRES * taught_model.LEAST_OF_EACH
_REMOVED, _DATASET = "removed-correction", "corrections"


def ask(models: Sequence[str]) -> None:
    """Have the vectors found that are needed now, and keep the corrections that waited for one.

    To be called before the cards are drawn, so that the page waits for the answers.

    Args:
        models: by their ids; a song's genres by these come first.
    """
    known = teaching.listing(visitor())
    for song in reversed(session.songs()):
        own = known.of(song.sha256)
        done = all(song.hearings[model].state == "done" for model in models)
        shown = st.session_state.get(_popover(song)) or _waiting(song) in st.session_state
        wanted = own is None and (shown or len(known.songs) >= _FEW)
        if done and wanted and song.is_here and questions.EMBEDDING not in song.hearings:
            song.hearings[questions.EMBEDDING] = Hearing(questions.EMBEDDING)
            listener().submit(song, questions.EMBEDDING)
        _keep_waiting(song, own)


def say(song: Song) -> None:
    """A line on what the visitor said of a song, or what their corrections say of it."""
    if problem := st.session_state.get(_problem(song)):
        st.error(plain(problem), icon=":material/error:")
    known = teaching.listing(song.visitor)
    own, vector = known.of(song.sha256), _vector(song)
    if _waiting(song) in st.session_state:
        st.markdown(":gray[Describing the sound, then your correction is kept …]")
    elif own is not None:
        st.markdown(f":material/edit: You said: **{plain(_named(own.genres))}**")
    elif vector is not None:
        learnt = taught_model.learn(known.songs, tuple(vector["networks"]))
        if learnt is None:
            return
        scores = learnt.scores(vector["embedding"])[:_SHOWN]
        said = ", ".join(f"{vocabulary.display_name(g)} {100 * score:.0f}" for g, score in scores)
        if scores[0][1] < 0.5:
            said = f"no clear genre ({said})"
        belief = taught_model.in_words(learnt, taught_model.check(known.songs, learnt.networks))
        st.markdown(
            f":material/school: Your corrections say: **{plain(said)}** · :gray[{plain(belief)}]"
        )


def offer(song: Song, headline: str) -> None:
    """A popover in which the genres of a song are corrected.

    Args:
        headline: what the song's card names.
    """
    shown = st.popover(
        "Correct the genres", icon=":material/edit:", key=_popover(song), on_change="rerun"
    )
    if not shown.open:
        return
    known = teaching.listing(song.visitor)
    own = known.of(song.sha256)
    options = dict.fromkeys((*known.words, *song.tags.genres, *sorted(vocabulary.WIDE)))
    where = "in this server's memory, for you alone" if hosted.active() else "in the workspace"
    with shown:
        st.markdown(f"Analysed: **{headline}**. What do you call it?")
        chosen = st.multiselect(
            "Its genres",
            list(options),
            default=list(own.genres) if own is not None else [],
            format_func=vocabulary.display_name,
            max_selections=teaching.MOST_WORDS,
            accept_new_options=True,
            select_all=False,  # else Enter after "folk" takes pop folk with it
            placeholder="Choose, or write your own",
            key=f"{song.key}-words",
        )
        with st.container(horizontal=True):
            st.button(
                "Save",
                type="primary",
                disabled=not chosen,
                key=f"{song.key}-teach",
                on_click=_save,
                args=(song, chosen),
            )
            if own is not None:
                st.button(
                    "Remove the correction",
                    key=f"{song.key}-forget",
                    on_click=_remove,
                    args=(own,),
                )
        st.markdown(
            ":gray[From a few songs of two genres on, a small model learns from your corrections "
            "and is shown beside the others. Songs that were named right teach as much. Title, "
            f"artist, your words and numbers that describe the sound are kept {where}; the file "
            "isn't.]"
        )


def listing() -> None:
    """The corrections, each of which can be removed, and a way to make a data set of them."""
    known = teaching.listing(visitor())
    if known.problem:
        st.warning(plain(known.problem), icon=":material/warning:")
    removed: Correction | None = st.session_state.get(_REMOVED)
    if not known.songs and removed is None:
        return
    shown = st.expander(
        "Your corrections", icon=":material/school:", key="corrections", on_change="rerun"
    )
    if not shown.open:
        return
    with shown:
        networks = known.songs[-1].networks if known.songs else ()
        learnt = taught_model.learn(known.songs, networks)
        if learnt is None:
            st.markdown(
                f"They teach nothing yet: it takes {taught_model.LEAST_GENRES} genres of "
                f"{taught_model.LEAST_OF_EACH} songs each. Correct or confirm some more."
            )
        else:
            belief = taught_model.in_words(learnt, taught_model.check(known.songs, networks))
            st.markdown(f"A small model has {plain(belief)}.")
            _make_dataset(known.songs)
        if removed is not None:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"Removed **{plain(removed.title)}**.", width="content")
                st.button(
                    "Undo",
                    icon=":material/undo:",
                    type="tertiary",
                    key="restore-correction",
                    on_click=_restore,
                    args=(removed,),
                )
        every = st.session_state.get("corrections-all", False)
        for one in known.songs[::-1][: None if every else _ROWS]:
            with st.container(horizontal=True, vertical_alignment="center", wrap=False):
                title = " · ".join(filter(None, (one.title, one.artist)))
                st.markdown(f"**{plain(title)}**: {plain(_named(one.genres))}", width="stretch")
                st.button(
                    "Remove",
                    icon=":material/close:",
                    type="tertiary",
                    key=f"forget-{one.sha256}",
                    help="Forget this correction",
                    on_click=_remove,
                    args=(one,),
                )
        if len(known.songs) > _ROWS:
            st.toggle(f"Show all {len(known.songs)}", key="corrections-all")


def _make_dataset(songs: Sequence[Correction]) -> None:
    clicked = st.button(
        "Make a data set of them",
        icon=":material/model_training:",
        key="corrections-dataset",
        help="A table of the numbers that describe each song, with your genres; the artist keeps "
        "songs together in a split. Models trained on it can be judged and compared, but not used "
        "here: for that they would need the songs themselves.",
    )
    if not clicked:
        return
    try:
        name = _dataset(songs)
    except GenreEngineError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    navigation.go("train", {"data": name})


def _dataset(songs: Sequence[Correction]) -> str:
    """Make a data set under the first name that is free, and return the name.

    Raises:
        GenreEngineError: it can't be made.
    """
    for number in itertools.count(1):
        name = _DATASET if number == 1 else f"{_DATASET}-{number}"
        try:
            with owners.acting_for(visitor(), private=True):
                made = taught_model.to_dataset(songs, name)
        except DatasetExists:
            continue
        if hosted.active():
            from genre_engine.jobs import quota

            quota.admit(made.folder)
        return name
    raise AssertionError


def _save(song: Song, chosen: Sequence[str]) -> None:
    st.session_state[_popover(song)] = False
    st.session_state.pop(_problem(song), None)
    try:
        st.session_state[_waiting(song)] = teaching.words(chosen)
    except GenreEngineError as error:
        st.session_state[_problem(song)] = str(error)


def _keep_waiting(song: Song, own: Correction | None) -> None:
    """Keep a song's new genres once its vector is known."""
    if _waiting(song) not in st.session_state:
        return
    hearing = song.hearings.get(questions.EMBEDDING)
    vector = _vector(song)
    if vector is None and own is not None:
        vector = {"networks": own.networks, "embedding": own.embedding}
    if vector is None:
        if hearing is not None and hearing.error is not None:
            del st.session_state[_waiting(song)], song.hearings[questions.EMBEDDING]
            st.session_state[_problem(song)] = f"Nothing was kept: {hearing.error}"
        return
    genres = st.session_state.pop(_waiting(song))
    title, artist = song.tags.title or song.name, song.tags.artist
    try:
        teaching.correct(song.visitor, song.sha256, genres, title=title, artist=artist, **vector)
    except GenreEngineError as error:
        st.session_state[_problem(song)] = str(error)


def _remove(correction: Correction) -> None:
    try:
        st.session_state[_REMOVED] = teaching.remove(visitor(), correction.sha256)
    except GenreEngineError as error:
        st.error(plain(str(error)), icon=":material/error:")


def _restore(correction: Correction) -> None:
    try:
        teaching.restore(visitor(), correction)
    except GenreEngineError as error:
        st.error(plain(str(error)), icon=":material/error:")
    else:
        st.session_state.pop(_REMOVED, None)


def _vector(song: Song) -> dict[str, Any] | None:
    """What `questions.EMBEDDING` was answered, if it was."""
    hearing = song.hearings.get(questions.EMBEDDING)
    return hearing.answer if hearing is not None else None


def _named(genres: Sequence[str]) -> str:
    return ", ".join(genres)


def _popover(song: Song) -> str:
    return f"{song.key}-correct"


def _waiting(song: Song) -> str:
    return f"{song.key}-corrected"


def _problem(song: Song) -> str:
    return f"{song.key}-not-corrected"
