"""`classify`: songs and folders of songs → genres, as a table, JSON or CSV."""

import csv
import io
import json
import os
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from genre_engine.cli.console import complain, printable, progress_bar
from genre_engine.errors import (
    AudioError,
    FileUnreadable,
    ModelError,
    NotAudio,
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


def command(
    inputs: Annotated[
        list[str],  # not paths, which lose a "./": a song's name is as the user gave it
        typer.Argument(metavar="FILE|FOLDER...", help="Songs, and folders that are walked."),
    ],
    model: Annotated[
        str, typer.Option(metavar="pretrained|RUN", help="Which model listens.")
    ] = "pretrained",
    view: Annotated[
        View | None,
        typer.Option(
            help="Of the pretrained networks: 31 genres (wide), or the ten of MTG-Jamendo (ten). A "
            "run has its own genres. [default: wide]",
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
            help="Over time too, in windows of 3 s, a run's as long as its excerpts (table, json).",
        ),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            help="Write to this file. A CSV that is there already is continued: songs that it "
            "holds are not done again."
        ),
    ] = None,
) -> None:
    """Tell the genres of songs: every file, and every audio file below a folder."""
    from genre_engine import prediction

    chosen = prediction.check_choice(view, model)
    if windows and form is Format.csv:
        raise WrongUsage("A CSV has one row a song: --windows goes with --format json or table.")
    batch = _Batch(chosen, view or chosen.views[0], top or _TOP_BY_DEFAULT[form], windows)
    songs = list(_songs(inputs))
    if form is Format.csv:
        _write_csv(batch, songs, output)
    elif form is Format.json:
        with _results(output) as file:
            _write_json(batch, songs, file)
    else:
        with _results(output) as file:
            _write_table(batch, songs, file)
    if batch.failed:
        raise typer.Exit(1)


# A song to be done: its name as the user gave it, or why there is none.
Song = tuple[str, AudioError | None]


def _songs(inputs: list[str]) -> Iterator[Song]:
    for name in inputs:
        if os.path.isdir(name):  # noqa: PTH112 (Path.is_dir raises where a parent is forbidden)
            yield from _walk(name)
        else:
            yield name, None


def _walk(folder: str) -> Iterator[Song]:
    """Audio files below a folder in the order of their names, without hidden ones."""
    from genre_engine.audio.decoders import is_audio

    unreadable: list[OSError] = []
    found = False
    for place, folders, names in os.walk(folder, onerror=unreadable.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = os.path.join(place, name)  # noqa: PTH118
            if not name.startswith(".") and is_audio(Path(path)):
                found = True
                yield path, None
    for error in unreadable:
        yield str(error.filename), FileUnreadable(f"The folder can't be read ({error.strerror}).")
    if not found and not unreadable:
        yield folder, NotAudio("There is no audio in this folder, nor below it.")


class _Batch:
    """What is asked of every song, and how many failed."""

    def __init__(self, model: "ModelInfo", view: str, top: int | None, windows: bool) -> None:
        self.model = model
        self.view = str(view)
        self.top = top
        self.windows = windows
        self.failed = 0

    def run(self, songs: list[Song]) -> Iterator[tuple[dict[str, Any], "Analysis | None"]]:
        """(the song's JSON element, its analysis if it has one) for each song, as it is done.

        Failures are named on standard error at once, and counted.
        """
        from genre_engine.prediction.analysis import element, failure

        with progress_bar() as progress:
            task = progress.add_task("", total=len(songs))
            for number, (name, error) in enumerate(songs):
                short = printable(Path(name).name)[:40]
                progress.update(task, completed=number, description=short)
                try:
                    if error is not None:
                        raise error
                    analysis = self._analyse(name, progress, task, number)
                except (AudioError, ModelError, RunError) as refusal:
                    self.failed += 1
                    complain(f"{printable(name)}: {refusal}")
                    yield failure(name, refusal, self.view, self.model.name), None
                else:
                    yield (
                        element(analysis, name, self.view, top=self.top, windows=self.windows),
                        analysis,
                    )

    def _analyse(self, name: str, progress: "Progress", task: Any, number: int) -> "Analysis":
        from genre_engine.prediction import stream

        for analysis in stream(name, self.model.id):
            progress.update(task, completed=number + analysis.share_heard)
        return analysis


def _results(output: Path | None) -> Any:
    """Standard output, or a file that takes its place only when it is complete."""
    from contextlib import contextmanager, nullcontext

    from genre_engine.storage.workspace import replacing

    if output is None:
        return nullcontext(sys.stdout)

    @contextmanager
    def whole(path: Path) -> Iterator[IO[str]]:
        with (
            replacing(path.absolute()) as fresh,
            fresh.open("w", encoding="utf-8", errors="backslashreplace") as file,
        ):
            yield file

    return whole(output)


def _write_json(batch: _Batch, songs: list[Song], file: IO[str]) -> None:
    """A list, each element written as it is done; the list is closed even when cut off by hand."""
    before = "[\n"
    try:
        for element, _ in batch.run(songs):
            text = json.dumps(element, ensure_ascii=False, indent=2)
            file.write(before + text)
            file.flush()
            before = ",\n"
    finally:
        file.write("[]\n" if before == "[\n" else "\n]\n")


def _write_table(batch: _Batch, songs: list[Song], file: IO[str]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from genre_engine.prediction.vocabulary import tagless

    if batch.model.warning:
        complain(batch.model.warning)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("Song", overflow="fold", ratio=4)
    table.add_column("Length", justify="right", no_wrap=True)
    table.add_column("Genre", ratio=3)
    table.add_column("Score (0 to 100)" if batch.model.is_run else "Match (0 to 100)", ratio=4)
    if not batch.model.is_run:
        table.add_column("Also heard", ratio=4)
    for element, analysis in batch.run(songs):
        if analysis is None:
            continue
        matches = (f"{g['genre']} {100 * g['score']:.0f}" for g in element["genres"])
        table.add_row(
            Text(printable(element["file"])),
            minutes(analysis.duration_s),
            analysis.sentence(batch.view),
            ", ".join(matches),
            *([] if batch.model.is_run else [", ".join(h.name for h in analysis.heard[:5])]),
        )
        if batch.windows:
            for start_s, name in _course(analysis, batch.view):
                table.add_row("", minutes(start_s), name)
        for warning in element["warnings"]:
            if warning != batch.model.warning:  # said once, before all songs
                complain(f"{printable(element['file'])}: {warning}")
    if table.row_count:
        width = None if file.isatty() else 140
        Console(file=file, width=width, highlight=False).print(table)
        if not batch.model.is_run and (unsaid := tagless(batch.view)):
            complain(f"Not known to the pretrained networks: {', '.join(unsaid)}.")


def _course(analysis: "Analysis", view: str) -> Iterator[tuple[float, str]]:
    """(start in s, genre that leads from there on), without changes that last one window only."""
    scores = analysis.views[view]
    leading = [scores.genres[i] for i in scores.by_window.argmax(axis=1)]
    last = None
    for i, genre in enumerate(leading):
        lasts = i + 1 == len(leading) or leading[i + 1] == genre
        if genre != last and (lasts or last is None):
            last = genre
            yield float(analysis.starts_s[i]), genre


def minutes(duration_s: float) -> str:
    """61.4 → "1:01"."""
    whole = int(duration_s)
    hours, rest = divmod(whole, 3600)
    if hours:
        return f"{hours}:{rest // 60:02}:{rest % 60:02}"
    return f"{rest // 60}:{rest % 60:02}"


def _escaped(name: str) -> str:
    """A name as it stands in a CSV; a carriage return in it would end the row in some readers."""
    return name.encode("utf-8", "backslashreplace").decode().replace("\r", "\\r")


def _write_csv(batch: _Batch, songs: list[Song], output: Path | None) -> None:
    """A row a song as soon as it is done, so that a batch that is cut off can go on from there."""
    from genre_engine.prediction.analysis import csv_header
    from genre_engine.storage.workspace import storage_errors

    top = batch.top or 5
    header = csv_header(top)
    if output is None:
        _stream_csv(batch, songs, sys.stdout, header, top)
        return
    done = _continue_csv(output, header, batch)
    rest = [song for song in songs if _escaped(song[0]) not in done]
    if done:
        complain(f"{len(songs) - len(rest)} of {len(songs)} songs are in {output} already.")
    with (
        storage_errors(output.absolute()),
        output.open("a", encoding="utf-8", errors="backslashreplace", newline="") as file,
    ):
        _stream_csv(batch, rest, file, None if file.tell() else header, top)


def _stream_csv(
    batch: _Batch, songs: list[Song], file: IO[str], header: list[str] | None, top: int
) -> None:
    from genre_engine.prediction.analysis import csv_row

    writer = csv.writer(file, lineterminator="\n")
    if header is not None:
        writer.writerow(header)
        file.flush()
    for element, analysis in batch.run(songs):
        element["file"] = _escaped(element["file"])
        writer.writerow(csv_row(element, analysis, top))
        file.flush()


def _continue_csv(output: Path, header: list[str], batch: _Batch) -> set[str]:
    """Names of the songs that the file holds; failed rows and a torn last one are taken out.

    Raises:
        WrongUsage: the file is there, but isn't the beginning of this batch.
    """
    from genre_engine.storage.workspace import replacing

    if not output.exists() or output.stat().st_size == 0:
        return set()
    refusal = WrongUsage(
        f"{output} holds something else than this batch's results (other columns, model or view). "
        "Name another file, or remove it."
    )
    try:
        written = output.read_bytes()
        # The last row may be torn anywhere, also within a letter.
        whole = written[: written.rfind(b"\n") + 1].decode("utf-8")
        rows = list(csv.reader(io.StringIO(whole, newline="")))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise refusal from error
    if not rows or rows[0] != header:
        raise refusal
    # A torn row can end in a line break inside quotes: it is too short then.
    kept = [row for row in rows[1:] if len(row) == len(header) and not row[-1]]
    if any(row[1:3] != [batch.model.name, batch.view] for row in kept):
        raise refusal
    with (
        replacing(output.absolute()) as fresh,
        fresh.open("w", encoding="utf-8", newline="") as file,
    ):
        csv.writer(file, lineterminator="\n").writerows([header, *kept])
    return {row[0] for row in kept}
