"""A learning curve, as `evaluation.learning_curve` has it: scores against numbers of tracks."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from genre_engine.evaluation.learning_curve import FIGURES
from genre_engine.figures.colours import ACCENT, ACCENT_LIGHT, MUTED, NEUTRAL, genre_colours
from genre_engine.figures.names import genre_name
from genre_engine.metrics.metric import METRICS
from genre_engine.prediction import vocabulary

if TYPE_CHECKING:
    import plotly.graph_objects as go

_MARGIN = {"l": 4, "r": 16, "t": 8, "b": 4}
_SYMBOLS = ("circle", "diamond", "square", "triangle-up", "x")


def curve(found: Mapping[str, Any], name: str) -> "go.Figure":
    """A figure against the number of tracks, with intervals; dashed what twice as many would bring.

    Args:
        name: a key of `FIGURES`.
    """
    import plotly.graph_objects as go

    points = [point for point in found["points"] if point[name]["value"] is not None]
    label = METRICS[FIGURES[name]].label
    figure = go.Figure()
    idle = (found["no_skill"] or {}).get(name)
    doubling = found["doubling"] if name == "average_precision" else None
    last = points[-1]["tracks"] * (2 if doubling else 1) if points else 1
    if idle is not None:
        figure.add_scatter(
            x=[0, 1.05 * last],
            y=[idle, idle],
            mode="lines",
            name="best no-skill",
            line={"color": MUTED, "dash": "dot", "width": 2},
            hovertemplate=f"No skill reaches {idle:.2f}<extra></extra>",
        )
    if doubling:
        end = doubling["from"] + doubling["gain"]
        low, high = (doubling["from"] + edge for edge in doubling["interval"])
        figure.add_scatter(
            x=[doubling["tracks"], 2 * doubling["tracks"]],
            y=[doubling["from"], end],
            mode="lines+markers",
            name="if it goes on so",
            line={"color": NEUTRAL, "dash": "dash", "width": 2},
            marker={"color": NEUTRAL, "size": [0, 9], "symbol": "circle-open", "line_width": 2},
            error_y=_bars([0, high - end], [0, end - low], NEUTRAL),
            customdata=["", f"twice as many tracks: about {end:.2f}, {low:.2f} to {high:.2f}"],
            hovertemplate="%{customdata}<extra></extra>",
        )
    values = [point[name]["value"] for point in points]
    spans = [point[name]["interval"] or [point[name]["value"]] * 2 for point in points]
    figure.add_scatter(
        x=[point["tracks"] for point in points],
        y=values,
        mode="lines+markers",
        name="this model",
        line={"color": ACCENT, "width": 3},
        marker={"color": ACCENT, "size": 9},
        error_y=_bars(
            [high - value for (_, high), value in zip(spans, values, strict=True)],
            [value - low for (low, _), value in zip(spans, values, strict=True)],
            ACCENT_LIGHT,
        ),
        customdata=[_sentence(point, name, label) for point in points],
        hovertemplate="%{customdata}<extra></extra>",
    )
    figure.update_layout(
        height=380,
        margin=_MARGIN,
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom"},
        xaxis={
            "title": "Tracks learnt from",
            "range": [0, 1.05 * last],
            "tickformat": ",d",
            "fixedrange": True,
            "zeroline": False,
        },
        yaxis={"title": label, "range": [0, 1.04], "fixedrange": True, "nticks": 6},
    )
    return figure


def curve_alt(found: Mapping[str, Any], name: str) -> str:
    """The same in words."""
    label = METRICS[FIGURES[name]].label
    listed = ", ".join(
        f"{point[name]['value']:.2f} with {point['tracks']:,.0f}"
        for point in found["points"]
        if point[name]["value"] is not None
    )
    return f"{label} by tracks learnt from: {listed or 'not defined'}"


def genres(found: Mapping[str, Any], shown: Sequence[str]) -> "go.Figure":
    """Average precision of some genres, each against the number of its own tracks."""
    import plotly.graph_objects as go

    figure = go.Figure()
    colours = genre_colours(found["genres"])
    for index, genre in enumerate(shown):
        rows = [point["genres"][genre] for point in found["points"]]
        rows = [row for row in rows if row["value"] is not None]
        title, colour = genre_name(genre), colours.get(genre, NEUTRAL)
        figure.add_scatter(
            x=[row["tracks"] for row in rows],
            y=[row["value"] for row in rows],
            mode="lines+markers",
            name=title,
            line={"color": colour, "width": 2.5},
            marker={"color": colour, "size": 8, "symbol": _SYMBOLS[index % len(_SYMBOLS)]},
            customdata=[
                f"{title}, {row['tracks']:,.0f} of its tracks: average precision "
                f"{row['value']:.2f}{_between(row['interval'])}"
                for row in rows
            ],
            hovertemplate="%{customdata}<extra></extra>",
        )
    figure.update_layout(
        height=360,
        margin=_MARGIN,
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom"},
        xaxis={
            "title": "The genre's tracks learnt from",
            "rangemode": "tozero",
            "tickformat": ",d",
            "fixedrange": True,
        },
        yaxis={"title": "Average precision", "range": [0, 1.04], "fixedrange": True, "nticks": 6},
    )
    return figure


def genres_alt(found: Mapping[str, Any], shown: Sequence[str]) -> str:
    """The same in words."""
    listed = []
    for genre in shown:
        rows = [point["genres"][genre] for point in found["points"]]
        rows = [row for row in rows if row["value"] is not None]
        if rows:
            first, last = rows[0], rows[-1]
            listed.append(
                f"{vocabulary.display_name(genre)} from {first['value']:.2f} with "
                f"{first['tracks']:,.0f} to {last['value']:.2f} with {last['tracks']:,.0f}"
            )
    return f"Average precision by the genre's tracks: {'; '.join(listed) or 'no genre chosen'}"


def _bars(up: Sequence[float], down: Sequence[float], colour: str) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [max(0.0, x) for x in up],
        "arrayminus": [max(0.0, x) for x in down],
        "color": colour,
        "thickness": 2,
        "width": 4,
    }


def _sentence(point: Mapping[str, Any], name: str, label: str) -> str:
    row = point[name]
    said = f"{point['tracks']:,.0f} tracks ({point['share']} %): {label.lower()} {row['value']:.2f}"
    said += _between(row["interval"])
    if point["trainings"] > 1:
        said += (
            f"<br>the mean of {point['trainings']} choices of tracks, {row['low']:.2f} to "
            f"{row['high']:.2f}"
        )
    return said


def _between(interval: Sequence[float] | None) -> str:
    if not interval:
        return ""
    return f", in 95 % of the draws between {interval[0]:.2f} and {interval[1]:.2f}"
