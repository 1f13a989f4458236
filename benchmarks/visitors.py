"""A shared server with twenty visitors at once, and what a hundred visits leave in its memory.

    python -m benchmarks.visitors [VISITORS] [VISITS]

Starts a shared server with the weights of this workspace. Twenty visitors, each with cookies of
their own, open Classify in Chromium and drop a song of their own at once; then they close their
tabs, and single visits follow, each with a song, one after the other. The browser works on the same
processor as the server, which is most of the load with twenty open pages.
"""

import io
import json
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.app import resident_mb
from genre_engine.prediction import example
from genre_engine.storage import owners
from genre_engine.storage.workspace import weights_folder
from tests.e2e import server

SONG_S, RATE = 45.0, 22050
PATIENCE_S = 300.0
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
        workspace = Path(folder) / "workspace"
        if (weights := weights_folder()).is_dir():
            shutil.copytree(weights, workspace / "weights")
        with (
            server.running(workspace, Path(folder) / "log", **{owners.VARIABLE: "1"}) as (
                address,
                process,
            ),
            sync_playwright() as playwright,
        ):
            browser = playwright.chromium.launch(
                executable_path="/usr/bin/chromium", args=["--no-sandbox"]
            )
            peak = _Peak(process)
            figures |= _at_once(browser, address, n_visitors)
            figures["server, most, MB"], figures["with its processes, MB"] = peak.server, peak.all
            for visit in range(n_visits):
                _visit(browser, address, visit)
                if visit + 1 in (min(FEW, n_visits), n_visits):
                    time.sleep(KEPT_S)
                    figures[f"server after {visit + 1} visits, MB"] = _memory_mb(process)[0]
            browser.close()
            log = (Path(folder) / "log").read_text(errors="replace")
            figures["tracebacks in the server's log"] = log.count("Traceback")
    for label, value in figures.items():
        sys.stdout.write(f"{label:48} {value:8.2f}\n")
    sys.stdout.write(json.dumps({label: round(value, 2) for label, value in figures.items()}))


def _at_once(browser: Browser, address: str, n_visitors: int) -> dict[str, float]:
    pages = [_arrive(browser, address) for _ in range(n_visitors)]
    dropped = [_drop(page, number) for number, page in enumerate(pages)]
    waits = _until_each(pages, dropped, lambda page, number: _card(page, number).locator(".lane"))
    whole = _until_each(
        pages, dropped, lambda page, number: _card(page, number).get_by_text("Waveform")
    )
    for page in pages:
        page.context.close()
    return {
        "visitors at once": n_visitors,
        "of them without a result": n_visitors - len(whole),
        "first ranking, median, s": statistics.median(waits),
        "first ranking, slowest, s": max(waits),
        "whole song, slowest, s": max(whole),
    }


def _until_each(
    pages: list[Page], dropped: list[float], there: Callable[[Page, int], Any]
) -> list[float]:
    """How long after its drop each page showed something; those that never did are left out."""
    waits: dict[int, float] = {}
    end = time.perf_counter() + PATIENCE_S
    while len(waits) < len(pages) and time.perf_counter() < end:
        for number, page in enumerate(pages):
            if number not in waits and there(page, number).count():
                waits[number] = time.perf_counter() - dropped[number]
        pages[0].wait_for_timeout(50)
    return list(waits.values())


def _arrive(browser: Browser, address: str) -> Page:
    page = browser.new_context().new_page()
    page.goto(f"{address}/classify")
    page.get_by_text(example.TITLE).first.wait_for(timeout=1000 * PATIENCE_S)
    return page


def _drop(page: Page, number: int) -> float:
    song = _song(SONG_S + number / 10)
    file: Any = {"name": f"song-{number}.flac", "mimeType": "audio/flac", "buffer": song}
    page.get_by_test_id("stFileUploader").locator("input[type=file]").set_input_files(file)
    return time.perf_counter()


def _song(duration_s: float) -> bytes:
    """A chord that swells; no two lengths are the same song."""
    times_s = np.arange(round(duration_s * RATE)) / RATE
    samples = sum(np.sin(2 * np.pi * pitch * times_s) for pitch in (220.0, 277.2, 329.6))
    out = io.BytesIO()
    soundfile.write(out, 0.2 * samples * (0.6 + 0.4 * np.sin(times_s)), RATE, format="FLAC")
    return out.getvalue()


def _card(page: Page, number: int) -> Any:
    return page.locator("[class*='st-key-song-']").filter(has_text=f"song-{number}.flac").first


def _visit(browser: Browser, address: str, number: int) -> None:
    page = _arrive(browser, address)
    _drop(page, 1000 + number)
    _card(page, 1000 + number).get_by_text("Waveform").wait_for(timeout=1000 * PATIENCE_S)
    page.context.close()


if __name__ == "__main__":
    main()
