"""ffmpeg, where it is installed, for what libsndfile doesn't know (M4A and AAC above all).

It runs as a process of its own and writes samples into a pipe.
"""

import os
import re
import shutil
import struct
import subprocess
import tempfile
import threading
from collections.abc import Generator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from genre_engine.audio.virtual_file import Piece, Source, assembled
from genre_engine.errors import DecoderMissing, NotAudio
from genre_engine.storage import budget
from genre_engine.storage.workspace import storage_errors

Blocks = Generator[NDArray[np.float32], None, None]

# What ffmpeg may open. Playlists and the like stay out: they can point at other files.
_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,aac,mp3,matroska,webm,asf,wv,ape,ac3,eac3,dts,amr,flac,ogg,wav,aiff,"
    "w64,caf,au,mpc,mpc8,tta"
)
# Containers whose headers know how long they last; for others ffmpeg guesses from the bit rate.
_KNOWING = frozenset(
    ["mov", "matroska", "asf", "wv", "ape", "flac", "aiff", "w64", "caf", "mpc", "tta"]
)
_INPUT = re.compile(rb"Input #0, (\w+)")
_DURATION = re.compile(rb"Duration: (\d+):(\d\d):(\d\d\.\d+)")
_OTHER_STREAM = re.compile(rb"Stream #0:\d+.*: (?:Video|Subtitle|Data)(?!.*\(attached pic\))")
_KEPT_BYTES = 1 << 16
_COPIED_BYTES = 1 << 20

BY_LIBSNDFILE = frozenset(["WAV", "FLAC", "Ogg", "MP3", "AIFF", "AU", "CAF", "W64"])


class Pipe:
    """A started ffmpeg.

    Attributes:
        sample_rate, channels: of what it writes.
        claimed_s: what the container says of its length; None where it says nothing certain.
    """

    def __init__(
        self,
        source: Source,
        pieces: Sequence[Piece] | None,
        kind: str | None,
        limit_s: float,
        closing: ExitStack,
        options: Sequence[str] = (),
    ) -> None:
        """Have ffmpeg write an AU stream, and read its header.

        Args:
            pieces: what of the source is to be decoded; None for all.
            closing: ends the process.

        Raises:
            NotAudio, DecoderMissing: as their names say.
            StorageError: the source has to lie in a file, and there is no room for it.
        """
        program = shutil.which("ffmpeg")
        if program is None:
            if kind is None or kind in BY_LIBSNDFILE:
                raise not_audio(kind)
            raise DecoderMissing(
                f"{kind} files need the program ffmpeg. Install ffmpeg, or convert the file "
                "to FLAC, WAV, Ogg or MP3."
            )
        path = _as_file(source, pieces, closing)
        command = [program, "-hide_banner", "-nostats", "-v", "info", "-nostdin"]
        command += ["-protocol_whitelist", "file,pipe", "-format_whitelist", _FORMATS]
        command += ["-i", f"file:{path}", "-map", "0:a:0", "-t", str(limit_s + 1), *options]
        command += ["-c:a", "pcm_f32be", "-f", "au", "pipe:1"]
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # A copy: another thread that sets a variable meanwhile would make the start fail.
            env=dict(os.environ),
        )
        budget.hold(process, budget.DECODER)
        closing.enter_context(process)
        closing.callback(process.kill)
        if process.stdout is None or process.stderr is None:
            raise not_audio(kind)
        self._pipe = process.stdout
        listener = _Listener(process.stderr)
        closing.callback(listener.join)
        closing.callback(process.kill)
        header = self._pipe.read(24)
        if len(header) < 24:
            raise not_audio(kind)
        _magic, offset, _size, _encoding, self.sample_rate, self.channels = struct.unpack(
            ">6I", header
        )
        self._pipe.read(offset - 24)
        self.claimed_s = listener.duration_s()

    def skip(self, frames: int) -> None:
        width = self.channels * 4
        while frames > 0 and (skipped := self._pipe.read(min(frames, 2**16) * width)):
            frames -= len(skipped) // width

    def blocks(self, frames: int) -> Blocks:
        """Samples `[frames, channels]` a block, the last one shorter."""
        width = self.channels * 4
        while raw := self._pipe.read(frames * width):
            whole = len(raw) // width * width
            yield np.frombuffer(raw[:whole], ">f4").astype(np.float32).reshape(-1, self.channels)


class _Listener:
    """Reads what ffmpeg says of the file, and keeps reading, so that it never has to wait."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._said, self._knows = stream, b"", threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        try:
            while line := self._stream.readline(_KEPT_BYTES):
                if len(self._said) < _KEPT_BYTES:
                    self._said += line
                if line.startswith(b"Output #0"):
                    self._knows.set()
        except (OSError, ValueError):  # closed meanwhile
            pass
        self._knows.set()

    def duration_s(self) -> float | None:
        """The container's claim, where it is one and goes for the sound."""
        # It is said before the first sample; this waits for the thread alone.
        self._knows.wait(5.0)
        container, said = _INPUT.search(self._said), _DURATION.search(self._said)
        if container is None or said is None or container[1].decode() not in _KNOWING:
            return None
        if b"Estimating duration" in self._said or _OTHER_STREAM.search(self._said):
            return None
        return int(said[1]) * 3600 + int(said[2]) * 60 + float(said[3]) or None

    def join(self) -> None:
        self._thread.join()


def _as_file(source: Source, pieces: Sequence[Piece] | None, closing: ExitStack) -> Path:
    """A path that ffmpeg can open and seek in: M4A keeps its index anywhere in the file."""
    if pieces is None and not isinstance(source, bytes):
        return Path(source).absolute()
    with storage_errors(Path(tempfile.gettempdir(), "upload")):
        room = tempfile.TemporaryDirectory(prefix="genre-audio-")
        path = Path(closing.enter_context(room), "upload")
        if pieces is None and isinstance(source, bytes):
            path.write_bytes(source)
            return path
        with assembled(source, pieces or ()) as file, path.open("wb") as copy:
            shutil.copyfileobj(file, copy, _COPIED_BYTES)
    return path


def not_audio(kind: str | None) -> NotAudio:
    if kind is None:
        return NotAudio(
            "Its content is no audio that can be read here, whatever its name says. Use WAV, FLAC, "
            "Ogg, Opus, MP3, AIFF or M4A."
        )
    return NotAudio(f"It starts like {kind}, but is damaged. Get or export it again.")
