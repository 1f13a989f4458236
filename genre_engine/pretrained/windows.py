"""A source → windows of 3 s as log-mel patches, and which of them there is anything to hear in.

Works in stretches of some minutes, so that memory doesn't grow with a file's length.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from genre_engine.audio import Samples, excerpts
from genre_engine.audio.decoders import Source
from genre_engine.pretrained.network import (
    FRAMES_PER_S,
    N_FFT,
    N_MELS,
    PATCH_FRAMES,
    PATCH_S,
    SAMPLE_RATE,
    log_mel,
    power_blocks,
)

Floats = NDArray[np.float32]

# Windows in a stretch: 16 minutes, 23 MB of patches.
STRETCH_WINDOWS = 320

# A glimpse is cut out with a margin, so that its first frames see what is before them.
_MARGIN_FRAMES = 4
_MARGIN_S = _MARGIN_FRAMES / FRAMES_PER_S
_LEAST_GLIMPSED_S = 60.0

# A rest of a song gets a window of its own, reaching back into the last one, from this length on.
_LEAST_REST_FRAMES = 62

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
        patches: float32 `[n, 187, 96]`.
        starts_s, ends_s: `[n]`, where each lies in the song.
        audible: bool `[n]`, false for silence and steady noise.
    """

    patches: Floats
    starts_s: NDArray[np.float64]
    ends_s: NDArray[np.float64]
    audible: NDArray[np.bool_]


class Samples16k(Protocol):
    """A song's samples at 16 kHz, and how long it is, known after the last block."""

    @property
    def duration_s(self) -> float: ...

    def __iter__(self) -> Iterator[Samples]: ...


def stretches(stream: Samples16k, windows: int = STRETCH_WINDOWS) -> Iterator[Stretch]:
    """Cut a song into windows of 3 s, `windows` at a time.

    A song shorter than 3 s gives one window, padded with silence.

    Raises:
        AudioError: from the stream.
    """
    size = windows * PATCH_FRAMES
    mel = np.empty((0, N_MELS), np.float32)
    level = np.empty(0, np.float32)
    first = 0
    blocks, levels = [mel], [level]
    waiting = 0
    for power in power_blocks(stream):
        blocks.append(log_mel(power))
        levels.append(_mean_square(power))
        waiting += len(power)
        # One window more than needed is kept back: the end may have to reach into it.
        if waiting >= size + 2 * PATCH_FRAMES:
            mel, level = np.concatenate(blocks), np.concatenate(levels)
            yield _stretch(mel, level, first, np.arange(0, size, PATCH_FRAMES), None)
            blocks, levels = [mel[size:].copy()], [level[size:].copy()]
            waiting -= size
            first += size
    mel, level = np.concatenate(blocks), np.concatenate(levels)
    yield _stretch(mel, level, first, _last_starts(len(mel)), stream.duration_s)


def glimpses(source: Source, count: int, limit_s: float) -> tuple[float, Stretch] | None:
    """The length in s and `count` windows spread over a song, without decoding the rest.

    None where that isn't possible, or the song is so short that decoding all of it is as quick.

    Raises:
        AudioError: the source can't be opened.
    """
    length_s, found = excerpts(
        source, SAMPLE_RATE, count=count, length_s=PATCH_S + 2 * _MARGIN_S, limit_s=limit_s
    )
    if not found or length_s < _LEAST_GLIMPSED_S:
        return None
    parts = []
    for start_s, samples in found:
        power = np.concatenate(list(power_blocks([samples])))[_MARGIN_FRAMES:]
        starts = np.zeros(1, np.int64)
        first = round((start_s + _MARGIN_S) * FRAMES_PER_S)
        parts.append(_stretch(log_mel(power), _mean_square(power), first, starts, length_s))
    return length_s, Stretch(
        np.concatenate([part.patches for part in parts]),
        np.concatenate([part.starts_s for part in parts]),
        np.concatenate([part.ends_s for part in parts]),
        np.concatenate([part.audible for part in parts]),
    )


def _last_starts(frames: int) -> NDArray[np.int64]:
    starts = np.arange(0, max(1, frames - PATCH_FRAMES + 1), PATCH_FRAMES)
    rest = frames - PATCH_FRAMES - int(starts[-1])
    return np.append(starts, frames - PATCH_FRAMES) if rest >= _LEAST_REST_FRAMES else starts


def _stretch(
    mel: Floats,
    level: Floats,
    first: int,
    starts: NDArray[np.int64],
    duration_s: float | None,
) -> Stretch:
    frames = len(mel)
    if frames < PATCH_FRAMES:  # the level stays that of what is there
        mel = np.pad(mel, ((0, PATCH_FRAMES - frames), (0, 0)))
    patches = np.stack([mel[start : start + PATCH_FRAMES] for start in starts])
    mean_square = np.array([level[start : start + PATCH_FRAMES].mean() for start in starts])
    starts_s = (first + starts) / FRAMES_PER_S
    ends_s = starts_s + PATCH_FRAMES / FRAMES_PER_S
    audible = mean_square > 10 ** (_FLOOR_DB / 10)
    # By some windows at a time: the sums below take ten times the memory of what they sum.
    parts = (
        patches[chosen].reshape(-1, N_MELS)[: frames if len(starts) == 1 else None]
        for chosen in _in_parts(np.flatnonzero(audible))
    )
    if all(is_steady_noise(part) for part in parts):
        audible[:] = False
    return Stretch(patches, starts_s, np.minimum(ends_s, duration_s or np.inf), audible)


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
    # Bands without energy, as above the limit of a low sample rate, tell nothing.
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
