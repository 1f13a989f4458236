"""Tempo and key of music whose tempo and key are known, and of what has neither."""

import doctest

import numpy as np
import pytest

from genre_engine.audio import tempo_key as tk
from tests import sounds
from tests.audio import tunes

KEYS = [(tonic, mode) for mode in ("major", "minor") for tonic in range(12)]


@pytest.fixture(scope="module")
def found():
    """For each of 24 tunes, one in each key: its tempo, and what was found."""
    rng = np.random.default_rng(1)
    made = []
    for tonic, mode in KEYS:
        bpm = float(rng.uniform(60, 180))
        samples = tunes.tune(bpm, tonic, mode, duration_s=24, drums=tonic % 3 != 0, seed=tonic)
        made.append((bpm, f"{tk.NOTES[tonic]} {mode}", tk.tempo(samples), tk.estimate_key(samples)))
    return made


def test_tempo_is_right_within_2_percent_or_an_octave_off(found):
    ratios = [bpm / asked for asked, _, (bpm, _), _ in found]
    right = sum(abs(ratio - 1) < 0.02 for ratio in ratios)
    octaves = sum(min(abs(ratio - 0.5) / 0.5, abs(ratio - 2) / 2) < 0.02 for ratio in ratios)
    assert right + octaves == len(KEYS)
    assert right >= 0.85 * len(KEYS)
    assert all(sure >= tk.SURE for _, _, (_, sure), _ in found)


def test_key_is_right_in_at_least_nine_of_ten(found):
    right = [key == asked for _, asked, _, (key, _) in found]
    assert np.mean(right) >= 0.9


@pytest.mark.parametrize("colour", ["white", "pink", "brown"])
def test_noise_has_neither_tempo_nor_key(colour):
    samples = sounds.noise(20, tk.SAMPLE_RATE, colour=colour)
    assert tk.tempo(samples)[1] < tk.LEAST
    assert tk.estimate_key(samples)[1] < tk.LEAST


def test_silence_and_a_short_sound_have_neither():
    for samples in (np.zeros(20 * tk.SAMPLE_RATE, np.float32), sounds.tone(1.0, tk.SAMPLE_RATE)):
        assert tk.tempo(samples) == (None, 0.0)
        assert tk.estimate_key(samples) == (None, 0.0)


def test_a_file_gives_both_and_noise_in_a_file_gives_none():
    tune = sounds.encoded(tunes.tune(100, 9, "minor", duration_s=20), tk.SAMPLE_RATE)
    found = tk.tempo_key(tune)
    assert found.bpm == pytest.approx(100, rel=0.02)
    assert found.key == "A minor"
    noise = sounds.encoded(sounds.noise(12, 22050), 22050)
    assert (tk.tempo_key(noise).bpm, tk.tempo_key(noise).key) == (None, None)


def test_examples_in_the_docstrings():
    assert doctest.testmod(tk).failed == 0
