"""`library tag` and `library undo`: genres written into music files, and taken back.

Nothing is written before the plan was shown and agreed to, at a terminal or by `--yes`.
"""

# The engine is imported inside the commands: with pandas it would make --help slow.
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from genre_engine.cli.console import complain, printable, progress_bar
from genre_engine.cli.library import NameArgument, WhereOption, stop_on_interrupt

if TYPE_CHECKING:
    from genre_engine.library.tag_files import LeftOut
    from genre_engine.library.tag_plan import Plan
    from genre_engine.library.tag_undo import Summary
    from genre_engine.library.tag_writing import Result

YesOption = Annotated[
    bool, typer.Option("--yes", "-y", help="Don't ask. Without a terminal this is needed.")
]
# Rows of a plan, and names of files, that are printed.
_ROWS, _NAMED = 10, 20
_NOT_AGREED = 2
_FIELDS = {"genre": "genres", "mood": "moods", "bpm": "tempo", "key": "key"}


def tag(
    name: NameArgument,
    only_missing: Annotated[
        bool,
        typer.Option("--only-missing", help="Only what a file says nothing of; the default."),
    ] = False,
    append: Annotated[
        bool, typer.Option("--append", help="Add to the genres that are there.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Write over the genres that are there.")
    ] = False,
    least: Annotated[
        float, typer.Option(min=0, max=100, help="The least score of a genre, and of a mood.")
    ] = 50.0,
    moods: Annotated[bool, typer.Option("--moods", help="Write moods too.")] = False,
    bpm: Annotated[bool, typer.Option("--bpm", help="Write the tempo too, where sure.")] = False,
    key: Annotated[bool, typer.Option("--key", help="Write the key too, where sure.")] = False,
    keep_times: Annotated[
        bool, typer.Option("--keep-times", help="Leave the files' times of change as they are.")
    ] = False,
    where: WhereOption = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan, write nothing.")] = (
        False
    ),
    yes: YesOption = False,
) -> None:
    """Write genres into the files of a library: the plan first, then, if you agree, the tags.

    What stood there before is kept; `library undo` brings it back. Genres are those that you
    accepted or corrected, else those that the library's vocabulary makes of the scores; songs that
    you rejected are left out.
    """
    from genre_engine import library
    from genre_engine.errors import WrongUsage
    from genre_engine.library import tag_plan, tag_writing

    if only_missing + append + replace > 1:
        raise WrongUsage("Choose one of --only-missing, --append and --replace.")
    mode = "append" if append else "replace" if replace else "only-missing"
    wanted = tag_plan.Wanted(mode, least / 100, moods=moods, bpm=bpm, key=key)
    lib = library.open(name)
    tag_writing.check_allowed()
    with _bar("Reading tags") as advance:
        plan = tag_plan.of_library(lib, wanted, where, progress=advance)
    _print_plan(plan, lib.roots)
    if dry_run:
        return
    unwritable = any(one.reason not in _EXPECTED for one in plan.left_out)
    if not plan.changes:
        raise typer.Exit(int(unwritable))
    _agree(f"Write tags into {_files(len(plan.changes))}?", yes=yes)
    with _bar("Writing tags") as advance, stop_on_interrupt("file at hand") as stop:
        result = tag_writing.write(
            *(lib, plan),
            keep_times=keep_times,
            should_stop=stop.is_set,
            progress=advance,
            refresh=tag_writing.refresher(lib),
        )
    _report(result, "written", f"Take it back with: library undo {name} {result.batch}")
    if unwritable:
        raise typer.Exit(1)


def undo(
    name: NameArgument,
    batch: Annotated[
        str | None,
        typer.Argument(
            help="Which writing, as --list names it, or its beginning; the last by default.",
            show_default=False,
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All of them: back to the tags before the first.")
    ] = False,
    listed: Annotated[bool, typer.Option("--list", help="List them, take nothing back.")] = False,
    yes: YesOption = False,
) -> None:
    """Bring back the tags that `library tag` replaced.

    A file that nothing else changed since becomes what it was, byte for byte. Of one that was
    changed, only fields come back that still say what was written.
    """
    from genre_engine import library
    from genre_engine.errors import WrongUsage
    from genre_engine.library import tag_undo, tag_writing

    lib = library.open(name)
    if listed:
        _print_batches(tag_undo.batches(lib))
        return
    if batch is not None and everything:
        raise WrongUsage("Name a batch, or give --all.")
    tag_writing.check_allowed()
    entries = tag_undo.open_entries(lib, batch, everything=everything)
    if not entries:
        complain("There is nothing to take back.")
        return
    ids = sorted({one.id for one, _ in entries})
    typer.echo(f"{', '.join(ids)}: {_files(len(entries))}")
    _agree(f"Bring back the old tags of {_files(len(entries))}?", yes=yes)
    songs = lib.songs()
    there = songs[~songs["missing"] & songs["sound"].notna()]
    places = dict(zip(there["sound"], there["path"], strict=True))
    with _bar("Bringing back tags") as advance, stop_on_interrupt("file at hand") as stop:
        result = tag_undo.undo(
            *(lib, batch),
            everything=everything,
            moved_to=places.get,
            should_stop=stop.is_set,
            progress=advance,
            refresh=tag_writing.refresher(lib),
        )
    _report(result, "brought back", f"See what is left with: library undo {name} --list")


def _files(count: int) -> str:
    return f"{count:,} file{'' if count == 1 else 's'}"


def _agree(question: str, *, yes: bool) -> None:
    """Ask; ends the command where the answer is no, or where nobody can be asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        complain("Nothing was written. Add --yes to agree to the plan.")
        raise typer.Exit(_NOT_AGREED)
    typer.confirm(question, abort=True, err=True)


def _print_plan(plan: "Plan", roots: Sequence[Path]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if plan.changes:
        table = Table("file", "field", "says", "will say")
        for change in plan.changes[:_ROWS]:
            path = _below(change.path, roots)
            for field, (old, new) in change.values.items():
                texts = (path, _FIELDS[field], "; ".join(old), "; ".join(new))
                table.add_row(*(escape(printable(text)) for text in texts))
                path = ""
        console.print(table)
        if len(plan.changes) > _ROWS:
            console.print(f"and {len(plan.changes) - _ROWS:,} more files")
    counts = [
        f"{sum(field in change.values for change in plan.changes):,} {label}"
        for field, label in _FIELDS.items()
        if any(field in change.values for change in plan.changes)
    ]
    said = f" ({', '.join(counts)})" if counts else ""
    typer.echo(f"{_files(len(plan.changes))} would change{said}")
    if plan.left_out:
        listed = ", ".join(f"{reason}: {count:,}" for reason, count in plan.reasons.items())
        typer.echo(f"{_files(len(plan.left_out))} left out ({listed})")
        _name(one for one in plan.left_out if one.reason not in _EXPECTED)


# Reasons that say nothing against a file.
_EXPECTED = ("there already", "unchanged", "no genre", "nothing sure", "rejected", "waiting")


def _below(path: str, roots: Sequence[Path]) -> str:
    root = next((root for root in roots if Path(path).is_relative_to(root)), None)
    return path if root is None else str(Path(path).relative_to(root))


def _name(left_out: Iterator["LeftOut"]) -> None:
    """Name files that can't be written, and why."""
    found = list(left_out)
    for one in found[:_NAMED]:
        complain(f"{printable(one.path)}: {one.text}")
    if len(found) > _NAMED:
        complain(f"and {len(found) - _NAMED:,} more")


def _report(result: "Result", done: str, what_next: str) -> None:
    """Name what failed, sum up, and end with 1 if something failed."""
    for one in result.left_out:
        complain(f"{printable(one.path)}: {one.text}")
    typer.echo(f"{result.batch}: {_files(len(result.written))} {done}")
    if result.written:
        complain(what_next if not result.stopped else f"Stopped. {what_next}")
    if result.stopped:
        raise typer.Exit(130)
    if result.left_out:
        raise typer.Exit(1)


def _print_batches(batches: Sequence["Summary"]) -> None:
    from rich.console import Console
    from rich.table import Table

    if not batches:
        complain("No tags were written yet.")
        return
    table = Table("batch", "when", "what", "files", "taken back")
    for one in batches:
        what = str(one.settings.get("mode", "")) if one.kind == "tags" else "undo"
        table.add_row(one.batch, one.when, what, f"{one.files:,}", f"{one.undone:,}")
    Console().print(table)


@contextmanager
def _bar(what: str) -> Iterator[Callable[[int, int], None]]:
    with progress_bar() as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
