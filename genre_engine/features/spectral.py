"""Pure functions from samples to spectra: arrays in, arrays out, frames as rows.

Frames are rows because that is the order in which they come and in which networks take them; it is
librosa's layout transposed. Numbers equal librosa's for the same parameters (float32).
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

# Frames whose spectra are computed at a time: few enough to stay in the processor's cache.
_BATCH = 512


def power_spectrogram(samples: Floats, *, n_fft: int, hop_length: int) -> Floats:
    """Squared magnitude of the short-time Fourier transform with a periodic Hann window.

    Args:
        samples: `[n]`, padded by the caller: frame i starts at sample i·hop_length.

    Returns:
        float32 `[1 + (n - n_fft) // hop_length, 1 + n_fft // 2]`; no rows where n < n_fft.

    >>> power_spectrogram(np.ones(8, np.float32), n_fft=4, hop_length=2).shape
    (3, 3)
    """
    if len(samples) < n_fft:
        return np.empty((0, 1 + n_fft // 2), np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(samples, n_fft)[::hop_length]
    power = np.empty((len(frames), 1 + n_fft // 2), np.float32)
    window = _hann(n_fft)
    for start in range(0, len(frames), _BATCH):
        spectrum = np.fft.rfft(frames[start : start + _BATCH] * window)
        np.add(spectrum.real**2, spectrum.imag**2, out=power[start : start + _BATCH])
    return power


@lru_cache(maxsize=8)
def _hann(length: int) -> Floats:
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)).astype(np.float32)


@lru_cache(maxsize=8)
def mel_filters(*, sample_rate: int, n_fft: int, n_mels: int) -> Floats:
    """Triangular filters of equal area, evenly spaced on Slaney's mel scale from 0 Hz to Nyquist.

    Returns:
        float32 `[n_mels, 1 + n_fft // 2]`, the same as `librosa.filters.mel`'s defaults.

    Source: M. Slaney, Auditory Toolbox, technical report 1998-010.
    """
    bins = np.linspace(0, sample_rate / 2, 1 + n_fft // 2)
    edges = _mel_edges(sample_rate, n_mels)
    width = np.diff(edges)
    ramps = edges[:, None] - bins[None, :]
    rising = -ramps[:-2] / width[:-1, None]
    falling = ramps[2:] / width[1:, None]
    filters = np.maximum(0, np.minimum(rising, falling))
    filters *= 2.0 / (edges[2:] - edges[:-2])[:, None]
    filters = filters.astype(np.float32)
    filters.flags.writeable = False
    return filters


def mel_centres(*, sample_rate: int, n_mels: int) -> NDArray[np.float64]:
    """Centres in Hz of the bands of `mel_filters`, `[n_mels]`."""
    return _mel_edges(sample_rate, n_mels)[1:-1]


def _mel_edges(sample_rate: int, n_mels: int) -> NDArray[np.float64]:
    return _mel_to_hz(np.linspace(0, _hz_to_mel(sample_rate / 2), n_mels + 2))


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
    levels: Floats = np.float32(10) * np.log10(np.maximum(np.float32(floor), power))
    return np.maximum(levels, levels.max() - np.float32(top_db)) if levels.size else levels


def mfcc(mel_db: Floats, *, n_mfcc: int = 20) -> Floats:
    """Mel-frequency cepstral coefficients: the orthonormal DCT-II of each frame's mel decibels.

    Args:
        mel_db: `[frames, n_mels]`.

    Returns:
        float32 `[frames, n_mfcc]`.

    Source: S. Davis and P. Mermelstein, "Comparison of parametric representations …", 1980.
    """
    return (mel_db @ _dct(mel_db.shape[1], n_mfcc)).astype(np.float32)


@lru_cache(maxsize=8)
def _dct(n: int, n_kept: int) -> NDArray[np.float64]:
    angles = np.pi / n * np.outer(np.arange(n) + 0.5, np.arange(n_kept))
    basis: NDArray[np.float64] = np.cos(angles) * np.sqrt(2 / n)
    basis[:, 0] /= np.sqrt(2)
    return basis


def tuning(power: Floats, *, sample_rate: int, n_fft: int) -> float:
    """How far the music lies off A = 440 Hz, in semitones from -0.5 to 0.5, to 0.01.

    The commonest deviation among the peaks of the spectra `[frames, bins]`, as in librosa's
    estimate_tuning: a peak is a bin between 150 and 4000 Hz above both neighbours and above a
    tenth of its frame's greatest, its frequency is interpolated, and the stronger half counts.
    """
    hz = np.arange(power.shape[1]) * sample_rate / n_fft
    first, last = np.searchsorted(hz, (150.0, min(4000.0, sample_rate / 2)))
    left, here, right = (power[:, first + i : last + i] for i in (-1, 0, 1))
    loud = here > np.float32(0.1) * power.max(axis=1, keepdims=True, initial=0)
    frame, bin_ = np.nonzero(loud & (here > left) & (here >= right))
    if not len(frame):
        return 0.0
    below, peak, above = (side[frame, bin_].astype(np.float64) for side in (left, here, right))
    slope, curve = (above - below) / 2, below + above - 2 * peak
    inside = np.abs(slope) < np.abs(curve)
    shift = np.where(inside, -slope / np.where(inside, curve, 1), 0)
    strength = peak + 0.5 * slope * shift
    peaks_hz = (first + bin_ + shift)[strength >= np.median(strength)] * sample_rate / n_fft
    off = np.mod(12 * np.log2(peaks_hz / (440 / 16)), 1.0)
    off[off >= 0.5] -= 1.0
    counts, edges = np.histogram(off, np.linspace(-0.5, 0.5, 101))
    return float(edges[counts.argmax()])


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
    folded = power @ chroma_filters(sample_rate=sample_rate, n_fft=n_fft, tuning=off).T
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
