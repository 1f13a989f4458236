"""`train`: a run from the command line, or the rest of one."""

from typing import Annotated, Any

import typer

from genre_engine.cli import training
from genre_engine.cli.console import complain
from genre_engine.errors import RunError, WrongUsage


def command(
    context: typer.Context,
    dataset: Annotated[
        str | None, typer.Argument(metavar="NAME", help="The data set.", show_default=False)
    ] = None,
    model: training.ModelName = "fcn",
    features: training.FeatureKind = None,
    excerpt: training.Excerpt = "30",
    task: training.TaskName = training.Task.MULTILABEL,
    genres: training.Genres = None,
    only: training.Only = False,
    split: Annotated[
        str,
        typer.Option(
            help="official, artist or random, with shares as in "
            "random:train=0.8,validation=0.1,test=0.1; or kfold:K or artist-kfold:K for "
            "cross-validation, repeated as in kfold:10x3."
        ),
    ] = "artist",
    seed: Annotated[int, typer.Option(help="The same seed gives the same result.")] = 0,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="A setting of the model; may be given several times.",
            show_default=False,
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="The run's name; made up by default.", show_default=False)
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            help="Go on with a run that was paused, cancelled, failed or killed; takes no other "
            "option.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Train a model on a data set.

    Ctrl-C pauses at the end of the epoch; a second one stops at once. Either way `train --resume`
    goes on with it.
    """
    from genre_engine import runs
    from genre_engine.features import read_excerpt
    from genre_engine.training import TrainingRequest

    if resume is not None:
        _refuse_others(context)
        run = runs.open(resume)
        if run.status == "finished":
            raise RunError(f"The run {run.name!r} has finished. Train a new one.")
    elif dataset is None:
        raise WrongUsage("Name a data set to train on, or a run with --resume RUN.")
    else:
        request = TrainingRequest(
            dataset,
            model=model,
            features=features,
            task=task.value,
            genres=genres,
            rule="only" if only else "any",
            split=split,
            seed=seed,
            settings=_settings(model, set_ or []),
            name=name,
            excerpt_s=read_excerpt(excerpt),
            origin="cli",
        )
        config = training.config_with_features(request)
        for warning in config.warnings:
            complain(warning)
        run = runs.create(config, request.origin)
        complain(f"Training {run.name} ({run.id})")
    training.train(run)


def _refuse_others(context: typer.Context) -> None:
    """A run's config is fixed: an option beside --resume would be ignored silently."""
    given = [
        parameter.opts[0]
        for parameter in context.command.params
        if parameter.name != "resume" and _was_given(context, str(parameter.name))
    ]
    if given:
        raise WrongUsage(
            f"--resume goes on with what the run was made for, so {given[0]} can't stand "
            "beside it. Leave it out, or train a new run."
        )


def _was_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _settings(model: str, texts: list[str]) -> dict[str, Any]:
    from genre_engine import models

    pairs: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise WrongUsage(f"--set takes a name and a value as in dropout=0.3, not {text!r}.")
        pairs[key.strip()] = value.strip()
    values: dict[str, Any] = models.model(model).Settings.parse(pairs).to_dict()
    return values
