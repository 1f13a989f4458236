"""Writing a feature store so that nothing can be lost, doubled or mixed.

One process at a time writes to a store; a lock that dies with its holder sees to that. Results wait
in memory until a part is written whole and moved to its place, so a kill loses at most the tracks
since the last part, and these are simply done again.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from genre_engine.errors import ExtractionRunning
from genre_engine.features.base import Kind
from genre_engine.features.store import FAILURE_COLUMNS, FORMAT, FeatureStore, index_of, parts
from genre_engine.storage import workspace

# Small parts are put together until they hold about so many tracks: 16 MB of the 498.
ROWS_A_PART = 8192


@dataclass(frozen=True)
class Failure:
    """One row of failures.parquet.

    Attributes:
        state: of the file when it failed; a file in another state is worth another try.
    """

    track_id: str
    path: str
    error: str
    message: str
    state: str


class Writer:
    """Adds to the store of one kind; a context manager that holds the store's lock."""

    def __init__(self, features_folder: Path, kind: Kind) -> None:
        """Names the store; nothing is touched before the block is entered."""
        self.kind = kind
        self.folder = features_folder / f"{kind.name}-{kind.fingerprint}"
        self._lock = FileLock(self.folder / ".lock")
        self._waiting: list[tuple[str, NDArray[Any]]] = []
        self._failures: dict[str, Failure] = {}
        self._failures_changed = False
        self._n_bytes = 0

    def __enter__(self) -> "Writer":
        """Lock the store, and clear away what killed writers left.

        Raises:
            ExtractionRunning: another process writes to it.
            StorageError: it can't be written.
            FeaturesError: what is there is damaged.
        """
        workspace.make_folder(self.folder)
        with workspace.storage_errors(self.folder / ".lock"):
            try:
                self._lock.acquire(timeout=0)
            except Timeout as error:
                raise ExtractionRunning(
                    f"Another extraction of {self.kind.name} features for "
                    f"{self.folder.parent.parent.name!r} is running at this moment. Wait for it, "
                    "or stop it: what it has done is kept."
                ) from error
        try:
            self._clear()
            self._describe()
            store = FeatureStore(self.folder)
            self.done = set(store.track_ids)
            rows = store.failures.astype(str).to_dict("records")
            self._failures = {
                row["track_id"]: Failure(**{str(name): row[name] for name in FAILURE_COLUMNS})
                for row in rows
            }
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lock.release()

    @property
    def failures(self) -> dict[str, Failure]:
        """By track, those of earlier extractions included."""
        return dict(self._failures)

    @property
    def n_bytes(self) -> int:
        """What has been added, in memory; on disk vectors take about as much."""
        return self._n_bytes

    @property
    def waiting(self) -> int:
        """Tracks that a kill at this moment would lose."""
        return len(self._waiting)

    def add(self, track_id: str, values: NDArray[Any]) -> None:
        """Take a track's features; a track that is there already stays as it is."""
        if track_id in self.done:
            return
        self.done.add(track_id)
        self._waiting.append((track_id, values))
        self._n_bytes += values.nbytes
        if self._failures.pop(track_id, None) is not None:
            self._failures_changed = True

    def fail(self, failure: Failure) -> None:
        """Take down that a track can't be done."""
        self._failures[failure.track_id] = failure
        self._failures_changed = True

    def keep_failures(self, track_ids: Iterable[str]) -> None:
        """Forget the failures of all other tracks, which are no longer asked for."""
        kept = {track: self._failures[track] for track in track_ids if track in self._failures}
        self._failures_changed |= len(kept) < len(self._failures)
        self._failures = kept

    def flush(self) -> None:
        """Write what waits.

        Raises:
            StorageError: it can't be written; the store is as it was.
        """
        if self._waiting:
            self._write_part(self._next_number(), self._waiting)
            self._waiting = []
        if self._failures_changed:
            rows = [vars(failure) for failure in self._failures.values()]
            frame = pd.DataFrame(rows, columns=list(FAILURE_COLUMNS), dtype=str)
            _write_table(
                pa.Table.from_pandas(frame, preserve_index=False), self.folder / "failures.parquet"
            )
            self._failures_changed = False

    def compact(self) -> None:
        """Put small parts of vectors together, so that reading needn't open hundreds of files.

        Raises:
            StorageError: it can't be written; the store holds what it held.
        """
        if not self.kind.is_vector:
            return
        group: list[Path] = []
        rows = 0
        for part in parts(self.folder):
            n = pq.read_metadata(part).num_rows
            if group and rows + n > ROWS_A_PART:
                self._merge(group)
                group, rows = [], 0
            group.append(part)
            rows += n
        self._merge(group)

    def _merge(self, group: list[Path]) -> None:
        if len(group) < 2:
            return
        numbers = [int(text) for part in group for text in part.stem.split("-")[1:]]
        table = pa.concat_tables([pq.read_table(part) for part in group])
        whole = self.folder / f"part-{min(numbers):06d}-{max(numbers):06d}.parquet"
        _write_table(table, whole)
        for part in group:
            part.unlink()

    def _write_part(self, number: int, rows: list[tuple[str, NDArray[Any]]]) -> None:
        track_ids = [track for track, _ in rows]
        if self.kind.is_vector:
            values = np.stack([values for _, values in rows]).astype(np.float32, copy=False)
            columns = {"track_id": pa.array(track_ids, pa.string())} | {
                name: pa.array(np.ascontiguousarray(values[:, column]))
                for column, name in enumerate(self.kind.columns)
            }
            _write_table(pa.table(columns), self.folder / f"part-{number:06d}.parquet")
            return
        counts = np.array([len(values) for _, values in rows])
        part = self.folder / f"part-{number:06d}.npy"
        _write_array(np.concatenate([values for _, values in rows]).astype(np.float16), part)
        index = {
            "track_id": pa.array(track_ids, pa.string()),
            "first": pa.array(np.cumsum(counts) - counts),
            "count": pa.array(counts),
        }
        # With its index the part begins to count.
        _write_table(pa.table(index), index_of(part))

    def _next_number(self) -> int:
        numbers = [
            int(text) for part in parts(self.folder)[-1:] for text in part.stem.split("-")[1:]
        ]
        return max(numbers, default=-1) + 1

    def _clear(self) -> None:
        """Remove parts that another one stands for, and what killed writers left half done."""
        kept = set(parts(self.folder))
        for path in list(self.folder.iterdir()):
            if path.name.startswith("part-") and path not in kept:
                path.unlink()
                index_of(path).unlink(missing_ok=True)
        workspace.clear_leftovers_in(self.folder)

    def _describe(self) -> None:
        place = self.folder / "kind.json"
        if place.exists():
            return
        info = {
            "format": FORMAT,
            "kind": self.kind.name,
            "fingerprint": self.kind.fingerprint,
            "parameters": self.kind.parameters,
            "columns": list(self.kind.columns),
        }
        with workspace.replacing(place) as path:
            path.write_text(json.dumps(info, indent=1) + "\n", encoding="utf-8")


def _write_table(table: pa.Table, place: Path) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    with workspace.replacing(place) as path, path.open("wb") as file:
        file.write(memoryview(sink.getvalue()))


def _write_array(array: NDArray[Any], place: Path) -> None:
    with workspace.replacing(place) as path, path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
        # Not ndarray.tofile, whose error is the same for a full disk and other faults.
        file.write(np.ascontiguousarray(array).data.cast("B"))
