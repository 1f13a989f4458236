"""What the features carry: what the score loses when a group of them is shuffled."""

import shlex
from typing import Any

import streamlit as st

from genre_engine import runs
from genre_engine.errors import GenreEngineError
from genre_engine.features.groups import LEVELS
from genre_engine.figures import importance as figures
from genre_engine.prediction import importance, vocabulary
from pages.components.results.data import Judgement
from pages.components.shared.text import plain

_CONFIG = {"displayModeBar": False, "displaylogo": False}
_MEASURED = "features-measured"
# A shuffle that loses less is hardly told from chance, whatever the spread.
_LITTLE = 0.005


def section(one: Judgement) -> None:
    """Measured when it is asked for, and kept for the server's life."""
    run = one.run
    try:
        importance.check(run)
    except GenreEngineError as error:
        st.header("What the features carry", anchor=False)
        st.info(plain(str(error)), icon=":material/info:")
        return
    asked: set[str] = st.session_state.setdefault(_MEASURED, set())
    if run.id not in asked:
        st.header("What do the features carry?", anchor=False)
        st.markdown(
            "Each group of features is shuffled among the tracks of validation, so that it says "
            "nothing of them any more. What macro average precision then loses is what the model "
            "draws from that group. Test stays sealed."
        )
        st.button(
            "Shuffle and see",
            icon=":material/shuffle:",
            type="primary",
            key="features-measure",
            on_click=asked.add,
            args=(run.id,),
        )
        return
    stamp = (run.folder / "report.json").stat().st_mtime_ns
    _draw(_measured(run.id, stamp), run.name)


@st.cache_data(max_entries=20, show_spinner="Shuffling groups of features …")
def _measured(run_id: str, _stamp: int) -> dict[str, Any]:
    return importance.of_run(runs.open(run_id))


def _draw(found: dict[str, Any], name: str) -> None:
    levels = [level for level in LEVELS if any(g["level"] == level for g in found["groups"])]
    st.header(_finding(found, levels[0]), anchor=False)
    level = levels[0]
    if len(levels) > 1:
        level = str(
            st.segmented_control(
                "Groups",
                levels,
                format_func=LEVELS.__getitem__,
                default=levels[0],
                required=True,
                key="features-level",
            )
        )
    st.plotly_chart(
        figures.importance(found, level),
        key=f"features-{level}",
        config=_CONFIG,
        alt=figures.importance_alt(found, level),
    )
    if said := importance.warning(found, level):
        st.warning(plain(said), icon=":material/link:")
    st.markdown(
        f":gray[On {found['tracks']:,} tracks of validation, where macro average precision is "
        f"{found['score']:.2f}. Bars are means of {found['repeats']} shuffles, whiskers their "
        "extremes; how far other tracks would move them isn't in that. It says what this model "
        "uses, not what tells genres apart: another model may draw on something else.]"
    )
    with st.expander("By genre, as a table", icon=":material/table:"):
        _table(found, level)
    with st.popover("As a command", icon=":material/terminal:"):
        command = f"python -m genre_engine evaluate {shlex.quote(name)} --importance"
        st.code(command, language="bash", wrap_lines=True)


def _finding(found: dict[str, Any], level: str) -> str:
    rows = [row for row in found["groups"] if row["level"] == level]
    best = max(rows, key=lambda row: float(row["drop"]))
    if best["drop"] < _LITTLE:
        return "No group is missed by itself"
    return f"{plain(best['title'])} is missed most: {best['drop']:.2f} of {found['score']:.2f}"


def _table(found: dict[str, Any], level: str) -> None:
    rows = [
        {
            "Group": row["title"],
            "Columns": row["columns"],
            "Drop": row["drop"],
            **{vocabulary.display_name(genre): drop for genre, drop in row["genres"].items()},
        }
        for row in found["groups"]
        if row["level"] == level
    ]
    numbers = [name for name in rows[0] if name not in ("Group", "Columns")]
    st.dataframe(
        rows,
        hide_index=True,
        column_config=dict.fromkeys(numbers, st.column_config.NumberColumn(format="%.3f")),
        alt="Drop in average precision of each genre",
    )
