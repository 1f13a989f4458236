"""The command line: `python -m genre_engine COMMAND`.

Results go to standard output, progress and messages to standard error. Exit status: 0 all done;
1 some input failed, each named, the rest done; 2 wrong usage; 130 interrupted. A command only calls
the engine; what is heavy is imported inside it, so that `--help` answers at once.
"""

import sys

import typer

from genre_engine.cli import (
    bundles,
    classify,
    compare,
    datasets,
    download,
    evaluate,
    extract,
    reproduce,
    runs,
    train,
    tune,
    weights,
)
from genre_engine.cli.console import complain, use_utf8
from genre_engine.errors import GenreEngineError, WrongUsage

app = typer.Typer(
    name="genre_engine",
    help="Genre Studio from the command line: classify songs, and bring in data sets.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("classify")(classify.command)
app.command("compare")(compare.command)
app.command("weights")(weights.command)
app.command("extract")(extract.command)
app.command("train")(train.command)
app.command("tune")(tune.command)
app.command("runs")(runs.list_runs)
app.command("remove")(runs.remove)
app.command("export")(bundles.export)
app.command("import")(bundles.import_)
app.command("evaluate")(evaluate.command)
app.command("reproduce")(reproduce.command)
app.add_typer(datasets.app, name="dataset")
app.add_typer(download.app, name="download")


def main() -> None:
    """Run a command and leave the process with its exit status."""
    use_utf8()
    try:
        app()
    except WrongUsage as error:
        complain(str(error))
        sys.exit(2)
    except GenreEngineError as error:
        complain(str(error))
        sys.exit(1)
    except KeyboardInterrupt:
        complain("Stopped.")
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has seen enough; the interpreter must not try to flush it again.
        sys.stdout = None
        sys.exit(1)
