"""`download …`: MTG-Jamendo's and FMA's tables and audio, from the command line."""

# The engine is imported inside the commands: with pandas it would make --help slow.
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from genre_engine.cli.console import complain, messages, progress_bar
from genre_engine.cli.datasets import Format, FormatOption, LabelSource, NameArgument

if TYPE_CHECKING:
    from genre_engine.download.jamendo_audio import Progress

app = typer.Typer(
    name="download", help="Fetch what MTG-Jamendo and FMA offer.", no_args_is_help=True
)

# Failures that are printed; dataset show has them all.
_MOST_FAILURES = 20


@app.command("jamendo-metadata")
def jamendo_metadata(
    to: Annotated[Path | None, typer.Option(help="Where to; the workspace by default.")] = None,
    base_url: Annotated[
        str | None,
        typer.Option(
            help="Another address that offers the same files (also: the environment variable "
            "GENRE_ENGINE_JAMENDO_METADATA_URL)."
        ),
    ] = None,
    all_splits: Annotated[
        bool,
        typer.Option("--all-splits", help="The official splits 1 to 4 as well: 23 MB more."),
    ] = False,
) -> None:
    """Fetch MTG-Jamendo's tables: 19 MB, CC BY-NC-SA 4.0."""
    from genre_engine.download import jamendo_metadata as engine

    with _bytes_bar() as advance:
        fetched = engine.jamendo_metadata(to, base_url=base_url, progress=advance)
        if all_splits:
            others = engine.jamendo_splits(to, base_url=base_url, progress=advance)
            fetched += others
    for path in fetched:
        typer.echo(path)
    if all_splits and len(others) < (n := sum(map(len, engine.JAMENDO_SPLITS))):
        complain(f"The server has only {len(others)} of the {n} tables of the other splits.")
        raise typer.Exit(1)


@app.command("jamendo-audio")
def jamendo_audio(
    name: NameArgument,
    per_genre: Annotated[
        int | None,
        typer.Option(min=1, help="A balanced subset: at least so many tracks of each genre."),
    ] = None,
    tracks: Annotated[
        int | None, typer.Option(min=1, help="A balanced subset: so many tracks in all.")
    ] = None,
    tars: Annotated[
        str | None,
        typer.Option(help="Only tracks in these archives (00,01), read as a stream: 1.6 GB each."),
    ] = None,
    genres: Annotated[
        str, typer.Option(help="top10 (or another number), all, or names parted by commas.")
    ] = "top10",
    only: Annotated[
        bool,
        typer.Option("--only/--any", help="Only tracks whose genres all lie within, or any one."),
    ] = False,
    labels_from: Annotated[
        LabelSource, typer.Option(help="Genres from raw_30s.tsv or from the official split files.")
    ] = LabelSource.RAW,
    seed: Annotated[int, typer.Option(help="Another seed, another subset.")] = 0,
    excerpt: Annotated[
        float | None,
        typer.Option(help="Fetch only so many seconds of each track's middle; 30 are enough."),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Connections at a time.")] = 4,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be fetched, and make nothing.")
    ] = False,
    base_url: Annotated[
        str | None,
        typer.Option(
            help="Another address that offers the same audio (also: the environment variable "
            "GENRE_ENGINE_JAMENDO_AUDIO_URL)."
        ),
    ] = None,
    metadata: Annotated[
        Path | None,
        typer.Option(
            help="A folder that holds MTG-Jamendo's tables; by default they are fetched once.",
            show_default=False,
        ),
    ] = None,
    format_: FormatOption = Format.TABLE,
) -> None:
    """Fetch MTG-Jamendo's audio, or a balanced part of it, as a data set.

    A data set that doesn't exist is made of the chosen tracks. For one that does, the audio of its
    tracks is fetched; so the same command again goes on where it was stopped.
    """
    from genre_engine.download import jamendo_audio as download_jamendo_audio
    from genre_engine.download import jamendo_plan

    with _bytes_bar() as advance:
        plan = download_jamendo_audio.plan(
            download_jamendo_audio.Request(
                name=name,
                per_genre=per_genre,
                tracks=tracks,
                tars=tuple(tar for tar in (tars or "").split(",") if tar.strip()),
                genres=genres,
                rule="only" if only else "any",
                labels_from=labels_from.value,
                seed=seed,
                excerpt_s=excerpt,
                jobs=jobs,
                base_url=base_url,
                metadata=str(metadata) if metadata else None,
            ),
            progress=advance,
        )
    for line in (*plan.notes, *jamendo_plan.in_words(plan)):
        typer.echo(line, err=True)
    if dry_run:
        _print(plan.to_dict(), format_, f"{name}: {len(plan.tracks)} tracks planned")
        return
    with _track_bar(len(plan.tracks)) as advance_tracks:
        outcome = download_jamendo_audio.download(plan, progress=advance_tracks)
    for note in outcome.notes:
        typer.echo(note, err=True)
    for row in outcome.failures.head(_MOST_FAILURES).itertuples():
        typer.echo(f"not fetched: {row.track_id}: {row.message}", err=True)
    if (more := len(outcome.failures) - _MOST_FAILURES) > 0:
        typer.echo(f"and {more} more; `dataset show {name}` counts them.", err=True)
    _print(
        outcome.to_dict(),
        format_,
        f"{name}: {outcome.done} of {outcome.total} tracks are there, {outcome.fetched} came now "
        f"({outcome.n_bytes / 1e6:.0f} MB)",
    )
    if len(outcome.failures):
        raise typer.Exit(1)


FmaFolder = Annotated[
    Path | None, typer.Option(help="The folder around it; the workspace's by default.")
]
FmaAddress = Annotated[
    str | None,
    typer.Option(
        help="Another address that offers the same zip (also: the environment variable "
        "GENRE_ENGINE_FMA_URL)."
    ),
]


@app.command("fma-metadata")
def fma_metadata(to: FmaFolder = None, base_url: FmaAddress = None) -> None:
    """Fetch FMA's tables: 358 MB, CC BY 4.0."""
    from genre_engine.download import fma as engine

    with _bytes_bar() as advance:
        fetched = engine.fma_metadata(to, base_url=base_url, progress=advance)
    for path in fetched:
        typer.echo(path)


@app.command("fma-small")
def fma_small(to: FmaFolder = None, base_url: FmaAddress = None) -> None:
    """Fetch FMA's small subset: 8,000 clips of 30 s, 7.7 GB, twice that while it is unpacked.

    Each clip is under the licence that its artist chose; `download fma-metadata` has them.
    """
    from genre_engine.download import fma as engine

    with _bytes_bar() as advance:
        typer.echo(engine.fma_small(to, base_url=base_url, progress=advance))


def _print(value: object, format_: Format, line: str) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2) if format_ is Format.JSON else line)


@contextmanager
def _track_bar(n_tracks: int) -> Iterator["Progress"]:
    with progress_bar() as bar:
        task = bar.add_task("Fetching", total=n_tracks)

        def advance(done: int, total: int, failed: int, bytes_done: int, bytes_total: int) -> None:
            text = f"{done + failed} of {total} tracks, {bytes_done / 1e6:.0f} MB"
            bar.update(task, completed=done + failed, total=total, description=text)

        yield advance


@contextmanager
def _bytes_bar() -> Iterator[Callable[[str, int, int], None]]:
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=messages()) as progress:
        tasks = {}

        def advance(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(escape(name), total=None)
            progress.update(tasks[name], completed=done, total=total or None)

        yield advance
