"""Small data sets of sounds, and runs really trained on them, for tests of what uses runs.

The sounds are told apart at once (chords, drums, low tones), the clips are as long as the excerpts
of the features, and an excerpt is 6 s instead of 30, so that a test's song has many windows.
"""

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
    config = runs.new_config(dataset, model=model, name=name, split="random", **options)
    return training.train(runs.create(config))


def make_song(*parts, rate=44100):
    """The bytes of a song: (genre or None for silence, seconds) after each other."""
    pieces = [
        GENRES[genre](duration_s, rate) if genre else np.zeros(round(duration_s * rate))
        for genre, duration_s in parts
    ]
    return sounds.encoded(np.concatenate(pieces).astype(np.float32), rate, "FLAC")
