"""`export` and `import`: a run as one zip, or its model as one ONNX file."""

# The engine is imported inside the functions: with pandas it would make --help slow.
from pathlib import Path
from typing import Annotated

import typer

from genre_engine.cli.console import complain
from genre_engine.errors import WrongUsage


def export(
    run: Annotated[str, typer.Argument(help="The run's id or name.", show_default=False)],
    zip_: Annotated[
        Path | None, typer.Argument(metavar="ZIP", help="The file to write.", show_default=False)
    ] = None,
    onnx: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the model as an ONNX file, to be used without this program.",
            show_default=False,
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a file that holds something else.")
    ] = False,
) -> None:
    """Write a finished run as one zip, to be used on another machine, or its model as ONNX."""
    if zip_ is None and onnx is None:
        raise WrongUsage("Name a zip to write, or an ONNX file with --onnx FILE.")
    if zip_ is not None and onnx is not None and zip_.absolute() == onnx.absolute():
        raise WrongUsage(f"{zip_} can't be both the zip and the ONNX file. Name two files.")
    from genre_engine import runs
    from genre_engine.prediction import onnx_export
    from genre_engine.training import bundle

    opened = runs.open(run)
    # ONNX first: it refuses a file of another kind at its place, and then nothing is written.
    written = [onnx_export.export(opened, onnx, force=force)] if onnx is not None else []
    if zip_ is not None:
        written.append(bundle.export(opened, zip_, force=force))
    for path in written:
        complain(f"{path.stat().st_size / 1e6:,.1f} MB")
        typer.echo(path)


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
