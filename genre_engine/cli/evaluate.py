"""`evaluate`: a run's figures on validation, or on test, where every look is counted."""

# The engine is imported inside the functions: with pandas it would make --help slow.
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genre_engine.cli.console import complain
from genre_engine.cli.runs import print_json, result_console

if TYPE_CHECKING:
    from genre_engine.metrics import Report
    from genre_engine.runs import Run


class Part(StrEnum):
    VALIDATION = "validation"
    TEST = "test"


class Format(StrEnum):
    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    CARD = "card"


def command(
    run: Annotated[str, typer.Argument(help="The run's id or name.", show_default=False)],
    part: Annotated[
        Part, typer.Option(help="test is sealed: every look at it is counted in the run.")
    ] = Part.VALIDATION,
    thresholds: Annotated[
        str,
        typer.Option(
            help="global (for macro F1), micro (for micro F1), per-genre or precision:0.8, each "
            "chosen on validation, or a number for all genres."
        ),
    ] = "global",
    format_: Annotated[
        Format, typer.Option("--format", help="card is Markdown; csv has one figure a row.")
    ] = Format.TABLE,
    importance: Annotated[
        bool,
        typer.Option(
            "--importance",
            help="Add what each group of features carries on validation; table and json only.",
        ),
    ] = False,
) -> None:
    """Judge a finished run, beside what can be scored without listening."""
    from genre_engine import evaluation, runs

    found = runs.open(run)
    carried = _importance(found, part, format_) if importance else None
    report = evaluation.evaluate_run(found, part.value, thresholds)
    if part is Part.TEST:
        n = len(found.looks())
        complain(f"Test has been looked at {n} time{'' if n == 1 else 's'} in this run.")
    if format_ is Format.JSON:
        folds = evaluation.folds(found)
        more = {"cross_validation": folds, "importance": carried}
        print_json(report.to_dict() | {name: value for name, value in more.items() if value})
    elif format_ is Format.CSV:
        from genre_engine.metrics.export import to_csv

        sys.stdout.write(to_csv(report.to_dict()))
    elif format_ is Format.CARD:
        typer.echo(evaluation.card(found, report), nl=False)
    else:
        _print_table(found, report)
        if carried is not None:
            _print_importance(carried)


def _importance(run: "Run", part: Part, format_: Format) -> dict[str, Any]:
    from genre_engine.errors import WrongUsage
    from genre_engine.prediction import importance

    if part is Part.TEST or format_ not in (Format.TABLE, Format.JSON):
        raise WrongUsage(
            "What the features carry is measured on validation, and printed as table or json. "
            "Leave out --importance, or the other choice."
        )
    return importance.of_run(run)


def _print_importance(found: dict[str, Any]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from genre_engine.features.groups import LEVELS
    from genre_engine.prediction import importance

    console = result_console()
    for level, title in LEVELS.items():
        rows = [row for row in found["groups"] if row["level"] == level]
        if not rows:
            continue
        table = Table(title, "columns", "drop", "from", "to")
        for row in rows:
            figures = (f"{row[name]:.3f}" for name in ("drop", "low", "high"))
            table.add_row(escape(row["title"]), str(row["columns"]), *figures)
        console.print(table)
        if said := importance.warning(found, level):
            console.print(escape(said))
    console.print(
        f"Drop: what macro average precision ({found['score']:.3f} on {found['tracks']:,} tracks) "
        f"loses when a group is shuffled, mean and extremes of {found['repeats']} shuffles."
    )


def _print_table(run: "Run", report: "Report") -> None:
    from rich.markup import escape
    from rich.table import Table

    from genre_engine import evaluation, metrics

    found = report.to_dict()
    console = result_console()
    console.print(
        f"[bold]{escape(run.name)}[/] on {report.part}: {found['tracks']} tracks, "
        f"{len(report.genres)} genres"
    )
    figures = Table("", "model", "95 % interval", "no-skill", "artist prior")
    for row in evaluation.figure_rows(found):
        figures.add_row(*map(escape, row))
    console.print(figures)
    if folds := evaluation.folds(run):
        console.print(escape(evaluation.spread(folds)))
    genres = Table("genre", "tracks", "from", "precision", "recall", "F1", "AUC", "AP")
    chosen = (found["thresholds"] or {}).get("per_genre", {})
    for genre, values in found["per_genre"].items():
        genres.add_row(
            escape(genre),
            str(values["support"]),
            evaluation.number(chosen.get(genre)),
            *(evaluation.number(values[name]) for name in metrics.PER_GENRE),
        )
    console.print(genres)
    overlap = found["artist_overlap"]
    if overlap is not None:
        console.print(f"{overlap:.1%} of test tracks are by an artist who is also in train.")
