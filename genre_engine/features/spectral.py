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
