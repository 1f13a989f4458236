"""Audio files and bytes → mono float32 samples at the sample rate that is wanted.

`decoders.py` opens them, soxr resamples, both in blocks, so that memory does not grow with the
length of a file. A source is a path or the bytes of a file; all errors are children of
`AudioError`.
"""

import io
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genre_engine.audio.decoders import Decoder, Source, sniff, too_long
from genre_engine.audio.resampling import resampled
from genre_engine.errors import BadSamples, TooLong, TooShort, WrongUsage
from genre_engine.storage import turns

Samples = NDArray[np.float32]


MIN_DURATION_S = 0.1
MAX_DURATION_S = 6 * 3600.0
# Over all channels: as many as six hours of stereo at 96 kHz have.
MAX_SAMPLES = 6 * 3600 * 2 * 96_000

# Full scale is 1. Loud MP3s decode a little beyond it; files in floating point may hold anything.
# What is beyond `_LIMIT`, 120 dB over full scale, is limited, so that powers stay finite; beyond
# `_ABSURD` samples overflow when they are resampled.
_LIMIT = np.float32(1e6)
_ABSURD = 1e30

# From here on a sample counts as one at full scale: lossy coding moves clipped ones to both sides.
_FULL_SCALE = 0.999
# Of four real songs none has this share of samples at full scale as it is, nor when its peak is
# raised 6 dB beyond and clipped; raised by 9 dB three have it, by 12 dB all.
HEAVILY_CLIPPED = 0.01

_MIME = {
    "WAV": "audio/wav",
    "FLAC": "audio/flac",
    "Ogg": "audio/ogg",
    "MP3": "audio/mpeg",
    "M4A": "audio/mp4",
    "AAC": "audio/aac",
    "Matroska": "audio/webm",
}


@dataclass(frozen=True, eq=False)
class Signal:
    """Mono samples, float32 `[n]`, their rate in Hz, and their place in the source.

    Full scale is ±1. Loud files decode beyond it, and are not clipped there.
    """

    samples: Samples
    sample_rate: int
    start_s: float = 0.0

    @property
    def duration_s(self) -> float:
        return len(self.samples) / self.sample_rate


def load(
    source: Source,
    sample_rate: int = 22050,
    excerpt_s: float | None = 30,
    limit_s: float = MAX_DURATION_S,
) -> Signal:
    """The middle `excerpt_s` seconds of a source, or all of it where that is None or longer.

    A file that was cut short still claims its full length, so the middle is that of what really
    decodes: everything is decoded, at the price of some tenths of a second for a long song. Only
    what lies around the middle that is claimed is kept; where that is wrong, all is decoded again.

    Raises:
        AudioError: one of its children says what is wrong with the source.
        WrongUsage: a length or a rate that can't be.

    >>> import io, numpy, soundfile
    >>> file = io.BytesIO()
    >>> soundfile.write(file, numpy.ones(44100) / 2, 44100, format="WAV")
    >>> signal = load(file.getvalue(), sample_rate=16000)
    >>> signal.samples.shape, signal.sample_rate, signal.duration_s
    ((16000,), 16000, 1.0)
    """
    if excerpt_s is not None and not (
        isinstance(excerpt_s, int | float | np.number) and 0 < excerpt_s < np.inf
    ):
        raise WrongUsage(
            f"An excerpt of {excerpt_s!r} s can't be taken. Give seconds above 0, or None for all."
        )
    if (
        not isinstance(sample_rate, int | float | np.number)
        or not 1 <= sample_rate < np.inf
        or sample_rate % 1
    ):
        raise WrongUsage(f"{sample_rate!r} is no sample rate. Give whole Hz, such as 22050.")
    if isinstance(source, bytearray | memoryview):
        source = bytes(source)
    stream = Stream(source, sample_rate, limit_s=limit_s)
    if excerpt_s is None:
        return Signal(np.concatenate(list(stream)), sample_rate)
    wanted = round(excerpt_s * sample_rate)
    if stream.claimed_s is None:
        first, last = 0, round(_KEPT_S * sample_rate)
    else:
        first = _middle(round(stream.claimed_s * sample_rate), wanted) - sample_rate
        last = first + wanted + 2 * sample_rate
    kept, first, total = _between(stream, first, last)
    start = _middle(total, wanted)
    if start < first or first + len(kept) < min(total, start + wanted):
        kept, first, _ = _between(
            Stream(source, sample_rate, limit_s=limit_s), start, start + wanted
        )
    start -= first
    return Signal(kept[start : start + wanted], sample_rate, (first + start) / sample_rate)


def part(source: Source, sample_rate: int, start_s: float, end_s: float) -> Signal:
    """What lies between two times of a source; less where it ends before.

    Raises:
        AudioError: the source can't be read, or ends before the start.
    """
    first, last = round(start_s * sample_rate), round(end_s * sample_rate)
    blocks: list[Samples] = [np.zeros(0, np.float32)]
    end = 0
    with closing(Stream(source, sample_rate)) as stream:
        for block in stream:
            blocks.append(block[max(0, first - end) : max(0, last - end)])
            end += len(block)
            if end >= last:  # what comes after needn't be decoded
                break
    samples = np.concatenate(blocks)
    if len(samples) < MIN_DURATION_S * sample_rate:
        raise _too_short(len(samples) / sample_rate)
    return Signal(samples, sample_rate, start_s)


# Of a source that doesn't say how long it is, so much is kept, so that the middle of most songs is
# found without decoding again.
_KEPT_S = 600.0


def _middle(total: int, wanted: int) -> int:
    """Where the middle `wanted` of so many samples start."""
    return max(0, (total - wanted) // 2)


def _between(stream: "Stream", first: int, last: int) -> tuple[Samples, int, int]:
    """What lies between two places, or a little more; where it starts; how many samples all are."""
    blocks: list[Samples] = [np.zeros(0, np.float32)]
    total = start = 0
    for block in stream:
        if total < last and total + len(block) > first:
            if len(blocks) == 1:
                start = total
            blocks.append(block)
        total += len(block)
    return np.concatenate(blocks), start, total


class Stream:
    """Iterates once over a source's mono samples at `sample_rate`, float32 `[n]` a block.

    Attributes, complete after the last block:
        kind: what the content is, such as "MP3".
        duration_s: what was decoded.
        claimed_s: what the file says of its length; None where it says nothing.
        cut_short: it ended, or its decoder gave up, well before what it claims.
        clipped: share of samples, over all channels, at full scale or beyond; they stay as they
            are. From HEAVILY_CLIPPED on it can be heard.
    """

    def __init__(
        self, source: Source, sample_rate: int, *, limit_s: float = MAX_DURATION_S
    ) -> None:
        """Opens the source; raises AudioError where that fails."""
        self.sample_rate = sample_rate
        self.limit_s = limit_s
        self._decoder = Decoder(source, limit_s)
        self.kind = self._decoder.kind
        self.claimed_s = self._decoder.claimed_s
        self.duration_s = 0.0
        self.cut_short = False
        self.clipped = 0.0

    def close(self) -> None:
        """Let go of the source, for who doesn't iterate to the end."""
        self._decoder.close()

    def __iter__(self) -> Iterator[Samples]:
        """Raises AudioError as soon as something is wrong; TooShort only at the end."""
        with closing(self):
            yield from resampled(self._mono(), self._decoder.sample_rate, self.sample_rate)
        self.cut_short = self._decoder.damaged
        if self.claimed_s is not None:
            missing_s = self.claimed_s - self.duration_s
            self.cut_short |= missing_s > max(0.5, 0.01 * self.claimed_s)
        if self.duration_s < MIN_DURATION_S:
            raise _too_short(self.duration_s)

    def _mono(self) -> Iterator[Samples]:
        """As decoded, checked block by block."""
        frames = full = 0
        for block in self._decoder.blocks():
            turns.pause()
            if not len(block):
                continue
            full += _at_full_scale(block)
            frames += len(block)
            self.duration_s = frames / self._decoder.sample_rate
            if self.duration_s > self.limit_s:
                raise too_long(self.duration_s, self.limit_s)
            if frames * self._decoder.channels > MAX_SAMPLES:
                raise TooLong(
                    f"Its {self._decoder.channels} channels at {self._decoder.sample_rate:,} "
                    f"Hz hold more than {MAX_SAMPLES / 1e9:.0f} billion samples. Convert it to "
                    "stereo at 44,100 Hz."
                )
            yield _mono(block)
        self.clipped = full / max(1, frames * self._decoder.channels)


def _at_full_scale(block: NDArray[np.float32]) -> int:
    """How many samples of a block are at full scale or beyond; limits the absurd ones in place.

    Raises:
        BadSamples: some are no numbers, or too large to compute with.
    """
    low, high = block.min(), block.max()
    if not -_ABSURD < low <= high < _ABSURD:  # nor is NaN
        raise BadSamples(
            "Some samples are not numbers (NaN or infinite). Export the file again "
            "from the program that made it."
        )
    if low > -_FULL_SCALE and high < _FULL_SCALE:
        return 0
    if low < -_LIMIT or high > _LIMIT:
        np.clip(block, -_LIMIT, _LIMIT, out=block)
    return int(np.count_nonzero(np.abs(block) >= _FULL_SCALE))


def _mono(block: NDArray[np.float32]) -> Samples:
    """Mean over channels; the case of two is written out because it is 20 times faster so."""
    if block.shape[1] == 1:
        return block[:, 0]
    if block.shape[1] == 2:
        return (block[:, 0] + block[:, 1]) * np.float32(0.5)
    mono: Samples = block.mean(axis=1, dtype=np.float32)
    return mono


def length_s(source: Source, *, limit_s: float = MAX_DURATION_S) -> float:
    """How long a source is, in s: what a decoder makes of it, not what its header says.

    Quick where a decoder knows that, and its first second is decoded then, so that what can't be
    decoded is found; all is decoded where the length shows only so.

    Raises:
        AudioError: as `load`.

    >>> import io, numpy, soundfile
    >>> file = io.BytesIO()
    >>> soundfile.write(file, numpy.ones(3 * 44100) / 2, 44100, format="WAV")
    >>> length_s(file.getvalue())
    3.0
    """
    decoder = Decoder(source, limit_s)
    with closing(decoder):
        known_s = decoder.length_s
        if known_s is not None and known_s < MIN_DURATION_S:
            known_s = None  # so little is quickly decoded
        if known_s is not None:
            first = decoder.excerpt(0.0, min(1.0, known_s))
            if first is not None:
                _at_full_scale(first)
                return known_s
    decoder = Decoder(source, limit_s)
    with closing(decoder), closing(decoder.blocks()) as blocks:
        frames = 0
        for block in blocks:
            _at_full_scale(block)
            frames += len(block)
            if known_s is not None:
                return known_s
            if frames > limit_s * decoder.sample_rate:
                raise too_long(frames / decoder.sample_rate, limit_s)
    seconds = frames / decoder.sample_rate
    if seconds < MIN_DURATION_S:
        raise _too_short(seconds)
    return seconds


def _too_short(seconds: float) -> TooShort:
    return TooShort(f"It holds {seconds:.2f} s of sound; {MIN_DURATION_S} s are the least.")


def browser_type(data: bytes) -> str | None:
    """The MIME type of what a browser can play as it is; None for what it can't.

    >>> browser_type(b"RIFF....WAVEfmt ")
    'audio/wav'
    >>> browser_type(b"FORM....AIFF") is None
    True
    """
    return _MIME.get(sniff(data[:64]) or "")


def excerpts(
    source: Source, sample_rate: int, *, count: int, length_s: float, limit_s: float
) -> tuple[float, list[tuple[float, Samples]]]:
    """Some places spread over a source, without decoding the rest.

    Returns:
        The length in s that the source claims (0 where it doesn't), and (start in s, samples `[n]`)
        for each place; none where the source can't be sought in or isn't what it claims. Then it
        has to be decoded from its start.

    Raises:
        AudioError: the source can't be opened.

    >>> import io, numpy, soundfile
    >>> file = io.BytesIO()
    >>> soundfile.write(file, numpy.ones(60 * 44100) / 2, 44100, format="WAV")
    >>> length_s, places = excerpts(
    ...     file.getvalue(), 16000, count=2, length_s=3.0, limit_s=3600.0
    ... )
    >>> length_s, [(start_s, samples.shape) for start_s, samples in places]
    (60.0, [(13.5, (48000,)), (43.5, (48000,))])
    """
    decoder = Decoder(source, limit_s)
    with closing(decoder):
        length = decoder.claimed_s or 0.0
        starts = [(i + 0.5) * length / count - length_s / 2 for i in range(count)]
        if starts[0] < 0:
            return length, []
        found = []
        for start in starts:
            block = decoder.excerpt(start, length_s)
            if block is None:
                return length, []
            try:
                _at_full_scale(block)
            except BadSamples:
                return length, []
            mono = resampled([_mono(block)], decoder.sample_rate, sample_rate)
            found.append((start, np.concatenate(list(mono))))
        return length, found


def for_browser(data: bytes) -> bytes:
    """Mono FLAC, for what a browser can't play as it is.

    Raises:
        AudioError: the data can't be read.

    >>> import io, numpy, soundfile
    >>> file = io.BytesIO()
    >>> soundfile.write(file, numpy.ones(44100) / 2, 44100, format="WAV")
    >>> for_browser(file.getvalue())[:4]
    b'fLaC'
    """
    import soundfile

    out = io.BytesIO()
    with soundfile.SoundFile(out, "w", 44100, 1, "PCM_16", format="FLAC") as file:
        for block in Stream(data, 44100):
            file.write(block)
    return out.getvalue()
