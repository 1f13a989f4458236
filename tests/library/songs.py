"""Songs of every format that tags are written to, as bytes."""

import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest

from tests import sounds

SUFFIXES = {
    "MP3": ".mp3",
    "FLAC": ".flac",
    "OGG": ".ogg",
    "OPUS": ".opus",
    "M4A": ".m4a",
    "WAV": ".wav",
    "AIFF": ".aiff",
}


@cache
def song(form, hz=440.0):
    """The bytes of a second's tone; skips where there is no ffmpeg for an M4A."""
    if form != "M4A":
        return sounds.example_of(form, 1.0, hz=hz)
    if shutil.which("ffmpeg") is None:
        pytest.skip("no ffmpeg to make an M4A")
    with tempfile.TemporaryDirectory() as room:
        wav, made = Path(room, "song.wav"), Path(room, "song.m4a")
        wav.write_bytes(sounds.example_of("WAV", 1.0, hz=hz))
        command = ["ffmpeg", "-v", "error", "-i", str(wav), "-c:a", "aac", "-b:a", "64k", str(made)]
        subprocess.run(command, check=True, timeout=60)
        return made.read_bytes()


def write_song(path, form, hz=440.0):
    path.write_bytes(song(form, hz))
    return path
