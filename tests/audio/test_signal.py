"""From a source to mono samples: rate, excerpt, limits, and what is refused."""

import io

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_engine import audio, features
from genre_engine.audio import signal
from genre_engine.errors import BadSamples, NotAudio, TooLong, TooShort, WrongUsage
from tests import sounds


def noise(count, channels=1):
    samples = np.random.default_rng(0).uniform(-0.7, 0.7, (count, channels))
    return samples.astype(np.float32)


def as_float(samples, sample_rate=44100):
    return sounds.encoded(samples, sample_rate, "WAV", "FLOAT")


@pytest.mark.parametrize("to_rate", [16000, 22050, 48000])
@pytest.mark.parametrize("from_rate", [8000, 22050, 44100, 96000])
def test_resampling_in_blocks_equals_resampling_in_one_go(from_rate, to_rate):
    samples = noise(from_rate * 3 + 77, 2)
    mono = (samples[:, 0] + samples[:, 1]) / 2
    found = audio.load(as_float(samples, from_rate), to_rate, excerpt_s=None).samples
    expected = soxr.resample(mono, from_rate, to_rate)
    assert len(found) == len(expected)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_at_its_own_rate_a_file_is_not_touched():
    samples = noise(30000)
    found = audio.load(as_float(samples, 16000), 16000).samples
    np.testing.assert_array_equal(found, samples[:, 0])


@given(length=st.integers(2000, 60000), excerpt=st.integers(1, 70000))
@settings(max_examples=40, deadline=None)
def test_an_excerpt_is_exactly_the_middle(length, excerpt):
    rate = 8000
    samples = noise(length)
    found = audio.load(as_float(samples, rate), rate, excerpt_s=excerpt / rate).samples
    start = max(0, (length - excerpt) // 2)
    np.testing.assert_array_equal(found, samples[start : start + excerpt, 0])


def test_the_middle_is_that_of_what_decodes():
    """A cut MP3 still claims its full length; the middle of that may lie in the missing part."""
    mp3 = sounds.example_of("MP3", 20.0)
    whole = audio.load(mp3, 16000, excerpt_s=None)
    cut = audio.load(mp3[: len(mp3) // 4], 16000, excerpt_s=None)
    assert 4.0 < cut.duration_s < 6.0 < whole.duration_s
    middle = audio.load(mp3[: len(mp3) // 4], 16000, excerpt_s=2.0)
    assert middle.duration_s == 2.0
    start = (len(cut.samples) - 32000) // 2
    np.testing.assert_array_equal(middle.samples, cut.samples[start : start + 32000])


@given(
    length=st.integers(2000, 40000),
    excerpt=st.integers(1, 12000),
    claimed=st.none() | st.floats(0.1, 9),
)
@settings(max_examples=40, deadline=None)
def test_the_middle_is_found_whatever_length_a_source_claims(length, excerpt, claimed):
    samples = noise(length)

    class Claiming(audio.Stream):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            self.claimed_s = claimed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signal, "Stream", Claiming)
        patch.setattr(signal, "_KEPT_S", 1.0)
        found = audio.load(as_float(samples, 8000), 8000, excerpt_s=excerpt / 8000)
    start = max(0, (length - excerpt) // 2)
    np.testing.assert_array_equal(found.samples, samples[start : start + excerpt, 0])
    assert found.start_s == start / 8000


def test_a_cut_mp3_is_known_to_be_cut():
    mp3 = sounds.example_of("MP3", 20.0)
    for data, is_cut in ((mp3, False), (mp3[: len(mp3) // 2], True)):
        stream = audio.Stream(data, 16000)
        for _ in stream:
            pass
        assert stream.cut_short is is_cut
        assert stream.claimed_s == pytest.approx(20.0, abs=0.2)


def test_a_stream_knows_its_source_after_the_last_block():
    stream = audio.Stream(as_float(noise(44100 * 2, 2)), 16000)
    assert stream.kind == "WAV"
    assert stream.claimed_s == 2.0
    assert sum(map(len, stream)) == 32000
    assert stream.duration_s == 2.0
    assert not stream.cut_short
    assert stream.clipped == 0.0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("channels", [1, 2, 5])
@pytest.mark.parametrize("where", [0, 50000, -1])
def test_one_sample_that_is_no_number_refuses_the_file(bad, channels, where):
    samples = noise(88200, channels)
    samples[where, -1] = bad
    with pytest.raises(BadSamples, match="not numbers"):
        audio.load(as_float(samples), 16000)


def test_infinities_that_cancel_out_are_found_too():
    samples = noise(44100, 2)
    samples[100] = [np.inf, -np.inf]
    with pytest.raises(BadSamples):
        audio.load(as_float(samples), 16000)


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_samples_so_large_that_they_overflow_are_refused(channels):
    huge = np.sign(noise(44100, channels)) * np.float32(3e38)
    with pytest.raises(BadSamples):
        audio.load(as_float(huge), 16000)


def test_samples_beyond_full_scale_are_kept_and_counted():
    samples = noise(40000)
    samples[:10000] = 4.0
    stream = audio.Stream(as_float(samples, 16000), 16000)
    np.testing.assert_array_equal(np.concatenate(list(stream)), samples[:, 0])
    assert stream.clipped == 0.25


def test_one_channel_at_full_scale_counts_as_half():
    samples = np.stack([np.full(20000, 1.0), np.full(20000, -0.2)], axis=1).astype(np.float32)
    stream = audio.Stream(sounds.encoded(samples, 16000), 16000)  # in whole numbers: 1 is 0.99997
    list(stream)
    assert stream.clipped == 0.5


@pytest.mark.parametrize(("gain_db", "heavy"), [(0, False), (3, False), (12, True), (18, True)])
@pytest.mark.parametrize("form", ["WAV", "MP3", "FLAC"])
def test_heavy_clipping_is_known_and_a_loud_master_is_not(gain_db, heavy, form):
    """Noise that falls with frequency as music does, its peak raised beyond full scale."""
    samples = sounds.noise(10.0, 44100, colour="pink")
    samples *= 10 ** (gain_db / 20) / np.abs(samples).max()
    stream = audio.Stream(sounds.encoded(np.clip(samples, -1, 1), 44100, form), 16000)
    list(stream)
    assert (stream.clipped >= audio.HEAVILY_CLIPPED) is heavy


def test_what_is_absurdly_loud_is_limited_so_that_features_stay_numbers():
    samples = noise(16000)
    samples[:100] = 1e25
    found = audio.load(as_float(samples, 16000), 16000).samples
    assert found.max() == 1e6
    assert np.isfinite(features.kind("patches").compute(audio.Signal(found, 16000))).all()
    at_22_khz = audio.load(as_float(samples, 22050), 22050)
    assert np.isfinite(features.kind("summary").compute(at_22_khz)).all()


def test_a_resampled_signal_may_overshoot_as_it_does_elsewhere():
    square = np.sign(sounds.tone(1.0, 44100, hz=1000)).astype(np.float32)
    found = audio.load(as_float(square), 16000).samples
    np.testing.assert_allclose(found, soxr.resample(square, 44100, 16000), atol=1e-6)


@pytest.mark.parametrize("form", sounds.FORMATS)
def test_the_length_is_that_of_what_decodes(form, tmp_path):
    path = tmp_path / "song"
    for seconds in (0.3, 2.0, 7.3):
        data = sounds.example_of(form, seconds)
        path.write_bytes(data)
        stream = audio.Stream(data, 16000)
        list(stream)
        assert audio.length_s(path) == audio.length_s(data)
        assert audio.length_s(path) == pytest.approx(stream.duration_s, abs=1e-6)


@pytest.mark.parametrize("form", ["WAV", "AIFF", "MP3"])
def test_the_length_of_a_cut_file_is_that_of_its_rest(form):
    whole = sounds.example_of(form, 8.0)
    assert audio.length_s(whole[: len(whole) // 2]) == pytest.approx(4.0, abs=0.2)


def test_what_cannot_be_decoded_has_no_length():
    with pytest.raises(TooShort):
        audio.length_s(sounds.encoded(noise(0)))
    with pytest.raises(TooShort):
        audio.length_s(sounds.encoded(noise(2000)))
    with pytest.raises(TooLong):
        audio.length_s(sounds.example_of("FLAC", 3.0), limit_s=2.0)
    with pytest.raises(BadSamples):
        audio.length_s(as_float(np.full(9000, np.nan, np.float32)))
    with pytest.raises(NotAudio):
        audio.length_s(b"text" * 100)


@pytest.mark.parametrize("count", [0, 1, 4409])
def test_under_a_tenth_of_a_second_is_too_short(count):
    with pytest.raises(TooShort, match=r"s of sound; 0.1 s are the least"):
        audio.load(sounds.encoded(noise(count)), 16000)


@pytest.mark.parametrize("form", ["WAV", "AIFF"])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_cut_file_without_compression_is_known_to_be_cut(form, channels):
    whole = sounds.encoded(noise(8 * 22050, channels), 22050, form)
    for data, is_cut in ((whole, False), (whole[: len(whole) // 2], True)):
        stream = audio.Stream(data, 22050)
        seconds = sum(map(len, stream)) / 22050
        assert stream.cut_short is is_cut
        assert stream.claimed_s == pytest.approx(8.0, abs=0.01)
        assert seconds == pytest.approx(4.0 if is_cut else 8.0, abs=0.1)
    middle = audio.load(whole[: len(whole) // 2], 22050, excerpt_s=2)
    assert middle.start_s == pytest.approx(1.0, abs=0.1)


def test_a_wav_whose_writer_did_not_know_its_end_is_whole():
    for claim in (0xFFFFFFFF, 0x7FFFFFFF):
        head = bytearray(sounds.encoded(noise(44100), 22050, "WAV"))
        head[40:44] = claim.to_bytes(4, "little")
        stream = audio.Stream(bytes(head), 22050)
        list(stream)
        assert not stream.cut_short


def test_a_tenth_of_a_second_is_enough():
    assert len(audio.load(sounds.encoded(noise(4410)), 16000).samples) == 1600


def test_a_file_that_claims_too_much_is_refused_before_it_is_decoded(tmp_path):
    """Seven hours at 1 kHz in a file with a hole: nothing of it is read."""
    path = tmp_path / "long.wav"
    with soundfile.SoundFile(path, "w", 1000, 1, "PCM_U8") as file:
        file.write(np.zeros(8, np.float32))
    size = 7 * 3600 * 1000
    head = bytearray(path.read_bytes()[:44])
    head[4:8], head[40:44] = (size + 36).to_bytes(4, "little"), size.to_bytes(4, "little")
    path.write_bytes(head)
    with path.open("r+b") as file:
        file.truncate(44 + size)
    with pytest.raises(TooLong, match=r"It lasts 7.0 h or more; the limit is 6 h. Cut it"):
        audio.Stream(path, 16000)


def test_a_limit_of_ones_own_holds():
    data = sounds.example_of("FLAC", 3.0)
    with pytest.raises(TooLong):
        audio.load(data, limit_s=2.0)
    assert audio.load(data, limit_s=3.0).duration_s == pytest.approx(3.0)


def test_a_sample_rate_that_cannot_be_converted_is_reported(monkeypatch):
    def refuse(*arguments, **options):
        raise RuntimeError("soxr: invalid rate")

    monkeypatch.setattr(soxr, "ResampleStream", refuse)
    with pytest.raises(NotAudio, match="A sample rate of 44100 Hz can't be converted"):
        audio.load(sounds.example_of("WAV"), 16000)


def test_what_a_browser_plays_is_known_by_content():
    assert audio.browser_type(sounds.example_of("MP3", 0.5)) == "audio/mpeg"
    assert audio.browser_type(sounds.example_of("AIFF", 0.5)) is None
    assert audio.browser_type(b"") is None


def test_what_a_browser_cannot_play_becomes_flac():
    flac = audio.for_browser(sounds.example_of("AIFF", 1.0))
    assert audio.browser_type(flac) == "audio/flac"
    samples, sample_rate = soundfile.read(io.BytesIO(flac))
    assert sample_rate == 44100
    np.testing.assert_allclose(samples, sounds.tone(1.0), atol=1e-3)


@pytest.mark.parametrize(
    "options",
    [{"excerpt_s": 0}, {"excerpt_s": -1}, {"excerpt_s": float("nan")}, {"excerpt_s": "full"}]
    + [{"sample_rate": rate} for rate in (0, -1, None, 22050.5, float("inf"))],
)
def test_a_length_or_a_rate_that_can_not_be_is_refused_before_anything_is_read(options):
    with pytest.raises(WrongUsage, match=r"can't be taken|is no sample rate"):
        audio.load("there is no such file", **options)


def test_bytes_of_any_kind_are_read(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.full(4000, 0.5, np.float32), 8000)
    data = (tmp_path / "a.wav").read_bytes()
    expected = audio.load(data).samples
    for other in (bytearray(data), memoryview(data)):
        np.testing.assert_array_equal(audio.load(other).samples, expected)
