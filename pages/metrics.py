"""Results: how good a run is, held against what needs no listening, and where it goes wrong."""

import json
import shlex

import streamlit as st

from genre_engine import evaluation
from genre_engine.errors import GenreEngineError
from genre_engine.evaluation import evaluate
from genre_engine.metrics import export
from genre_engine.runs import Run
from pages.components.results import (
    curves,
    data,
    features,
    genres,
    learning,
    mistakes,
    verdict,
)
from pages.components.results.data import Judgement
from pages.components.shared import finished_runs, navigation
from pages.components.shared.text import plain

PARTS = {"validation": "Validation", "test": "Test"}
TABS = {
    "Figures": verdict.tables,
    "Genres": genres.section,
    "Mistakes": mistakes.section,
    "Thresholds": curves.thresholds,
    "Curves": curves.ranked,
    "Calibration": curves.reliability,
    "History": curves.course,
    "Learning curve": learning.section,
    "Features": features.section,
}


def main() -> None:
    st.title("How good is it, honestly?", anchor=False)
    done, others = data.finished()
    if not done:
        _nothing(others)
        return
    done = finished_runs.offered(done, st.query_params.get_all("run"))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        by_name = {run.name: run for run in done}
        # Other pages' links name a run by its id.
        for asked in (run for run in done if run.id == st.query_params.get("run")):
            st.query_params["run"] = asked.name
        run = by_name[
            str(
                st.selectbox(
                    "Run",
                    list(by_name),
                    key="run",
                    bind="query-params",
                    persist_state="session",
                    width=240,
                    help="Finished runs, the newest first.",
                )
            )
        ]
        part = _part(run)
        kind = _thresholds(run)
    if part == "test" and not _unsealed(run):
        return
    try:
        one = data.judged(run, part, kind)
        if kind.startswith(evaluate.PRECISION):
            _reached(one)
        verdict.section(one)
        _take_away(one)
        _rest(one)
    except GenreEngineError as error:
        st.error(plain(str(error)), icon=":material/error:")


def _nothing(others: int) -> None:
    st.info(
        "No run has finished yet. Train a model, and see here what it is worth: beside what "
        "can be scored without listening, genre by genre, with its mistakes to listen to.",
        icon=":material/insights:",
    )
    if others:
        st.markdown(f"{others} run{'' if others == 1 else 's'} not finished.")
    st.code("python -m genre_engine train demo", language="bash")


def _part(run: Run) -> str:
    if "folds" in run.config.split:
        st.markdown(
            "Judged on all tracks, each out of its fold",
            help="Cross-validation has no test part: each track is judged once, by a model that "
            "has not learnt from it.",
        )
        return "validation"
    return str(
        st.segmented_control(
            "Judged on",
            list(PARTS),
            format_func=PARTS.__getitem__,
            default="validation",
            required=True,
            key="part",
            help="Sliders, thresholds and listening belong on validation. Test is for the end.",
        )
    )


def _thresholds(run: Run) -> str:
    if run.config.task != "multilabel":
        return "global"
    kind = str(
        st.selectbox(
            "Threshold",
            list(data.KINDS),
            format_func=data.KINDS.__getitem__,
            key="kind",
            bind="query-params",
            width=200,
            help="From which probability on a genre is predicted. All but 0.5 are chosen on the "
            "threshold set, half of validation.",
        )
    )
    if kind == "own":
        return str(
            st.number_input(
                "From which probability on",
                0.0,
                1.0,
                0.5,
                0.01,
                key="own",
                bind="query-params",
                width=180,
            )
        )
    if kind != "precision":
        return kind
    wanted = st.slider(
        "Micro precision wanted",
        0.05,
        1.0,
        0.8,
        0.05,
        key="precision",
        bind="query-params",
        width=180,
        help="The lowest threshold that reaches it, so that as much as possible is found.",
    )
    return f"{evaluate.PRECISION}{wanted:g}"


def _reached(one: Judgement) -> None:
    """What became of a wanted precision."""
    found = one.found
    st.markdown(
        f"Each genre is predicted from **{found['thresholds']['global']:.2f}** on, which reaches "
        "the wanted precision on the threshold set. On all of "
        f"{one.part} it is **{found['precision']['micro']:.2f}**, and "
        f"{found['recall']['micro']:.0%} of the true labels are found."
    )


def _unsealed(run: Run) -> bool:
    """Whether this visit may see the run's test; a look is counted when it is asked for."""
    opened: set[str] = st.session_state.setdefault("unsealed", set())
    if run.id in opened:
        return True
    looks = len(run.looks())
    st.header("Test is sealed", anchor=False)
    st.markdown(
        "Figures on test say how the model does on music that nothing was chosen by. Every look "
        "before the last choice is made wears that off, so looks are counted in the run and "
        "printed on its model card. "
        + ("Nobody has looked yet." if not looks else f"So far: **{looks}**.")
    )
    if st.button("Unseal test, and count this look", icon=":material/lock_open:", type="primary"):
        try:
            run.predictions("test")
            run.add_look()
        except GenreEngineError as error:
            st.error(plain(str(error)), icon=":material/error:")
            return False
        opened.add(run.id)
        st.rerun()
    return False


def _take_away(one: Judgement) -> None:
    name, part = one.run.name, one.part
    with st.container(horizontal=True):
        with st.popover("Take it with you", icon=":material/download:"):
            st.download_button(
                "Report as JSON",
                lambda: json.dumps(one.found, ensure_ascii=False, indent=1),
                f"{name}-{part}.json",
                "application/json",
                icon=":material/data_object:",
                on_click="ignore",
            )
            st.download_button(
                "Report as CSV",
                lambda: export.to_csv(one.found),
                f"{name}-{part}.csv",
                "text/csv",
                icon=":material/table:",
                on_click="ignore",
            )
            st.download_button(
                "Model card",
                lambda: evaluation.card(one.run, one.report),
                f"{name}-{part}.md",
                "text/markdown",
                icon=":material/id_card:",
                on_click="ignore",
            )
        with st.popover("As a command", icon=":material/terminal:"):
            kind = "" if one.single else f" --thresholds {one.key[3]}"
            st.code(
                f"python -m genre_engine evaluate {shlex.quote(name)} --part {part}{kind}",
                language="bash",
                wrap_lines=True,
            )
        if one.run.config.warnings:
            with st.popover("Remarks", icon=":material/info:"):
                for text in one.run.config.warnings:
                    st.markdown(f"- {plain(text)}")


def _rest(one: Judgement) -> None:
    tabs = st.tabs(list(TABS), key="shown", on_change="rerun", bind="query-params")
    for tab, section in zip(tabs, TABS.values(), strict=True):
        if tab.open:
            with tab:
                section(one)


navigation.enter()
main()
