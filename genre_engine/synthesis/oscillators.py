"""Periodic waves by table look-up, and noise.

A wave is described by the amplitudes of its harmonics; those above the limit of hearing of the
sample rate are left out, so nothing aliases (wavetable synthesis: Horner, Beauchamp and Haken,
"Methods for Multiple Wavetable Synthesis of Musical Instrument Tones", JAES 41, 1993).
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

TABLE_SIZE = 2048
HIGHEST_SHARE = 0.45  # harmonics end at this share of the sample rate, a little below Nyquist


def hertz(note: float, *, cents: float = 0.0) -> float:
    """Frequency of a MIDI note in equal temperament, `cents` hundredths of a semitone off."""
    return float(440.0 * 2.0 ** ((note - 69.0 + cents / 100.0) / 12.0))


def length(duration_s: float, sample_rate: int) -> int:
    """Samples in a duration, at least one."""
    return max(1, round(duration_s * sample_rate))


def saw_harmonics(count: int) -> NDArray[np.float64]:
    """Amplitudes `[count]` of a sawtooth: 1/k."""
    return 1.0 / np.arange(1, count + 1)


def square_harmonics(count: int) -> NDArray[np.float64]:
    """Amplitudes `[count]` of a square wave: 1/k for odd k."""
    k = np.arange(1, count + 1)
    return np.where(k % 2 == 1, 1.0 / k, 0.0)


def formant_harmonics(
    count: int, frequency_hz: float, formants: tuple[tuple[float, float, float], ...]
) -> NDArray[np.float64]:
    """Amplitudes `[count]` of a sawtooth heard through resonances, as a voice or a wooden body.

    `formants` are (centre in Hz, width in Hz, gain); each is a bell curve over frequency.
    """
    hz = frequency_hz * np.arange(1, count + 1)
    gain = np.full(count, 0.08)
    for centre_hz, width_hz, height in formants:
        gain += height * np.exp(-0.5 * ((hz - centre_hz) / width_hz) ** 2)
    return np.asarray(saw_harmonics(count) * gain)


def harmonic_count(frequency_hz: float, sample_rate: int, limit: int = 80) -> int:
    """How many harmonics of a note fit below the sample rate's limit, at least one."""
    return int(np.clip(HIGHEST_SHARE * sample_rate / max(frequency_hz, 1.0), 1, limit))


def table(harmonics: NDArray[np.float64]) -> Samples:
    """One period `[TABLE_SIZE + 1]` of the wave with these harmonics, its peak at 1.

    The last sample repeats the first, so that interpolation needs no wrapping.
    """
    spectrum = np.zeros(TABLE_SIZE // 2 + 1, dtype=complex)
    spectrum[1 : len(harmonics) + 1] = -1j * harmonics
    period = np.fft.irfft(spectrum)
    period /= max(float(np.abs(period).max()), 1e-12)
    return np.append(period, period[0]).astype(np.float32)


def phases(
    frequency_hz: float | NDArray[np.float64], n: int, sample_rate: int, *, start: float = 0.0
) -> NDArray[np.float64]:
    """Phase in cycles `[n]` of a wave of constant frequency, or of one given per sample `[n]`."""
    if isinstance(frequency_hz, np.ndarray):
        return start + np.cumsum(frequency_hz) / sample_rate
    return start + np.arange(n, dtype=np.float64) * (frequency_hz / sample_rate)


def read(wave: Samples, phase: NDArray[np.float64]) -> Samples:
    """The wave of a `table` at phases in cycles `[n]`, linearly interpolated."""
    position = (phase % 1.0) * TABLE_SIZE
    index = position.astype(np.int32)
    rest = (position - index).astype(np.float32)
    below = wave[index]
    return below + rest * (wave[index + 1] - below)


@cache
def _saw_table(count: int) -> Samples:
    return table(saw_harmonics(count))


@cache
def _square_table(count: int) -> Samples:
    return table(square_harmonics(count))


def saw(frequency_hz: float, n: int, sample_rate: int, *, start: float = 0.0) -> Samples:
    """A sawtooth `[n]` that starts at phase `start` (cycles)."""
    wave = _saw_table(harmonic_count(frequency_hz, sample_rate))
    return read(wave, phases(frequency_hz, n, sample_rate, start=start))


def square(frequency_hz: float, n: int, sample_rate: int, *, start: float = 0.0) -> Samples:
    """A square wave `[n]` that starts at phase `start` (cycles)."""
    wave = _square_table(harmonic_count(frequency_hz, sample_rate))
    return read(wave, phases(frequency_hz, n, sample_rate, start=start))


def sine(
    frequency_hz: float | NDArray[np.float64], n: int, sample_rate: int, *, start: float = 0.0
) -> Samples:
    """A sine `[n]`; the frequency may change from sample to sample `[n]`."""
    cycles = phases(frequency_hz, n, sample_rate, start=start) % 1.0
    return np.sin((2.0 * np.pi * cycles).astype(np.float32))


def detuned_saws(
    frequency_hz: float,
    n: int,
    sample_rate: int,
    rng: np.random.Generator,
    *,
    voices: int = 3,
    spread_cents: float = 12.0,
) -> Samples:
    """Several sawtooths `[n]` a little out of tune with each other: the wide sound of pads."""
    total = np.zeros(n, dtype=np.float32)
    for cents in np.linspace(-spread_cents, spread_cents, voices):
        detuned_hz = frequency_hz * 2.0 ** (float(cents) / 1200.0)
        total += saw(detuned_hz, n, sample_rate, start=float(rng.random()))
    return total / np.float32(voices**0.5 * 1.3)


def vibrato(
    frequency_hz: float,
    n: int,
    sample_rate: int,
    *,
    rate_hz: float = 5.5,
    depth_cents: float = 20.0,
    onset_s: float = 0.35,
    start: float = 0.0,
) -> NDArray[np.float64]:
    """Frequency `[n]` of a note that begins straight and starts to sway after `onset_s`."""
    time_s = np.arange(n) / sample_rate
    depth = depth_cents * np.clip(time_s / onset_s - 0.3, 0.0, 1.0)
    sway = depth * np.sin(2.0 * np.pi * (rate_hz * time_s + start))
    return np.asarray(frequency_hz * 2.0 ** (sway / 1200.0))


def noise(n: int, rng: np.random.Generator) -> Samples:
    """White noise `[n]`, evenly spread over -1 to 1."""
    return 2.0 * rng.random(n, dtype=np.float32) - 1.0
