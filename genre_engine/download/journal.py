"""The record of a download: what is done, one JSON object a line, only ever added to.

    {"track": ID, "bytes": N}                       the file is whole and in its place;
                                                    -1: it was taken away again
    {"tar": NN, "next": OFFSET, "total": N, "validator": TEXT}
                                                    all before this offset of the archive is done
    {"tar": NN, "missing": [ID…]}                   it was read to its end; these weren't in it

A later line replaces an earlier one. A line that a kill has torn is passed over: what it said is
found out again from the file itself.
"""

import json
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

from genre_engine.storage import workspace


class Journal:
    """Reads what is there, then adds; for any number of threads.

    Attributes:
        tracks: length in bytes of each track's file.
        tars: the last line of each archive.
    """

    def __init__(self, path: Path) -> None:
        """Raises StorageError where it can't be written."""
        self.tracks: dict[str, int] = {}
        self.tars: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()
        self._path = path
        workspace.make_folder(path.parent)
        with workspace.storage_errors(path):
            data = path.read_bytes() if path.exists() else b""
            self._file = path.open("ab", buffering=0)
            if data and not data.endswith(b"\n"):
                self._file.write(b"\n")
        for line in data.split(b"\n"):
            self._take(line)

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def _take(self, line: bytes) -> None:
        try:
            entry = json.loads(line)
        except ValueError:
            return
        if not isinstance(entry, dict):
            return
        if isinstance(entry.get("track"), str) and isinstance(entry.get("bytes"), int):
            self.tracks[entry["track"]] = entry["bytes"]
        elif isinstance(entry.get("tar"), str):
            self.tars[entry["tar"]] = entry

    def track(self, track_id: str, n_bytes: int) -> None:
        """A track's file is in its place."""
        self._add({"track": track_id, "bytes": n_bytes})
        self.tracks[track_id] = n_bytes

    def tar(self, number: str, **facts: Any) -> None:
        """How far an archive has been read."""
        entry = {"tar": number, **facts}
        self._add(entry)
        self.tars[number] = entry

    def _add(self, entry: dict[str, Any]) -> None:
        line = json.dumps(entry, ensure_ascii=False).encode() + b"\n"
        with self._lock, workspace.storage_errors(self._path):
            self._file.write(line)
