"""A data set's tracks → a feature store: on all cores, resumable, one track's failure is one row.

Tracks are done in processes of their own or on a Dask cluster (`parallel.py`). Results come back to
the one process that writes the store (`features/writer.py`).

A track that failed is tried again when its file has changed, when its failure may have passed (no
such file, no permission, no ffmpeg, an unforeseen error), or when it is asked for.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from genre_engine.audio import Signal
from genre_engine.datasets import Dataset, feature_table
from genre_engine.errors import AudioError, DatasetError, GenreEngineError, WrongUsage
from genre_engine.features import Kind, throughput
from genre_engine.features.store import FeatureStore, find
from genre_engine.features.writer import Failure, Writer
from genre_engine.storage import parallel

Progress = Callable[[int, int, int], None]  # tracks done (failed ones included), in all, failed

# A part is written after so many seconds or tracks, whichever comes first.
PART_S = 20.0
PART_TRACKS = 512

# Tracks that a process is given at a time: enough that handing over doesn't count.
_CHUNK = 8
# Tracks that are tried for an estimate.
_TRIED = 4
# Fewer tracks say little of the rate, for starting counts for too much of their time.
_LEAST_FOR_RATE = 20

# Failures that say something of the file itself, which won't change while the file doesn't.
_LASTING = frozenset(("NotAudio", "BadSamples", "TooShort", "TooLong"))

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """One track: who it is, its path in the track table, and the file on disk (or None)."""

    track_id: str
    path: str
    file: Path | None


@dataclass(frozen=True)
class Outcome:
    """What became of a task: values (or what they are made from), or an error and a message."""

    task: Task
    values: Any = None
    error: str = ""
    message: str = ""


def extract(
    dataset: Dataset,
    kind: Kind,
    *,
    jobs: int | None = None,
    dask: str | None = None,
    track_ids: Sequence[str] | None = None,
    retry: bool = False,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> FeatureStore:
    """Compute the features of a data set's tracks that aren't in its store yet.

    Args:
        jobs: processes; as many as cores by default.
        dask: the address of a Dask scheduler, to compute on its workers instead.
        track_ids: only these tracks.
        retry: try all again that failed before.
        progress: called with (done, in all, failed) as tracks are done.
        should_stop: asked between tracks; what is done by then is kept.

    Raises:
        ExtractionRunning: another process is extracting into this store.
        DatasetError: there is no audio.
        StorageError: the disk is full; the store is intact.
        WeightsError: the kind needs weights that can't be fetched.
    """
    tasks = _tasks(dataset, track_ids)
    report = progress or (lambda done, total, failed: None)
    with Writer(dataset.features_folder, kind) as writer:
        known = {task.track_id for task in tasks}
        open_tasks = [task for task in tasks if _is_open(task, writer, retry)]
        failed = len((known & set(writer.failures)) - {task.track_id for task in open_tasks})
        done = len(tasks) - len(open_tasks)
        report(done, len(tasks), failed)
        if open_tasks:
            kind.prepare()
            before = len(writer.done)
            started = written = time.monotonic()
            for outcome in _outcomes(kind, open_tasks, jobs, dask, should_stop):
                _take(outcome, writer)
                done += 1
                failed += outcome.values is None
                report(done, len(tasks), failed)
                late = time.monotonic() - written > PART_S
                if late or writer.waiting >= PART_TRACKS:
                    writer.flush()
                    written = time.monotonic()
            writer.flush()
            writer.compact()
            n = len(writer.done) - before
            if dask is None and n >= _LEAST_FOR_RATE:
                _remember_rate(kind, n, time.monotonic() - started, jobs, writer.n_bytes)
    return FeatureStore(writer.folder)


def estimate(dataset: Dataset, kind: Kind, *, jobs: int | None = None) -> dict[str, float]:
    """What extracting the tracks that have no features yet will take.

    The rate is that of the last extraction of this kind here; where there was none, a few of the
    tracks are tried.

    Returns:
        tracks: how many there are to do; seconds; bytes on disk.

    Raises:
        DatasetError: there is no audio.
    """
    import joblib

    tasks = [task for task in _tasks(dataset, None) if task.file]
    store = find(dataset.features_folder, kind.name, kind.fingerprint)
    if store:
        tasks = [
            task
            for task, done in zip(tasks, store.has([t.track_id for t in tasks]), strict=True)
            if not done
        ]
    if not tasks:
        return {"tracks": 0, "seconds": 0.0, "bytes": 0}
    rate = throughput.read().get(kind.fingerprint)
    if rate is None:
        rate = _try_out(kind, tasks)
    seconds = len(tasks) * rate["core_seconds"] / (jobs or joblib.cpu_count())
    n_bytes = round(len(tasks) * rate["bytes"])
    return {"tracks": len(tasks), "seconds": seconds, "bytes": n_bytes}


def _remember_rate(kind: Kind, n: int, seconds: float, jobs: int | None, n_bytes: int) -> None:
    import joblib

    cores = jobs or joblib.cpu_count()
    throughput.remember(kind.fingerprint, core_seconds=seconds * cores / n, bytes=n_bytes / n)


def _try_out(kind: Kind, tasks: Sequence[Task]) -> dict[str, float]:
    """Core seconds and bytes of a track, from some that are spread over the tasks."""
    chosen = tasks[:: max(1, len(tasks) // _TRIED)][:_TRIED]
    compute(kind, chosen[:1])  # loads what only the first track has to wait for
    started = time.perf_counter()
    outcomes = compute(kind, chosen)
    seconds = (time.perf_counter() - started) / len(chosen)
    sizes = [outcome.values.nbytes for outcome in outcomes if outcome.values is not None]
    return {"core_seconds": seconds, "bytes": sum(sizes) / max(1, len(sizes))}


def _tasks(dataset: Dataset, track_ids: Sequence[str] | None) -> list[Task]:
    table = dataset.tracks
    if track_ids is not None:
        unknown = sorted(set(track_ids) - set(table["track_id"]))
        if unknown:
            raise WrongUsage(f"{dataset.name!r} has no track {unknown[0]!r}. Check its name.")
        table = table[table["track_id"].isin(set(track_ids))]
    tasks = [
        Task(str(track), path if isinstance(path, str) else "", dataset.audio_path(path))
        for track, path in zip(table["track_id"], table["path"], strict=True)
    ]
    if not any(task.file for task in tasks):
        if dataset.kind == feature_table.KIND:
            raise WrongUsage(
                f"{dataset.name!r} is a table of ready features without audio: there is nothing to "
                "extract. Train on them as they are."
            )
        raise DatasetError(
            f"None of the {len(tasks)} tracks of {dataset.name!r} has audio in "
            f"{dataset.audio_folder}. Put it there, or download it, and try again."
        )
    if dataset.kind in ("jamendo", "fma"):
        # Their tables name tracks whose audio hasn't been fetched, which is no failure.
        tasks = [task for task in tasks if task.file]
    return tasks


def _is_open(task: Task, writer: Writer, retry: bool) -> bool:
    if task.track_id in writer.done:
        return False
    failure = writer.failures.get(task.track_id)
    if failure is None or retry or failure.error not in _LASTING:
        return True
    return failure.state != _state(task.file)


def _state(file: Path | None) -> str:
    """What differs between a file and an earlier one of the same name."""
    try:
        found = file.stat() if file else None
    except OSError:
        found = None
    return f"{found.st_size} {found.st_mtime_ns}" if found else ""


def _take(outcome: Outcome, writer: Writer) -> None:
    if outcome.values is not None:
        writer.add(outcome.task.track_id, outcome.values)
        return
    task = outcome.task
    state = _state(task.file)
    writer.fail(Failure(task.track_id, task.path, outcome.error, outcome.message, state))
    _log.info("%s: %s: %s", task.track_id, outcome.error, outcome.message)


def _outcomes(
    kind: Kind,
    tasks: Sequence[Task],
    jobs: int | None,
    dask: str | None,
    should_stop: Callable[[], bool] | None,
) -> Iterator[Outcome]:
    """Outcomes as they come, in any order, until all are there or a stop is asked for."""
    return parallel.each(
        partial(_worker, kind),
        tasks,
        item_of=lambda outcome: outcome.task,
        died=_died,
        chunk=1 if kind.excerpt_s is None else _CHUNK,
        jobs=jobs,
        dask=dask,
        should_stop=should_stop,
    )


def _died(task: Task) -> Outcome:
    message = "The process that read it died, twice. Convert the file to WAV or FLAC."
    return Outcome(task, error="ProcessDied", message=message)


def compute(kind: Kind, tasks: Sequence[Task]) -> list[Outcome]:
    """Do some tasks, in whatever process this is."""
    if not kind.batched:
        return [_attempt(task, kind.compute_source) for task in tasks]
    loaded = [_attempt(task, kind.load) for task in tasks]
    heard = [outcome for outcome in loaded if outcome.values is not None]
    failed = [outcome for outcome in loaded if outcome.values is None]
    try:
        vectors = kind.compute_many([outcome.values for outcome in heard])
    except AudioError:  # of one of them; which, shows when they go one by one
        signals = {outcome.task: outcome.values for outcome in heard}
        return failed + [
            _attempt(task, partial(_compute_signal, kind, signal))
            for task, signal in signals.items()
        ]
    return failed + [
        Outcome(outcome.task, vector) for outcome, vector in zip(heard, vectors, strict=True)
    ]


def _compute_signal(kind: Kind, signal: Signal, _file: Path) -> Any:
    return kind.compute(signal)


# What processes run; tests put in what kills its process.
_worker = compute


def _attempt(task: Task, work: Callable[[Path], Any]) -> Outcome:
    """The outcome of working on a task's file, or of failing at it."""
    if task.file is None:
        message = f"There is no file {task.path!r} in the audio folder. Put it there again."
        return Outcome(task, error="FileMissing", message=message)
    try:
        return Outcome(task, work(task.file))
    except AudioError as error:
        return Outcome(task, error=type(error).__name__, message=str(error))
    except GenreEngineError:
        raise  # says something of the machine, and so of every track
    except Exception as error:  # noqa: BLE001 - a fault that one track shows mustn't end the rest
        _log.exception("%s", task.track_id)
        return Outcome(task, error=type(error).__name__, message=str(error) or repr(error))
