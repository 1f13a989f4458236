"""A server of the app for browser tests: its own port, its own workspace, its output in a file."""

import os
import random
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

TOP = Path(__file__).parents[2]
SLOW_DISK = str(Path(__file__).parent / "slow_disk")  # in PYTHONPATH; its module says what it does


@contextmanager
def running(
    workspace: Path, log: Path, **environment: str
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Start a server and yield its (address, process); stop it at the end."""
    port = _free_port()
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py"]
    command += ["--server.port", str(port), "--server.address", "127.0.0.1"]
    command += ["--server.headless", "true", "--server.fileWatcherType", "none"]
    environment = {**os.environ, **environment, "GENRE_ENGINE_WORKSPACE": str(workspace)}
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command, cwd=TOP, env=environment, stdout=output, stderr=subprocess.STDOUT
        ) as process,
    ):
        try:
            _wait_for(f"http://127.0.0.1:{port}/_stcore/health", process, log)
            yield f"http://127.0.0.1:{port}", process
        finally:
            process.kill()


def _free_port() -> int:
    """Not one of those that the system hands out: somebody could get it before the server has."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as tried, suppress(OSError):
            tried.bind(("127.0.0.1", port))
            return port


def _wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(1800):
        assert process.poll() is None, log.read_text(errors="replace")
        with suppress(OSError, urllib.error.URLError), urllib.request.urlopen(address):
            return
        time.sleep(0.1)
    raise AssertionError(log.read_text(errors="replace"))


def children(process: subprocess.Popen[bytes]) -> list[str]:
    """Command lines of a process's children."""
    listed = subprocess.run(
        ["ps", "--no-headers", "-o", "pid,args", "--ppid", str(process.pid)],
        capture_output=True,
        text=True,
        check=False,
    )
    return listed.stdout.splitlines()
