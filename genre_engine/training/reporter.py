"""A fit's progress, written into a run's events, and what a run is asked, passed to the fit."""

import time
from collections import deque
from collections.abc import Callable
from statistics import median
from typing import Any

from genre_engine.models.base import Enough, Progress, Stop
from genre_engine.runs import Journal, Run

# Batches are written, and requests looked for, at most this often.
_SECONDS = 0.25
# The first epoch of a network is slow, and a busy machine's are uneven.
_REMEMBERED_EPOCHS = 9


class StopWatcher:
    """The Progress of one fit among several: it writes no epochs, and stops where that is asked.

    Each fold has a checkpoint of its own, so a pause need not wait for an epoch's end.
    """

    def __init__(self, run: Run, reporter: "Reporter") -> None:
        self._run = run
        self._reporter = reporter

    def batch(
        self, *, epoch: int, epochs: int, batch: int, batches: int, loss: float | None
    ) -> None:
        self._look()

    def epoch(self, values: dict[str, Any]) -> None:
        self._look()

    def log(self, text: str) -> None:
        self._reporter.log(text)

    def _look(self) -> None:
        if asked := self._run.requested():
            self._reporter.asked = asked
            raise Stop(asked)


class Reporter:
    """The Progress of a run's fit.

    Attributes:
        asked: why the fit was stopped: `pause`, `cancel` or None.
        last_epoch: the latest that is done, now or before; 0 before there is one.
        cut_short: why no further epoch was wanted, in words, or "".

    Args:
        enough: asked at every epoch's end whether it is to be the last; says why, or "".
    """

    def __init__(
        self,
        run: Run,
        events: Journal,
        also: Progress | None = None,
        enough: Callable[[], str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.asked: str | None = None
        self.cut_short = ""
        epochs = run.epochs()
        self.last_epoch = int(epochs[-1]["epoch"]) if epochs else 0
        self._run = run
        self._events = events
        self._also = also
        self._enough = enough
        self._clock = clock
        self._looked = self._began = clock()
        self._seconds: deque[float] = deque(maxlen=_REMEMBERED_EPOCHS)

    def batch(
        self, *, epoch: int, epochs: int, batch: int, batches: int, loss: float | None
    ) -> None:
        """A cancel ends the fit here; a pause waits for the epoch's end, and loses nothing."""
        now = self._clock()
        if now - self._looked < _SECONDS:
            return
        self._looked = now
        values = {"epoch": epoch, "epochs": epochs, "batch": batch, "batches": batches}
        left = self._seconds_left(epochs - epoch, batch / max(1, batches))
        self._events.write("batch", **values, loss=loss, seconds_left=left)
        if self._also:
            self._also.batch(**values, loss=loss)
        if self._run.requested() == "cancel":
            self._stop("cancel")

    def epoch(self, values: dict[str, Any]) -> None:
        self._seconds.append(float(values.get("seconds") or 0.0))
        self.last_epoch = values["epoch"]
        left = self._seconds_left(values["epochs"] - values["epoch"], 0.0, begun=False)
        self._events.write("epoch", **values, seconds_left=left)
        if self._also:
            self._also.epoch(values)
        self._looked = self._began = self._clock()
        is_last = values["epoch"] >= values["epochs"]
        asked = self._run.requested()
        # After the last epoch a pause would keep nothing for later: the run finishes.
        if asked and not (asked == "pause" and is_last):
            self._stop(asked)
        if self._enough and not is_last and (why := self._enough()):
            self.cut_short = why
            raise Enough

    def log(self, text: str) -> None:
        self._events.write("log", text=text)
        self._events.log(text)
        if self._also:
            self._also.log(text)

    def _stop(self, what: str) -> None:
        self.asked = what
        raise Stop(what)

    def _seconds_left(self, epochs: int, share: float, *, begun: bool = True) -> float | None:
        """Until the last epoch's end, were they all needed: `epochs` whole ones, and what is left
        of the one of which a share is done."""
        if self._seconds:
            an_epoch = median(self._seconds)
        elif begun and share > 0:
            an_epoch = (self._clock() - self._began) / share
        else:
            return None
        return round(an_epoch * (epochs + (1.0 - share if begun else 0.0)), 1)
