"""Files and bytes → blocks of samples as they were recorded, whatever the container.

libsndfile (soundfile) decodes what it knows; the rest goes to ffmpeg where it is installed (M4A and
AAC above all). The content decides what a file is, never its name. All errors are children of
`AudioError`.
"""

import io
import os
import re
import shutil
import stat
import struct
import subprocess
import tempfile
from collections.abc import Generator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genre_engine.errors import (
    AudioError,
    DecoderMissing,
    FileMissing,
    FileUnreadable,
    NotAudio,
    TooLong,
)
from genre_engine.storage.native_stderr import native_noise_filtered
from genre_engine.storage.workspace import storage_errors

if TYPE_CHECKING:
    import soundfile

Source = str | os.PathLike[str] | bytes
Blocks = Generator[NDArray[np.float32], None, None]

# What a walk through folders takes for audio by name alone; other names are judged by content.
SUFFIXES = frozenset(
    f".{name}"
    for name in (
        *("wav", "wave", "w64", "aif", "aiff", "aifc", "au", "caf", "flac"),
        *("ogg", "oga", "opus", "mp3", "m4a", "mp4", "aac", "wma"),
    )
)

# A block is a second of audio, because a decoder that fails takes its whole block with it, but
# never more than this many numbers, however many channels there are.
_BLOCK_NUMBERS = 2**19

# Up to this many numbers are decoded in one go, a clip of half a minute for one: the decoder and
# what is done with a block then don't push each other out of the processor's cache.
_AT_ONCE_NUMBERS = 2**22

# What ffmpeg may open. Playlists and the like stay out: they can point at other files.
_FFMPEG_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,aac,mp3,matroska,webm,asf,wv,ape,ac3,amr,flac,ogg,wav,aiff"
)
_CLAIM = re.compile(r"^\s*(?:data|SSND) : (\d+) \(should be (\d+)\)", re.MULTILINE)
_WITHOUT_END = 0x7FFF0000
_BY_LIBSNDFILE = frozenset(["WAV", "FLAC", "Ogg", "MP3", "AIFF", "AU", "CAF", "W64"])
_STARTS = {
    b"fLaC": "FLAC",
    b"OggS": "Ogg",
    b"ID3": "MP3",
    b"caff": "CAF",
    b".snd": "AU",
    b"riff": "W64",
    b"wvpk": "WavPack",
    b"MAC ": "Monkey's Audio",
    b"\x1a\x45\xdf\xa3": "Matroska",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": "WMA",
}


def sniff(head: bytes) -> str | None:
    """The kind of audio that the first bytes (64 will do) announce, or None."""
    for start, kind in _STARTS.items():
        if head.startswith(start):
            return kind
    if head[:4] in (b"RIFF", b"RIFX", b"RF64") and head[8:12] == b"WAVE":
        return "WAV"
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "AIFF"
    if head[4:8] == b"ftyp":
        return "M4A"
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        # MPEG frame sync; layer 0 marks AAC in ADTS, bit rate 15 and sample rate 3 are no frames
        if head[1] & 0x06 == 0:
            return "AAC" if head[1] & 0xF0 == 0xF0 else None
        return "MP3" if head[2] >> 4 != 15 and (head[2] >> 2) & 3 != 3 else None
    return None


def is_audio(path: Path) -> bool:
    """Whether a walk through folders should take this file: by its name, else by its content."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return False
        if path.suffix.lower() in SUFFIXES:
            return True
        with path.open("rb") as file:
            return sniff(file.read(64)) is not None
    except OSError:
        # A file with an audio name that can't be read is taken, so that it is named as a failure.
        return path.suffix.lower() in SUFFIXES


class Decoder:
    """An opened source; `blocks()` gives its samples once, float32 `[frames, channels]` a block.

    Attributes:
        kind: what the content is, such as "MP3"; None where it isn't known.
        sample_rate: Hz, as recorded.
        claimed_s: what the file says of its length; None where it says nothing.
        damaged: set when decoding had to end early.
    """

    def __init__(self, source: Source, limit_s: float) -> None:
        """Open by the first decoder that can.

        Raises:
            FileMissing, FileUnreadable, NotAudio, DecoderMissing: as their names say.
            TooLong: the file claims to last longer than `limit_s`.
            StorageError: bytes for ffmpeg have to lie in a file, and there is no room for it.
        """
        self.kind = sniff(_head(source))
        self.claimed_s: float | None = None
        self.damaged = False
        self._source, self._limit_s = source, limit_s
        self._open = ExitStack()
        self._file: soundfile.SoundFile | None = None
        self._pipe: IO[bytes] | None = None
        with ExitStack() as on_failure:
            on_failure.callback(self.close)
            self.sample_rate, self.channels = self._start()
            on_failure.pop_all()

    def close(self) -> None:
        self._open.close()

    def _start(self) -> tuple[int, int]:
        """Sample rate and channels, by the first decoder that knows the content."""
        import soundfile

        try:
            with native_noise_filtered():
                file = self._open.enter_context(_sound_file(self._source, self._open))
        except soundfile.LibsndfileError as error:
            self.close()
            return self._start_ffmpeg(error)
        self._file = file
        if 0 < file.frames < 2**62:
            self.claimed_s = file.frames * _cut_to(file) / file.samplerate
            if self.claimed_s > self._limit_s:
                raise too_long(self.claimed_s, self._limit_s)
        return file.samplerate, file.channels

    def blocks(self) -> Blocks:
        frames = max(1, min(self.sample_rate, _BLOCK_NUMBERS // self.channels))
        with self._open:
            if self._file is not None:
                yield from self._read(self._file, frames)
            yield from self._piped(frames)

    def excerpt(self, start_s: float, length_s: float) -> NDArray[np.float32] | None:
        """Samples `[frames, channels]` from anywhere, or None where they can't be had so.

        Only what libsndfile reads can be sought in, and a file that was cut short lacks its end.
        """
        import soundfile

        if self._file is None:
            return None
        frames = round(length_s * self.sample_rate)
        try:
            with native_noise_filtered():
                self._file.seek(round(start_s * self.sample_rate))
                block = self._file.read(frames, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError:
            return None
        return block if len(block) == frames else None

    def _read(self, file: "soundfile.SoundFile", frames: int) -> Blocks:
        import soundfile

        done = 0
        if 0 < file.frames * self.channels <= _AT_ONCE_NUMBERS:
            try:
                with native_noise_filtered():
                    whole = file.read(file.frames, dtype="float32", always_2d=True)
            except soundfile.LibsndfileError:
                # It may have failed at the very end: again, a block at a time.
                with native_noise_filtered():
                    file = self._open.enter_context(_sound_file(self._source, self._open))
            else:
                done = len(whole)
                yield from (whole[start : start + frames] for start in range(0, done, frames))
        # There may be more than it claims.
        while True:
            try:
                with native_noise_filtered():
                    block = file.read(frames, dtype="float32", always_2d=True)
            except soundfile.LibsndfileError as error:
                self._take_over(done, error)
                return
            if not len(block):
                return
            done += len(block)
            yield block

    def _take_over(self, done: int, refusal: Exception) -> None:
        """Let ffmpeg go on after `done` frames: libsndfile 1.2 gives up on sound Opus files."""
        try:
            as_before = ["-ar", str(self.sample_rate), "-ac", str(self.channels)]
            self._start_ffmpeg(refusal, as_before)
        except AudioError:
            if not done:
                raise _not_audio(self.kind) from refusal
            self.damaged = True
            return
        width = self.channels * 4
        while self._pipe and done > 0 and (skipped := self._pipe.read(min(done, 2**16) * width)):
            done -= len(skipped) // width

    def _start_ffmpeg(self, refusal: Exception, options: Sequence[str] = ()) -> tuple[int, int]:
        """Have ffmpeg write an AU stream; returns the sample rate and channels of its header."""
        program = shutil.which("ffmpeg")
        if program is None:
            if self.kind is None or self.kind in _BY_LIBSNDFILE:
                raise _not_audio(self.kind) from refusal
            raise DecoderMissing(
                f"{self.kind} files need the program ffmpeg. Install ffmpeg, or convert the file "
                "to FLAC, WAV, Ogg or MP3."
            )
        if isinstance(self._source, bytes):
            # M4A keeps its index anywhere in the file, so ffmpeg must be able to seek.
            with storage_errors(Path(tempfile.gettempdir(), "upload")):
                room = tempfile.TemporaryDirectory(prefix="genre-audio-")
                path = Path(self._open.enter_context(room), "upload")
                path.write_bytes(self._source)
        else:
            path = Path(self._source).absolute()
        command = [program, "-v", "quiet", "-nostdin", "-protocol_whitelist", "file,pipe"]
        command += ["-format_whitelist", _FFMPEG_FORMATS, "-i", f"file:{path}", "-map", "0:a:0"]
        command += ["-t", str(self._limit_s + 1), *options]
        command += ["-c:a", "pcm_f32be", "-f", "au", "pipe:1"]
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            # A copy: another thread that sets a variable meanwhile would make the start fail.
            env=dict(os.environ),
        )
        self._open.enter_context(process)
        self._open.callback(process.kill)
        pipe = process.stdout
        header = pipe.read(24) if pipe else b""
        if pipe is None or len(header) < 24:
            raise _not_audio(self.kind) from refusal
        _magic, offset, _size, _encoding, rate, channels = struct.unpack(">6I", header)
        pipe.read(offset - 24)
        self._pipe = pipe
        return rate, channels

    def _piped(self, frames: int) -> Blocks:
        width = self.channels * 4
        while self._pipe and (raw := self._pipe.read(frames * width)):
            whole = len(raw) // width * width
            yield np.frombuffer(raw[:whole], ">f4").astype(np.float32).reshape(-1, self.channels)


def _cut_to(file: "soundfile.SoundFile") -> float:
    """How many times as much as there is a file without compression claims; 1 for any other.

    libsndfile counts what is there, and what the header says stands in its log alone.
    """
    if file.format not in ("WAV", "WAVEX", "AIFF"):
        return 1.0
    told = _CLAIM.search(file.extra_info)
    # Who writes without knowing the end claims all that the format has room for.
    if told is None or int(told[1]) >= _WITHOUT_END or not int(told[2]):
        return 1.0
    return max(1.0, int(told[1]) / int(told[2]))


def _head(source: Source) -> bytes:
    """The first bytes, after the checks that need no decoder."""
    if isinstance(source, bytes):
        head = source[:64]
    else:
        path = Path(source)
        try:
            mode = path.stat().st_mode
            if stat.S_ISDIR(mode):
                raise FileUnreadable("It is a folder. Name a file.")
            if not stat.S_ISREG(mode):
                raise FileUnreadable("It is a device or a pipe. Name a file.")
            with path.open("rb") as file:
                head = file.read(64)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise FileMissing("There is no such file. Check the path.") from error
        except PermissionError as error:
            raise FileUnreadable(
                "You have no permission to read it. Change its permissions, or copy it."
            ) from error
        except (OSError, ValueError) as error:
            raise FileUnreadable(f"It can't be opened ({error}).") from error
    if not head:
        raise NotAudio("The file is empty. Get or export it again.")
    return head


class _Upload(io.BytesIO):
    """Stays where it is when a damaged file's offsets point before its beginning.

    libsndfile notices by itself; an exception here would be printed on standard error.
    """

    def seek(self, offset: int, whence: int = 0, /) -> int:
        try:
            return super().seek(offset, whence)
        except (ValueError, OverflowError):
            return self.tell()


def _sound_file(source: Source, closing: ExitStack) -> "soundfile.SoundFile":
    import soundfile

    class Forward(soundfile.SoundFile):  # type: ignore[misc]
        """Reads on from where it is; after every read soundfile would seek to where it is already,
        and MP3 and Vorbis decode again what lies before a place that is sought.
        """

        def seekable(self) -> bool:
            return False

    if isinstance(source, bytes):
        return Forward(_Upload(source))
    # Not by name: soundfile takes a name that ends in .raw for headerless samples.
    descriptor = os.open(source, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    closing.callback(os.close, descriptor)
    return Forward(descriptor, closefd=False)


def _not_audio(kind: str | None) -> NotAudio:
    if kind is None:
        return NotAudio(
            "Its content is no audio that can be read here, whatever its name says. Use WAV, FLAC, "
            "Ogg, Opus, MP3, AIFF or M4A."
        )
    return NotAudio(f"It starts like {kind}, but is damaged. Get or export it again.")


def too_long(duration_s: float, limit_s: float) -> TooLong:
    return TooLong(
        f"It lasts {duration_s / 3600:.1f} h or more; the limit is {limit_s / 3600:g} h. "
        "Cut it into parts."
    )
