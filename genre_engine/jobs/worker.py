"""The life of the process that works on a job.

It takes a place (or leaves at once), says how far it is at most four times a second, and ends in
one of these ways, each stored: the work is done, was paused or cancelled, failed, used up its time,
or its server ended. Only who kills it from outside leaves that to the supervisor.
"""

import logging
import os
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

from genre_engine.errors import GenreEngineError, StorageError
from genre_engine.jobs import hosted, kinds, queue, record
from genre_engine.jobs.job import open_job
from genre_engine.jobs.reporter import Ended, Reporter
from genre_engine.jobs.supervisor import LOST
from genre_engine.storage import budget
from genre_engine.storage.workspace import storage_errors

logger = logging.getLogger(__name__)

_WATCH_S = 0.1
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
        if kinds.kind(job.kind).in_background:
            with suppress(OSError, AttributeError):
                os.nice(_NICE)
        reporter = Reporter(job)
        _reporters.append(reporter)
        threading.Thread(target=_watch, args=(reporter,), daemon=True).start()
        _work(reporter)
    return 0


def _work(reporter: Reporter) -> None:
    job = reporter.job
    kind = kinds.kind(job.kind)
    try:
        reporter.leave_if_asked()
        kind.task(kind.request(job.request), reporter)
    except Ended:
        _end_as_asked(reporter)
    except GenreEngineError as error:
        logger.info("%s", error)
        reporter.end("failed", str(error))
    except MemoryError:
        logger.exception("no memory")
        reporter.end(
            "failed",
            "There is not enough memory. Close other programs or choose something smaller.",
        )
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
        if reporter.state.run is not None:
            _end_as_the_run(reporter)
        elif reporter.should_stop():
            _end_as_asked(reporter)
        else:
            reporter.end("finished")
    if reporter.ended in ("finished", "cancelled"):
        record.remove_files(job)


def _in_words(error: OSError, folder: Path) -> str:
    try:
        with storage_errors(folder):
            raise error
    except StorageError as in_words:
        return str(in_words)


def _end_as_the_run(reporter: Reporter) -> None:
    """A training has said in its run how it ended, but not that its time was used up."""
    run = record.run_of(reporter.state)
    if run is None:
        reporter.end("cancelled", "Its run has been removed.")
        return
    status = run.status
    if status == "cancelled" and (why := reporter.time_is_up()):
        with suppress(GenreEngineError):
            run.set_status(status, f"It was ended because {why}")
    reporter.end(status)


def _end_as_asked(reporter: Reporter) -> None:
    if why := reporter.time_is_up():
        reporter.end("cancelled", f"It was ended because {why}")
    elif reporter.asked() == "pause":
        reporter.end("paused", "Paused. What was done is kept.")
    else:
        reporter.end("cancelled", "Cancelled.")


def _watch(reporter: Reporter) -> None:
    """See to what a task doesn't notice when it is asked, and to limits of time and memory."""
    job = reporter.job
    asked_at: float | None = None
    overdue = False
    memory_mb = hosted.job_memory_mb()
    while True:
        time.sleep(_WATCH_S)
        if memory_mb is not None and budget.filled_mb() > memory_mb:
            reporter.end(
                "failed",
                f"It was ended because it took more than {memory_mb:,} MB of memory, which is as "
                "much as a visitor of this shared server gets. Choose something smaller, or do it "
                "on your own computer.",
            )
            _kill_all()
        if reporter.overdue and not overdue:
            overdue = True
            with suppress(GenreEngineError):
                open_job(job.id).cancel()
        if reporter.asked() != "cancel":
            continue
        asked_at = asked_at or time.monotonic()
        stops = kinds.kind(job.kind).stops_when_asked
        if not stops or time.monotonic() - asked_at > _GRACE_S:
            # The supervisor clears away what was half done.
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
