"""A data set's tracks → a feature store: on all cores, resumable, one track's failure is one row.

joblib runs the tracks in processes of their own, each with its native threads pinned to one, or on
the workers of a Dask cluster, which must see the audio files under the same paths. Results come
back to the one process that writes the store (`features/writer.py`).

A track that failed is tried again when its file has changed, when its failure may have passed (no
such file, no permission, no ffmpeg, an unforeseen error), or when it is asked for.
"""

import logging
import os
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from genre_engine.audio import Signal
from genre_engine.datasets import Dataset, feature_table
from genre_engine.errors import AudioError, DatasetError, GenreEngineError, WrongUsage
from genre_engine.features import Kind, throughput
from genre_engine.features.store import FeatureStore, find
from genre_engine.features.writer import Failure, Writer

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
# How often a process looks whether the one that started it is still there.
_WATCH_S = 1.0
_DASK_TIMEOUT_S = 10.0

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
    """Outcomes as they come, in any order, until all are there or a stop is asked for.

    A process that dies (killed for its memory, or by a decoder) takes its pool with it. What
    was being done then is done again one by one, and a track that kills its process again fails.
    """
    left = {task.track_id: task for task in tasks}
    stop = should_stop or (lambda: False)
    while left:
        begun: dict[str, Task] = {}
        try:
            chunks = _chunks(kind, list(left.values()), begun)
            with closing(_run(kind, chunks, jobs, dask)) as results:
                for outcomes in results:
                    for outcome in outcomes:
                        del left[outcome.task.track_id]
                        yield outcome
                    if stop():
                        return
            return
        except _worker_deaths():
            suspects = [task for track, task in begun.items() if track in left]
            _log.warning("a process died; trying %d tracks one by one", len(suspects))
        for suspect in suspects:
            yield _alone(kind, suspect, jobs, dask)
            del left[suspect.track_id]
            if stop():
                return


def _alone(kind: Kind, task: Task, jobs: int | None, dask: str | None) -> Outcome:
    try:
        # Two processes where one was asked for: with one, joblib would work in this process.
        (outcomes,) = _run(kind, [[task]], max(2, jobs or 2), dask)
    except _worker_deaths():
        message = "The process that read it died, twice. Convert the file to WAV or FLAC."
        return Outcome(task, error="ProcessDied", message=message)
    return outcomes[0]


def _chunks(kind: Kind, tasks: Sequence[Task], begun: dict[str, Task]) -> Iterator[list[Task]]:
    """Tasks in handfuls; those that were handed out are put down in `begun`."""
    size = 1 if kind.excerpt_s is None else _CHUNK
    for start in range(0, len(tasks), size):
        chunk = list(tasks[start : start + size])
        begun.update({task.track_id: task for task in chunk})
        yield chunk


def _worker_deaths() -> tuple[type[BaseException], ...]:
    from joblib.externals.loky.process_executor import BrokenProcessPool

    deaths: list[type[BaseException]] = [BrokenProcessPool]
    try:
        from distributed import KilledWorker

        deaths.append(KilledWorker)
    except ImportError:  # Dask isn't needed on one machine
        pass
    return tuple(deaths)


def _run(
    kind: Kind, chunks: Iterable[list[Task]], jobs: int | None, dask: str | None
) -> Generator[list[Outcome], None, None]:
    import joblib

    if jobs is not None and jobs < 1:
        raise WrongUsage(f"{jobs} processes can't work. Name one or more.")
    n_jobs = jobs or joblib.cpu_count()
    if dask is None and n_jobs == 1:
        for chunk in chunks:
            yield compute(kind, chunk)
        return
    with ExitStack() as stack:
        if dask is None:
            config = {"backend": "loky", "n_jobs": n_jobs, "inner_max_num_threads": 1}
        else:
            config = {"backend": "dask", "client": stack.enter_context(_client(dask))}
        stack.enter_context(joblib.parallel_config(**config))
        # A few tasks ahead for each process; one result is taken from memory when it is written.
        parallel = joblib.Parallel(
            return_as="generator_unordered", batch_size=1, pre_dispatch="3*n_jobs"
        )
        owner = os.getpid() if dask is None else None
        results = parallel(joblib.delayed(_worker)(kind, chunk, owner) for chunk in chunks)
        # Who stops before the end means it; joblib would warn of tasks that are then given up.
        stack.enter_context(warnings.catch_warnings())
        warnings.filterwarnings("ignore", message=".*still being processed", category=UserWarning)
        stack.callback(results.close)
        yield from results


def _client(address: str) -> Any:
    """A connection to a Dask scheduler.

    Raises:
        WrongUsage: Dask isn't installed, or nobody answers there.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise WrongUsage(
            "--dask needs Dask. Install it with: python -m pip install dask distributed"
        ) from error
    try:
        return Client(address, timeout=_DASK_TIMEOUT_S, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:  # a timeout is an OSError
        raise WrongUsage(
            f"No Dask scheduler answers at {address!r}. Start one with `dask scheduler`, and give "
            "the address that it prints, such as tcp://127.0.0.1:8786."
        ) from error


def compute(kind: Kind, tasks: Sequence[Task], owner: int | None = None) -> list[Outcome]:
    """Do some tasks, in whatever process this is.

    Args:
        owner: the process without which there is nobody to do this for.
    """
    if owner is not None:
        # One core each. TensorFlow reads these when it is imported, which it isn't yet.
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
        os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
        _end_with(owner)
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


@cache
def _end_with(owner: int) -> None:
    """Have this process end soon after the one that started it, should that be killed."""
    if os.getppid() != owner:  # it works in the owner itself, or isn't its child
        return

    def watch() -> None:
        while os.getppid() == owner:
            time.sleep(_WATCH_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
