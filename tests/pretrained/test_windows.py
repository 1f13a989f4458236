"""Windows over a song: that they tile it, and which of them hold something to hear."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_engine.audio import Stream
from genre_engine.audio.spectral import mel_filters
from genre_engine.pretrained import NETWORKS
from genre_engine.pretrained.spectrogram import FRAMES_PER_S, HTK, PATCH_S, SLANEY
from genre_engine.pretrained.windows import stretches
from tests import sounds


def heard(samples, sample_rate=16000, **options):
    data = sounds.encoded(samples, sample_rate, "WAV", "FLOAT")
    return list(stretches(Stream(data, 16000), **options))


def patches(stretch, name="msd-musicnn"):
    network = NETWORKS[name]
    starts = stretch.long_starts if network.is_long else stretch.starts
    return stretch.patches(network, np.arange(len(starts)))


def joined(parts, name):
    return np.concatenate([getattr(part, name) for part in parts])


@given(st.floats(0.1, 40.0))
@settings(max_examples=40, deadline=None)
def test_windows_tile_the_song(duration_s):
    count = round(duration_s * 16000)
    (stretch,) = heard(sounds.chords(duration_s))
    starts_s, ends_s = stretch.starts_s, stretch.ends_s
    for name in ("msd-musicnn", "mtg-jamendo-musicnn"):
        found = patches(stretch, name)
        assert found.shape == (len(starts_s), NETWORKS[name].frames, 96)
        assert found.dtype == np.float32
    assert starts_s[0] == 0.0
    assert (np.diff(starts_s) > 0).all()
    assert (starts_s[1:] <= ends_s[:-1] + 1e-9).all()  # no gap
    assert ends_s[-1] <= count / 16000
    # What isn't listened to at the end is too short for a window of its own.
    assert count / 16000 - ends_s[-1] < 1.0 or (len(starts_s) == 1 and duration_s < 4.0)


def test_every_window_but_the_last_starts_where_the_one_before_ends():
    (stretch,) = heard(sounds.chords(11.0))
    np.testing.assert_allclose(stretch.starts_s[:3], np.arange(3) * PATCH_S)
    # The rest of 2 s reaches back into the third window.
    assert stretch.starts_s[3] == pytest.approx(11.0 - PATCH_S, abs=2 / FRAMES_PER_S)
    assert len(stretch.starts_s) == 4


def test_a_short_rest_gets_no_window_of_its_own():
    (stretch,) = heard(sounds.chords(3 * PATCH_S + 0.8))
    assert len(stretch.starts_s) == 3


def test_a_song_shorter_than_a_window_is_padded_with_silence():
    (stretch,) = heard(sounds.chords(1.0))
    (patch,) = patches(stretch)
    frames = 1 + 16000 // 256
    assert patch[: frames - 2].max(axis=1).min() > 0.1
    assert not patch[frames:].any()
    assert stretch.ends_s[0] == pytest.approx(1.0)
    assert stretch.audible.all()


@pytest.mark.parametrize("duration_s", [21.0, 25.0, 31.7, 60.0])
@pytest.mark.parametrize("windows", [1, 2, 5])
def test_stretches_together_equal_one_long_one(duration_s, windows):
    song = sounds.chords(duration_s)
    (whole,) = heard(song)
    parts = heard(song, windows=windows)
    assert len(parts) > 1
    for name in ("starts_s", "ends_s", "audible"):
        np.testing.assert_allclose(joined(parts, name), getattr(whole, name), atol=1e-6)
    for name in ("msd-musicnn", "mtg-jamendo-musicnn"):
        together = np.concatenate([patches(part, name) for part in parts])
        np.testing.assert_allclose(together, patches(whole, name), atol=1e-4)


@given(st.floats(0.2, 100.0))
@settings(max_examples=20, deadline=None)
def test_windows_of_29_s_tile_the_song_too(duration_s):
    (stretch,) = heard(sounds.chords(duration_s))
    starts_s, ends_s = stretch.long_starts_s, stretch.long_ends_s
    found = patches(stretch, "mtg-jamendo-fcn")
    assert found.shape == (len(starts_s), 1813, 96)
    assert starts_s[0] == 0.0
    assert (starts_s[1:] <= ends_s[:-1] + 1e-9).all()
    assert duration_s - ends_s[-1] < 10.1 or len(starts_s) == 1
    assert stretch.long_audible.all()


def test_a_window_of_29_s_is_audible_where_anything_in_it_is():
    samples = sounds.chords(90.0)
    samples[16000 * 25 : 16000 * 65] = 0
    (stretch,) = heard(samples)
    assert stretch.long_audible.tolist() == [True, False, True]


def test_the_second_spectrogram_sees_the_song_mirrored_at_its_ends():
    """Against frames of the mirrored song, each transformed by itself."""
    samples = sounds.chords(4.1)
    (stretch,) = heard(samples)
    padded = np.pad(samples, 256, mode="reflect")
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(512) / 512)
    frames = np.lib.stride_tricks.sliding_window_view(padded, 512)[::256] * window
    power = np.abs(np.fft.rfft(frames)) ** 2
    filters = mel_filters(sample_rate=16000, n_fft=512, n_mels=96, scale="htk")
    expected = 10 * np.log10(np.maximum(power @ filters.T, 1e-10))
    found = stretch.spectra[HTK]
    audible = expected > -60  # below, float32 is all that is seen
    np.testing.assert_allclose(found[audible], expected[audible], atol=0.02)
    assert audible[0].all()
    assert audible[-1].any()


def test_the_second_spectrogram_is_made_only_where_it_is_wanted():
    (stretch,) = heard(sounds.chords(4.0), spectra=(SLANEY,))
    assert set(stretch.spectra) == {SLANEY}


@pytest.mark.parametrize("level", [0.0, 1e-6, 1e-4])
def test_silence_and_what_is_hardly_more_are_not_audible(level):
    for sound in (sounds.tone(7.0, 16000, level=level), sounds.noise(7.0, level=level)):
        (stretch,) = heard(sound)
        assert not stretch.audible.any()


def test_a_constant_offset_is_silence():
    (stretch,) = heard(np.full(16000 * 7, 0.5, np.float32))
    assert not stretch.audible.any()


@pytest.mark.parametrize("colour", ["white", "pink", "brown"])
@pytest.mark.parametrize("duration_s", [1.0, 3.0, 10.0])
@pytest.mark.parametrize("level", [0.003, 0.1])
def test_steady_noise_of_any_colour_is_not_audible(colour, duration_s, level):
    for seed in range(4):
        (stretch,) = heard(sounds.noise(duration_s, colour=colour, level=level, seed=seed))
        assert not stretch.audible.any()


@pytest.mark.parametrize("sample_rate", [8000, 44100])
def test_noise_of_another_sample_rate_is_not_audible(sample_rate):
    (stretch,) = heard(sounds.noise(8.0, sample_rate, colour="pink"), sample_rate)
    assert not stretch.audible.any()


@pytest.mark.parametrize("duration_s", [0.3, 3.0, 10.0])
@pytest.mark.parametrize("level", [0.01, 0.3])
@pytest.mark.parametrize(
    "sound", [sounds.chords, sounds.drums, lambda s, level: sounds.tone(s, 16000, level=level)]
)
def test_tones_chords_and_drums_are_audible(sound, duration_s, level):
    (stretch,) = heard(sound(duration_s, level=level))
    assert stretch.audible.all()


def test_music_over_noise_is_audible():
    (stretch,) = heard(sounds.chords(9.0, level=0.1) + sounds.noise(9.0, level=0.01))
    assert stretch.audible.all()


def test_only_the_silent_windows_of_a_song_are_left_out():
    song = sounds.chords(12 * PATCH_S)
    third = round(4 * PATCH_S * 16000)
    song[third : 2 * third] = 0
    (stretch,) = heard(song)
    assert not stretch.audible[5:7].any()
    assert stretch.audible[:4].all()
    assert stretch.audible[9:].all()


def test_a_little_music_in_long_noise_is_audible():
    """Such as a field recording with a song in it: 20 s of five minutes."""
    sound = sounds.noise(300.0, colour="pink", level=0.05)
    sound[16000 * 200 : 16000 * 220] += sounds.chords(20.0)
    (stretch,) = heard(sound)
    assert stretch.audible.all()
    (stretch,) = heard(sounds.noise(300.0, colour="pink", level=0.05))
    assert not stretch.audible.any()


@pytest.mark.parametrize("rest_s", [1.0, 4.0, 8.0])
def test_a_song_after_a_long_silence_is_in_a_window_of_29_s(rest_s):
    """Also where what is left at the end is too short for a window of its own."""
    song = np.concatenate([np.zeros(29 * 16000, np.float32), sounds.chords(rest_s)])
    (stretch,) = heard(song)
    assert stretch.audible.any()
    (last,) = np.flatnonzero(stretch.long_audible)[-1:]
    assert stretch.long_ends_s[last] == pytest.approx(29 + rest_s, abs=0.05)


def test_a_short_rest_of_a_song_gets_no_window_of_29_s():
    (stretch,) = heard(sounds.chords(29.1 + 8.0))
    assert len(stretch.long_starts) == 1
    (stretch,) = heard(sounds.chords(29.1 + 12.0))
    assert len(stretch.long_starts) == 2


def test_a_stream_of_no_samples_is_a_silent_window():
    class Nothing:
        duration_s = 0.0

        def __iter__(self):
            yield np.empty(0, np.float32)

    (stretch,) = stretches(Nothing())
    assert not stretch.audible.any()
    assert not stretch.long_audible.any()
