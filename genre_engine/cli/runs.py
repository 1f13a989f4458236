"""`runs` and `remove`: the trainings of the workspace."""

# The engine is imported inside the functions: with pandas it would make --help slow.
import json
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genre_engine.cli.console import complain

if TYPE_CHECKING:
    from rich.console import Console

    from genre_engine.runs import Run

_FILE_WIDTH = 160


class Format(StrEnum):
    TABLE = "table"
    JSON = "json"


def list_runs(
    format_: Annotated[
        Format, typer.Option("--format", help="How to print the result.")
    ] = Format.TABLE,
) -> None:
    """List the runs, newest first."""
    from rich.markup import escape
    from rich.table import Table

    from genre_engine import runs

    entries = [_entry(run) for run in runs.listing()]
    if format_ is Format.JSON:
        print_json(entries)
        return
    if not entries:
        complain("There is no run yet. Train one with: train NAME")
        return
    table = Table()
    for head in ("id", "name", "status", "model", "data set", "epochs", "macro F1"):
        table.add_column(head, no_wrap=head not in ("name", "data set"), overflow="fold")
    for entry in entries:
        f1 = entry["f1_macro"]
        table.add_row(
            *(escape(str(entry[key] or "")) for key in ("id", "name", "status")),
            *(escape(str(entry[key] or "")) for key in ("model", "dataset")),
            "" if entry["epochs"] is None else str(entry["epochs"]),
            "" if f1 is None else f"{f1:.2f}",
        )
    result_console().print(table)
    for entry in entries:
        if entry["status"] == "failed" and entry["message"]:
            complain(f"{entry['name']}: {entry['message']}")


def remove(
    run: Annotated[str, typer.Argument(help="The run's id or name.", show_default=False)],
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Don't ask. Without a terminal nothing is asked.")
    ] = False,
) -> None:
    """Remove a run with its model and predictions."""
    from genre_engine import runs

    found = runs.open(run, damaged=True)
    if not yes and sys.stdin.isatty():
        typer.confirm(f"Remove {found.name} ({found.folder})?", abort=True, err=True)
    runs.remove(found)
    complain(f"Removed {found.name}.")


def _entry(run: "Run") -> dict[str, Any]:
    from genre_engine.errors import RunError

    entry: dict[str, Any] = {"id": run.id, "name": run.name}
    state = run.state()
    entry |= {"status": state.status, "message": state.message}
    keys = ("created", "origin", "dataset", "model", "task", "rule", "seed")
    if run.error:
        return entry | dict.fromkeys((*keys, "features", "split", "genres", "epochs", "f1_macro"))
    config = run.config
    entry |= {key: getattr(config, key) for key in keys}
    entry |= {
        "features": config.features["kind"],
        "split": config.split["kind"],
        "genres": list(config.genres),
    }
    f1 = None
    try:
        report = run.report()
        f1 = report["validation"]["f1"]["macro"] if report else None
    except (RunError, KeyError, TypeError):
        entry["message"] = "Its report is damaged. Remove it and train again."
    return entry | {"epochs": len(run.epochs()), "f1_macro": f1}


def result_console() -> "Console":
    """Standard output; what goes into a file or a pipe isn't cut to a terminal's width."""
    from rich.console import Console

    console = Console()
    return console if console.is_terminal else Console(width=_FILE_WIDTH)


def print_json(value: object) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))
