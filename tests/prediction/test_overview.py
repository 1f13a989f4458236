"""The two pictures of a song: columns that cover it, whatever its length."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_engine.errors import NotAudio, TooShort
from genre_engine.prediction.overview import overview
from tests import sounds


def wav(samples, sample_rate=16000):
    return sounds.encoded(samples, sample_rate, "WAV", "FLOAT")


@given(st.integers(1600, 60000), st.integers(1, 900))
@settings(max_examples=40, deadline=None)
def test_columns_cover_the_whole_song(count, columns):
    drawn = overview(wav(sounds.chords(count / 16000)[:count]), columns)
    n = len(drawn.times_s)
    assert drawn.low.shape == drawn.high.shape == (n,)
    assert drawn.mel_db.shape == (96, n)
    assert drawn.mel_hz.shape == (96,)
    assert (drawn.low <= drawn.high).all()
    step_s = 2 * drawn.times_s[0]
    assert drawn.times_s[-1] - step_s / 2 < count / 16000 <= drawn.times_s[-1] + step_s / 2 + 1e-9


def test_a_tone_has_its_height_and_its_band():
    drawn = overview(wav(sounds.tone(10.0, 16000, hz=1000, level=0.4)), 100)
    np.testing.assert_allclose(drawn.high[1:-1], 0.4, atol=1e-2)
    np.testing.assert_allclose(drawn.low[1:-1], -0.4, atol=1e-2)
    loudest = drawn.mel_hz[drawn.mel_db[:, 1:-1].argmax(axis=0)]
    np.testing.assert_allclose(loudest, 1000, atol=40)
    assert drawn.mel_db.max() == 0
    assert drawn.mel_db.min() >= -80


def test_a_peak_is_drawn_where_it_is():
    samples = np.zeros(160000, np.float32)
    samples[80000] = 0.9
    drawn = overview(wav(samples), 200)
    assert drawn.times_s[drawn.high.argmax()] == pytest.approx(5.0, abs=0.05)
    assert drawn.high.max() == pytest.approx(0.9)


def test_silence_can_be_drawn():
    drawn = overview(wav(np.zeros(32000, np.float32)))
    assert not drawn.high.any()
    assert np.isfinite(drawn.mel_db).all()


def test_a_cut_mp3_is_drawn_as_far_as_it_goes():
    mp3 = sounds.example_of("MP3", 20.0)
    drawn = overview(mp3[: len(mp3) // 2])
    assert drawn.times_s[-1] == pytest.approx(10.0, abs=1.0)


def test_what_cannot_be_read_cannot_be_drawn():
    with pytest.raises(NotAudio):
        overview(b"text")
    with pytest.raises(TooShort):
        overview(wav(np.zeros(10, np.float32)))
