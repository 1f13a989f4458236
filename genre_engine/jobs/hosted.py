"""A server that visitors share (`GENRE_ENGINE_HOSTED=1`): what it does for them, and how much.

Visitors share one workspace. What one of them uploads is only their own: a data set made of it, and
the runs trained on that, carry an owner and are shown to nobody else (`storage.owners`). Checks
only check; `quota` makes room. Nothing here applies elsewhere.
"""

from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from genre_engine.errors import Refused
from genre_engine.jobs.requests import DatasetRequest
from genre_engine.runs import Run
from genre_engine.storage.owners import VARIABLE as VARIABLE
from genre_engine.storage.owners import active as active
from genre_engine.training import SearchRequest, TrainingRequest

MINUTES = 10.0
TRACKS = 2000
DEMO_TRACKS = 600
UPLOAD_MB = 20
SONGS = 6
TRIALS = 20
# What the process of a visitor's job may fill.
JOB_MEMORY_MB = 2000

# Resident at most while it trains the demo set, in MB, with what the import of its library takes.
_NEEDED_MB = {"fcn": 900, "cnn": 1200, "xgboost": 500, "forest": 500, "linear": 400}
_SPARE_MB = 150

_HOME = "Do it on your own computer: the app is free, and the run can be brought here as a zip."


class Work(Protocol):
    """A piece of work that runs or waits."""

    @property
    def owner(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def status(self) -> str: ...


def minutes(asked: float | None) -> float | None:
    """How long a job may be worked on, where `asked` is what was asked for (None: no limit)."""
    if not active():
        return asked
    return min(MINUTES, asked or MINUTES)


def job_memory_mb() -> int | None:
    """How much memory the process of a job may fill; None: no limit but the system's."""
    return JOB_MEMORY_MB if active() else None


def check_download() -> None:
    """Raises Refused: a shared server does no long downloads."""
    if active():
        raise Refused(f"This server is shared, so it doesn't do long downloads. {_HOME}")


def check_reproduction() -> None:
    """Raises Refused: a shared server doesn't run the whole experiment."""
    if active():
        raise Refused(f"This server is shared, so it doesn't run the whole experiment. {_HOME}")


def check_library() -> None:
    """Raises Refused: a shared server doesn't read its own folders for its visitors."""
    if active():
        raise Refused(f"This server is shared, so it holds no library of music. {_HOME}")


def check_search(request: SearchRequest) -> None:
    """Raises Refused: a search is too long, or memory is short."""
    check_memory(request.training.model)
    if active() and (request.trials or 0) > TRIALS:
        raise Refused(f"This server is shared: a search has at most {TRIALS} trials. {_HOME}")


def check_curve(run: Run) -> None:
    """Raises Refused: a run's learning curve has too many tracks, or memory is short."""
    check_memory(run.config.model)
    sizes = (run.report() or {}).get("sizes") or {}
    if active() and (tracks := sum(sizes.values())) > TRACKS:
        raise Refused(
            f"This run has {tracks:,} tracks; this server is shared and measures learning curves "
            f"of up to {TRACKS:,}. {_HOME}"
        )


def check_dataset(request: DatasetRequest, *, uploaded: Collection[str] = ()) -> None:
    """Whether visitors may have such a data set made.

    Args:
        uploaded: the entries of the request for which a file comes with it.

    Raises:
        Refused: they may not; the message says where it can be done.
    """
    if not active():
        return
    if set(request.places) - set(uploaded):
        raise Refused("This server is shared, so nothing on its own disk can be named. Upload it.")
    if request.make == "demo" and (request.tracks or 0) > DEMO_TRACKS:
        raise Refused(f"This server is shared: a demo set has at most {DEMO_TRACKS} clips. {_HOME}")
    if request.make not in ("demo", "table"):
        raise Refused(f"This server is shared, so it imports no large data sets. {_HOME}")


def check_tracks(request: TrainingRequest) -> None:
    """Whether a training is small enough, by the tracks that take part.

    Raises:
        Refused: it isn't.
        GenreEngineError: there is no such data set, or no such genres.
    """
    if not active():
        return
    from genre_engine import datasets

    dataset = datasets.open(request.dataset_name)
    chosen = dataset.select(request.genres, rule=request.rule, task=request.task)
    if len(chosen.rows) > TRACKS:
        raise Refused(
            f"These are {len(chosen.rows):,} tracks; this server is shared and takes up to "
            f"{TRACKS:,}. Choose fewer genres, or the demo set. {_HOME}"
        )


def check_queue(owner: str, busy: Sequence[Work]) -> None:
    """Whether a visitor may have one more job.

    Raises:
        Refused: one of theirs runs or waits.
    """
    if not active():
        return
    mine = next((job for job in busy if job.owner == owner), None)
    if mine is not None:
        raise Refused(
            f"This server is shared: one piece of work at a time for each visitor. {mine.title} is "
            f"{mine.status}; wait for it, or cancel it."
        )


def check_memory(model: str) -> None:
    """Whether there is memory to train a model.

    Raises:
        Refused: memory is short.
    """
    free = memory_mb()
    needed = _NEEDED_MB.get(model, 900) + _SPARE_MB
    if active() and free is not None and free < needed:
        raise Refused(
            f"Memory is short on this server: {free:,.0f} MB are free, and a training of {model} "
            f"takes up to {needed:,}. Try again later, or choose a smaller model such as linear."
        )


def check_removal() -> None:
    """Raises Refused: visitors remove nothing, since others may use it."""
    if active():
        raise Refused(
            "This server is shared, so nothing is removed by hand; the oldest goes when room is "
            "needed."
        )


def check_upload(n_bytes: int) -> None:
    """Raises Refused: an upload is larger than a shared server takes."""
    if active() and n_bytes > UPLOAD_MB * 1_000_000:
        raise Refused(
            f"This server is shared: an upload has at most {UPLOAD_MB} MB, this has "
            f"{n_bytes / 1e6:,.0f}. {_HOME}"
        )


def memory_mb(system: Path = Path("/")) -> float | None:
    """How much memory can still be taken; None where that can't be read.

    The least of what the machine has and what this process's control group is allowed: in a
    container the machine's own figure promises too much. Pages of files count as free.
    """
    found = []
    with suppress(OSError, ValueError, IndexError, StopIteration):
        lines = (system / "proc/meminfo").read_text().splitlines()
        free = next(line for line in lines if line.startswith("MemAvailable:"))
        found.append(int(free.split()[1]) / 1024)
    groups = system / "sys/fs/cgroup"
    for limit, used, cached in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "total_inactive_file"),
    ):
        with suppress(OSError, ValueError, IndexError):
            most = int((groups / limit).read_text())  # "max" is no number: no limit
            stat = (groups / limit).parent / "memory.stat"
            words = [line.split() for line in stat.read_text().splitlines()]
            pages = next((int(pair[1]) for pair in words if pair[0] == cached), 0)
            taken = int((groups / used).read_text()) - pages
            found.append((most - taken) / 2**20)
    return max(0.0, min(found)) if found else None
