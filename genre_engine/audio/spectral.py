"""Pure functions from samples to spectra: arrays in, arrays out, frames as rows.

Frames are rows because that is the order in which they come and in which networks take them; it is
librosa's layout transposed. Numbers equal librosa's for the same parameters (float32).
"""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
# float32 frames `[n, n_fft]` → complex64 `[n, 1 + n_fft // 2]`.
Transform = Callable[[Floats], NDArray[Any]]

# Samples in the frames whose spectra are computed at a time: a megabyte, which stays in the
# cache. Smaller batches pay for the calls, larger ones for memory.
_BATCH_SAMPLES = 2**18


def power_spectrogram(
    samples: Floats, *, n_fft: int, hop_length: int, rfft: Transform | None = None
) -> Floats:
    """Squared magnitude of the short-time Fourier transform with a periodic Hann window.

    Args:
        samples: `[n]`, padded by the caller: frame i starts at sample i·hop_length.
        rfft: NumPy's where a process should start at once. SciPy's by default: it transforms
            several frames at a time, so it takes a third of the time, but 0.2 s to be imported.

    Returns:
        float32 `[1 + (n - n_fft) // hop_length, 1 + n_fft // 2]`; no rows where n < n_fft.

    >>> power_spectrogram(np.ones(8, np.float32), n_fft=4, hop_length=2).shape
    (3, 3)
    """
    power = np.empty((frame_count(len(samples), n_fft, hop_length), 1 + n_fft // 2), np.float32)
    for _ in power_batches(samples, n_fft=n_fft, hop_length=hop_length, out=power, rfft=rfft):
        pass
    return power


def power_batches(
    samples: Floats, *, n_fft: int, hop_length: int, out: Floats, rfft: Transform | None = None
) -> Iterator[Floats]:
    """As `power_spectrogram`, into `out` `[frames, bins]`; gives some rows of it at a time."""
    if rfft is None:
        from scipy import fft

        rfft = fft.rfft
    n = frame_count(len(samples), n_fft, hop_length)
    if not n:
        return
    frames = np.lib.stride_tricks.sliding_window_view(samples, n_fft)[::hop_length]
    size = max(1, _BATCH_SAMPLES // n_fft)
    window = _hann(n_fft)
    windowed = np.empty((size, n_fft), np.float32)
    for start in range(0, n, size):
        batch = frames[start : start + size]
        np.multiply(batch, window, out=windowed[: len(batch)])
        spectrum = rfft(windowed[: len(batch)])
        power = out[start : start + len(batch)]
        parts = spectrum.view(np.float32)
        np.square(parts, out=parts)
        np.add(parts[:, ::2], parts[:, 1::2], out=power)
        yield power


def power_of_blocks(
    blocks: Iterable[Floats], *, n_fft: int, hop_length: int, rfft: Transform | None = None
) -> Iterator[Floats]:
    """Samples in blocks → power spectra in blocks, as if the whole had been given at once.

    Half a window of silence is added on both sides, so frame i is centred on sample i·hop_length.
    """
    spectra = partial(power_spectrogram, n_fft=n_fft, hop_length=hop_length, rfft=rfft)
    half = np.zeros(n_fft // 2, np.float32)
    waiting = half
    for block in blocks:
        waiting = np.concatenate([waiting, block])
        power = spectra(waiting)
        waiting = waiting[len(power) * hop_length :]
        if len(power):
            yield power
    yield spectra(np.concatenate([waiting, half]))


def frame_count(n_samples: int, n_fft: int, hop_length: int) -> int:
    """How many whole frames there are in so many samples."""
    return 1 + (n_samples - n_fft) // hop_length if n_samples >= n_fft else 0


@lru_cache(maxsize=8)
def _hann(length: int) -> Floats:
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)).astype(np.float32)


@lru_cache(maxsize=8)
def mel_filters(*, sample_rate: int, n_fft: int, n_mels: int, scale: str = "slaney") -> Floats:
    """Triangular filters evenly spaced on a mel scale from 0 Hz to Nyquist.

    Args:
        scale: `slaney`, with filters of equal area (`librosa.filters.mel`'s defaults), or `htk`,
            with peaks of 1 (its `htk=True, norm=None`).

    Returns:
        float32 `[n_mels, 1 + n_fft // 2]`.

    Source: M. Slaney, Auditory Toolbox, technical report 1998-010; S. Young and others, The HTK
    Book, 2006.
    """
    bins = np.linspace(0, sample_rate / 2, 1 + n_fft // 2)
    edges = _htk_edges(sample_rate, n_mels) if scale == "htk" else _mel_edges(sample_rate, n_mels)
    width = np.diff(edges)
    ramps = edges[:, None] - bins[None, :]
    rising = -ramps[:-2] / width[:-1, None]
    falling = ramps[2:] / width[1:, None]
    filters = np.maximum(0, np.minimum(rising, falling))
    if scale == "slaney":
        filters *= 2.0 / (edges[2:] - edges[:-2])[:, None]
    filters = filters.astype(np.float32)
    filters.flags.writeable = False
    return filters


def mel_spectrogram(
    power: Floats, *, sample_rate: int, n_fft: int, n_mels: int, scale: str = "slaney"
) -> Floats:
    """Power spectra `[frames, bins]` → power in mel bands, float32 `[frames, n_mels]`.

    A filter sees few bins, so neighbouring filters are applied together to the bins that they see.
    """
    mel = np.empty((len(power), n_mels), np.float32)
    for bands, bins, filters in _mel_groups(sample_rate, n_fft, n_mels, scale):
        np.matmul(power[:, bins], filters, out=mel[:, bands])
    return mel


# Filters applied together: fewer are too small for a matrix product, more see too many bins.
_GROUP = 16


@lru_cache(maxsize=8)
def _mel_groups(
    sample_rate: int, n_fft: int, n_mels: int, scale: str
) -> tuple[tuple[slice, slice, Floats], ...]:
    """Groups of filters: their bands, the bins that they see, and weights `[bins, bands]`."""
    filters = mel_filters(sample_rate=sample_rate, n_fft=n_fft, n_mels=n_mels, scale=scale)
    groups = []
    for first in range(0, n_mels, _GROUP):
        group = filters[first : first + _GROUP]
        seen = np.flatnonzero(group.any(axis=0))
        bins = slice(int(seen[0]), int(seen[-1]) + 1) if len(seen) else slice(0, 1)
        weights = np.ascontiguousarray(group[:, bins].T)
        groups.append((slice(first, first + len(group)), bins, weights))
    return tuple(groups)


def mel_centres(*, sample_rate: int, n_mels: int) -> NDArray[np.float64]:
    """Centres in Hz of the bands of `mel_filters`, `[n_mels]`."""
    return _mel_edges(sample_rate, n_mels)[1:-1]


def _mel_edges(sample_rate: int, n_mels: int) -> NDArray[np.float64]:
    return _mel_to_hz(np.linspace(0, _hz_to_mel(sample_rate / 2), n_mels + 2))


def _htk_edges(sample_rate: int, n_mels: int) -> NDArray[np.float64]:
    highest = 2595.0 * np.log10(1.0 + sample_rate / 2 / 700.0)
    edges: NDArray[np.float64] = 700.0 * (
        10.0 ** (np.linspace(0.0, highest, n_mels + 2) / 2595.0) - 1.0
    )
    return edges


# Slaney's scale: linear to 1 kHz, 27 logarithmic steps for each factor of 6.4 above.
_HZ_PER_MEL = 200 / 3
_KNEE_HZ = 1000.0
_LOG_STEP = np.log(6.4) / 27


def _hz_to_mel(hz: float) -> float:
    if hz < _KNEE_HZ:
        return hz / _HZ_PER_MEL
    return float(_KNEE_HZ / _HZ_PER_MEL + np.log(hz / _KNEE_HZ) / _LOG_STEP)


def _mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    knee = _KNEE_HZ / _HZ_PER_MEL
    above = _KNEE_HZ * np.exp(_LOG_STEP * (np.maximum(mel, knee) - knee))
    return np.where(mel < knee, mel * _HZ_PER_MEL, above)


def decibels(power: Floats, *, floor: float = 1e-10, top_db: float = 80.0) -> Floats:
    """Power as decibels, at most `top_db` below the loudest of all values; librosa's power_to_db.

    >>> decibels(np.array([1.0, 0.1, 0.0], np.float32))
    array([  0., -10., -80.], dtype=float32)
    """
    levels = levels_db(power, floor=floor)
    if not levels.size:
        return levels
    np.maximum(levels, levels.max() - np.float32(top_db), out=levels)
    return levels


def levels_db(power: Floats, *, floor: float = 1e-10) -> Floats:
    """Power as decibels, whatever the loudest is."""
    levels = np.maximum(power, np.float32(floor), dtype=np.float32)
    # NumPy has a fast logarithm of base e only.
    np.log(levels, out=levels)
    levels *= np.float32(10 / np.log(10))
    return levels


def mfcc(mel_db: Floats, *, n_mfcc: int = 20) -> Floats:
    """Mel-frequency cepstral coefficients: the orthonormal DCT-II of each frame's mel decibels.

    Args:
        mel_db: `[frames, n_mels]`.

    Returns:
        float32 `[frames, n_mfcc]`.

    Source: S. Davis and P. Mermelstein, "Comparison of parametric representations …", 1980.
    """
    coefficients: Floats = mel_db @ _dct(mel_db.shape[1], n_mfcc)
    return coefficients


@lru_cache(maxsize=8)
def _dct(n: int, n_kept: int) -> Floats:
    angles = np.pi / n * np.outer(np.arange(n) + 0.5, np.arange(n_kept))
    basis = np.cos(angles) * np.sqrt(2 / n)
    basis[:, 0] /= np.sqrt(2)
    rounded: Floats = basis.astype(np.float32)
    return rounded


def tuning(power: Floats, *, sample_rate: int, n_fft: int) -> float:
    """How far the music lies off A = 440 Hz, in semitones from -0.5 to 0.5, to 0.01.

    Args:
        power: `[frames, bins]`; see `Tuning`, which takes spectra as they come.
    """
    estimate = Tuning(sample_rate=sample_rate, n_fft=n_fft)
    estimate.add(power)
    return estimate.value()


# Peaks whose frequencies are computed at a time.
_PEAKS_WAITING = 2**16


class Tuning:
    """How far music lies off A = 440 Hz, from its spectra in batches.

    The most common deviation among the peaks of all spectra, as in librosa's estimate_tuning: a
    peak is a bin between 150 and 4000 Hz above both neighbours and above a tenth of its frame's
    greatest, its frequency is interpolated, and the stronger half counts.
    """

    _EDGES = np.linspace(-0.5, 0.5, 101)

    def __init__(self, *, sample_rate: int, n_fft: int) -> None:
        self._hz_per_bin = sample_rate / n_fft
        hz = np.arange(1 + n_fft // 2) * self._hz_per_bin
        self._first, self._last = np.searchsorted(hz, (150.0, min(4000.0, sample_rate / 2)))
        # Peaks as they are found: bin, and the power below, at and above it.
        self._found: list[Floats] = []
        self._waiting = 0
        # Peaks that are done, five bytes each.
        self._steps: list[NDArray[np.uint8]] = []
        self._strengths: list[Floats] = []

    def add(self, power: Floats) -> None:
        """Take the peaks of some spectra `[frames, bins]`."""
        if not len(power):
            return
        power = np.ascontiguousarray(power)
        faintest = np.float32(0.1) * power.max(axis=1, keepdims=True)
        loud = np.flatnonzero(power[:, self._first : self._last] > faintest)
        frame, bin_ = np.divmod(loud, self._last - self._first)
        bin_ += self._first
        at = frame * power.shape[1] + bin_
        flat = power.ravel()
        here, below = flat[at], flat[at - 1]
        rising = here > below
        at = at[rising]
        above = flat[at + 1]
        peak = here[rising] >= above
        columns = (bin_[rising][peak], below[rising][peak], here[rising][peak], above[peak])
        self._found.append(np.array(columns, np.float32))
        self._waiting += self._found[-1].shape[1]
        if self._waiting > _PEAKS_WAITING:
            self._interpolate()

    def _interpolate(self) -> None:
        """Parabolas through the peaks that were found give their frequencies and strengths.

        Rounded where librosa rounds: the peaks of a click or of a fading tone are rounding errors,
        and the tuning that they vote for is the same only if these are.
        """
        bin_, below, peak, above = np.concatenate([np.empty((4, 0), "f4"), *self._found], axis=1)
        self._found, self._waiting = [], 0
        rise = above - below
        slope = rise.astype(np.float64) / 2
        curve = (above + below) - 2.0 * peak.astype(np.float64)
        inside = np.abs(slope) < np.abs(curve)
        shift = np.where(inside, -slope / np.where(inside, curve, 1), 0).astype(np.float32)
        hz = ((bin_.astype(np.float64) + shift) * self._hz_per_bin).astype(np.float32)
        pitch = 12 * np.log2(hz / (440 / 16))
        off = pitch - np.floor(pitch)
        off[off >= 0.5] -= 1.0
        step = np.searchsorted(self._EDGES, off, side="right") - 1
        self._steps.append(np.clip(step, 0, 99).astype(np.uint8))
        self._strengths.append(peak + 0.5 * (rise / 2) * shift)

    def value(self) -> float:
        """In semitones from -0.5 to 0.5, to 0.01; 0 where there was no peak."""
        self._interpolate()
        if not any(map(len, self._strengths)):
            return 0.0
        threshold = np.median(np.concatenate(self._strengths))
        counts = np.zeros(100, np.int64)
        for step, strengths in zip(self._steps, self._strengths, strict=True):
            counts += np.bincount(step[strengths >= threshold], minlength=100)
        return float(self._EDGES[counts.argmax()])


@lru_cache(maxsize=128)
def chroma_filters(*, sample_rate: int, n_fft: int, tuning: float = 0.0) -> Floats:
    """Weights that fold a spectrum into the twelve pitch classes from C on.

    Returns:
        float32 `[12, 1 + n_fft // 2]`, the same as `librosa.filters.chroma`'s defaults: Gaussian
        bumps around each pitch class, octaves around the fifth count most.

    Source: D. Ellis, "Chroma feature analysis and synthesis", 2007.
    """
    hz = np.arange(1, n_fft) * sample_rate / n_fft
    pitch = 12 * np.log2(hz / (440 * 2 ** (tuning / 12) / 16))
    # 0 Hz has no pitch: an octave and a half below the first bin, where it weighs next to nothing.
    pitch = np.concatenate([[pitch[0] - 18], pitch])
    width = np.concatenate([np.maximum(np.diff(pitch), 1.0), [1.0]])
    distance = np.remainder(pitch[None, :] - np.arange(12)[:, None] + 6 + 120, 12) - 6
    weights = np.exp(-0.5 * (2 * distance / width) ** 2)
    weights /= np.sqrt((weights**2).sum(axis=0))
    weights *= np.exp(-0.5 * ((pitch / 12 - 5) / 2) ** 2)
    # Pitches were counted from A.
    filters: Floats = np.roll(weights, -3, axis=0)[:, : 1 + n_fft // 2].astype(np.float32)
    filters.flags.writeable = False
    return filters


def chroma(power: Floats, *, sample_rate: int, n_fft: int) -> Floats:
    """Strength of each pitch class from C to B, the strongest of a frame being 1.

    Returns:
        float32 `[frames, 12]`; silent frames stay 0. As librosa's chroma_stft(S=power).
    """
    off = tuning(power, sample_rate=sample_rate, n_fft=n_fft)
    return chroma_tuned(power, sample_rate=sample_rate, n_fft=n_fft, tuning=off)


def chroma_tuned(power: Floats, *, sample_rate: int, n_fft: int, tuning: float) -> Floats:
    """As `chroma`, where the tuning is known."""
    folded = power @ chroma_filters(sample_rate=sample_rate, n_fft=n_fft, tuning=tuning).T
    return _normalised(folded, folded.max(axis=1, keepdims=True, initial=0))


def tonnetz(chroma: Floats) -> Floats:
    """Tonal centroids: where a frame's chroma lies on the circles of fifths, of minor and of major
    thirds (x and y of each).

    Returns:
        float32 `[frames, 6]`. As librosa's tonnetz(chroma=…).

    Source: C. Harte et al., "Detecting harmonic change in musical audio", 2006.
    """
    steps = np.outer([7 / 6, 7 / 6, 3 / 2, 3 / 2, 2 / 3, 2 / 3], np.arange(12))
    steps[::2] -= 0.5
    circles = np.array([1, 1, 1, 1, 0.5, 0.5])[:, None] * np.cos(np.pi * steps)
    shares = _normalised(chroma, chroma.sum(axis=1, keepdims=True))
    centroids: Floats = (shares @ circles.T).astype(np.float32)
    return centroids


def _normalised(rows: Floats, lengths: Floats) -> Floats:
    small = lengths < np.finfo(np.float32).tiny
    return (rows / np.where(small, 1, lengths)).astype(np.float32)
