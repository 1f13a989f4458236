"""A board of runs that answer the same question: standings, differences, leader board."""

from typing import Any

import streamlit as st

from genre_engine.errors import GenreEngineError
from genre_engine.evaluation.comparison import FIGURES, PARALLEL_FROM, Board, places
from genre_engine.metrics.bootstrap import FEW_GROUPS
from genre_engine.metrics.export import best_baseline, value_of
from genre_engine.metrics.metric import METRICS
from genre_engine.runs import Run
from pages.components.compare import runs
from pages.components.shared.text import plain

_CONFIG = {"displayModeBar": False, "displaylogo": False}
_MOST_PAIRS = 15


def comparison_of(board: Board, figure: str, part: str, *, key: str) -> None:
    """Standings and differences of the chosen runs of one board."""
    from genre_engine.figures import compare as figures

    over = {"artists": "artists", "tracks": "tracks"}.get(board.over)
    if board.differences:
        st.subheader(plain(board.differences[0].sentence(figure)), anchor=False)
    else:
        st.subheader(plain(f"{board.runs[0].name}, by itself"), anchor=False)
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
    _figures_table(board)


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


def section(finished: list[Run], figure: str) -> None:
    """The leader board: all finished runs by what they were asked, best first, on validation."""
    st.header("Leader board", anchor=False)
    st.markdown(
        "By validation, so that test stays unseen. Only runs on the same tracks, genres and task "
        "are ranked together."
    )
    boards: dict[str, list[tuple[Run, dict[str, Any]]]] = {}
    for run in finished:
        try:
            at = runs.changed(run)
            asked = runs.question(run.id, at)
            boards.setdefault(asked, []).append((run, runs.stored(run.id, at)))
        except GenreEngineError as error:
            st.warning(plain(f"{run.name}: {error}"), icon=":material/warning:")
    # The largest boards first: a board of one has nobody to be compared with.
    for asked, members in sorted(boards.items(), key=lambda item: -len(item[1])):
        _leaders(asked, members, figure)


def _leaders(asked: str, members: list[tuple[Run, dict[str, Any]]], figure: str) -> None:
    title = METRICS[figure].label
    run, report = members[0]
    config = run.config
    st.subheader(
        plain(
            f"{config.dataset}: {len(config.genres)} genres, {config.split.get('kind')} split, "
            f"{config.task}, {report.get('tracks', 0):,} validation tracks"
        ),
        anchor=False,
    )
    sign = -1 if METRICS[figure].higher_is_better else 1

    def order(member: tuple[Run, dict[str, Any]]) -> float:
        value = value_of(member[1], figure)
        return float("inf") if value is None else sign * value

    ranked = sorted(members, key=order)
    rows = []
    standing = places([value_of(report, figure) for _, report in ranked])
    for place, (run, report) in zip(standing, ranked, strict=True):
        row: dict[str, Any] = {
            "Place": place,
            "Run": run.name,
            title: value_of(report, figure),
            "Best no-skill": _best_no_skill(report, figure),
        }
        for name in ("average_precision.macro", "f1.macro", "loss"):
            row.setdefault(METRICS[name].label, value_of(report, name))
        row["Model"] = run.config.model
        row["Features"] = run.config.features.get("kind")
        row["Artists in test and train"] = report.get("artist_overlap")
        row["Made"] = run.config.created[:16].replace("T", " ")
        rows.append(row)
    numbers = {METRICS[name].label for name in FIGURES}
    st.dataframe(
        rows,
        hide_index=True,
        column_config={
            **{
                name: st.column_config.NumberColumn(format="%.3f")
                for name in rows[0]
                if name in numbers
            },
            "Best no-skill": st.column_config.NumberColumn(
                format="%.3f", help=f"The best {title} of predictors that never listen."
            ),
            "Artists in test and train": st.column_config.NumberColumn(
                format="percent", help="Above 0, the scores are flattered: the split leaks."
            ),
        },
        alt="Leader board: " + ", ".join(f"{row['Run']} {row[title]}" for row in rows[:10]),
    )
    _parallel(asked, ranked, figure)


def _best_no_skill(report: dict[str, Any], figure: str) -> float | None:
    found = best_baseline(report, figure) if report.get("baselines") else None
    return None if found is None else found[1]


def _parallel(asked: str, ranked: list[tuple[Run, dict[str, Any]]], figure: str) -> None:
    """From ten runs of one model on: which settings go with a good score."""
    from genre_engine.evaluation import differing
    from genre_engine.figures import compare as figures

    by_model: dict[str, list[tuple[Run, dict[str, Any]]]] = {}
    for run, report in ranked:
        if value_of(report, figure) is not None:
            by_model.setdefault(run.config.model, []).append((run, report))
    title = METRICS[figure].label
    for model, members in by_model.items():
        if len(members) < PARALLEL_FROM:
            continue
        differing = differing.differing_settings([run for run, _ in members])
        differing = {
            name: values
            for name, values in differing.items()
            if name in members[0][0].config.settings or name in ("features", "seed")
        }
        if not differing:
            continue
        rows = [
            {name: values[run.name] for name, values in differing.items()}
            | {title: value_of(report, figure)}
            for run, report in members
        ]
        st.markdown(f"**{len(members)} runs of {model}**: drag along an axis to pick some of them.")
        st.plotly_chart(
            figures.parallel(rows, title),
            key=f"parallel-{asked[:8]}-{model}",
            config=_CONFIG,
            alt=f"Settings of {len(members)} runs as parallel axes, with {title.lower()}",
        )
