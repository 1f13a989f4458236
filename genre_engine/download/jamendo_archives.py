"""MTG-Jamendo's archives as the way to its tracks: which are needed, and how far each has come."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from genre_engine.audio import mp3_frames
from genre_engine.download import jamendo_metadata as addresses
from genre_engine.download import mp3_excerpt, tar_stream
from genre_engine.download.jamendo_plan import MAX_TRACK_BYTES, Plan
from genre_engine.download.journal import Journal
from genre_engine.download.workers import Job, Workers
from genre_engine.errors import DownloadError
from genre_engine.storage import workspace
from genre_engine.web.fetch import wrong
from genre_engine.web.http import NotThere


@dataclass(frozen=True)
class Archives:
    """Makes the jobs that read them.

    Attributes:
        afresh: files that were there are gone, so what the journal says of archives is no help.
        notes: sentences for the user are added here.
    """

    made: Plan
    folder: Path
    journal: Journal
    workers: Workers
    afresh: bool
    notes: list[str]

    def jobs(self, left: Mapping[str, tuple[str, float]]) -> Iterator[Job]:
        """One for each archive; `left` is file name and duration by track_id."""
        by_tar: dict[str, dict[str, str]] = {}
        for track_id, (file, _) in left.items():
            by_tar.setdefault(file.partition("/")[0], {})[file] = track_id
        durations = dict(left.values())
        for number in sorted(by_tar):
            yield _Archive(self, number, by_tar[number], durations).read


class _Archive:
    def __init__(
        self, all_: Archives, number: str, wanted: dict[str, str], durations: Mapping[str, float]
    ) -> None:
        self.all, self.number, self.durations = all_, number, durations
        self.wanted = wanted  # track_id by name in the archive
        self.taken: list[str] = []

    def read(self) -> None:
        """Unpack what is wanted, and report what became of each track."""
        known = {} if self.all.afresh else self.all.journal.tars.get(self.number, {})
        missing = set(known.get("missing", ()))
        if missing:
            # It was read to its end, so reading it again would find no more.
            for file in [file for file, track_id in self.wanted.items() if track_id in missing]:
                self._missing(self.wanted.pop(file))
            if not self.wanted:
                return
        place = tar_stream.Place()
        if "next" in known:
            place = tar_stream.Place(known["next"], known["total"], known["validator"])
        try:
            found = self._unpacked(place)
        except DownloadError as error:
            for file, track_id in self.wanted.items():
                if file not in self.taken:
                    self.all.workers.report(track_id, error)
            return
        for file, reason in found.refused.items():
            self.all.workers.report(self.wanted[file], DownloadError(reason))
        absent = [
            self.wanted[file]
            for file in self.wanted
            if file not in found.refused and file not in self.taken
        ]
        self.all.journal.tar(self.number, missing=[*missing, *absent])
        for track_id in absent:
            self._missing(track_id)

    def _missing(self, track_id: str) -> None:
        name = addresses.tar_name(self.number)
        self.all.workers.report(track_id, NotThere(f"The archive {name} has no such track."))

    def _unpacked(self, place: tar_stream.Place) -> tar_stream.Unpacked:
        sums = self.all.made.sums
        for last in (False, True):
            try:
                found = self._once(place)
            except tar_stream.Changed:
                place = tar_stream.Place()
            except tar_stream.Spoilt:
                if all(name in sums.tracks for name in self.taken):
                    self.all.notes.append(
                        f"The archive {self.number} has another checksum than listed; each of the "
                        "tracks taken from it has the listed one."
                    )
                    return tar_stream.Unpacked((), {}, checked=False)
                self._take_back()
                place = tar_stream.Place()
                if last:
                    raise
            else:
                if self.number in sums.tars and not found.checked:
                    self.all.notes.append(
                        f"The archive {self.number} came in pieces, so its checksum couldn't be "
                        "compared."
                    )
                return found
        return self._once(tar_stream.Place())

    def _once(self, place: tar_stream.Place) -> tar_stream.Unpacked:
        every = self.all
        return tar_stream.unpack(
            addresses.tar_url(every.made.base, self.number),
            {name: self._part(name) for name in self.wanted if name not in self.taken},
            web=every.workers.web,
            retry=every.workers.retry,
            take=self._take,
            place=place,
            noted=self._noted,
            sha256=every.made.sums.tars.get(self.number),
            max_bytes=MAX_TRACK_BYTES,
            count=every.workers.web.count,
        )

    def _noted(self, place: tar_stream.Place) -> None:
        self.all.journal.tar(
            self.number, next=place.offset, total=place.total, validator=place.validator
        )
        self.all.workers.report(self.wanted[self.taken[-1]], None)

    def _part(self, name: str) -> Path:
        target = self.all.folder / name
        return target.with_name(f".{target.name}.part")

    def _take(self, name: str, part: Path) -> None:
        """Check a file and put it, or its middle, in its place.

        Raises:
            DownloadError: it isn't what it should be.
        """
        problem = wrong(part, self.all.made.sums.tracks.get(name), check=mp3_frames.problem)
        if problem:
            raise DownloadError(f"In the archive it is not what it should be: {problem}.")
        target, seconds = self.all.folder / name, self.all.made.request.excerpt_s
        if seconds is None:
            with workspace.storage_errors(target):
                n_bytes = part.stat().st_size
                part.replace(target)
        else:
            data, length_s = mp3_excerpt.cut(part.read_bytes(), self.durations[name], seconds)
            if not length_s:
                raise DownloadError("No piece can be taken from it.")
            mp3_excerpt.write(target, data)
            n_bytes = len(data)
        self.all.journal.track(self.wanted[name], n_bytes)
        self.taken.append(name)

    def _take_back(self) -> None:
        """Remove what came from an archive that isn't what it should be."""
        for name in self.taken:
            with workspace.storage_errors(self.all.folder / name):
                (self.all.folder / name).unlink(missing_ok=True)
            self.all.journal.track(self.wanted[name], -1)
        self.all.journal.tar(self.number)
        self.taken.clear()
