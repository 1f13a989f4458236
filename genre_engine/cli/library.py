"""`library …`: a library of one's own music, from the command line."""

# The engine is imported inside the commands: with pandas it would make --help slow.
import io
import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from genre_engine.cli.console import complain, printable, progress_bar

if TYPE_CHECKING:
    from genre_engine.library.scan import Progress, Result

app = typer.Typer(
    name="library",
    help="Your own music: scan folders, list, export, write genres into the files.",
    no_args_is_help=True,
)

# Without a terminal, a line of progress every so many seconds.
_LINE_EVERY_S = 30.0
_NAMED = 20


class Format(StrEnum):
    TABLE = "table"
    JSON = "json"


class ExportFormat(StrEnum):
    CSV = "csv"
    JSON = "json"
    M3U8 = "m3u8"


class Model(StrEnum):
    FAST = "fast"
    FULL = "full"


NameArgument = Annotated[str, typer.Argument(help="The library's name.", show_default=False)]
FormatOption = Annotated[Format, typer.Option("--format", help="How to print the result.")]
WhereOption = Annotated[
    str,
    typer.Option(
        metavar="FILTER",
        help='Which songs, such as "genre = jazz and score >= 50" or "untagged".',
        show_default=False,
    ),
]


@app.command()
def scan(
    name: NameArgument,
    folders: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FOLDER…",
            help="The folders of a new library, or more for an old one.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[Model, typer.Option(help="The quick networks, or all.")] = Model.FAST,
    tempo_key: Annotated[
        bool, typer.Option("--tempo-key", help="Find tempo and key too, which takes longer.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Analyse everything once more, and what failed.")
    ] = False,
    forget: Annotated[
        bool, typer.Option("--forget", help="Drop what is known of songs that are gone.")
    ] = False,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Processes; as many as cores by default.")
    ] = None,
    dask: Annotated[
        str | None,
        typer.Option(help="Analyse on the workers of the Dask scheduler at this address instead."),
    ] = None,
) -> None:
    """Analyse what is new or changed in a library's folders; goes on where it was stopped.

    Ctrl-C stops after the songs that are being analysed, and keeps what is done.
    """
    from genre_engine import library
    from genre_engine.library import scan as scanning

    there = name in library.names()
    lib = library.open(name) if there else library.create(name, folders or [])
    with _bar() as advance, stop_on_interrupt() as stop:
        result = scanning.scan(
            lib,
            folders=(folders or []) if there else [],
            model=model.value,
            tempo_key=tempo_key,
            again=again,
            forget=forget,
            jobs=jobs,
            dask=dask,
            progress=advance,
            should_stop=stop.is_set,
        )
    _report(name, result)


def _report(name: str, result: "Result") -> None:
    """Name what failed, sum up, and end with 1 if something failed."""
    for remark in result.remarks:
        complain(remark)
    for path, why in result.failed.items():
        complain(f"{printable(path)}: {why}")
    said = [
        "1 file" if result.files == 1 else f"{result.files:,} files",
        f"{result.read:,} new or changed",
        f"{result.analysed:,} analysed",
    ]
    for count, what in (
        (result.moved, "moved"),
        (result.missing, "missing"),
        (result.forgotten, "forgotten"),
        (len(result.failed), "failed"),
    ):
        if count:
            said.append(f"{count:,} {what}")
    typer.echo(f"{name}: {', '.join(said)}")
    if result.stopped:
        complain("Stopped. Scan again to go on.")
        raise typer.Exit(130)
    if result.failed:
        raise typer.Exit(1)


@app.command("list")
def list_libraries(format_: FormatOption = Format.TABLE) -> None:
    """List the libraries."""
    from genre_engine import library
    from genre_engine.errors import LibraryError

    found: list[dict[str, Any]] = []
    for name in library.names():
        try:
            lib = library.open(name)
            found.append({"name": name, "folders": list(map(str, lib.roots)), **lib.counts()})
        except LibraryError as error:
            found.append({"name": name, "error": str(error)})
    if format_ is Format.JSON:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    if not found:
        complain("There is no library yet. Make one with: library scan NAME FOLDER")
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("name", "songs", "analysed", "missing", "failed", "folders")
    for entry in found:
        if "error" in entry:
            table.add_row(escape(entry["name"]), "damaged", "", "", "", escape(entry["error"]))
            continue
        counts = [f"{entry[key]:,}" for key in ("songs", "analysed", "missing", "failed")]
        table.add_row(escape(entry["name"]), *counts, escape(", ".join(entry["folders"])))
    Console().print(table)


@app.command()
def show(name: NameArgument, format_: FormatOption = Format.TABLE) -> None:
    """Show a library: how many songs, their genres, and what is to be looked at."""
    from genre_engine import library
    from genre_engine.library import catalogue

    lib = library.open(name)
    songs = catalogue.table(lib)
    genres = catalogue.genre_counts(songs)
    summary: dict[str, Any] = {
        "name": name,
        "folders": [str(root) for root in lib.roots],
        **lib.counts(),
        "untagged": int(songs["untagged"].sum()),
        "disagreeing": int(songs["disagrees"].sum()),
        "unsure": int(songs["unsure"].sum()),
        "decided": int((~songs["undecided"]).sum()),
        "hours": round(float(songs["duration_s"].sum()) / 3600, 2),
        "genres": genres,
    }
    if format_ is Format.JSON:
        typer.echo(json.dumps(summary, ensure_ascii=False, indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    console = Console()
    console.print(
        f"[bold]{escape(name)}[/]: {summary['songs']:,} songs, {summary['analysed']:,} analysed, "
        f"{summary['missing']:,} missing, {summary['failed']:,} failed; {summary['hours']:,} hours"
    )
    console.print(escape("In " + ", ".join(summary["folders"])))
    console.print(
        f"{summary['untagged']:,} name no genre, {summary['disagreeing']:,} name another than was "
        f"found, {summary['unsure']:,} are unsure, {summary['decided']:,} were decided on"
    )
    if genres:
        table = Table("genre", "songs", "share")
        for genre, count in genres.items():
            table.add_row(escape(genre), f"{count:,}", f"{count / len(songs):.1%}")
        console.print(table)
    failed = songs[songs["failed"]]
    for path, why in failed[["path", "error"]].head(_NAMED).itertuples(index=False):
        console.print(escape(f"  {printable(path)}: {why}"))
    if len(failed) > _NAMED:
        console.print(f"  and {len(failed) - _NAMED:,} more: library export {name} --where failed")


@app.command()
def export(
    name: NameArgument,
    format_: Annotated[ExportFormat, typer.Option("--format", help="csv, json or m3u8.")],
    where: WhereOption = "",
    out: Annotated[
        Path | None,
        typer.Option(help="The file to write; standard output by default.", show_default=False),
    ] = None,
    relative: Annotated[
        bool, typer.Option("--relative", help="m3u8: paths relative to the playlist's folder.")
    ] = False,
) -> None:
    """Print songs with all that is known of them, or a playlist of them."""
    from genre_engine import library
    from genre_engine.library import catalogue, playlists
    from genre_engine.library import export as exporting
    from genre_engine.library import where as filters
    from genre_engine.storage import workspace

    songs = catalogue.table(library.open(name))
    songs = songs[filters.matching(where, songs)]
    text, count = io.StringIO(newline=""), len(songs)
    if format_ is ExportFormat.M3U8:
        base = (out.absolute().parent if out else Path.cwd()) if relative else None
        written = playlists.write_lines(text, songs, base, name=name)
        count = written.songs
        if written.missing:
            complain(f"Missing songs that were left out: {written.missing:,}.")
        if written.unwritable:
            complain(f"Songs whose paths no playlist can hold: {written.unwritable:,}.")
    else:
        write = exporting.as_json if format_ is ExportFormat.JSON else exporting.as_csv
        text.write(write(songs))
    if out is None:
        sys.stdout.write(text.getvalue())
        return
    with workspace.replacing(out.absolute()) as place:
        place.write_text(text.getvalue(), encoding="utf-8", newline="")
    complain(f"{'1 song' if count == 1 else f'{count:,} songs'} in {out}")


@app.command()
def remove(
    name: NameArgument,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Don't ask. Without a terminal nothing is asked.")
    ] = False,
) -> None:
    """Remove a library: all that is known of its songs. No music file is touched."""
    from genre_engine import library

    lib = library.open(name)
    if not yes and sys.stdin.isatty():
        typer.confirm(
            f"Remove the library {name!r} with the analyses of {lib.counts()['songs']:,} songs, "
            "your decisions and the journals that undo written tags? Your music files stay.",
            abort=True,
            err=True,
        )
    library.remove(name)
    complain(f"Removed {name}.")


@contextmanager
def stop_on_interrupt(behind: str = "songs that are being analysed") -> Iterator[threading.Event]:
    """Set by the first Control-C; the second ends at once."""
    stop = threading.Event()

    def ask(*_: object) -> None:
        stop.set()
        complain(f"Stopping after the {behind}; press Ctrl-C again to end now.")
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _bar() -> Iterator[Callable[["Progress"], None]]:
    """What is shown of progress: a bar at a terminal, a line now and then elsewhere."""
    listed = time.monotonic()

    with progress_bar() as bar:
        task = bar.add_task("Looking for files", total=None)

        def advance(now: "Progress") -> None:
            nonlocal listed
            said = now.sentence()
            bar.update(task, completed=now.done, total=now.total, description=said)
            if not sys.stderr.isatty() and time.monotonic() - listed > _LINE_EVERY_S:
                listed = time.monotonic()
                left_s = now.seconds_left
                left = "" if left_s is None else f", {left_s / 60:.0f} min left"
                complain(f"{said}{left}")

        yield advance
