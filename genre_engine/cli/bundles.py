"""`export` and `import`: a run as one zip."""

# The engine is imported inside the functions: with pandas it would make --help slow.
from pathlib import Path
from typing import Annotated

import typer

from genre_engine.cli.console import complain


def export(
    run: Annotated[str, typer.Argument(help="The run's id or name.", show_default=False)],
    zip_: Annotated[
        Path, typer.Argument(metavar="ZIP", help="The file to write.", show_default=False)
    ],
) -> None:
    """Write a finished run as one zip, to be used on another machine."""
    from genre_engine import runs
    from genre_engine.training import bundle

    written = bundle.export(runs.open(run), zip_)
    complain(f"{written.stat().st_size / 1e6:,.1f} MB")
    typer.echo(written)


def import_(
    zip_: Annotated[
        Path, typer.Argument(metavar="ZIP", help="What export wrote.", show_default=False)
    ],
    name: Annotated[
        str | None, typer.Option(help="Another name than it had.", show_default=False)
    ] = None,
) -> None:
    """Take a run in that was exported; it is checked before anything in it is loaded."""
    from genre_engine.training import bundle

    run = bundle.import_zip(zip_, name)
    typer.echo(f"{run.name} ({run.id})")
