"""Curves of a judgement: ROC, precision and recall, thresholds, and how far to trust a number."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from genre_engine.figures.colours import ACCENT, ACCENT_LIGHT, MUTED, NEUTRAL, genre_colours
from genre_engine.figures.names import genre_name
from genre_engine.metrics.calibration import Reliability
from genre_engine.metrics.curves import Curve, Curves
from genre_engine.metrics.metric import GENRE_METRICS
from genre_engine.metrics.thresholds import Curves as ThresholdCurves

if TYPE_CHECKING:
    import plotly.graph_objects as go

_MARGIN = {"l": 4, "r": 16, "t": 8, "b": 4}
# Precision, recall and F1 have a colour and a dash each, so that neither need be seen.
_LINES = {
    "precision": ("#0d9488", "dash"),
    "recall": ("#ea580c", "dot"),
    "f1": (ACCENT, "solid"),
}


def roc(curves: Curves, shown: Sequence[str]) -> "go.Figure":
    """ROC curves of some genres, thin, and the averages, thick."""
    figure = _curves(
        curves,
        shown,
        "{name}: {y:.0%} of its tracks found while {x:.0%} of the others are taken for it",
    )
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"color": MUTED, "dash": "dot", "width": 1.5},
        hovertemplate="chance<extra></extra>",
        showlegend=False,
    )
    figure.update_layout(
        xaxis_title="Others taken for it (false positive rate)",
        yaxis_title="Found (true positive rate)",
    )
    return figure


def precision_recall(curves: Curves, shown: Sequence[str]) -> "go.Figure":
    """Precision against recall of some genres, thin, and the averages, thick."""
    figure = _curves(
        curves,
        shown,
        "{name}: with {x:.0%} of its tracks found, {y:.0%} of what is predicted is right",
    )
    figure.update_layout(xaxis_title="Found (recall)", yaxis_title="Right (precision)")
    return figure


def _curves(curves: Curves, shown: Sequence[str], sentence: str) -> "go.Figure":
    import plotly.graph_objects as go

    figure = go.Figure()
    colours = genre_colours(curves.per_genre)
    for genre in shown:
        if (curve := curves.per_genre.get(genre)) is not None:
            name = genre_name(genre)
            _line(figure, curve, name, colours.get(genre, NEUTRAL), 1.5, "solid", sentence)
    for name, curve, dash in (
        ("mean of genres", curves.macro, "solid"),
        ("all labels together", curves.micro, "dash"),
    ):
        if curve is not None:
            _line(figure, curve, name, ACCENT, 3.5, dash, sentence)
    figure.update_layout(
        height=440,
        margin=_MARGIN,
        hovermode="closest",
        legend={"orientation": "h", "x": 0, "y": -0.2, "yanchor": "top"},
        xaxis={"range": [-0.01, 1.01], "tickformat": ".0%", "zeroline": False, "fixedrange": True},
        yaxis={"range": [-0.01, 1.02], "tickformat": ".0%", "zeroline": False, "fixedrange": True},
    )
    return figure


def _line(
    figure: "go.Figure",
    curve: Curve,
    name: str,
    colour: str,
    width: float,
    dash: str,
    sentence: str,
) -> None:
    said = [sentence.format(name=name, x=x, y=y) for x, y in zip(curve.x, curve.y, strict=True)]
    figure.add_scatter(
        x=curve.x.round(4),
        y=curve.y.round(4),
        mode="lines",
        name=name,
        line={"color": colour, "width": width, "dash": dash},
        customdata=said,
        hovertemplate="%{customdata}<extra></extra>",
    )


def thresholds(found: ThresholdCurves, of: str, at: float, chosen: float | None) -> "go.Figure":
    """Precision, recall and F1 at every threshold, and a line where one stands.

    Args:
        of: `macro`, `micro` or a genre's column as text.
        at: where the line is.
        chosen: the threshold of the run, for a second mark.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    for name, (colour, dash) in _LINES.items():
        values = (
            found.overall[f"{name}.{of}"]
            if of in ("macro", "micro")
            else found.per_genre[name][:, int(of)]
        )
        figure.add_scatter(
            x=found.points,
            y=values.round(4),
            mode="lines",
            name=GENRE_METRICS[name],
            line={"color": colour, "width": 3 if name == "f1" else 2, "dash": dash},
            hovertemplate=f"from %{{x:.2f}} on: {GENRE_METRICS[name].lower()} %{{y:.2f}}"
            "<extra></extra>",
        )
    # All at once: add_vline and its like take ten times as long, and this one follows a slider.
    marks = [(at, ACCENT, 2.0, "solid")]
    annotations = []
    if chosen is not None:
        marks.insert(0, (chosen, NEUTRAL, 1.5, "dot"))
        annotations = [
            {
                "x": chosen,
                "y": 1.02,
                "yref": "y domain",
                "yanchor": "bottom",
                "text": f"chosen {chosen:.2f}",
                "showarrow": False,
            }
        ]
    figure.update_layout(
        shapes=[
            {
                "type": "line",
                "x0": x,
                "x1": x,
                "y0": 0,
                "y1": 1,
                "yref": "y domain",
                "line": {"color": colour, "width": width, "dash": dash},
            }
            for x, colour, width, dash in marks
        ],
        annotations=annotations,
        margin={"l": 44, "r": 12, "t": 26, "b": 70},
        uirevision="kept",
        legend={"orientation": "h", "x": 0, "y": 0, "yref": "container", "yanchor": "bottom"},
        xaxis={"title": {"text": "Threshold"}, "range": [0, 1], "zeroline": False},
        yaxis={"range": [0, 1.01], "zeroline": False, "nticks": 6},
    )
    return figure


def thresholds_alt(found: ThresholdCurves, at: float) -> str:
    """The same in words."""
    index = int(np.abs(found.points - at).argmin())
    listed = ", ".join(
        f"{GENRE_METRICS[name].lower()} {found.overall[f'{name}.macro'][index]:.2f}"
        for name in _LINES
    )
    return f"Precision, recall and F1 against the threshold; at {at:.2f} the macro means: {listed}"


def reliability(found: Reliability, p: Any) -> "go.Figure":
    """The share that is true by predicted probability, for one genre, over a histogram of these.

    Args:
        p: the probabilities [n] that the curve is of.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": MUTED, "dash": "dot"}, hoverinfo="skip"
    )
    figure.add_scatter(
        x=found.predicted.round(4),
        y=found.observed.round(4),
        mode="lines+markers",
        line={"color": ACCENT, "width": 1.5},
        marker={"color": ACCENT, "size": 7},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": (found.high - found.observed).round(4),
            "arrayminus": (found.observed - found.low).round(4),
            "color": ACCENT_LIGHT,
            "thickness": 1.5,
            "width": 3,
        },
        customdata=[
            f"predicted {said:.0%}, observed {true:.0%}<br>{n:,.0f} tracks, {low:.0%} to {high:.0%}"
            for said, true, n, low, high in zip(
                found.predicted, found.observed, found.n, found.low, found.high, strict=True
            )
        ],
        hovertemplate="%{customdata}<extra></extra>",
    )
    counts, edges = np.histogram(p, np.linspace(0, 1, 21))
    figure.add_bar(
        x=(edges[:-1] + edges[1:]) / 2,
        y=counts,
        width=0.048,
        yaxis="y2",
        marker={"color": MUTED},
        customdata=[
            f"{n:,} tracks between {a:.0%} and {b:.0%}"
            for n, a, b in zip(counts, edges[:-1], edges[1:], strict=True)
        ],
        hovertemplate="%{customdata}<extra></extra>",
    )
    share = {"fixedrange": True, "zeroline": False, "tickvals": [0, 0.5, 1], "tickformat": ".0%"}
    figure.update_layout(
        height=230,
        margin={"l": 4, "r": 22, "t": 4, "b": 4},
        showlegend=False,
        xaxis={**share, "range": [-0.02, 1.02], "anchor": "y2"},
        yaxis={**share, "range": [-0.02, 1.04], "domain": [0.26, 1]},
        yaxis2={"domain": [0, 0.18], "visible": False, "fixedrange": True},
    )
    return figure
