"""What a report costs, and how quickly the Results page follows the threshold slider.

    python -m benchmarks.metrics [--times 5] [--json FILE] [--no-browser]

11,000 tracks of 10 genres by 1,000 artists are judged with 1,000 bootstrap draws, over tracks and
over artists, with distinct scores and with scores of 200 steps (as forests give them). The slider
is moved in a real browser, from the key to the redrawn curves. The figures hold for a machine that
does nothing else.
"""

import argparse
import importlib
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from genre_engine import metrics

TRACKS, GENRES, ARTISTS, DRAWS = 11_000, 10, 1_000, 1_000
REPORT_S, SLIDER_S = 2.0, 0.3

Figure = dict[str, Any]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--times", type=int, default=5)
    options.add_argument("--json", type=Path, help="write the figures here too")
    options.add_argument("--no-browser", action="store_true", help="leave the slider out")
    given = options.parse_args()
    found = reports(given.times)
    if not given.no_browser:
        found.append(slider(max(10, given.times)))
    width = max(len(line["name"]) for line in found)
    for line in found:
        judged = "met" if line["value"] <= line["target"] else "MISSED"
        print(
            f"{line['name']:{width}}  {line['value']:6.2f} s  (lowest {line['lowest']:.2f}, "
            f"highest {line['highest']:.2f})  {line['value'] / line['target']:4.0%} of "
            f"{line['target']:g} s  {judged}"
        )
    text = json.dumps(found, indent=2)
    print(text)
    if given.json:
        given.json.write_text(text + "\n", encoding="utf-8")


def timed(name: str, target: float, times: list[float]) -> Figure:
    return {
        "name": name,
        "value": round(statistics.median(times), 4),
        "lowest": round(min(times), 4),
        "highest": round(max(times), 4),
        "unit": "s",
        "target": target,
    }


def seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def reports(times: int) -> list[Figure]:
    rng = np.random.default_rng(0)
    y = (rng.random((TRACKS, GENRES)) < 0.17).astype(np.uint8)
    p = 1 / (1 + np.exp(-(rng.normal(size=y.shape) + 2 * y - 2)))
    names = [f"genre {index}" for index in range(GENRES)]
    artists = rng.integers(0, ARTISTS, TRACKS).tolist()
    metrics.evaluate(y[:100], p[:100], genres=names, draws=2)  # what is imported once
    found = []
    for scores, kind in ((p, "distinct scores"), (np.round(p * 200) / 200, "200 steps")):
        for groups, over in ((None, "tracks"), (artists, "artists")):

            def judge(scores: Any = scores, groups: Any = groups) -> None:
                metrics.evaluate(y, scores, genres=names, groups=groups, draws=DRAWS).to_dict()

            took = [seconds(judge) for _ in range(times)]
            found.append(timed(f"report over {over}, {kind}", REPORT_S, took))
    return found


def slider(times: int) -> Figure:
    """From a press of an arrow key to the curves' new line."""
    from playwright.sync_api import sync_playwright

    from tests.e2e import server

    made: Any = importlib.import_module("tests.finished_runs")
    with tempfile.TemporaryDirectory() as room:
        workspace = Path(room) / "workspace"
        os.environ["GENRE_ENGINE_WORKSPACE"] = str(workspace)
        made.finished("bench", skill=0.4, y=made.truth(TRACKS), artists=ARTISTS)
        with (
            server.running(workspace, Path(room) / "log") as (address, _),
            sync_playwright() as playwright,
        ):
            browser = playwright.chromium.launch(
                executable_path="/usr/bin/chromium", args=["--no-sandbox"]
            )
            page = browser.new_page(viewport={"width": 1280, "height": 1600})
            page.goto(f"{address}/metrics?run=bench&shown=Thresholds")
            page.wait_for_selector(".live-plot .main-svg", timeout=120_000)
            page.wait_for_timeout(3000)
            page.get_by_role("slider").first.focus()
            took = [_moved(page) for _ in range(times + 2)][2:]
            browser.close()
    return timed("threshold slider", SLIDER_S, took)


def _moved(page: Any) -> float:
    before = page.locator(".live-plot").get_attribute("data-updates")
    started = time.perf_counter()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "before => document.querySelector('.live-plot').dataset.updates !== before",
        arg=before,
        polling=5,
    )
    took = time.perf_counter() - started
    page.wait_for_timeout(300)
    return took


if __name__ == "__main__":
    main()
