"""One song on the Classify page: its player, and what each model says of it."""

from collections.abc import Callable, Sequence
from urllib.parse import urlencode

import streamlit as st

from genre_engine import figures
from genre_engine.audio import tempo_key
from genre_engine.audio.tempo_key import TempoKey
from genre_engine.errors import GenreEngineError, WeightsError, WrongUsage
from genre_engine.prediction import MODEL, ModelInfo, combining, questions, vocabulary
from genre_engine.prediction.analysis import Analysis
from genre_engine.prediction.overview import overview
from genre_engine.pretrained import NETWORKS, published
from pages.components.classify import bars, similar_songs, tag_words, teach, why
from pages.components.classify.model_picker import NAMES, about
from pages.components.classify.queue import Hearing, Song, listener
from pages.components.classify.strip import Picture, heat_strip
from pages.components.shared.text import plain

# Below this width a heat strip's times run into each other.
_COLUMN = "13rem"
# So many signs of a checksum tell songs apart.
_SIGNS = 16
# On a phone the buttons would leave a few letters' room for what stands beside them.
_HEAD = """<style>@media (max-width: 640px) {
  [class*="st-key-song-"][class*="-head"] { flex-wrap: wrap; }
  [class*="st-key-song-"][class*="-head"] > [data-testid="stLayoutWrapper"] { min-width: 70%; }
}</style>"""


def song_card(
    song: Song, models: Sequence[ModelInfo], view: str, remove: Callable[[Song], None]
) -> None:
    """Draw what each model says of a song, as far as it is known; several side by side."""
    with st.container(border=True, key=song.key):
        hearings = [song.hearings[model.id] for model in models]
        alone = len(models) == 1
        st.html(_HEAD)
        with st.container(
            horizontal=True, vertical_alignment="center", wrap=False, key=f"{song.key}-head"
        ):
            if song.cover is not None:
                st.image(song.cover, width=64)
            with st.container(gap=None):
                if alone:
                    st.header(_headline(hearings[0], view), anchor=False)
                st.markdown(_about(song, hearings, view))
                if (line := _tempo_and_key(song)) is not None:
                    st.markdown(line)
                teach.say(song)
                if alone and models[0].is_run:
                    about(models[0])
            if any(hearing.state == "done" for hearing in hearings) and not song.example:
                st.link_button(
                    "Link",
                    _link(song, models, view),
                    icon=":material/link:",
                    type="tertiary",
                    help="This result by itself; the address can be kept",
                )
            st.button(
                "Remove",
                icon=":material/close:",
                type="tertiary",
                key=f"{song.key}-remove",
                help="Take this song off the page",
                on_click=remove,
                args=(song,),
            )
        if alone and hearings[0].error is not None:
            _failure(song, hearings[0], models[0])
            return
        _player(song)
        if alone:
            _hearing(song, hearings[0], models[0], view, wide=True)
        else:
            _side_by_side(song, hearings, models, view)
        if song.is_here and not any(hearing.busy or hearing.error for hearing in hearings):
            teach.offer(song, _headline(hearings[0], view))
            st.toggle("Show waveform and mel spectrogram", key=f"{song.key}-pictures")
            if alone:
                why.offer(song, hearings[0], models[0], view)
            similar_songs.offer(song)


def _side_by_side(
    song: Song, hearings: Sequence[Hearing], models: Sequence[ModelInfo], view: str
) -> None:
    """A column for each model where they are wide enough to be read; else below each other."""
    key = f"{song.key}-models"
    with st.container(key=key):
        st.html(
            f"<style>.st-key-{key} [data-testid=stColumn] {{ min-width: min(100%, {_COLUMN}) }}"
            "</style>"
        )
        columns = st.columns(len(models), gap="large")
        for column, hearing, model in zip(columns, hearings, models, strict=True):
            with column:
                _column(song, hearing, model, view)


def _column(song: Song, hearing: Hearing, model: ModelInfo, view: str) -> None:
    """One model of several."""
    name = plain(model.name) if model.is_run else NAMES[model.id]
    with st.container(gap=None):
        st.markdown(f"**{name}**")
        st.header(_headline(hearing, view), anchor=False)
        about(model)
    if hearing.error is not None:
        _failure(song, hearing, model)
    else:
        _hearing(song, hearing, model, view, wide=False)


def _hearing(song: Song, hearing: Hearing, model: ModelInfo, view: str, *, wide: bool) -> None:
    analysis = hearing.analysis
    if analysis is None:
        st.progress(0.0, text=hearing.note)
        return
    key = song.key if model.id == MODEL else f"{song.key}-{model.id}"
    view = analysis.view(view)
    pictures = _pictures(song) if not hearing.busy else []
    heat_strip(analysis, view, song.key, key, narrow=not wide, pictures=pictures)
    if hearing.busy:
        st.progress(analysis.share_heard, text=f"Analysed {analysis.share_heard:.0%} so far")
    if model.is_run or not wide:
        _bars(analysis, view, key)
        if not model.is_run:
            _detected(analysis)
    else:
        bars, rest = st.columns([3, 2], gap="large")
        with bars:
            _bars(analysis, view, key)
        with rest:
            _detected(analysis)
    for warning in analysis.warnings:
        st.warning(warning, icon=":material/warning:")


def _headline(hearing: Hearing, view: str) -> str:
    if hearing.error is not None:
        return "This song could not be classified"
    if hearing.analysis is None:
        return "Analysing …"
    analysis, view = hearing.analysis, hearing.analysis.view(view)
    if hearing.busy:
        named = hearing.named[view] = analysis.leader(view, hearing.named.get(view))
        return f"{plain(vocabulary.display_name(named))}, so far"
    return plain(analysis.sentence(view))


def _about(song: Song, hearings: Sequence[Hearing], view: str) -> str:
    name = f"**{plain(song.title)}**"
    if song.title != song.name:
        name += f" · {plain(song.name)}"
    if song.example:
        name += " · our example, made by this project's own synthesiser"
    known = next((h.analysis for h in hearings if h.analysis is not None and not h.busy), None)
    if known is not None:
        minutes, seconds = divmod(int(known.duration_s), 60)
        name += f" · {minutes}:{seconds:02}"
        if (found := tag_words.compared(song, known, view)) is not None:
            name += f" · tag says {plain(found.text)}"
    return name


def _link(song: Song, models: Sequence[ModelInfo], view: str) -> str:
    """The address of a song's result, relative to the page's."""
    asked = [("song", song.sha256[:_SIGNS]), ("view", view)]
    return "?" + urlencode(asked + [("model", model.name) for model in models])


def _tempo_and_key(song: Song) -> str | None:
    """A line on a song's tempo and key, once they are asked for; None where nothing is known."""
    hearing = song.hearings.get(questions.TEMPO_KEY)
    if hearing is None or hearing.state == "failed":
        return None
    if hearing.answer is None:
        return ":gray[Finding tempo and key …]"
    found = TempoKey(**hearing.answer)
    tempo = "no steady beat"
    if found.bpm is not None:
        tempo = f"**{found.bpm:.0f}** beats a minute{_unsure(found.bpm_sure)}"
    key = "no clear key"
    if found.key is not None:
        key = f"**{found.key}**{_unsure(found.key_sure)}"
    return f":material/music_note: {tempo[:1].upper()}{tempo[1:]} · {key}"


def _unsure(sure: float) -> str:
    return "" if sure >= tempo_key.SURE else " (not sure)"


def _failure(song: Song, hearing: Hearing, model: ModelInfo) -> None:
    if not isinstance(hearing.error, GenreEngineError):
        st.error(
            "A fault of this app, not of your file; it has been logged. The other songs are not "
            "affected.",
            icon=":material/error:",
        )
        return
    if isinstance(hearing.error, WrongUsage):  # it was there when the page was drawn
        st.error(
            f"The run **{plain(model.name)}** was removed. Choose another model.",
            icon=":material/error:",
        )
        return
    st.error(plain(str(hearing.error)), icon=":material/error:")
    if isinstance(hearing.error, WeightsError):
        st.code(published.COMMAND, language="bash")
        if st.button(
            "Try again", key=f"{song.key}-{hearing.model}-again", icon=":material/refresh:"
        ):
            hearing.error, hearing.state = None, "waiting"
            listener().submit(song, hearing.model)
            st.rerun()


def _player(song: Song) -> None:
    if not song.is_here:
        st.markdown(":gray[To play it, drop its file in again; it won't be analysed again.]")
    if song.playable is not None:
        data, mime = song.playable
        st.audio(data, format=mime, alt=f"Player for {song.name}")


def _bars(analysis: Analysis, view: str, key: str) -> None:
    scores = analysis.views[view]
    every = st.session_state.get(f"{key}-all", False)
    top = None if every else 5
    unknown: tuple[str, ...] = ()
    word = "probability" if analysis.calibrated else "score"
    if view in vocabulary.VIEWS:
        known = {NETWORKS[n].vocabulary for n in analysis.networks if n in NETWORKS}
        # Of the wide view's genres only those are shown that the networks know.
        unknown = vocabulary.unknown_genres(view, known) if view == "ten" and known else ()
        learnt = not known or combining.is_learnt(view, analysis.networks)
        word = "probability" if learnt else "match"
    bars.draw(scores, top, unknown, word)
    n_genres = len(scores.genres) + len(unknown)
    if n_genres > 5:
        st.toggle(f"Show all {n_genres} genres", key=f"{key}-all")


def _detected(analysis: Analysis) -> None:
    st.markdown("**Also detected**")
    groups: dict[str, list[str]] = {}
    for found in analysis.detected:
        groups.setdefault(found.group, []).append(found.name)
    if not groups:
        st.markdown("Nothing else stands out.")
    for group, names in groups.items():
        badges = " ".join(f":violet-badge[{plain(name)}]" for name in names)
        st.markdown(f"{group.capitalize()}: {badges}")


def _pictures(song: Song) -> list[Picture]:
    """The pictures of a song for its strip, where they are asked for."""
    if not st.session_state.get(f"{song.key}-pictures", False):
        return []
    if song.pictures is None:
        with st.spinner("Drawing …"):
            drawn = overview(song.data)
        song.pictures = [
            ("Waveform", figures.waveform(drawn)),
            ("Up to 8 kHz", figures.mel_spectrogram(drawn)),
        ]
    return song.pictures
