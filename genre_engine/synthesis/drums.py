"""Drum sounds, each mono `[n]` with its peak near 1.

Recipes after the analogue drum machines: a sine that falls in pitch for skins, filtered noise for
wires and metal (Gordon Reid, "Synth Secrets" 31 to 41, Sound on Sound 2002).
"""

import numpy as np

from genre_engine.synthesis.envelopes import decay, soften, times
from genre_engine.synthesis.filters import bandpass, highpass, lowpass
from genre_engine.synthesis.oscillators import Samples, length, noise, sine, square


def _full(sound: Samples) -> Samples:
    return np.asarray(sound / np.float32(max(float(np.abs(sound).max()), 1e-9)))


def kick(
    sample_rate: int, *, pitch_hz: float = 48.0, punch: float = 4.0, length_s: float = 0.35
) -> Samples:
    """A bass drum: a sine that drops from `punch` octaves-worth above to `pitch_hz`."""
    n = length(length_s, sample_rate)
    fall = np.exp(times(n, sample_rate) * np.float32(-38.0))
    body = sine((pitch_hz * (1.0 + punch * fall)).astype(np.float64), n, sample_rate)
    return soften(np.tanh(1.6 * body * decay(n, sample_rate, length_s * 1.1)), sample_rate)


def snare(
    sample_rate: int,
    rng: np.random.Generator,
    *,
    pitch_hz: float = 190.0,
    wires: float = 0.8,
    length_s: float = 0.25,
) -> Samples:
    """A snare drum: two modes of the skin and the hiss of the wires."""
    n = length(length_s, sample_rate)
    skin = sine(pitch_hz, n, sample_rate) + 0.6 * sine(pitch_hz * 1.59, n, sample_rate)
    hiss = highpass(noise(n, rng), sample_rate, 1500.0)
    sound = skin * decay(n, sample_rate, 0.12) * 0.6
    sound += np.float32(wires) * hiss * decay(n, sample_rate, length_s)
    return soften(_full(sound), sample_rate, attack_s=0.0005)


def clap(sample_rate: int, rng: np.random.Generator, *, length_s: float = 0.3) -> Samples:
    """Several hands that miss each other by hundredths of a second."""
    n = length(length_s, sample_rate)
    hands = np.zeros(n, dtype=np.float32)
    for start_s, level, fall_s in ((0.0, 0.8, 0.03), (0.011, 0.7, 0.03), (0.023, 1.0, length_s)):
        start = round(start_s * sample_rate)
        hands[start:] += np.float32(level) * decay(n - start, sample_rate, fall_s)
    return soften(
        _full(bandpass(noise(n, rng), sample_rate, 1400.0, quality=1.2) * hands), sample_rate
    )


def hat(
    sample_rate: int, rng: np.random.Generator, *, length_s: float = 0.06, colour_hz: float = 7000.0
) -> Samples:
    """A hi-hat: closed at 0.06 s, open at 0.3 s; inharmonic squares and noise, only the highs."""
    n = length(length_s, sample_rate)
    metal = sum(
        (square(hz, n, sample_rate, start=float(rng.random())) for hz in (2093.0, 3137.0, 4421.0)),
        start=np.zeros(n, dtype=np.float32),
    )
    highs = highpass(0.25 * metal + noise(n, rng), sample_rate, min(colour_hz, sample_rate * 0.35))
    return soften(_full(highs * decay(n, sample_rate, length_s)), sample_rate, attack_s=0.0005)


def shaker(sample_rate: int, rng: np.random.Generator, *, length_s: float = 0.11) -> Samples:
    """Seeds that swell and fall: softer than a hat."""
    n = length(length_s, sample_rate)
    swell = np.sin(np.linspace(0.0, np.pi, n, dtype=np.float32)) ** 2
    return _full(bandpass(noise(n, rng), sample_rate, 5500.0, quality=1.0) * swell)


def tom(sample_rate: int, *, pitch_hz: float = 110.0, length_s: float = 0.45) -> Samples:
    """A tom, or with a low pitch and a long tail a big cinema drum."""
    n = length(length_s, sample_rate)
    bend = 1.0 + 0.5 * np.exp(times(n, sample_rate) * np.float32(-18.0))
    body = sine((pitch_hz * bend).astype(np.float64), n, sample_rate)
    body += 0.4 * sine((1.6 * pitch_hz * bend).astype(np.float64), n, sample_rate)
    return soften(_full(body * decay(n, sample_rate, length_s)), sample_rate)


def cymbal(sample_rate: int, rng: np.random.Generator, *, length_s: float = 1.6) -> Samples:
    """A crash: bright noise with a long tail."""
    n = length(length_s, sample_rate)
    wash = highpass(noise(n, rng), sample_rate, 3500.0) * decay(n, sample_rate, length_s)
    return soften(_full(wash), sample_rate, attack_s=0.001)


def swell(sample_rate: int, rng: np.random.Generator, *, length_s: float = 2.0) -> Samples:
    """Noise that grows until it stops: what leads into the next part."""
    n = length(length_s, sample_rate)
    rise = np.linspace(0.0, 1.0, n, dtype=np.float32)
    dark = lowpass(noise(n, rng), sample_rate, 900.0)
    bright = highpass(noise(n, rng), sample_rate, 1500.0)
    return soften(_full((dark * (1.0 - rise) + bright * rise) * rise**2), sample_rate, end_s=0.03)
