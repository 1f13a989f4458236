"""`runs`, `rename`, `note`, `tag`, `remove` and `restore`: the trainings of the workspace."""

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
    tag: Annotated[
        str | None, typer.Option("--tag", help="Only the runs that have this tag.")
    ] = None,
) -> None:
    """List the runs, newest first."""
    from rich.markup import escape
    from rich.table import Table

    from genre_engine import runs

    entries = [_entry(run) for run in runs.listing()]
    if tag is not None:
        wanted = tag.strip().casefold()
        entries = [e for e in entries if wanted in map(str.casefold, e["tags"])]
        if not entries and format_ is Format.TABLE:
            complain(f"No run has the tag {tag!r}. Put it on one with: tag RUN {tag!r}")
            return
    if format_ is Format.JSON:
        print_json(entries)
        return
    if not entries:
        complain("There is no run yet. Train one with: train NAME")
        return
    table = Table()
    for head in ("id", "name", "status", "model", "data set", "epochs", "macro F1", "tags"):
        table.add_column(head, no_wrap=head not in ("name", "data set", "tags"), overflow="fold")
    for entry in entries:
        f1 = entry["f1_macro"]
        table.add_row(
            *(escape(str(entry[key] or "")) for key in ("id", "name", "status")),
            *(escape(str(entry[key] or "")) for key in ("model", "dataset")),
            "" if entry["epochs"] is None else str(entry["epochs"]),
            "" if f1 is None else f"{f1:.2f}",
            escape(", ".join(entry["tags"])),
        )
    result_console().print(table)
    for entry in entries:
        if entry["status"] == "failed" and entry["message"]:
            complain(f"{entry['name']}: {entry['message']}")


def rename(
    run: Annotated[str, typer.Argument(help="The run's id or name.", show_default=False)],
    name: Annotated[str, typer.Argument(help="Its new name.", show_default=False)],
) -> None:
    """Give a run another name; its id stays."""
    from genre_engine import runs

    found = runs.open(run)
    complain(f"{found.name} is now called {runs.rename(found, name).name}.")


def note(
    run: Annotated[str, typer.Argument(help="The run's id or name.", show_default=False)],
    text: Annotated[
        str | None,
        typer.Argument(help='What to note; "" takes the note away.', show_default=False),
    ] = None,
) -> None:
    """Write a note on a run in place of the one it has; without a text, print it."""
    from genre_engine import runs

    found = runs.open(run)
    if text is None:
        if kept := found.notes().note:
            typer.echo(kept)
        else:
            complain(f"{found.name} has no note.")
        return
    kept = runs.annotate(found, note=text).note
    complain(f"Noted on {found.name}." if kept else f"{found.name} has no note any more.")


def tag(
    run: Annotated[str, typer.Argument(help="The run's id or name.", show_default=False)],
    tags: Annotated[
        list[str] | None, typer.Argument(metavar="TAG…", help="Tags to add.", show_default=False)
    ] = None,
    away: Annotated[
        list[str] | None,
        typer.Option("--remove", metavar="TAG", help="A tag to take away; may be repeated."),
    ] = None,
) -> None:
    """Put tags on a run, or take them away; its tags are printed, one a line."""
    from genre_engine import runs

    kept = runs.tag(runs.open(run), tags or (), away or ())
    for word in kept.tags:
        typer.echo(word)


def remove(
    run: Annotated[str, typer.Argument(help="The run's id or name.", show_default=False)],
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Don't ask. Without a terminal nothing is asked.")
    ] = False,
    for_good: Annotated[
        bool,
        typer.Option("--for-good", help="Free its place on the disk at once; no way back."),
    ] = False,
) -> None:
    """Remove a run with its model and predictions; for a week `restore` brings it back."""
    from genre_engine import runs

    found = runs.open(run, damaged=True)
    if not yes and sys.stdin.isatty():
        typer.confirm(f"Remove {found.name} ({found.folder})?", abort=True, err=True)
    if for_good:
        runs.remove(found)
        complain(f"Removed {found.name} for good.")
        return
    runs.discard(found)
    complain(f"Removed {found.name}. For {runs.KEPT_DAYS} days it comes back with: restore {run}")


def restore(
    run: Annotated[
        str | None, typer.Argument(help="The removed run's id or name.", show_default=False)
    ] = None,
) -> None:
    """Bring a removed run back; without a name, list those that can be brought back."""
    from genre_engine import runs

    if run is None:
        for thrown in runs.trash():
            typer.echo(f"{thrown.id} {thrown.name}")
        return
    found = runs.restore(run)
    complain(f"{found.name} is back.")


def _entry(run: "Run") -> dict[str, Any]:
    from genre_engine.errors import RunError

    entry: dict[str, Any] = {"id": run.id, "name": run.name}
    said = run.notes()
    noted = {"note": said.note, "tags": list(said.tags)}
    state = run.state()
    entry |= {"status": state.status, "message": state.message}
    keys = ("created", "origin", "dataset", "model", "task", "rule", "seed")
    if run.error:
        unknown = dict.fromkeys((*keys, "features", "split", "genres", "epochs", "f1_macro"))
        return entry | unknown | noted
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
    entry |= {"epochs": len(run.epochs()), "f1_macro": f1}
    return entry | noted


def result_console() -> "Console":
    """Standard output; what goes into a file or a pipe isn't cut to a terminal's width."""
    from rich.console import Console

    console = Console()
    return console if console.is_terminal else Console(width=_FILE_WIDTH)


def print_json(value: object) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))
