"""Small data sets of sounds, and runs really trained on them, for tests of what uses runs.

The sounds are easy to distinguish (chords, drums, low tones), the clips are as long as the excerpts
of the features, and an excerpt is 6 s instead of 30, so that a test's song has many windows.
"""

import json
from contextlib import contextmanager

import numpy as np
import pytest
import soundfile

from genre_engine import datasets, extraction, features, runs, training
from tests import sounds

EXCERPT_S = 6.0
RATE = 16000


def low(duration_s, sample_rate=RATE, *, pitch=1.0):
    """A low tone that comes and goes."""
    times_s = np.arange(round(duration_s * sample_rate)) / sample_rate
    return (0.3 * np.sin(2 * np.pi * 70 * pitch * times_s) * (times_s % 1 < 0.8)).astype(np.float32)


GENRES = {"chords": sounds.chords, "drums": sounds.drums, "low": low}


@contextmanager
def workspace_at(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENRE_ENGINE_WORKSPACE", str(folder))
        yield


def make_clips(folder, n_clips=10):
    """A folder of music, one genre a sub-folder."""
    rng = np.random.default_rng(1)
    for genre, sound in GENRES.items():
        (folder / genre).mkdir(parents=True)
        for number in range(n_clips):
            samples = sound(EXCERPT_S) * rng.uniform(0.4, 1.0)
            samples += rng.normal(0, 0.003, len(samples)).astype(np.float32)
            soundfile.write(folder / genre / f"{number}.wav", samples, RATE)


def make_dataset(name, clips, kinds=("summary",)):
    dataset = datasets.import_folder(name, clips, jobs=1)
    for kind in kinds:
        extraction.extract(dataset, features.kind(kind, excerpt_s=EXCERPT_S), jobs=1)
    return dataset


def make_run(dataset="sounds", model="linear", name=None, **options):
    if "features" in options:
        options["excerpt_s"] = EXCERPT_S
    config = training.new_config(dataset, model=model, name=name, split="random", **options)
    return training.train(runs.create(config))


def make_all(folder):
    """A workspace with finished runs: a model for each task and for patches, one that pretends to
    be trained on the demo set, one on a table, and one that was never started."""
    make_clips(folder / "clips")
    with workspace_at(folder / "workspace"):
        make_dataset("sounds", folder / "clips", ("summary", "patches"))
        make_run(name="tones", features="summary")
        make_run(name="one-of", features="summary", task="multiclass")
        make_run(name="two", features="summary", task="binary", genres=["chords", "drums"])
        make_run(
            name="pictures",
            model="cnn",
            features="patches",
            settings={"epochs": 1, "filters": [4, 4]},
        )
        _make_synthetic(make_run(name="toy", features="summary"))
        _make_table_run(folder / "table.csv")
        config = training.new_config(
            "sounds", model="linear", name="waiting", split="random", excerpt_s=EXCERPT_S
        )
        runs.create(config)
    return folder / "workspace"


def _make_synthetic(run):
    path = run.folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(config | {"synthetic": True, "dataset": "demo"}), encoding="utf-8")


def _make_table_run(path):
    rng = np.random.default_rng(0)
    lines = ["track_id,a,b,genre"]
    for number in range(40):
        values = rng.normal(3 * (number % 2), 1, 2)
        genre = ("pop", "rock")[number % 2]
        lines.append(f"song {number},{values[0]:.3f},{values[1]:.3f},{genre}")
    path.write_text("\n".join(lines), encoding="utf-8")
    datasets.import_table("numbers", path, label="genre")
    make_run("numbers", name="numbers")


_made = {}


def workspace_of(tmp_path_factory):
    """The workspace of `make_all`, made once for all tests. Who changes it copies it first."""
    if "at" not in _made:
        _made["at"] = make_all(tmp_path_factory.mktemp("trainings"))
    return _made["at"]


def make_song(*parts, rate=RATE):
    """The bytes of a song: (genre or None for silence, seconds) after each other."""
    pieces = [
        GENRES[genre](duration_s, rate) if genre else np.zeros(round(duration_s * rate))
        for genre, duration_s in parts
    ]
    return sounds.encoded(np.concatenate(pieces).astype(np.float32), rate, "FLAC")
