"""The 498: librosa's numbers for the same spectrum, whatever the sound; whole files in blocks."""

import sys

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_engine import audio, features
from genre_engine.audio import Signal, spectral
from genre_engine.errors import BadSamples, TooShort, WrongUsage
from genre_engine.features import summary
from tests import sounds

RATE = 22050
KIND = features.kind("summary")
FULL = features.kind("summary", excerpt_s=None)
SLICES = {"mfcc": (0, 60), "mel": (60, 444), "chroma": (444, 480), "tonnetz": (480, 498)}

# The one warning that librosa has for silence.
LIBROSA_ON_SILENCE = pytest.mark.filterwarnings(
    "ignore:Trying to estimate tuning from empty:UserWarning"
)


def librosas(samples):
    """The four matrices by librosa's own functions from one spectrum, features as rows."""
    import librosa

    padded = np.pad(samples, summary.N_FFT // 2)
    power = spectral.power_spectrogram(padded, n_fft=2048, hop_length=512).T
    mel = librosa.feature.melspectrogram(S=power, sr=RATE)
    mfcc = librosa.feature.mfcc(S=librosa.power_to_db(mel), n_mfcc=20)
    chroma = librosa.feature.chroma_stft(S=power, sr=RATE)
    return {
        "mfcc": mfcc,
        "mel": mel,
        "chroma": chroma,
        "tonnetz": librosa.feature.tonnetz(chroma=chroma),
    }


def reduced(matrices):
    return {
        name: np.concatenate([m.mean(axis=1), m.min(axis=1), m.max(axis=1)])
        for name, m in matrices.items()
    }


def assert_equals_librosa(samples, found=None):
    found = KIND.compute(Signal(samples, RATE)) if found is None else found
    for name, expected in reduced(librosas(samples)).items():
        start, end = SLICES[name]
        # Numbers near zero are differences of larger ones, and as exact as these are: for tonnetz,
        # of the shares of one.
        atol = {"mel": 1e-12, "tonnetz": 1e-7}.get(name, 1e-5 * np.abs(expected).max())
        np.testing.assert_allclose(found[start:end], expected, rtol=1e-4, atol=atol, err_msg=name)


def known_sounds():
    rng = np.random.default_rng(0)
    yield "tone", sounds.tone(2.0, RATE)
    yield "sharp tone", sounds.tone(2.0, RATE, hz=440 * 2 ** (0.3 / 12))
    yield "chords", sounds.chords(3.0, RATE)
    yield "drums", sounds.drums(2.0, RATE)
    yield "white noise", sounds.noise(2.0, RATE)
    yield "brown noise", sounds.noise(2.0, RATE, colour="brown")
    yield "silence", np.zeros(RATE, np.float32)
    yield "click", np.eye(1, RATE, 5000, dtype=np.float32)[0]
    # Its peaks are rounding errors, and vote for the tuning all the same.
    yield "two samples", np.r_[sounds.noise(1.0, RATE)[:2], np.zeros(RATE)].astype(np.float32)
    yield "faint", sounds.chords(2.0, RATE, level=1e-5)
    yield (
        "music, then silence",
        np.concatenate([sounds.chords(1.0, RATE), np.zeros(RATE)]).astype(np.float32),
    )
    yield "full scale square", np.sign(sounds.tone(1.0, RATE, hz=110))
    yield "a tenth of a second", rng.uniform(-1, 1, 2205).astype(np.float32)
    yield "one sample", np.ones(1, np.float32)


@LIBROSA_ON_SILENCE
@pytest.mark.parametrize(("name", "samples"), list(known_sounds()), ids=lambda v: str(v)[:20])
def test_the_498_equal_librosas_for_the_same_spectrum(name, samples):
    assert_equals_librosa(samples)


@pytest.mark.parametrize("part", ["Hungarian", "Hobbs", "Sugar", "Vibe"])
def test_the_498_of_real_music_equal_librosas(song_named, part):
    assert_equals_librosa(audio.load(song_named(part), RATE).samples)


@LIBROSA_ON_SILENCE
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(1, 3 * RATE),
    level=st.floats(1e-4, 1.0),
    tones=st.lists(st.floats(30, 10000), max_size=4),
    noise=st.sampled_from([0.0, 0.01, 0.3]),
    silent_from=st.floats(0, 1),
)
@settings(max_examples=25, deadline=None)
def test_the_498_of_any_sound_equal_librosas(seed, count, level, tones, noise, silent_from):
    times_s = np.arange(count) / RATE
    samples = noise * np.random.default_rng(seed).uniform(-1, 1, count)
    samples += sum(np.sin(2 * np.pi * hz * times_s) for hz in tones) / max(1, len(tones))
    samples[int(count * silent_from) :] = 0
    assert_equals_librosa((level * samples).astype(np.float32))


def test_columns_are_named_in_their_order():
    assert len(KIND.columns) == len(set(KIND.columns)) == 498
    for name in ("mfcc_00_mean", "mfcc_19_max", "mel_127_max", "chroma_11_min", "tonnetz_5_max"):
        assert name in KIND.columns
    for name, (start, end) in SLICES.items():
        third = (end - start) // 3
        columns = KIND.columns[start:end]
        assert all(column.startswith(f"{name}_") for column in columns)
        for number, statistic in enumerate(("mean", "min", "max")):
            group = columns[number * third : (number + 1) * third]
            assert all(column.endswith(f"_{statistic}") for column in group)
            assert list(group) == sorted(group)


def test_of_a_tone_and_of_silence_the_answer_is_known():
    found = dict(zip(KIND.columns, KIND.compute(Signal(sounds.tone(3.0, RATE), RATE)), strict=True))
    chroma = [found[f"chroma_{pitch:02d}_mean"] for pitch in range(12)]
    assert int(np.argmax(chroma)) == 9  # A
    centres = spectral.mel_centres(sample_rate=RATE, n_mels=128)
    loudest = int(np.argmax([found[f"mel_{band:03d}_mean"] for band in range(128)]))
    assert centres[loudest] == pytest.approx(440, abs=25)
    silence = dict(zip(KIND.columns, KIND.compute(Signal(np.zeros(RATE, "f4"), RATE)), strict=True))
    assert not any(v for name, v in silence.items() if name.startswith(("mel", "chroma", "ton")))
    assert silence["mfcc_00_mean"] == pytest.approx(-100 * np.sqrt(128), rel=1e-5)


def test_a_least_lies_below_the_mean_and_a_greatest_above():
    values = KIND.compute(Signal(sounds.chords(3.0, RATE), RATE))
    for start, end in SLICES.values():
        mean, least, most = values[start:end].reshape(3, -1)
        assert (least <= mean + 1e-6 * np.abs(mean)).all()
        assert (mean <= most + 1e-6 * np.abs(mean)).all()


@pytest.mark.parametrize("form", ["WAV", "OGG", "MP3", "OPUS"])
def test_a_whole_file_in_blocks_gives_what_it_gives_at_once(form):
    _, rate = sounds.FORMATS[form]
    samples = np.concatenate(
        [sounds.chords(3.3, rate), sounds.drums(2.1, rate), np.zeros(rate // 2, np.float32)]
    )
    data = sounds.encoded(samples, rate, form)
    blocks = FULL.compute_source(data)
    at_once = FULL.compute(audio.load(data, RATE, excerpt_s=None))
    np.testing.assert_allclose(blocks, at_once, rtol=1e-4, atol=1e-4)
    assert FULL.fingerprint != KIND.fingerprint


def test_a_whole_file_has_librosas_tuning_and_floor_of_the_whole():
    """Loud and sharp first, then faint and in tune: alone, each block would give another."""
    loud = sounds.tone(4.0, RATE, hz=440 * 2 ** (0.4 / 12), level=0.9)
    faint = sounds.chords(3.0, RATE, level=1e-5)
    samples = np.concatenate([loud, faint])
    found = FULL.compute_source(sounds.encoded(samples, RATE, "WAV", "FLOAT"))
    assert_equals_librosa(samples, found)


def test_an_mp3_that_is_cut_short_is_taken_for_what_decodes(tmp_path):
    data = sounds.encoded(sounds.chords(20.0, 44100), 44100, "MP3")
    cut = data[: len(data) // 2]
    whole = audio.load(cut, RATE, excerpt_s=None)
    assert 9 < whole.duration_s < 11
    found = FULL.compute_source(cut)
    np.testing.assert_allclose(found, FULL.compute(whole), rtol=1e-4, atol=1e-4)
    excerpt = features.kind("summary", excerpt_s=5).compute_source(cut)
    middle = whole.samples[len(whole.samples) // 2 - round(2.5 * RATE) :][: 5 * RATE]
    np.testing.assert_allclose(excerpt, KIND.compute(Signal(middle, RATE)), rtol=1e-2, atol=0.5)


def test_memory_does_not_grow_with_a_files_length(tmp_path, python):
    minute = sounds.chords(60.0, 8000)
    for minutes in (1, 10):
        with soundfile.SoundFile(tmp_path / f"{minutes}.wav", "w", 8000, 1, "PCM_16") as file:
            for _ in range(minutes):
                file.write(minute)
    code = """
import resource, sys
from genre_engine import features
for path in sys.argv[1:]:
    features.kind("summary", excerpt_s=None).compute_source(path)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    result = python(code, tmp_path / "1.wav", tmp_path / "10.wav")
    assert result.returncode == 0, result.stderr
    short, long = map(int, result.stdout.split())
    unit = 2**20 if sys.platform == "darwin" else 2**10
    assert (long - short) / unit < 40


def test_signals_that_nothing_can_be_computed_from_are_refused_in_words():
    with pytest.raises(WrongUsage, match="sample_rate=22050"):
        KIND.compute(Signal(np.zeros(100, np.float32), 16000))
    with pytest.raises(TooShort):
        KIND.compute(Signal(np.zeros(0, np.float32), RATE))
    for bad in (np.nan, np.inf, 1e25):
        with pytest.raises(BadSamples, match="full scale"):
            KIND.compute(Signal(np.full(5000, bad, np.float32), RATE))


def test_samples_in_another_layout_give_the_same():
    samples = sounds.chords(2.0, RATE)
    stereo = np.stack([samples, np.zeros_like(samples)], axis=1)
    expected = KIND.compute(Signal(samples, RATE))
    np.testing.assert_array_equal(KIND.compute(Signal(stereo[:, 0], RATE)), expected)
    wide = samples.astype(np.float64)
    np.testing.assert_array_equal(KIND.compute(Signal(wide, RATE)), expected)
