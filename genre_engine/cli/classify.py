"""`classify`: songs and folders of songs → genres, as a table, JSON or CSV."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genre_engine.cli.console import complain, printable, progress_bar
from genre_engine.cli.songs import Song, songs
from genre_engine.errors import (
    AudioError,
    GenreEngineError,
    ModelError,
    RunError,
    WrongUsage,
)

if TYPE_CHECKING:
    from rich.progress import Progress

    from genre_engine.prediction import ModelInfo
    from genre_engine.prediction.analysis import Analysis


class View(StrEnum):
    wide = "wide"
    ten = "ten"


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
            help="All pretrained networks, the quick ones among them, or a finished run.",
        ),
    ] = "full",
    view: Annotated[
        View | None,
        typer.Option(
            help="Of the pretrained networks: all genres that they know (wide), or the ten of "
            "MTG-Jamendo (ten). A run has its own genres. [default: wide]",
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


def _write(batch: "Batch", found: list[Song], form: Format, output: Path | None) -> None:
    from genre_engine.cli.song_results import results, write_csv, write_json, write_table

    if form is Format.csv:
        write_csv(batch, found, output)
        return
    with results(output) as file:
        (write_json if form is Format.json else write_table)(batch, found, file)


class Batch:
    """What is asked of every song, and what came of it.

    Attributes:
        done, failed: songs so far.
        interrupted: whether Control-C ended it before all were done.
    """

    def __init__(
        self,
        model: "ModelInfo",
        view: str,
        top: int | None,
        *,
        windows: bool = False,
        jobs: int = 1,
    ) -> None:
        self.model = model
        self.view = str(view)
        self.top = top
        self.windows = windows
        self.jobs = jobs
        self.done = self.failed = 0
        self.interrupted = False

    def run(self, songs: list[Song]) -> Iterator[tuple[dict[str, Any], "Analysis | None"]]:
        """(the song's JSON element, its analysis if it has one) for each song, as it is done.

        Failures are named on standard error at once, and counted. Control-C ends it.
        """
        from genre_engine.prediction.analysis import element, failure

        with progress_bar() as progress:
            task = progress.add_task("", total=len(songs))
            try:
                for name, found in self._analysed(songs, progress, task):
                    self.done += 1
                    if isinstance(found, AudioError | ModelError | RunError):
                        self.failed += 1
                        complain(f"{printable(name)}: {found}")
                        yield failure(name, found, self.view, self.model.name), None
                    elif isinstance(found, GenreEngineError):
                        raise found
                    else:
                        shown = element(found, name, self.view, top=self.top, windows=self.windows)
                        yield shown, found
            except KeyboardInterrupt:
                if not self.done:  # then what stood at the output's place stays
                    raise
                self.interrupted = True

    def _analysed(
        self, songs: list[Song], progress: "Progress", task: Any
    ) -> Iterator[tuple[str, "Analysis | GenreEngineError"]]:
        """Each song with what came of it, in order."""
        from genre_engine import prediction
        from genre_engine.prediction.batch import analyse_many

        paths = [name for name, error in songs if error is None]
        jobs = min(self.jobs, len(paths))
        together = None
        if jobs > 1:
            # Before the processes: they would all fetch what is missing, and wait for each other.
            # What is wrong is said with each song, after what is wrong with the song itself.
            if any(os.path.isfile(path) for path in paths):  # noqa: PTH113
                with suppress(GenreEngineError):
                    prediction.open_model(self.model).prepare()
            together = analyse_many(paths, self.model.id, jobs)
        for number, (name, error) in enumerate(songs):
            short = printable(Path(name).name)[:40]
            progress.update(task, completed=number, description=short)
            if error is not None:
                yield name, error
            elif together is not None:
                yield name, next(together)
            else:
                try:
                    for analysis in prediction.stream(name, self.model.id):
                        progress.update(task, completed=number + analysis.share_heard)
                except GenreEngineError as refusal:
                    yield name, refusal
                else:
                    yield name, analysis
