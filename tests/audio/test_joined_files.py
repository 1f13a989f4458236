"""All of a file is heard: MP3s without a count or with a wrong one, joined files, chained Ogg."""

import io
import struct

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_engine import audio
from genre_engine.audio import decoders, mp3_headers, mp3_parts, ogg_parts
from genre_engine.errors import AudioError
from tests import sounds

RATE = 44100


@pytest.fixture(autouse=True)
def without_ffmpeg(monkeypatch):
    monkeypatch.setenv("PATH", "")


@pytest.fixture(params=["path", "bytes"])
def as_source(request, tmp_path):
    def source(data):
        if request.param == "bytes":
            return data
        path = tmp_path / "song"
        path.write_bytes(data)
        return path

    return source


def loud_then_quiet(loud_s, quiet_s, rate=RATE):
    """Noise takes the highest bit rates, a faint tone the lowest: a length guessed is wrong."""
    loud = np.random.default_rng(0).uniform(-0.5, 0.5, round(loud_s * rate)).astype(np.float32)
    return np.concatenate([loud, sounds.tone(quiet_s, rate, hz=500, level=0.01)])


def mp3(samples, rate=RATE):
    """A variable bit rate, with LAME's tag in front."""
    out = io.BytesIO()
    with soundfile.SoundFile(
        out,
        "w",
        rate,
        1 if samples.ndim == 1 else samples.shape[1],
        "MPEG_LAYER_III",
        format="MP3",
        compression_level=0.2,
        bitrate_mode="VARIABLE",
    ) as file:
        file.write(samples)
    return out.getvalue()


def first_frame(data):
    return next(
        frame for at in range(len(data)) if (frame := mp3_headers.frame_at(data, at)) is not None
    )


def untagged(data):
    """The same without the frame that counts the others."""
    frame = first_frame(data)
    return data[frame.offset + frame.length :]


def with_vbri(data, n_frames):
    """Fraunhofer's tag, which decoders here don't know, instead of LAME's."""
    frame = first_frame(data)
    head = data[frame.offset : frame.offset + 4]
    tag = struct.pack(">4sHHHII", b"VBRI", 1, 0, 75, len(data), n_frames)
    vbri = (head + bytes(32) + tag).ljust(frame.length, b"\0")
    return vbri + data[frame.offset + frame.length :]


def miscounted(data, n_frames):
    frame = first_frame(data)
    at = frame.offset + mp3_headers.tag_offset(data[frame.offset :]) + 8
    return data[:at] + n_frames.to_bytes(4, "big") + data[at + 4 :]


def decoded(source, rate=8000):
    stream = audio.Stream(source, rate)
    return np.concatenate(list(stream)), stream


def tones_heard(samples, rate=8000):
    """The strongest frequency of each second."""
    seconds = samples[: len(samples) // rate * rate].reshape(-1, rate)
    return np.abs(np.fft.rfft(seconds * np.hanning(rate), axis=1)).argmax(axis=1)


SONGS = {
    "loud, then quiet": loud_then_quiet(1.0, 19.0),
    "quiet, then loud": loud_then_quiet(1.0, 19.0)[::-1].copy(),
    "five seconds of silence first": np.concatenate(
        [np.zeros(5 * RATE, np.float32), loud_then_quiet(15.0, 0.0)]
    ),
}


@pytest.mark.parametrize("song", SONGS)
@pytest.mark.parametrize(
    "made",
    [untagged, lambda data: with_vbri(data, 10), lambda data: miscounted(data, 10)],
    ids=["no tag", "VBRI", "a wrong count"],
)
def test_all_of_an_mp3_is_heard_whatever_its_header_says(song, made, as_source):
    data = made(mp3(SONGS[song]))
    source = as_source(data)
    samples, stream = decoded(source)
    assert len(samples) / 8000 == pytest.approx(20.0, abs=0.1)
    assert not stream.cut_short
    assert stream.claimed_s == pytest.approx(20.0, abs=0.1)
    assert audio.length_s(source) == pytest.approx(stream.duration_s, abs=0.05)
    middle = audio.load(source, 8000, excerpt_s=4.0)
    assert middle.start_s == pytest.approx(8.0, abs=0.1)


def test_what_is_heard_of_an_untagged_mp3_is_its_sound():
    """The same as of the tagged one, which decoders read to its end, but for a delay."""
    whole, _ = decoded(mp3(SONGS["loud, then quiet"]), RATE)
    found, _ = decoded(untagged(mp3(SONGS["loud, then quiet"])), RATE)
    shift = next(
        n for n in range(2000) if np.allclose(found[n : n + 4000], whole[:4000], atol=1e-4)
    )
    count = min(len(whole), len(found) - shift)
    assert count > 19.9 * RATE
    np.testing.assert_allclose(found[shift : shift + count], whole[:count], atol=1e-4)


def test_an_mp3_that_was_cut_short_is_still_known_to_be_cut(as_source):
    data = mp3(SONGS["quiet, then loud"])
    source = as_source(data[: len(data) // 2])
    samples, stream = decoded(source)
    assert stream.cut_short
    assert stream.claimed_s == pytest.approx(20.0, abs=0.1)
    assert audio.length_s(source) == pytest.approx(len(samples) / 8000, abs=0.1)


ID3V2 = b"ID3\x04\x00\x00\x00\x00\x01\x00" + bytes(128)
ID3V1 = b"TAG" + bytes(125)


def tone_mp3(hz, seconds=6.0, rate=RATE, channels=1):
    samples = sounds.tone(seconds, rate, hz=hz)
    return mp3(np.stack([samples] * channels, axis=1) if channels > 1 else samples, rate)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (tone_mp3(500), tone_mp3(1500)),
        (untagged(tone_mp3(500)), untagged(tone_mp3(1500))),
        (tone_mp3(500), untagged(tone_mp3(1500))),
        (tone_mp3(500), tone_mp3(1500, rate=22050)),
        (tone_mp3(500, rate=16000), tone_mp3(1500)),
        (untagged(tone_mp3(500, rate=48000)), untagged(tone_mp3(1500, rate=32000))),
        (tone_mp3(500, channels=2), tone_mp3(1500)),
        (untagged(tone_mp3(500)), untagged(tone_mp3(1500, channels=2))),
    ],
    ids=["tags", "no tags", "one tag", "lower", "higher", "no tags, rate", "mono", "stereo"],
)
@pytest.mark.parametrize("between", [b"", ID3V2, ID3V1 + ID3V2], ids=["", "ID3v2", "ID3v1+v2"])
def test_all_of_joined_mp3s_is_heard(first, second, between, as_source):
    source = as_source(ID3V2 + first + between + second + ID3V1)
    samples, stream = decoded(source)
    assert len(samples) / 8000 == pytest.approx(12.0, abs=0.2)
    assert not stream.cut_short
    assert stream.claimed_s == pytest.approx(stream.duration_s, abs=0.05)
    assert audio.length_s(source) == pytest.approx(stream.duration_s, abs=0.05)
    heard = tones_heard(samples)
    assert heard[1:5] == pytest.approx(500, abs=1)
    assert heard[7:11] == pytest.approx(1500, abs=1)
    assert np.abs(samples).max() == pytest.approx(0.3, abs=0.06)


def test_a_joined_file_whose_last_part_was_cut_says_how_much_was_heard():
    second = tone_mp3(1500, 20.0)
    samples, stream = decoded(tone_mp3(500) + second[: len(second) // 2])
    assert stream.cut_short
    assert stream.claimed_s == pytest.approx(26.0, abs=0.1)
    assert len(samples) / 8000 == pytest.approx(16.0, abs=1.0)


def ogg(hz, seconds=4.0, rate=RATE, subtype="VORBIS", channels=1):
    samples = sounds.tone(seconds, rate, hz=hz)
    return sounds.encoded(np.stack([samples] * channels, axis=1), rate, "OGG", subtype)


@pytest.mark.parametrize(
    "links",
    [
        [ogg(500), ogg(1500)],
        [ogg(500, rate=22050), ogg(1500, rate=48000)],
        [ogg(500, channels=2), ogg(1500)],
        [ogg(500, rate=48000, subtype="OPUS"), ogg(1500, rate=48000, subtype="OPUS")],
        [ogg(500, rate=48000, subtype="OPUS"), ogg(1500)],
    ],
    ids=["Vorbis", "rates", "channels", "Opus", "Opus and Vorbis"],
)
def test_all_links_of_a_chained_ogg_are_heard(links, as_source):
    source = as_source(b"".join(links))
    samples, stream = decoded(source)
    assert len(samples) / 8000 == pytest.approx(8.0, abs=0.05)
    assert stream.kind == "Ogg"
    assert not stream.cut_short
    assert audio.length_s(source) == pytest.approx(8.0, abs=0.05)
    heard = tones_heard(samples)
    assert heard[1:3] == pytest.approx(500, abs=1)
    assert heard[5:7] == pytest.approx(1500, abs=1)


def test_a_link_that_cannot_be_decoded_is_missed():
    damaged = bytearray(ogg(1500))
    damaged[30:60] = bytes(30)  # its codec's name
    samples, stream = decoded(ogg(500) + bytes(damaged) + ogg(700))
    assert stream.cut_short
    assert len(samples) / 8000 == pytest.approx(8.0, abs=0.05)
    assert audio.length_s(ogg(500) + bytes(damaged) + ogg(700)) == pytest.approx(8.0, abs=0.05)


def test_links_are_found_wherever_a_block_of_reading_ends(monkeypatch):
    data = ogg(500, 1.0) + ogg(700, 1.0) + ogg(900, 1.0)
    expected = ogg_parts.links(io.BytesIO(data))
    assert [data[start : start + 4] for start, _ in expected] == [b"OggS"] * 3
    assert expected[-1][1] == len(data)
    for size in (400, 511, 997, 4096):
        monkeypatch.setattr(ogg_parts, "_READ", size)
        assert ogg_parts.links(io.BytesIO(data)) == expected


def test_frames_are_counted_the_same_wherever_a_block_of_reading_ends(monkeypatch):
    data = ID3V2 + tone_mp3(500) + ID3V2 + tone_mp3(1500, rate=22050)
    expected = mp3_parts.parts(io.BytesIO(data))
    assert [part.seconds for part in expected] == pytest.approx([6.0, 6.0], abs=0.1)
    assert all(part.n_frames == part.claimed for part in expected)
    for size in (3000, 4097, 10007):
        monkeypatch.setattr(mp3_parts, "_READ", size)
        assert mp3_parts.parts(io.BytesIO(data)) == expected


def test_a_file_of_too_many_parts_is_heard_in_part_and_says_so(monkeypatch):
    monkeypatch.setattr(decoders, "_MOST_PARTS", 2)
    samples, stream = decoded(b"".join(tone_mp3(500, 2.0) for _ in range(4)))
    assert len(samples) / 8000 == pytest.approx(4.0, abs=0.1)
    assert stream.cut_short
    assert stream.claimed_s == pytest.approx(8.0, abs=0.3)


def test_what_only_looks_like_frames_is_given_up(monkeypatch):
    tries = 0
    whole = mp3_parts._Walk._is_row

    def counted(walk, place):
        nonlocal tries
        tries += 1
        return whole(walk, place)

    monkeypatch.setattr(mp3_parts._Walk, "_is_row", counted)
    monkeypatch.setattr(mp3_parts, "_MOST_TRIES", 50)
    assert mp3_parts.parts(io.BytesIO(b"\xff\xfb" * 5000)) == []
    assert tries == 50


@given(
    st.lists(st.tuples(st.integers(0, 99_999), st.binary(min_size=0, max_size=40)), max_size=6),
    st.sampled_from(["MP3", "Ogg"]),
    st.floats(0.05, 1.0),
)
@settings(max_examples=60, deadline=None)
def test_damaged_joined_files_give_sound_or_a_plain_error(damage, form, kept):
    data = bytearray(
        tone_mp3(500, 1.0) + tone_mp3(700, 1.0, rate=22050)
        if form == "MP3"
        else ogg(500, 1.0) + ogg(700, 1.0, rate=22050)
    )
    for place, content in damage:
        at = place % len(data)
        data[at : at + len(content)] = content
    try:
        samples, _ = decoded(bytes(data[: round(kept * len(data))]))
    except AudioError:
        return
    assert np.isfinite(samples).all()


def test_a_loud_mp3_decodes_to_what_libsndfile_and_soxr_make_of_it():
    """Not clipped: an MP3 of a clipped recording goes beyond full scale."""
    square = np.clip(3 * sounds.chords(5.0, RATE, level=0.9), -1, 1)
    data = mp3(np.stack([square, square], axis=1))
    samples, rate = soundfile.read(io.BytesIO(data), dtype="float32")
    expected = soxr.resample(samples.mean(axis=1), rate, 22050)
    found = audio.load(data, 22050, excerpt_s=None).samples
    assert np.abs(found).max() > 1.05
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_all_of_an_mp3_inside_a_wav_is_heard():
    sound = untagged(mp3(SONGS["loud, then quiet"]))
    form = struct.pack("<HHIIHHHHIHHH", 0x55, 1, RATE, 16000, 1, 0, 12, 1, 2, 1152, 1, 1393)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form
    body += b"data" + struct.pack("<I", len(sound)) + sound
    data = b"RIFF" + struct.pack("<I", len(body)) + body
    samples, stream = decoded(data)
    assert stream.kind == "WAV"
    assert len(samples) / 8000 == pytest.approx(20.0, abs=0.1)
    assert audio.length_s(data) == pytest.approx(20.0, abs=0.1)
