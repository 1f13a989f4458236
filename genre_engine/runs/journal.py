"""A run's events on disk: `events.jsonl`, one JSON object a line, only ever appended to.

    {"seq": 7, "time": 1769000000.123, "type": "status|batch|epoch|log", …}

`seq` counts from 1 and goes on after a resume. `time` is in seconds since 1970. A number that isn't
finite is written as null, for JSON has none such. A writer that was killed leaves a line without an
end: readers pass over it, and the next writer ends it before adding its own.
"""

import errno
import json
import math
import os
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from genre_engine.errors import StorageError
from genre_engine.storage import workspace

Event = dict[str, Any]

# What is kept free so that a full disk can still be reported: a few status lines and a traceback.
_SPARE_BYTES = 16 * 1024
_BLOCK = 64 * 1024


class Journal:
    """The one writer of a run's events; whoever opens it has locked the run."""

    def __init__(self, folder: Path) -> None:
        """Raises StorageError if the folder can't be written."""
        self._path = folder / "events.jsonl"
        self._log_path = folder / "log.txt"
        self._spare = folder / ".spare"
        newest = last(self._path)
        self._seq = int(newest["seq"]) if newest else 0
        with workspace.storage_errors(self._path):
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            self._spare.write_bytes(b"\0" * _SPARE_BYTES)
        self._torn = _is_torn(self._path)
        self._mutex = threading.RLock()
        self._concluded = False

    def write(self, kind: str, /, **values: Any) -> Event:
        """Add an event; it is on its way to the disk when this returns.

        After `conclude` nothing is added any more.

        Raises:
            StorageError: the disk is full, and so was what was kept free for a status.
        """
        with self._mutex:
            return self._write(kind, values)

    def conclude(self, status: str, message: str) -> None:
        """Write the last status, unless the newest one is an end already.

        Raises:
            StorageError: as `write`.
        """
        with self._mutex:
            newest = last(self._path, ("status",))
            if newest is None or newest.get("status") in ("queued", "running"):
                self._write("status", {"status": status, "message": message})
            self._concluded = True

    def _write(self, kind: str, values: dict[str, Any]) -> Event:
        event = {
            "seq": self._seq + 1,
            "time": round(time.time(), 3),
            "type": kind,
            **_finite(values),
        }
        if self._concluded:
            return event
        line = json.dumps(event, ensure_ascii=False, allow_nan=False).encode() + b"\n"
        try:
            self._append(line)
        except StorageError:
            if kind != "status":
                raise
            self._free_spare()
            self._append(line)
        self._seq += 1
        return event

    def log(self, text: str) -> None:
        """A line for `log.txt`; a full disk must not hide what is being reported."""
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
        line = f"{stamp} {text.rstrip()}\n"
        for last_try in (False, True):
            try:
                with self._log_path.open("a", encoding="utf-8", errors="backslashreplace") as file:
                    file.write(line)
                return
            except OSError:
                if last_try:
                    return
                self._free_spare()

    def close(self) -> None:
        os.close(self._file)
        self._free_spare()

    def _append(self, line: bytes) -> None:
        with workspace.storage_errors(self._path):
            if self._torn:
                line = b"\n" + line
            written = os.write(self._file, line)
            self._torn = written < len(line)
            if self._torn:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _free_spare(self) -> None:
        with suppress(OSError):
            self._spare.unlink(missing_ok=True)


def read(path: Path, offset: int = 0) -> tuple[list[Event], int]:
    """The events from a place in the file on, and the place from which to go on reading.

    The place is after the last whole line, so a line that is just being written comes with the next
    call. A file that has become shorter than the place is read from its start.
    """
    try:
        with path.open("rb") as file:
            if offset > file.seek(0, os.SEEK_END):
                offset = 0
            file.seek(offset)
            block = file.read()
    except OSError:  # not there, or nothing that can be read
        return [], 0
    whole = block[: block.rfind(b"\n") + 1]
    events = [event for line in whole.splitlines() if (event := _parse(line))]
    return events, offset + len(whole)


def last(path: Path, kinds: Collection[str] = ()) -> Event | None:
    """The newest event of some types (of any by default), found from the end of the file."""
    for line in _lines_backwards(path):
        event = _parse(line)
        if event and (not kinds or event["type"] in kinds):
            return event
    return None


def by_epoch(events: list[Event]) -> list[Event]:
    """The epochs in their order, of each the last that was written.

    A training that goes on from an earlier epoch than it had written replaces the later ones.
    """
    epochs: list[Event] = []
    for event in events:
        if event["type"] == "epoch" and isinstance(event.get("epoch"), int):
            while epochs and epochs[-1]["epoch"] >= event["epoch"]:
                epochs.pop()
            epochs.append(event)
    return epochs


def _parse(line: bytes) -> Event | None:
    """An event, or None for what was torn or damaged."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    sound = isinstance(event, dict) and isinstance(event.get("seq"), int) and "type" in event
    return event if sound else None


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    if hasattr(value, "item"):  # a NumPy scalar
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _is_torn(path: Path) -> bool:
    with path.open("rb") as file:
        if not file.seek(0, os.SEEK_END):
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


def _lines_backwards(path: Path) -> Iterator[bytes]:
    try:
        file = path.open("rb")
    except OSError:
        return
    with file:
        at = file.seek(0, os.SEEK_END)
        rest = b""
        while at > 0:
            size = min(_BLOCK, at)
            at -= size
            file.seek(at)
            lines = (file.read(size) + rest).split(b"\n")
            rest = lines[0]
            yield from reversed(lines[1:])
        yield rest
