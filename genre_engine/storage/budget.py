"""What something from outside may cost, declared once, and the process that is held to it.

Sizes that can be counted are counted before anything is read. What arithmetic can't foresee, such
as what a decoder makes of a file, is done in a child process whose memory, processor time and files
the operating system bounds:

    python -m genre_engine.storage.budget       {"function": …, "arguments": …, "budget": …}

reads that from its standard input and writes {"result": …} or {"error": …, "message": …}. Whatever
happens to it, the server goes on.
"""

import importlib
import json
import os
import re
import subprocess
import sys
import threading
import time
import zipfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from genre_engine import errors
from genre_engine.errors import GenreEngineError, OverBudget

MB = 1 << 20


@dataclass(frozen=True)
class Budget:
    """Bounds of one piece of work.

    Attributes:
        memory_mb: beyond what the process holds when it begins.
        cpu_s: processor time in all.
        wall_s: time by the clock.
        file_mb: size of any file that it writes.
        reserves: whether it asks for memory that it never fills; what it fills is watched then.
    """

    memory_mb: int
    cpu_s: int
    wall_s: float
    file_mb: int
    reserves: bool = False


# A run as a zip: a forest of 500 trees on 3,000 tracks takes 370 MB.
BUNDLE = Budget(memory_mb=1200, cpu_s=60, wall_s=180.0, file_mb=1024)
# A table of features. Its reader reserves far more for each column than it fills.
TABLE = Budget(memory_mb=2000, cpu_s=120, wall_s=300.0, file_mb=2048, reserves=True)
# ffmpeg, for one song of at most six hours.
DECODER = Budget(memory_mb=400, cpu_s=300, wall_s=900.0, file_mb=0)

# Text shrinks to a twentieth; a bomb to a thousandth.
MAX_RATIO = 200
_RATIO_FROM_BYTES = 1 * MB

# JSON from outside. Reports of hundreds of genres have a tenth of the first two; what a forest of
# 500 trees says of itself has a sixth of the others.
JSON_BYTES, JSON_VALUES = 8 * MB, 500_000
SCHEMA_BYTES, SCHEMA_VALUES = 64 * MB, 1_500_000
JSON_DEPTH = 64

_WATCH_S = 0.05
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')


def is_bomb(info: zipfile.ZipInfo) -> bool:
    """Whether a member of a zip would unpack to far more than it is."""
    return info.file_size > max(_RATIO_FROM_BYTES, MAX_RATIO * info.compress_size)


def parse_json(data: bytes, most_bytes: int = JSON_BYTES, most_values: int = JSON_VALUES) -> Any:
    """JSON from outside, whose size, depth and number of values are counted first.

    Raises:
        ValueError: it isn't JSON, or is more than any of ours.

    >>> parse_json(b'{"genres": ["pop"]}')
    {'genres': ['pop']}
    """
    if len(data) > most_bytes:
        raise ValueError("too large")
    bare = _STRING.sub(b"", data)
    if sum(map(bare.count, (b",", b"[", b"{"))) > most_values:
        raise ValueError("too many values")
    depth = 0
    for sign in re.findall(rb"[\[\]{}]", bare):
        depth += 1 if sign in b"[{" else -1
        if depth > JSON_DEPTH:
            raise ValueError("nested too deep")
    try:
        return json.loads(data)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def apply(budget: Budget) -> None:
    """Hold this process to a budget from now on, as far as the system can."""
    if sys.platform == "win32":
        return
    import resource

    _limit(resource.RLIMIT_CPU, budget.cpu_s + _cpu_s())
    _limit(resource.RLIMIT_FSIZE, budget.file_mb * MB)
    if not budget.reserves and (held := _data_bytes()) is not None:
        # Memory that is written to, shared libraries and mapped files not counted.
        _limit(resource.RLIMIT_DATA, held + budget.memory_mb * MB)


def hold(process: "subprocess.Popen[bytes]", budget: Budget) -> None:
    """Hold a program that has just been started to a budget; Linux alone can do that."""
    if sys.platform != "linux":
        return
    import resource

    limits = {
        resource.RLIMIT_CPU: budget.cpu_s,
        resource.RLIMIT_FSIZE: budget.file_mb * MB,
        resource.RLIMIT_DATA: budget.memory_mb * MB,
    }
    with suppress(OSError):  # it has ended already
        for kind, value in limits.items():
            resource.prlimit(process.pid, kind, (value, value))


def _limit(kind: int, value: int) -> None:
    import resource

    hard = resource.getrlimit(kind)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    with suppress(ValueError, OSError):  # a system that doesn't know this limit
        resource.setrlimit(kind, (value, hard))


def _cpu_s() -> int:
    used = os.times()
    return int(used.user + used.system) + 1


def _data_bytes() -> int | None:
    with suppress(OSError, StopIteration, IndexError, ValueError):
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmData:")).split()[1]) * 1024
    return None


def run(function: str, arguments: dict[str, Any], budget: Budget, what: str) -> Any:
    """Call a function in a process of its own that is held to a budget.

    Args:
        function: `genre_engine.module:name`; takes and returns what JSON can carry.
        what: what is worked on, for messages: "This zip".

    Raises:
        OverBudget: it took too much, or its process died of it.
        GenreEngineError: what the function raised.
    """
    request = {"function": function, "arguments": arguments, "budget": asdict(budget)}
    root = str(Path(errors.__file__).parents[1])
    # One thread: each has memory of its own. The system's allocator takes no more than is needed.
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH")))),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "ARROW_DEFAULT_MEMORY_POOL": "system",
    }
    try:
        with subprocess.Popen(
            [sys.executable, "-m", "genre_engine.storage.budget"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        ) as process:
            if budget.reserves:
                threading.Thread(target=_watch, args=(process, budget), daemon=True).start()
            try:
                said, _ = process.communicate(json.dumps(request).encode(), budget.wall_s)
            finally:
                process.kill()
        answer = json.loads(said)
    except subprocess.TimeoutExpired as error:
        raise OverBudget(
            f"{what} takes more than {budget.wall_s:.0f} s to be read, so it is refused."
        ) from error
    except ValueError as error:
        raise OverBudget(
            f"{what} takes more than {budget.memory_mb:,} MB of memory or {budget.cpu_s} s to be "
            "read, so it is refused."
        ) from error
    if "error" in answer:
        kind = getattr(errors, answer["error"], GenreEngineError)
        # It is made of a file and a row, which stand in the message already.
        raise (errors.DatasetError if kind is errors.BadTable else kind)(answer["message"])
    return answer["result"]


def _watch(process: "subprocess.Popen[bytes]", budget: Budget) -> None:
    """Kill a process once it has filled more memory than it may."""
    while process.poll() is None:
        if filled_mb(process.pid) > budget.memory_mb:
            process.kill()
        time.sleep(_WATCH_S)


def filled_mb(pid: int | str = "self") -> float:
    """The memory that a process has filled; 0 where that isn't known or it has ended."""
    with suppress(OSError, IndexError, ValueError):
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / MB
    return 0.0


def _main() -> None:
    request = json.loads(sys.stdin.buffer.read())
    # What libraries print mustn't mix with the answer.
    answers = os.dup(1)
    os.dup2(2, 1)
    apply(Budget(**request["budget"]))
    module, _, name = request["function"].partition(":")
    try:
        function = getattr(importlib.import_module(module), name)
        answer = {"result": function(**request["arguments"])}
    except GenreEngineError as error:
        answer = {"error": type(error).__name__, "message": str(error)}
    with os.fdopen(answers, "wb") as file:
        file.write(json.dumps(answer).encode())


if __name__ == "__main__":
    _main()
