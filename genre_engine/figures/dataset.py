"""A data set at a glance: genres over parts, what goes together, lengths, artists, leaks."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from genre_engine.datasets.statistics import ArtistSizes, Cooccurrence, Histogram
from genre_engine.figures.colours import ACCENT, ACCENT_LIGHT, DIVERGING, MUTED, PARTS
from genre_engine.figures.names import genre_name
from genre_engine.leakage import Leakage
from genre_engine.prediction import vocabulary

if TYPE_CHECKING:
    import plotly.graph_objects as go

_MARGIN = {"l": 4, "r": 16, "t": 8, "b": 4}
# Genres that go with each other eight times as often as chance, or an eighth as often.
_MOST_LIFT = 3.0
# From here on a cell is so dark that its number is white; before, bright enough for a dark one.
_STRONG_LIFT = 2.3
_DARK = "#221b33"
# Above this, numbers in the cells would be too small to read.
_MOST_LABELLED = 12


def genre_parts(
    table: pd.DataFrame, *, values: str = "share", of: str = "tracks in {part}"
) -> "go.Figure":
    """A dot per genre and part, from `exploration.genre_parts`, the most common genre on top.

    Args:
        values: `share` or `tracks`.
        of: what a share is a share of, for the hover.
    """
    import plotly.graph_objects as go

    genres = list(dict.fromkeys(table["genre"]))
    names = [genre_name(genre) for genre in genres]
    figure = go.Figure()
    spans = table.groupby("genre", sort=False)[values].agg(["min", "max"])
    scale = 100 if values == "share" else 1
    x, y = [], []
    for genre, low, high in spans.itertuples():
        x += [low * scale, high * scale, None]
        y += [genre_name(genre)] * 2 + [None]
    figure.add_scatter(
        x=x,
        y=y,
        mode="lines",
        line={"color": MUTED, "width": 2},
        hoverinfo="skip",
        showlegend=False,
    )
    for part, rows in table.groupby("part", sort=False):
        colour, symbol = PARTS[str(part)]
        figure.add_scatter(
            x=rows[values] * scale,
            y=[genre_name(genre) for genre in rows["genre"]],
            mode="markers",
            name=str(part),
            marker={"color": colour, "symbol": symbol, "size": 9, "opacity": 0.9},
            customdata=[_part_sentence(row, of) for row in rows.to_dict("records")],
            hovertemplate="%{customdata}<extra></extra>",
        )
    figure.update_layout(
        height=24 * len(genres) + 92,
        margin=_MARGIN,
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "itemsizing": "constant"},
        xaxis={
            "title": f"Share of {of.format(part='the part')}" if scale == 100 else "Tracks",
            "ticksuffix": "%" if scale == 100 else "",
            "tickformat": "" if scale == 100 else ",d",
            "rangemode": "tozero",
            "nticks": 6,
            "fixedrange": True,
            "zeroline": False,
            "showgrid": True,
        },
        yaxis=_categories(names),
    )
    return figure


def _part_sentence(row: Mapping[str, Any], of: str) -> str:
    name = genre_name(row["genre"])
    said = (
        f"{name} in {row['part']}: {row['tracks']:,} tracks, {row['share']:.1%} of "
        f"{of.format(part=row['part'])}"
    )
    if row.get("artists"):
        n = row["artists"]
        said += f"<br>by {n:,} artist{'' if n == 1 else 's'}"
        if n > 1:
            said += f"; {row['largest_artist']:.0%} of them by a single one"
    return said


def genre_parts_alt(table: pd.DataFrame, values: str = "share") -> str:
    """The dots in words."""
    first = table[table["part"] == table["part"].iloc[0]].head(5)
    listed = ", ".join(
        f"{vocabulary.display_name(row.genre)} "
        + (f"{row.share:.1%}" if values == "share" else f"{row.tracks:,}")
        for row in first.itertuples()
    )
    what = "Share of tracks" if values == "share" else "Tracks"
    return f"{what} by genre and part; in {table['part'].iloc[0]}: {listed}"


def leak_meter(leaks: Mapping[str, Leakage], chosen: str) -> "go.Figure":
    """For each kind of split: whose artists are in two parts, and what needs no listening."""
    from plotly.subplots import make_subplots

    kinds = list(leaks)
    figure = make_subplots(
        rows=1,
        cols=2,
        shared_yaxes=True,
        horizontal_spacing=0.08,
        subplot_titles=("Artist overlap", "Artist-prior macro F1"),
    )
    overlap = [leaks[kind].artist_overlap for kind in kinds]
    artist_prior = [
        found.f1_macro if (found := leaks[kind].artist_prior) else None for kind in kinds
    ]
    said = [
        [
            "No artist is known, so overlap isn't known"
            if share is None
            else f"{kind}: {share:.1%} of the {leaks[kind].held_out} tracks are by an artist who "
            "is also in train"
            for kind, share in zip(kinds, overlap, strict=True)
        ],
        [
            "Nothing to judge by"
            if score is None
            else f"{kind}: guessing from the artist alone, without listening, reaches macro F1 "
            f"{score:.2f}"
            for kind, score in zip(kinds, artist_prior, strict=True)
        ],
    ]
    texts = [
        ["unknown" if share is None else f"{share:.0%}" for share in overlap],
        ["–" if score is None else f"{score:.2f}" for score in artist_prior],
    ]
    for column, values in enumerate(
        ([100 * (v or 0) for v in overlap], [v or 0 for v in artist_prior]), 1
    ):
        figure.add_bar(
            x=values,
            y=[kind.capitalize() for kind in kinds],
            orientation="h",
            marker={
                "color": [ACCENT if kind == chosen else MUTED for kind in kinds],
                "cornerradius": 4,
            },
            text=texts[column - 1],
            textposition="outside",
            cliponaxis=False,
            customdata=said[column - 1],
            hovertemplate="%{customdata}<extra></extra>",
            row=1,
            col=column,
        )
    figure.update_xaxes(fixedrange=True, zeroline=False, showgrid=False, showticklabels=False)
    figure.update_xaxes(range=[0, 128], row=1, col=1)
    figure.update_xaxes(range=[0, 1.28], row=1, col=2)
    figure.update_yaxes(_categories([kind.capitalize() for kind in kinds]))
    figure.update_annotations(font_size=13, xanchor="left")
    for annotation, axis in zip(figure.layout.annotations, ("xaxis", "xaxis2"), strict=True):
        annotation.x = figure.layout[axis].domain[0]
    figure.update_layout(
        height=40 * len(kinds) + 52,
        margin={"l": 4, "r": 8, "t": 34, "b": 4},
        showlegend=False,
        bargap=0.4,
    )
    return figure


def leak_meter_alt(leaks: Mapping[str, Leakage]) -> str:
    """The meter in words."""
    listed = []
    for kind, found in leaks.items():
        share = "unknown" if found.artist_overlap is None else f"{found.artist_overlap:.0%}"
        score = "unknown" if found.artist_prior is None else f"{found.artist_prior.f1_macro:.2f}"
        listed.append(f"{kind}: artist overlap {share}, artist-prior baseline's macro F1 {score}")
    return "; ".join(listed)


def cooccurrence(found: Cooccurrence) -> "go.Figure":
    """How much more often than by chance two genres share a track, as a heat map."""
    import plotly.graph_objects as go

    names = [genre_name(genre) for genre in found.genres]
    n = len(names)
    said = [[_pair_sentence(names, found, row, column) for column in range(n)] for row in range(n)]
    figure = go.Figure(
        go.Heatmap(
            x=names,
            y=names,
            z=np.clip(found.lift, -_MOST_LIFT, _MOST_LIFT).round(2),
            customdata=said,
            colorscale=[list(stop) for stop in DIVERGING],
            zmin=-_MOST_LIFT,
            zmax=_MOST_LIFT,
            xgap=1,
            ygap=1,
            hoverongaps=False,
            hovertemplate="%{customdata}<extra></extra>",
            colorbar={
                "tickvals": [-3, -2, -1, 0, 1, 2, 3],
                "ticktext": ["⅛", "¼", "½", "as chance", "2×", "4×", "8×"],
                "thickness": 10,
                "outlinewidth": 0,
            },
        )
    )
    if n <= _MOST_LABELLED:
        _add_times(figure, names, found)
    figure.update_layout(
        height=max(280, 22 * n + 120),
        margin=_MARGIN,
        xaxis={"showgrid": False, "fixedrange": True, "tickangle": -60, "dtick": 1},
        yaxis={
            "showgrid": False,
            "fixedrange": True,
            "autorange": "reversed",
            "dtick": 1,
            "ticksuffix": " ",
        },
    )
    return figure


def _add_times(figure: "go.Figure", names: list[str], found: Cooccurrence) -> None:
    """The factors as numbers: in the theme's own colour where the ground shows through, dark on
    bright cells and white on the darkest."""
    grounds: dict[str | None, list[tuple[int, int]]] = {None: [], _DARK: [], "white": []}
    for row, column in np.argwhere(~np.eye(len(names), dtype=bool)):
        strength = abs(found.lift[row, column])
        colour = None if strength < 1 else _DARK if strength < _STRONG_LIFT else "white"
        grounds[colour].append((int(row), int(column)))
    for colour, cells in grounds.items():
        figure.add_scatter(
            x=[names[column] for _, column in cells],
            y=[names[row] for row, _ in cells],
            text=[_times(found.lift[cell]) for cell in cells],
            mode="text",
            textfont={"size": 12, **({} if colour is None else {"color": colour})},
            hoverinfo="skip",
            showlegend=False,
        )


def _times(lift: float) -> str:
    """A lift as a factor of about two signs, such as 3 or ⅓."""
    factor = 2.0**lift
    return f"{factor:.1f}" if factor < 9.95 else f"{factor:.0f}"


def _pair_sentence(names: list[str], found: Cooccurrence, row: int, column: int) -> str:
    if row == column:
        return ""
    times = 2.0 ** float(found.lift[row, column])
    return (
        f"{names[row]} and {names[column]}: {found.counts[row, column]:,} tracks carry both"
        f"<br>by chance it would be {found.expected[row, column]:,.0f} ({times:.2f} times)"
    )


def cooccurrence_alt(found: Cooccurrence) -> str:
    """The strongest pairs in words."""
    upper = np.triu_indices(len(found.genres), 1)
    order = np.argsort(-found.lift[upper])
    pairs = [(upper[0][i], upper[1][i]) for i in (*order[:2], *order[-1:])]
    listed = ", ".join(
        f"{found.genres[a]} with {found.genres[b]} {2.0 ** float(found.lift[a, b]):.1f} times"
        for a, b in dict.fromkeys(pairs)
    )
    return f"How much oftener than by chance two genres share a track: {listed}"


def labels_per_track(counts: Mapping[int, int]) -> "go.Figure":
    """How many tracks carry one genre, two, …"""
    total = sum(counts.values())
    return _bars(
        [str(number) for number in counts],
        list(counts.values()),
        [
            f"{n:,} tracks ({n / total:.1%}) carry {number} genre{'' if number == 1 else 's'}"
            for number, n in counts.items()
        ],
        "Genres of a track",
        "Tracks",
        share_of=total,
    )


def durations(found: Histogram) -> "go.Figure":
    """How long tracks are."""
    import plotly.graph_objects as go

    low, high = found.edges[:-1], found.edges[1:]
    figure = go.Figure(
        go.Bar(
            x=(low + high) / 2,
            y=found.counts,
            width=high - low,
            marker={"color": ACCENT_LIGHT, "line": {"color": ACCENT, "width": 1}},
            customdata=[
                f"{n:,} tracks between {_clock(a)} and {_clock(b)}"
                for n, a, b in zip(found.counts, low, high, strict=True)
            ],
            hovertemplate="%{customdata}<extra></extra>",
        )
    )
    ticks = _time_ticks(float(found.edges[-1]))
    figure.update_layout(
        height=260,
        margin=_MARGIN,
        bargap=0,
        xaxis={
            "title": "Length",
            "tickvals": ticks,
            "ticktext": [_clock(tick) for tick in ticks],
            "range": [0, found.edges[-1]],
            "fixedrange": True,
            "showgrid": False,
        },
        yaxis={"title": "Tracks", "tickformat": ",d", "fixedrange": True, "nticks": 5},
    )
    return figure


def artist_sizes(found: ArtistSizes) -> "go.Figure":
    """How many tracks artists have."""
    said = [
        f"{n:,} artist{'' if n == 1 else 's'} with {size} tracks; {tracks:,} tracks in all"
        for size, n, tracks in zip(found.labels, found.artists, found.tracks, strict=True)
    ]
    return _bars(list(found.labels), list(found.artists), said, "Tracks of an artist", "Artists")


def _bars(
    names: list[str],
    values: list[int],
    said: list[str],
    x_title: str,
    y_title: str,
    share_of: int | None = None,
) -> "go.Figure":
    import plotly.graph_objects as go

    figure = go.Figure(
        go.Bar(
            x=names,
            y=values,
            marker={"color": ACCENT_LIGHT, "cornerradius": 4},
            text=[_short_share(v / share_of) if share_of else f"{v:,}" for v in values],
            textposition="outside",
            textangle=0,
            constraintext="none",
            cliponaxis=False,
            customdata=said,
            hovertemplate="%{customdata}<extra></extra>",
        )
    )
    figure.update_layout(
        height=260,
        margin={**_MARGIN, "t": 24},
        bargap=0.35,
        xaxis={"title": x_title, "type": "category", "fixedrange": True},
        yaxis={"title": y_title, "tickformat": ",d", "fixedrange": True, "nticks": 5},
    )
    return figure


def _short_share(share: float) -> str:
    return "<1%" if 0 < share < 0.01 else f"{share:.0%}"


def _categories(names: list[str]) -> dict[str, object]:
    return {
        "categoryorder": "array",
        "categoryarray": names[::-1],
        "range": [-0.6, len(names) - 0.4],
        "ticksuffix": "  ",
        "fixedrange": True,
        "showgrid": False,
        "automargin": True,
    }


def _clock(seconds: float) -> str:
    if seconds < 60 and seconds % 1:
        return f"{seconds:.1f} s"
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def _time_ticks(end_s: float) -> list[float]:
    steps = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 3600)
    step = next((s for s in steps if end_s / s <= 8), steps[-1])
    return [float(tick) for tick in np.arange(0, end_s + step / 2, step)]
