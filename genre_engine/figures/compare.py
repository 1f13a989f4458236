"""Runs side by side: standings, a forest plot of differences, curves over each other, settings."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from genre_engine.evaluation.comparison import Board, best_epoch
from genre_engine.evaluation.differences import Difference
from genre_engine.figures.colours import ACCENT, MUTED, TEN
from genre_engine.metrics.metric import METRICS
from genre_engine.runs import Run
from genre_engine.storage.escape import plotly

if TYPE_CHECKING:
    import plotly.graph_objects as go

_MARGIN = {"l": 4, "r": 16, "t": 8, "b": 4}
# So many lines differ clearly by colour and dash.
MOST_CURVES = 10
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash")


def standings(board: Board, figure: str) -> "go.Figure":
    """A dot with its 95 % interval for each run, the best on top."""
    import plotly.graph_objects as go

    name = METRICS[figure].label
    drawn = go.Figure()
    for run in reversed(board.runs):
        report = board.reports[run.id]
        value, interval = report.figure(figure), report.interval(figure)
        if value is None:
            continue
        said = f"{run.name}: {name.lower()} {value:.2f}"
        if interval:
            said += f", between {interval[0]:.2f} and {interval[1]:.2f} in 95 % of the draws"
            drawn.add_scatter(
                x=interval,
                y=[plotly(run.name)] * 2,
                mode="lines",
                line={"color": MUTED, "width": 4},
                hoverinfo="skip",
            )
        drawn.add_scatter(
            x=[value],
            y=[plotly(run.name)],
            mode="markers+text",
            marker={"color": ACCENT, "size": 11},
            text=[f"{value:.2f}"],
            textposition="top center",
            customdata=[plotly(said)],
            hovertemplate="%{customdata}<extra></extra>",
        )
    return _rows(drawn, len(board.runs), name)


def standings_alt(board: Board, figure: str) -> str:
    """The same in words."""
    listed = []
    for run in board.runs:
        value = board.reports[run.id].figure(figure)
        listed.append(f"{run.name} {'not defined' if value is None else f'{value:.2f}'}")
    return f"{METRICS[figure].label} by run: {', '.join(listed)}"


def forest(differences: Sequence[Difference], figure: str) -> "go.Figure":
    """Differences with their intervals beside a line at zero; those that are real in colour."""
    import plotly.graph_objects as go

    drawn = go.Figure()
    for difference in reversed(differences):
        label = plotly(f"{difference.ahead} – {difference.behind}")
        colour = ACCENT if difference.real else MUTED
        if difference.interval:
            drawn.add_scatter(
                x=difference.interval,
                y=[label, label],
                mode="lines",
                line={"color": colour, "width": 4},
                hoverinfo="skip",
            )
        drawn.add_scatter(
            x=[difference.value],
            y=[label],
            mode="markers",
            marker={
                "color": colour,
                "size": 11,
                "symbol": "circle" if difference.real else "circle-open",
                "line": {"width": 2, "color": colour},
            },
            customdata=[plotly(difference.sentence(figure))],
            hovertemplate="%{customdata}<extra></extra>",
        )
    drawn.add_vline(x=0, line={"color": MUTED, "width": 2, "dash": "dot"})
    name = METRICS[figure].label
    return _rows(drawn, len(differences), f"Difference in {name[0].lower() + name[1:]}")


def _rows(drawn: "go.Figure", n: int, title: str) -> "go.Figure":
    drawn.update_layout(
        height=44 * n + 70,
        margin=_MARGIN,
        showlegend=False,
        xaxis={"title": title, "fixedrange": True, "zeroline": False, "showgrid": True},
        yaxis={
            "fixedrange": True,
            "automargin": True,
            "showgrid": False,
            "type": "category",
            "range": [-0.6, n - 0.3],
        },
    )
    return drawn


def curves(chosen: Sequence[Run], key: str, title: str) -> "go.Figure":
    """One value of the epochs for each run, with a mark at the epoch whose weights were kept."""
    import plotly.graph_objects as go

    drawn = go.Figure()
    for index, run in enumerate(chosen[:MOST_CURVES]):
        epochs = [epoch for epoch in run.epochs() if epoch.get(key) is not None]
        colour = TEN[index % len(TEN)]
        drawn.add_scatter(
            x=[epoch["epoch"] for epoch in epochs],
            y=[epoch[key] for epoch in epochs],
            mode="lines",
            name=plotly(run.name),
            line={"color": colour, "width": 2, "dash": _DASHES[index // 2 % len(_DASHES)]},
            hovertemplate=f"{plotly(run.name)}, epoch %{{x}}: %{{y:.2f}}<extra></extra>",
        )
        best = best_epoch(run)
        if best is not None and best.get(key) is not None:
            drawn.add_scatter(
                x=[best["epoch"]],
                y=[best[key]],
                mode="markers",
                marker={"color": colour, "size": 10, "symbol": "star"},
                showlegend=False,
                hovertemplate=f"{plotly(run.name)}, best epoch %{{x}}: %{{y:.2f}}<extra></extra>",
            )
    drawn.update_layout(
        height=320,
        margin=_MARGIN,
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom"},
        xaxis={"title": "Epoch", "rangemode": "tozero"},
        yaxis={"title": title},
    )
    return drawn


def parallel(rows: Sequence[Mapping[str, Any]], score: str) -> "go.Figure":
    """Settings of many runs as parallel axes, the last of them the score.

    Args:
        rows: one a run, with the same keys; `score` is one of them.
    """
    import plotly.graph_objects as go

    names = [name for name in rows[0] if name != score]
    axes = [_axis(name, [row[name] for row in rows]) for name in names]
    values = [row[score] for row in rows]
    axes.append({"label": score, "values": values})
    drawn = go.Figure(
        go.Parcoords(
            dimensions=axes,
            line={"color": values, "colorscale": [[0, "#94a4a2"], [1, ACCENT]]},
        )
    )
    drawn.update_layout(height=380, margin={"l": 64, "r": 48, "t": 64, "b": 24})
    return drawn


def _axis(name: str, values: Sequence[Any]) -> dict[str, Any]:
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return {"label": plotly(name), "values": list(values)}
    texts = sorted({str(value) for value in values})
    places = {text: index for index, text in enumerate(texts)}
    return {
        "label": plotly(name),
        "values": [places[str(value)] for value in values],
        "tickvals": list(places.values()),
        "ticktext": [plotly(text) for text in texts],
    }
