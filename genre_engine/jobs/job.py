"""One piece of long work on disk.

    job.json       what it is: kind, title, request, who wished for it; never changes
    state.json     status and progress; replaced, never half
    control        a wish that hasn't been fulfilled: `pause` or `cancel`
    lock           held by the process that works on it, so it is alive while this is held
    log.txt        what that process printed
    files/         what was uploaded for it, until it has ended

A training's run is the truth of it once there is one: who asks for the job's status is told the
run's, so that it doesn't matter whether the app or the command line goes on with a run.
"""

import json
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from genre_engine.errors import GenreEngineError, JobError
from genre_engine.runs.run import Run
from genre_engine.storage import lock, workspace

FORMAT = 1
STATUSES = ("queued", "running", "paused", "cancelled", "failed", "finished")
WISHES = ("pause", "cancel")

# What each kind takes a place of. Whoever tunes or reproduces trains.
POOLS = {
    "training": "training",
    "tuning": "training",
    "reproduction": "training",
    "extraction": "extraction",
    "download": "download",
    "dataset": "dataset",
}

# Of these a part that is done serves who goes on; a half-made data set is thrown away.
_PAUSABLE = ("training", "tuning", "extraction", "download", "reproduction")

_LOG_TAIL_BYTES = 16 * 1024
# Lines that TensorFlow and its libraries print of themselves; they explain no failure.
_NOISE = ("I0", "W0", "WARNING: All log", "I tensorflow", "To enable the following")


@dataclass(frozen=True)
class State:
    """What `state.json` holds.

    Attributes:
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


@dataclass(frozen=True)
class Job:
    """A piece of long work as it was at one moment; `jobs.open(job.id)` tells how it is now.

    Attributes:
        status: one of STATUSES.
        message: why it isn't running, in words.
        note: what is being done, while it runs or waits.
        progress: 0 to 1, or None where that isn't known.
        position: 1 for who is next; None for what isn't queued.
        run_id: the training's run; None before there is one.
        owner: whose visit wished for it; "" where that plays no part.
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
    status: str = "queued"
    message: str = ""
    note: str = ""
    progress: float | None = None
    seconds_left: float | None = None
    position: int | None = None
    run_id: str | None = None
    queued_at: float = 0.0
    seconds: float = 0.0
    result: dict[str, Any] = field(default_factory=dict)

    @property
    def pool(self) -> str:
        """What it takes a place of."""
        return POOLS[self.kind]

    @property
    def busy(self) -> bool:
        """Whether it runs or waits."""
        return self.status in ("queued", "running")

    @property
    def pausable(self) -> bool:
        return self.busy and self.kind in _PAUSABLE

    @property
    def resumable(self) -> bool:
        """Whether it can go on, or begin again where nothing was kept."""
        if self.status not in ("paused", "cancelled", "failed"):
            return False
        run = self.run()
        return self.kind in _PAUSABLE and (run is None or run.resumable or run.status == "queued")

    @property
    def own_folder(self) -> bool:
        """Whether it was submitted; a run that the command line trains has no folder as a job."""
        return self.folder.parent == workspace.jobs_folder()

    def run(self) -> Run | None:
        """The training's run; None before there is one, or when it has been removed."""
        folder = workspace.runs_folder() / self.run_id if self.run_id else None
        return Run(folder) if folder is not None and folder.is_dir() else None

    def log(self, n_lines: int = 40) -> str:
        """The last lines that its process printed, and of its run's log."""
        run = self.run()
        own = tail(self.folder / "log.txt", n_lines) if self.own_folder else ""
        return "\n".join(filter(None, (run.log(n_lines) if run else "", own)))

    def pause(self) -> "Job":
        """Have it stop where it can go on later; a queued one leaves the queue at once.

        Raises:
            JobError: it neither runs nor waits, or can't be paused.
        """
        from genre_engine.jobs import queue

        return queue.wish(self.id, "pause")

    def cancel(self) -> "Job":
        """Have it end now. What a training kept of its epochs stays; raises as `pause`."""
        from genre_engine.jobs import queue

        return queue.wish(self.id, "cancel")

    def resume(self) -> "Job":
        """Put it into the queue again; it goes on from what it had kept.

        Raises:
            JobError: it runs, waits or has finished, or its time is used up.
            Refused: a hosted server's limits.
        """
        from genre_engine.jobs import queue

        return queue.resume(self.id)

    def files(self) -> Path:
        """Where what was uploaded for it lies."""
        return self.folder / "files"


def read(folder: Path) -> Job:
    """The job of a folder; one whose files are damaged shows as failed.

    Raises:
        JobError: there is none.
    """
    try:
        fixed = json.loads((folder / "job.json").read_text(encoding="utf-8"))
        job = Job(
            id=folder.name,
            kind=str(fixed["kind"]),
            title=str(fixed["title"]),
            folder=folder,
            request=dict(fixed["request"]),
            created=float(fixed["created"]),
            owner=str(fixed.get("owner", "")),
            minutes=fixed.get("minutes"),
        )
        if job.kind not in POOLS:
            raise ValueError(f"unknown kind {job.kind!r}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise JobError(f"The job {folder.name!r} isn't there any more.") from error
    state = read_state(folder)
    alive = lock.is_held(folder)
    if state.status == "running" and not alive:
        # It may have ended since that was read; a lock is freed after the last word.
        state = read_state(folder)
        alive = lock.is_held(folder)
    job = replace(
        job,
        status=state.status,
        message=state.message,
        note=state.note,
        progress=state.progress,
        seconds_left=state.seconds_left,
        run_id=state.run,
        queued_at=state.queued_at,
        seconds=state.seconds,
        result=state.result,
    )
    return _as_run_tells(job, alive) if job.run_id else _alone(job, alive)


def _alone(job: Job, alive: bool) -> Job:
    if alive:
        return replace(job, status="running", message="")
    if job.status == "running":
        return replace(job, status="failed", message=f"{_died(job)} {end_of_log(job)}".strip())
    return job


def _as_run_tells(job: Job, alive: bool) -> Job:
    """A training whose run exists: the run's word counts."""
    run = job.run()
    if run is None:
        return replace(job, status="cancelled", message="Its run has been removed.", note="")
    told = run.state()
    if alive or told.status == "running":
        return replace(job, status="running", message="", **_training_progress(run, job, told))
    if told.status == "queued":
        return _alone(job, alive)
    if run.told().status == "running":  # its process died, so the job's word is the later one
        return replace(_alone(job, alive), note="")
    if job.status == "queued" and run.told().status == "queued":
        return job
    same = job.status == told.status and job.message
    return replace(job, status=told.status, message=job.message if same else told.message, note="")


def _training_progress(run: Run, job: Job, told: Any) -> dict[str, Any]:
    if told.status == "finished":
        return {"note": "Ending", "progress": 1.0, "seconds_left": None}
    if told.status != "running":  # features are being extracted, or the process is starting
        return {"note": job.note or "Starting"}
    at = run.progress()
    epoch, epochs = at["epoch"], at["epochs"]
    if told.message != "Training" or not epoch or not epochs:
        return {"note": told.message or job.note, "progress": job.progress, "seconds_left": None}
    share = (at["batch"] or 0) / at["batches"] if at["batches"] else 1.0
    return {
        "note": f"Epoch {epoch} of {epochs}",
        "progress": min(1.0, (epoch - 1 + share) / epochs),
        "seconds_left": at["seconds_left"],
    }


def of_running_run(folder: Path) -> Job:
    """A run that some process trains without having been submitted, as a job."""
    run = Run(folder)
    title = f"Train {run.name}"
    job = Job(run.id, "training", title, folder, {}, status="running", run_id=run.id)
    return replace(job, **_training_progress(run, job, run.state()))


def read_state(folder: Path) -> State:
    try:
        values = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        state = State(**{key: values[key] for key in State.__dataclass_fields__ if key in values})
        if state.status not in STATUSES:
            raise ValueError(state.status)
    except (OSError, ValueError, TypeError):
        return State("failed", "What is known of it can't be read. Start it anew.")
    return state


def write_state(folder: Path, state: State) -> None:
    """Raises StorageError if the disk is full or the folder can't be written."""
    write_json(folder / "state.json", {**state.__dict__})


def write_json(path: Path, values: dict[str, Any]) -> None:
    with workspace.replacing(path) as temporary:
        temporary.write_text(json.dumps(values, ensure_ascii=False) + "\n", encoding="utf-8")


def requested(folder: Path) -> str | None:
    """The wish that hasn't been fulfilled, if any."""
    try:
        wish = (folder / "control").read_text(encoding="utf-8").strip()
    except OSError:
        return None
    return wish if wish in WISHES else None


def request(folder: Path, wish: str | None) -> None:
    """Leave a wish for the process that works on it; None takes it back."""
    if wish is None:
        with suppress(OSError):
            (folder / "control").unlink(missing_ok=True)
        return
    with workspace.replacing(folder / "control") as temporary:
        temporary.write_text(wish, encoding="utf-8")


def forward(job: Job, wish: str) -> None:
    """Tell the run too, where the training has come to it."""
    run = job.run()
    if run is not None:
        with suppress(GenreEngineError):
            run.request(wish)


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


def end_of_log(job: Job) -> str:
    """The last line of its log as a sentence, or nothing."""
    last = job.log(1).splitlines()
    return f"The end of its log: {last[-1].strip()}" if last else ""


def _died(job: Job) -> str:
    mend = "Resume it to go on." if job.kind in _PAUSABLE else "Start it again."
    return f"It ended without a word: its process was killed, or the machine stopped. {mend}"
