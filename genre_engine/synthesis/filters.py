"""Tone colour: filters given by their analogue transfer function, applied to the spectrum.

The response of the analogue prototype at each frequency (Zölzer, "Digital Audio Signal Processing",
ch. 2) multiplies the Fourier transform of the whole sound. That is exact at any cutoff, needs no
loop over samples, and a filter that moves is a blend of a few that stand still.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from genre_engine.synthesis.oscillators import Samples

TAIL = 2048  # samples of silence that take up what a filter rings on


def fast_size(n: int) -> int:
    """The next size of a Fourier transform that is quick: 2^a, 3·2^a or 5·2^a."""
    power = 1 << max(n - 1, 1).bit_length()
    return min(size for size in (power, power // 8 * 5, power // 4 * 3) if size >= n)


def shape_spectrum(
    sound: Samples, sample_rate: int, response: Callable[[NDArray[np.float32]], NDArray[np.generic]]
) -> Samples:
    """The sound, `[n]` or `[n, 2]`, with its spectrum times `response(frequencies in Hz)`."""
    size = fast_size(len(sound) + TAIL)
    spectrum = np.fft.rfft(sound, size, axis=0)
    frequency_hz = np.arange(size // 2 + 1, dtype=np.float32) * np.float32(sample_rate / size)
    gain = response(frequency_hz).astype(np.complex64)
    spectrum *= gain if sound.ndim == 1 else gain[:, None]
    return np.fft.irfft(spectrum, size, axis=0)[: len(sound)].astype(np.float32, copy=False)


def lowpass(
    sound: Samples, sample_rate: int, cutoff_hz: float, *, resonance: float = 0.707, steps: int = 1
) -> Samples:
    """Take the highs away: 12 dB per octave and step above the cutoff."""

    def response(hz: NDArray[np.float32]) -> NDArray[np.generic]:
        s = 1j * hz / np.float32(cutoff_hz)
        return np.asarray((1.0 / (1.0 + s / resonance + s * s)) ** steps)

    return shape_spectrum(sound, sample_rate, response)


def highpass(
    sound: Samples, sample_rate: int, cutoff_hz: float, *, resonance: float = 0.707, steps: int = 1
) -> Samples:
    """Take the lows away: 12 dB per octave and step below the cutoff."""

    def response(hz: NDArray[np.float32]) -> NDArray[np.generic]:
        s = 1j * hz / np.float32(cutoff_hz)
        return np.asarray((s * s / (1.0 + s / resonance + s * s)) ** steps)

    return shape_spectrum(sound, sample_rate, response)


def bandpass(sound: Samples, sample_rate: int, centre_hz: float, *, quality: float) -> Samples:
    """Keep a band around the centre, the narrower the higher the quality; gain 1 at the centre."""

    def response(hz: NDArray[np.float32]) -> NDArray[np.generic]:
        s = 1j * hz / np.float32(centre_hz)
        return np.asarray((s / quality) / (1.0 + s / quality + s * s))

    return shape_spectrum(sound, sample_rate, response)


def equalise(sound: Samples, sample_rate: int, points: tuple[tuple[float, float], ...]) -> Samples:
    """Louder or softer by frequency: `points` are (Hz, dB), joined by lines over octaves."""
    octaves = np.log2([hz for hz, _ in points])
    levels_db = [level_db for _, level_db in points]

    def response(hz: NDArray[np.float32]) -> NDArray[np.generic]:
        return np.asarray(
            10.0 ** (np.interp(np.log2(np.maximum(hz, 1.0)), octaves, levels_db) / 20)
        )

    return shape_spectrum(sound, sample_rate, response)


def bell(sound: Samples, sample_rate: int, centre_hz: float, *, gain_db: float) -> Samples:
    """Louder or softer around one frequency, about an octave wide, the rest as it was."""

    def response(hz: NDArray[np.float32]) -> NDArray[np.generic]:
        octaves = np.log2(np.maximum(hz, 20.0) / centre_hz)
        return np.asarray(10.0 ** (gain_db / 20.0 * np.exp(-0.5 * (octaves / 0.6) ** 2)))

    return shape_spectrum(sound, sample_rate, response)


def swept_lowpass(
    sound: Samples,
    sample_rate: int,
    cutoff_hz: NDArray[np.float32],
    *,
    resonance: float = 0.9,
    stages: int = 5,
) -> Samples:
    """A low-pass filter whose cutoff moves `[n]`, for mono sound `[n]`.

    The sound is filtered at `stages` fixed cutoffs, evenly spaced in pitch; at every moment the two
    nearest are blended.
    """
    octaves = np.log2(cutoff_hz)
    lowest, highest = float(octaves.min()), float(octaves.max())
    if highest - lowest < 0.05:
        return lowpass(sound, sample_rate, 2.0**lowest, resonance=resonance)
    position = (octaves - lowest) * np.float32((stages - 1) / (highest - lowest))
    total = np.zeros_like(sound)
    for stage, octave in enumerate(np.linspace(lowest, highest, stages)):
        weight = np.clip(1.0 - np.abs(position - np.float32(stage)), 0.0, 1.0)
        total += weight * lowpass(sound, sample_rate, 2.0 ** float(octave), resonance=resonance)
    return total
