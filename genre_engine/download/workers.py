"""Threads that fetch, wait and stop together, and report to the one that started them."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from queue import Empty, SimpleQueue

from genre_engine.web.http import Retry, Web

TICK_S = 0.1

Job = Callable[[], None]


class Stopped(Exception):
    """Ends a worker."""


class CountingWeb(Web):
    """Counts the bytes that come, and ends whoever reads them once a stop is asked for."""

    def __init__(self, connections: int, stop: threading.Event) -> None:
        super().__init__(connections)
        self._stop = stop
        self._counts: dict[int, int] = {}

    @property
    def n_bytes(self) -> int:
        return sum(self._counts.copy().values())

    def count(self, n_bytes: int) -> None:
        """Each thread adds to a number of its own, so none waits for another."""
        if self._stop.is_set():
            raise Stopped
        me = threading.get_ident()
        self._counts[me] = self._counts.get(me, 0) + n_bytes


class Workers:
    """Does jobs on some threads; a job calls `report` and may raise Stopped.

    Attributes:
        web, retry: what the jobs fetch with; waits end when the workers are stopped.
        work: the jobs that are left.
    """

    def __init__(self, jobs: int, retry: Retry) -> None:
        self.stop = threading.Event()
        self.web = CountingWeb(jobs, self.stop)
        self.retry = replace(retry, sleep=self._sleeper(retry.sleep))
        self.work: deque[Job] = deque()
        self._jobs = jobs
        self._reports: SimpleQueue[tuple[str | None, BaseException | None]] = SimpleQueue()

    def report(self, track_id: str, error: BaseException | None) -> None:
        """A track is done, or failed with an error."""
        self._reports.put((track_id, error))

    def run(
        self, on_report: Callable[[str, BaseException | None], None], tick: Callable[[], None]
    ) -> None:
        """Do all jobs; `on_report` is called with what they report, `tick` a few times a second.

        Raises:
            Exception: what ended a worker, or what `on_report` or `tick` raises. The others are
                stopped first.
        """
        threads = [
            threading.Thread(target=self._worker, name=f"download-{n}", daemon=True)
            for n in range(min(self._jobs, len(self.work)))
        ]
        for thread in threads:
            thread.start()
        try:
            self._wait(threads, on_report, tick)
        finally:
            self.stop.set()
            for thread in threads:
                thread.join()
            self.web.close()

    def _wait(
        self,
        threads: list[threading.Thread],
        on_report: Callable[[str, BaseException | None], None],
        tick: Callable[[], None],
    ) -> None:
        ticked = 0.0
        while True:
            # Before the queue is looked at: what a thread reported before it ended counts.
            alive = any(thread.is_alive() for thread in threads)
            try:
                track_id, error = self._reports.get(timeout=TICK_S if alive else 0)
            except Empty:
                if not alive:
                    break
            else:
                if track_id is not None:
                    on_report(track_id, error)
                elif error is not None:
                    raise error
            if time.monotonic() - ticked >= TICK_S:
                tick()
                ticked = time.monotonic()
        tick()

    def _worker(self) -> None:
        while not self.stop.is_set():
            try:
                job = self.work.popleft()
            except IndexError:
                return
            try:
                # Where the server has asked one connection to wait, the others do too.
                pause = self.web.hold_until - time.monotonic()
                if 0 < pause <= self.retry.longest_wait_s:
                    self.retry.sleep(pause)
                job()
            except Stopped:
                return
            except BaseException as error:  # noqa: BLE001 - raised where reports are read
                self._reports.put((None, error))
                return

    def _sleeper(self, sleep: Callable[[float], None]) -> Callable[[float], None]:
        def waiting(seconds: float) -> None:
            if sleep is time.sleep:
                self.stop.wait(seconds)
            else:
                sleep(seconds)
            if self.stop.is_set():
                raise Stopped

        return waiting
