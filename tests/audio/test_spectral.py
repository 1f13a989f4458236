"""Spectra with answers known beforehand, equal to librosa's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from genre_engine.audio.spectral import mel_centres, mel_filters, power_spectrogram
from genre_engine.pretrained.spectrogram import log_mel, power_blocks
from tests import sounds

signals = arrays.arrays(
    np.float32, st.integers(0, 4000), elements=st.floats(-1, 1, width=32, allow_subnormal=False)
)


def padded(samples, n_fft):
    return np.pad(samples, n_fft // 2)


def test_a_pure_tone_lies_in_its_bin():
    power = power_spectrogram(sounds.tone(1.0, 16000, hz=1000), n_fft=512, hop_length=256)
    assert power.shape == (1 + (16000 - 512) // 256, 257)
    assert (power.argmax(axis=1) == 1000 * 512 // 16000).all()
    # A Hann window puts all of a tone between bins 31 and 33.
    np.testing.assert_allclose(power[:, 31:34].sum(axis=1) / power.sum(axis=1), 1, atol=1e-5)


def test_silence_has_no_energy():
    assert not power_spectrogram(np.zeros(5000, np.float32), n_fft=512, hop_length=128).any()


def test_fewer_samples_than_a_window_give_no_frame():
    assert power_spectrogram(np.ones(511, np.float32), n_fft=512, hop_length=1).shape == (0, 257)


@given(signals)
@settings(max_examples=50, deadline=None)
def test_the_energy_of_each_frame_is_that_of_its_windowed_samples(samples):
    """Parseval: the spectrum holds as much as the samples."""
    power = power_spectrogram(samples, n_fft=256, hop_length=100)
    window = np.hanning(257)[:-1]
    for row, start in zip(power, range(0, len(samples), 100), strict=False):
        energy = np.square(samples[start : start + 256] * window).sum()
        both_sides = 2 * row.sum() - row[0] - row[-1]
        assert both_sides / 256 == pytest.approx(energy, rel=1e-3, abs=1e-6)


@given(signals, st.floats(0.1, 10))
@settings(max_examples=30, deadline=None)
def test_louder_by_a_factor_is_stronger_by_its_square(samples, factor):
    once = power_spectrogram(samples, n_fft=128, hop_length=64)
    louder = power_spectrogram(samples * np.float32(factor), n_fft=128, hop_length=64)
    np.testing.assert_allclose(louder, once * factor**2, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(("n_fft", "hop_length"), [(512, 256), (2048, 512), (400, 160)])
def test_spectra_equal_those_of_librosa(n_fft, hop_length):
    import librosa

    samples = sounds.chords(3.0) + sounds.noise(3.0, level=0.01)
    found = power_spectrogram(padded(samples, n_fft), n_fft=n_fft, hop_length=hop_length)
    expected = np.abs(librosa.stft(samples, n_fft=n_fft, hop_length=hop_length)).T ** 2
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * expected.max() ** 0.5)


@pytest.mark.parametrize(
    ("sample_rate", "n_fft", "n_mels"), [(16000, 512, 96), (22050, 2048, 128), (44100, 1024, 40)]
)
@pytest.mark.filterwarnings("ignore:Empty filters")
def test_mel_filters_equal_those_of_librosa(sample_rate, n_fft, n_mels):
    import librosa

    found = mel_filters(sample_rate=sample_rate, n_fft=n_fft, n_mels=n_mels)
    expected = librosa.filters.mel(sr=sample_rate, n_fft=n_fft, n_mels=n_mels)
    np.testing.assert_allclose(found, expected, atol=1e-7)


@pytest.mark.parametrize("n_mels", [20, 96, 128])
def test_mel_centres_rise_evenly_at_first_and_then_ever_faster(n_mels):
    centres = mel_centres(sample_rate=22050, n_mels=n_mels)
    steps = np.diff(centres)
    assert len(centres) == n_mels
    assert (steps > 0).all()
    low = steps[: int(np.searchsorted(centres, 1000)) - 1]
    np.testing.assert_allclose(low, low[0])
    assert steps[-1] > 2 * steps[0]


def test_mel_filters_cannot_be_changed_by_who_got_them():
    filters = mel_filters(sample_rate=16000, n_fft=512, n_mels=96)
    with pytest.raises(ValueError, match="read-only"):
        filters[0, 0] = 1


def test_the_networks_input_equals_librosas():
    import librosa

    samples = sounds.chords(4.0)
    power = np.concatenate(list(power_blocks([samples])))
    mel = librosa.feature.melspectrogram(y=samples, sr=16000, n_fft=512, hop_length=256, n_mels=96)
    np.testing.assert_allclose(log_mel(power), np.log10(10000 * mel.T + 1), atol=1e-4)


@given(st.lists(st.integers(0, 3000), min_size=1, max_size=8))
@settings(max_examples=50, deadline=None)
def test_spectra_do_not_depend_on_how_samples_come_in_blocks(sizes):
    samples = np.random.default_rng(1).uniform(-1, 1, sum(sizes)).astype(np.float32)
    blocks = np.split(samples, np.cumsum(sizes)[:-1])
    found = np.concatenate(list(power_blocks(blocks)))
    np.testing.assert_array_equal(
        found,
        power_spectrogram(padded(samples, 512), n_fft=512, hop_length=256, rfft=np.fft.rfft),
    )
    assert len(found) == 1 + len(samples) // 256
