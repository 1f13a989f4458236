"""A song → windows as long as the excerpts that a model was trained on.

Minima and maxima over time drift with length, and the floor of the decibels and the tuning are
those of an excerpt. So a model hears a window exactly as it would hear it as an excerpt: samples
are cut first, and features are those of each window by itself. Overlapping windows can't share the
spectrum of the 498 either: 10 s are 220,500 samples, no multiple of its hop of 512, so no frame of
one window is a frame of the next.

Works in stretches of some 100 s, so that memory doesn't grow with a file's length. Windows overlap
by two thirds of their length. Which have anything to hear in them, `listening` decides, at the
sample rate of the pretrained networks.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from genre_engine.audio import Samples, Signal, Stream
from genre_engine.audio.resampling import resampled
from genre_engine.pretrained import windows as song_windows
from genre_engine.pretrained.spectrogram import SAMPLE_RATE

# A window begins a third of its length after the one before: 10 s for excerpts of 30 s.
_HOPS = 3
_STRETCH_WINDOWS = 32


@dataclass(frozen=True, eq=False)
class Window:
    """A stretch of a song, and whether there is anything to hear in it."""

    signal: Signal
    audible: bool

    @property
    def start_s(self) -> float:
        return self.signal.start_s

    @property
    def end_s(self) -> float:
        return self.signal.start_s + self.signal.duration_s


def windows(decoded: Stream, excerpt_s: float) -> Iterator[list[Window]]:
    """Cut a song into windows, some at a time, as it is decoded.

    The last one ends with the song where the rest is longer than half a hop; a song that is shorter
    than an excerpt is one window.

    Raises:
        AudioError: from the stream.
    """
    cutter = _Cutter(decoded.sample_rate, excerpt_s)
    heard: list[tuple[float, float]] = []
    for stretch in song_windows.stretches(
        at_16_khz(decoded, cutter.take), windows=_STRETCH_WINDOWS
    ):
        spans = zip(stretch.starts_s[stretch.audible], stretch.ends_s[stretch.audible], strict=True)
        heard += [(float(start), float(end)) for start, end in spans]
        # The last window is cut when the song's end is known.
        cut = cutter.whole(until_s=float(stretch.ends_s[-1]))
        if cut:
            yield [Window(signal, _overlaps(signal, heard)) for signal in cut]
    rest = cutter.rest()
    if rest:
        yield [Window(signal, _overlaps(signal, heard)) for signal in rest]


def at_16_khz(
    decoded: Stream, take: Callable[[Samples], None] | None = None
) -> song_windows.Samples16k:
    """A stream as `listening` takes it; each block at its own rate is handed to `take` before."""
    return _Teed(decoded, take or (lambda samples: None))


def is_audible(signal: Signal) -> bool:
    """Whether there is anything to hear in a signal by itself."""
    stretches = song_windows.stretches(_Whole(signal))
    return any(stretch.audible.any() for stretch in stretches)


def _overlaps(signal: Signal, heard: list[tuple[float, float]]) -> bool:
    """Whether the middle of a span that is heard lies in a signal."""
    end_s = signal.start_s + signal.duration_s
    return any(signal.start_s <= (start + end) / 2 <= end_s for start, end in heard)


def sizes(excerpt_s: float, sample_rate: int) -> tuple[int, int]:
    """A window's length and the way to the next, in samples."""
    size = round(excerpt_s * sample_rate)
    return size, max(1, size // _HOPS)


class _Cutter:
    """Keeps the samples that windows still need."""

    def __init__(self, sample_rate: int, excerpt_s: float) -> None:
        self._rate = sample_rate
        self._size, self._hop = sizes(excerpt_s, sample_rate)
        self._blocks: list[Samples] = []
        self._first = 0  # place of the first sample that is kept
        self._end = 0
        self._next = 0  # where the next window begins

    def take(self, samples: Samples) -> None:
        self._blocks.append(samples)
        self._end += len(samples)

    def whole(self, until_s: float) -> list[Signal]:
        """The next windows that end before a time, all of whose samples are there."""
        until = min(self._end, int(until_s * self._rate))
        found = []
        while self._next + self._size <= until:
            found.append(self._signal(self._next))
            self._next += self._hop
        self._forget()
        return found

    def rest(self) -> list[Signal]:
        """The last windows of a song that has ended."""
        found = []
        while self._next + self._size <= self._end:
            found.append(self._signal(self._next))
            self._next += self._hop
        if self._next == 0:
            return [self._signal(0)] if self._end else []
        left = self._end - (self._next - self._hop + self._size)
        if left > self._hop / 2:
            found.append(self._signal(self._end - self._size))
        return found

    def _signal(self, start: int) -> Signal:
        if len(self._blocks) > 1:
            self._blocks = [np.concatenate(self._blocks)]
        begin = start - self._first
        return Signal(self._blocks[0][begin : begin + self._size], self._rate, start / self._rate)

    def _forget(self) -> None:
        """Drop what lies before the last window that was cut: the last one of all may reach back
        nearly as far as that."""
        needed = max(0, self._next - self._hop)
        while self._blocks and self._first + len(self._blocks[0]) <= needed:
            self._first += len(self._blocks.pop(0))
        if self._blocks and self._first < needed:
            # A copy, so that the memory before it is given back.
            self._blocks[0] = self._blocks[0][needed - self._first :].copy()
            self._first = needed


class _Teed:
    """A stream at the networks' sample rate, whose samples at its own rate go elsewhere too."""

    def __init__(self, decoded: Stream, take: Callable[[Samples], None]) -> None:
        self._decoded = decoded
        self._take = take

    @property
    def duration_s(self) -> float:
        return self._decoded.duration_s

    def __iter__(self) -> Iterator[Samples]:
        def taken() -> Iterator[Samples]:
            for block in self._decoded:
                self._take(block)
                yield block

        return _quickly(taken(), self._decoded.sample_rate)


def as_stream(signal: Signal) -> song_windows.Samples16k:
    """A signal as a stream at the networks' sample rate, resampled as a song is."""
    if signal.sample_rate == SAMPLE_RATE:
        return _AtRate(signal)
    return _Whole(signal)


class _AtRate:
    def __init__(self, signal: Signal) -> None:
        self._signal = signal
        self.duration_s = signal.duration_s

    def __iter__(self) -> Iterator[Samples]:
        yield self._signal.samples


class _Whole:
    """A signal as a stream at the networks' sample rate."""

    def __init__(self, signal: Signal) -> None:
        self._signal = signal
        self.duration_s = signal.duration_s

    def __iter__(self) -> Iterator[Samples]:
        return _quickly([self._signal.samples], self._signal.sample_rate)


def _quickly(blocks: Iterable[Samples], sample_rate: int) -> Iterator[Samples]:
    # Only levels and spectra are looked at, so the quickest filter will do.
    return resampled(blocks, sample_rate, SAMPLE_RATE, quality="LQ")
