"""What groups of features carry, as `prediction.importance.of_run` has it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from genre_engine.figures.colours import ACCENT, MUTED, NEUTRAL
from genre_engine.storage.escape import plotly

if TYPE_CHECKING:
    import plotly.graph_objects as go

# A longer list can't be read; the largest come first.
MOST = 30


def importance(found: Mapping[str, Any], level: str) -> "go.Figure":
    """A bar for each group of a level, the one that is missed most on top, with the extremes of the
    shuffles."""
    import plotly.graph_objects as go

    rows = _rows(found, level)[::-1]
    figure = go.Figure()
    figure.add_bar(
        x=[row["drop"] for row in rows],
        y=[plotly(row["title"]) for row in rows],
        orientation="h",
        marker={"color": ACCENT},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [row["high"] - row["drop"] for row in rows],
            "arrayminus": [row["drop"] - row["low"] for row in rows],
            "color": NEUTRAL,
            "thickness": 2,
            "width": 5,
        },
        customdata=[plotly(_sentence(row, found)) for row in rows],
        hovertemplate="%{customdata}<extra></extra>",
    )
    figure.add_vline(x=0, line={"color": MUTED, "width": 1.5})
    figure.update_layout(
        height=34 * len(rows) + 84,
        margin={"l": 4, "r": 16, "t": 8, "b": 4},
        showlegend=False,
        xaxis={"title": "Drop in macro average precision", "fixedrange": True, "zeroline": False},
        yaxis={"fixedrange": True, "automargin": True, "ticksuffix": "  ", "type": "category"},
    )
    return figure


def importance_alt(found: Mapping[str, Any], level: str) -> str:
    """The same in words."""
    listed = ", ".join(f"{row['title']} {row['drop']:.2f}" for row in _rows(found, level))
    return f"Drop in macro average precision when a group is shuffled: {listed}"


def _rows(found: Mapping[str, Any], level: str) -> list[Mapping[str, Any]]:
    rows = [row for row in found["groups"] if row["level"] == level]
    return sorted(rows, key=lambda row: -row["drop"])[:MOST]


def _sentence(row: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    n = row["columns"]
    return (
        f"{row['title']} ({n:,} column{'' if n == 1 else 's'}): shuffled, {row['drop']:.2f} of "
        f"{found['score']:.2f} is lost; {row['low']:.2f} to {row['high']:.2f} in "
        f"{found['repeats']} shuffles"
    )
