"""Fetching MTG-Jamendo's audio into a data set: in parallel, resumable at any moment.

    from genre_engine.download import jamendo_audio
    jamendo_audio.plan({"name": "small", "per_genre": 50, "excerpt_s": 30}).to_dict()
    jamendo_audio.download({"name": "small", "per_genre": 50, "excerpt_s": 30})

What lies in the data set's folder:

    audio/41/241.low.mp3        whole tracks; middles of 30 s are below audio-30s/
    download/journal.jsonl      what is done (journal.py)
    failures.parquet            what could not be fetched and why, again after each download

A file takes its name only when it is whole and checked, so whatever bears one is right. A killed
download leaves parts, which the next one goes on with, and perhaps a file that the journal doesn't
know, which it finds.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import pandas as pd

from genre_engine.audio import mp3_frames
from genre_engine.datasets import store
from genre_engine.datasets import tracks as track_table
from genre_engine.datasets.store import Dataset
from genre_engine.download import jamendo_metadata as addresses
from genre_engine.download import jamendo_plan, mp3_excerpt
from genre_engine.download.jamendo_archives import Archives
from genre_engine.download.jamendo_plan import MAX_TRACK_BYTES, Plan, Request, plan
from genre_engine.download.journal import Journal
from genre_engine.download.workers import Workers
from genre_engine.errors import DownloadError
from genre_engine.storage import workspace
from genre_engine.storage.lock import exclusively
from genre_engine.web.fetch import fetch_alone, wrong
from genre_engine.web.http import Retry

__all__ = ["Outcome", "Plan", "Request", "download", "plan"]

# After so many failures in a row nothing that follows will do better.
_HOPELESS = 20
# Below this, how long it took says more about waiting than about the line.
_MEASURED_BYTES = 5_000_000


class Progress(Protocol):
    """Called a few times a second with how far it is; `bytes_total` is an estimate."""

    def __call__(
        self, done: int, total: int, failed: int, bytes_done: int, bytes_total: int
    ) -> None: ...


@dataclass(frozen=True)
class Outcome:
    """How a download ended.

    Attributes:
        done: tracks whose audio is there now, of `total`; `fetched` of them came just now.
        n_bytes: that came, with what was thrown away.
        failures: what could not be fetched: track_id, error, message.
        notes: sentences for the user.
        stopped: it was asked to stop.
    """

    dataset: Dataset
    total: int
    done: int
    fetched: int
    n_bytes: int
    seconds: float
    failures: pd.DataFrame
    notes: tuple[str, ...]
    stopped: bool

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "name": self.dataset.name,
            "total": self.total,
            "done": self.done,
            "fetched": self.fetched,
            "bytes": self.n_bytes,
            "seconds": self.seconds,
            "failures": self.failures.to_dict("records"),
            "notes": list(self.notes),
            "stopped": self.stopped,
        }


def download(
    request: Plan | Request | Mapping[str, Any],
    *,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
    retry: Retry | None = None,
) -> Outcome:
    """Fetch the audio that a request or its plan asks for, and make the data set if there is none.

    What is there already isn't fetched again; what fails is named, the rest is done.

    Args:
        should_stop: asked a few times a second; what has come is kept.

    Raises:
        WrongUsage, DatasetError: as `jamendo_plan.plan`.
        DownloadError: the metadata can't be fetched, one track after the other fails, or the same
            data set is being fetched by another program.
        StorageError: a file can't be written, or the disk hasn't room for all.
    """
    made = request if isinstance(request, Plan) else plan(request)
    jamendo_plan.check_room(made.bytes_kept)
    dataset = _dataset(made)
    refusal = DownloadError(
        f"The audio of {dataset.name!r} is being fetched by another program at this moment. Wait "
        "for it, or stop it."
    )
    folder = workspace.make_folder(dataset.folder / "download")
    with exclusively(folder / ".lock", refusal), Journal(folder / "journal.jsonl") as journal:
        run = _Run(made, dataset, journal, progress, should_stop, retry or Retry())
        return run.run()


def _dataset(made: Plan) -> Dataset:
    """The data set, made where there is none, with where its audio lies written down."""
    name = made.request.name
    folder = jamendo_plan.audio_folder(made)
    audio = {"audio": folder, "audio_excerpt_s": made.request.excerpt_s}
    if made.imported is not None:
        from genre_engine.datasets import jamendo

        imported = replace(made.imported, extra=made.imported.extra | audio)
        with store.building(name) as room:
            store.save(room, name, jamendo.KIND, imported, made.genres)
        return store.load(name)
    dataset = store.load(name)
    return store.update(dataset, **audio)


class _Run:
    def __init__(
        self,
        made: Plan,
        dataset: Dataset,
        journal: Journal,
        progress: Progress | None,
        should_stop: Callable[[], bool] | None,
        retry: Retry,
    ) -> None:
        self.plan, self.request, self.dataset, self.journal = made, made.request, dataset, journal
        self.progress, self.should_stop = progress, should_stop
        self.workers = Workers(made.request.jobs, retry)
        self.web = self.workers.web
        self.folder = dataset.audio_folder
        rows = zip(
            made.tracks["track_id"], made.tracks["file"], made.tracks["duration_s"], strict=True
        )
        self.tracks = {track_id: (file, float(s or 0)) for track_id, file, s in rows}
        self.lost = False  # files that were done and are gone
        self.done = self._look()
        self.failed: dict[str, tuple[str, str]] = {}
        self.notes: list[str] = []
        self.in_a_row = 0  # failures

    def _look(self) -> set[str]:
        """The tracks that are there: as the journal says, or found whole without it."""
        there = jamendo_plan.sizes(self.folder)
        done = set()
        for track_id, (file, _) in self.tracks.items():
            known = self.journal.tracks.get(track_id)
            size = there.get(file)
            if size is None or (known is not None and size != known):
                self.lost |= known is not None and known >= 0
                continue
            if known is None:
                if wrong(self.folder / file, self._sum(file), check=mp3_frames.problem):
                    continue
                self.journal.track(track_id, size)
            done.add(track_id)
        return done

    def _sum(self, file: str) -> str | None:
        return None if self.request.excerpt_s else self.plan.sums.tracks.get(file)

    def run(self) -> Outcome:
        begun, n_before = time.monotonic(), len(self.done)
        left = {track_id: self.tracks[track_id] for track_id in self.tracks.keys() - self.done}
        for file in {file.partition("/")[0] for file, _ in left.values()}:
            workspace.make_folder(self.folder / file)
        if self.request.tars:
            archives = Archives(
                made=self.plan,
                folder=self.folder,
                journal=self.journal,
                workers=self.workers,
                afresh=self.lost,
                notes=self.notes,
            )
            self.workers.work.extend(archives.jobs(left))
        else:
            order = [track_id for track_id in self.tracks if track_id in left]
            self.workers.work.extend(_bound(self._track, track_id) for track_id in order)
        self.workers.run(self._on_report, self._tick)
        return self._ended(n_before, time.monotonic() - begun)

    def _on_report(self, track_id: str, error: BaseException | None) -> None:
        """What a worker reports of a track.

        Raises:
            DownloadError: one after the other fails.
        """
        self.in_a_row = 0 if error is None else self.in_a_row + 1
        if error is None:
            self.done.add(track_id)
            return
        self.done.discard(track_id)
        self.failed[track_id] = (type(error).__name__, str(error))
        if self.in_a_row >= _HOPELESS and not self.request.tars:
            raise DownloadError(
                f"{self.in_a_row} tracks in a row can't be fetched; the last: {error} What has "
                "come is kept: start again when that is corrected."
            )

    def _tick(self) -> None:
        if self.progress:
            come = self.web.n_bytes
            total = max(come, self.plan.bytes_needed)
            self.progress(len(self.done), len(self.tracks), len(self.failed), come, total)
        if self.should_stop and self.should_stop():
            self.workers.stop.set()

    def _ended(self, n_before: int, seconds: float) -> Outcome:
        n_bytes = self.web.n_bytes
        unfinished = len(self.tracks) - len(self.done) - len(self.failed)
        if n_bytes >= _MEASURED_BYTES and seconds > 0:
            jamendo_plan.keep_rate(self.plan.base, n_bytes / seconds)
        self._clear()
        order = [track_id for track_id in self.tracks if track_id in self.failed]
        failures = track_table.failures((t, *self.failed[t]) for t in order)
        dataset = store.record_failures(self.dataset, failures)
        return Outcome(
            dataset=dataset,
            total=len(self.tracks),
            done=len(self.done),
            fetched=len(self.done) - n_before,
            n_bytes=n_bytes,
            seconds=seconds,
            failures=failures,
            notes=tuple(self.notes),
            stopped=unfinished > 0,
        )

    def _clear(self) -> None:
        """Remove what kills between two steps have left beside files that are whole."""
        whole = {self.tracks[track_id][0] for track_id in self.done}
        for path in self.folder.glob("*/.*.part*"):
            name = path.name[1:].removesuffix(".json").removesuffix(".part")
            if f"{path.parent.name}/{name}" in whole:
                with workspace.storage_errors(path):
                    path.unlink(missing_ok=True)

    def _track(self, track_id: str) -> None:
        """Fetch one track's file."""
        file, duration_s = self.tracks[track_id]
        target = self.folder / file
        url = addresses.track_url(self.plan.base, file)
        try:
            if self.request.excerpt_s is None:
                came = 0

                def advance(name: str, done: int, total: int) -> None:
                    nonlocal came
                    self.web.count(max(0, done - came))
                    came = done

                n_bytes = fetch_alone(
                    url,
                    target,
                    web=self.web,
                    retry=self.workers.retry,
                    sha256=self._sum(file),
                    max_bytes=MAX_TRACK_BYTES,
                    check=mp3_frames.problem,
                    progress=advance,
                )
            else:
                n_bytes = mp3_excerpt.fetch_middle(
                    url,
                    target,
                    duration_s=duration_s,
                    seconds=self.request.excerpt_s,
                    web=self.web,
                    retry=self.workers.retry,
                    max_bytes=MAX_TRACK_BYTES,
                    count=self.web.count,
                )
        except DownloadError as error:
            self.workers.report(track_id, error)
            return
        self.journal.track(track_id, n_bytes)
        self.workers.report(track_id, None)


def _bound(function: Callable[..., None], *arguments: Any) -> Callable[[], None]:
    return lambda: function(*arguments)
