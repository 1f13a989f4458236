"""Compare: which run is better, whether that is real, and what was set otherwise."""

import shlex
from collections.abc import Sequence
from typing import Any

import streamlit as st

from genre_engine.errors import GenreEngineError
from genre_engine.evaluation.comparison import FIGURES, Comparison
from genre_engine.evaluation.differences import LEAST_DIFFERENCE
from genre_engine.metrics.metric import METRICS
from genre_engine.runs import Run
from pages.components.compare import board as compare_board
from pages.components.compare import leader_board, manage
from pages.components.compare import runs as compare_runs
from pages.components.shared import finished_runs, navigation
from pages.components.shared.text import plain

PARTS = {"validation": "Validation", "test": "Test"}


def main() -> None:
    st.title("Which one is better?", anchor=False)
    finished, problems = compare_runs.finished()
    if not finished:
        _nothing(problems)
        manage.section(compare_runs.managed())
        return
    finished = finished_runs.offered(finished, st.query_params.get_all("compared"))
    finished = manage.tag_filter(finished)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = [run.name for run in finished]
        chosen = st.multiselect(
            "Runs",
            names,
            default=compare_runs.first_choice(finished),
            key="compared",
            bind="query-params",
            persist_state="session",
            placeholder="Choose two or more",
            wrap=True,
            help="Finished runs, the newest first. They are compared on the same tracks only.",
        )
        figure = st.selectbox(
            "Ranked by",
            list(FIGURES),
            format_func=lambda name: METRICS[name].label,
            key="figure",
            bind="query-params",
            persist_state="session",
            width=260,
        )
        least = st.number_input(
            "Least difference that matters",
            0.0,
            0.5,
            LEAST_DIFFERENCE,
            0.005,
            format="%.3f",
            key="least",
            persist_state="session",
            width=220,
            help="A smaller difference is never called real, however sure it is.",
        )
    runs = [run for name in chosen for run in finished if run.name == name]
    try:
        if len(runs) >= 2:
            _compared(runs, figure, least)
        else:
            st.info(
                "Choose two runs or more to see whether one is really better. All finished runs "
                "are on the leader board below.",
                icon=":material/compare_arrows:",
            )
        leader_board.section(finished, figure)
    except GenreEngineError as error:
        st.error(plain(str(error)), icon=":material/error:")
    manage.section(compare_runs.managed(finished))
    for problem in problems:
        st.warning(plain(problem), icon=":material/warning:")


def _nothing(problems: list[str]) -> None:
    st.info(
        "No run has finished yet. Train two models, or one model with two settings, and see here "
        "whether the difference is real.",
        icon=":material/compare_arrows:",
    )
    st.page_link("pages/train.py", label="Train a model", icon=":material/model_training:")
    for problem in problems:
        st.warning(plain(problem), icon=":material/warning:")


def _compared(runs: list[Run], figure: str, least: float) -> None:
    part = _part(runs)
    found = compare_runs.compared(runs, part).ranked_by(figure, least)
    for sentence in found.apart:
        st.warning(plain(sentence), icon=":material/call_split:")
    for group in found.repeated():
        st.markdown(plain(_seeds(found, group, figure)))
    for number, board in enumerate(found.boards):
        compare_board.comparison_of(board, figure, part, key=f"board-{number}")
    _settings(runs, found.settings)
    _curves(runs)
    names = " ".join(shlex.quote(run.name) for run in runs)
    with st.popover("As a command", icon=":material/terminal:"):
        st.code(
            f"python -m genre_engine compare {names} --part {part} --figure {figure}"
            + (f" --least {least:g}" if least != LEAST_DIFFERENCE else ""),
            language="bash",
            wrap_lines=True,
        )


def _seeds(found: Comparison, group: Sequence[Run], figure: str) -> str:
    """ "3 seeds of one recipe: macro F1 0.71 ± 0.02"."""
    over = found.over_seeds(group, figure)
    names = ", ".join(run.name for run in group)
    said = f"{len(group)} seeds of one recipe ({names})"
    if over.mean is None or over.sd is None:
        return f"{said}."
    return f"{said}: {METRICS[figure].label} {over.mean:.3f} ± {over.sd:.3f}."


def _part(runs: list[Run]) -> str:
    """Validation; test only after it has been unsealed for this very choice of runs."""
    unsealed = st.session_state.setdefault("compared_on_test", set())
    key = frozenset(run.id for run in runs)
    part = st.segmented_control(
        "On",
        list(PARTS),
        format_func=PARTS.__getitem__,
        default="validation",
        required=True,
        key="compared_part",
        label_visibility="collapsed",
    )
    if part == "validation" or key in unsealed:
        return str(part)
    looks = max(len(run.looks()) for run in runs)
    st.warning(
        "Test is sealed: who looks at it again and again ends up choosing by it. This look is "
        "counted in each of these runs and printed on their model cards"
        f"{f'; there were up to {looks} before' if looks else ''}.",
        icon=":material/lock:",
    )
    if st.button("Unseal test for these runs", icon=":material/lock_open:"):
        unsealed.add(key)
        st.rerun()
    return "validation"


def _settings(runs: list[Run], settings: Any) -> None:
    st.header("What was set otherwise", anchor=False)
    if not settings:
        st.markdown("Nothing: these runs have the same settings, data and seed.")
        return
    rows = [
        {"": name, **{run.name: _said(values[run.name]) for run in runs}}
        for name, values in settings.items()
    ]
    st.dataframe(rows, hide_index=True, alt="Settings in which the runs differ")


def _said(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, list | tuple):
        return ", ".join(str(entry) for entry in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _curves(runs: list[Run]) -> None:
    from genre_engine.figures import compare as figures

    kinds = {"val_loss": "Validation loss", "val_auc": "Validation AUC", "loss": "Training loss"}
    st.header("How they learnt", anchor=False)
    key = st.segmented_control(
        "Curve",
        list(kinds),
        format_func=kinds.__getitem__,
        default="val_loss",
        required=True,
        key="curve",
        label_visibility="collapsed",
    )
    drawn = [run for run in runs if any(epoch.get(key) is not None for epoch in run.epochs())]
    if not drawn:
        st.markdown("None of these runs recorded this curve.")
        return
    if len(runs) > figures.MOST_CURVES:
        st.markdown(f"The first {figures.MOST_CURVES} of them; more lines would run together.")
    st.plotly_chart(
        figures.curves(drawn, key, kinds[key]),
        key=f"curves-{key}",
        config={"displayModeBar": False},
        alt=f"{kinds[key]} by epoch: "
        + "; ".join(
            f"{run.name} ends at {run.epochs()[-1].get(key)}"
            for run in drawn[: figures.MOST_CURVES]
        ),
    )
    st.markdown(
        ":gray[A star marks the epoch whose weights were kept. Losses of different kinds of models "
        "are all the unweighted cross-entropy.]"
    )


navigation.enter()
main()
