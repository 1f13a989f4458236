"""Work on many items: in processes of their own, each with its native threads pinned to one, or on
the workers of a Dask cluster, which must see the files under the same paths.

joblib runs both. Results come back, in any order, to the one process that asked.
"""

import logging
import os
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from functools import cache, partial
from typing import Any, TypeVar

from genre_engine.errors import WrongUsage

Item = TypeVar("Item")
Result = TypeVar("Result")
# A chunk of items → their results, in whatever order.
Work = Callable[[Sequence[Item]], Sequence[Result]]

# How often a process looks whether the one that started it is still there.
_WATCH_S = 1.0
DASK_TIMEOUT_S = 10.0

_log = logging.getLogger(__name__)


def each(
    work: Work[Item, Result],
    items: Sequence[Item],
    *,
    item_of: Callable[[Result], Item],
    died: Callable[[Item], Result],
    chunk: int = 1,
    jobs: int | None = None,
    dask: str | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Iterator[Result]:
    """Results as they come, in any order, until all are there or a stop is asked for.

    A process that dies (killed for its memory, or by a decoder) takes its pool with it. What was
    being done then is done again one by one, and an item that kills its process again has `died`.

    Args:
        work: does some items; a function of a module, or a `partial` of one.
        items: hashable, each once.
        item_of: the item of a result.
        died: the result of an item whose process died twice.
        chunk: items that a process is given at a time.
        jobs: processes, as many as cores by default; one works in this process.
        dask: the address of a Dask scheduler, to work on its workers instead.
        should_stop: asked after each chunk.

    Raises:
        WrongUsage: fewer than one process, or no scheduler answers.

    >>> doubled = each(_doubled, [1, 2], item_of=lambda two: two // 2, died=int, jobs=1)
    >>> sorted(doubled)
    [2, 4]
    """
    left = dict.fromkeys(items)
    stop = should_stop or (lambda: False)
    while left:
        begun: dict[Item, None] = {}
        try:
            with closing(_run(work, _chunks(list(left), chunk, begun), jobs, dask)) as results:
                for found in results:
                    for result in found:
                        del left[item_of(result)]
                        yield result
                    if stop():
                        return
            return
        except _deaths():
            suspects = [item for item in begun if item in left]
            _log.warning("a process died; trying %d items one by one", len(suspects))
        for suspect in suspects:
            yield _alone(work, suspect, died, jobs, dask)
            del left[suspect]
            if stop():
                return


def _doubled(items: Sequence[int]) -> list[int]:
    return [2 * item for item in items]


def _alone(
    work: Work[Item, Result],
    item: Item,
    died: Callable[[Item], Result],
    jobs: int | None,
    dask: str | None,
) -> Result:
    try:
        # Two processes where one was asked for: with one, joblib would work in this process.
        (found,) = _run(work, [[item]], max(2, jobs or 2), dask)
    except _deaths():
        return died(item)
    return found[0]


def _chunks(items: Sequence[Item], size: int, begun: dict[Item, None]) -> Iterator[list[Item]]:
    """Items in handfuls; those that were handed out are put down in `begun`."""
    for start in range(0, len(items), size):
        chunk = list(items[start : start + size])
        begun.update(dict.fromkeys(chunk))
        yield chunk


def _deaths() -> tuple[type[BaseException], ...]:
    from joblib.externals.loky.process_executor import BrokenProcessPool

    deaths: list[type[BaseException]] = [BrokenProcessPool]
    try:
        from distributed import KilledWorker

        deaths.append(KilledWorker)
    except ImportError:  # Dask isn't needed on one machine
        pass
    return tuple(deaths)


def _run(
    work: Work[Item, Result], chunks: Iterable[list[Item]], jobs: int | None, dask: str | None
) -> Generator[Sequence[Result], None, None]:
    import joblib

    if jobs is not None and jobs < 1:
        raise WrongUsage(f"{jobs} processes can't work. Name one or more.")
    n_jobs = jobs or joblib.cpu_count()
    if dask is None and n_jobs == 1:
        for chunk in chunks:
            yield work(chunk)
        return
    with ExitStack() as stack:
        if dask is None:
            config = {"backend": "loky", "n_jobs": n_jobs, "inner_max_num_threads": 1}
        else:
            config = {"backend": "dask", "client": stack.enter_context(_client(dask))}
        stack.enter_context(joblib.parallel_config(**config))
        # A few chunks ahead for each process; one result is taken from memory when it is written.
        parallel = joblib.Parallel(
            return_as="generator_unordered", batch_size=1, pre_dispatch="3*n_jobs"
        )
        apart = partial(_apart, work, os.getpid() if dask is None else None)
        results = parallel(joblib.delayed(apart)(chunk) for chunk in chunks)
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
        return Client(address, timeout=DASK_TIMEOUT_S, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:  # a timeout is an OSError
        raise WrongUsage(
            f"No Dask scheduler answers at {address!r}. Start one with `dask scheduler`, and give "
            "the address that it prints, such as tcp://127.0.0.1:8786."
        ) from error


def _apart(work: Work[Item, Result], owner: int | None, chunk: Sequence[Item]) -> Sequence[Result]:
    """Do a chunk in a process of its own.

    Args:
        owner: the process without which there is nobody to do this for.
    """
    if owner is not None:
        # One core each. TensorFlow reads these when it is imported, which it isn't yet.
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
        os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
        _end_with(owner)
    return work(chunk)


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
