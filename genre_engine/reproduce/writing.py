"""The report: report.html, one file that needs no network, and report.md."""

from collections.abc import Iterable
from contextlib import suppress

from genre_engine import datasets
from genre_engine.errors import GenreEngineError
from genre_engine.reproduce import drawing, tables
from genre_engine.reproduce.published import CANNOT_ALL_HOLD
from genre_engine.reproduce.stages import PARTS, STAGES
from genre_engine.reproduce.state import Reproduction
from genre_engine.reproduce.tables import NOT_YET, Table
from genre_engine.storage import escape, workspace

_STATUS = {
    "waiting": NOT_YET,
    "running": "running",
    "done": "done",
    "failed": "failed",
    "skipped": "left out",
}

_STYLE = """
:root { color-scheme: light dark; --line: #8885; --soft: #6b6b76; }
@media (prefers-color-scheme: dark) { :root { --soft: #a5a5b0; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: right; }
th:first-child, td:first-child, table.words td { text-align: left; }
.later { color: var(--soft); font-style: italic; }
figure { margin: 1.5rem 0; background: #fff; color: #222; border-radius: .5rem; padding: .5rem; }
"""


def write(reproduction: Reproduction) -> None:
    """Write both as things stand.

    Raises:
        StorageError: they can't be written.
    """
    for path, text in (
        (reproduction.report_md, markdown(reproduction)),
        (reproduction.report_html, page(reproduction)),
    ):
        with workspace.replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")


def title(reproduction: Reproduction) -> str:
    return f"The course project's experiment on {reproduction.dataset}"


def opening(reproduction: Reproduction) -> list[str]:
    """What this is, in sentences."""
    said = [
        "The experiment of the course project “Music Genre Classifier” (Physics 5680, 2024), from "
        "its description: first as it was done, then with a split that shares no artist, then "
        "beyond it."
    ]
    found = reproduction.output("tracks")
    if found:
        genres = ", ".join(found["genres"])
        said.append(
            f"{found['tracks']:,} tracks by {found['artists']:,} artists carry only these genres: "
            f"{genres}."
        )
        if not found["same_as_course"]:
            said.append("These aren't the course project's ten, so figures can't be compared.")
    try:
        datasets.open(reproduction.dataset)
    except GenreEngineError:
        said.append("The data set has been removed since.")
    return said + cautions(reproduction)


def cautions(reproduction: Reproduction) -> list[str]:
    """Why the figures mean less than they seem to."""
    said = []
    with suppress(GenreEngineError):
        if datasets.open(reproduction.dataset).info.get("synthetic"):
            said.append(
                "This data set is synthetic: scores on it show that all stages work, and say "
                "nothing about real music."
            )
    if any(outcome.quick for outcome in reproduction.outcomes.values()):
        said.append(
            "Some trainings were cut short (quick): their figures show that all works, no more."
        )
    return said


def markdown(reproduction: Reproduction) -> str:
    """The report as Markdown."""
    lines = [f"# {escape.markdown(title(reproduction))}", ""]
    for sentence in opening(reproduction):
        lines += [escape.markdown(sentence), ""]
    lines += ["## Published and found", ""]
    for table in tables.published(reproduction):
        lines += [f"### {table.title}", "", *_md_table(table), ""]
    lines += [tables.READING, "", CANNOT_ALL_HOLD, "", "## All trainings", ""]
    for table in tables.trainings(reproduction):
        lines += [f"### {table.title}", "", *_md_table(table), ""]
    lines += ["## Stages", "", *_md_table(_stages(reproduction)), ""]
    drawn = drawing.stored(reproduction)
    if drawn:
        lines += ["## Figures", "", "Drawn in report.html; in words:", ""]
        lines += [f"- **{name}**: {escape.markdown(alt)}" for name, alt, _ in drawn.values()]
        lines.append("")
    return "\n".join(lines)


def page(reproduction: Reproduction) -> str:
    """The report as one HTML file; Plotly's code is in it once."""
    parts = [
        *(f"<p>{escape.html(sentence)}</p>" for sentence in opening(reproduction)),
        "<h2>Published and found</h2>",
        *_html_tables(tables.published(reproduction)),
        f"<p>{escape.html(tables.READING)}</p><p>{escape.html(CANNOT_ALL_HOLD)}</p>",
        "<h2>All trainings</h2>",
        *_html_tables(tables.trainings(reproduction)),
        "<h2>Figures</h2>",
        *_figures(reproduction),
        "<h2>Stages</h2>",
        _html_table(_stages(reproduction), words=True),
    ]
    name = escape.html(title(reproduction))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{name}</title><style>{_STYLE}</style></head>\n<body><h1>{name}</h1>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def _stages(reproduction: Reproduction) -> Table:
    rows = []
    for stage in STAGES:
        outcome = reproduction.outcomes[stage.name]
        # While the report is written the process still holds the reproduction, but no stage runs.
        status = "waiting" if outcome.status == "running" else outcome.status
        seconds = f"{outcome.seconds:,.1f} s" if outcome.seconds else ""
        part = PARTS[stage.part]
        rows.append((stage.title, part, _STATUS[status], seconds, outcome.message))
    return Table("Stages", ("", "Part", "State", "Time", "Outcome"), tuple(rows))


def _figures(reproduction: Reproduction) -> Iterable[str]:
    from plotly import io

    drawn = drawing.stored(reproduction)
    if not drawn:
        yield f'<p class="later">{NOT_YET}</p>'
    for number, (name, alt, text) in enumerate(drawn.values()):
        # The plotly.js of the package, once: the file must be whole without a network.
        body = io.to_html(
            io.from_json(text),
            full_html=False,
            include_plotlyjs=number == 0,
            config={"displaylogo": False, "responsive": True},
        )
        words = escape.html(alt)
        yield (
            f'<h3>{escape.html(name)}</h3><figure role="group" aria-label="{words}">{body}'
            f"<figcaption>{words}</figcaption></figure>"
        )


def _html_tables(found: Iterable[Table]) -> Iterable[str]:
    for table in found:
        yield f"<h3>{escape.html(table.title)}</h3>"
        yield _html_table(table)


def _html_table(table: Table, *, words: bool = False) -> str:
    def cell(text: str) -> str:
        later = ' class="later"' if text == NOT_YET else ""
        return f"<td{later}>{escape.html(text)}</td>"

    head = "".join(f"<th>{escape.html(text)}</th>" for text in table.head)
    rows = "".join(f"<tr>{''.join(map(cell, row))}</tr>" for row in table.rows)
    kind = ' class="words"' if words else ""
    return f'<div class="wide"><table{kind}><tr>{head}</tr>{rows}</table></div>'


def _md_table(table: Table) -> list[str]:
    def line(cells: Iterable[str]) -> str:
        return "| " + " | ".join(escape.markdown(cell) for cell in cells) + " |"

    return [line(table.head), line(["---"] * len(table.head)), *map(line, table.rows)]
