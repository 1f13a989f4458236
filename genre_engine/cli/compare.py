"""`compare`: finished runs side by side."""

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from genre_engine.cli.console import complain

if TYPE_CHECKING:
    from rich.console import Console

    from genre_engine.evaluation.comparison import Comparison


class Format(StrEnum):
    table = "table"
    json = "json"


class Part(StrEnum):
    validation = "validation"
    test = "test"


def command(
    names: Annotated[list[str], typer.Argument(metavar="RUN RUN...", help="Ids or names.")],
    part: Annotated[
        Part, typer.Option(help="The tracks to compare on; each look at test is counted.")
    ] = Part.validation,
    figure: Annotated[
        str, typer.Option(help="What is ranked by, such as f1.macro or loss.")
    ] = "average_precision.macro",
    least: Annotated[
        float, typer.Option(help="The least difference that matters, in that figure.")
    ] = 0.01,
    form: Annotated[Format, typer.Option("--format", help="How it is written.")] = Format.table,
) -> None:
    """Compare finished runs: figures with intervals, whether differences are real, settings."""
    from genre_engine import runs
    from genre_engine.evaluation import comparison

    found = comparison.compare(
        [runs.open(name) for name in names], part=part.value, figure=figure, least=least
    )
    if form is Format.json:
        typer.echo(json.dumps(found.to_dict(), ensure_ascii=False, indent=2))
        return
    _print(found)


def _print(found: "Comparison") -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from genre_engine.evaluation import comparison
    from genre_engine.metrics.metric import METRICS

    console = Console(highlight=False)
    shown = dict.fromkeys([found.figure, "f1.macro", "average_precision.macro", "loss"])
    for board in found.boards:
        table = Table(
            title=f"{board.dataset}: {board.n_tracks:,} {found.part} tracks, "
            f"{len(board.genres)} genres, {board.task}",
            title_justify="left",
            box=None,
            header_style="bold",
        )
        table.add_column("Place", justify="right")
        table.add_column("Run")
        for name in shown:
            table.add_column(METRICS[name].label, justify="right")
        standing = comparison.places(
            [board.reports[run.id].figure(found.figure) for run in board.runs]
        )
        for place, run in zip(standing, board.runs, strict=True):
            report = board.reports[run.id]
            cells = []
            for name in shown:
                value, interval = report.figure(name), report.interval(name)
                text = "–" if value is None else f"{value:.3f}"
                cells.append(
                    text + (f" [{interval[0]:.3f}, {interval[1]:.3f}]" if interval else "")
                )
            table.add_row(str(place), escape(run.name), *(escape(cell) for cell in cells))
        console.print(table)
        for difference in board.differences:
            console.print(escape(difference.sentence(found.figure)) + ".")
        console.print()
    _print_repeats(found, console)
    for sentence in found.apart:
        complain(sentence)
    if found.settings:
        table = Table(box=None, header_style="bold", title="What differs", title_justify="left")
        table.add_column("")
        for run in found.runs:
            table.add_column(escape(run.name))
        for name, values in found.settings.items():
            table.add_row(name, *(escape(_cell(values[run.name])) for run in found.runs))
        console.print(table)


def _print_repeats(found: "Comparison", console: "Console") -> None:
    """Runs that differ in their seed alone, in a line each."""
    from rich.markup import escape

    from genre_engine.metrics.metric import METRICS

    shown = dict.fromkeys([found.figure, "f1.macro", "average_precision.macro", "loss"])
    for group in found.repeated():
        figures = []
        for name in shown:
            over = found.over_seeds(group, name)
            if over.mean is not None and over.sd is not None:
                figures.append(f"{METRICS[name].label} {over.mean:.3f} ± {over.sd:.3f}")
        names = ", ".join(run.name for run in group)
        console.print(escape(f"{len(group)} seeds of one recipe ({names}): {', '.join(figures)}."))


def _cell(value: object) -> str:
    return "–" if value is None else str(value)
