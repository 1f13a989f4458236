"""A run's report, as `metrics.Report.to_dict` gives it: verdict, and genres with intervals."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from genre_engine.figures.colours import ACCENT, ACCENT_LIGHT, NEUTRAL
from genre_engine.figures.names import genre_name
from genre_engine.metrics.export import BASELINES, best_baseline, value_of
from genre_engine.metrics.metric import GENRE_METRICS, METRICS
from genre_engine.prediction import vocabulary

if TYPE_CHECKING:
    import plotly.graph_objects as go

_MARGIN = {"l": 4, "r": 16, "t": 8, "b": 4}
_ARTIST_PRIOR = "#ea580c"
VERDICT = ("f1.macro", "average_precision.macro")


def verdict(report: Mapping[str, Any]) -> "go.Figure":
    """The two leading figures with their intervals, beside what is scored without listening."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for name in VERDICT:
        title = METRICS[name].label
        value, interval = value_of(report, name), value_of(report["intervals"], name)
        best = best_baseline(report, name)
        artist_prior = value_of(report["baselines"].get("artist_prior"), name)
        if interval:
            figure.add_scatter(
                x=interval,
                y=[title, title],
                mode="lines",
                line={"color": ACCENT_LIGHT, "width": 8},
                hoverinfo="skip",
                showlegend=False,
            )
        marks = [
            ("no-skill", best and best[1], "line-ns-open", NEUTRAL, _best_sentence(best)),
            (
                "artist prior",
                artist_prior,
                "diamond-open",
                _ARTIST_PRIOR,
                "Knows the artist and never listens",
            ),
            ("this run", value, "circle", ACCENT, "This run"),
        ]
        for label, x, symbol, colour, said in marks:
            if x is None:
                continue
            figure.add_scatter(
                x=[x],
                y=[title],
                mode="markers",
                name=label,
                legendgroup=label,
                showlegend=name == VERDICT[0],
                marker={
                    "symbol": symbol,
                    "size": 16 if label == "no-skill" else 12,
                    "color": colour,
                    "line": {"width": 2.5, "color": colour},
                },
                hovertemplate=f"{said}: {title.lower()} {x:.2f}<extra></extra>",
            )
    figure.update_layout(
        height=150,
        margin=_MARGIN,
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom"},
        xaxis={"range": [0, 1], "fixedrange": True, "zeroline": False, "nticks": 6},
        yaxis=_rows([METRICS[name].label for name in VERDICT]),
    )
    return figure


def _best_sentence(best: tuple[str, float] | None) -> str:
    return "" if best is None else f"No skill ({BASELINES.get(best[0], best[0])})"


def verdict_alt(report: Mapping[str, Any]) -> str:
    """The same in words."""
    listed = []
    for name in VERDICT:
        title = METRICS[name].label
        value, best = value_of(report, name), best_baseline(report, name)
        artist_prior = value_of(report["baselines"].get("artist_prior"), name)
        said = f"{title} {_short(value)}"
        if interval := value_of(report["intervals"], name):
            said += f" between {interval[0]:.2f} and {interval[1]:.2f}"
        said += f", no skill {_short(best and best[1])}, artist prior {_short(artist_prior)}"
        listed.append(said)
    return "; ".join(listed)


def per_genre(report: Mapping[str, Any], name: str, artists: Mapping[str, int]) -> "go.Figure":
    """A dot with its interval for each genre, the one with most tracks on top.

    Args:
        name: a key of `GENRE_METRICS`.
        artists: by genre; empty where unknown.
    """
    import plotly.graph_objects as go

    order = sorted(report["genres"], key=lambda genre: -report["support"][genre])
    labels = {genre: _label(genre, report["support"][genre], artists) for genre in order}
    intervals = (report["intervals"] or {}).get("per_genre", {})
    figure = go.Figure()
    span_x: list[float | None] = []
    span_y: list[str | None] = []
    dots: list[tuple[str, float, str]] = []
    ticks: list[tuple[str, float, str]] = []
    for genre in order:
        value = report["per_genre"][genre][name]
        best = _best_of_genre(report, genre, name)
        title = genre_name(genre)
        if best is not None:
            said = f"{title}: no skill reaches {best[1]:.2f} ({BASELINES[best[0]]})"
            ticks.append((labels[genre], best[1], said))
        if value is None:
            continue
        said = f"{title}: {GENRE_METRICS[name]} {value:.2f}"
        if interval := intervals.get(genre, {}).get(name):
            span_x += [*interval, None]
            span_y += [labels[genre], labels[genre], None]
            said += f", in 95 % of the draws between {interval[0]:.2f} and {interval[1]:.2f}"
        dots.append((labels[genre], value, said))
    figure.add_scatter(
        x=span_x,
        y=span_y,
        mode="lines",
        line={"color": ACCENT_LIGHT, "width": 5},
        hoverinfo="skip",
        showlegend=False,
    )
    styles = (
        ("best no-skill", ticks, "line-ns-open", 14, NEUTRAL),
        ("this run", dots, "circle", 10, ACCENT),
    )
    for label, found, symbol, size, colour in styles:
        figure.add_scatter(
            x=[x for _, x, _ in found],
            y=[y for y, _, _ in found],
            mode="markers",
            name=label,
            marker={
                "symbol": symbol,
                "size": size,
                "color": colour,
                "line": {"width": 2, "color": colour},
            },
            customdata=[said for _, _, said in found],
            hovertemplate="%{customdata}<extra></extra>",
        )
    figure.update_layout(
        height=40 * len(order) + 84,
        margin=_MARGIN,
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom"},
        xaxis={
            "title": GENRE_METRICS[name],
            "range": [-0.02, 1.02],
            "fixedrange": True,
            "zeroline": False,
            "nticks": 6,
        },
        yaxis=_rows([labels[genre] for genre in order]),
    )
    return figure


def _label(genre: str, tracks: int, artists: Mapping[str, int]) -> str:
    said = f"{tracks:,} track{'' if tracks == 1 else 's'}"
    if genre in artists:
        said += f" / {artists[genre]:,} artist{'' if artists[genre] == 1 else 's'}"
    return f"{genre_name(genre)}<br><span style='font-size:11px'>{said}</span>"


def _best_of_genre(report: Mapping[str, Any], genre: str, name: str) -> tuple[str, float] | None:
    known = {
        baseline: value
        for baseline, found in report["baselines"].items()
        if found is not None and baseline in BASELINES and baseline != "artist_prior"
        if (value := found["per_genre"][genre][name]) is not None
    }
    if not known:
        return None
    best = max(known, key=lambda baseline: known[baseline])
    return best, known[best]


def per_genre_alt(report: Mapping[str, Any], name: str) -> str:
    """The same in words."""
    ranked = sorted(
        (values[name], genre)
        for genre, values in report["per_genre"].items()
        if values[name] is not None
    )
    listed = ", ".join(f"{vocabulary.display_name(g)} {v:.2f}" for v, g in reversed(ranked))
    return f"{GENRE_METRICS[name]} by genre: {listed or 'defined for none'}"


def _rows(names: list[str]) -> dict[str, object]:
    return {
        "categoryorder": "array",
        "categoryarray": names[::-1],
        "range": [-0.6, len(names) - 0.4],
        "ticksuffix": "  ",
        "fixedrange": True,
        "showgrid": False,
        "automargin": True,
    }


def _short(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f}"
