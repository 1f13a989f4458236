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
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from genre_engine.errors import GenreEngineError, StorageError
from genre_engine.jobs import job as jobs_on_disk
from genre_engine.jobs import queue
from genre_engine.jobs.job import Job, State
from genre_engine.jobs.supervisor import LOST
from genre_engine.storage.workspace import storage_errors

logger = logging.getLogger(__name__)

_SECONDS = 0.25
_WATCH_S = 0.25
# What was asked to end and hasn't after so many seconds is killed.
_GRACE_S = 15.0
# Background work must not slow down who uses the computer, or the app. A data set is waited for.
_NICE = 10
# A training whose time is up ends with its epoch, and is judged. So much of its time, and at least
# so many seconds, it may take for that.
_OVERTIME, _LEAST_OVERTIME_S = 0.25, 120.0


class Ended(Exception):
    """Raised by a task that was asked to end, where it can be left."""


class Reporter:
    """What a task says of itself, and what it is asked to do.

    Attributes:
        job: as it was when the work began.
    """

    def __init__(self, job: Job, clock: Callable[[], float] = time.monotonic) -> None:
        self.job = job
        self._state = jobs_on_disk.read_state(job.folder)
        self._before = self._state.seconds
        self._clock = clock
        self._began = clock()
        self._written = -1.0
        self._stage_began, self._stage_from = self._began, 0.0
        self._lock = threading.Lock()
        self._final = False

    @property
    def folder(self) -> Path:
        return self.job.folder

    @property
    def state(self) -> State:
        return self._state

    @property
    def seconds(self) -> float:
        """How long the job has been worked on, over all resumptions."""
        return self._before + self._clock() - self._began

    def time_is_up(self) -> str:
        """Says so in words once the job's time is used up; "" before."""
        minutes = self.job.minutes
        if minutes is None or self.seconds < minutes * 60:
            return ""
        return f"its time of {minutes:g} minutes was used up."

    @property
    def overdue(self) -> bool:
        """Whether it has to end at once: its time is used up, and it can't end well in a while."""
        if not self.time_is_up():
            return False
        limit_s = (self.job.minutes or 0.0) * 60
        # Before there is a run, features are being extracted, and they are kept anyway.
        ends_well = self.job.kind == "training" and self._state.run is not None
        return not ends_well or self.seconds > limit_s + max(_LEAST_OVERTIME_S, _OVERTIME * limit_s)

    def note(self, text: str) -> None:
        """Begin a stage."""
        with self._lock:
            self._stage_began, self._stage_from = self._clock(), 0.0
            self._write(replace(self._state, note=text, progress=None, seconds_left=None))

    def progress(
        self, done: int, total: int, note: str | None = None, seconds_left: float | None = None
    ) -> None:
        """How much of the stage is done; 0 in all: not known.

        Args:
            seconds_left: where the task knows better than what the share so far lets expect.
        """
        with self._lock:
            now = self._clock()
            if now - self._written < _SECONDS and done < total:
                return
            share = min(1.0, done / total) if total else None
            left = seconds_left
            if share and left is None:
                left = round((now - self._stage_began) / share * (1.0 - share), 1)
            said = self._state.note if note is None else note
            self._write(replace(self._state, note=said, progress=share, seconds_left=left))

    def has_run(self, run_id: str) -> None:
        """The training's run is there now."""
        with self._lock:
            self._write(replace(self._state, run=run_id))

    def result(self, **values: Any) -> None:
        with self._lock:
            self._write(replace(self._state, result={**self._state.result, **values}))

    def wish(self) -> str | None:
        """`pause` or `cancel`, once that is asked for."""
        return jobs_on_disk.requested(self.folder)

    def should_stop(self) -> bool:
        return self.wish() is not None

    def leave_if_asked(self) -> None:
        """Raises Ended once the job is to pause or to end."""
        if self.should_stop():
            raise Ended

    def end(self, status: str, message: str = "") -> None:
        """The last word; whatever is said later is not heard."""
        with self._lock:
            if self._final:
                return
            ended = replace(self._state, status=status, message=message, note="", seconds_left=None)
            with suppress(StorageError):  # then it shows as ended without a word
                self._write(ended)
            self._final = True

    def _write(self, state: State) -> None:
        """Progress that can't be written is no reason to give up the work."""
        if self._final:
            return
        self._state = replace(state, seconds=round(self.seconds, 1))
        try:
            jobs_on_disk.write_state(self.folder, self._state)
        except StorageError as error:
            if state.status != "running":
                raise
            logger.warning("%s", error)
        self._written = self._clock()


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
    from genre_engine.jobs import tasks

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
    from genre_engine.jobs.queue import wish

    asked_at: float | None = None
    told = False
    while True:
        time.sleep(_WATCH_S)
        if reporter.overdue and not told:
            told = True
            with suppress(GenreEngineError):
                wish(reporter.job.id, "cancel")
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
