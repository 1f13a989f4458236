"""Many songs at once: a process a core, each with one thread, results in the order of the songs.

For many songs one process a core beats threads: a network of this size doesn't keep two cores busy.
"""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from genre_engine.errors import AudioError, GenreEngineError
from genre_engine.prediction.analysis import Analysis

# Songs that are handed out ahead of the one whose result is next, for each process.
_AHEAD = 2

Result = Analysis | GenreEngineError


class ProcessDied(AudioError):
    """The process that analysed a song died, most likely for want of memory."""


def cores() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def analyse_many(paths: Sequence[str], model: str, jobs: int) -> Iterator[Result]:
    """The analysis of each song, or why there is none, in the order of `paths`.

    A song whose process dies gets a second try by itself; the others go on.

    Args:
        model: a model's id.
        jobs: processes, at least 1.
    """
    try:
        pool = _pool(jobs)
    except (ImportError, NotImplementedError, OSError):
        # A system without semaphores: one after the other.
        yield from (_analyse(path, model) for path in paths)
        return
    waiting = deque(paths)
    given: deque[tuple[str, Future[Result]]] = deque()
    try:
        while waiting or given:
            while waiting and len(given) < jobs * _AHEAD:
                path = waiting.popleft()
                given.append((path, pool.submit(_analyse, path, model)))
            path, future = given.popleft()
            try:
                yield future.result()
            except BrokenProcessPool:
                # Whose fault it was isn't known: this one by itself, then the others again.
                waiting.extendleft(other for other, _ in reversed(given))
                given.clear()
                _end(pool)
                yield _alone(path, model)
                pool = _pool(jobs)
    finally:
        _end(pool)


def _alone(path: str, model: str) -> Result:
    pool = _pool(1)
    try:
        return pool.submit(_analyse, path, model).result()
    except BrokenProcessPool:
        return ProcessDied(
            "The process that analysed it died, most likely because memory is short. Close other "
            "programs, or have fewer songs analysed at a time with --jobs."
        )
    finally:
        _end(pool)


def _pool(jobs: int) -> ProcessPoolExecutor:
    # Spawned: a forked copy of a process with threads can lock up.
    return ProcessPoolExecutor(
        jobs, mp_context=multiprocessing.get_context("spawn"), initializer=_begin
    )


def _end(pool: ProcessPoolExecutor) -> None:
    """End the pool's processes at once, whatever they are doing."""
    for process in list((pool._processes or {}).values()):
        process.kill()
    pool.shutdown(wait=True, cancel_futures=True)


def _begin() -> None:
    """In a process of the pool, before its first song."""
    # Control-C in a terminal reaches all of its processes; these end with the one that asks.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from genre_engine import pretrained

    pretrained.use_threads(1)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _analyse(path: str, model: str) -> Result:
    from genre_engine import prediction

    try:
        return prediction.analyse(path, model)
    except GenreEngineError as error:
        return error
