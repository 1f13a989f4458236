"""The leader board: all finished runs by what they were asked, seeds of one recipe as one row."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from genre_engine.errors import GenreEngineError
from genre_engine.evaluation import differing, leaders
from genre_engine.evaluation.comparison import FIGURES, PARALLEL_FROM, places
from genre_engine.evaluation.leaders import Board, Member, Row
from genre_engine.metrics.export import value_of
from genre_engine.metrics.metric import METRICS
from genre_engine.runs import Run
from pages.components.compare import reference, runs
from pages.components.compare.reference import Added
from pages.components.shared.text import plain

_CONFIG = {"displayModeBar": False, "displaylogo": False}


def section(finished: list[Run], figure: str) -> None:
    """All finished runs, best first, on validation."""
    st.header("Leader board", anchor=False)
    st.markdown(
        "By validation, so that test stays unseen. Only runs on the same tracks, genres and task "
        "are ranked together. Runs that differ in their seed alone are one row: its score is their "
        "mean, and ± is the standard deviation over seeds, or over the folds of a cross-validated "
        "run."
    )
    members = []
    for run in finished:
        try:
            at = runs.changed(run)
            members.append(Member(run, runs.question(run.id, at), runs.stored(run.id, at)))
        except GenreEngineError as error:
            st.warning(plain(f"{run.name}: {error}"), icon=":material/warning:")
    boards = leaders.boards(members)
    singly = False
    if any(len(row.members) > 1 for board in boards for row in board.rows):
        singly = st.toggle(
            "Show each seed by itself",
            key="each-seed",
            persist_state="session",
            help="Below the row that sums them up. They have no place of their own.",
        )
    reference.progress(finished)
    notes: set[str] = set()
    for board in boards:
        _board(board, figure, notes, singly=singly)


def _board(board: Board, figure: str, notes: set[str], *, singly: bool) -> None:
    st.subheader(plain(_title(board)), anchor=False)
    ranked = board.ranked(figure)
    added = reference.rows(board)
    rows = _standing(ranked, added, figure, singly=singly)
    title = METRICS[figure].label
    numbers = {METRICS[name].label for name in FIGURES}
    st.dataframe(
        rows,
        hide_index=True,
        placeholder="–",
        column_config={
            **{
                name: st.column_config.NumberColumn(format="%.3f")
                for name in rows[0]
                if name in numbers
            },
            # Narrow, so that a phone shows place, run and score side by side.
            "Place": st.column_config.NumberColumn(width=50),
            "Run": st.column_config.TextColumn(width=145),
            title: st.column_config.NumberColumn(
                "Score", format="%.3f", width=80, help=f"{title}, by which they are ranked."
            ),
            "±": st.column_config.NumberColumn(
                format="%.3f",
                width=60,
                help="The standard deviation over seeds or folds. A difference below it is soon "
                "chance.",
            ),
            "Over": st.column_config.TextColumn(width=90, help="What ± is taken over."),
            "Best no-skill": st.column_config.NumberColumn(
                format="%.3f", help=f"The best {title} of predictors that never listen."
            ),
            "Artists in test and train": st.column_config.NumberColumn(
                format="percent", help="Above 0, the scores are flattered: the split leaks."
            ),
        },
        alt="Leader board: " + "; ".join(_said(row, title) for row in rows[:10]),
    )
    reference.offer(board, added, notes)
    _parallel(board, figure)


def _title(board: Board) -> str:
    row = board.rows[0]
    config, tracks = row.run.config, [member.validation.get("tracks", 0) for member in row.members]
    said = f"{config.dataset}: {len(config.genres)} genres, {config.split.get('kind')} split, "
    said += f"{config.task}, "
    if len(board.asked) == 1:
        return f"{said}{tracks[0]:,} validation tracks"
    return f"{said}{len(tracks)} seeds, each with validation tracks of its own"


def _said(row: dict[str, Any], title: str) -> str:
    value, spread = row[title], row["±"]
    said = f"{row['Run']} {'unknown' if value is None else f'{value:.3f}'}"
    return said if spread is None else f"{said} ± {spread:.3f} over {row['Over']}"


def _standing(
    ranked: Sequence[Row], added: Sequence[Added], figure: str, *, singly: bool
) -> list[dict[str, Any]]:
    """The table's rows, the pretrained networks among them."""
    sign = -1 if METRICS[figure].higher_is_better else 1
    entries: list[tuple[float | None, list[dict[str, Any]]]] = []
    for row in ranked:
        cells = [_cells(row, figure)]
        if singly and len(row.members) > 1:
            cells += [_cells(one, figure, seed=True) for one in row.singly()]
        entries.append((row.figure(figure).mean, cells))
    entries += [(one.figure(figure).mean, [_added_cells(one, figure)]) for one in added]
    entries.sort(key=lambda e: float("inf") if e[0] is None else sign * e[0])
    standing = places([value for value, _ in entries])
    for place, (_, cells) in zip(standing, entries, strict=True):
        cells[0]["Place"] = place
    return [line for _, cells in entries for line in cells]


def _cells(row: Row, figure: str, *, seed: bool = False) -> dict[str, Any]:
    config = row.run.config
    score = row.figure(figure)
    cells: dict[str, Any] = {
        "Place": None,
        "Run": f"· {row.run.name}, seed {config.seed}" if seed else row.run.name,
        METRICS[figure].label: score.mean,
        "±": score.sd,
        "Over": row.spread_over if score.sd is not None else "",
        "Best no-skill": row.no_skill(figure),
    }
    for name in ("average_precision.macro", "f1.macro", "loss"):
        cells.setdefault(METRICS[name].label, row.figure(name).mean)
    return cells | {
        "Model": config.model,
        "Features": config.features.get("kind"),
        "Artists in test and train": row.members[0].found.get("artist_overlap"),
        "Tags": ", ".join(row.run.notes().tags),
        "Made": config.created[:16].replace("T", " "),
    }


def _added_cells(one: Added, figure: str) -> dict[str, Any]:
    score = one.figure(figure)
    cells: dict[str, Any] = {
        "Place": None,
        "Run": one.title,
        METRICS[figure].label: score.mean,
        "±": score.sd,
        "Over": f"{score.n} splits" if score.sd is not None else "",
        "Best no-skill": None,
    }
    for name in ("average_precision.macro", "f1.macro", "loss"):
        cells.setdefault(METRICS[name].label, one.figure(name).mean)
    return cells | {
        "Model": "pretrained",
        "Features": None,
        "Artists in test and train": None,
        "Tags": "",
        "Made": "",
    }


def _parallel(board: Board, figure: str) -> None:
    """From ten runs of one model on: which settings go with a good score."""
    from genre_engine.figures import compare as figures

    by_model: dict[str, list[Member]] = {}
    for row in board.rows:
        for member in row.members:
            if value_of(member.validation, figure) is not None:
                by_model.setdefault(member.run.config.model, []).append(member)
    title = METRICS[figure].label
    for model, members in by_model.items():
        if len(members) < PARALLEL_FROM:
            continue
        others = {
            name: values
            for name, values in differing.differing_settings([m.run for m in members]).items()
            if name in members[0].run.config.settings or name in ("features", "seed")
        }
        if not others:
            continue
        rows = [
            {name: values[member.run.name] for name, values in others.items()}
            | {title: value_of(member.validation, figure)}
            for member in members
        ]
        st.markdown(f"**{len(members)} runs of {model}**: drag along an axis to pick some of them.")
        st.plotly_chart(
            figures.parallel(rows, title),
            key=f"parallel-{min(board.asked)[:8]}-{model}",
            config=_CONFIG,
            alt=f"Settings of {len(members)} runs as parallel axes, with {title.lower()}",
        )
