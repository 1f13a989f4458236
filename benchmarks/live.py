"""A training as its visitor sees it: how soon there are points, and what others feel of it.

    python -m benchmarks.live

Makes a demo set with its features, starts a server, and in Chromium

- clicks on Start and waits for the curve's first point, and for later points after their epochs;
- clicks to and fro between Classify and Explore, at rest and while a training runs;
- with GENRE_ENGINE_HOSTED=1, adds up the memory of the server and all its processes.

Prints a table and the same as JSON. The browser works on the same processor as the server.
"""

import json
import os
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from genre_engine import datasets, extraction, features, runs
from tests.e2e import server

CLICKS = 20
POINTS = 20
TRACKS = 300
# Long enough to be measured in; epochs of some tenths of a second.
RECIPE = "data=demo&model=fcn&set=epochs:1000%20patience:200"
TARGETS = {
    "from Start to the first point, s": 12.0,
    "from an epoch's end to its point, s (median)": 1.5,
    "click while training / click at rest": 2.0,
    "hosted, server and training, MB": 2400.0,
}


def main() -> None:
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder) / "workspace"
        os.environ["GENRE_ENGINE_WORKSPACE"] = str(workspace)
        data = datasets.make_demo("demo", tracks=TRACKS)
        extraction.extract(data, features.kind("summary"))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path="/usr/bin/chromium", args=["--no-sandbox"]
            )
            with server.running(workspace, workspace / "log") as (address, _):
                _watched(browser, address, figures)
            os.environ["GENRE_ENGINE_HOSTED"] = "1"
            with server.running(workspace, workspace / "log") as (address, process):
                page, run, _ = _start(browser, address)
                _until(lambda: len(run.epochs()) >= POINTS)
                figures["hosted, server and training, MB"] = _resident_mb(process.pid)
                page.get_by_role("button", name="Cancel").click()
                _until(lambda: run.status == "cancelled")
            browser.close()
    for label, value in figures.items():
        target = f"   target: at most {TARGETS[label]:g}" if label in TARGETS else ""
        print(f"{label:50} {value:8.2f}{target}")
    print(json.dumps({label: round(value, 3) for label, value in figures.items()}))


def _watched(browser: Browser, address: str, figures: dict[str, float]) -> None:
    at_rest = _clicks(browser, address)
    page, run, began = _start(browser, address)
    _until(lambda: _points(page) >= 1)
    figures["from Start to the first point, s"] = time.perf_counter() - began
    figures["from an epoch's end to its point, s (median)"] = statistics.median(_delays(page, run))
    page.close()
    training = _clicks(browser, address)
    run.request("cancel")
    _until(lambda: run.status == "cancelled")
    figures["click at rest, s (median)"] = statistics.median(at_rest)
    figures["click while training, s (median)"] = statistics.median(training)
    figures["click while training / click at rest"] = statistics.median(
        training
    ) / statistics.median(at_rest)


def _start(browser: Browser, address: str) -> tuple[Page, Any, float]:
    page = browser.new_page()
    page.goto(f"{address}/train?{RECIPE}")
    start = page.get_by_role("button", name="Start", exact=True)
    start.wait_for(timeout=60_000)
    began = time.perf_counter()
    start.click()
    page.wait_for_url("**run=**", timeout=60_000)
    return page, runs.open(page.url.split("run=")[1].split("&")[0]), began


def _points(page: Page) -> int:
    chart = page.locator(".live-plot").first
    if not chart.count():
        return 0
    found = chart.evaluate(
        "g => (g.data ?? []).filter(t => t.name === 'validation').map(t => t.x.length)[0] ?? 0"
    )
    return int(found)


def _delays(page: Page, run: Any) -> list[float]:
    """From the time that an epoch's event was written to its point on the page."""
    delays: list[float] = []
    while len(delays) < POINTS:
        drawn = _points(page)
        _until(partial(_has_more, page, drawn))
        now = time.time()
        # The first of those that came together has waited the longest.
        delays.append(now - run.epochs()[drawn]["time"])
    return delays


def _has_more(page: Page, drawn: int) -> bool:
    return _points(page) > drawn


def _clicks(browser: Browser, address: str) -> list[float]:
    page = browser.new_page()
    page.goto(f"{address}/classify")
    pages = {"Explore": "What is in the music?", "Classify": "What genre is this song?"}
    page.get_by_role("heading", name=pages["Classify"]).wait_for(timeout=60_000)
    times = []
    for number in range(CLICKS + 2):
        name = ("Explore", "Classify")[number % 2]
        link = page.get_by_test_id("stSidebarNavLink").filter(has_text=name)
        began = time.perf_counter()
        link.click()
        page.get_by_role("heading", name=pages[name]).wait_for(timeout=60_000)
        times.append(time.perf_counter() - began)
        time.sleep(0.5)
    page.close()
    return times[2:]  # the first visit of each page reads its data


def _until(true: Any, seconds: float = 180) -> None:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError("the app didn't come so far")
        time.sleep(0.02)


def _resident_mb(pid: int) -> float:
    """Of a process and all that descend from it."""
    total = 0.0
    for place in Path("/proc").iterdir():
        if place.name.isdecimal() and pid in _line(int(place.name)):
            status = (place / "status").read_text()
            if "VmRSS:" in status:
                total += int(status.split("VmRSS:")[1].split()[0]) / 1024
    return total


def _line(pid: int) -> list[int]:
    """A process and its ancestors."""
    found = []
    while pid > 1:
        found.append(pid)
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            break
        pid = int(stat.rpartition(")")[2].split()[1])
    return found


if __name__ == "__main__":
    main()
