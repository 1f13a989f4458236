"""Windows as long as training excerpts: where they lie, what is in them, what is worth hearing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_engine import audio, features
from genre_engine.audio import Signal, Stream
from genre_engine.prediction import windows
from tests import sounds

RATE = 22050


def cut(samples, excerpt_s=6.0, rate=RATE):
    source = sounds.encoded(samples, rate, "WAV", "FLOAT")
    lots = windows.windows(Stream(source, rate), excerpt_s)
    return [window for lot in lots for window in lot]


@pytest.mark.parametrize("duration_s", [6.0, 6.9, 7.1, 8.0, 60.0, 130.0])
def test_windows_cover_a_song_at_hops_of_a_third(duration_s):
    found = cut(sounds.chords(duration_s, RATE))
    starts = [window.start_s for window in found]
    assert starts[0] == 0.0
    np.testing.assert_allclose(np.diff(starts)[:-1], 2.0, atol=1e-3)
    assert all(len(window.signal.samples) == 6 * RATE for window in found)
    # The rest that no window covers is at most half a hop.
    assert -1e-6 <= duration_s - found[-1].end_s <= 1.0


def test_a_song_shorter_than_an_excerpt_is_one_window():
    (window,) = cut(sounds.chords(2.5, RATE))
    assert window.audible
    assert (window.start_s, window.end_s) == (0.0, 2.5)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 400_000), st.integers(0, 2**32 - 1))
def test_a_window_holds_exactly_the_samples_of_its_place(n_samples, seed):
    """Whatever the blocks that the samples come in."""
    rng = np.random.default_rng(seed)
    samples = rng.uniform(-1, 1, n_samples).astype(np.float32)
    cutter = windows._Cutter(1000, 6.0)
    found, given_out = [], 0
    while given_out < n_samples:
        size = int(rng.integers(1, 30_000))
        cutter.take(samples[given_out : given_out + size])
        given_out += size
        found += cutter.whole(until_s=rng.uniform(0, given_out / 1000))
    found += cutter.rest()
    for signal in found:
        start = round(signal.start_s * 1000)
        np.testing.assert_array_equal(signal.samples, samples[start : start + 6000])
    starts = [signal.start_s for signal in found]
    assert starts == sorted(set(starts))
    assert n_samples / 1000 - found[-1].start_s - found[-1].duration_s <= 1.0


def test_a_window_s_features_are_those_of_the_same_stretch_as_an_excerpt(tmp_path):
    """As extraction computes them: a file that holds just the window, its middle taken."""
    kind = features.kind("summary", excerpt_s=6.0)
    song = np.concatenate([sounds.chords(9.0, RATE), sounds.drums(9.0, RATE, level=0.2)])
    for window in cut(song)[::2]:
        clip = sounds.encoded(window.signal.samples, RATE, "WAV", "FLOAT")
        expected = kind.compute_source(clip)
        np.testing.assert_array_equal(kind.compute(window.signal), expected)


def test_the_first_window_of_a_song_that_is_one_excerpt_is_its_excerpt():
    song = sounds.encoded(sounds.chords(6.0, 44100), 44100, "FLAC")
    (window,) = [w for lot in windows.windows(Stream(song, RATE), 6.0) for w in lot]
    np.testing.assert_array_equal(window.signal.samples, audio.load(song, RATE, 6.0).samples)


def test_only_windows_with_something_in_them_are_audible():
    silence = np.zeros(20 * RATE, np.float32)
    found = cut(np.concatenate([sounds.chords(20.0, RATE), silence, sounds.chords(20.0, RATE)]))
    for window in found:
        if window.start_s >= 20 and window.end_s <= 40:
            assert not window.audible
        if window.end_s <= 20 or window.start_s >= 40:
            assert window.audible
    assert not any(window.audible for window in cut(sounds.noise(20.0, RATE)))


def test_a_signal_by_itself_is_judged_as_a_song_is():
    assert windows.is_audible(Signal(sounds.chords(6.0, RATE), RATE))
    assert not windows.is_audible(Signal(np.zeros(6 * RATE, np.float32), RATE))
    assert not windows.is_audible(Signal(sounds.noise(6.0, RATE), RATE))
