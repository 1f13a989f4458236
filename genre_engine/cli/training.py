"""What `train` and `tune` share: options, features first, and a training with its progress."""

# The engine is imported inside the functions: with pandas it would make --help slow.
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genre_engine.cli.console import complain, messages, progress_bar
from genre_engine.errors import FeaturesDiffer, FeaturesMissing, RunError

if TYPE_CHECKING:
    from rich.progress import Progress

    from genre_engine.runs import Config, Run
    from genre_engine.training import TrainingRequest

# Without a terminal a line is written every so often, so that a log shows that it goes on.
_LINE_EVERY_S = 5.0


class Task(StrEnum):
    MULTILABEL = "multilabel"
    MULTICLASS = "multiclass"
    BINARY = "binary"


ModelName = Annotated[
    str,
    typer.Option(
        "--model", help="fcn, cnn, xgboost, forest, linear, svm, ensemble or auto.", metavar="MODEL"
    ),
]
FeatureKind = Annotated[
    str | None,
    typer.Option(
        "--features",
        help="summary, patches, embedding, discogs or table; by default what fits the model. "
        "Features that aren't there are extracted first.",
        metavar="KIND",
        show_default=False,
    ),
]
Excerpt = Annotated[
    str,
    typer.Option(
        "--excerpt", help="Seconds of each track that its features are made from, or full."
    ),
]
TaskName = Annotated[
    Task, typer.Option("--task", help="Several genres a track, one, or one of two.")
]
Genres = Annotated[
    str | None,
    typer.Option(
        "--genres",
        help="top10 (or another number), all, or names parted by commas; by default all that "
        "the data set was imported for.",
        show_default=False,
    ),
]
Only = Annotated[
    bool,
    typer.Option("--only/--any", help="Only tracks whose genres all lie within, or any one."),
]


def config_with_features(request: "TrainingRequest") -> "Config":
    """A config; where only the features are missing they are extracted first.

    Features that are there and were made with other parameters are not replaced: whoever made
    them, perhaps for hours, may have meant them.
    """
    from genre_engine import datasets, extraction, features, training

    try:
        return training.config_of(request)
    except FeaturesDiffer:
        raise
    except FeaturesMissing:
        opened = datasets.open(request.dataset_name)
        name = training.fitting_features(opened, request.model, request.features)
        kind = features.kind(name, excerpt_s=request.excerpt_s)
        complain(
            f"The {kind.name} features of {opened.name} are extracted first; what is done stays if "
            "this is stopped."
        )
        with _extraction_bar(f"{kind.name} features") as advance:
            extraction.extract(opened, kind, progress=advance)
    return training.config_of(request)


@contextmanager
def _extraction_bar(what: str) -> Iterator[Callable[[int, int, int], None]]:
    with progress_bar() as bar:
        task = bar.add_task(what, total=None)

        def advance(done: int, total: int, failed: int) -> None:
            said = f"{what}: {done} of {total}" + (f", {failed} failed" if failed else "")
            bar.update(task, completed=done, total=total, description=said)

        yield advance


def train(run: "Run") -> None:
    """Train a run with its progress in sight; a signal pauses it."""
    from genre_engine import training

    with Display() as display, signals(run) as received:
        training.train(run, progress=display)
    state = run.state()
    if state.status != "finished":
        complain(f"{state.message} Go on with: train --resume {run.name}")
        if received:
            raise typer.Exit(128 + received[0])
        return
    typer.echo(f"{run.id} {run.name}: {state.message}")


@contextmanager
def signals(run: "Run") -> Iterator[list[int]]:
    """The first signal to end pauses the run, a second one ends it at once."""
    received: list[int] = []

    def take(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        if len(received) > 1:
            raise KeyboardInterrupt
        try:
            run.request("pause")
        except RunError:
            raise KeyboardInterrupt from None
        complain("It pauses at the end of this epoch. Once more stops it at once.")

    before = {number: signal.signal(number, take) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    except KeyboardInterrupt:
        complain(f"{run.message} Go on with: train --resume {run.name}")
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Display:
    """A training's progress on standard error: a line that moves at a terminal, else now and then
    a line."""

    def __init__(self) -> None:
        self._console = messages()
        self._bar: Progress | None = None
        self._task: Any = None
        self._figures = ""
        self._told = float("-inf")
        self._began = time.monotonic()

    def __enter__(self) -> "Display":
        if self._console.is_terminal:
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            self._bar = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=20),
                TextColumn("{task.fields[figures]}", markup=False),
                TimeRemainingColumn(),
                console=self._console,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._task = self._bar.add_task("Reading the features", total=None, figures="")
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()

    def batch(
        self, *, epoch: int, epochs: int, batch: int, batches: int, loss: float | None
    ) -> None:
        figures = f"loss {loss:.4f}" if loss is not None else ""
        said = f"epoch {epoch} of {epochs}, batch {batch} of {batches}"
        self._show(said, epoch - 1 + batch / max(1, batches), epochs, self._figures or figures)

    def epoch(self, values: dict[str, Any]) -> None:
        listed = (("loss", "loss"), ("val_loss", "val loss"), ("val_auc", "val AUC"))
        figures = [
            f"{name} {values[key]:.4f}" for key, name in listed if values.get(key) is not None
        ]
        self._figures = "  ".join(figures) + ("  best" if values.get("best") else "")
        epoch, epochs = values["epoch"], values["epochs"]
        self._show(f"epoch {epoch} of {epochs}", epoch, epochs, self._figures, done=epoch)

    def log(self, text: str) -> None:
        complain(text)

    def _show(
        self, said: str, at: float, epochs: int, figures: str, done: int | None = None
    ) -> None:
        if self._bar:
            self._bar.update(
                self._task, description=said, completed=at, total=epochs, figures=figures
            )
            return
        now = time.monotonic()
        if done == epochs or now - self._told >= _LINE_EVERY_S:
            self._told = now
            left = (now - self._began) / at * (epochs - at) if at else 0.0
            complain(f"{said}  {figures}  at most {left:.0f} s left")
            sys.stderr.flush()
