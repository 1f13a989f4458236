"""A shared server with twenty visitors at once, and what a hundred visits leave in its memory.

    python -m benchmarks.visitors [VISITORS] [VISITS]

Starts a shared server with the weights of this workspace, whose networks are awake. Twenty visitors
open Classify and bring a song of 45 s of their own in the same moment; they leave, and single
visits follow, each with a song, one after the other; the last one brings six WAVs of 19 MB. The
visitors are `tests.visitor`'s, not browsers: twenty of those would take all of this machine.
"""

import io
import json
import shutil
import statistics
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from benchmarks.app import resident_mb
from genre_engine.storage import owners
from genre_engine.storage.workspace import weights_folder
from pages.components.shared.text import plain
from tests.e2e import server
from tests.visitor import Visitor

SONG_S, RATE = 45.0, 22050
# Streamlit keeps the session of a closed tab for two minutes, in case that it comes back.
KEPT_S = 150.0
FEW = 10


class _Peak(threading.Thread):
    """The most memory that the server, and all its processes, have held at once."""

    def __init__(self, process: Any) -> None:
        super().__init__(daemon=True)
        self.process, self.server, self.all = process, 0.0, 0.0
        self.start()

    def run(self) -> None:
        while self.process.poll() is None:
            mine, others = _memory_mb(self.process)
            self.server, self.all = max(self.server, mine), max(self.all, mine + others)
            time.sleep(0.2)


def _memory_mb(process: Any) -> tuple[float, float]:
    children = [int(line.split()[0]) for line in server.children(process)]
    try:
        return resident_mb(process.pid), sum(map(resident_mb, children))
    except (OSError, IndexError):  # one has ended in this moment
        return 0.0, 0.0


def main() -> None:
    asked = [int(word) for word in sys.argv[1:]]
    n_visitors, n_visits = asked + [20, 100][len(asked) :]
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        workspace, log = Path(folder) / "workspace", Path(folder) / "log"
        if (weights := weights_folder()).is_dir():
            shutil.copytree(weights, workspace / "weights")
        with server.running(workspace, log, **{owners.VARIABLE: "1"}) as (address, process):
            visit(address, 0)  # wakes the networks up
            peak = _Peak(process)
            figures |= _at_once(address, n_visitors)
            figures["server, most, MB"], figures["with its processes, MB"] = peak.server, peak.all
            for number in range(n_visits):
                visit(address, 100 + number)
                if number + 1 in (min(FEW, n_visits), n_visits):
                    time.sleep(KEPT_S)
                    figures[f"server after {number + 1} visits, MB"] = _memory_mb(process)[0]
            if n_visits:
                _large(address)
                figures["server with six WAVs of 19 MB, MB"] = _memory_mb(process)[0]
                time.sleep(KEPT_S)
                figures["server after they were closed, MB"] = _memory_mb(process)[0]
        figures["tracebacks in the server's log"] = log.read_text(errors="replace").count(
            "Traceback"
        )
    for label, value in figures.items():
        sys.stdout.write(f"{label:48} {value:8.2f}\n")
    sys.stdout.write(json.dumps({label: round(value, 2) for label, value in figures.items()}))


def _at_once(address: str, n_visitors: int) -> dict[str, float]:
    """Visitors who are all there, then all bring their song in the same moment."""
    there = threading.Barrier(n_visitors)

    def one(number: int) -> tuple[float, float]:
        song = _song(SONG_S + number / 10)
        with Visitor(address) as visitor:
            visitor.open("classify")
            there.wait()
            return _classified(visitor, number, song)

    with ThreadPoolExecutor(n_visitors) as pool:
        tasks = [pool.submit(one, number) for number in range(n_visitors)]
    right = [task.result() for task in tasks if task.exception() is None]
    return {
        "visitors at once": n_visitors,
        "of them without a result": n_visitors - len(right),
        "first ranking, median, s": statistics.median(first for first, _ in right),
        "first ranking, slowest, s": max(first for first, _ in right),
        "whole song, slowest, s": max(whole for _, whole in right),
    }


def _classified(visitor: Visitor, number: int, song: bytes) -> tuple[float, float]:
    """Seconds from the upload's end to the first ranking, and to the whole song's."""
    name = f"song-{number}.flac"
    sent = visitor.upload(name, song)
    first = visitor.wait_for(b"so far", sent) - sent
    # Its length stands beside the name once all of it was heard.
    return first, visitor.wait_for(_finished(name), sent) - sent


def _finished(name: str) -> bytes:
    return f"{plain(name)}** ·".encode()


def visit(address: str, number: int) -> None:
    """One visitor comes, has a song classified, and leaves."""
    with Visitor(address) as visitor:
        visitor.open("classify")
        _classified(visitor, number, _song(SONG_S + number / 10))


def _large(address: str) -> None:
    """One visitor brings six WAVs of 19 MB, as much as is taken of one, and leaves."""
    with Visitor(address) as visitor:
        visitor.open("classify")
        for number in range(6):
            visitor.upload(f"large-{number}.wav", _song(215.0 + number / 10, "WAV"))
        visitor.wait_for(_finished("large-5.wav"))


def _song(duration_s: float, form: str = "FLAC") -> bytes:
    """A chord that swells; no two lengths are the same song."""
    times_s = np.arange(round(duration_s * RATE)) / RATE
    samples = sum(np.sin(2 * np.pi * pitch * times_s) for pitch in (220.0, 277.2, 329.6))
    out = io.BytesIO()
    soundfile.write(out, 0.2 * samples * (0.6 + 0.4 * np.sin(times_s)), RATE, format=form)
    return out.getvalue()


if __name__ == "__main__":
    main()
