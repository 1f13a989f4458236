"""`reproduce`: the course project's experiment on a data set."""

# The engine is imported inside the functions: with pandas it would make --help slow.
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from genre_engine.cli.console import complain, progress_bar
from genre_engine.cli.runs import result_console

if TYPE_CHECKING:
    from genre_engine.reproduce import Reproduction

# Without a terminal a line is written every so often, so that a log shows that it goes on.
_LINE_EVERY_S = 15.0


def command(
    name: Annotated[
        str,
        typer.Argument(
            help="The data set; with --tracks it may not exist yet.", show_default=False
        ),
    ],
    stages: Annotated[
        str | None,
        typer.Option(
            help="Only these stages and what they need, parted by commas; course, honest and "
            "beyond stand for all of a part.",
            show_default=False,
        ),
    ] = None,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick", help="Very short trainings, to see that all works; figures mean nothing."
        ),
    ] = False,
    tracks: Annotated[
        int | None,
        typer.Option(
            help="Fetch so many tracks of MTG-Jamendo first (30 s of each), as a new data set.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of splits and models.")] = 0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what is left to do and what it will take.")
    ] = False,
) -> None:
    """Repeat the course project's experiment, its tables beside ours.

    What is done isn't done again: after a stop, the same command goes on. The report lies in the
    workspace, as HTML and Markdown.
    """
    from genre_engine import reproduce

    request = reproduce.Request(
        name,
        stages=tuple(part.strip() for part in (stages or "").split(",") if part.strip()),
        quick=quick,
        tracks=tracks,
        seed=seed,
    )
    listed = reproduce.estimate(request, reproduce.chosen(request.stages))
    complain(listed.sentence())
    if dry_run:
        return
    with _signals() as received, progress_bar() as bar:
        task = bar.add_task("Reproducing", total=None)
        told_at, told_stage = [time.monotonic()], [""]

        def progress(done: float, total: int, note: str) -> None:
            bar.update(task, completed=done, total=total, description=note)
            stage = note.partition(":")[0]
            now = time.monotonic()
            late = stage != told_stage[0] or now - told_at[0] > _LINE_EVERY_S
            if late and not sys.stderr.isatty():
                told_at[0], told_stage[0] = now, stage
                complain(f"{int(done)} of {total} stages done. {note}")

        found = reproduce.reproduce(request, progress=progress, should_stop=lambda: bool(received))
    _print(found)
    if received:
        complain("Stopped. The same command goes on from there.")
        raise typer.Exit(128 + received[0])
    if any(outcome.status == "failed" for outcome in found.outcomes.values()):
        raise typer.Exit(1)


@contextmanager
def _signals() -> Iterator[list[int]]:
    """The first signal to end stops where it can go on, a second one ends it at once."""
    received: list[int] = []

    def take(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        if len(received) > 1:
            raise KeyboardInterrupt
        complain("It stops as soon as what is done is kept. Once more stops it at once.")

    before = {number: signal.signal(number, take) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _print(found: "Reproduction") -> None:
    from rich.markup import escape
    from rich.table import Table

    from genre_engine import reproduce
    from genre_engine.reproduce import tables

    console = result_console()
    for table in tables.published(found):
        drawn = Table(*map(escape, table.head), title=table.title)
        for row in table.rows:
            drawn.add_row(*map(escape, row))
        console.print(drawn)
    drawn = Table("stage", "state", "outcome")
    for stage in reproduce.STAGES:
        outcome = found.outcomes[stage.name]
        drawn.add_row(stage.name, outcome.status, escape(outcome.message))
        if outcome.status == "failed":
            complain(f"{stage.name}: {outcome.message}")
    console.print(drawn)
    typer.echo(str(found.report_html))
    typer.echo(str(found.report_md))
