"""What it costs to classify a song: time against the bare networks, first look, start, memory.

    python -m benchmarks.classification [SONG…]

Without songs it takes the bundled example, played over and over for two minutes. Whole processes
are measured with a minute of the first song. Prints a table, then the same as JSON. It wants the
weights of all six pretrained networks (`weights`, `weights --from`) and a machine that does nothing
else meanwhile; the figures say which networks took part.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from genre_engine import prediction, pretrained
from genre_engine.audio import Stream
from genre_engine.prediction import example
from genre_engine.prediction.analysis import Analysis
from genre_engine.prediction.process import ListeningProcess
from genre_engine.pretrained.spectrogram import SAMPLE_RATE
from genre_engine.pretrained.windows import stretches

REPETITIONS = 5
SONG_S = 120.0
TARGET_RATIO = 1.15
TARGET_FAST = 0.6

Figure = dict[str, Any]


def figure(name: str, value: float, unit: str, target: float | None = None) -> Figure:
    """One line of the table; a target is the most that is allowed."""
    met = None if target is None else value <= target
    return {"name": name, "value": round(value, 3), "unit": unit, "target": target, "met": met}


def seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def looped_example(path: Path) -> None:
    samples, sample_rate = soundfile.read(example.PATH, dtype="float32")
    with soundfile.SoundFile(
        path, "w", sample_rate, samples.shape[1], "VORBIS", format="OGG"
    ) as file:
        for second in range(round(SONG_S)):
            start = second * sample_rate % (len(samples) // sample_rate * sample_rate)
            file.write(samples[start : start + sample_rate])


def forward(song: Path, names: tuple[str, ...]) -> Callable[[], None]:
    """The bare forward passes of some networks over all windows of a song."""
    networks = pretrained.networks(names=names)
    found = list(stretches(Stream(song, SAMPLE_RATE)))
    patches = {
        name: np.concatenate(
            [
                stretch.patches(
                    network.network,
                    np.flatnonzero(
                        stretch.long_audible if network.network.is_long else stretch.audible
                    ),
                )
                for stretch in found
            ]
        )
        for name, network in networks.items()
    }

    def bare() -> None:
        for name, network in networks.items():
            network(patches[name])

    return bare


def speed(song: Path) -> list[Figure]:
    """Classification and bare forward passes in turn, so that both see the same machine."""
    there = pretrained.prepare("full")
    bare, pair = forward(song, there), forward(song, pretrained.PAIR)
    duration_s = prediction.analyse(song).duration_s  # also warms up
    prediction.analyse(song, "fast")
    bare()
    times = [
        (
            seconds(lambda: prediction.analyse(song)),
            seconds(bare),
            seconds(lambda: prediction.analyse(song, "fast")),
            seconds(pair),
            seconds(lambda: prediction.glance(song) or next(prediction.stream(song))),
        )
        for _ in range(REPETITIONS)
    ]
    whole_s, bare_s, fast_s, _, first_s = (
        statistics.median(column) for column in zip(*times, strict=True)
    )
    # Of pairs that ran one after the other: load that comes and goes meets both of a pair.
    ratios = {
        "full / bare forward passes": ([t[0] / t[1] for t in times], TARGET_RATIO),
        "fast / bare passes of the pair": ([t[2] / t[3] for t in times], TARGET_FAST),
    }
    compared = []
    for name, (found, target) in ratios.items():
        line = figure(f"{song.name}: {name}", statistics.median(found), "times", target)
        compared.append(line | {"lowest": round(min(found), 3), "highest": round(max(found), 3)})
    if min(ratios["full / bare forward passes"][0]) < 1.0:
        # Classification contains the bare passes, so this is the machine and not the program.
        compared[0]["met"] = None
        compared[0]["disturbed"] = True
    return [
        figure(f"{song.name}: length", duration_s, "s"),
        figure(f"{song.name}: networks", len(there), ""),
        figure(f"{song.name}: full in", whole_s, "s"),
        figure(f"{song.name}: fast in", fast_s, "s"),
        figure(f"{song.name}: bare forward passes", bare_s, "s"),
        *compared,
        figure(f"{song.name}: first look after", first_s, "s", 1.0),
    ]


def minute_of(song: Path, path: Path) -> None:
    """The first minute of a song, repeated where it is shorter."""
    samples, sample_rate = soundfile.read(song, dtype="float32", always_2d=True)
    wanted = 60 * sample_rate
    soundfile.write(path, np.resize(samples, (wanted, samples.shape[1])), sample_rate, "PCM_16")


_ONE_THREAD = """
from genre_engine.cli import main
from genre_engine.pretrained import sessions
sessions.use_threads(1)
main()
"""
_WHOLE = """
import resource, subprocess, sys, time
began = time.perf_counter()
subprocess.run([sys.executable, *sys.argv[1:]], check=True,
               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def whole_process(*words: str, one_thread: bool = False) -> tuple[float, float]:
    """Seconds and peak MB of the command line, imports and all."""
    env = {**os.environ, "PYTHONPATH": str(Path(prediction.__file__).parents[2])}
    program = ["-c", _ONE_THREAD] if one_thread else ["-m", "genre_engine"]
    command = [sys.executable, "-c", _WHOLE, *program, *words]
    said = subprocess.run(command, check=True, capture_output=True, text=True, env=env).stdout
    took_s, held = map(float, said.split())
    return took_s, megabytes(held)


def processes(folder: Path, song: Path) -> list[Figure]:
    """`classify` of a minute, and of eight songs by one process and by one a core."""
    minute = folder / "minute.wav"
    minute_of(song, minute)
    found = []
    for model, target_s in (("full", 1.5), ("fast", 0.9)):
        runs = [whole_process("classify", str(minute), "--model", model) for _ in range(5)]
        took_s = statistics.median(run[0] for run in runs)
        found += [
            figure(f"classify a minute, {model}, whole process", took_s, "s", target_s),
            figure(f"its memory, {model}", max(run[1] for run in runs), "MB", 300),
        ]
    many = folder / "many"
    many.mkdir()
    for number in range(8):
        (many / f"{number}.wav").hardlink_to(minute)
    # A single process computes each patch on all cores; it is compared with one thread too.
    ratios: dict[str, list[float]] = {"one thread": [], "a thread a core": []}
    memory = 0.0
    for _ in range(3):
        alone = ("classify", str(many), "--jobs", "1")
        one_thread_s, _ = whole_process(*alone, one_thread=True)
        all_cores_s, _ = whole_process(*alone)
        together_s, held = whole_process("classify", str(many))
        ratios["one thread"].append(one_thread_s / together_s)
        ratios["a thread a core"].append(all_cores_s / together_s)
        memory = max(memory, held)
    for name, measured in ratios.items():
        label = f"eight songs: one process, {name} / a process a core"
        gain = figure(label, statistics.median(measured), "times")
        found.append(gain | {"lowest": round(min(measured), 3), "highest": round(max(measured), 3)})
    found.append(figure("memory of each of these processes", memory, "MB", 300))
    return found


def start() -> Figure:
    command = [sys.executable, "-m", "genre_engine", "--help"]
    times = [
        seconds(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))
        for _ in range(REPETITIONS)
    ]
    return figure("--help", statistics.median(times), "s", 1.0)


def listening_memory(song: Path) -> Figure:
    """The most that the app's listening process held for one song, from its start to the end."""
    process = ListeningProcess()
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    analysis = process.open("song", song.read_bytes(), lambda note: None)
    while not isinstance(analysis, Analysis) or analysis.share_heard < 1.0:
        analysis = process.step("song")
    process.end()
    held = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    if held == before:
        raise RuntimeError("another child process held more; measure in a process of its own")
    return figure("memory of the listening process after a song", megabytes(held), "MB", 400)


def megabytes(maxrss: float) -> float:
    """Linux counts in KB, macOS in bytes."""
    return maxrss / (2**20 if sys.platform == "darwin" else 2**10)


# Decoding, mel spectrograms and bookkeeping of whole songs; the networks' own memory doesn't
# depend on a song's length, and an hour of them would take minutes.
_WITHOUT_NETWORKS = """
import resource, sys
import numpy as np
from genre_engine import prediction, pretrained

class Constant:
    def __call__(self, patches):
        return np.full((len(patches), 50), 0.1, np.float32)

pretrained.prepare = lambda choice="full", progress=None: pretrained.FULL
pretrained.networks = lambda choice="full", names=None: dict.fromkeys(pretrained.FULL, Constant())
for path in sys.argv[1:]:
    prediction.analyse(path)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def growth(folder: Path) -> Figure:
    """What an hour takes more than a minute, one after the other in the same process."""
    samples, sample_rate = soundfile.read(example.PATH, dtype="float32")
    minute = np.resize(samples, (60 * sample_rate, samples.shape[1]))
    paths = [folder / "minute.wav", folder / "hour.wav"]
    for path, minutes in zip(paths, (1, 60), strict=True):
        with soundfile.SoundFile(path, "w", sample_rate, 2, "PCM_16") as file:
            for _ in range(minutes):
                file.write(minute)
    command = [sys.executable, "-c", _WITHOUT_NETWORKS, *map(str, paths)]
    env = {**os.environ, "PYTHONPATH": str(Path(prediction.__file__).parents[2])}
    said = subprocess.run(command, check=True, capture_output=True, text=True, env=env).stdout
    short, long = map(int, said.split())
    return figure("memory of an hour over a minute", megabytes(long - short), "MB", 150)


def table(figures: list[Figure]) -> str:
    width = max(len(line["name"]) for line in figures)
    rows = [f"{'':{width}}  {'value':>9}         target"]
    for line in figures:
        judged = {None: "", True: "met", False: "MISSED"}[line["met"]]
        if "lowest" in line:
            judged += f"  ({line['lowest']:.2f} to {line['highest']:.2f})"
        if line.get("disturbed"):
            judged += "  not judged: the machine was busy with something else"
        target = "" if line["target"] is None else f"{line['target']:g} at most  {judged}"
        row = f"{line['name']:{width}}  {line['value']:>9.2f} {line['unit']:6}  {target}"
        rows.append(row.rstrip())
    return "\n".join(rows)


def main() -> None:
    with tempfile.TemporaryDirectory() as room:
        songs = [Path(argument) for argument in sys.argv[1:]]
        if not songs:
            songs = [Path(room, "example.ogg")]
            looped_example(songs[0])
        # The listening process first: a parent's children are measured together.
        figures = [listening_memory(songs[0]), start(), growth(Path(room))]
        figures += processes(Path(room), songs[0])
        for song in songs:
            figures += speed(song)
    print(table(figures))
    print(json.dumps({"repetitions": REPETITIONS, "figures": figures}, indent=2))


if __name__ == "__main__":
    main()
