"""`classify`: songs and folders of songs → genres, as a table, JSON or CSV."""

from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from genre_engine.cli.batch import Batch
from genre_engine.cli.console import complain
from genre_engine.cli.songs import Song, songs
from genre_engine.errors import WrongUsage


class View(StrEnum):
    wide = "wide"
    ten = "ten"
    styles = "styles"


class Format(StrEnum):
    table = "table"
    json = "json"
    csv = "csv"


_TOP_BY_DEFAULT = {Format.table: 3, Format.json: None, Format.csv: 5}
_INTERRUPTED = 130


def command(
    inputs: Annotated[
        list[str],  # not paths, which lose a "./": a song's name is as the user gave it
        typer.Argument(metavar="FILE|FOLDER...", help="Songs, and folders that are walked."),
    ],
    model: Annotated[
        str,
        typer.Option(
            metavar="full|fast|RUN",
            help="All pretrained networks, the quick ones among them, a finished run, or discogs.",
        ),
    ] = "full",
    view: Annotated[
        View | None,
        typer.Option(
            help="Of the pretrained networks: all genres that they know (wide), or the ten of "
            "MTG-Jamendo (ten); of discogs its 400 styles too (styles). A run has its own genres. "
            "[default: wide]",
        ),
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="How results are written.")] = (
        Format.table
    ),
    top: Annotated[
        int | None,
        typer.Option(min=1, help="Genres a song. [default: table 3, csv 5, json all]"),
    ] = None,
    windows: Annotated[
        bool,
        typer.Option(
            "--windows",
            help="Genres over time too, in windows of 3 s; of 29 s with fast, a run's as long as "
            "its excerpts (table, json).",
        ),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            help="Write to this file. A CSV that is there already is continued: songs that it "
            "holds are not done again."
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace an output file that holds something else.")
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option(
            min=1, max=256, help="Songs at the same time, a process each. [default: all cores]"
        ),
    ] = None,
) -> None:
    """Name the genres of songs: every file, and every audio file below a folder."""
    from genre_engine import prediction
    from genre_engine.prediction.batch import cores

    chosen = prediction.check_choice(view, model)
    if windows and form is Format.csv:
        raise WrongUsage("A CSV has one row a song: --windows goes with --format json or table.")
    batch = Batch(
        chosen,
        view or chosen.views[0],
        top or _TOP_BY_DEFAULT[form],
        windows=windows,
        jobs=jobs or cores(),
    )
    found = list(songs(inputs))
    with ExitStack() as stack:
        if output is not None:
            from genre_engine.storage.output import alone

            output = _checked(output, form, found, force=force)
            stack.enter_context(alone(output))
        _write(batch, found, form, output)
    if batch.interrupted:
        where = f" in {output}" if output is not None else ""
        complain(f"Stopped. The {batch.done} of {len(found)} songs that were done are{where} kept.")
        raise typer.Exit(_INTERRUPTED)
    if batch.failed:
        raise typer.Exit(1)


def _checked(output: Path, form: Format, found: list[Song], *, force: bool) -> Path:
    from genre_engine.cli import song_results
    from genre_engine.storage.output import check

    is_kind = {
        Format.csv: song_results.is_csv,
        Format.json: song_results.is_json,
        Format.table: song_results.is_table,
    }[form]
    kind = {
        Format.csv: "a CSV of results",
        Format.json: "a JSON list of results",
        Format.table: "a table of results",
    }[form]
    inputs = [Path(name) for name, _ in found]
    target = check(output, kind=kind, is_kind=is_kind, inputs=inputs, force=force)
    if force and form is Format.csv and target.is_file() and not is_kind(target):
        target.unlink()
    return target


def _write(batch: Batch, found: list[Song], form: Format, output: Path | None) -> None:
    from genre_engine.cli.song_results import results, write_csv, write_json, write_table

    if form is Format.csv:
        write_csv(batch, found, output)
        return
    with results(output) as file:
        (write_json if form is Format.json else write_table)(batch, found, file)
