"""The course project's figures of one data set and one track, each by itself."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from genre_engine.features.track_view import TrackView
from genre_engine.figures.colours import ACCENT
from genre_engine.figures.names import genre_name
from genre_engine.figures.track import track_panels
from genre_engine.prediction import vocabulary

if TYPE_CHECKING:
    import plotly.graph_objects as go

# In the order in which `figures.track.track_panels` stacks them.
TRACK_FIGURES = ("waveform", "mfcc", "mel", "chroma", "tonnetz")


def genre_counts(counts: Mapping[str, int], part: str) -> "go.Figure":
    """Tracks per genre in a part, as bars, the most common genre on top."""
    import plotly.graph_objects as go

    names = [genre_name(genre) for genre in counts]
    figure = go.Figure()
    figure.add_bar(
        x=list(counts.values()),
        y=names,
        orientation="h",
        marker={"color": ACCENT},
        text=[f"{n:,}" for n in counts.values()],
        textposition="auto",
        textangle=0,
        hovertemplate="%{y}: %{x:,} tracks in " + part + "<extra></extra>",
    )
    figure.update_layout(
        height=26 * len(names) + 76,
        margin={"l": 4, "r": 16, "t": 8, "b": 4},
        xaxis={"title": f"Tracks in {part}", "tickformat": ",d", "rangemode": "tozero"},
        yaxis={"autorange": "reversed", "automargin": True},
    )
    return figure


def genre_counts_alt(counts: Mapping[str, int], part: str) -> str:
    listed = ", ".join(f"{vocabulary.display_name(genre)} {n:,}" for genre, n in counts.items())
    return f"Tracks in {part} by genre: {listed}"


def track_figures(drawn: TrackView) -> dict[str, "go.Figure"]:
    """The five pictures of a track one by one, by a name of TRACK_FIGURES."""
    import plotly.graph_objects as go

    whole = track_panels(drawn)
    found: dict[str, go.Figure] = {}
    for row, (name, trace) in enumerate(zip(TRACK_FIGURES, whole.data, strict=True), 1):
        number = "" if row == 1 else str(row)
        values = trace.to_plotly_json() | {"xaxis": "x", "yaxis": "y"}
        figure = go.Figure([values])
        figure.update_layout(
            height=260,
            margin={"l": 4, "r": 8, "t": 8, "b": 4},
            showlegend=False,
            xaxis=_axis(whole.layout[f"xaxis{number}"]) | {"title": "Time in the track"},
            yaxis=_axis(whole.layout[f"yaxis{number}"]),
        )
        found[name] = figure
    return found


def _axis(of: Any) -> dict[str, Any]:
    """An axis without its place among others."""
    bound = ("anchor", "domain", "matches", "showticklabels", "fixedrange")
    return {key: value for key, value in of.to_plotly_json().items() if key not in bound}
