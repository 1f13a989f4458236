import numpy as np
import pytest
import soundfile

from genre_engine import audio
from genre_engine.audio import mp3_frames
from tests.download import jamendo_server


@pytest.fixture(scope="module")
def song():
    return jamendo_server.mp3(1, 20.0)


def test_the_frames_of_a_file_last_as_long_as_its_sound(song):
    row = mp3_frames.frames(song)
    assert sum(frame.seconds for frame in row) == pytest.approx(20.0, abs=0.2)
    assert row[0].sample_rate == 22050
    assert row[-1].offset + row[-1].length == len(song)


def test_frames_are_found_from_any_byte_on(song):
    first = mp3_frames.frames(song)[50]
    for start in (first.offset - 200, first.offset - 1, first.offset):
        assert mp3_frames.frames(song[start:])[0].offset + start == first.offset


def test_noise_and_text_have_no_frames():
    assert mp3_frames.frames(b"\xff\xfb" * 1000) == []
    assert mp3_frames.frames(b"<html>" * 1000) == []
    assert mp3_frames.frames(b"") == []


@pytest.mark.parametrize("vary", [False, True])
def test_a_middle_decodes_to_the_wanted_seconds(vary, tmp_path):
    song = jamendo_server.mp3(2, 20.0, vary=vary)
    data, seconds = mp3_frames.middle(song, 6.0)
    assert seconds == pytest.approx(6.0, abs=0.4)
    path = tmp_path / "middle.mp3"
    path.write_bytes(data)
    stream = audio.Stream(path, 22050)
    decoded = sum(len(block) for block in stream) / 22050
    assert decoded == pytest.approx(seconds, abs=0.1)
    assert not stream.cut_short
    assert stream.claimed_s == pytest.approx(decoded, abs=0.1)


def test_a_middle_is_the_sound_of_the_middle(song, tmp_path):
    """The same 4 s, decoded from the whole and from the piece."""
    path = tmp_path / "middle.mp3"
    path.write_bytes(mp3_frames.middle(song, 4.0)[0])
    piece = audio.load(path, 22050, 4.0).samples
    whole = audio.load(song, 22050, None).samples
    size = 2 * len(whole)
    spread = np.fft.irfft(np.fft.rfft(whole, size) * np.fft.rfft(piece, size).conj(), size)
    at = int(spread[: len(whole) - len(piece)].argmax())
    assert at / 22050 == pytest.approx(8.0, abs=0.2)
    assert np.corrcoef(whole[at : at + len(piece)], piece)[0, 1] > 0.999


def test_a_short_piece_gives_all_its_frames(song):
    data, seconds = mp3_frames.middle(song[:2000], 30.0)
    assert 0 < seconds < 1
    assert len(data) < 2500


def test_what_is_wrong_with_a_file_is_reported(song, tmp_path):
    path = tmp_path / "song.mp3"
    path.write_bytes(song)
    assert mp3_frames.problem(path) is None
    path.write_bytes(b"ID3\x04\x00\x00\x00\x00\x02\x00" + bytes(256) + song)
    assert mp3_frames.problem(path) is None
    path.write_bytes(song[:-500])
    assert "fewer than it says" in mp3_frames.problem(path)
    for data in (b"<html>no such page</html>", b"", b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f"):
        path.write_bytes(data)
        assert mp3_frames.problem(path) == "it is no MP3"
    soundfile.write(path, [0.0] * 2000, 22050, format="WAV")
    assert mp3_frames.problem(path) == "it is no MP3"
