"""The life of the process that works on a job.

It takes a place (or leaves at once), says how far it is at most four times a second, and ends in
one of these ways, each said in `state.json`: the work is done, was paused or cancelled, failed, had
its time, or its server ended. Only who kills it from outside leaves that to the supervisor.
"""

import logging
import os
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

from genre_engine.errors import GenreEngineError, StorageError
from genre_engine.jobs import queue, tasks
from genre_engine.jobs.reporter import Ended, Reporter
from genre_engine.jobs.supervisor import LOST
from genre_engine.storage.workspace import storage_errors

logger = logging.getLogger(__name__)

_WATCH_S = 0.25
# What was asked to end and hasn't after so many seconds is killed.
_GRACE_S = 15.0
# Background work must not slow down who uses the computer, or the app. A data set is waited for.
_NICE = 10


def main(job_id: str) -> int:
    """Work on a job; the exit status says whether there was a place for it."""
    threading.Thread(target=_end_with_input, daemon=True).start()
    # Control-C in the server's terminal ends the server, and that ends this.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    with queue.claimed(job_id) as job:
        if job is None:
            return LOST
        if job.kind != "dataset":
            with suppress(OSError, AttributeError):
                os.nice(_NICE)
        reporter = Reporter(job)
        _reporters.append(reporter)
        threading.Thread(target=_watch, args=(reporter,), daemon=True).start()
        _work(reporter)
    return 0


def _work(reporter: Reporter) -> None:
    job = reporter.job
    try:
        reporter.leave_if_asked()
        tasks.task(job.kind)(job.request, reporter)
    except Ended:
        _end_as_asked(reporter)
    except GenreEngineError as error:
        logger.info("%s", error)
        reporter.end("failed", str(error))
    except MemoryError:
        logger.exception("no memory")
        mend = "There is not enough memory. Close other programs or choose something smaller."
        reporter.end("failed", mend)
    except OSError as error:
        logger.exception("the system refused")
        reporter.end("failed", _in_words(error, job.folder))
    except Exception as error:
        logger.exception("a fault of this program")
        reporter.end(
            "failed",
            f"A fault of this program, not of your data: {type(error).__name__}: {error}. All of "
            "it is in its log.",
        )
    else:
        if job.kind == "training":
            _end_as_the_run(reporter)
        elif reporter.should_stop():
            _end_as_asked(reporter)
        else:
            reporter.end("finished")
    if reporter.state.status in ("finished", "cancelled"):
        import shutil

        shutil.rmtree(job.files(), ignore_errors=True)


def _in_words(error: OSError, folder: Path) -> str:
    try:
        with storage_errors(folder):
            raise error
    except StorageError as told:
        return str(told)


def _end_as_the_run(reporter: Reporter) -> None:
    from genre_engine.runs.run import Run
    from genre_engine.storage.workspace import runs_folder

    state = Run(runs_folder() / str(reporter.state.run)).state()
    message = state.message
    if state.status == "cancelled" and (why := reporter.time_is_up()):
        message = f"It was ended because {why}"
    reporter.end(state.status, message)


def _end_as_asked(reporter: Reporter) -> None:
    if why := reporter.time_is_up():
        reporter.end("cancelled", f"It was ended because {why}")
    elif reporter.wish() == "pause":
        reporter.end("paused", "Paused. What was done is kept.")
    else:
        reporter.end("cancelled", "Cancelled.")


def _watch(reporter: Reporter) -> None:
    """Wishes that a task can't be asked to fulfil, and time limits."""
    asked_at: float | None = None
    told = False
    while True:
        time.sleep(_WATCH_S)
        if reporter.overdue and not told:
            told = True
            with suppress(GenreEngineError):
                queue.wish(reporter.job.id, "cancel")
        if reporter.wish() != "cancel":
            continue
        asked_at = asked_at or time.monotonic()
        if reporter.job.kind == "dataset" or time.monotonic() - asked_at > _GRACE_S:
            # Making a data set can't be asked to stop. It is built out of sight, and the
            # supervisor clears away what was half done.
            _end_as_asked(reporter)
            _kill_all()


# Of the job that this process works on, once it has one.
_reporters: list[Reporter] = []


def _end_with_input() -> None:
    """Wait for the end of input, then end with all workers."""
    # Not through sys.stdin: a thread that waits there spoils the interpreter's own end.
    while os.read(0, 1):
        pass
    for reporter in _reporters:
        reporter.end("failed", "The app's server ended, and this with it. Resume it to go on.")
    _kill_all()


def _kill_all() -> None:
    if hasattr(os, "killpg") and os.getpgid(0) == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
