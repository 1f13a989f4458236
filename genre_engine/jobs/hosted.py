"""A server that visitors share (`GENRE_ENGINE_HOSTED=1`): what it does for them, and how much.

Visitors share one workspace. What one of them uploads is only their own: a data set made of it, and
the runs trained on that, carry an owner and are shown to nobody else. What takes room is bounded by
a quota, from which the oldest things of visitors go first. Nothing here applies elsewhere.

    hosted.json     in a data set's or a run's folder: {"owner": VISIT, "private": bool}
"""

import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from genre_engine.errors import GenreEngineError, Refused
from genre_engine.storage import lock, workspace

VARIABLE = "GENRE_ENGINE_HOSTED"
QUOTA_VARIABLE = "GENRE_ENGINE_QUOTA_MB"

MINUTES = 10.0
TRACKS = 2000
DEMO_TRACKS = 600
UPLOAD_MB = 20
QUOTA_MB = 500
TRIALS = 20

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


def active() -> bool:
    return os.environ.get(VARIABLE) == "1"


def minutes(wished: float | None) -> float | None:
    """How long a job may be worked on."""
    if not active():
        return wished
    return min(MINUTES, wished or MINUTES)


def check_request(kind: str, request: Mapping[str, Any], *, files: bool = False) -> None:
    """Whether visitors may have such a job.

    Raises:
        Refused: they mayn't; the message says where it can be done.
    """
    if not active():
        return
    make_room()
    if kind == "download":
        raise Refused(f"This server is shared, so it doesn't do long downloads. {_HOME}")
    if kind == "reproduction":
        raise Refused(f"This server is shared, so it doesn't run the whole experiment. {_HOME}")
    if kind == "dataset":
        _check_dataset(request, files=files)
    if kind == "extraction":
        check_tracks({"dataset_name": request.get("dataset")})
    if kind in ("training", "tuning"):
        check_memory(str(request.get("model", "fcn")))
    if kind == "tuning" and (request.get("trials") or 0) > TRIALS:
        raise Refused(f"This server is shared: a search has at most {TRIALS} trials. {_HOME}")


def _check_dataset(request: Mapping[str, Any], *, files: bool) -> None:
    if any(request.get(place) for place in ("path", "metadata", "audio")) or (
        request.get("file") and not files
    ):
        raise Refused("This server is shared, so nothing on its own disk can be named. Upload it.")
    make = request.get("make")
    if make == "demo" and int(request.get("tracks", 0)) > DEMO_TRACKS:
        raise Refused(f"This server is shared: a demo set has at most {DEMO_TRACKS} clips. {_HOME}")
    if make not in ("demo", "table"):
        raise Refused(f"This server is shared, so it imports no large data sets. {_HOME}")


def check_tracks(request: Mapping[str, Any]) -> None:
    """Whether a training is small enough, by the tracks that take part.

    Args:
        request: the arguments of `training.new_config`.

    Raises:
        Refused: it isn't.
        GenreEngineError: there is no such data set, or no such genres.
    """
    if not active():
        return
    from genre_engine import datasets

    dataset = datasets.open(str(request["dataset_name"]))
    chosen = dataset.select(
        request.get("genres"),
        rule=request.get("rule", "any"),
        task=request.get("task", "multilabel"),
    )
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
    """Raises Refused: visitors remove nothing, for others may use it."""
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


def own(folder: Path, owner: str, *, private: bool = False) -> None:
    """Write down whose a data set or a run is; only where visitors share a server."""
    if not active() or not owner:
        return
    with workspace.replacing(folder / "hosted.json") as temporary:
        temporary.write_text(json.dumps({"owner": owner, "private": private}), encoding="utf-8")


def _owned(folder: Path) -> dict[str, Any]:
    try:
        values = json.loads((folder / "hosted.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}


def may_see(folder: Path, visitor: str) -> bool:
    """Whether a data set or a run is shown to a visitor."""
    if not active():
        return True
    found = _owned(folder)
    return not found.get("private") or found.get("owner") == visitor


def is_private_dataset(name: str) -> bool:
    """Whether a data set was made from what a visitor uploaded."""
    if not active():
        return False
    with suppress(GenreEngineError):
        return bool(_owned(workspace.dataset_folder(name)).get("private"))
    return False


def visible_datasets(entries: Iterable[dict[str, Any]], visitor: str) -> list[dict[str, Any]]:
    """Those of `datasets.listing` that a visitor is shown."""
    folder = workspace.datasets_folder()
    return [entry for entry in entries if may_see(folder / entry["name"], visitor)]


def make_room() -> list[str]:
    """Remove the oldest things of visitors until the rest is within the quota.

    What is being trained stays, and so does what belongs to nobody.

    Returns:
        the names of what was removed.
    """
    if not active():
        return []
    with suppress(ValueError):
        return _make_room(float(os.environ.get(QUOTA_VARIABLE) or QUOTA_MB) * 1e6)
    return _make_room(QUOTA_MB * 1e6)


def _make_room(quota: float) -> list[str]:
    places = []
    for kind in (workspace.runs_folder(), workspace.datasets_folder()):
        if kind.is_dir():
            places += [place for place in kind.iterdir() if place.is_dir()]
    sizes = {place: _size(place) for place in places if place.name[0] != "."}
    total = sum(sizes.values())
    removed = []
    theirs = [place for place in sizes if _owned(place)]
    theirs.sort(key=lambda place: (place / "hosted.json").stat().st_mtime)
    for place in theirs:
        if total <= quota:
            break
        if lock.is_held(place):
            continue
        shutil.rmtree(place, ignore_errors=True)
        total -= sizes[place]
        removed.append(place.name)
    return removed


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += path.lstat().st_size
    return total
