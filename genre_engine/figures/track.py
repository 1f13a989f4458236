"""One track in five pictures on one time axis, and all tracks on a map."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genre_engine.datasets.pca_map import TrackMap
from genre_engine.features.track_view import CENTROIDS, PITCHES, TrackView
from genre_engine.figures.colours import ACCENT, DIVERGING, LEVELS, NEUTRAL
from genre_engine.figures.names import genre_name
from genre_engine.storage.escape import plotly

if TYPE_CHECKING:
    import plotly.graph_objects as go

_HEIGHTS = (0.13, 0.21, 0.28, 0.2, 0.18)
_TITLES = ("Waveform", "MFCC", "Mel spectrogram", "Chroma", "Tonnetz")
_SAID = (
    "coefficient %{y} is %{z:.0f}",
    "%{y}: %{z} dB, the loudest being 0",
    "%{y} at %{z:.2f} of the strongest pitch",
    "%{y} is %{z:.2f}",
)
_SHOWN_HZ = (100, 500, 1000, 2000, 4000, 8000)


def track_panels(drawn: TrackView) -> "go.Figure":
    """Waveform, MFCC, mel spectrogram, chroma and tonnetz, below each other; zooming is shared."""
    from plotly.subplots import make_subplots

    figure = make_subplots(
        rows=5,
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.035,
        row_heights=list(_HEIGHTS),
        subplot_titles=_TITLES,
    )
    figure.add_scatter(
        x=np.concatenate([drawn.times_s, drawn.times_s[::-1]]).astype(np.float32),
        y=np.concatenate([drawn.high, drawn.low[::-1]]),
        fill="toself",
        fillcolor=ACCENT,
        line={"width": 0.5, "color": ACCENT},
        hoverinfo="skip",
        row=1,
        col=1,
    )
    # The first coefficient is the level, many times larger than the rest, and off their scale.
    spread = float(np.quantile(np.abs(drawn.mfcc[:, 1:]), 0.95)) or 1.0
    widest = float(np.abs(drawn.tonnetz).max()) or 1.0
    bands = [f"{hz:.0f} Hz" for hz in drawn.mel_hz]
    numbers = [str(number) for number in range(drawn.mfcc.shape[1])]
    signed = {"colorscale": [list(stop) for stop in DIVERGING]}
    # Rows have names as categories, so that the hover can say them.
    _heat(figure, 2, drawn, drawn.mfcc.round(1), numbers, spread, signed)
    _heat(figure, 3, drawn, drawn.mel_db.round().astype(np.int8), bands, None, {"zmin": -80})
    _heat(figure, 4, drawn, drawn.chroma.round(2), PITCHES, None, {"zmax": 1})
    _heat(figure, 5, drawn, drawn.tonnetz.round(2), CENTROIDS, widest, signed)
    for row, said in enumerate(_SAID, 2):
        figure.update_traces(hovertemplate=f"%{{x:.1f}} s, {said}<extra></extra>", row=row, col=1)
    figure.update_layout(
        height=900,
        # Room for the chart's toolbar, which would lie over the first title.
        margin={"l": 4, "r": 8, "t": 56, "b": 4},
        showlegend=False,
        hovermode="closest",
    )
    ticks = _ticks(drawn.start_s, drawn.end_s)
    figure.update_xaxes(
        range=[drawn.start_s, drawn.end_s],
        tickvals=ticks,
        ticktext=[f"{int(t) // 60}:{int(t) % 60:02}" for t in ticks],
        showgrid=False,
        zeroline=False,
    )
    figure.update_xaxes(title="Time in the track", row=5, col=1)
    figure.update_yaxes(fixedrange=True, showgrid=False, zeroline=False, automargin=True)
    figure.update_yaxes(range=[-1, 1], tickvals=[-1, 0, 1], row=1, col=1)
    figure.update_yaxes(tickvals=["0", "5", "10", "15", "19"], row=2, col=1)
    nearest = [int(np.abs(drawn.mel_hz - hz).argmin()) for hz in _SHOWN_HZ]
    figure.update_yaxes(
        tickvals=[bands[index] for index in nearest],
        ticktext=[f"{hz // 1000} kHz" if hz >= 1000 else f"{hz} Hz" for hz in _SHOWN_HZ],
        row=3,
        col=1,
    )
    figure.update_yaxes(tickvals=list("CEGB"), row=4, col=1)
    figure.update_annotations(x=0, xanchor="left", font_size=14)
    return figure


def _heat(
    figure: "go.Figure",
    row: int,
    drawn: TrackView,
    values: NDArray[Any],
    names: Sequence[str],
    spread: float | None,
    options: Mapping[str, Any],
) -> None:
    limits = {"zmin": -spread, "zmax": spread} if spread else {"zmin": 0, "zmax": 0}
    figure.add_heatmap(
        x=drawn.times_s.astype(np.float32),
        y=list(names),
        z=values.T,
        showscale=False,
        row=row,
        col=1,
        **{"colorscale": [list(stop) for stop in LEVELS], **limits, **options},
    )


def _ticks(start_s: float, end_s: float) -> list[float]:
    steps = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600)
    step = next((s for s in steps if (end_s - start_s) / s <= 8), steps[-1])
    first = np.ceil(start_s / step) * step
    return [float(tick) for tick in np.arange(first, end_s, step)]


def track_map(
    found: TrackMap,
    names: Sequence[str],
    genre_lists: Sequence[Sequence[str]],
    colours: Mapping[str, str],
) -> tuple["go.Figure", list[list[int]]]:
    """Tracks by their place on the map, one trace a coloured genre.

    A track with several genres has the colour of the rarest of them.

    Args:
        names, genre_lists: of the tracks on the map, in its order.
        colours: from `genre_colours`, the most common genre first.

    Returns:
        The figure, and for each of its traces the tracks' positions in `found.rows`.
    """
    import plotly.graph_objects as go

    rank = {genre: place for place, genre in enumerate(colours)}
    groups: dict[str, list[int]] = {genre: [] for genre in (*colours, "")}
    for index, genres in enumerate(genre_lists):
        coloured = [genre for genre in genres if genre in rank]
        groups[max(coloured, key=rank.__getitem__) if coloured else ""].append(index)
    figure = go.Figure()
    traces: list[list[int]] = []
    for genre, members in groups.items():
        if not members:
            continue
        traces.append(members)
        figure.add_scattergl(
            x=found.places[members, 0],
            y=found.places[members, 1],
            mode="markers",
            name=genre_name(genre) if genre else "other",
            marker={
                "color": colours.get(genre, NEUTRAL),
                "size": 7 if len(found.rows) < 1500 else 5,
                "opacity": 0.8,
                "line": {"width": 0.5, "color": "rgba(60, 50, 80, 0.6)"},
            },
            customdata=[
                f"{plotly(names[i])}<br>{', '.join(genre_name(g) for g in genre_lists[i])}"
                for i in members
            ],
            unselected={"marker": {"opacity": 0.35}},
            hovertemplate="%{customdata}<extra></extra>",
        )
    first, second = found.explained
    figure.update_layout(
        height=520,
        margin={"l": 4, "r": 8, "t": 36, "b": 4},
        clickmode="event+select",
        dragmode="pan",
        # Below, for the chart's toolbar is above.
        legend={
            "orientation": "h",
            "x": 0,
            "y": 0,
            "yref": "container",
            "yanchor": "bottom",
            "itemsizing": "constant",
        },
        xaxis={"title": f"First component, {first:.0%} of the variance", "zeroline": False},
        yaxis={"title": f"Second, {second:.0%}", "zeroline": False},
    )
    return figure, traces
