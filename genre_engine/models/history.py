"""Following a fit: each epoch's figures, which epoch was best, and who follows it.

Both losses are the unweighted cross-entropy, whatever the model optimises, so that runs compare.
Figures of train come from the predictions that training makes anyway, dropout and all.
"""

import time
from collections.abc import Callable
from typing import Any, Protocol

from genre_engine import metrics
from genre_engine.models.data import Floats, Labels

# Batches are reported at most this often: more is not seen, and costs.
_SECONDS_BETWEEN_BATCHES = 0.25


class Stop(Exception):
    """Raised by a Progress to end a fit; what is learnt so far is in the checkpoint."""


class Enough(Exception):
    """Raised by a Progress at an epoch's end to have no more of them: the fit ends as if that had
    been the last."""


class Progress(Protocol):
    """Who follows a fit. Each method may raise Stop, `epoch` also Enough."""

    def batch(
        self, *, epoch: int, epochs: int, batch: int, batches: int, loss: float | None
    ) -> None:
        """`batch` of `batches` of an epoch are done; `loss` is the epoch's so far."""

    def epoch(self, values: dict[str, Any]) -> None:
        """An epoch is done and its checkpoint written. Keys: epoch (from 1), epochs, loss,
        val_loss, accuracy, val_accuracy, auc, val_auc, best (whether it is the best so far),
        seconds."""

    def log(self, text: str) -> None:
        """Something to know, in a sentence."""


class Silent:
    """Nobody follows it."""

    def batch(
        self, *, epoch: int, epochs: int, batch: int, batches: int, loss: float | None
    ) -> None: ...

    def epoch(self, values: dict[str, Any]) -> None: ...

    def log(self, text: str) -> None: ...


def cross_entropy(y: Labels, scores: Floats, task: str) -> float:
    """Mean over cells for `multilabel`, over tracks else."""
    if task == "multilabel":
        return metrics.binary_cross_entropy(y, scores)
    return metrics.categorical_cross_entropy(y, scores)


def accuracy(y: Labels, scores: Floats, task: str) -> float:
    """The share of right cells at 0.5 for `multilabel` (which is high without learning), else of
    right tracks."""
    if task == "multilabel":
        return metrics.labelwise_accuracy(y, scores)
    return metrics.top1_accuracy(y, scores)


class Watch:
    """One fit's history.

    Attributes:
        history: what `Progress.epoch` is called with, by epoch.
        best_epoch: the one whose state is kept, from 1; 0 before there is any.

    Args:
        keeps_last: the model keeps its last state, as it only grows; else that of the epoch with
            the least `val_loss`.
        needs_all: the model is nothing before its last epoch, so it can't have enough earlier.
        validated: whether there is a validation; without one its figures are None and the last
            state is kept.
    """

    def __init__(
        self,
        progress: Progress,
        *,
        task: str,
        epochs: int,
        patience: int | None = None,
        keeps_last: bool = False,
        needs_all: bool = False,
        validated: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.history: list[dict[str, Any]] = []
        self.best_epoch = 0
        self.epochs = epochs
        self.progress = progress
        self._task = task
        self._patience = patience
        self._keeps_last = keeps_last or not validated
        self._validated = validated
        self._needs_all = needs_all
        self._enough = False
        self._clock = clock
        self._started = self._told = clock()

    @property
    def epoch(self) -> int:
        """The epoch that is to be learnt next, or is being learnt, from 1."""
        return len(self.history) + 1

    @property
    def over(self) -> bool:
        """Whether all epochs are done, patience has run out, or there was enough."""
        done = len(self.history)
        waited = done - self.best_epoch
        if self._enough or done >= self.epochs:
            return True
        return self._patience is not None and waited >= self._patience

    def batch(self, batch: int, batches: int, loss: float | None = None) -> None:
        """Report batches, if it is time to."""
        now = self._clock()
        if now - self._told >= _SECONDS_BETWEEN_BATCHES:
            self._told = now
            self.progress.batch(
                epoch=self.epoch, epochs=self.epochs, batch=batch, batches=batches, loss=loss
            )

    def add(self, y: Labels, scores: Floats, val_y: Labels, val_scores: Floats) -> bool:
        """Take an epoch's predictions of train and validation in; returns whether it is the best
        so far."""
        now = self._clock()
        val_loss = cross_entropy(val_y, val_scores, self._task) if self._validated else None
        best = self._keeps_last or not self.history
        best = best or val_loss < self.history[self.best_epoch - 1]["val_loss"]
        values = {
            "epoch": self.epoch,
            "epochs": self.epochs,
            "loss": cross_entropy(y, scores, self._task),
            "val_loss": val_loss,
            "accuracy": accuracy(y, scores, self._task),
            "val_accuracy": (accuracy(val_y, val_scores, self._task) if self._validated else None),
            "auc": metrics.auc_macro(y, scores),
            "val_auc": metrics.auc_macro(val_y, val_scores) if self._validated else None,
            "best": best,
            "seconds": round(now - self._started, 3),
        }
        self.history.append(values)
        if best:
            self.best_epoch = len(self.history)
        self._started = self._clock()
        return best

    def report(self) -> None:
        """Report the last epoch, once its checkpoint is written."""
        self._told = self._clock()
        try:
            self.progress.epoch(dict(self.history[-1]))
        except Enough:
            self._enough = not self._needs_all

    def restore(self, history: list[dict[str, Any]]) -> None:
        """Go on from an earlier history."""
        self.history = history
        self.best_epoch = max((e["epoch"] for e in history if e["best"]), default=0)
