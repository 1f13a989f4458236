"""The Classify page as a visitor has it: memory of the server, and time to the first ranking.

    python -m benchmarks.app [SONG]

Starts a server with the weights of this workspace and has ten visitors one after the other upload
the song (the bundled example, three times in a row, where none is named) in Chromium; prints a
table and the same as JSON. The first upload wakes the networks up and is counted by itself. Times
are from the upload's end, which the page answers with the song's card. The browser works on the
same processor as the server.
"""

import io
import json
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from playwright.sync_api import Browser, Page, sync_playwright

from genre_engine.prediction import example
from genre_engine.storage.workspace import weights_folder
from tests.e2e import server

UPLOADS = 10
TARGETS = {
    "server at rest, MB": 300,
    "server and listening process after songs, MB": 600,
    "first ranking after the upload, s (median)": 1.0,
    "first ranking of all, networks woken, s": 2.5,
}


def main() -> None:
    name, data = _song()
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder)
        if (weights := weights_folder()).is_dir():
            shutil.copytree(weights, workspace / "weights")
        with server.running(workspace, workspace / "log") as (address, process):
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path="/usr/bin/chromium", args=["--no-sandbox"]
                )
                page = _arrive(browser, address)
                figures["server at rest, MB"] = resident_mb(process.pid)
                waits = []
                for _ in range(UPLOADS):
                    waits.append(_upload(page, name, data))
                    page.close()
                    page = _arrive(browser, address)
                browser.close()
            children = [int(line.split()[0]) for line in server.children(process)]
            figures["server after songs, MB"] = resident_mb(process.pid)
            figures["listening process after songs, MB"] = sum(map(resident_mb, children))
    figures["server and listening process after songs, MB"] = (
        figures["server after songs, MB"] + figures["listening process after songs, MB"]
    )
    figures["first ranking after the upload, s (median)"] = statistics.median(waits[1:])
    figures["first ranking of all, networks woken, s"] = waits[0]
    for label, value in figures.items():
        target = f"   target: at most {TARGETS[label]}" if label in TARGETS else ""
        print(f"{label:50} {value:8.2f}{target}")
    print(json.dumps({label: round(value, 3) for label, value in figures.items()}))


def _song() -> tuple[str, bytes]:
    if len(sys.argv) > 1:
        path = Path(sys.argv[1])
        return path.name, path.read_bytes()
    samples, rate = soundfile.read(example.PATH)
    out = io.BytesIO()
    with soundfile.SoundFile(out, "w", rate, 2, "VORBIS", format="OGG") as file:
        # In pieces: libsndfile's Vorbis encoder overflows its stack on a minute at once.
        for second in np.array_split(np.tile(samples, (3, 1)), 3 * len(samples) // rate):
            file.write(second)
    return "song.ogg", out.getvalue()


def _arrive(browser: Browser, address: str) -> Page:
    page = browser.new_page()
    page.goto(f"{address}/classify")
    page.get_by_text(example.TITLE).first.wait_for()
    time.sleep(2)
    return page


def _upload(page: Page, name: str, data: bytes) -> float:
    file: Any = {"name": name, "mimeType": "audio/ogg", "buffer": data}
    page.get_by_test_id("stFileUploader").locator("input[type=file]").set_input_files(file)
    card = page.locator("[class*='st-key-song-']").filter(has_text=name).first
    card.wait_for(timeout=60_000)
    started = time.perf_counter()
    card.locator(".lane").first.wait_for(timeout=120_000)
    waited = time.perf_counter() - started
    card.get_by_text("Waveform").wait_for(timeout=120_000)
    return waited


def resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


if __name__ == "__main__":
    main()
