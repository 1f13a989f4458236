"""`extract NAME`: features of a data set's tracks, with a bar that shows rate and time left."""

# The engine is imported inside the command: with pandas it would make --help slow.
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from genre_engine.cli.console import complain, progress_bar

if TYPE_CHECKING:
    from genre_engine.features import Kind
    from genre_engine.features.store import FeatureStore


class KindName(StrEnum):
    summary = "summary"
    patches = "patches"
    embedding = "embedding"


# Without a terminal a line is written every so often, so that a log shows that it goes on.
_LINE_EVERY_S = 30.0


def command(
    name: Annotated[str, typer.Argument(help="The data set's name.", show_default=False)],
    kind: Annotated[
        KindName,
        typer.Option("--features", help="498 numbers, log-mel patches, or a network's embedding."),
    ] = KindName.summary,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Processes; as many as cores by default.")
    ] = None,
    dask: Annotated[
        str | None,
        typer.Option(help="Compute on the workers of the Dask scheduler at this address instead."),
    ] = None,
    excerpt: Annotated[
        str, typer.Option(help="Seconds from each track's middle, or full (summary only).")
    ] = "30",
    retry: Annotated[
        bool, typer.Option("--retry", help="Try all tracks again that failed before.")
    ] = False,
) -> None:
    """Compute features of a data set's tracks; goes on where it was stopped."""
    from genre_engine import datasets, extraction, features

    dataset = datasets.open(name)
    chosen = features.kind(kind.value, excerpt_s=features.read_excerpt(excerpt))
    with _bar(f"{kind.value} features") as advance:
        store = extraction.extract(
            dataset, chosen, jobs=jobs, dask=dask, retry=retry, progress=advance
        )
    _report(store, chosen, len(dataset.tracks))


def _report(store: "FeatureStore", kind: "Kind", n_tracks: int) -> None:
    """Name what failed, sum up, and end with 1 if something failed."""
    failures = store.failures
    for row in failures.itertuples():
        complain(f"{row.track_id}: {row.message}")
    n = len(store.track_ids)
    absent = n_tracks - n - len(failures)
    if absent > 0:
        complain(f"{absent} tracks have no audio here and are left out.")
    what = f"{len(kind.columns)} numbers a track" if kind.is_vector else "log-mel patches"
    typer.echo(f"{kind.name}: {n} tracks, {what}, in {store.folder}")
    if len(failures):
        complain(f"{len(failures)} tracks failed.")
        raise typer.Exit(1)


@contextmanager
def _bar(what: str) -> Iterator[Callable[[int, int, int], None]]:
    """What is shown of progress: a bar at a terminal, a line now and then elsewhere."""
    started = time.monotonic()
    first: list[int] = []
    listed = [started]

    def rate(done: int) -> float:
        if not first:
            first.append(done)  # done before: not this extraction's work
        return (done - first[0]) / max(1e-9, time.monotonic() - started)

    with progress_bar() as bar:
        task = bar.add_task(what, total=None)

        def advance(done: int, total: int, failed: int) -> None:
            speed = rate(done)
            said = f"{what}: {done} of {total}, {speed:.1f} a second"
            if failed:
                said += f", {failed} failed"
            bar.update(task, completed=done, total=total, description=said)
            if not sys.stderr.isatty() and time.monotonic() - listed[0] > _LINE_EVERY_S:
                listed[0] = time.monotonic()
                left_s = (total - done) / speed if speed else 0
                complain(f"{said}, {left_s / 60:.0f} min left")

        yield advance
