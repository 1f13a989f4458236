"""`learning-curve`: a finished run's model on growing shares of its training tracks."""

# The engine is imported inside the functions: with pandas it would make --help slow.
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genre_engine.cli.console import complain, progress_bar
from genre_engine.cli.runs import print_json, result_console

if TYPE_CHECKING:
    from genre_engine.runs import Run


class Format(StrEnum):
    TABLE = "table"
    JSON = "json"


def command(
    run: Annotated[str, typer.Argument(help="The run's id or name.", show_default=False)],
    shares: Annotated[
        str | None,
        typer.Option(
            help="Percent of the training tracks, as in 10,20,35,50,75,100; the run itself is 100.",
            show_default=False,
        ),
    ] = None,
    format_: Annotated[
        Format, typer.Option("--format", help="How to print the result.")
    ] = Format.TABLE,
) -> None:
    """Measure how a finished run's scores grow with its tracks, and which genre needs songs most.

    Its model is trained again on growing shares of the training tracks and judged on validation.
    What is trained is kept, so the same command goes on after Ctrl-C.
    """
    from genre_engine import runs
    from genre_engine.training.shares import SHARES

    found = runs.open(run)
    wanted = SHARES if shares is None else _read(shares)
    measured = _measure(found, wanted)
    if format_ is Format.JSON:
        print_json(measured)
    else:
        _print_table(measured)
    for failure in measured["failed"]:
        complain(f"{failure['share']} %, choice {failure['repeat']}: {failure['message']}")
    if measured["failed"]:
        raise typer.Exit(1)


def _read(shares: str) -> tuple[int, ...]:
    from genre_engine.errors import WrongUsage

    try:
        return tuple(int(part.strip().removesuffix("%")) for part in shares.split(","))
    except ValueError:
        raise WrongUsage(
            f"{shares!r} are no shares. Give whole numbers of percent, as in 10,20,35,50,75,100."
        ) from None


def _measure(run: "Run", shares: tuple[int, ...]) -> dict[str, Any]:
    from genre_engine.training import learning_curve

    with progress_bar() as bar:
        task = bar.add_task("Learning curve", total=None)

        def progress(done: float, total: int, said: str) -> None:
            bar.update(task, completed=done, total=total, description=said)

        try:
            return learning_curve.measure(run, shares, progress=progress)
        except KeyboardInterrupt:
            complain("What is trained is kept; the same command goes on.")
            raise


def _print_table(found: dict[str, Any]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from genre_engine.evaluation import growth
    from genre_engine.metrics.metric import METRICS

    console = result_console()
    judged = found["judged"]
    console.print(
        f"[bold]{escape(found['run'])}[/] ({escape(found['model'])}), judged on "
        f"{judged['tracks']:,} tracks of validation"
        + (f", out of {found['folds']} folds" if found["folds"] else "")
    )
    figures = [name for name in _figures(found["task"]) if found["points"]]
    titles = [METRICS[_paths()[name]].label for name in figures]
    table = Table("share", "tracks", "trainings", *titles)
    for point in found["points"]:
        cells = [_cell(point[name]) for name in figures]
        table.add_row(
            f"{point['share']} %", f"{point['tracks']:,.0f}", str(point["trainings"]), *cells
        )
    console.print(table)
    if judged["over"] is not None:
        console.print(f"In brackets: 95 % intervals over {judged['over']}.")
    if said := growth.doubling_text(found["doubling"]):
        console.print(escape(said))
    console.print(escape(found["advice"]["text"]))


def _paths() -> dict[str, str]:
    from genre_engine.evaluation import learning_curve

    return learning_curve.FIGURES


def _figures(task: str) -> list[str]:
    return [name for name in _paths() if name != "top1" or task != "multilabel"]


def _cell(figure: dict[str, Any]) -> str:
    if figure["value"] is None:
        return "–"
    said = f"{figure['value']:.3f}"
    if figure["interval"]:
        low, high = figure["interval"]
        return f"{said} [{low:.3f}–{high:.3f}]"
    return said
