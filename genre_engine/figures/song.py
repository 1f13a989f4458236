"""A classified song: waveform and mel spectrogram, and reasons for a genre."""

import io
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genre_engine.figures.colours import ACCENT, ACCENT_LIGHT, LEVELS, MUTED
from genre_engine.prediction.overview import Overview

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from genre_engine.prediction.reasons import Reasons


# Between two labels of an axis of time.
_STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60)


def waveform(drawn: Overview, height: int = 96) -> bytes:
    """The outline of the samples over time as a PNG, a column a column, on no ground."""
    rows = np.linspace(1, -1, height)[:, None]
    half = 1 / height
    inside = (rows <= drawn.high + half) & (rows >= drawn.low - half)
    pixels = np.zeros((*inside.shape, 4), np.uint8)
    pixels[inside] = (*_rgb(ACCENT), 255)
    return _png(pixels)


def mel_spectrogram(drawn: Overview) -> bytes:
    """Level in each mel band over time as a PNG, a row a band, low ones at the bottom."""
    stops = np.array([place for place, _ in LEVELS])
    colours = np.array([_rgb(colour) for _, colour in LEVELS])
    levels = 1 + drawn.mel_db[::-1] / 80
    channels = [np.interp(levels, stops, colours[:, i]) for i in range(3)]
    return _png(np.stack(channels, axis=-1).round().astype(np.uint8))


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _png(pixels: NDArray[np.uint8]) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def reasons(found: "Reasons") -> "go.Figure":
    """A window's mel spectrogram; beside it what each band of frequencies changes, and below it
    what each stretch of time does, in points of the genre's score."""
    from plotly.subplots import make_subplots

    figure = make_subplots(
        rows=2,
        cols=2,
        column_widths=[0.75, 0.25],
        row_heights=[0.72, 0.28],
        shared_xaxes="columns",
        shared_yaxes="rows",
        horizontal_spacing=0.02,
        vertical_spacing=0.04,
    )
    mel = np.array(found.mel_db)
    bands, columns = mel.shape
    step_s = (found.end_s - found.start_s) / columns
    figure.add_heatmap(
        z=mel,
        x=found.start_s + (np.arange(columns) + 0.5) * step_s,
        y=np.arange(bands),
        colorscale=[list(stop) for stop in LEVELS],
        zmin=-80,
        zmax=0,
        showscale=False,
        customdata=[[_clock(found.start_s + (n + 0.5) * step_s, 0.1) for n in range(columns)]]
        * bands,
        hovertemplate="%{customdata}: %{z} dB<extra></extra>",
        row=1,
        col=1,
    )
    places = np.interp(
        [(band.low, band.high) for band in found.bands], found.mel_hz, np.arange(bands)
    )
    figure.add_bar(
        x=[band.points for band in found.bands],
        y=places.mean(axis=1),
        width=0.92 * np.diff(places, axis=1)[:, 0],
        orientation="h",
        marker={"color": [_speaks(band.points) for band in found.bands]},
        customdata=[band.name for band in found.bands],
        hovertemplate="%{customdata} quieter: %{x:+.0f} points<extra></extra>",
        row=1,
        col=2,
    )
    figure.add_bar(
        x=[(part.low + part.high) / 2 for part in found.slices],
        y=[part.points for part in found.slices],
        width=[0.92 * (part.high - part.low) for part in found.slices],
        marker={"color": [_speaks(part.points) for part in found.slices]},
        customdata=[
            f"{_clock(part.low, 0.1)} to {_clock(part.high, 0.1)}" for part in found.slices
        ],
        hovertemplate="%{customdata} quieter: %{y:+.0f} points<extra></extra>",
        row=2,
        col=1,
    )
    shown_hz = [100, 500, 1000, 2000, 4000]
    figure.update_yaxes(
        tickvals=np.interp(shown_hz, found.mel_hz, np.arange(bands)),
        ticktext=[f"{hz} Hz" for hz in shown_hz],
        range=[-0.5, bands - 0.5],
        fixedrange=True,
        showgrid=False,
        row=1,
    )
    figure.update_xaxes(fixedrange=True, showgrid=False)
    figure.update_xaxes(
        title="Points", zeroline=True, showticklabels=True, nticks=3, tickangle=0, row=1, col=2
    )
    ticks, labels = _time_ticks(found.start_s, found.end_s)
    figure.update_xaxes(title="Time in the song", tickvals=ticks, ticktext=labels, row=2, col=1)
    figure.update_yaxes(title="Points", zeroline=True, fixedrange=True, row=2, col=1)
    figure.update_layout(
        showlegend=False, height=360, margin={"l": 4, "r": 8, "t": 8, "b": 4}, bargap=0
    )
    return figure


def _time_ticks(start_s: float, end_s: float) -> tuple[list[float], list[str]]:
    """Up to five places on an axis of time, few enough for a phone, and each as minutes:seconds."""
    step = next((s for s in _STEPS_S if (end_s - start_s) / s <= 4), _STEPS_S[-1])
    ticks = np.arange(np.ceil(start_s / step - 1e-6) * step, end_s + 1e-6, step)
    return ticks.tolist(), [_clock(tick, step) for tick in ticks]


def _clock(seconds: float, step_s: float) -> str:
    """Minutes:seconds, with tenths where steps are shorter than a second.

    >>> _clock(75, 5), _clock(75.55, 0.1)
    ('1:15', '1:15.6')
    """
    tenths = round(10 * seconds)
    text = f"{tenths // 600}:{tenths // 10 % 60:02}"
    return f"{text}.{tenths % 10}" if step_s < 1 else text


def _speaks(points: float) -> str:
    """The colour of a part: what is missed, and what isn't."""
    return ACCENT_LIGHT if points < 0 else MUTED
