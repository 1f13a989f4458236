"""What `classify` found, as a table, JSON or CSV, on standard output or in a file.

Each song is written as soon as it is done, so that what was done isn't lost when a batch is cut
off; a table needs the widths of all rows and is written at the end, also after Control-C.
"""

import csv
import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from genre_engine.cli.batch import Batch
from genre_engine.cli.console import complain, printable
from genre_engine.cli.songs import Song
from genre_engine.errors import WrongUsage

if TYPE_CHECKING:
    from genre_engine.prediction.analysis import Analysis


@contextmanager
def results(output: Path | None) -> Iterator[IO[str]]:
    """Standard output, or the place of a file that takes its name when the results are written."""
    if output is None:
        yield sys.stdout
        return
    from genre_engine.storage.output import place_for

    with (
        place_for(output) as place,
        place.open("w", encoding="utf-8", errors="backslashreplace") as file,
    ):
        yield file


def is_json(path: Path) -> bool:
    """Whether a file may be a list of results: it begins as one."""
    return _beginning(path).lstrip().startswith("[")


def is_table(path: Path) -> bool:
    """Whether a file begins as a table of results does."""
    return _beginning(path).startswith("Song ")


def is_csv(path: Path) -> bool:
    """Whether a file begins with the columns of results; `continued` looks at the rest."""
    return _beginning(path).startswith("file,model,view,")


def _beginning(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(64).decode("utf-8", "replace")


def write_json(batch: Batch, songs: list[Song], file: IO[str]) -> None:
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


def write_table(batch: Batch, songs: list[Song], file: IO[str]) -> None:
    """Rows of songs; failures and warnings go to standard error."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from genre_engine.prediction import vocabulary
    from genre_engine.pretrained import NETWORKS

    if batch.model.warning:
        complain(batch.model.warning)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("Song", overflow="fold", ratio=4)
    table.add_column("Length", justify="right", no_wrap=True)
    table.add_column("Genre", ratio=3)
    table.add_column("Score (0 to 100)", ratio=4)
    if not batch.model.is_run:
        table.add_column("Also detected", ratio=4)
    networks: tuple[str, ...] = ()
    for element, analysis in batch.run(songs):
        if analysis is None:
            continue
        networks = analysis.networks
        scores = (f"{g['genre']} {100 * g['score']:.0f}" for g in element["genres"])
        detected = ", ".join(one.name for one in analysis.detected[:5])
        table.add_row(
            Text(printable(element["file"])),
            minutes(analysis.duration_s),
            analysis.sentence(batch.view),
            ", ".join(scores),
            *([] if batch.model.is_run else [detected]),
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
        if networks:
            known = {NETWORKS[name].vocabulary for name in networks if name in NETWORKS}
            complain(f"Networks: {', '.join(networks)}.")
            if known and (unknown := vocabulary.unknown_genres(batch.view, known)):
                complain(f"Genres that these networks don't know: {', '.join(unknown)}.")


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


def write_csv(batch: Batch, songs: list[Song], output: Path | None) -> None:
    """A row a song as soon as it is done, so that a batch that is cut off can go on from there."""
    from genre_engine.prediction.analysis import csv_header
    from genre_engine.storage.escape import cell
    from genre_engine.storage.output import is_special
    from genre_engine.storage.workspace import storage_errors

    top = batch.top or 5
    header = csv_header(top)
    if output is None:
        _stream_csv(batch, songs, sys.stdout, header, top)
        return
    special = is_special(output)
    done = set() if special else _continue_csv(output, header, batch)
    rest = [song for song in songs if cell(song[0]) not in done]
    if done:
        complain(f"{len(songs) - len(rest)} of {len(songs)} songs are in {output} already.")
    with (
        storage_errors(output.absolute()),
        output.open(
            "w" if special else "a", encoding="utf-8", errors="backslashreplace", newline=""
        ) as file,
    ):
        begun = not special and file.tell() > 0
        _stream_csv(batch, rest, file, None if begun else header, top)


def _stream_csv(
    batch: Batch, songs: list[Song], file: IO[str], header: list[str] | None, top: int
) -> None:
    from genre_engine.prediction.analysis import csv_row

    writer = csv.writer(file, lineterminator="\n")
    if header is not None:
        writer.writerow(header)
        file.flush()
    for element, analysis in batch.run(songs):
        writer.writerow(csv_row(element, analysis, top))
        file.flush()


def _continue_csv(output: Path, header: list[str], batch: Batch) -> set[str]:
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
