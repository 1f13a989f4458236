"""A job on disk: the folder `jobs/<id>/` in the workspace.

    job.json       what it is: kind, title, request, who asked for it (`Record`); never changes
    state.json     how it stands (`State`); replaced, never half
    control        `pause` or `cancel`, asked for and not done yet
    lock           locked by the process that works on it: that process lives while this is locked
    log.txt        what that process printed
    files/         what was uploaded for it, until it has ended

A status stands in one place. That is state.json until a training's run has begun; from then on it
is the run's events, and state.json keeps only what a run doesn't have: progress before its first
epoch, place in the queue, time used. So it doesn't matter whether the app or the command line goes
on with a run.
"""

import json
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

from genre_engine.errors import GenreEngineError, JobError
from genre_engine.runs.run import Run
from genre_engine.storage import workspace

FORMAT = 1
STATUSES = ("queued", "running", "paused", "cancelled", "failed", "finished")
ASKED = ("pause", "cancel")

Files = Mapping[str, tuple[str, bytes]]

_LOG_TAIL_BYTES = 16 * 1024
# Lines that TensorFlow and its libraries print of themselves; they explain no failure.
_NOISE = ("I0", "W0", "WARNING: All log", "I tensorflow", "To enable the following")

# Called after a change of the queue, so that a supervisor here needn't wait for its tick.
changed: list[Callable[[], None]] = []


@dataclass(frozen=True)
class Record:
    """What `job.json` holds.

    Attributes:
        request: as JSON has it; `kinds.get(kind).request` reads it.
        created: seconds since 1970.
        owner: whose visit asked for it; "" where that plays no part.
        minutes: how long it may be worked on; None: without limit.
    """

    id: str
    kind: str
    title: str
    folder: Path
    request: dict[str, Any]
    created: float = 0.0
    owner: str = ""
    minutes: float | None = None

    def files(self) -> Path:
        """Where what was uploaded for it lies."""
        return self.folder / "files"


@dataclass(frozen=True)
class State:
    """What `state.json` holds.

    Attributes:
        status: one of STATUSES; of a training that has begun its run says how it stands.
        note: what is being done.
        progress: 0 to 1, where known.
        run: the id of the training's run, once there is one.
        queued_at: seconds since 1970; decides who is next.
        seconds: how long it has been worked on, over all resumptions.
        result: what came of it, where that isn't a run.
    """

    status: str = "queued"
    message: str = ""
    note: str = ""
    progress: float | None = None
    seconds_left: float | None = None
    run: str | None = None
    queued_at: float = 0.0
    seconds: float = 0.0
    result: dict[str, Any] = field(default_factory=dict)


@contextmanager
def deciding() -> Iterator[Path]:
    """The folder of all jobs, locked: whoever changes the queue decides alone.

    Raises:
        StorageError: the workspace can't be written.
    """
    folder = workspace.make_folder(workspace.jobs_folder())
    with workspace.storage_errors(folder / ".lock"):
        lock = FileLock(folder / ".lock")
        lock.acquire()
    try:
        yield folder
    finally:
        lock.release()


def notify() -> None:
    """Have those who watch the queue in this process look at it."""
    for call in changed:
        call()


def add(
    kind: str,
    title: str,
    request: Mapping[str, Any],
    *,
    owner: str = "",
    minutes: float | None = None,
    run_id: str | None = None,
    files: Files | None = None,
    check: Callable[[], None] = lambda: None,
) -> Path:
    """Store a job at the queue's end; returns its folder.

    Args:
        files: uploads by the request's entry that is to be their path: (file name, content).
        check: is called with the queue locked, and may raise what speaks against it.

    Raises:
        StorageError: the workspace can't be written.
    """
    now = time.time()
    job_id = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    request = dict(request)
    with deciding() as folder, workspace.replacing(folder / job_id) as room:
        check()
        room.mkdir()
        for key, (name, data) in (files or {}).items():
            (room / "files").mkdir(exist_ok=True)
            # Only the last part of a name that came with an upload, so that it stays inside.
            safe = Path(name.replace("\\", "/")).name or "upload"
            (room / "files" / safe).write_bytes(data)
            request[key] = str(folder / job_id / "files" / safe)
        values = {"format": FORMAT, "kind": kind, "title": title, "created": now}
        _write_json(
            room / "job.json", {**values, "request": request, "owner": owner, "minutes": minutes}
        )
        write_state(room, State(queued_at=now, run=run_id))
    notify()
    return workspace.jobs_folder() / job_id


def folders() -> list[Path]:
    """Those of all jobs."""
    folder = workspace.jobs_folder()
    if not folder.is_dir():
        return []
    return [place for place in folder.iterdir() if place.name[0] != "."]


def read_record(folder: Path) -> Record:
    """Raises JobError: there is no such job."""
    try:
        values = json.loads((folder / "job.json").read_text(encoding="utf-8"))
        minutes = values.get("minutes")
        return Record(
            id=folder.name,
            kind=str(values["kind"]),
            title=str(values["title"]),
            folder=folder,
            request=dict(values["request"]),
            created=float(values["created"]),
            owner=str(values.get("owner", "")),
            minutes=None if minutes is None else float(minutes),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise JobError(f"The job {folder.name!r} isn't there any more.") from error


def read_state(folder: Path) -> State:
    """What state.json says; a damaged one says that the job failed."""
    try:
        values = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        known = {entry.name for entry in fields(State)}
        state = State(**{key: value for key, value in values.items() if key in known})
        if state.status not in STATUSES:
            raise ValueError(state.status)
    except (OSError, ValueError, TypeError, AttributeError):
        return State("failed", "Its state can't be read. Start it again.")
    return state


def write_state(folder: Path, state: State) -> None:
    """Raises StorageError if the disk is full or the folder can't be written."""
    _write_json(folder / "state.json", {**state.__dict__})


def run_of(state: State) -> Run | None:
    """The training's run; None before there is one, or when it has been removed."""
    folder = workspace.runs_folder() / state.run if state.run else None
    return Run(folder) if folder is not None and folder.is_dir() else None


def conclude(folder: Path, status: str, message: str) -> None:
    """Say how a job ended or left the queue, in the one place where that is looked up.

    Raises:
        RunError: its run is being trained by another process.
        StorageError: it can't be written.
    """
    state = read_state(folder)
    run = run_of(state)
    if run is not None:
        run.conclude(status, message)
        return
    write_state(folder, replace(state, status=status, message=message, note="", seconds_left=None))


def asked(folder: Path) -> str | None:
    """`pause` or `cancel`, where that was asked for and isn't done yet."""
    try:
        what = (folder / "control").read_text(encoding="utf-8").strip()
    except OSError:
        return None
    return what if what in ASKED else None


def ask(folder: Path, what: str | None) -> None:
    """Ask the process that works on it to `pause` or to `cancel`; None takes that back."""
    if what is None:
        with suppress(OSError):
            (folder / "control").unlink(missing_ok=True)
        return
    with workspace.replacing(folder / "control") as temporary:
        temporary.write_text(what, encoding="utf-8")


def ask_run(run: Run | None, what: str) -> None:
    """Ask the run too, where a training has one; one that has ended since needs nothing."""
    if run is not None:
        with suppress(GenreEngineError):
            run.request(what)


def remove_files(job: Record) -> None:
    """Remove what was uploaded for a job."""
    shutil.rmtree(job.files(), ignore_errors=True)


def tail(path: Path, n_lines: int) -> str:
    """The last lines of a log, without what libraries say of themselves."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - _LOG_TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    lines = [line.rstrip() for line in text.splitlines()]
    return "\n".join([line for line in lines if line and not line.startswith(_NOISE)][-n_lines:])


def _write_json(path: Path, values: dict[str, Any]) -> None:
    with workspace.replacing(path) as temporary:
        temporary.write_text(json.dumps(values, ensure_ascii=False) + "\n", encoding="utf-8")
