"""One song on the Classify page: sentence, player, strip, bars, and what else is heard."""

import re
from collections.abc import Callable

import streamlit as st

from genre_engine import figures, vocabulary
from genre_engine.errors import GenreEngineError, WeightsError
from genre_engine.overview import overview
from genre_engine.pretrained import weights
from pages.components.listener import Song, listener
from pages.components.strip import heat_strip
from pages.components.text import plain


def song_card(song: Song, view: str, remove: Callable[[Song], None]) -> None:
    """Draw a song as far as it is known."""
    with st.container(border=True, key=song.key):
        _card(song, view, remove)


def _card(song: Song, view: str, remove: Callable[[Song], None]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", wrap=False):
        with st.container(gap=None):
            st.subheader(_headline(song, view), anchor=False)
            st.markdown(_about(song))
        st.button(
            "Remove",
            icon=":material/close:",
            type="tertiary",
            key=f"{song.key}-remove",
            help="Take this song off the page",
            on_click=remove,
            args=(song,),
        )
    if song.error is not None:
        _failure(song)
        return
    _player(song)
    analysis = song.analysis
    if analysis is None:
        st.progress(0.0, text=song.note)
        return
    heat_strip(analysis, view, song.key)
    if song.busy:
        st.progress(analysis.share_heard, text=f"Heard {analysis.share_heard:.0%} so far")
    bars, rest = st.columns([3, 2], gap="large")
    with bars:
        _bars(song, view)
    with rest:
        _heard(song)
    for warning in analysis.warnings:
        st.warning(warning, icon=":material/warning:")
    if not song.busy:
        _pictures(song)


def _headline(song: Song, view: str) -> str:
    if song.error is not None:
        return "This one didn't work"
    if song.analysis is None:
        return "Listening …"
    return plain(song.analysis.sentence(view))


def _about(song: Song) -> str:
    name = f"**{plain(song.name)}**"
    if song.example:
        name += " · our example, made by this project's own synthesiser"
    if song.analysis is not None and not song.busy:
        minutes, seconds = divmod(int(song.analysis.duration_s), 60)
        name += f" · {minutes}:{seconds:02}"
    return name


def _failure(song: Song) -> None:
    if not isinstance(song.error, GenreEngineError):
        st.error(
            "A fault of this app, not of your file; it has been logged. The other songs are not "
            "affected.",
            icon=":material/error:",
        )
        return
    st.error(plain(str(song.error)), icon=":material/error:")
    if isinstance(song.error, WeightsError):
        st.code(weights.COMMAND, language="bash")
        if st.button("Try again", key=f"{song.key}-again", icon=":material/refresh:"):
            song.error, song.state = None, "waiting"
            listener().submit(song)
            st.rerun()


def _player(song: Song) -> None:
    if song.playable is not None:
        data, mime = song.playable
        st.audio(data, format=mime, alt=f"Player for {song.name}")


def _bars(song: Song, view: str) -> None:
    assert song.analysis is not None  # noqa: S101 - only drawn with one
    scores = song.analysis.views[view]
    every = st.session_state.get(f"{song.key}-all", False)
    top = None if every else 5
    st.plotly_chart(
        figures.genre_bars(scores, top, vocabulary.tagless(view)),
        key=f"{song.key}-bars-{view}-{every}",
        config={"displayModeBar": False},
        alt=figures.genre_bars_alt(scores, top),
    )
    st.toggle(f"Show all {len(vocabulary.VIEWS[view])} genres", key=f"{song.key}-all")


def _heard(song: Song) -> None:
    assert song.analysis is not None  # noqa: S101 - only drawn with one
    st.markdown("**What else it hears**")
    groups: dict[str, list[str]] = {}
    for heard in song.analysis.heard:
        groups.setdefault(heard.group, []).append(heard.name)
    if not groups:
        st.markdown("Nothing else stands out.")
    for group, names in groups.items():
        badges = " ".join(f":violet-badge[{plain(name)}]" for name in names)
        st.markdown(f"{group.capitalize()}: {badges}")


def _pictures(song: Song) -> None:
    shown = st.expander(
        "Waveform and mel spectrogram", key=f"{song.key}-pictures", on_change="rerun"
    )
    if not shown.open:
        return
    with shown:
        if song.drawn is None:
            with st.spinner("Drawing …"):
                song.drawn = overview(song.data)
        drawn = song.drawn
        file = re.sub(r"\W+", "-", song.name).strip("-")[:40] or "song"
        st.plotly_chart(
            figures.waveform(drawn),
            key=f"{song.key}-waveform",
            config={"displaylogo": False, "toImageButtonOptions": {"filename": f"{file}-waveform"}},
            alt=f"Waveform of {song.name}",
        )
        st.plotly_chart(
            figures.mel_spectrogram(drawn),
            key=f"{song.key}-mel",
            config={"displaylogo": False, "toImageButtonOptions": {"filename": f"{file}-mel"}},
            alt=f"Mel spectrogram of {song.name}: level by frequency over time",
        )
