"""Files and bytes → blocks of samples as they were recorded, whatever the container.

libsndfile (soundfile) decodes what it knows; the rest goes to ffmpeg where it is installed (M4A and
AAC above all). The content decides what a file is, never its name. What is joined of several files
is decoded one part after the other. All errors are children of `AudioError`.
"""

import stat
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genre_engine.audio.external_decoder import Blocks, Pipe, not_audio
from genre_engine.audio.resampling import resampled
from genre_engine.audio.sound_file import Plan, cut_to, open_planned, sound_file
from genre_engine.audio.virtual_file import Piece, Source
from genre_engine.errors import AudioError, FileMissing, FileUnreadable, NotAudio, TooLong
from genre_engine.storage.native_stderr import native_noise_filtered

if TYPE_CHECKING:
    import soundfile

__all__ = [
    "SUFFIXES",
    "Blocks",
    "Decoder",
    "Source",
    "first_bytes",
    "is_audio",
    "sniff",
    "too_long",
]

# What a walk through folders takes for audio by name alone; other names are judged by content.
SUFFIXES = frozenset(
    f".{name}"
    for name in (
        *("wav", "wave", "rf64", "w64", "aif", "aiff", "aifc", "au", "caf", "flac", "ogg", "oga"),
        *("opus", "spx", "mp3", "mp2", "m4a", "mp4", "mka", "aac", "ac3", "dts", "wma", "wv"),
        *("ape", "mpc", "tta"),
    )
)

# A block is a second of audio, because a decoder that fails takes its whole block with it, but
# never more than this many numbers, however many channels there are.
_BLOCK_NUMBERS = 2**19

# Up to this many numbers are decoded in one go, a clip of half a minute for one: the decoder and
# what is done with a block then don't push each other out of the processor's cache.
_AT_ONCE_NUMBERS = 2**22

# Parts of a joined file that are decoded; a file with more is damaged, or meant to do harm.
_MOST_PARTS = 1000
# Frames that no file has stand for a length that isn't known.
_LOWEST_RATE = 1
_BEHIND_ID3 = {"FLAC": "FLAC", "WAV": "WAV", "WAVEX": "WAV", "RF64": "WAV", "AIFF": "AIFF"}
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


@dataclass(frozen=True)
class _Part:
    """A file of its own: the source, or pieces of it."""

    pieces: Sequence[Piece] | None
    sample_rate: int
    channels: int
    frames: int


class Decoder:
    """An opened source; `blocks()` gives its samples once, float32 `[frames, channels]` a block.

    Attributes:
        kind: what the content is, such as "MP3"; None where it isn't known.
        sample_rate: Hz, as recorded; the highest where it changes.
        channels: as recorded; one, their mean, where their number changes.
        claimed_s: what the file says of its length; None where it says nothing.
        length_s: what should decode, as far as that is known without decoding; None where not.
        damaged: set when decoding had to end early, or something had to be left out.
    """

    def __init__(self, source: Source, limit_s: float) -> None:
        """Open by the first decoder that can.

        Raises:
            FileMissing, FileUnreadable, NotAudio, DecoderMissing: as their names say.
            TooLong: the file claims to last longer than `limit_s`.
            StorageError: bytes for ffmpeg have to lie in a file, and there is no room for it.
        """
        head = first_bytes(source)
        self.kind, self._tagged = sniff(head), head.startswith(b"ID3")
        self.claimed_s: float | None = None
        self.length_s: float | None = None
        self.damaged = False
        self._source, self._limit_s = source, limit_s
        self._open = ExitStack()
        self._file: soundfile.SoundFile | None = None
        self._pipe: Pipe | None = None
        self._parts: list[_Part] = []
        with ExitStack() as on_failure:
            on_failure.callback(self.close)
            self.sample_rate, self.channels = self._start()
            self._check_limit()
            on_failure.pop_all()

    def _check_limit(self) -> None:
        if self.claimed_s is not None and self.claimed_s > self._limit_s:
            raise too_long(self.claimed_s, self._limit_s)

    def close(self) -> None:
        self._open.close()

    def _start(self) -> tuple[int, int]:
        """Sample rate and channels, by the first decoder that knows the content."""
        import soundfile

        try:
            with native_noise_filtered():
                file, planned = open_planned(self._source, self._open)
                if len(planned.parts) > 1:
                    return self._start_parts(planned)
        except soundfile.LibsndfileError:
            self.close()
            self._pipe = pipe = Pipe(self._source, None, self.kind, self._limit_s, self._open)
            self.claimed_s = self.length_s = pipe.claimed_s
            return pipe.sample_rate, pipe.channels
        except OSError as error:
            raise FileUnreadable(f"It can't be read ({error}).") from error
        self._file = file
        if self._tagged:
            # A tag may stand before other kinds of files too.
            self.kind = _BEHIND_ID3.get(file.format, self.kind)
        self._parts = [_Part(planned.parts[0], file.samplerate, file.channels, file.frames)]
        if 0 < file.frames < 2**62:
            self.length_s = file.frames / file.samplerate
            self.length_s = min(planned.length_s or self.length_s, self.length_s)
            whole_s = file.frames / file.samplerate * cut_to(file)
            self.claimed_s = self.length_s if planned.makes_no_claim else whole_s
        return file.samplerate, file.channels

    def _start_parts(self, planned: Plan) -> tuple[int, int]:
        """As `_start` for a source of several parts, which may differ in rate and channels."""
        import soundfile

        for pieces in planned.parts[:_MOST_PARTS]:
            with ExitStack() as closing:
                try:
                    file = closing.enter_context(sound_file(self._source, pieces, closing))
                except soundfile.LibsndfileError:
                    self.damaged = True
                    continue
                self._parts.append(_Part(pieces, file.samplerate, file.channels, file.frames))
        if not self._parts:
            raise not_audio(self.kind)
        self.damaged |= len(planned.parts) > _MOST_PARTS
        seconds = sum(part.frames / part.sample_rate for part in self._parts)
        if seconds < 2**62 / _LOWEST_RATE:
            self.claimed_s = max(seconds, planned.length_s or 0.0) if self.damaged else seconds
            if not self.damaged:
                self.length_s = min(planned.length_s or seconds, seconds)
        channels = {part.channels for part in self._parts}
        return (
            max(part.sample_rate for part in self._parts),
            channels.pop() if len(channels) == 1 else 1,
        )

    def blocks(self) -> Blocks:
        with self._open:
            if self._pipe is not None:
                yield from self._pipe.blocks(_frames(self.sample_rate, self.channels))
            for part in self._parts:
                with ExitStack() as closing:
                    yield from self._conformed(part, self._read(part, closing))

    def excerpt(self, start_s: float, length_s: float) -> NDArray[np.float32] | None:
        """Samples `[frames, channels]` from anywhere, or None where they can't be fetched so.

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

    def _conformed(self, part: _Part, blocks: Blocks) -> Blocks:
        """A part's blocks at the sample rate and with the channels of the whole."""
        to_mean = part.channels != self.channels
        same = (block.mean(axis=1, keepdims=True) if to_mean else block for block in blocks)
        yield from resampled(same, part.sample_rate, self.sample_rate, channels=self.channels)

    def _read(self, part: _Part, closing: ExitStack) -> Blocks:
        import soundfile

        frames, done = _frames(part.sample_rate, part.channels), 0
        file, self._file = self._file, None
        try:
            with native_noise_filtered():
                if file is None:
                    file = self._reopened(part, closing)
                whole = None
                if 0 < part.frames * part.channels <= _AT_ONCE_NUMBERS:
                    try:
                        whole = file.read(part.frames, dtype="float32", always_2d=True)
                    except soundfile.LibsndfileError:
                        # It may have failed at the very end: again, a block at a time.
                        file = self._reopened(part, closing)
            if whole is not None:
                done = len(whole)
                yield from (whole[start : start + frames] for start in range(0, done, frames))
            # There may be more than it claims.
            while True:
                with native_noise_filtered():
                    block = file.read(frames, dtype="float32", always_2d=True)
                if not len(block):
                    return
                done += len(block)
                yield block
        except soundfile.LibsndfileError as error:
            yield from self._taken_over(part, done, error, closing)

    def _reopened(self, part: _Part, closing: ExitStack) -> "soundfile.SoundFile":
        file = sound_file(self._source, part.pieces, closing)
        return closing.enter_context(file)

    def _taken_over(self, part: _Part, done: int, refusal: Exception, closing: ExitStack) -> Blocks:
        """Let ffmpeg go on after `done` frames: libsndfile 1.2 gives up on sound Opus files."""
        as_before = ["-ar", str(part.sample_rate), "-ac", str(part.channels)]
        try:
            pipe = Pipe(self._source, part.pieces, self.kind, self._limit_s, closing, as_before)
        except AudioError:
            if not done and len(self._parts) == 1:
                raise not_audio(self.kind) from refusal
            self.damaged = True
            return
        pipe.skip(done)
        yield from pipe.blocks(_frames(part.sample_rate, part.channels))


def _frames(sample_rate: int, channels: int) -> int:
    """How many frames a block has."""
    return max(1, min(sample_rate, _BLOCK_NUMBERS // channels))


def first_bytes(source: Source) -> bytes:
    """The first 64 bytes, after the checks that need no decoder.

    Raises:
        FileMissing, FileUnreadable, NotAudio: as their names say.
    """
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


def too_long(duration_s: float, limit_s: float) -> TooLong:
    return TooLong(
        f"It lasts {duration_s / 3600:.1f} h or more; the limit is {limit_s / 3600:g} h. "
        "Cut it into parts."
    )
