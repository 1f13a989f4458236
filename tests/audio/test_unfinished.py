"""Files whose writer never filled in their length are heard to their end."""

import io

import numpy as np
import pytest
import soundfile

from genre_engine import audio
from genre_engine.audio import unfinished
from genre_engine.errors import TooShort
from tests import sounds

RATE = 22050
TONE = sounds.tone(3.0, RATE)
ID3 = b"ID3\x04\x00\x00\x00\x08\x00\x00" + bytes(8 << 14)  # with a picture, as large as 128 KB


@pytest.fixture(autouse=True)
def without_ffmpeg(monkeypatch):
    monkeypatch.setenv("PATH", "")


def wav(form="WAV", subtype="PCM_16"):
    return sounds.encoded(TONE, RATE, form, subtype)


def claiming(data, size, name=b"data", width=4, order="little"):
    """The same file with another size in a chunk's header."""
    at = data.index(name) + (16 if width == 8 else 4)
    return data[:at] + size.to_bytes(width, order) + data[at + width :]


def ds64_claiming(data, size):
    at = data.index(b"ds64") + 8
    return data[:at] + size.to_bytes(8, "little") * 3 + data[at + 24 :]


def big_endian():
    """As machines of old wrote WAV; soundfile's name for it is RIFF in the other order."""
    out = io.BytesIO()
    soundfile.write(out, TONE, RATE, format="WAV", subtype="PCM_16", endian="BIG")
    return out.getvalue()


BIG_ENDIAN = big_endian()
UNFINISHED = {
    "0": claiming(wav(), 0),
    "0 everywhere": claiming(claiming(wav(), 0), 0, b"RIFF"),
    "the greatest": claiming(claiming(wav(), 0xFFFFFFFF), 0xFFFFFFFF, b"RIFF"),
    "2 GB": claiming(wav(), 0x80000000),
    "float": claiming(wav(subtype="FLOAT"), 0),
    "24 bits": claiming(wav(subtype="PCM_24"), 0),
    "mu-law": claiming(wav(subtype="ULAW"), 0),
    "ADPCM": claiming(wav(subtype="IMA_ADPCM"), 0),
    "behind ID3": ID3 + claiming(wav(), 0),
    "RF64, 0": ds64_claiming(wav("RF64"), 0),
    "W64, 0": claiming(wav("W64"), 0, width=8),
    "W64, nothing but its header": claiming(wav("W64"), 24, width=8),
    "W64, the greatest": claiming(wav("W64"), 2**63 - 1, width=8),
    "big-endian": claiming(BIG_ENDIAN, 0, order="big"),
}


@pytest.mark.parametrize("name", UNFINISHED)
@pytest.mark.parametrize("as_path", [False, True])
def test_an_unfinished_file_is_heard_to_its_end(name, as_path, tmp_path):
    source = UNFINISHED[name]
    if as_path:
        (tmp_path / "song").write_bytes(source)
        source = tmp_path / "song"
    stream = audio.Stream(source, RATE)
    samples = np.concatenate(list(stream))
    assert len(samples) == pytest.approx(3 * RATE, abs=1100)  # ADPCM comes in whole blocks
    np.testing.assert_allclose(samples[100:60000], TONE[100:60000], atol=0.02)
    assert not stream.cut_short
    assert stream.kind in ("WAV", "W64")
    assert audio.length_s(source) == pytest.approx(len(samples) / RATE)


@pytest.mark.parametrize("form", ["WAV", "RF64", "W64", "AIFF", "AU", "CAF"])
def test_a_finished_file_is_left_alone(form):
    data = sounds.encoded(TONE, RATE, form, "PCM_16")
    assert unfinished.completed(io.BytesIO(data)) is None
    assert unfinished.completed(io.BytesIO(ID3 + data)) is None


def test_a_file_without_sound_stays_one():
    empty = sounds.encoded(TONE[:0], RATE, "WAV")
    notes = b"LIST" + (12).to_bytes(4, "little") + b"INFOISFT" + bytes(4)
    for data in (empty, empty + notes):
        assert unfinished.completed(io.BytesIO(data)) is None
        with pytest.raises(TooShort):
            audio.load(data)


def test_a_wav_behind_a_tag_is_called_a_wav():
    assert audio.Stream(ID3 + wav(), RATE).kind == "WAV"
    assert audio.Stream(ID3 + sounds.encoded(TONE, RATE, "FLAC"), RATE).kind == "FLAC"


def test_damaged_headers_are_no_danger():
    rng = np.random.default_rng(4)
    for data in UNFINISHED.values():
        for _ in range(30):
            broken = bytearray(data)
            for place in rng.integers(0, 120, 3):
                broken[place] = rng.integers(0, 256)
            unfinished.completed(io.BytesIO(bytes(broken)))
            unfinished.completed(io.BytesIO(bytes(broken[: rng.integers(0, 120)])))
