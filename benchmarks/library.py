"""What a library costs: analysis, a second scan, a filter.

    python -m benchmarks.library [--songs 24] [--files 50000] [--jobs N]

Songs are the demo set's synthesiser's, three minutes each, as MP3, FLAC and M4A (where ffmpeg is
installed). The second scan is that of so many small files that the index holds. Prints a table,
then the same as JSON. It wants the weights of the quick networks, and a machine that does nothing
else meanwhile.
"""

import argparse
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from genre_engine import library
from genre_engine.library import catalogue, scan, where
from genre_engine.library.index import Library
from genre_engine.prediction import example, vocabulary
from genre_engine.storage import workspace

SONG_S = 180.0
TARGET_RATE, TARGET_MB = 200.0, 300.0
TARGET_RESCAN_S, TARGET_TABLE_S, TARGET_FILTER_S = 20.0, 5.0, 0.5
_FILTERS = ("genre = rock", "untagged and score >= 60", "artist ~ 'artist 12' and not missing")

Figure = dict[str, Any]


def figure(name: str, value: float, unit: str, target: float, *, least: bool = False) -> Figure:
    """One line of the table; a target is the most that is allowed, or the least."""
    met = value >= target if least else value <= target
    return {"name": name, "value": round(value, 3), "unit": unit, "target": target, "met": met}


def make_songs(folder: Path, count: int) -> None:
    """Songs of three minutes: the bundled example over and over, each shifted and at its own speed,
    so that no two are the same sound."""
    samples, sample_rate = soundfile.read(example.PATH, dtype="float32")
    with_ffmpeg = shutil.which("ffmpeg") is not None
    forms = ("mp3", "flac", "m4a") if with_ffmpeg else ("mp3", "flac")
    rng = np.random.default_rng(0)
    for number in range(count):
        form = forms[number % len(forms)]
        shift = int(rng.integers(len(samples)))
        looped = np.resize(np.roll(samples, shift, axis=0), (round(SONG_S * sample_rate), 2))
        path = folder / f"artist {number % 7}" / f"song {number}.{form}"
        path.parent.mkdir(exist_ok=True)
        if form == "m4a":
            wav = path.with_suffix(".wav")
            soundfile.write(wav, looped, sample_rate)
            command = ["ffmpeg", "-v", "error", "-i", str(wav), "-b:a", "192k", str(path)]
            subprocess.run(command, check=True)
            wav.unlink()
        else:
            soundfile.write(path, looped, sample_rate, format=form.upper())


class Watch:
    """The most memory that any one process of this one's family has held, by its resident pages."""

    def __enter__(self) -> "Watch":
        self.most_mb = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        page = os.sysconf("SC_PAGE_SIZE")
        while not self._over.wait(0.2):
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    words = (process / "stat").read_text().rpartition(")")[2].split()
                    if int(words[1]) == os.getpid():
                        self.most_mb = max(self.most_mb, int(words[21]) * page / 1e6)
                except (OSError, IndexError):
                    continue


def analysis(room: Path, count: int, jobs: int | None) -> list[Figure]:
    music = room / "songs"
    music.mkdir()
    make_songs(music, count)
    lib = library.create("songs", [music])
    seen: list[scan.Progress] = []
    with Watch() as watch:
        result = scan.scan(lib, jobs=jobs, progress=seen.append)
    if result.failed:
        raise SystemExit(f"songs failed: {result.failed}")
    return [
        figure(f"analysis of {count} songs", seen[-1].rate, "× real time", TARGET_RATE, least=True),
        figure("the largest process of it", watch.most_mb, "MB", TARGET_MB),
    ]


def make_files(room: Path, count: int) -> Library:
    """A library of small files, whose analysis is made up."""
    music = room / "files"
    for number in range(count):
        folder = music / f"artist {number // 200}" / f"album {number // 20}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.mp3").write_bytes(b"song %d" % number)
    lib = library.create("files", [music])
    rng = np.random.default_rng(0)
    wide = rng.beta(0.5, 2, (count, len(vocabulary.WIDE))).astype("<f4")
    ten = rng.beta(0.5, 2, (count, len(vocabulary.TEN))).astype("<f4")
    vectors = rng.normal(size=(count, 150)).astype("<f4")
    with lib.connect() as connection:
        for number, path in enumerate(sorted(music.rglob("*.mp3"))):
            status = path.stat()
            genres = json.dumps(["Rock"] if number % 3 else [])
            connection.execute(
                "INSERT INTO songs (path, root, size, mtime_ns, sound, title, artist, file_genres)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(str(path), str(music.resolve()), status.st_size, status.st_mtime_ns),
                    *(str(number), f"Song {number}", f"Artist {number // 200}", genres),
                ),
            )
            connection.execute(
                "INSERT INTO sounds (sound, model, networks, duration_s, wide, ten, detected, "
                "embedding) VALUES (?, 'fast', '[]', 200, ?, ?, ?, ?)",
                (
                    *(str(number), wide[number].tobytes(), ten[number].tobytes()),
                    *('[["mood", "happy", 0.5]]', vectors[number].tobytes()),
                ),
            )
    return lib


def seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def second_scan(lib: Library, count: int) -> list[Figure]:
    result: list[scan.Result] = []
    taken = seconds(lambda: result.append(scan.scan(lib)))
    if (result[0].files, result[0].read) != (count, 0):
        raise SystemExit(f"the second scan read {result[0].read} of {result[0].files} files")
    return [figure(f"second scan of {count:,} files", taken, "s", TARGET_RESCAN_S)]


def filters(lib: Library, count: int) -> list[Figure]:
    once = seconds(lambda: catalogue.table(lib))
    found = [figure(f"table of {count:,} songs, once", once, "s", TARGET_TABLE_S)]

    def filtered(expression: str) -> None:
        songs = catalogue.table(lib)
        songs[where.matching(expression, songs)].head(50)

    for expression in _FILTERS:
        taken = seconds(partial(filtered, expression))
        found.append(figure(f"filter {expression!r}", taken, "s", TARGET_FILTER_S))
    return found


def page_filters(lib: Library, count: int) -> list[Figure]:
    """The page's own script from a filter's choice to its end, once its table is there."""
    from streamlit.testing.v1 import AppTest

    os.environ["GENRE_ENGINE_LOCAL_PATHS"] = "1"
    entry = Path(__file__).parents[1] / "streamlit_app.py"
    app = AppTest.from_file(str(entry), default_timeout=120)
    app.switch_page("pages/library.py").run()
    genre, words = f"genre-{lib.name}", f"find-{lib.name}"
    chosen = {
        "a genre": lambda: app.selectbox(key=genre).set_value("Jazz").run(),
        "two words": lambda: app.text_input(key=words).set_value("song 12").run(),
    }
    found = []
    for what, choose in chosen.items():
        taken = seconds(choose)
        if app.exception:
            raise SystemExit(f"the page failed: {app.exception}")
        name = f"page with {count:,} songs: {what}"
        found.append(figure(name, taken, "s", TARGET_FILTER_S))
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--songs", type=int, default=24)
    parser.add_argument("--files", type=int, default=50_000)
    parser.add_argument("--jobs", type=int)
    asked = parser.parse_args()
    weights = workspace.weights_folder()
    with tempfile.TemporaryDirectory() as room:
        home = Path(room, "workspace")
        home.mkdir()
        (home / "weights").symlink_to(weights.absolute())
        os.environ["GENRE_ENGINE_WORKSPACE"] = str(home)
        figures = analysis(Path(room), asked.songs, asked.jobs) if asked.songs else []
        if asked.files:
            lib = make_files(Path(room), asked.files)
            figures += second_scan(lib, asked.files)
            figures += filters(lib, asked.files)
            figures += page_filters(lib, asked.files)
    for line in figures:
        met = "met" if line["met"] else "MISSED"
        print(
            f"{line['name']:45} {line['value']:>10,.2f} {line['unit']:12} "
            f"target {line['target']:g}: {met}"
        )
    print(json.dumps({"cores": os.cpu_count(), "figures": figures}, indent=1))


if __name__ == "__main__":
    main()
