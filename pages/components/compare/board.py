"""A board of the chosen runs that answer the same question: standings and differences."""

from typing import Any

import streamlit as st

from genre_engine.evaluation.comparison import FIGURES, Board
from genre_engine.metrics.bootstrap import FEW_GROUPS
from genre_engine.metrics.metric import METRICS
from pages.components.shared.text import plain

_CONFIG = {"displayModeBar": False, "displaylogo": False}
_MOST_PAIRS = 15
# Side by side as long as their axes' titles fit.
_WIDE_ENOUGH = """<style>
.st-key-{key}-charts [data-testid=stColumn] {{ min-width: min(100%, 20rem) }}
</style>"""


def comparison_of(board: Board, figure: str, part: str, *, key: str) -> None:
    """Standings and differences of the chosen runs of one board."""
    over = {"artists": "artists", "tracks": "tracks"}.get(board.over)
    if board.differences:
        st.header(plain(board.differences[0].sentence(figure)), anchor=False)
    else:
        st.header(plain(f"{board.runs[0].name}, by itself"), anchor=False)
    said = f"{plain(board.dataset)}: {board.n_tracks:,} {part} tracks, {len(board.genres)} genres"
    if over:
        said += f"; intervals of 95 % over {over}, the same draws for all runs"
    said += "."
    drawn = board.reports[board.runs[0].id].draws
    if drawn is not None and drawn.groups.effective < FEW_GROUPS:
        said += (
            f" From so few {board.over} they come out too short, so a difference is less sure than "
            "it looks."
        )
    st.markdown(said)
    with st.container(key=f"{key}-charts"):
        st.html(_WIDE_ENOUGH.format(key=key))
        _charts(board, figure, part, key)
    _figures_table(board)


def _charts(board: Board, figure: str, part: str, key: str) -> None:
    from genre_engine.figures import compare as figures

    left, right = st.columns(2, gap="large")
    with left:
        st.plotly_chart(
            figures.standings(board, figure),
            key=f"{key}-standings-{figure}-{part}",
            config=_CONFIG,
            alt=figures.standings_alt(board, figure),
        )
    shown = board.differences[:_MOST_PAIRS]
    if shown:
        with right:
            st.plotly_chart(
                figures.forest(shown, figure),
                key=f"{key}-forest-{figure}-{part}",
                config=_CONFIG,
                alt="Differences: " + "; ".join(d.sentence(figure) for d in shown),
            )
            more = len(board.differences) - len(shown)
            st.markdown(
                ":gray[Filled and coloured: a real difference at the 5 % level"
                + (", Holm-corrected for all pairs" if len(board.differences) > 1 else "")
                + ". An interval that crosses the dotted line can't be distinguished from chance."
                + (f" {more} more pairs are in the JSON of the command.]" if more else "]")
            )


def _figures_table(board: Board) -> None:
    rows = []
    for run in board.runs:
        report = board.reports[run.id]
        row: dict[str, Any] = {"Run": run.name}
        for name in FIGURES:
            title = METRICS[name].label
            value, interval = report.figure(name), report.interval(name)
            if value is None:
                row[title] = "–"
            elif interval is None:
                row[title] = f"{value:.2f}"
            else:
                row[title] = f"{value:.2f} [{interval[0]:.2f}–{interval[1]:.2f}]"
        rows.append(row)
    with st.expander("All figures with intervals", icon=":material/table:"):
        st.dataframe(rows, hide_index=True, alt="Figures of the compared runs")
