"""The songs of one visit: they stay while the visitor looks at other pages."""

from collections.abc import Sequence

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from genre_engine.audio.tags import FileTags
from genre_engine.errors import FileMissing
from genre_engine.jobs import hosted
from genre_engine.prediction import MODEL, example, questions, recent
from genre_engine.storage import owners
from pages.components.classify.queue import Hearing, Song, background_listener, listener
from pages.components.shared.session_id import visitor

# How often unfinished songs are looked after, in seconds.
_TICK_S = 0.3

_SONGS = "songs"
_VISITOR = "visitor"
_SEEN = "seen_uploads"
_REMOVED = "removed_song"
_RECORDED = "recordings"


def songs() -> list[Song]:
    """This visit's songs, the newest first; a new visit starts with the example, classified."""
    if _SONGS not in st.session_state:
        st.session_state[_SONGS] = []
        st.session_state[_SEEN] = set()
        st.session_state[_VISITOR] = visitor()
        if not open_kept(str(st.query_params.get("song", ""))):
            add_example()
    found: list[Song] = st.session_state[_SONGS]
    return found


def add_uploads(uploads: Sequence[UploadedFile], *, recorded: bool = False) -> list[str]:
    """Take up the files that are new among those in the upload widget, or a recording.

    Returns:
        names of those for which a shared server has no room; removing others makes some.
    """
    mine = songs()
    seen: set[str] = st.session_state[_SEEN]
    left_out = []
    for upload in uploads:
        if upload.file_id not in seen:
            if owners.active() and sum(not song.example for song in mine) >= hosted.SONGS:
                left_out.append(upload.name)
                continue
            seen.add(upload.file_id)
            name = _recording() if recorded else upload.name
            song = Song(name, upload.getvalue(), st.session_state[_VISITOR])
            # The file of a song that was opened without it.
            for other in [one for one in mine if not one.is_here and one.sha256 == song.sha256]:
                mine.remove(other)
            mine.insert(0, song)
    return left_out


def _recording() -> str:
    """A name that no other recording of the visit has."""
    st.session_state[_RECORDED] = st.session_state.get(_RECORDED, 0) + 1
    return f"Recording {st.session_state[_RECORDED]}"


def classify(models: Sequence[str]) -> None:
    """Have every song classified by these models, by their ids, and let go of the others' work."""
    for song in reversed(songs()):  # in the order in which they came
        for model in [model for model in song.hearings if model not in models]:
            if song.hearings[model].busy and not questions.is_question(model):
                del song.hearings[model]
        for model in models:
            if model not in song.hearings:
                song.hearings[model] = hearing = _kept_hearing(song, model) or Hearing(model)
                if hearing.busy:
                    listener().submit(song, model)


def _kept_hearing(song: Song, model: str) -> Hearing | None:
    """What a model said of the same file before; None where it has to be asked."""
    if song.example or (song.is_here and song.playable is None):  # what plays isn't made yet
        return None
    kept = recent.find(song.visitor, song.sha256)
    known = kept.of(model) if kept is not None else None
    if known is not None:
        return Hearing(model, state="done", analysis=known)
    if song.is_here:
        return None
    error = FileMissing("This model hasn't analysed the song yet. Drop its file in above.")
    return Hearing(model, state="failed", error=error)


def open_kept(sha256: str) -> bool:
    """Put a song on top whose analyses were kept; False where nothing is kept of it."""
    kept = recent.find(st.session_state[_VISITOR], sha256) if sha256 else None
    if kept is None:
        return False
    mine: list[Song] = st.session_state[_SONGS]
    if not any(song.sha256 == kept.song.sha256 for song in mine):
        song = Song(
            kept.song.name,
            b"",
            st.session_state[_VISITOR],
            sha256=kept.song.sha256,
            is_here=False,
        )
        song.tags = FileTags(title=kept.song.title, genres=kept.song.genres)
        mine.insert(0, song)
    return True


def ask_tempo_and_key(models: Sequence[str]) -> None:
    """Have tempo and key found of the songs whose genres are known.

    Not of the example, which is three pieces of different tempos and keys.
    """
    for song in reversed(songs()):
        known = all(song.hearings[model].state == "done" for model in models)
        asked = song.is_here and not song.example
        if known and asked and questions.TEMPO_KEY not in song.hearings:
            song.hearings[questions.TEMPO_KEY] = Hearing(questions.TEMPO_KEY)
            background_listener().submit(song, questions.TEMPO_KEY)


def add_example() -> None:
    """Put the bundled example on top; its result comes with it."""
    song = Song(
        example.TITLE,
        example.PATH.read_bytes(),
        st.session_state[_VISITOR],
        example=True,
        hearings={MODEL: Hearing(MODEL, state="done", analysis=example.analysis())},
    )
    songs().insert(0, song)


def remove(song: Song) -> None:
    """Take a song off the page; `undo` brings it back."""
    mine = songs()
    if song in mine:
        st.session_state[_REMOVED] = (mine.index(song), song)
        song.cancelled = True
        mine.remove(song)


def removed() -> Song | None:
    """The song that `undo` would bring back."""
    found = st.session_state.get(_REMOVED)
    return found[1] if found else None


def undo() -> None:
    place, song = st.session_state.pop(_REMOVED)
    song.cancelled = False
    songs().insert(place, song)
    for hearing in song.hearings.values():
        if hearing.busy:
            background = hearing.model == questions.TEMPO_KEY
            (background_listener() if background else listener()).submit(song, hearing.model)


News = list[tuple[bool, str, int]]


def news() -> News:
    """What is known of each song; to be taken before the songs are drawn, for `watch`."""
    return [
        (hearing.busy, hearing.note, id(hearing.analysis or hearing.answer))
        for song in songs()
        for hearing in list(song.hearings.values())
    ]


def watch(drawn: News) -> None:
    """While songs are being worked on, run the page again whenever there is news of one.

    Only the look for news ticks: drawing the cards at every tick would have the players' audio read
    again and again, and take time from the networks.

    Args:
        drawn: the news from before the cards were drawn. What came while they were being drawn is
            then found to be new.
    """
    # A card may have asked something while it was drawn.
    if any(busy for busy, _, _ in (*drawn, *news())):
        st.fragment(_look, run_every=_TICK_S, key="watch")(drawn)


def _look(drawn: News) -> None:
    if news() != drawn:
        # Whatever the visitor asked for meanwhile goes first: a call like this one lets it through,
        # and the rerun below would be taken for an answer to it.
        st.empty()
        st.rerun()
