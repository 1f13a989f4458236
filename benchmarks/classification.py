"""What it costs to classify a song: time against the bare networks, first look, start, memory.

    python -m benchmarks.classification [SONG…]

Without songs it takes the bundled example, played over and over for two minutes. Prints a table,
then the same as JSON. It wants the pretrained weights (fetched if they aren't there) and a machine
that does nothing else meanwhile.
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
from genre_engine.prediction.process import ListeningProcess
from genre_engine.pretrained.network import SAMPLE_RATE
from genre_engine.pretrained.windows import stretches

REPETITIONS = 5
SONG_S = 120.0
TARGET_RATIO = 1.25

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


def speed(song: Path) -> list[Figure]:
    """Classification and bare forward passes in turn, so that both see the same machine."""
    networks = pretrained.networks()
    heard = list(stretches(Stream(song, SAMPLE_RATE)))
    patches = np.concatenate([stretch.patches[stretch.audible] for stretch in heard])

    def bare() -> None:
        for network in networks.values():
            network(patches)

    def first_look() -> None:
        next(prediction.stream(song))

    duration_s = prediction.analyse(song).duration_s  # also warms up
    bare()
    times = [
        (seconds(lambda: prediction.analyse(song)), seconds(bare), seconds(first_look))
        for _ in range(REPETITIONS)
    ]
    whole_s, bare_s, first_s = (statistics.median(column) for column in zip(*times, strict=True))
    # Of pairs that ran one after the other: load that comes and goes meets both of a pair.
    ratios = sorted(whole / alone for whole, alone, _ in times)
    ratio = figure(
        f"{song.name}: classified / bare", statistics.median(ratios), "times", TARGET_RATIO
    )
    ratio |= {"lowest": round(ratios[0], 3), "highest": round(ratios[-1], 3)}
    if ratios[0] < 1.0:
        # Classification contains the bare passes, so this is the machine and not the program.
        ratio["met"] = None
        ratio["disturbed"] = True
    return [
        figure(f"{song.name}: length", duration_s, "s"),
        figure(f"{song.name}: classified in", whole_s, "s"),
        figure(f"{song.name}: bare forward passes", bare_s, "s"),
        ratio,
        figure(f"{song.name}: faster than it plays", duration_s / whole_s, "times"),
        figure(f"{song.name}: first look after", first_s, "s", 2.0),
    ]


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
    while analysis.share_heard < 1.0:
        analysis = process.step("song")
    process.end()
    held = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    if held == before:
        raise RuntimeError("another child process held more; measure in a process of its own")
    return figure("memory of the listening process after a song", megabytes(held), "MB", 1400)


def megabytes(maxrss: int) -> float:
    """Linux counts in KB, macOS in bytes."""
    return maxrss / (2**20 if sys.platform == "darwin" else 2**10)


# Decoding, mel spectrograms and bookkeeping of whole songs; the networks' own memory doesn't
# depend on a song's length, and an hour of them would take minutes.
_WITHOUT_NETWORKS = """
import resource, sys
import numpy as np
from genre_engine import prediction, pretrained

class Deaf:
    prior_logits = np.zeros(50, np.float32)
    def __call__(self, patches):
        return np.full((len(patches), 50), 0.1, np.float32)

pretrained.networks = lambda progress=None: {"MSD": Deaf(), "MTT": Deaf()}
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
    told = subprocess.run(command, check=True, capture_output=True, text=True, env=env).stdout
    short, long = map(int, told.split())
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
        for song in songs:
            figures += speed(song)
    print(table(figures))
    print(json.dumps({"repetitions": REPETITIONS, "figures": figures}, indent=2))


if __name__ == "__main__":
    main()
