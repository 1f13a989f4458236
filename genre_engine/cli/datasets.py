"""`dataset …`: what the engine's data sets can do, from the command line."""

# The engine is imported inside the commands: with pandas it would make --help slow.
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from genre_engine.datasets import Dataset

app = typer.Typer(name="dataset", help="Make, look at and remove data sets.", no_args_is_help=True)


# Remarks on one split that are printed; Jamendo's 252 genres give many.
_MOST_WARNINGS = 10


class Format(StrEnum):
    TABLE = "table"
    JSON = "json"


class Subset(StrEnum):
    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"
    FULL = "full"


class LabelSource(StrEnum):
    RAW = "raw"
    SPLIT = "split"


class GenreSource(StrEnum):
    AUTO = "auto"
    FOLDERS = "folders"
    TAGS = "tags"


FormatOption = Annotated[Format, typer.Option("--format", help="How to print the result.")]
NameArgument = Annotated[str, typer.Argument(help="The data set's name.", show_default=False)]


@app.command("list")
def list_datasets(format_: FormatOption = Format.TABLE) -> None:
    """List the data sets."""
    from genre_engine import datasets

    entries = datasets.listing()
    if format_ is Format.JSON:
        _print_json(entries)
        return
    if not entries:
        _say("There is no data set yet. Make one with: dataset demo")
        return
    table = Table("name", "kind", "tracks", "genres", "made")
    for entry in entries:
        if entry["error"]:
            table.add_row(escape(entry["name"]), "damaged", "", escape(entry["error"]), "")
            continue
        n_genres = str(len(entry["genres"] or ()))
        made = str(entry["created"] or "")[:10]
        table.add_row(
            escape(entry["name"]), str(entry["kind"]), str(entry["tracks"]), n_genres, made
        )
    _console().print(table)


@app.command()
def show(name: NameArgument, format_: FormatOption = Format.TABLE) -> None:
    """Show a data set: its genres, its splits, and what they let through."""
    from genre_engine import datasets

    dataset = datasets.open(name)
    made = datasets.possible_splits(dataset, dataset.select())
    summary = datasets.summary(dataset, made=made)
    if format_ is Format.JSON:
        _print_json(summary)
        return
    console = _console()
    console.print(
        f"[bold]{escape(summary['name'])}[/] ({summary['kind']}): {summary['tracks']} tracks, "
        f"{summary['artists']} artists, {summary['labels_per_track']:.3f} labels a track"
    )
    for note in dataset.notes:
        console.print(escape(note))
    genres = Table("genre", "tracks", "share")
    for genre, n in summary["genres"].items():
        genres.add_row(escape(genre), str(n), f"{n / summary['tracks']:.1%}")
    console.print(genres)
    leaks = datasets.leaks(dataset, made=made)
    parts = Table(
        "split", "train", "validation", "test", "artist overlap", "artist-prior baseline's macro F1"
    )
    for kind, sizes in summary["splits"].items():
        overlap, artist_prior = summary["artist_overlap"][kind], leaks[kind].artist_prior
        parts.add_row(
            kind,
            *(str(sizes.get(part, "–")) for part in ("train", "validation", "test")),
            "unknown" if overlap is None else f"{overlap:.1%}",
            "–" if artist_prior is None else f"{artist_prior.f1_macro:.2f}",
        )
    if summary["splits"]:
        console.print(parts)
    else:
        console.print("There are too few tracks to split them into parts.")
    for kind, split in made.items():
        for warning in split.warnings[:_MOST_WARNINGS]:
            _say(f"{kind} split: {warning}")
        if len(split.warnings) > _MOST_WARNINGS:
            _say(f"{kind} split: {len(split.warnings) - _MOST_WARNINGS} more such remarks.")
    if len(dataset.failures):
        console.print(f"Files kept out: {len(dataset.failures)}")
        for row in dataset.failures.head(20).itertuples():
            console.print(escape(f"  {row.track_id}: {row.message}"))


@app.command()
def remove(
    name: NameArgument,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Don't ask. Without a terminal nothing is asked.")
    ] = False,
) -> None:
    """Remove a data set. Audio outside the workspace stays."""
    from genre_engine import datasets
    from genre_engine.storage import workspace

    known = [entry["name"] for entry in datasets.listing()]
    if name not in known:
        datasets.open(name)  # says what there is
    if not yes and _at_a_terminal():
        typer.confirm(f"Remove {workspace.dataset_folder(name)}?", abort=True, err=True)
    datasets.remove(name)
    _say(f"Removed {name}.")


@app.command()
def demo(
    name: Annotated[str, typer.Option(help="The data set's name.")] = "demo",
    tracks: Annotated[int, typer.Option(help="How many clips of 10 s.")] = 300,
    seed: Annotated[int, typer.Option(help="The same seed gives the same music.")] = 0,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Processes; as many as cores by default.")
    ] = None,
) -> None:
    """Synthesise a small data set, to try everything without a download."""
    from genre_engine import datasets

    with _bar("Synthesising") as advance:
        made = datasets.make_demo(name, tracks=tracks, seed=seed, progress=advance, jobs=jobs)
    _report(made)


@app.command()
def jamendo(
    name: NameArgument,
    metadata: Annotated[
        Path | None,
        typer.Option(
            help="A TSV of MTG-Jamendo, or the folder that holds them; by default where "
            "`download jamendo-metadata` puts them.",
            show_default=False,
        ),
    ] = None,
    audio: Annotated[Path | None, typer.Option(help="The folder that holds the audio.")] = None,
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
    drop_duplicates: Annotated[
        Path | None,
        typer.Option(help="A CSV of byte-identical audio (mp3_sha256, id); the first is kept."),
    ] = None,
) -> None:
    """Import MTG-Jamendo's metadata, with or without audio."""
    from genre_engine import datasets
    from genre_engine.errors import WrongUsage
    from genre_engine.storage import workspace

    if metadata is None:
        metadata = workspace.metadata_folder()
        if not metadata.is_dir():
            raise WrongUsage(
                "No metadata was named and none has been fetched. Give --metadata, or fetch it "
                "with `download jamendo-metadata`."
            )
    made = datasets.import_jamendo(
        name,
        metadata,
        audio=audio,
        genres=genres,
        rule="only" if only else "any",
        labels_from=labels_from.value,
        drop_duplicates=drop_duplicates,
    )
    _report(made)


@app.command()
def folder(
    name: NameArgument,
    path: Annotated[Path, typer.Argument(help="The folder of music.", show_default=False)],
    genres_from: Annotated[
        GenreSource, typer.Option(help="The sub-folders' names, the files' tags, or what fits.")
    ] = GenreSource.AUTO,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="How many files to read at a time.")
    ] = None,
) -> None:
    """Import a folder of music: one sub-folder a genre, or tags in the files."""
    from genre_engine import datasets

    with _bar("Reading files") as advance:
        made = datasets.import_folder(
            name, path, genres_from=genres_from.value, progress=advance, jobs=jobs
        )
    _report(made)


@app.command()
def gtzan(
    name: NameArgument,
    path: Annotated[Path, typer.Argument(help="The folder of GTZAN's audio.", show_default=False)],
    filtered: Annotated[
        bool,
        typer.Option(
            "--filtered",
            help="Only the fault-filtered split (443, 197 and 290 clips), from its published lists "
            "train_filtered.txt, valid_filtered.txt and test_filtered.txt beside the audio.",
        ),
    ] = False,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="How many files to read at a time.")
    ] = None,
) -> None:
    """Import GTZAN: 1,000 clips in ten genres."""
    from genre_engine import datasets

    with _bar("Reading files") as advance:
        made = datasets.import_gtzan(name, path, filtered=filtered, progress=advance, jobs=jobs)
    _report(made)


@app.command()
def fma(
    name: NameArgument,
    path: Annotated[
        Path | None,
        typer.Argument(
            help="The folder that holds tracks.csv, and fma_small with the audio; by default where "
            "`download fma-metadata` puts them.",
            show_default=False,
        ),
    ] = None,
    subset: Annotated[
        Subset, typer.Option(help="8,000, 25,000 or 106,574 clips, or all tracks untrimmed.")
    ] = Subset.SMALL,
) -> None:
    """Import FMA's tables, with or without its audio."""
    from genre_engine import datasets
    from genre_engine.errors import WrongUsage
    from genre_engine.storage import workspace

    if path is None:
        path = workspace.fma_folder()
        if not path.is_dir():
            raise WrongUsage(
                "No folder was named and FMA's tables haven't been fetched. Name the folder, or "
                "fetch them with `download fma-metadata`."
            )
    with _bar("Reading the tables") as advance:
        made = datasets.import_fma(name, path, subset=subset.value, progress=advance)
    _report(made)


@app.command()
def table(
    name: NameArgument,
    file: Annotated[Path, typer.Argument(help="A CSV or Parquet file.", show_default=False)],
    label: Annotated[str | None, typer.Option(help="The column that holds the genre.")] = None,
    label_separator: Annotated[
        str | None, typer.Option(help="What parts several genres in that column.")
    ] = None,
    labels: Annotated[
        str | None, typer.Option(help="Columns of 0 and 1, one a genre, parted by commas.")
    ] = None,
    group: Annotated[
        str | None, typer.Option(help="A column (the artist) that must not be in two parts.")
    ] = None,
    drop: Annotated[
        str | None, typer.Option(help="Columns to leave out, parted by commas.")
    ] = None,
) -> None:
    """Import a table of ready features."""
    from genre_engine import datasets
    from genre_engine.labels import unlisted

    made = datasets.import_table(
        name,
        file,
        label=label,
        label_separator=label_separator,
        labels=unlisted(labels or ""),
        group=group,
        drop=unlisted(drop or ""),
    )
    _report(made)


def _at_a_terminal() -> bool:
    return sys.stdin.isatty()


def _report(dataset: "Dataset") -> None:
    """Say what was made; end with 1 if some files were kept out."""
    for note in dataset.notes:
        _say(note)
    for row in dataset.failures.itertuples():
        _say(f"kept out: {row.track_id}: {row.message}")
    info = dataset.info
    typer.echo(f"{dataset.name}: {info['tracks']} tracks, {len(dataset.genres)} genres")
    if len(dataset.failures):
        raise typer.Exit(1)


def _console() -> Console:
    return Console()


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


@contextmanager
def _bar(what: str) -> Iterator[Callable[[int, int], None]]:
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total or None)
