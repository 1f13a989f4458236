"""One job as it is at a moment, and what can be asked of it.

What a job says is read again only when one of its files or locks has changed since, so that a page
may ask as often as it likes.
"""

import re
import time
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from genre_engine.errors import JobError
from genre_engine.jobs import hosted, kinds, record
from genre_engine.jobs.record import Record, State
from genre_engine.runs import Run
from genre_engine.runs import State as RunState
from genre_engine.storage import lock, owners, workspace

_ID = re.compile(r"[^\W_][\w.-]{0,63}")
# How long a training takes is said once so many epochs are done.
_TIMED_EPOCHS = 3


@dataclass(frozen=True)
class Job(Record):
    """A piece of long work as it was at one moment; `jobs.open(job.id)` says how it is now.

    Attributes:
        status: one of STATUSES.
        message: why it isn't running, in words.
        note: what is being done, while it runs or waits.
        progress: 0 to 1, or None where that isn't known.
        run_id: the training's run; None before there is one.
    """

    status: str = "queued"
    message: str = ""
    note: str = ""
    progress: float | None = None
    seconds_left: float | None = None
    run_id: str | None = None
    queued_at: float = 0.0
    seconds: float = 0.0
    result: dict[str, Any] = field(default_factory=dict)

    @property
    def pool(self) -> str:
        """What it takes a place of."""
        return kinds.kind(self.kind).pool

    @property
    def dataset(self) -> str | None:
        """The name of the data set that it reads or makes, where that is known."""
        return kinds.dataset_of(self)

    @property
    def working(self) -> str:
        """What jobs of its kind do, in words."""
        return kinds.kind(self.kind).working

    @property
    def busy(self) -> bool:
        """Whether it runs or waits."""
        return self.status in ("queued", "running")

    @property
    def position(self) -> int | None:
        """1 for who is next; None for what isn't queued. Looks at the others in the queue."""
        if self.status != "queued":
            return None
        mine = (self.queued_at, self.id)
        return 1 + sum(
            job.status == "queued" and job.pool == self.pool and (job.queued_at, job.id) < mine
            for job in submitted()
        )

    @property
    def pausable(self) -> bool:
        return self.busy and kinds.kind(self.kind).pausable

    @property
    def resumable(self) -> bool:
        """Whether it can go on, or begin again where nothing was kept."""
        if self.status not in ("paused", "cancelled", "failed"):
            return False
        run = self.run()
        kept = run is None or run.resumable or run.status == "queued"
        return kinds.kind(self.kind).pausable and kept

    @property
    def own_folder(self) -> bool:
        """Whether it was submitted; a run that the command line trains has no folder as a job."""
        return self.folder.parent == workspace.jobs_folder()

    @property
    def asked(self) -> str | None:
        """`pause` or `cancel`, where that was asked for and isn't done yet."""
        if self.own_folder:
            return record.asked(self.folder)
        run = self.run()
        return None if run is None else run.requested()

    def run(self) -> Run | None:
        """The training's run; None before there is one, or when it has been removed."""
        run = self._run
        return run if run is not None and run.folder.is_dir() else None

    @cached_property
    def _run(self) -> Run | None:
        folder = workspace.runs_folder() / self.run_id if self.run_id else None
        return Run(folder) if folder is not None and folder.is_dir() else None

    def log(self, n_lines: int = 40) -> str:
        """The last lines that its process printed, and of its run's log."""
        run = self.run()
        own = record.tail(self.folder / "log.txt", n_lines) if self.own_folder else ""
        return "\n".join(filter(None, (run.log(n_lines) if run else "", own)))

    def pause(self) -> "Job":
        """Have it stop where it can go on later; a queued one leaves the queue at once.

        Raises:
            JobError: it neither runs nor waits, or can't be paused.
            Refused: where visitors share a server, it isn't whoever asks'.
        """
        return _ask(self.id, "pause")

    def cancel(self) -> "Job":
        """Have it end now. What a training kept of its epochs stays; raises as `pause`."""
        return _ask(self.id, "cancel")

    def resume(self) -> "Job":
        """Put it into the queue again; it goes on from what it had kept.

        Raises:
            JobError: it runs, waits or has finished, or its time is used up.
            Refused: a shared server's limits.
        """
        with record.deciding():
            job = open_job(self.id)
            owners.check_own(job.owner, job.title)
            if not job.resumable:
                raise JobError(f"{job.title}: it can't go on, since it is {job.status}.")
            if job.minutes is not None and job.seconds >= job.minutes * 60:
                raise JobError(
                    f"{job.title}: its time of {job.minutes:g} minutes is used up. Begin a smaller "
                    "one, or go on where there is no such limit."
                )
            hosted.check_queue(job.owner, [other for other in everything() if other.busy])
            record.ask(job.folder, None)
            state = replace(record.read_state(job.folder), status="queued", message="", note="")
            record.write_state(job.folder, replace(state, progress=None, queued_at=time.time()))
            run = job.run()
            if run is not None:
                run.set_status("queued")
        record.notify()
        return open_job(self.id)


def open_job(job_id: str) -> Job:
    """The job of an id; no other is read.

    Raises:
        JobError: there is none, or where visitors share a server none that whoever asks may see.
    """
    job = None
    if _ID.fullmatch(job_id):  # it may come from an address
        folder = workspace.jobs_folder() / job_id
        if folder.is_dir():
            job = read(folder)
        elif (training := of_run(job_id)) is not None and training.id == job_id:
            job = training
    if job is not None and may_see(job):
        return job
    raise JobError(f"There is no job {job_id!r} any more. Look at the list of those there are.")


def of_run(run_id: str) -> Job | None:
    """The job that trains, or last trained, a run."""
    mine = [read(folder) for folder in record.folders() if _run_of(folder) == run_id]
    if mine:
        return max(mine, key=lambda job: (job.busy, job.queued_at))
    folder = workspace.runs_folder() / run_id
    return _of_running_run(folder) if lock.is_held(folder) else None


def may_see(job: Job) -> bool:
    """Whether whoever asks is shown a job: their own, or one on what they may see."""
    if owners.is_own(job.owner):
        return True
    run = job.run()
    if run is not None:
        return owners.may_see(run.folder)
    if job.dataset is None or job.kind == "dataset":
        return False  # one that is being made is its visitor's alone
    return owners.may_see(workspace.dataset_folder(job.dataset))


def listing() -> list[Job]:
    """All jobs: running ones, then those that wait in their order, then those that have ended, the
    newest first. A run that is trained without having been submitted is among them.

    Where visitors share a server, those that whoever asks may see.
    """
    return [job for job in everything() if may_see(job)]


def everything() -> list[Job]:
    """As `listing`, whoever asks: for deciding who is next."""
    jobs = submitted()
    known = {job.run_id for job in jobs if job.status == "running"}
    runs = workspace.runs_folder()
    for place in runs.iterdir() if runs.is_dir() else ():
        if place.name[0] != "." and place.name not in known and lock.is_held(place):
            jobs.append(_of_running_run(place))
    first = [job for job in jobs if job.busy]
    first.sort(key=lambda job: (job.status == "queued", job.queued_at, job.id))
    ended = [job for job in jobs if not job.busy]
    ended.sort(key=lambda job: (job.created, job.id), reverse=True)
    return [*first, *ended]


def submitted() -> list[Job]:
    """All jobs that have a folder, in no order."""
    found = []
    for folder in record.folders():
        try:
            found.append(read(folder))
        except JobError:  # removed while this looked
            continue
    return found


# What is known of a job's folder, with the stamp of what that was read from.
_known: dict[Path, tuple["_Stamp", Job]] = {}
# The run of a job's folder, which stays the same once there is one.
_runs: dict[Path, str] = {}

_Stamp = tuple[Any, ...]


def read(folder: Path) -> Job:
    """The job of a folder; one whose files are damaged shows as failed.

    The same object as before is returned while nothing has changed, at the price of a look at the
    times of its files and at its locks.

    Raises:
        JobError: there is none.
    """
    before = _known.get(folder)
    if before is not None and before[0] == _stamp(folder, before[1].run_id):
        return before[1]
    run_id = record.read_state(folder).run
    stamp = _stamp(folder, run_id)
    try:
        job = _read(folder)
    except JobError:
        _known.pop(folder, None)
        raise
    if job.run_id == run_id:
        _known[folder] = (stamp, job)
        if len(_known) > 2 * len(record.folders()) + 8:  # of removed jobs
            for known in [place for place in list(_known) if not place.is_dir()]:
                _known.pop(known, None)
    return job


def _stamp(folder: Path, run_id: str | None) -> _Stamp:
    """Differs whenever something differs that a job is read from."""
    files = [folder / name for name in ("job.json", "state.json", "log.txt")]
    locked = [lock.is_held(folder)]
    if run_id is not None:
        run = workspace.runs_folder() / run_id
        files += [run / "events.jsonl", run / "config.json"]
        locked.append(lock.is_held(run))
    return (*map(_signature, files), *locked)


def _signature(path: Path) -> tuple[int, int, int] | None:
    """Of a file that is replaced or grows: a new one has another number, a longer one its size."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _run_of(folder: Path) -> str | None:
    if folder not in _runs:
        run_id = record.read_state(folder).run
        if run_id is None:
            return None
        _runs[folder] = run_id
    return _runs[folder]


def _read(folder: Path) -> Job:
    fixed = record.read_record(folder)
    if fixed.kind not in kinds.KINDS:
        raise JobError(f"The job {folder.name!r} is of another version.")
    job = _as_stored(fixed, record.read_state(folder))
    alive = lock.is_held(folder)
    if not alive and job.status == "running":
        # It may have ended since that was read; a lock is freed after the last word.
        job = _as_stored(fixed, record.read_state(folder))
        alive = lock.is_held(folder)
    if job.run_id is None:
        return _without_run(job, alive)
    run = job.run()
    if run is None:
        return replace(job, status="cancelled", message="Its run has been removed.", note="")
    said = run.state()
    if not alive and said.status == "queued":  # not begun
        return _without_run(job, alive)
    if alive or said.status == "running":
        return _training(job, run, said)
    return replace(job, status=said.status, message=said.message, note="")


def _as_stored(fixed: Record, state: State) -> Job:
    return Job(
        **vars(fixed),
        **{("run_id" if name == "run" else name): value for name, value in vars(state).items()},
    )


def _without_run(job: Job, alive: bool) -> Job:
    if alive:
        return replace(job, status="running", message="")
    if job.status == "running":
        pausable = kinds.kind(job.kind).pausable
        died = (
            "Its process ended without saying why: it was killed, or the machine stopped. "
            + ("Resume it to go on." if pausable else "Start it again.")
        )  # fmt: skip
        return replace(job, status="failed", message=f"{died} {end_of_log(job)}".strip())
    return job


def _training(job: Job, run: Run, said: RunState) -> Job:
    """A training that a process works on."""
    job = replace(job, status="running", message="")
    if said.status == "finished":
        return replace(job, note="Ending", progress=1.0, seconds_left=None)
    if said.status != "running":  # the process is starting
        return replace(job, note=job.note or "Starting")
    at = run.progress()
    epoch, epochs = at["epoch"], at["epochs"]
    if said.message != "Training" or not epoch or not epochs:
        return replace(job, note=said.message or job.note, seconds_left=None)
    share = (at["batch"] or 0) / at["batches"] if at["batches"] else 1.0
    return replace(
        job,
        note=f"Epoch {epoch} of {epochs}",
        progress=min(1.0, (epoch - 1 + share) / epochs),
        # The first epochs say little: the very first one includes what is built once.
        seconds_left=at["seconds_left"] if epoch - 1 + share >= _TIMED_EPOCHS else None,
    )


def _of_running_run(folder: Path) -> Job:
    """A run that some process trains without having been submitted, as a job."""
    run = Run(folder)
    job = Job(run.id, "training", f"Train {run.name}", folder, {}, run_id=run.id)
    return _training(job, run, run.state())


def end_of_log(job: Job) -> str:
    """The last line of its log as a sentence, or nothing."""
    last = job.log(1).splitlines()
    return f"The end of its log: {last[-1].strip()}" if last else ""


def _ask(job_id: str, what: str) -> Job:
    """Ask a job to pause or to end."""
    with record.deciding():
        job = open_job(job_id)
        owners.check_own(job.owner, job.title)
        if not job.busy:
            raise JobError(f"{job.title}: it isn't running, it is {job.status}.")
        if what == "pause" and not job.pausable:
            raise JobError(f"{job.title}: this can't be paused. Cancel it, or let it finish.")
        if job.status == "queued":
            status = "paused" if what == "pause" else "cancelled"
            record.conclude(job.folder, status, "It was taken out of the queue before it began.")
            if status == "cancelled":
                record.remove_files(job)
        else:
            if job.own_folder:  # else the command line trains it
                record.ask(job.folder, what)
            record.ask_run(job.run(), what)
    record.notify()
    return open_job(job_id)
