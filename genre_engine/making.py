"""Making a data set in a process of its own, for a server that must stay small and quick.

Reading a table of 55,000 tracks or synthesising music takes the interpreter and leaves memory
behind, so the app's server leaves it to this process, one for each data set.

The request is one JSON line on the child's standard input, `{"make": WHAT, …}` with the arguments
of the function of `genre_engine.datasets` that makes it. The child answers with JSON lines on its
standard output: `{"note": TEXT}`, `{"done": N, "total": N}`, in the end `{"made": NAME}` or
`{"error": TYPE, "message": TEXT}`. It ends at once when its standard input does, so it never
outlives the server, and what was half done is cleared away.
"""

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from genre_engine import errors
from genre_engine.datasets import store
from genre_engine.errors import GenreEngineError

logger = logging.getLogger(__name__)

Say = Callable[..., None]

# What has been downloaded is written in many small pieces; so many bytes between two reports.
_REPORT_BYTES = 1 << 18


class MakingStopped(GenreEngineError):
    """The process ended before the data set was whole."""


class MakingProcess:
    """The server's end."""

    def __init__(self, request: dict[str, Any]) -> None:
        """Starts the process."""
        self._name = str(request["name"])
        # The child must find this package wherever the server was started from.
        package_home = str(Path(__file__).parents[1])
        paths = [package_home, *filter(None, [os.environ.get("PYTHONPATH")])]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "genre_engine.making"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )
        with suppress(BrokenPipeError):  # told by the end of its output
            self._stdin.write(json.dumps(request).encode() + b"\n")
            self._stdin.flush()

    @property
    def _stdin(self) -> IO[bytes]:
        assert self._process.stdin is not None  # noqa: S101 - it was asked for
        return self._process.stdin

    def answers(self) -> Iterator[dict[str, Any]]:
        """What it reports until it has made the data set.

        Raises:
            GenreEngineError: the child of it that says why there is no data set.
            MakingStopped: the process was stopped, or ended by itself.
        """
        assert self._process.stdout is not None  # noqa: S101 - it was asked for
        with self._process.stdout as output:
            for line in output:
                answer: dict[str, Any] = json.loads(line)
                if "error" in answer:
                    self.stop()
                    raise _error(answer)
                yield answer
                if "made" in answer:
                    self.stop()
                    return
        self.stop()
        with suppress(GenreEngineError):
            store.clear_half_made(self._name)
        raise MakingStopped("It was stopped before the data set was whole; nothing is left of it.")

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        with suppress(OSError):
            self._stdin.close()
        self._process.wait()


def _error(answer: dict[str, Any]) -> Exception:
    kind = getattr(errors, answer["error"], None)
    if not (isinstance(kind, type) and issubclass(kind, GenreEngineError)):
        return RuntimeError(f"{answer['error']}: {answer['message']}")
    # A BadTable has made its message of file and row already.
    return (
        errors.DatasetError(answer["message"])
        if kind is errors.BadTable
        else kind(answer["message"])
    )


def make(request: dict[str, Any], say: Say) -> str:
    """Do what a request asks for and return the data set's name."""
    from genre_engine import datasets

    options = dict(request)
    what, name = options.pop("make"), options.pop("name")
    for place in ("path", "file", "metadata", "audio"):
        if options.get(place):
            options[place] = Path(options[place]).expanduser()

    def progress(done: int, total: int) -> None:
        say(done=done, total=total)

    if what == "demo":
        say(note="Synthesising clips")
        datasets.make_demo(name, progress=progress, **options)
    elif what == "folder":
        say(note="Reading files")
        datasets.import_folder(name, progress=progress, **options)
    elif what == "table":
        say(note="Reading the table")
        datasets.import_table(name, **options)
    elif what == "jamendo":
        if not options.get("metadata"):
            options["metadata"] = _fetched(say)
        say(note="Reading the tables")
        datasets.import_jamendo(name, **options)
    else:
        raise errors.WrongUsage(f"There is nothing to make of {what!r}.")
    return str(name)


def _fetched(say: Say) -> Path:
    from genre_engine import workspace
    from genre_engine.datasets import download

    reported: dict[str, int] = {}

    def advance(file: str, done: int, total: int) -> None:
        if done >= reported.get(file, -_REPORT_BYTES) + _REPORT_BYTES or done == total:
            reported[file] = done
            say(note=f"Fetching {file}", done=done, total=total)

    download.jamendo_metadata(progress=advance)
    return workspace.metadata_folder()


def _end_with_input() -> None:
    """Wait for the end of input, then end with all workers."""
    # Not through sys.stdin: a thread that waits there spoils the interpreter's own end.
    while os.read(0, 1):
        pass
    os.killpg(0, 9) if os.getpgid(0) == os.getpid() else os._exit(1)


def main() -> None:
    # Workers of the synthesis end with this process, not with the server's terminal.
    with suppress(OSError, AttributeError):
        os.setsid()
    # What libraries print must not get between the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    lock = threading.Lock()

    def say(**answer: Any) -> None:
        with lock:
            answers.write(json.dumps(answer).encode() + b"\n")
            answers.flush()

    request = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_input, daemon=True).start()
    try:
        say(made=make(request, say))
    except GenreEngineError as error:
        say(error=type(error).__name__, message=str(error))
    except Exception as error:
        logger.exception("making a data set failed")
        say(error=type(error).__name__, message=str(error))


if __name__ == "__main__":
    main()
