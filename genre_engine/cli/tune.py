"""`tune`: search a model's settings, and train the best."""

# The engine is imported inside the functions: with pandas it would make --help slow.
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genre_engine.cli import training
from genre_engine.cli.console import complain, progress_bar

if TYPE_CHECKING:
    from genre_engine.training.search import Search
    from genre_engine.training.trials import Trial


def command(
    dataset: Annotated[str, typer.Argument(metavar="NAME", help="The data set.")],
    model: training.ModelName = "fcn",
    trials: Annotated[
        int | None, typer.Option(min=1, help="How many to try; 20 unless minutes are given.")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(help="How long to search.", show_default=False)
    ] = None,
    features: training.FeatureKind = None,
    excerpt: training.Excerpt = "30",
    task: training.TaskName = training.Task.MULTILABEL,
    genres: training.Genres = None,
    only: training.Only = False,
    split: Annotated[str, typer.Option(help="official, artist or random.")] = "artist",
    seed: Annotated[int, typer.Option(help="The same seed finds the same.")] = 0,
    name: Annotated[
        str | None,
        typer.Option(help="The best run's name; made up by default.", show_default=False),
    ] = None,
) -> None:
    """Search a model's settings and train the best of them.

    Trials are scored by macro average precision on the early-stopping set, half of validation.
    Ctrl-C ends the search, and the best so far is trained.
    """
    from genre_engine.features import read_excerpt
    from genre_engine.training import SearchRequest, TrainingRequest
    from genre_engine.training import search as settings_search

    wanted = TrainingRequest(
        dataset,
        model=model,
        features=features,
        task=task.value,
        genres=genres,
        rule="only" if only else "any",
        split=split,
        seed=seed,
        name=name,
        excerpt_s=read_excerpt(excerpt),
        origin="cli",
    )
    request = SearchRequest(wanted, trials=trials, minutes=minutes)
    settings_search.check(request)
    training.config_with_features(wanted)
    with tempfile.TemporaryDirectory() as room:
        search = settings_search.Search(Path(room), request)
        _search(search)
        found = search.best()
        if found is None:
            complain("No trial has finished, so there is nothing to train.")
            raise typer.Exit(1)
        run = search.make_run()
    complain(f"The best is trial {found.number + 1}. Training {run.name} ({run.id})")
    training.train(run)


def _search(search: "Search") -> None:
    with progress_bar() as bar:
        task = bar.add_task("Searching", total=1000)

        def progress(done: float, total: int, said: str) -> None:
            bar.update(task, completed=done, total=total, description=said)

        try:
            search.run(progress=progress, ended=lambda trial: complain(_line(trial)))
        except KeyboardInterrupt:
            complain("Stopped; the best so far counts.")


def _line(trial: "Trial") -> str:
    score = f"{trial.score:.4f}" if trial.score is not None else trial.state
    values = ", ".join(f"{name}={_short(value)}" for name, value in trial.settings.items())
    said = f"trial {trial.number + 1}: {score}  {values}"
    return f"{said}  {trial.message}" if trial.message else said


def _short(value: object) -> str:
    if isinstance(value, list | tuple):
        return "-".join(str(part) for part in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)
