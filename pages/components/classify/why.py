"""Why a model says a genre: the windows that speak most for it, and what in the sound does."""

import numpy as np
import streamlit as st

from genre_engine import figures
from genre_engine.prediction import ModelInfo, questions, reasons, vocabulary
from genre_engine.prediction.analysis import Analysis
from genre_engine.prediction.reasons import Change, Reasons
from genre_engine.pretrained import CHOICES
from pages.components.classify.queue import Hearing, Song, listener
from pages.components.shared.text import plain

# Genres that can be asked about, and windows that can be played.
_GENRES, _WINDOWS = 5, 3


def offer(song: Song, hearing: Hearing, model: ModelInfo, view: str) -> None:
    """An expander with the reasons for a genre of the visitor's choice."""
    analysis = hearing.analysis
    if analysis is None:
        return
    shown = st.expander(
        "Why these genres?", icon=":material/help:", key=f"{song.key}-why", on_change="rerun"
    )
    if not shown.open:
        return
    view = analysis.view(view)
    scores = analysis.views[view]
    genres = [scores.genres[i] for i in scores.ranking()[:_GENRES]]
    with shown:
        genre = st.segmented_control(
            "Genre",
            genres,
            format_func=vocabulary.display_name,
            default=genres[0],
            required=True,
            key=f"{song.key}-why-{model.id}-{view}",
            label_visibility="collapsed",
        )
        best = strongest(analysis, view, genre)
        _play(song, analysis, view, genre, best)
        if model.is_run or model.id in CHOICES:
            place = best[0]
            start_s, end_s = float(analysis.starts_s[place]), float(analysis.ends_s[place])
            _ask(song, questions.why(model.id, view, genre, start_s, end_s))


def strongest(analysis: Analysis, view: str, genre: str) -> list[int]:
    """The windows with the highest scores of a genre that don't overlap, the highest first."""
    scores = analysis.views[view]
    values = scores.by_window[:, scores.genres.index(genre)]
    chosen: list[int] = []
    for place in np.argsort(-values, kind="stable"):
        apart = all(
            analysis.ends_s[place] <= analysis.starts_s[other] + 0.01
            or analysis.starts_s[place] >= analysis.ends_s[other] - 0.01
            for other in chosen
        )
        if apart:
            chosen.append(int(place))
        if len(chosen) == _WINDOWS:
            break
    return chosen


def _play(song: Song, analysis: Analysis, view: str, genre: str, windows: list[int]) -> None:
    scores = analysis.views[view]
    column = scores.genres.index(genre)
    st.markdown(f"Where it sounds most like **{vocabulary.name_within(genre)}**:")
    for column_, place in zip(st.columns(_WINDOWS), windows, strict=False):
        start_s, end_s = analysis.starts_s[place], analysis.ends_s[place]
        with column_, st.container(gap="xsmall"):
            score = 100 * scores.by_window[place, column]
            st.markdown(f"{_clock(start_s)} to {_clock(end_s)}: **{score:.0f}**")
            if song.playable is not None:
                data, mime = song.playable
                st.audio(
                    data,
                    format=mime,
                    start_time=float(start_s),
                    end_time=float(end_s),
                    alt=f"{song.name} from {_clock(start_s)}",
                )


def _ask(song: Song, question: str) -> None:
    hearing = song.hearings.get(question)
    if hearing is None:
        song.hearings[question] = hearing = Hearing(question)
        listener().submit(song, question)
    if hearing.error is not None:
        st.warning(plain(str(hearing.error)), icon=":material/warning:")
    elif hearing.answer is None:
        st.progress(0.0, text="Analysing the first of these again, a part of it quieter each time")
    else:
        _draw(song, reasons.from_dict(hearing.answer))


def _draw(song: Song, found: Reasons) -> None:
    name = vocabulary.name_within(found.genre)
    st.markdown(
        f"{_sentence(found.bands, found, f'What speaks for {name}')} "
        "Each bar shows by how many points the score changes when that part of the sound is 20 dB "
        "quieter; to the left and down: the part speaks for the genre."
    )
    st.plotly_chart(
        figures.reasons(found),
        key=f"{song.key}-reasons",
        config={"displayModeBar": False},
        alt="; ".join(f"{band.name} quieter: {band.points:+.0f} points" for band in found.bands),
    )
    if found.groups:
        st.markdown(
            "With a group of its numbers set to the mean of the training tracks, the score changes "
            "by: "
            + "; ".join(f"**{group.name}** {group.points:+.0f}" for group in found.groups)
            + ". A loss means that this group pushed the score up."
        )


def _sentence(bands: tuple[Change, ...], found: Reasons, beginning: str) -> str:
    most = min(bands, key=lambda band: band.points)
    if most.points > -3:
        return f"No single band decides: it stays at about {found.score:.0f} whichever is quieter."
    left = max(0.0, found.score + most.points)
    return (
        f"{beginning} most is the sound **{_place(most)}**: with it quieter the score is "
        f"{left:.0f} instead of {found.score:.0f}."
    )


def _place(band: Change) -> str:
    return band.name if band.low == 0 else f"from {band.name}"


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
