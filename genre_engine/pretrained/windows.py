"""A song → windows of 3 s and of 29 s for the networks, and which of them have anything in them.

Works in stretches of some minutes, so that memory doesn't grow with a file's length.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from genre_engine.audio import Samples, excerpts
from genre_engine.audio.decoders import Source
from genre_engine.pretrained.network import FCN_FRAMES, Network
from genre_engine.pretrained.spectrogram import (
    FRAMES_PER_S,
    HTK,
    N_FFT,
    N_MELS,
    PATCH_FRAMES,
    SAMPLE_RATE,
    SLANEY,
    Edges,
    decibel_mel,
    log_mel,
    power_blocks,
)

Floats = NDArray[np.float32]
Seconds = NDArray[np.float64]

# Windows in a stretch: 16 minutes, 23 MB of patches.
STRETCH_WINDOWS = 320

# A glimpse is cut out with a margin, so that its first frames see what is before them.
_MARGIN_FRAMES = 4
_MARGIN_S = _MARGIN_FRAMES / FRAMES_PER_S
_LEAST_GLIMPSED_S = 60.0

# A rest of a song gets a window of its own, reaching back into the last one, from this length on.
_LEAST_REST_FRAMES = 62

# A rest of a song gets a window of 29 s of its own, reaching back, from 10 s on.
_LEAST_LONG_REST = 625

# Root mean square, in dB below full scale, under which a window is silence or a noise floor.
_FLOOR_DB = -60.0
# Windows in which steady noise is looked for at a time.
_NOISE_WINDOWS = 32
# Sum of squares of the Hann window: scales a power spectrum to a mean square.
_WINDOW_POWER = 3 / 8 * N_FFT


@dataclass(frozen=True, eq=False)
class Stretch:
    """Some windows of a song, in the order of time.

    Attributes:
        spectra: by kind of spectrogram the frames, float32 `[frames, 96]`.
        starts: `[n]`, the first frame of each window of 3 s.
        starts_s, ends_s: `[n]`, where each lies in the song.
        audible: bool `[n]`, false for silence and steady noise.
        long_starts: `[m]`, the first frame of each window of 29 s.
        long_starts_s, long_ends_s: `[m]`, where each lies in the song.
    """

    spectra: Mapping[str, Floats]
    starts: NDArray[np.int64]
    starts_s: NDArray[np.float64]
    ends_s: NDArray[np.float64]
    audible: NDArray[np.bool_]
    long_starts: NDArray[np.int64]
    long_starts_s: NDArray[np.float64]
    long_ends_s: NDArray[np.float64]

    def patches(self, network: Network, chosen: NDArray[np.int64]) -> Floats:
        """The input of a network for some of its windows, float32 `[n, frames, 96]`."""
        mel = self.spectra[network.spectrogram]
        starts = (self.long_starts if network.is_long else self.starts)[chosen]
        return np.stack([_window(mel, int(start), network.frames) for start in starts])

    @property
    def long_audible(self) -> NDArray[np.bool_]:
        """Bool `[m]`: whether a window of 29 s has anything in it."""
        middles = (self.starts_s + self.ends_s) / 2
        return np.array(
            [
                bool(self.audible[(middles >= start) & (middles <= end)].any())
                for start, end in zip(self.long_starts_s, self.long_ends_s, strict=True)
            ],
            bool,
        )


def _window(mel: Floats, start: int, frames: int) -> Floats:
    """Frames from `start` on; what is too short is repeated until it fills the window.

    Repeating keeps the loudness and the rhythm that a network knows; silence would be a pause that
    the song doesn't have.
    """
    found = mel[start : start + frames]
    if len(found) == frames:
        return found
    if frames <= PATCH_FRAMES + 1:  # one window of 3 s, which is padded with its last frame
        return np.pad(found, ((0, frames - len(found)), (0, 0)), mode="edge")
    return np.resize(found, (frames, N_MELS))


class Samples16k(Protocol):
    """A song's samples at 16 kHz, and how long it is, known after the last block."""

    @property
    def duration_s(self) -> float: ...

    def __iter__(self) -> Iterator[Samples]: ...


def stretches(
    stream: Samples16k,
    windows: int = STRETCH_WINDOWS,
    spectra: Collection[str] = (SLANEY, HTK),
) -> Iterator[Stretch]:
    """Cut a song into windows, `windows` of 3 s at a time.

    A song shorter than 3 s gives one window, padded with silence.

    Args:
        spectra: the spectrograms that are wanted; Slaney's is made in any case.

    Raises:
        AudioError: from the stream.
    """
    size = windows * PATCH_FRAMES
    edges = Edges(stream)
    waiting = _Frames(HTK in spectra)
    first = 0
    for power in power_blocks(edges):
        waiting.add(power, edges.first_frame() if not first and not len(waiting) else None)
        # One window more than needed is kept back: the end may have to reach into it.
        if len(waiting) >= size + 2 * PATCH_FRAMES:
            yield _stretch(waiting.take(size), first, np.arange(0, size, PATCH_FRAMES), None)
            first += size
    waiting.end(edges.last_frame())
    yield _stretch(waiting, first, _last_starts(len(waiting)), stream.duration_s)


class _Frames:
    """Frames of a song that wait to be cut: both spectrograms, and each frame's mean square."""

    def __init__(self, htk: bool = True) -> None:
        self.parts: dict[str, list[Floats]] = {SLANEY: [], "level": []}
        if htk:
            self.parts[HTK] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, power: Floats, first: Floats | None = None) -> None:
        """More frames; `first` is the power of the song's first one as the mirrored song has it."""
        self.parts[SLANEY].append(log_mel(power))
        if HTK in self.parts:
            mel = decibel_mel(power)
            if first is not None and len(mel):
                mel[:1] = decibel_mel(first)
            self.parts[HTK].append(mel)
        self.parts["level"].append(_mean_square(power))
        self._count += len(power)

    def end(self, last: Floats) -> None:
        """The song's end: `last` is the power of its last frame as the mirrored song has it."""
        if HTK in self.parts:
            self.joined(HTK)[-1:] = decibel_mel(last)

    def joined(self, kind: str) -> Floats:
        parts = self.parts[kind]
        if len(parts) != 1:
            parts[:] = [np.concatenate(parts) if parts else np.empty(0, np.float32)]
        return parts[0]

    def take(self, size: int) -> "_Frames":
        """Take the first `size` frames out."""
        taken = _Frames(HTK in self.parts)
        for kind, parts in self.parts.items():
            whole = self.joined(kind)
            taken.parts[kind] = [whole[: size + 1]]  # windows of 188 frames reach one further
            parts[:] = [whole[size:].copy()]
        taken._count, self._count = size, self._count - size
        return taken


def glimpses(
    source: Source, count: int, windows_s: float, limit_s: float
) -> tuple[float, list[Stretch]] | None:
    """The length in s and `count` pieces spread over a song, without decoding the rest.

    None where that isn't possible, or the song is so short that decoding all of it is as quick.

    Args:
        windows_s: length of a piece, a window of 3 s or of 29 s.

    Raises:
        AudioError: the source can't be opened.
    """
    length_s, found = excerpts(
        source, SAMPLE_RATE, count=count, length_s=windows_s + 2 * _MARGIN_S, limit_s=limit_s
    )
    if not found or length_s < _LEAST_GLIMPSED_S:
        return None
    parts = []
    for start_s, samples in found:
        frames = _Frames()
        frames.add(np.concatenate(list(power_blocks([samples])))[_MARGIN_FRAMES:])
        first = round((start_s + _MARGIN_S) * FRAMES_PER_S)
        starts = np.arange(0, round(windows_s * FRAMES_PER_S) - PATCH_FRAMES + 1, PATCH_FRAMES)
        parts.append(_stretch(frames, first, starts, length_s))
    return length_s, parts


def _last_starts(frames: int) -> NDArray[np.int64]:
    starts = np.arange(0, max(1, frames - PATCH_FRAMES + 1), PATCH_FRAMES)
    rest = frames - PATCH_FRAMES - int(starts[-1])
    return np.append(starts, frames - PATCH_FRAMES) if rest >= _LEAST_REST_FRAMES else starts


def _long_starts(sounding: NDArray[np.bool_]) -> NDArray[np.int64]:
    """First frames of the windows of 29 s; the last one ends with the frames.

    Args:
        sounding: of each frame whether it is above the floor. A short rest gets a window of its own
            where most of what sounds lies in it, as after a long silence.
    """
    frames = len(sounding)
    starts = np.arange(0, max(1, frames - FCN_FRAMES + 1), FCN_FRAMES)
    end = int(starts[-1]) + FCN_FRAMES
    rest = frames - end
    mostly_there = 2 * np.count_nonzero(sounding[end:]) > np.count_nonzero(sounding)
    wanted = rest >= _LEAST_LONG_REST or (rest > 0 and mostly_there)
    return np.append(starts, frames - FCN_FRAMES) if wanted else starts


def _stretch(
    frames: _Frames,
    first: int,
    starts: NDArray[np.int64],
    duration_s: float | None,
) -> Stretch:
    n_frames = len(frames)
    mel, level = frames.joined(SLANEY), frames.joined("level")
    spectra = {kind: frames.joined(kind) for kind in frames.parts if kind != "level"}
    if n_frames < PATCH_FRAMES:  # the level stays that of what is there
        spectra[SLANEY] = mel = np.pad(mel, ((0, PATCH_FRAMES - n_frames), (0, 0)))
    mean_square = np.array([level[start : start + PATCH_FRAMES].mean() for start in starts])
    floor = 10 ** (_FLOOR_DB / 10)
    audible = mean_square > floor
    # By some windows at a time: the sums below take ten times the memory of what they sum.
    parts = (
        np.concatenate([mel[start : start + PATCH_FRAMES] for start in starts[chosen]])[
            : n_frames if len(starts) == 1 else None
        ]
        for chosen in _in_parts(np.flatnonzero(audible))
    )
    if all(is_steady_noise(part) for part in parts):
        audible[:] = False
    long_starts = _long_starts(level > floor)
    end_s = duration_s or np.inf

    def times(begin: NDArray[np.int64], length: int) -> tuple[Seconds, Seconds]:
        begin_s = (first + begin) / FRAMES_PER_S
        return begin_s, np.minimum(begin_s + length / FRAMES_PER_S, end_s)

    return Stretch(
        spectra,
        starts,
        *times(starts, PATCH_FRAMES),
        audible,
        long_starts,
        *times(long_starts, FCN_FRAMES),
    )


def _in_parts(windows: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    for start in range(0, len(windows), _NOISE_WINDOWS):
        yield windows[start : start + _NOISE_WINDOWS]


def _mean_square(power: Floats) -> Floats:
    """Power spectra `[frames, bins]` → mean square of each frame's samples `[frames]`.

    Without what lies below 47 Hz: a constant offset is not a sound.
    """
    # A bin stands for two, of positive and of negative frequency.
    level: Floats = 2 * power[:, 2:].sum(axis=1) / (N_FFT * _WINDOW_POWER)
    return level


def is_steady_noise(mel: Floats) -> bool:
    """Whether log-mel frames `[n, 96]` hold nothing but steady noise, of whatever colour.

    Steady noise shows two things together that no music showed that was tried: its level, each band
    measured against its own, hardly moves from frame to frame, and its mean spectrum below 1 kHz,
    where a band is one bin wide, has no peaks.
    """
    power = (10 ** mel.astype(np.float64) - 1) / 10000
    typical = np.median(power, axis=0)
    # Bands without energy, as above the limit of a low sample rate, say nothing.
    bands = typical > 1e-6 * typical.max()
    if not bands.any():
        return False
    # Percentiles, because a file's first and last frame are half silence.
    low, middle, high = np.percentile((power[:, bands] / typical[bands]).mean(axis=1), (16, 50, 84))
    spectrum_db = 10 * np.log10(power.mean(axis=0)[_BASS_BAND:_BAND_AT_1_KHZ] + 1e-15)
    beside = (spectrum_db[:-6] + spectrum_db[6:]) / 2
    peak_db = np.abs(spectrum_db[3:-3] - beside).max()
    return bool((high - low) / 2 < _NOISE_MOVEMENT * middle and peak_db < _NOISE_PEAK_DB)


_BASS_BAND, _BAND_AT_1_KHZ = 3, 33
_NOISE_MOVEMENT = 0.2
_NOISE_PEAK_DB = 3.0
