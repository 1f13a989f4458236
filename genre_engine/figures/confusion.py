"""What was predicted for the tracks of each genre: a matrix whose cells can be clicked."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from genre_engine.figures.colours import ACCENT
from genre_engine.figures.names import genre_name
from genre_engine.metrics.mistakes import Together
from genre_engine.prediction import vocabulary

if TYPE_CHECKING:
    import plotly.graph_objects as go

NONE = "(none)"
_SCALE = ((0.0, "rgba(128, 122, 145, 0.08)"), (1.0, ACCENT))
# Above this, numbers in the cells would be too small to read.
_MOST_LABELLED = 12
_STRONG = 0.45
# From so many genres on, a phone's cells are too small for three digits of the usual size.
_MANY = 8


def matrix(
    found: Together, genres: Sequence[str], *, single: bool
) -> tuple["go.Figure", list[tuple[int, int]]]:
    """The figure, and the cell (true, predicted) of each of the points of its last trace, which
    can be clicked.

    Rows are true genres, columns what was predicted; colour is the share of the row's tracks.
    Clicks on a heat map aren't reported, so a see-through marker lies on each cell.

    Args:
        single: whether a track has one genre, so that one is predicted for each.
    """
    import plotly.graph_objects as go

    names = [genre_name(genre) for genre in genres]
    n = len(names)
    columns = names if single else [*names, NONE]
    shares = found.shares[:, : len(columns)]
    hovers = [
        [_sentence(found, names, row, column) for column in range(len(columns))] for row in range(n)
    ]
    figure = go.Figure(
        go.Heatmap(
            x=columns,
            y=names,
            z=shares.round(4),
            colorscale=[list(stop) for stop in _SCALE],
            zmin=0,
            zmax=1,
            xgap=1,
            ygap=1,
            hoverinfo="skip",
            colorbar={"thickness": 10, "outlinewidth": 0, "tickformat": ".0%"},
        )
    )
    cells = [(row, column) for row in range(n) for column in range(len(columns))]
    if n <= _MOST_LABELLED:
        size = 12 if n < _MANY else 10
        figure.update_traces(showscale=False)
        # White on strong cells; on weak ones the theme's own colour, for they show the ground.
        for strong in (False, True):
            inside = [
                (row, column)
                for row, column in cells
                if shares[row, column] >= 0.005 and (shares[row, column] > _STRONG) == strong
            ]
            figure.add_scatter(
                x=[columns[column] for _, column in inside],
                y=[names[row] for row, _ in inside],
                text=[f"{100 * shares[cell]:.0f}" for cell in inside],
                mode="text",
                textfont={"size": size, "weight": 600, **({"color": "white"} if strong else {})},
                hoverinfo="skip",
                showlegend=False,
            )
    figure.add_scatter(
        x=[columns[column] for _, column in cells],
        y=[names[row] for row, _ in cells],
        mode="markers",
        marker={"symbol": "square", "size": 26 if n <= _MOST_LABELLED else 14, "opacity": 0},
        customdata=[hovers[row][column] for row, column in cells],
        hovertemplate="%{customdata}<extra></extra>",
        showlegend=False,
    )
    figure.update_layout(
        height=max(300, (38 if n <= _MOST_LABELLED else 18) * n + 130),
        margin={"l": 4, "r": 8, "t": 8, "b": 4},
        clickmode="event+select",
        dragmode=False,
        xaxis={
            "title": "Predicted",
            "showgrid": False,
            "fixedrange": True,
            "tickangle": -60,
            "dtick": 1,
            "type": "category",
        },
        yaxis={
            "title": "True",
            "showgrid": False,
            "fixedrange": True,
            "autorange": "reversed",
            "dtick": 1,
            "type": "category",
            "ticksuffix": " ",
        },
    )
    return figure, cells


def _sentence(found: Together, names: Sequence[str], row: int, column: int) -> str:
    n = int(found.predicted[row, column])
    support = int(found.support[row])
    if not support:
        return f"No track here carries {names[row]}"
    share = n / support
    if column == len(names):
        return f"Nothing was predicted for {n:,} of {support:,} {names[row]} tracks ({share:.0%})"
    if row == column:
        return f"{names[row]} was found in {n:,} of its {support:,} tracks ({share:.0%})"
    said = (
        f"{names[column]} was predicted for {n:,} of {support:,} {names[row]} tracks ({share:.0%})"
    )
    both = int(found.both[row, column])
    return said + (f"<br>{both:,} of them carry both" if both else "")


def matrix_alt(found: Together, genres: Sequence[str]) -> str:
    """The same in words."""
    listed = ", ".join(
        f"{vocabulary.display_name(genre)} {share:.0%}"
        for genre, share in zip(genres, np.diagonal(found.shares), strict=False)
        if not np.isnan(share)
    )
    return f"Share of each genre's tracks for which it was predicted: {listed}"
