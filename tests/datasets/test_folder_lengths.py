"""Lengths and readability of imported files are what `classify` decodes."""

import shutil
import subprocess

import numpy as np
import pytest

from genre_engine import audio, datasets
from genre_engine.errors import AudioError
from tests import sounds

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg isn't installed")
SECONDS = 4.0
ID3 = b"ID3\x04\x00\x00\x00\x00\x01\x00" + bytes(128)


def wav(subtype="PCM_16", rate=22050):
    return sounds.encoded(sounds.tone(SECONDS, rate), rate, "WAV", subtype)


def piped(data):
    at = data.index(b"data") + 4
    return data[:4] + b"\xff" * 4 + data[8:at] + b"\xff" * 4 + data[at + 4 :]


FILES = {
    "plain.wav": wav(),
    "microsoft.wav": wav("MS_ADPCM"),
    "ima.wav": wav("IMA_ADPCM"),
    "gsm.wav": wav("GSM610", 8000),
    "id3.wav": ID3 + wav(),
    "id3-adpcm.wav": ID3 + wav("IMA_ADPCM"),
    "piped.wav": piped(wav()),
    "piped-adpcm.wav": piped(wav("MS_ADPCM")),
    "joined.ogg": sounds.example_of("OGG", 2.0) * 2,
    "joined.mp3": sounds.example_of("MP3", 2.0) * 2,
    "other.wave": wav(),
}


def decoded_s(path):
    stream = audio.Stream(path, 16000)
    list(stream)
    return stream.duration_s


def imported(folder):
    dataset = datasets.import_folder("m", folder, genres_from="folders")
    lengths = dataset.tracks.set_index("track_id")["duration_s"].to_dict()
    return lengths, dataset.failures.set_index("track_id")["error"].to_dict()


def test_imported_lengths_are_those_that_decode(tmp_path):
    pop = tmp_path / "music" / "pop"
    pop.mkdir(parents=True)
    for name, data in FILES.items():
        (pop / name).write_bytes(data)
    lengths, failures = imported(pop.parent)
    assert failures == {}
    for name in FILES:
        assert lengths[f"pop/{name}"] == pytest.approx(decoded_s(pop / name), abs=0.01), name
        assert lengths[f"pop/{name}"] == pytest.approx(SECONDS, abs=0.15), name


@needs_ffmpeg
def test_what_ffmpeg_decodes_is_imported_with_its_length(tmp_path):
    pop = tmp_path / "music" / "pop"
    pop.mkdir(parents=True)
    (tmp_path / "song.wav").write_bytes(wav(rate=44100))
    wanted = {
        "mp3.wav": ["-c:a", "libmp3lame"],
        "ac3.wav": ["-c:a", "ac3"],
        "dts.wav": ["-c:a", "dca", "-strict", "-2", "-ac", "2"],
        "g722.wav": ["-c:a", "adpcm_g722", "-ar", "16000"],
        "wma.wav": ["-c:a", "wmav2"],
        "song.m4a": [],
        "song.wma": [],
        "raw.aac": [],
    }
    for name, options in wanted.items():
        command = ["ffmpeg", "-v", "error", "-i", tmp_path / "song.wav", *options, pop / name]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    lengths, failures = imported(pop.parent)
    assert failures == {}
    for name in wanted:
        assert lengths[f"pop/{name}"] == pytest.approx(decoded_s(pop / name), abs=0.1), name
        assert lengths[f"pop/{name}"] == pytest.approx(SECONDS, abs=0.2), name


def test_what_cannot_be_heard_is_left_out_for_the_same_reason(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    pop = tmp_path / "music" / "pop"
    pop.mkdir(parents=True)
    bad = {
        "short.wav": sounds.encoded(np.zeros(1000, np.float32)),
        "no-ffmpeg.m4a": b"\x00\x00\x00\x20ftypM4A \x00\x00\x02\x00isomiso2" + bytes(100),
        "nan.wav": sounds.encoded(np.full(9000, np.nan, np.float32), 22050, "WAV", "FLOAT"),
        "text.flac": b"text" * 100,
    }
    for name, data in {**bad, "good.wav": wav()}.items():
        (pop / name).write_bytes(data)
    lengths, failures = imported(pop.parent)
    assert set(lengths) == {"pop/good.wav"}
    for name in bad:
        with pytest.raises(AudioError) as refused:
            audio.load(pop / name)
        assert failures[f"pop/{name}"] == type(refused.value).__name__
