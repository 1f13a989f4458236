"""What the experiment has found: published figures beside ours, stages, figures, the report."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from genre_engine import reproduce
from genre_engine.reproduce import Reproduction, drawing, tables, writing
from genre_engine.reproduce.published import CANNOT_ALL_HOLD
from genre_engine.reproduce.tables import NOT_YET, Table
from pages.components.shared.text import plain

_SHOWN = {
    "waiting": (":material/radio_button_unchecked:", NOT_YET),
    "running": (":material/progress_activity:", "running"),
    "done": (":material/check_circle:", "done"),
    "failed": (":material/error:", "failed"),
    "skipped": (":material/do_not_disturb_on:", "left out"),
}

# Cells of a row that has no figure, for the one reason or the other.
_NOTHING = tuple({_SHOWN[status][1]} for status in ("waiting", "failed", "skipped"))


def section(dataset: str) -> None:
    """What is known so far, a tab for each kind of it."""
    found = reproduce.load(dataset)
    if cautions := writing.cautions(found):
        st.warning("  \n".join(map(plain, cautions)), icon=":material/science:")
    sections = {
        "Published and found": _published,
        "Stages": _all_stages,
        "Nine figures": _figures,
        "Trainings": _trainings,
    }
    tabs = st.tabs(list(sections), key="part", on_change="rerun", bind="query-params")
    for tab, draw in zip(tabs, sections.values(), strict=True):
        if tab.open:
            with tab:
                draw(found)
    _download(found)


def _published(found: Reproduction) -> None:
    for table in tables.published(found):
        _table(table)
    st.markdown(f":gray[{plain(tables.READING)}]")
    with st.expander("Why the published figures can't all hold"):
        st.markdown(plain(CANNOT_ALL_HOLD))


def _all_stages(found: Reproduction) -> None:
    for part, title in reproduce.PARTS.items():
        st.markdown(f"**{title}**")
        _stages(found, part)


def _trainings(found: Reproduction) -> None:
    if not any(found.output(stage.name) for stage in reproduce.STAGES if stage.training):
        st.markdown(f":gray[*{NOT_YET}*]")
        return
    for table in tables.trainings(found):
        st.markdown(f"**{table.title}**")
        _table(table)
    st.page_link("pages/compare.py", label="Compare them", icon=":material/compare_arrows:")


def _table(table: Table) -> None:
    """As Markdown: it follows the theme, and what isn't there yet stands in grey."""

    def cell(text: str) -> str:
        return f":gray[*{NOT_YET}*]" if text == NOT_YET else plain(text)

    missing = {row[0]: row[1] for row in table.rows if set(row[1:]) in _NOTHING}
    head, rows = _shortened(
        replace(table, rows=tuple(row for row in table.rows if row[0] not in missing))
    )
    for word in dict.fromkeys(missing.values()):
        names = ", ".join(plain(name) for name, said in missing.items() if said == word)
        st.markdown(f":gray[*{word}*: {names}]")
    if not rows:
        return
    lines = [
        "| " + " | ".join(plain(text) or " " for text in head) + " |",
        "|" + "---|" + "---:|" * (len(head) - 1),
        *("| " + " | ".join(map(cell, row)) + " |" for row in rows),
    ]
    name = re.sub(r"\W+", "-", table.title)
    with st.container(key=f"reproduced-{name}"):
        st.html(_as_cards(f".st-key-reproduced-{name}", head))
        st.markdown("\n".join(lines))


def _as_cards(place: str, head: Sequence[str]) -> str:
    """On a phone each row is a card, whose entries say what the columns' heads said."""
    rules = [
        f"{place} thead {{ display: none; }}",
        f"{place} table, {place} tbody, {place} td {{ display: block; }}",
        f"{place} tr {{ display: grid; grid-template-columns: 1fr 1fr; gap: 0 0.75rem; "
        "padding: 0.5rem 0; }",
        f"{place} td {{ border: none; padding: 0.1rem 0; text-align: left !important; }}",
        f"{place} td:nth-child(1) {{ font-weight: 600; grid-column: 1 / -1; }}",
    ]
    for number, text in enumerate(head[1:], start=2):
        listed = re.sub(r'[\\"<]', "", text)
        rules.append(f'{place} td:nth-child({number})::before {{ content: "{listed}: "; }}')
    return (
        f"<style>{place} table {{ font-size: 0.875rem; }} "
        f"{place} :is(td, th) {{ padding: 0.35rem 0.5rem; }} "
        f"{place} td:first-child {{ white-space: nowrap; }} "
        f"@media (max-width: 640px) {{ {' '.join(rules)} }}</style>"
    )


def _shortened(table: Table) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Head and rows without columns that nothing has filled yet; one stands for them all."""
    filled = [
        n for n in range(len(table.head)) if any(row[n] != NOT_YET for row in table.rows) or n == 0
    ]
    rows = [tuple(row[n] for n in filled) for row in table.rows]
    head = tuple(table.head[n] for n in filled)
    if len(filled) == len(table.head):
        return head, rows
    return (*head, "The rest" if len(head) > 2 else "Ours"), [(*row, NOT_YET) for row in rows]


def _download(found: Reproduction) -> None:
    if not found.report_html.is_file():
        return
    with st.container(horizontal=True):
        st.download_button(
            "Report, with figures",
            lambda: found.report_html.read_bytes(),
            f"reproduction-{found.dataset}.html",
            "text/html",
            icon=":material/download:",
            on_click="ignore",
        )
        st.download_button(
            "Report as Markdown",
            lambda: found.report_md.read_bytes(),
            f"reproduction-{found.dataset}.md",
            "text/markdown",
            icon=":material/article:",
            on_click="ignore",
        )


def _stages(found: Reproduction, part: str) -> None:
    lines = []
    for stage in reproduce.STAGES:
        if stage.part != part:
            continue
        outcome, status = found.outcomes[stage.name], found.status(stage.name)
        icon, word = _SHOWN[status]
        took = f" · {outcome.seconds:,.0f} s" if outcome.seconds >= 1 else ""
        said = f" · {plain(outcome.message)}" if outcome.message else ""
        text = f"{icon} {plain(stage.title)} · {word}{took}{said}"
        lines.append(f":gray[{text}]" if status in ("waiting", "skipped") else text)
    st.markdown("  \n".join(lines))


def _figures(found: Reproduction) -> None:
    drawn = drawing.stored(found)
    if not drawn:
        st.markdown(f":gray[*{NOT_YET}*]")
        return
    chosen = st.pills(
        "Figure",
        list(drawn),
        format_func=lambda name: drawn[name][0],
        default=next(iter(drawn)),
        required=True,
        key="reproduced_figure",
        label_visibility="collapsed",
    )
    _, words, text = drawn[str(chosen)]
    figure: Any = json.loads(text)
    st.plotly_chart(figure, key=f"figure-{chosen}", config={"displayModeBar": False}, alt=words)
