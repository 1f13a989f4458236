"""A process that writes tags, or takes them back, is killed at random; then all is looked at.

A forked process goes through a whole library and is killed by SIGKILL after a random time. Then
every file must be the old or the new one, by checksums of all its bytes; every entry of the
journals must say which; each sound must be what it was; and nothing may be left beside the files.
"""

import hashlib
import itertools
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import mutagen

from genre_engine.library import tag_files, tag_journal, tag_writing
from genre_engine.library.identity import sound_identity
from tests.library import tagged
from tests.library.songs import SUFFIXES, song
from tests.library.test_identity import set_tags

_FORK = multiprocessing.get_context("fork")
PICTURES = (0, 0, 0, 2_000, 90_000)


def fill(lib, n_files, forms=tuple(SUFFIXES), seed=0):
    """Files of all formats in turn, each with other tags, some without any."""
    rng = random.Random(seed)
    (root,) = lib.roots
    for number in range(n_files):
        form = forms[number % len(forms)]
        folder = root / f"album {number // 20:03}"
        folder.mkdir(exist_ok=True)
        path = folder / f"{number:05}{SUFFIXES[form]}"
        path.write_bytes(song(form))
        if rng.random() < 0.8:
            tags = {"title": f"Title {number} é"}
            if rng.random() < 0.6:
                tags["genres"] = rng.sample(["Rock", "Pop", "Jazz", "Old Time"], rng.randint(1, 3))
            if picture := rng.choice(PICTURES):
                tags["picture"] = picture
            set_tags(path, form, tags)
        tagged.add(lib, path)


def checksums(lib):
    """Path → checksum of all bytes, hidden files too."""
    return {
        str(path): hashlib.blake2b(data, digest_size=tag_files.DIGEST_BYTES).hexdigest()
        for path, data in tagged.contents(lib).items()
    }


@dataclass
class Report:
    """What was counted, and what was wrong, in sentences."""

    kills: int = 0
    written: int = 0
    dropped: int = 0
    in_between: int = 0
    leftovers: int = 0
    wrong: list = field(default_factory=list)


class Trial:
    """A library whose writers are killed."""

    def __init__(self, lib, seed=0):
        self.lib, self.rng = lib, random.Random(seed)
        self.first = self.now = checksums(lib)
        self.sounds = {path: sound_identity(Path(path)) for path in self.first}
        self.report = Report()
        self.longest_s = 0.0

    def work(self, number):
        """What a process does: every third time it takes back, else it writes."""
        if number % 3 == 2:
            tagged.undo(self.lib)
        else:
            mode = ("replace", "append")[number % 2]
            genres = [(f"Genre {number} {'x' * (number * 37 % 300)}", 1.0), ("Ünder", 0.9)]
            tagged.write(self.lib, mode, genres, keep_times=number % 2 == 0, **tagged.EVERYTHING)

    def measure(self):
        """How long a whole writing takes; it is taken back."""
        begun = time.monotonic()
        self.work(0)
        self.longest_s = time.monotonic() - begun
        tagged.undo(self.lib)
        self.check_all("a writing that was taken back", self.first)

    def kill(self, number):
        """Let a process work, kill it after a random time, and look at all that it has left."""
        known = self._batches()
        process = _FORK.Process(target=self.work, args=(number,))
        process.start()
        process.join(self.rng.uniform(0.0, 1.1 * self.longest_s))
        if process.is_alive():
            os.kill(process.pid, signal.SIGKILL)
        process.join()
        self._look(f"kill {number}", known)

    def kill_at(self, number, step, *, after):
        """The same, but killed before or after a step: the writing, moving or removing of a file.

        Returns:
            Whether there was such a step.
        """
        known = self._batches()
        process = _FORK.Process(target=self._work_until, args=(number, step, after))
        process.start()
        process.join()
        self._look(f"step {step}, {'after' if after else 'before'}", known)
        return process.exitcode == -signal.SIGKILL

    def _work_until(self, number, step, after):
        steps = itertools.count()

        def counted(real):
            def call(*args, **options):
                is_last = next(steps) == step
                if is_last and not after:
                    os.kill(os.getpid(), signal.SIGKILL)
                try:
                    return real(*args, **options)
                finally:
                    if is_last:
                        os.kill(os.getpid(), signal.SIGKILL)

            return call

        for name in ("open", "fsync", "replace", "unlink", "mkdir", "ftruncate", "utime"):
            setattr(os, name, counted(getattr(os, name)))
        self.work(number)

    def _batches(self):
        return {batch.id for batch in tag_journal.batches(self.lib.folder)}

    def _look(self, when, known):
        """Every entry of the batch that was killed is true, and no other file was touched."""
        self.report.kills += 1
        self.report.leftovers += sum(path not in self.first for path in checksums(self.lib))
        self.report.in_between += sum(
            entry.state in ("begun", "ready") for entry in self._entries(known)
        )
        with tag_writing.locked(self.lib):
            pass
        after, expected = checksums(self.lib), dict(self.now)
        for entry in self._entries(known):
            if entry.state == "written":
                self.report.written += 1
                if entry.old_hash != self.now[entry.path]:
                    self.report.wrong.append(f"{when}: {entry.path}: not the old checksum")
                expected[entry.path] = entry.new_hash
            elif entry.state == "dropped":
                self.report.dropped += 1
            else:
                self.report.wrong.append(f"{when}: {entry.path}: {entry.state}")
        self.check_all(when, expected)
        touched = [path for path in after if after[path] != self.now.get(path)]
        self.now = after
        for path in touched:
            if path in self.sounds and sound_identity(Path(path)) != self.sounds[path]:
                self.report.wrong.append(f"{when}: {path}: another sound")
            self.check_readable(when, path)
        for path in self.rng.sample(touched, min(3, len(touched))):
            self.check_ffprobe(when, path)

    def _entries(self, known):
        """The entries of the batches that are new."""
        return [
            entry
            for batch in tag_journal.batches(self.lib.folder)
            if batch.id not in known
            for entry in batch.entries()
        ]

    def check_all(self, when, expected):
        after = checksums(self.lib)
        for path in sorted(set(after) | set(expected)):
            if after.get(path) != expected.get(path):
                self.report.wrong.append(f"{when}: {path}: not the bytes that it should have")

    def check_readable(self, when, path):
        try:
            if mutagen.File(path) is None:
                self.report.wrong.append(f"{when}: {path}: mutagen doesn't know it")
        except mutagen.MutagenError as error:
            self.report.wrong.append(f"{when}: {path}: {error}")

    def check_ffprobe(self, when, path):
        if shutil.which("ffprobe") is None:
            return
        command = ["ffprobe", "-v", "quiet", "-show_entries", "stream=codec_name", path]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode or "codec_name" not in done.stdout:
            self.report.wrong.append(f"{when}: {path}: ffprobe can't read it")

    def finish(self, *, ffprobe_all=False):
        """Look at all files as they are, then take everything back: as it was in the beginning."""
        for path in self.now:
            self.check_readable("in the end", path)
            if ffprobe_all:
                self.check_ffprobe("in the end", path)
        result = tagged.undo(self.lib, everything=True)
        self.report.wrong += [f"undo: {left.path}: {left.text}" for left in result.left_out]
        self.check_all("all taken back", self.first)
        for path, sound in self.sounds.items():
            if sound_identity(Path(path)) != sound:
                self.report.wrong.append(f"all taken back: {path}: another sound")
        return self.report


def size_of_journals(lib):
    """Bytes of all journals."""
    folder = lib.folder / tag_journal.FOLDER
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
