"""Starts what waits, one process a job, and makes sure that none outlives its server.

Each process has the other end of a pipe as its standard input. When the server ends, however it
does, the pipe is closed, and the process kills itself with all its workers.
"""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from genre_engine import runs
from genre_engine.errors import GenreEngineError
from genre_engine.jobs import queue, record
from genre_engine.jobs.job import Job
from genre_engine.storage import workspace

logger = logging.getLogger(__name__)

# How often to look at the queue on disk: others put jobs there too.
_TICK_S = 0.5
_IDLE_TICK_S = 2.0
# A process that found no place is not started again at once.
_AFTER_LOST_S = 2.0
# Exit status of a process that found no place (EX_TEMPFAIL).
LOST = 75


class Supervisor:
    """One thread that starts queued jobs, and the handles of what it has started."""

    def __init__(self) -> None:
        queue.places("training")  # refuses a bad number now, in words
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._started: dict[str, float] = {}
        self._not_before: dict[str, float] = {}
        self._wake = threading.Event()
        self._ended = False
        record.changed.append(self._wake.set)
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        """End the thread and all that it has started; what ran can be resumed."""
        self._ended = True
        self._wake.set()
        self._thread.join()
        record.changed.remove(self._wake.set)
        for process in self._processes.values():
            _close(process)
        for process in self._processes.values():
            process.wait()

    def _run(self) -> None:
        self._guarded(queue.reconcile)
        self._guarded(queue.clear_ended)
        while not self._ended:
            self._guarded(self._look)
            self._wake.wait(_TICK_S if self._processes else _IDLE_TICK_S)
            self._wake.clear()

    def _guarded(self, call: Callable[[], None]) -> None:
        try:
            call()
        except GenreEngineError as error:
            logger.warning("jobs: %s", error)
        except Exception:
            # A fault of ours must not end the queue for everybody.
            logger.exception("looking after the jobs failed")

    def _look(self) -> None:
        for job_id, process in list(self._processes.items()):
            if _has_ended(process):
                self._clear_up(job_id, process)
        if not workspace.jobs_folder().is_dir():
            return
        now = time.monotonic()
        for job in queue.startable():
            if job.id not in self._processes and self._not_before.get(job.id, 0.0) <= now:
                self._started[job.id] = time.time()
                self._processes[job.id] = _start(job)

    def _clear_up(self, job_id: str, process: subprocess.Popen[bytes]) -> None:
        """Clear up after a process that has ended, and say how it did."""
        # Its number can't be another's before it has been waited for.
        with suppress(OSError, AttributeError):
            os.killpg(process.pid, signal.SIGKILL)
        status = process.wait()
        _close(process)
        del self._processes[job_id]
        if status == LOST:
            self._not_before[job_id] = time.monotonic() + _AFTER_LOST_S
            return
        self._not_before.pop(job_id, None)
        started = self._started.pop(job_id) if status else 0.0
        queue.record_end(job_id, _cause(status), started)
        queue.clear_ended()
        with suppress(GenreEngineError):
            runs.empty_trash()


def _start(job: Job) -> subprocess.Popen[bytes]:
    # The child must find this package wherever the server was started from.
    package_home = str(Path(__file__).parents[2])
    paths = [package_home, *filter(None, [os.environ.get("PYTHONPATH")])]
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONUNBUFFERED": "1",
        "TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "2"),
        "GENRE_ENGINE_WORKSPACE": str(workspace.root()),
    }
    path = job.folder / "log.txt"
    with workspace.storage_errors(path), path.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "genre_engine.jobs", job.id],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=env,
            start_new_session=True,
        )


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Without giving its number free."""
    if not hasattr(os, "waitid"):
        return process.poll() is not None
    flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
    return os.waitid(os.P_PID, process.pid, flags) is not None


def _close(process: subprocess.Popen[bytes]) -> None:
    with suppress(OSError):
        assert process.stdin is not None  # noqa: S101 - it was asked for
        process.stdin.close()


def _cause(status: int) -> str:
    """How a process ended that didn't say so itself."""
    if status == -signal.SIGKILL if hasattr(signal, "SIGKILL") else False:
        return "Its process was killed, most likely because memory was short."
    if status < 0:
        return f"Its process crashed ({signal.strsignal(-status) or f'signal {-status}'})."
    return f"Its process ended with the exit status {status}, without saying why."


_only: Supervisor | None = None
_lock = threading.Lock()


def supervisor() -> Supervisor:
    """This process's one supervisor; started with the first call.

    Raises:
        WrongUsage: an environment variable isn't sensible.
    """
    global _only
    with _lock:
        if _only is None or not _only.alive:
            _only = Supervisor()
        return _only
