"""What features cost: beside the usual ways, beside decoding alone, by processes, by length.

    python -m benchmarks.extraction [--audio FOLDER] [--clips N] [--quick]

Without a folder of real music it synthesises clips and encodes them to MP3 and Ogg. All ways read
the same clips on one core each, in turn, so that load which comes and goes meets all of them; each
line is the median of the rounds' ratios. Prints a table, then the same as JSON. Other tools that it
is measured against are used where they are installed (essentia, sonara).
"""

import argparse
import importlib
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from genre_engine import datasets, extraction, features
from genre_engine.features import Kind

ROUNDS = 9
CLIP_S = 30.0
SAMPLE_RATE = 44100

Figure = dict[str, Any]
Way = Callable[[Path], Any]


def figure(
    name: str, value: float, unit: str, target: float | None = None, *, least: bool = False
) -> Figure:
    """One line of the table; a target is the most that is allowed, or the least."""
    met = None if target is None else (value >= target if least else value <= target)
    line = {"name": name, "value": round(value, 3), "unit": unit, "target": target, "met": met}
    return line | {"at": "least" if least else "most"}


def clips(folder: Path, count: int) -> list[Path]:
    """Stereo clips of 30 s, half of them MP3 and half Ogg."""
    made = []
    for number in range(count):
        rng = np.random.default_rng(number)
        music = synthesised(rng)
        # The two sides differ, as those of recordings do, so that the encoder has to work.
        side = 0.1 * np.roll(music, 400) + 0.002 * rng.standard_normal(len(music))
        stereo = np.stack([music + side, music - side], axis=1).astype(np.float32)
        stereo *= 0.8 / np.abs(stereo).max()
        form, subtype = (("MP3", "MPEG_LAYER_III"), ("OGG", "VORBIS"))[number % 2]
        path = folder / f"clip_{number:04d}.{form.lower()}"
        write(path, stereo, form, subtype)
        made.append(path)
    return made


def write(path: Path, stereo: np.ndarray, form: str, subtype: str) -> None:
    with soundfile.SoundFile(path, "w", SAMPLE_RATE, 2, subtype, format=form) as file:
        for start in range(0, len(stereo), SAMPLE_RATE):
            file.write(stereo[start : start + SAMPLE_RATE])


def synthesised(rng: np.random.Generator) -> np.ndarray:
    """Chords, a beat and hiss, 30 s mono."""
    times_s = np.arange(round(CLIP_S * SAMPLE_RATE)) / SAMPLE_RATE
    root_hz = 110 * 2 ** (rng.integers(0, 12, 60) / 12)
    hz = root_hz[(times_s / 0.5).astype(int)]
    phase = 2 * np.pi * np.cumsum(hz) / SAMPLE_RATE
    fade = np.exp(-3 * (times_s % 0.5))
    tones = sum(np.sin(k * phase) / k for k in (1, 2, 2.52, 3, 4, 5.04, 6, 8, 10.1, 12))
    beat = rng.standard_normal(len(times_s)) * np.exp(-40 * (times_s % 0.25))
    mixed: np.ndarray = 0.2 * tones * fade + 0.2 * beat + 0.003 * rng.standard_normal(len(times_s))
    return mixed


SUMMARY = features.kind("summary")


def ours(path: Path) -> Any:
    return SUMMARY.compute_source(path)


def decoding(path: Path) -> Any:
    import soxr

    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    if samples.shape[1] == 2:
        mono = (samples[:, 0] + samples[:, 1]) * np.float32(0.5)
    else:
        mono = samples.mean(axis=1)
    return soxr.resample(mono, rate, 22050)


def tutorial(path: Path) -> Any:
    """Each feature loads the file again and calls librosa's defaults."""
    import librosa

    found = []
    for name in ("mfcc", "melspectrogram", "chroma_stft", "tonnetz"):
        y, sr = librosa.load(path)
        options = {"n_mfcc": 20} if name == "mfcc" else {}
        matrix = getattr(librosa.feature, name)(y=y, sr=sr, **options)
        found += [matrix.mean(axis=1), matrix.min(axis=1), matrix.max(axis=1)]
    return np.concatenate(found)


def one_load(path: Path) -> Any:
    import librosa

    y, sr = librosa.load(path)
    found = []
    for name in ("mfcc", "melspectrogram", "chroma_stft", "tonnetz"):
        options = {"n_mfcc": 20} if name == "mfcc" else {}
        matrix = getattr(librosa.feature, name)(y=y, sr=sr, **options)
        found += [matrix.mean(axis=1), matrix.min(axis=1), matrix.max(axis=1)]
    return np.concatenate(found)


def essentia(path: Path) -> Any:
    es = importlib.import_module("essentia.standard")
    samples = es.MonoLoader(filename=str(path), sampleRate=22050)()
    window, spectrum = es.Windowing(type="hann"), es.Spectrum(size=2048)
    mfcc = es.MFCC(inputSize=1025, sampleRate=22050, numberBands=128, numberCoefficients=20)
    peaks, hpcp = es.SpectralPeaks(sampleRate=22050), es.HPCP(sampleRate=22050)
    found = []
    for frame in es.FrameGenerator(samples, frameSize=2048, hopSize=512):
        power = spectrum(window(frame))
        bands, coefficients = mfcc(power)
        found.append(np.concatenate([bands, coefficients, hpcp(*peaks(power))]))
    return np.mean(found, axis=0)


def sonara(path: Path) -> Any:
    sonara = importlib.import_module("sonara")
    y, sr = sonara.load(str(path), sr=22050)
    return [
        sonara.feature.melspectrogram(y=y, sr=sr),
        sonara.feature.mfcc(y=y, sr=sr),
        sonara.feature.chroma_stft(y=y, sr=sr),
    ]


def seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def ways(paths: Sequence[Path], rounds: int) -> Iterator[Figure]:
    """All ways over the same MP3 clips, in turn; then the last line for Ogg."""
    paths, vorbis = ([p for p in paths if p.suffix == s] for s in (".mp3", ".ogg"))
    all_ways: dict[str, tuple[Way, float]] = {
        "the tutorial way / ours": (tutorial, 9.0),
        "one load, librosa's defaults / ours": (one_load, 6.0),
        "ours / decode, mono, resample": (decoding, 1.4),
    }
    others: list[tuple[str, Way, float]] = [("essentia", essentia, 7.0), ("sonara", sonara, 2.0)]
    for name, other, target in others:
        if importlib.util.find_spec(name):
            all_ways[f"{name} / ours"] = (other, target)
        else:
            print(f"{name} isn't installed: left out", file=sys.stderr)
    warnings.simplefilter("ignore")
    for first in (ours, *(way for way, _ in all_ways.values())):
        first(paths[0])  # compiles, and fills caches
    times: dict[str, list[float]] = {name: [] for name in ("ours", *all_ways)}
    for number in range(rounds):
        path = paths[number % len(paths)]
        # The quick ones several times: the least is what the machine's other work adds least to.
        times["ours"].append(min(seconds(lambda p=path: ours(p)) for _ in range(3)))  # type: ignore[misc]
        for name, (way, _) in all_ways.items():
            again = 3 if way is decoding else 1
            spent = min(seconds(lambda w=way, p=path: w(p)) for _ in range(again))  # type: ignore[misc]
            times[name].append(spent)
    yield figure("the 498 of a clip, file to numbers", 1e3 * min(times["ours"]), "ms")
    yield figure(
        "decode, mono, resample alone", 1e3 * min(times["ours / decode, mono, resample"]), "ms"
    )
    for name, (way, target) in all_ways.items():
        ratios = sorted(theirs / us for theirs, us in zip(times[name], times["ours"], strict=True))
        if way is decoding:
            ratios = sorted(1 / ratio for ratio in ratios)
        line = figure(name, statistics.median(ratios), "times", target, least=way is not decoding)
        yield line | {"lowest": round(ratios[0], 2), "highest": round(ratios[-1], 2)}
    of_vorbis = []
    for path in (vorbis[number % len(vorbis)] for number in range(rounds if vorbis else 0)):
        us, alone = (
            min(seconds(lambda w=way, p=path: w(p)) for _ in range(3))  # type: ignore[misc]
            for way in (ours, decoding)
        )
        of_vorbis.append(us / alone)
    if of_vorbis:
        yield figure("ours / decode, mono, resample: Ogg", statistics.median(of_vorbis), "times")


def dataset_of(paths: Sequence[Path], folder: Path, n: int, name: str) -> datasets.Dataset:
    """A data set of n tracks: the clips under as many names as it takes."""
    for number in range(n):
        path = paths[number % len(paths)]
        place = folder / name / ("a", "b")[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number:05d}{path.suffix}").hardlink_to(path)
    return datasets.import_folder(name, folder / name)


def steady_rate(dataset: datasets.Dataset, kind: Kind, jobs: int) -> float:
    """Tracks a second between the first quarter and the end, so that starting doesn't count."""
    reported: list[tuple[float, int]] = []
    extraction.extract(
        dataset,
        kind,
        jobs=jobs,
        progress=lambda done, total, failed: reported.append((time.perf_counter(), done)),
    )
    start = reported[len(reported) // 4]
    return (reported[-1][1] - start[1]) / (reported[-1][0] - start[0])


def whole_time(dataset: datasets.Dataset, kind: Kind) -> float:
    """Seconds that extraction takes from nothing; its store is gone afterwards."""
    spent = seconds(lambda: extraction.extract(dataset, kind, jobs=1))
    shutil.rmtree(dataset.features_folder)
    return spent


def scaling(paths: Sequence[Path], folder: Path, n: int) -> Iterator[Figure]:
    small = dataset_of(paths, folder, n, "small")
    large = dataset_of(paths, folder, 4 * n, "large")
    one = steady_rate(large, features.kind("summary", excerpt_s=29), 1)
    two = steady_rate(large, features.kind("summary", excerpt_s=28), 2)
    yield figure("steady rate of one process", one, "/s")
    yield figure("steady rate of two processes", two, "/s")
    yield figure("two processes / one", two / one, "times", 1.6, least=True)
    kind = features.kind("summary", excerpt_s=27)
    ratios = sorted(
        whole_time(large, kind) / whole_time(small, kind)
        for _ in range(3)  # in turn, as the machine may be slower for a while
    )
    line = figure("time for 4N tracks / for N", statistics.median(ratios), "times", 4.2)
    yield line | {"lowest": round(ratios[0], 2), "highest": round(ratios[-1], 2)}
    for name in ("patches",):
        rate = steady_rate(small, features.kind(name), 2)
        yield figure(f"{name}: steady rate of two processes", rate, "/s")


# The kernel's own mark of this program alone: getrusage's includes who started it.
_HELD = """
from pathlib import Path
def held(what):
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(what):
            return int(line.split()[1])
"""
_PEAK = """
import sys
from genre_engine import features
excerpt_s = None if sys.argv[1] == "full" else 30
features.kind("summary", excerpt_s=excerpt_s).compute_source(sys.argv[2])
print(held("VmHWM"))
"""
_MANY = """
import sys
from genre_engine import extraction, features
from genre_engine.extraction import Task
from pathlib import Path
kind = features.kind("summary")
tasks = [Task(path, path, Path(path)) for path in sys.argv[2:]]
n = int(sys.argv[1])
for number in range(n):
    extraction.compute(kind, [tasks[number % len(tasks)]])
    if number in (n // 10, n - 1):
        print(held("VmRSS"))
"""


def run(code: str, *words: object) -> list[int]:
    env = {**os.environ, "PYTHONPATH": str(Path(features.__file__).parents[2])}
    command = [sys.executable, "-c", _HELD + code, *map(str, words)]
    reported = subprocess.run(command, check=True, capture_output=True, text=True, env=env).stdout
    return [int(line) for line in reported.split()]


def memory(paths: Sequence[Path], folder: Path, n: int) -> Iterator[Figure]:
    if sys.platform != "linux":
        return
    minute = np.tile(soundfile.read(paths[0], dtype="float32")[0], (2, 1))[: 60 * SAMPLE_RATE]
    held = {}
    for minutes in (1, 70):
        path = folder / f"{minutes}_minutes.mp3"
        write(path, np.tile(minute, (minutes, 1)), "MP3", "MPEG_LAYER_III")
        held[minutes] = {what: run(_PEAK, what, path)[0] for what in ("30", "full")}
        path.unlink()
    for what, name in (("30", "an excerpt"), ("full", "all")):
        grown = (held[70][what] - held[1][what]) / 2**10
        yield figure(f"memory: {name} of 70 minutes over one", grown, "MB", 150)
    first, last = run(_MANY, n, *paths)
    yield figure(f"memory: growth over {n} clips", (last - first) / 2**10, "MB", 20)


def table(figures: Sequence[Figure]) -> str:
    width = max(len(line["name"]) for line in figures)
    rows = [f"{'':{width}}  {'value':>9}         target"]
    for line in figures:
        judged = {None: "", True: "met", False: "MISSED"}[line["met"]]
        if "lowest" in line:
            judged += f"  ({line['lowest']:.2f} to {line['highest']:.2f})"
        target = "" if line["target"] is None else f"{line['target']:g} at {line['at']}  {judged}"
        row = f"{line['name']:{width}}  {line['value']:>9.2f} {line['unit']:6}  {target}"
        rows.append(row.rstrip())
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audio", type=Path, help="A folder of real music to take the clips from.")
    parser.add_argument("--clips", type=int, default=5000, help="How many for growth of memory.")
    parser.add_argument("--quick", action="store_true", help="Few rounds, to see that it runs.")
    given = parser.parse_args()
    pinned = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
    if any(os.environ.get(name) != value for name, value in pinned.items()):
        # NumPy reads these when it is imported, which it has been: one core each, whatever runs.
        command = [sys.executable, "-m", "benchmarks.extraction", *sys.argv[1:]]
        raise SystemExit(subprocess.run(command, env=os.environ | pinned).returncode)
    with tempfile.TemporaryDirectory() as room:
        folder = Path(room)
        os.environ["GENRE_ENGINE_WORKSPACE"] = str(folder / "workspace")
        paths = real_clips(given.audio, folder) if given.audio else clips(folder, 8)
        figures = list(ways(paths, 2 if given.quick else ROUNDS))
        figures += scaling(paths, folder, 20 if given.quick else 60)
        figures += memory(paths, folder, 40 if given.quick else given.clips)
    print(table(figures))
    print(json.dumps({"rounds": ROUNDS, "figures": figures}, indent=2))


def real_clips(audio: Path, folder: Path) -> list[Path]:
    """The middles of a folder's songs, 30 s each, encoded again so that all are alike."""
    from genre_engine.audio.decoders import is_audio

    made: list[Path] = []
    for path in sorted(path for path in audio.rglob("*") if is_audio(path)):
        with soundfile.SoundFile(path) as file:
            n = round(CLIP_S * file.samplerate)
            file.seek(max(0, (len(file) - n) // 2))
            samples = file.read(n, dtype="float32", always_2d=True)
            rate = file.samplerate
        form, subtype = (("MP3", "MPEG_LAYER_III"), ("OGG", "VORBIS"))[len(made) % 2]
        place = folder / f"real_{len(made):04d}.{form.lower()}"
        with soundfile.SoundFile(
            place, "w", rate, samples.shape[1], subtype, format=form
        ) as encoded:
            for start in range(0, len(samples), rate):
                encoded.write(samples[start : start + rate])
        made.append(place)
    if not made:
        raise SystemExit(f"There is no audio in {audio}.")
    return made


if __name__ == "__main__":
    main()
