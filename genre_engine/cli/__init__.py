"""The command line: `python -m genre_engine COMMAND`.

Results go to standard output, progress and messages to standard error. Exit status: 0 all done;
1 some input failed, each named, the rest done; 2 wrong usage; 130 interrupted. A command only calls
the engine; what is heavy is imported inside it, so that `--help` answers at once.
"""

import signal
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
    learning_curve,
    library,
    library_tags,
    reproduce,
    runs,
    similar,
    train,
    tune,
    weights,
)
from genre_engine.cli.console import complain, discard_output, guard_output, use_utf8
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
app.command("learning-curve")(learning_curve.command)
app.command("runs")(runs.list_runs)
app.command("rename")(runs.rename)
app.command("note")(runs.note)
app.command("tag")(runs.tag)
app.command("remove")(runs.remove)
app.command("restore")(runs.restore)
app.command("export")(bundles.export)
app.command("import")(bundles.import_)
app.command("similar")(similar.command)
app.command("evaluate")(evaluate.command)
app.command("reproduce")(reproduce.command)
app.add_typer(datasets.app, name="dataset")
app.add_typer(download.app, name="download")
library.app.command("tag")(library_tags.tag)
library.app.command("undo")(library_tags.undo)
app.add_typer(library.app, name="library")


def main() -> None:
    """Run a command and leave the process with its exit status."""
    guard_output()
    use_utf8()
    # So that what is half written is removed when the system ends this process.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(_TERMINATED))
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except WrongUsage as error:
        _leave(2, str(error))
    except GenreEngineError as error:
        _leave(1, str(error))
    except KeyboardInterrupt:
        _leave(130, "Stopped.")
    except BrokenPipeError:  # whoever read our output has seen enough
        _leave(1)
    except OSError as error:
        _leave(1, _in_words(error))


_TERMINATED = 128 + signal.SIGTERM


def _leave(status: int, message: str = "") -> None:
    """End with a status; what is still to be written to standard output is thrown away."""
    if message:
        complain(message)
    discard_output()
    sys.exit(status)


def _in_words(error: OSError) -> str:
    reason = error.strerror or str(error)
    if error.filename is None:
        return f"The results can't be written to standard output ({reason})."
    return f"{error.filename}: {reason}."
