"""MFCC, chroma and tonnetz: the same numbers as librosa's for the same spectrum."""

import numpy as np
import pytest

from genre_engine.audio import Signal, spectral
from genre_engine.features import track_view

RATE, N_FFT, HOP = 22050, 2048, 512


def tone(hz, seconds=2.0):
    return np.sin(2 * np.pi * hz * np.arange(int(RATE * seconds)) / RATE).astype(np.float32) / 2


def sounds():
    rng = np.random.default_rng(0)
    yield "chord a little sharp", sum(tone(hz * 1.015) for hz in (220, 277.18, 329.63)) / 3
    yield "noise", rng.standard_normal(RATE * 2).astype(np.float32) / 10
    yield "silence", np.zeros(RATE, np.float32)
    fading = tone(440) * np.linspace(1, 0, 2 * RATE, dtype=np.float32)
    yield "tone that fades into silence", np.concatenate([fading, np.zeros(RATE, np.float32)])


def spectrum(samples):
    return spectral.power_spectrogram(np.pad(samples, N_FFT // 2), n_fft=N_FFT, hop_length=HOP)


def assert_same(ours, theirs):
    np.testing.assert_allclose(ours, theirs.T, rtol=1e-4, atol=1e-4 * np.abs(theirs).max() + 1e-9)


@pytest.mark.filterwarnings("ignore:Trying to estimate tuning from empty:UserWarning")
@pytest.mark.parametrize(("name", "samples"), list(sounds()), ids=lambda value: str(value)[:20])
def test_features_equal_librosas_for_the_same_spectrum(name, samples):
    import librosa

    power = spectrum(samples)
    mel = power @ spectral.mel_filters(sample_rate=RATE, n_fft=N_FFT, n_mels=128).T
    mel_db = spectral.decibels(mel)
    theirs_db = librosa.power_to_db(librosa.feature.melspectrogram(S=power.T, sr=RATE))
    assert_same(mel_db, theirs_db)
    assert_same(spectral.mfcc(mel_db), librosa.feature.mfcc(S=theirs_db, n_mfcc=20))
    tuning = librosa.estimate_tuning(S=power.T, sr=RATE)
    assert spectral.tuning(power, sample_rate=RATE, n_fft=N_FFT) == pytest.approx(tuning, abs=1e-9)
    chroma = librosa.feature.chroma_stft(S=power.T, sr=RATE)
    ours = spectral.chroma(power, sample_rate=RATE, n_fft=N_FFT)
    assert_same(ours, chroma)
    assert_same(spectral.tonnetz(ours), librosa.feature.tonnetz(chroma=chroma))


@pytest.mark.parametrize(("hz", "pitch"), [(261.63, "C"), (440, "A"), (493.88, "B"), (880, "A")])
def test_a_tone_is_strongest_in_its_own_pitch_class(hz, pitch):
    chroma = spectral.chroma(spectrum(tone(hz)), sample_rate=RATE, n_fft=N_FFT)
    assert track_view.PITCHES[int(chroma.mean(axis=0).argmax())] == pitch


def test_a_tone_a_quarter_of_a_semitone_sharp_is_measured_so():
    power = spectrum(tone(440 * 2 ** (0.25 / 12)))
    assert spectral.tuning(power, sample_rate=RATE, n_fft=N_FFT) == pytest.approx(0.25, abs=0.05)


def test_the_silent_have_no_pitch():
    power = spectrum(np.zeros(RATE, np.float32))
    chroma = spectral.chroma(power, sample_rate=RATE, n_fft=N_FFT)
    assert not chroma.any()
    assert not spectral.tonnetz(chroma).any()


def test_a_view_has_one_row_a_frame_in_every_picture():
    drawn = track_view.of_signal(Signal(tone(440, 3.0), RATE, 12.0))
    n = len(drawn.times_s)
    assert n == 1 + 3 * RATE // HOP
    assert {len(v) for v in (drawn.low, drawn.high, drawn.mfcc, drawn.mel_db, drawn.tonnetz)} == {n}
    assert (drawn.start_s, drawn.end_s) == (12.0, 15.0)
    assert drawn.times_s[0] == 12.0
    assert drawn.mel_db.max() == 0
    assert drawn.high[: n - 2].max() == pytest.approx(0.5, abs=0.01)
