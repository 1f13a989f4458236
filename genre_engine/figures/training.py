"""A training's curves, while it runs and afterwards.

Train is dashed, validation solid, what no skill reaches is dotted; the axis of epochs grows in
steps, so that between them nothing moves but the curves' ends. No smoothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from genre_engine.figures.colours import ACCENT, NEUTRAL, PARTS

if TYPE_CHECKING:
    import plotly.graph_objects as go

QUANTITIES = {"loss": "Loss", "accuracy": "Accuracy", "auc": "AUC"}

# With more epochs than these the points of a curve would run into each other.
_MOST_MARKED = 80
# A label stands to the right of its curve's end as long as there is room, in shares of the axis.
_ROOM = 0.66
# Ends nearer than this share of the panel's height have their labels parted.
_NEAR = 0.12
# Up to so many whole numbers each have a tick.
_MOST_TICKS = 10
# How much longer than the training its axis is, for the labels at the curves' ends.
_PAST_END = 1.6
# While it runs, the axis is this long in epochs, and goes on to the next where one is nearly full:
# most trainings stop long before all their epochs are done.
_SPANS = tuple(step * 10**power for power in range(1, 6) for step in (1, 2, 5))
_NEARLY_FULL = 0.85


@dataclass(frozen=True)
class Curves:
    """What is known of a training's course.

    Attributes:
        epochs: the epoch events, in their order.
        n_epochs: how many there will be at most.
        batch: the newest batch event, if it is of an epoch that isn't done.
        ended: whether there will be no more.
    """

    epochs: Sequence[Mapping[str, Any]]
    n_epochs: int
    batch: Mapping[str, Any] | None = None
    ended: bool = False

    @property
    def best(self) -> Mapping[str, Any] | None:
        """The epoch that is kept, as far as is known."""
        return next((event for event in reversed(self.epochs) if event.get("best")), None)

    @property
    def stopped_early(self) -> bool:
        return self.ended and bool(self.epochs) and self.epochs[-1]["epoch"] < self.n_epochs

    @property
    def span(self) -> float:
        """How long the axis of epochs is: a while past what is done, never past all epochs."""
        if self.stopped_early:
            return float(min(self.n_epochs, self.epochs[-1]["epoch"] * _PAST_END + 1))
        if self.ended:
            return float(self.n_epochs)
        done = self.epochs[-1]["epoch"] if self.epochs else 0
        longer = next((span for span in _SPANS if done < _NEARLY_FULL * span), self.n_epochs)
        return float(min(longer, self.n_epochs))

    @property
    def now(self) -> float | None:
        """Where in epochs the training is, between two of them; None at an epoch's end."""
        batch = self.batch
        if self.ended or not batch or not batch.get("batches"):
            return None
        done = self.epochs[-1]["epoch"] if self.epochs else 0
        if batch["epoch"] != done + 1:
            return None
        return float(done + batch["batch"] / batch["batches"])


def training_curve(curves: Curves, quantity: str, *, no_skill: float | None = None) -> "go.Figure":
    """One quantity of train and validation against epochs.

    Args:
        quantity: a key of QUANTITIES.
        no_skill: what a predictor reaches on validation that only knows how common genres are.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    lines = {part: _points(curves, quantity, part) for part in ("train", "validation")}
    marked = curves.n_epochs <= _MOST_MARKED
    for part, (x, y, said) in lines.items():
        colour, symbol = PARTS[part]
        figure.add_scatter(
            x=x,
            y=y,
            name=part,
            mode="lines+markers" if marked or len(x) < 2 else "lines",
            line={"color": colour, "width": 2, "dash": "dash" if part == "train" else "solid"},
            marker={"size": 5, "symbol": symbol, "color": colour},
            customdata=said,
            hovertemplate="%{customdata}<extra></extra>",
        )
    best = curves.best
    if best is not None and best.get(f"val_{quantity}") is not None:
        kept = "kept" if curves.ended else "best so far"
        figure.add_scatter(
            x=[best["epoch"]],
            y=[best[f"val_{quantity}"]],
            name="best",
            mode="markers",
            marker={
                "size": 14,
                "symbol": "star",
                "color": PARTS["validation"][0],
                "line": {"width": 1, "color": "white"},
            },
            hovertemplate=f"{kept}: epoch {best['epoch']}, "
            f"{best[f'val_{quantity}']:.2f} on validation<extra></extra>",
        )
    empty = not any(y for _, y, _ in lines.values())
    _lines(figure, curves, quantity, no_skill)
    _direct_labels(figure, curves, lines, no_skill)
    figure.update_layout(
        showlegend=False,
        hovermode="closest",
        uirevision="kept",
        dragmode="zoom",
        margin={"l": 44, "r": 12, "t": 26, "b": 40},
        xaxis={
            "title": {"text": "Epoch"},
            "range": [0, curves.span * 1.02],
            "zeroline": False,
            **_whole_ticks(curves.span),
        },
        yaxis={"zeroline": False, "tickformat": ".2f", "nticks": 6},
    )
    if empty:
        # Nothing to fit an axis to, which would reach below zero.
        top = max(1.0, 2 * (no_skill or 0)) if quantity == "loss" else 1.0
        figure.update_yaxes(range=[0, top])
    return figure


def _whole_ticks(most: float) -> dict[str, Any]:
    """Ticks at whole numbers: of a few, Plotly would name halves too."""
    return {"tickformat": "d", **({"dtick": 1} if most <= _MOST_TICKS else {})}


Line = tuple[list[float], list[float], list[str]]


def _points(curves: Curves, quantity: str, part: str) -> Line:
    key = quantity if part == "train" else f"val_{quantity}"
    x: list[float] = []
    y: list[float] = []
    said: list[str] = []
    for event in curves.epochs:
        if event.get(key) is not None:
            x.append(event["epoch"])
            y.append(event[key])
            said.append(f"epoch {event['epoch']}: {event[key]:.2f} on {part}")
    now, batch = curves.now, curves.batch
    if quantity == "loss" and part == "train" and now is not None and batch is not None:
        loss = batch.get("loss")
        if loss is not None:
            x.append(round(now, 3))
            y.append(loss)
            said.append(f"epoch {batch['epoch']} so far: {loss:.2f} on {part}")
    return x, y, said


def _lines(figure: "go.Figure", curves: Curves, quantity: str, no_skill: float | None) -> None:
    if no_skill is not None:
        figure.add_scatter(
            x=[0, curves.span * 1.02],
            y=[no_skill, no_skill],
            name="no skill",
            mode="lines",
            line={"color": NEUTRAL, "width": 1.5, "dash": "dot"},
            hovertemplate=f"no skill reaches {no_skill:.2f}<extra></extra>",
        )
        # At the right, unless a curve ends there and has its own name beside it.
        level = _height(figure, no_skill)
        ends = [trace.y[-1] for trace in figure.data[:2] if trace.y]
        met = curves.ended and any(abs(_height(figure, y) - level) < 2 * _NEAR for y in ends)
        figure.add_annotation(
            x=0.005 if met else 0.995,
            xref="x domain",
            y=no_skill,
            text="no skill",
            showarrow=False,
            xanchor="left" if met else "right",
            # Loss falls below the line, the others rise over it.
            yanchor="bottom" if quantity == "loss" else "top",
        )
    if curves.now is not None:
        figure.add_vline(x=round(curves.now, 3), line={"color": ACCENT, "width": 1}, opacity=0.5)
    if curves.stopped_early:
        last = curves.epochs[-1]["epoch"]
        figure.add_vline(x=last, line={"color": NEUTRAL, "width": 1.5, "dash": "dot"})
        right = last / curves.span < _ROOM
        # Above the panel, where no curve has its name.
        figure.add_annotation(
            x=last,
            y=1,
            yref="y domain",
            yanchor="bottom",
            text=f"stopped at {last}",
            showarrow=False,
            xanchor="center" if right else "right",
        )


def _height(figure: "go.Figure", value: float) -> float:
    """Where a value lies between the lowest point (0) and the highest (1) of all curves."""
    known = [y for trace in figure.data for y in trace.y]
    low, high = min(known), max(known)
    return (value - low) / (high - low) if high > low else 0.5


def _direct_labels(
    figure: "go.Figure", curves: Curves, lines: Mapping[str, Line], no_skill: float | None
) -> None:
    """Names at the curves' ends, instead of a legend."""
    ends = {part: (x[-1], y[-1]) for part, (x, y, _) in lines.items() if x}
    if not ends:
        return
    values = [value for _, y, _ in lines.values() for value in y]
    values += [no_skill] if no_skill is not None else []
    height = (max(values) - min(values)) or 1.0
    by_height = sorted(ends, key=lambda part: ends[part][1])
    near = len(ends) == 2 and ends[by_height[1]][1] - ends[by_height[0]][1] < _NEAR * height
    for place, part in enumerate(by_height):
        x, y = ends[part]
        right = x / curves.span < _ROOM
        shift = 0 if right and not near else (12 if place == len(by_height) - 1 else -12)
        figure.add_annotation(
            x=x,
            y=y,
            text=part,
            showarrow=False,
            xanchor="left" if right else "right",
            xshift=8 if right else -4,
            yshift=shift,
            font={"color": PARTS[part][0]},
        )


def training_curve_alt(curves: Curves, quantity: str, no_skill: float | None = None) -> str:
    """The same in words."""
    title = QUANTITIES[quantity]
    if not curves.epochs:
        return f"{title} against epochs: no epoch is done yet."
    last, best = curves.epochs[-1], curves.best
    said = [f"{title} against epochs, after epoch {last['epoch']} of at most {curves.n_epochs}:"]
    pairs = [("train", last.get(quantity)), ("validation", last.get(f"val_{quantity}"))]
    said.append(", ".join(f"{value:.2f} on {part}" for part, value in pairs if value is not None))
    if best is not None and best.get(f"val_{quantity}") is not None:
        said.append(f"; epoch {best['epoch']} is the best, {best[f'val_{quantity}']:.2f}")
    if no_skill is not None:
        said.append(f"; no skill reaches {no_skill:.2f}")
    return f"{said[0]} {''.join(said[1:])}."


def tuning_trials(scores: Sequence[float | None], score_name: str) -> "go.Figure":
    """A search's trials in their order, with the best so far as a line.

    Args:
        scores: of trials that are done; None for one that failed or was given up.
    """
    import plotly.graph_objects as go

    done = [(number, score) for number, score in enumerate(scores, 1) if score is not None]
    best: list[float] = []
    for _, score in done:
        best.append(max(score, best[-1]) if best else score)
    figure = go.Figure()
    figure.add_scatter(
        x=[number for number, _ in done],
        y=best,
        name="best so far",
        mode="lines",
        line={"color": PARTS["validation"][0], "width": 2, "shape": "hv"},
        hovertemplate="best up to trial %{x}: %{y:.2f}<extra></extra>",
    )
    figure.add_scatter(
        x=[number for number, _ in done],
        y=[score for _, score in done],
        name="trial",
        mode="markers",
        marker={"size": 8, "color": ACCENT},
        hovertemplate="trial %{x}: %{y:.2f}<extra></extra>",
    )
    figure.update_layout(
        showlegend=False,
        uirevision="kept",
        margin={"l": 60, "r": 12, "t": 12, "b": 40},
        xaxis={"title": {"text": "Trial"}, "zeroline": False, **_whole_ticks(len(scores))},
        yaxis={"title": {"text": score_name}, "zeroline": False, "tickformat": ".2f"},
    )
    return figure
