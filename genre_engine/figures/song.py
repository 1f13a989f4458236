"""A classified song: its genres as bars, its waveform and mel spectrogram."""

from typing import TYPE_CHECKING

import numpy as np

from genre_engine.figures.colours import ACCENT, ACCENT_LIGHT, ACCENT_PALE, LEVELS, MUTED, NEUTRAL
from genre_engine.figures.names import genre_name
from genre_engine.prediction import vocabulary
from genre_engine.prediction.overview import Overview
from genre_engine.prediction.vocabulary import Floats, GenreScores

if TYPE_CHECKING:
    import plotly.graph_objects as go

# The same on both pictures of a song, so that their time axes line up.
_PICTURE_MARGIN = {"l": 56, "r": 64, "t": 8, "b": 24}


def genre_bars(
    scores: GenreScores,
    top: int | None = 5,
    unknown: tuple[str, ...] = (),
    word: str = "match",
) -> "go.Figure":
    """The best genres as bars from 0 to 100, a line over each from the 10th to the 90th percentile
    of its windows; genres that the model doesn't know as hatched rows below.

    Where there are thresholds, a tick stands at each, and bars that don't reach theirs are pale.
    """
    import plotly.graph_objects as go

    best = scores.ranking()[:top]
    names = [genre_name(scores.genres[i]) for i in best]
    matches = 100 * scores.song[best]
    low, high = 100 * np.percentile(scores.by_window[:, best], (10, 90), axis=0)
    yes = set(best if scores.thresholds is None else scores.yes())
    figure = go.Figure(
        go.Bar(
            y=names,
            x=matches,
            orientation="h",
            marker={
                "color": [ACCENT_LIGHT if i in yes else ACCENT_PALE for i in best],
                "cornerradius": 4,
            },
            customdata=np.stack([low, high], axis=1),
            hovertemplate=f"%{{y}}: {word} "
            "%{x:.0f}; most windows between %{customdata[0]:.0f} and "
            "%{customdata[1]:.0f}<extra></extra>",
        )
    )
    for name, start, end in zip(names, low, high, strict=True):
        figure.add_scatter(
            y=[name, name],
            x=[start, end],
            mode="lines+markers",
            line={"color": ACCENT, "width": 2},
            marker={"symbol": "line-ns-open", "size": 8, "color": ACCENT},
            hoverinfo="skip",
        )
    ends = np.maximum(matches, high)
    if scores.thresholds is not None:
        thresholds = 100 * scores.thresholds[best]
        _add_thresholds(figure, names, thresholds)
        ends = np.maximum(ends, thresholds)
    for index, name, match, end in zip(best, names, matches, ends, strict=True):
        figure.add_annotation(
            y=name,
            x=end,
            text=f"<b>{match:.0f}</b>" if index in yes else f"{match:.0f}",
            showarrow=False,
            xanchor="left",
            xshift=8,
        )
    for genre in unknown:
        name = genre_name(genre)
        names.append(name)
        figure.add_bar(
            y=[name],
            x=[100],
            orientation="h",
            marker={
                "color": "rgba(0, 0, 0, 0)",
                "line": {"color": MUTED, "width": 1},
                "pattern": {"shape": "/", "fgcolor": MUTED, "size": 6, "solidity": 0.12},
            },
            hovertemplate=f"{name}: these networks don't know it<extra></extra>",
        )
    figure.update_layout(
        showlegend=False,
        barmode="overlay",
        bargap=0.45,
        height=34 * len(names) + 48,
        margin={"l": 4, "r": 28, "t": 4, "b": 4},
        xaxis={"range": [0, 104], "tickvals": [0, 25, 50, 75, 100], "fixedrange": True},
        yaxis={
            "categoryorder": "array",
            "categoryarray": names[::-1],
            "ticksuffix": "  ",
            "fixedrange": True,
            "showgrid": False,
        },
    )
    return figure


def _add_thresholds(figure: "go.Figure", names: list[str], thresholds: Floats) -> None:
    figure.add_scatter(
        y=names,
        x=thresholds,
        mode="markers",
        marker={
            "symbol": "line-ns-open",
            "size": 18,
            "line": {"width": 2, "color": NEUTRAL},
            "color": NEUTRAL,
        },
        hovertemplate='%{y}: counts as "yes" from %{x:.0f} on<extra></extra>',
    )


def genre_bars_alt(scores: GenreScores, top: int | None = 5, word: str = "match") -> str:
    """The bars in words."""
    best = scores.ranking()[:top]
    yes = scores.yes()
    listed = (
        f"{vocabulary.display_name(scores.genres[i])} {100 * scores.song[i]:.0f}"
        + (' (counts as "yes")' if i in yes else "")
        for i in best
    )
    return f"{word.capitalize()} from 0 to 100: " + ", ".join(listed)


def waveform(drawn: Overview) -> "go.Figure":
    """The outline of the samples over time."""
    import plotly.graph_objects as go

    figure = go.Figure(
        go.Scatter(
            x=np.concatenate([drawn.times_s, drawn.times_s[::-1]]),
            y=np.concatenate([drawn.high, drawn.low[::-1]]),
            fill="toself",
            fillcolor=ACCENT,
            line={"width": 0.5, "color": ACCENT},
            hoverinfo="skip",
        )
    )
    figure.update_layout(
        height=180,
        margin=_PICTURE_MARGIN,
        xaxis=_time_axis(drawn),
        yaxis={
            "range": [-1, 1],
            "tickvals": [-1, 0, 1],
            "title": "Sample",
            "fixedrange": True,
            "automargin": False,
        },
    )
    return figure


def mel_spectrogram(drawn: Overview) -> "go.Figure":
    """Level in each mel band over time, decibels below the loudest."""
    import plotly.graph_objects as go

    bands = len(drawn.mel_hz)
    shown_hz = [100, 500, 1000, 2000, 4000, 7000]
    figure = go.Figure(
        go.Heatmap(
            x=drawn.times_s,
            # Bands are drawn at equal heights, as the ear spaces them; their Hz are the labels.
            y=np.arange(bands),
            z=drawn.mel_db.round().astype(np.int8),
            customdata=np.repeat(drawn.mel_hz.round()[:, None], len(drawn.times_s), axis=1),
            colorscale=[list(stop) for stop in LEVELS],
            zmin=-80,
            zmax=0,
            colorbar={"title": "dB", "thickness": 10, "outlinewidth": 0, "xpad": 6},
            hovertemplate="%{x:.1f} s, %{customdata:.0f} Hz: %{z} dB<extra></extra>",
        )
    )
    figure.update_layout(
        height=260,
        margin=_PICTURE_MARGIN,
        xaxis=_time_axis(drawn),
        yaxis={
            "tickvals": np.interp(shown_hz, drawn.mel_hz, np.arange(bands)),
            "ticktext": [f"{hz / 1000:g}k" if hz >= 1000 else str(hz) for hz in shown_hz],
            "title": "Frequency in Hz",
            "fixedrange": True,
            "automargin": False,
        },
    )
    return figure


def _time_axis(drawn: Overview) -> dict[str, object]:
    end_s = float(drawn.times_s[-1] + drawn.times_s[0])
    steps = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 3600)
    step = next((s for s in steps if end_s / s <= 8), steps[-1])
    ticks = np.arange(0, end_s, step)
    return {
        "range": [0, end_s],
        "tickvals": ticks,
        "ticktext": [f"{int(t) // 60}:{int(t) % 60:02}" for t in ticks],
        "showgrid": False,
        "zeroline": False,
    }
