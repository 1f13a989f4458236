"""What a task reports while it runs, and what it is asked to do."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from genre_engine.errors import GenreEngineError, StorageError
from genre_engine.jobs import record
from genre_engine.jobs.record import Record, State
from genre_engine.runs import Run

logger = logging.getLogger(__name__)

_SECONDS = 0.25
# A training whose time is up ends with its epoch, and is evaluated. For that it may take so much
# of its time, and at least so many seconds.
_OVERTIME, _LEAST_OVERTIME_S = 0.25, 120.0


class Ended(Exception):
    """Raised by a task that was asked to end, where it can be left."""


class Reporter:
    """What a task reports, and what it is asked to do.

    Attributes:
        job: what is worked on.
        ended: the status that was said last; "" before.
    """

    def __init__(self, job: Record, clock: Callable[[], float] = time.monotonic) -> None:
        self.job = job
        self._state = record.read_state(job.folder)
        self._run: Run | None = None
        self.ended = ""
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
        # Before a training has its run, features are being extracted, and they are kept anyway.
        ends_well = self._state.run is not None
        return not ends_well or self.seconds > limit_s + max(_LEAST_OVERTIME_S, _OVERTIME * limit_s)

    def note(self, text: str) -> None:
        """Begin a stage."""
        with self._lock:
            self._stage_began, self._stage_from = self._clock(), 0.0
            self._write(replace(self._state, note=text, progress=None, seconds_left=None))

    def progress(
        self, done: float, total: float, note: str | None = None, seconds_left: float | None = None
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

    def has_run(self, run: Run) -> None:
        """The training's run is there now, and is trained with this object."""
        with self._lock:
            self._run = run
            if self._state.run != run.id:
                self._write(replace(self._state, run=run.id))
        if asked := self.asked():
            with suppress(GenreEngineError):  # it has ended since
                run.request(asked)

    def result(self, **values: Any) -> None:
        with self._lock:
            self._write(replace(self._state, result={**self._state.result, **values}))

    def asked(self) -> str | None:
        """`pause` or `cancel`, once that is asked for."""
        return record.asked(self.folder)

    def should_stop(self) -> bool:
        return self.asked() is not None

    def leave_if_asked(self) -> None:
        """Raises Ended once the job is to pause or to end."""
        if self.should_stop():
            raise Ended

    def end(self, status: str, message: str = "") -> None:
        """Say how it ended, where that is looked up; what is reported later is ignored."""
        with self._lock:
            if self._final:
                return
            ended = replace(self._state, note="", seconds_left=None)
            # What can't be written shows as a process that ended without saying why.
            with suppress(GenreEngineError):
                run = self._run or record.run_of(self._state)
                if run is not None:
                    run.conclude(status, message)
                else:
                    ended = replace(ended, status=status, message=message)
                self._write(ended)
            self._final = True
            self.ended = status

    def _write(self, state: State) -> None:
        """Progress that can't be written is no reason to give up the work."""
        if self._final:
            return
        self._state = replace(state, seconds=round(self.seconds, 1))
        try:
            record.write_state(self.folder, self._state)
        except StorageError as error:
            if state.status != "running":
                raise
            logger.warning("%s", error)
        self._written = self._clock()
