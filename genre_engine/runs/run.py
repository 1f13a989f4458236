"""Runs on disk, one folder each: enough to look at, compare, continue or use a training anywhere.

    config.json         what is trained (`config.Config`)
    events.jsonl        what happened (`journal`)
    lock                locked by the process that trains; the system frees it when that one dies
    control             `pause` or `cancel`, asked of the process that trains
    log.txt             what it logs
    checkpoint/         the model's, after its latest epoch
    model/              the finished model
    parts.parquet       track_id, part, half, artist, group
    predictions/        validation.npz, test.npz (`predictions`), and train.npz with the truth alone
    report.json         how it did on validation, thresholds, calibration
    looks.json          how often its figures on test were looked at
    learning_curve.json how it grows with its tracks, where that was measured; learning-curve/ has
                        what each of its trainings predicted
    notes.json          what people say of it (`notes`)

A status is never stored but in events: the newest status event says it, and a run that says
`running` while its lock is free was killed.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genre_engine.errors import RunError
from genre_engine.runs import config as run_config
from genre_engine.runs import journal, notes
from genre_engine.runs.config import Config
from genre_engine.runs.journal import Event, Journal
from genre_engine.runs.notes import Notes
from genre_engine.runs.predictions import Predictions
from genre_engine.storage import lock, workspace

if TYPE_CHECKING:
    import pandas as pd

    from genre_engine.models.base import Model

STATUSES = ("queued", "running", "paused", "cancelled", "failed", "finished")
REQUESTS = ("pause", "cancel")
PREDICTED = ("validation", "test")


@dataclass(frozen=True)
class State:
    """A status and what was said with it."""

    status: str
    message: str = ""


class Run:
    """A stored run. Everything but its config is read when asked for, for it changes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.error: str | None = None
        self._config: Config | None = None
        self._journal: Journal | None = None  # while it is this object that trains it
        try:
            self._config = replace(run_config.read(folder), id=folder.name)
        except RunError as error:
            self.error = str(error)

    def __repr__(self) -> str:
        return f"Run({self.id!r}, {self.name!r})"

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def name(self) -> str:
        """Its name, or its id where the config is damaged."""
        return self._config.name or self.id if self._config else self.id

    @property
    def config(self) -> Config:
        """Raises RunError if it is damaged."""
        if self._config is None:
            raise RunError(self.error or "This run is damaged.")
        return self._config

    @property
    def status(self) -> str:
        return self.state().status

    @property
    def message(self) -> str:
        return self.state().message

    def state(self) -> State:
        """Status and message of one moment."""
        if self.error:
            return State("failed", self.error)
        said = self.recorded()
        if said.status == "running" and not self.alive:
            # It may have ended since that was read; a lock is freed after the last word.
            said = self.recorded()
            if said.status == "running" and not self.alive:
                return self._killed()
        return said

    def recorded(self) -> State:
        """What its events say, whether or not their writer still lives."""
        event = journal.last(self.events_path, ("status",))
        if event is None or event.get("status") not in STATUSES:
            return State("failed", "Its events can't be read. Resume it, or remove it.")
        return State(event["status"], str(event.get("message") or ""))

    def _killed(self) -> State:
        epochs = self.epochs()
        where = f"after epoch {epochs[-1]['epoch']}" if epochs else "before its first epoch ended"
        return State(
            "failed",
            f"It ended without saying why {where}: the process was killed, or the machine stopped. "
            "Resume it to go on from there.",
        )

    @property
    def alive(self) -> bool:
        """Whether a process is training it now."""
        return lock.is_held(self.folder)

    @property
    def resumable(self) -> bool:
        """Whether training can go on, or begin again where no epoch was kept."""
        return self.error is None and self.status in ("paused", "cancelled", "failed")

    @property
    def events_path(self) -> Path:
        return self.folder / "events.jsonl"

    @property
    def checkpoint_folder(self) -> Path:
        return self.folder / "checkpoint"

    @property
    def model_folder(self) -> Path:
        return self.folder / "model"

    def events(self, offset: int = 0) -> tuple[list[Event], int]:
        """Events from a place in the file on, and the place to go on from; see `journal.read`."""
        return journal.read(self.events_path, offset)

    def epochs(self) -> list[Event]:
        """The epochs in their order; after a resume the last event of an epoch counts."""
        return journal.by_epoch(self.events()[0])

    def progress(self) -> dict[str, Any]:
        """How far training is: `epoch`, `epochs`, `batch`, `batches`, `loss`, `seconds_left`, each
        None where not known; `seconds_left` counts all epochs, though it may stop early."""
        event = journal.last(self.events_path, ("batch", "epoch")) or {}
        names = ("epoch", "epochs", "batch", "batches", "loss", "seconds_left")
        return {name: event.get(name) for name in names}

    def log(self, n_lines: int = 40) -> str:
        """The last lines of its log."""
        try:
            text = (self.folder / "log.txt").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-n_lines:])

    def report(self) -> dict[str, Any] | None:
        """What `training` found on validation; None before the run has finished.

        Raises:
            RunError: it is damaged.
        """
        found = self._json("report.json")
        if found is not None and "thresholds" not in found:
            raise RunError(
                f"report.json of the run {self.name!r} isn't a run's. Remove the run and train "
                "again."
            )
        validation = (found or {}).get("validation")
        baselines = validation.get("baselines") if isinstance(validation, dict) else None
        if isinstance(baselines, dict) and "deaf" in baselines:  # what earlier versions called it
            baselines["artist_prior"] = baselines.pop("deaf")
        return found

    def looks(self) -> list[str]:
        """When its figures on test were looked at."""
        found = self._json("looks.json")
        times = found.get("test") if found else None
        return [str(time) for time in times] if isinstance(times, list) else []

    def notes(self) -> Notes:
        """Its note and tags."""
        return notes.read(self.folder)

    def add_look(self) -> int:
        """Count a look at test; how many there have been.

        Raises:
            StorageError: it can't be counted, so there must be no look.
        """
        times = [*self.looks(), now()]
        self.write_json("looks.json", {"test": times})
        return len(times)

    def predictions(self, part: str) -> Predictions:
        """What it predicted for `validation` or `test`.

        Raises:
            RunError: it hasn't, or the file is damaged.
        """
        path = self.folder / "predictions" / f"{part}.npz"
        if part not in PREDICTED or not path.is_file():
            there = [name for name in PREDICTED if path.with_name(f"{name}.npz").is_file()]
            # A split may leave test empty, but never validation.
            whole = "validation" in there
            if whole and "folds" in self.config.split:
                raise RunError(
                    f"The run {self.name!r} is cross-validated and has no test part: each of its "
                    "tracks is judged once, out of its fold. Look at validation."
                )
            raise RunError(
                f"The run {self.name!r} has no predictions for {part}. "
                + (f"It has them for: {', '.join(there)}." if whole else self._unfinished())
            )
        return Predictions.load(path, len(self.config.genres))

    def parts(self) -> "pd.DataFrame":
        """Part, half and artist by track.

        Raises:
            RunError: there is no such table yet, or it is damaged.
        """
        import pandas as pd
        import pyarrow as pa

        path = self.folder / "parts.parquet"
        if not path.is_file():
            raise RunError(f"The run {self.name!r} has no parts yet. {self._unfinished()}")
        try:
            return pd.read_parquet(path)
        except (OSError, ValueError, pa.ArrowException) as error:
            raise RunError(
                f"parts.parquet of the run {self.name!r} is damaged. Remove it and train again."
            ) from error

    def model(self) -> "Model":
        """The finished model.

        Raises:
            RunError: there is none yet.
            ModelError: it can't be read.
        """
        from genre_engine import models

        if not self.model_folder.is_dir():
            raise RunError(f"The run {self.name!r} has no model yet. {self._unfinished()}")
        return models.load(self.model_folder)

    def request(self, what: str) -> None:
        """Ask the process that trains it to `pause` at the epoch's end or to `cancel` at once.

        Raises:
            RunError: nobody trains it, nor will without being asked to.
        """
        if what not in REQUESTS:
            raise ValueError(f"no such request: {what!r}")
        status = self.status
        if status not in ("running", "queued"):
            raise RunError(f"The run {self.name!r} isn't running, it is {status}.")
        with workspace.replacing(self.folder / "control") as temporary:
            temporary.write_text(what, encoding="utf-8")

    def requested(self) -> str | None:
        """`pause` or `cancel`, where that was asked for and isn't done yet."""
        try:
            what = (self.folder / "control").read_text(encoding="utf-8").strip()
        except OSError:
            return None
        return what if what in REQUESTS else None

    def clear_request(self) -> None:
        with suppress(OSError):
            (self.folder / "control").unlink(missing_ok=True)

    def set_status(self, status: str, message: str = "") -> None:
        """Say what becomes of a run that nobody trains: put in the queue, taken out of it.

        Raises:
            RunError: it is being trained.
        """
        with self.writing() as events:
            if status == "queued":
                self.clear_request()
            events.write("status", status=status, message=message)

    def conclude(self, status: str, message: str = "") -> None:
        """Say how it ended where who trained it couldn't, or that it left the queue.

        A run whose end is said already stays as it is. A process that trains the run with this
        object may call this from another thread, just before it ends itself.

        Raises:
            RunError: another process trains it.
        """
        if (journal := self._journal) is not None:
            journal.conclude(status, message)
            return
        with self.writing() as events:
            events.conclude(status, message)

    @contextmanager
    def writing(self) -> Iterator[Journal]:
        """Lock the run: nobody else trains it or adds events meanwhile.

        Raises:
            RunError: another process has locked it.
            StorageError: its folder can't be written.
        """
        refusal = (
            f"The run {self.name!r} is being trained by another process. Wait for it, or pause it "
            "first."
        )
        with lock.hold(self.folder, refusal):
            events = self._journal = Journal(self.folder)
            try:
                yield events
            finally:
                self._journal = None
                events.close()

    def write_json(self, name: str, values: dict[str, Any]) -> None:
        """Raises StorageError if it can't be written."""
        text = json.dumps(values, ensure_ascii=False, indent=1, allow_nan=False)
        with workspace.replacing(self.folder / name) as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")

    def _json(self, name: str) -> dict[str, Any] | None:
        try:
            values = json.loads((self.folder / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise RunError(
                f"{name} of the run {self.name!r} can't be read ({error}). Remove the run and "
                "train again."
            ) from error
        if not isinstance(values, dict):
            raise RunError(f"{name} of the run {self.name!r} isn't a run's. Train again.")
        return values

    def _unfinished(self) -> str:
        status = self.status
        if status == "finished":
            return "It is damaged: remove it and train again."
        return f"It is {status}; they come when it has finished."


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
