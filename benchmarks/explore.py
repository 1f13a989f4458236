"""How quickly the Explore page answers with 55,701 tracks, and what memory its server takes.

    python benchmarks/explore.py [--metadata FOLDER] [--times 5] [--json FILE]

FOLDER holds MTG-Jamendo's tables; without it a table of the same size is drawn at random. A change
of a control is timed in a real browser, from the click until the page has settled.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.e2e import server

N_TRACKS = 55_701
ANSWER_S, BEFORE_MB, AFTER_MB = 1.0, 400, 600


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--metadata", type=Path)
    options.add_argument("--times", type=int, default=5, help="how often each control is changed")
    options.add_argument("--json", type=Path, help="write the figures here too")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as room:
        os.environ["GENRE_ENGINE_WORKSPACE"] = f"{room}/workspace"
        _prepare(given.metadata, Path(room))
        found = _measure(Path(room), given.times)
    found["metadata"] = "real" if given.metadata else "random"
    print(f"{'control':<34}{'median s':>10}{'of 1 s':>10}")
    for name, seconds in found["controls"].items():
        print(f"{name:<34}{seconds:>10.2f}{seconds / ANSWER_S:>10.0%}")
    print(f"{'all changes':<34}{found['median_s']:>10.2f}{found['median_s'] / ANSWER_S:>10.0%}")
    for name, limit in (("before_mb", BEFORE_MB), ("after_mb", AFTER_MB)):
        when = "before a track is drawn" if limit == BEFORE_MB else "after"
        print(f"server, {when:<26}{found[name]:>7.0f} MB{found[name] / limit:>10.0%} of {limit}")
    text = json.dumps(found, indent=2)
    print(text)
    if given.json:
        given.json.write_text(text + "\n", encoding="utf-8")


def _prepare(metadata: Path | None, room: Path) -> None:
    import soundfile

    from genre_engine import datasets

    if metadata is None:
        metadata = room / "raw_30s.tsv"
        _draw_table(metadata)
    audio = room / "audio"
    audio.mkdir()
    datasets.import_jamendo("jamendo", metadata, genres="all", audio=audio)
    first = datasets.open("jamendo").tracks["path"].iloc[0]
    (audio / first).parent.mkdir(parents=True)
    rng = np.random.default_rng(0)
    # An MP3 takes longer to decode than to be recognised by; the drawing is the same.
    soundfile.write(audio / first, rng.uniform(-0.5, 0.5, 44100 * 200), 44100, format="MP3")


def _draw_table(path: Path) -> None:
    rng = np.random.default_rng(0)
    weights = 1 / np.arange(1, 96)
    with path.open("w", newline="") as file:
        file.write("TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS\r\n")
        for n in range(1, N_TRACKS + 1):
            artist = int(3500 * rng.random() ** 2)
            genres = rng.choice(95, 1 + rng.integers(4), replace=False, p=weights / weights.sum())
            tags = "\t".join(f"genre---genre{g}" for g in genres)
            file.write(
                f"track_{n:07}\tartist_{artist:06}\talbum_{artist:06}\t{n % 100:02}/{n}.mp3\t"
                f"{rng.uniform(30, 400):.1f}\t{tags}\r\n"
            )


def _measure(room: Path, times: int) -> dict[str, Any]:
    from playwright.sync_api import sync_playwright

    with (
        server.running(room / "workspace", room / "log") as (address, process),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 1400})
        page.goto(f"{address}/explore")
        page.get_by_text("Artist overlap").first.wait_for(timeout=120_000)
        _settle(page)
        controls: dict[str, list[float]] = {}

        def change(name: str, act: Any) -> None:
            start = time.perf_counter()
            act()
            page.wait_for_timeout(30)
            _settle(page)
            controls.setdefault(name, []).append(time.perf_counter() - start)

        def radio(name: str) -> Any:
            return page.get_by_role("radio", name=name, exact=True).click

        search = page.get_by_placeholder("Words of title")
        for turn in range(times):
            change("split: random", radio("Random"))
            change("split: by artist", radio("By artist"))
            change("counts", radio("Count"))
            change("shares", radio("Share"))
            change("only these genres", radio("Only them"))
            change("any of these genres", radio("Any of them"))
            change("search", lambda word=f"electronic {turn}": _type(search, word))
            change("search for nothing", lambda: _type(search, ""))
            for tab in ("Genres together", "Lengths and artists", "Tracks"):
                change(f"open: {tab}", page.get_by_role("tab", name=tab).click)
        before = _memory_mb(process.pid)
        page.get_by_test_id("stDataFrame").first.click(position={"x": 18, "y": 55})
        page.locator(".st-key-track_panels").wait_for(timeout=120_000)
        _settle(page)
        after = _memory_mb(process.pid)
        browser.close()
    return {
        "median_s": statistics.median(t for times_ in controls.values() for t in times_),
        "controls": {name: statistics.median(found) for name, found in controls.items()},
        "before_mb": before,
        "after_mb": after,
        "processors": os.cpu_count(),
    }


def _type(field: Any, text: str) -> None:
    field.fill(text)
    field.press("Enter")


def _settle(page: Any) -> None:
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]", timeout=60_000)


def _memory_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
