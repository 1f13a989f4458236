"""Pitched instruments: one note, mono `[n]`, its peak near 1.

`hold_s` is how long the key is down; the sound goes on for its release, so `n` is longer.
"""

import numpy as np

from genre_engine.synthesis.effects import drive
from genre_engine.synthesis.envelopes import adsr, decay, soften, times
from genre_engine.synthesis.filters import bandpass, lowpass, swept_lowpass
from genre_engine.synthesis.oscillators import (
    HIGHEST_SHARE,
    Samples,
    detuned_saws,
    formant_harmonics,
    harmonic_count,
    length,
    noise,
    phases,
    read,
    saw,
    sine,
    square,
    table,
    vibrato,
)

# (centre Hz, width Hz, gain): main resonances of a violin family's body and of sung vowels, after
# Fletcher and Rossing, "The Physics of Musical Instruments", ch. 10, and Peterson and Barney, 1952.
BODY = ((280.0, 90.0, 0.7), (500.0, 140.0, 1.0), (1100.0, 400.0, 0.7), (2600.0, 700.0, 0.6))
VOWEL_AH = ((730.0, 130.0, 1.0), (1090.0, 160.0, 0.7), (2440.0, 250.0, 0.35))
BRASS = ((400.0, 200.0, 1.0), (900.0, 350.0, 0.6), (1600.0, 500.0, 0.25))
VOWEL_OO = ((320.0, 90.0, 1.0), (870.0, 120.0, 0.5), (2250.0, 250.0, 0.1))


def pad(
    frequency_hz: float,
    hold_s: float,
    sample_rate: int,
    rng: np.random.Generator,
    *,
    cutoff_hz: float = 900.0,
    attack_s: float = 1.2,
    release_s: float = 1.5,
    spread_cents: float = 12.0,
) -> Samples:
    """A soft, wide, slow chord tone: detuned saws behind a low-pass filter."""
    shape = adsr(
        hold_s, sample_rate, attack_s=attack_s, decay_s=1.0, sustain=0.8, release_s=release_s
    )
    waves = detuned_saws(frequency_hz, len(shape), sample_rate, rng, spread_cents=spread_cents)
    return lowpass(waves, sample_rate, cutoff_hz) * shape


def synth_bass(
    frequency_hz: float,
    hold_s: float,
    sample_rate: int,
    *,
    brightness: float = 6.0,
    grit: float = 1.5,
) -> Samples:
    """A bass whose filter shuts after the attack; `brightness` is how far it opens, in pitches."""
    shape = adsr(hold_s, sample_rate, attack_s=0.004, decay_s=0.12, sustain=0.75, release_s=0.05)
    n = len(shape)
    wave = 0.7 * saw(frequency_hz, n, sample_rate) + 0.6 * sine(frequency_hz, n, sample_rate)
    opening = 1.0 + brightness * np.exp(times(n, sample_rate) * np.float32(-9.0))
    cutoff_hz = np.clip(1.6 * frequency_hz * opening, 60.0, HIGHEST_SHARE * sample_rate)
    filtered = swept_lowpass(
        wave, sample_rate, cutoff_hz.astype(np.float32), resonance=1.3, stages=4
    )
    return drive(filtered, grit) * shape


def string(
    frequency_hz: float,
    hold_s: float,
    sample_rate: int,
    rng: np.random.Generator,
    *,
    brightness: float = 0.5,
    fall_s: float = 3.0,
) -> Samples:
    """A plucked string (Karplus and Strong, Computer Music Journal 7(2), 1983).

    A period of noise goes round a loop that averages neighbours. Each turn is one vector operation
    on the whole period; the loop's period is a whole number of samples, so the result is read at
    the ratio that puts it in tune. `brightness` from 0 to 1 is how hard the pick is.
    """
    turn = max(int(sample_rate / frequency_hz - 0.5), 2)
    ratio = (turn + 0.5) * frequency_hz / sample_rate
    n = length(hold_s + 0.08, sample_rate)
    turns = int(np.ceil(n * ratio / turn)) + 2
    keep = np.float32(10.0 ** (-3.0 * turn / sample_rate / fall_s))
    period = noise(turn, rng)
    smooth = 1.0 - brightness
    for _ in range(3):
        period = (1.0 - smooth / 2) * period + (smooth / 2) * np.roll(period, 1)
    period = (period - period.mean()).astype(np.float32)
    loop = np.empty((turns, turn), dtype=np.float32)
    loop[0] = period
    for row in range(1, turns):
        before = loop[row - 1]
        loop[row, 1:] = before[1:] + before[:-1]
        loop[row, 0] = before[0] + loop[row - 2, -1] if row > 1 else before[0]
        loop[row] *= 0.5 * keep
    flat = loop.ravel()
    sound = np.interp(np.arange(n) * ratio, np.arange(len(flat)), flat).astype(np.float32)
    sound /= np.float32(max(float(np.abs(sound).max()), 1e-9))
    return soften(sound, sample_rate, attack_s=0.001, end_s=0.07)


def electric_guitar(
    frequency_hz: float,
    hold_s: float,
    sample_rate: int,
    rng: np.random.Generator,
    *,
    gain: float = 8.0,
) -> Samples:
    """A power chord (root, fifth, octave) of plucked strings through an overdriven amplifier."""
    strings = sum(
        (
            string(frequency_hz * interval, hold_s, sample_rate, rng, brightness=0.8, fall_s=5.0)
            for interval in (1.0, 1.4983, 2.0)
        ),
        start=np.zeros(length(hold_s + 0.08, sample_rate), dtype=np.float32),
    )
    return amplifier(strings * 0.5, sample_rate, gain=gain)


def amplifier(sound: Samples, sample_rate: int, *, gain: float) -> Samples:
    """An overdriven amplifier and its loudspeaker, for plucked strings `[n]`."""
    # The cone of a guitar loudspeaker gives up above 4 kHz; without it distortion only fizzes.
    cabinet = lowpass(drive(sound, gain), sample_rate, 4000.0, steps=2)
    return soften(cabinet + 0.4 * bandpass(cabinet, sample_rate, 1800.0, quality=1.0), sample_rate)


def piano(
    frequency_hz: float,
    hold_s: float,
    sample_rate: int,
    rng: np.random.Generator,
    *,
    hardness: float = 0.5,
) -> Samples:
    """A struck string: stiff, so its partials are stretched, and higher ones die away sooner.

    Partial k lies at k·f·√(1 + B·k²) (Fletcher, Blackham and Stratton, JASA 34, 1962). Each note
    has two strings a hair apart, whose beating makes the long tail alive.
    """
    damper = adsr(hold_s, sample_rate, attack_s=0.002, decay_s=0.01, sustain=1.0, release_s=0.35)
    n = len(damper)
    stiffness = 0.0004 * (frequency_hz / 262.0) ** 1.2
    k = np.arange(1, 25)
    partial_hz = k * frequency_hz * np.sqrt(1.0 + stiffness * k**2)
    kept = partial_hz < HIGHEST_SHARE * sample_rate
    total = np.zeros(n, dtype=np.float32)
    slowest_s = 9.0 * (262.0 / frequency_hz) ** 0.6
    for order, hz in zip(k[kept], partial_hz[kept], strict=True):
        # A hammer at an eighth of the string leaves out every eighth partial.
        level = abs(np.sin(np.pi * order / 8.0)) * float(order) ** (-2.0 + 1.1 * hardness)
        pair = sine(float(hz), n, sample_rate, start=float(rng.random()))
        if order <= 6:
            pair = pair + 0.7 * sine(float(hz) * 1.0006, n, sample_rate, start=float(rng.random()))
        total += np.float32(level) * pair * decay(n, sample_rate, slowest_s / (1.0 + 0.35 * order))
    knock = lowpass(noise(n, rng), sample_rate, 500.0) * decay(n, sample_rate, 0.06)
    total = total / np.float32(max(float(np.abs(total).max()), 1e-9)) + np.float32(0.15) * knock
    return total * damper


def electric_piano(
    frequency_hz: float, hold_s: float, sample_rate: int, *, bite: float = 1.2
) -> Samples:
    """A tine piano by frequency modulation (Chowning, JAES 21, 1973), with the tine at 14 times."""
    shape = adsr(hold_s, sample_rate, attack_s=0.003, decay_s=1.8, sustain=0.25, release_s=0.25)
    n = len(shape)
    cycles = phases(frequency_hz, n, sample_rate)
    tine_hz = min(14.0 * frequency_hz, 0.3 * sample_rate)
    tine = sine(tine_hz, n, sample_rate) * decay(n, sample_rate, 0.35)
    body = sine(frequency_hz, n, sample_rate) * decay(n, sample_rate, 2.5)
    bend = np.float32(bite) * body + np.float32(0.25 * bite) * tine
    turned = np.sin((2.0 * np.pi * (cycles % 1.0)).astype(np.float32) + bend)
    return turned * shape


def bell(frequency_hz: float, hold_s: float, sample_rate: int, *, glass: float = 2.5) -> Samples:
    """A bell by frequency modulation with an inharmonic ratio (Chowning 1973); rings `hold_s`."""
    n = length(hold_s, sample_rate)
    bend = np.float32(glass) * decay(n, sample_rate, hold_s * 0.5)
    modulator = sine(min(frequency_hz * 3.51, HIGHEST_SHARE * sample_rate), n, sample_rate)
    cycles = phases(frequency_hz, n, sample_rate)
    ringing = np.sin((2.0 * np.pi * (cycles % 1.0)).astype(np.float32) + bend * modulator)
    return soften(ringing * decay(n, sample_rate, hold_s), sample_rate, attack_s=0.004)


def organ(
    frequency_hz: float,
    hold_s: float,
    sample_rate: int,
    *,
    drawbars: tuple[float, ...] = (1.0, 0.8, 0.5, 0.4, 0.0, 0.25, 0.0, 0.2),
) -> Samples:
    """A drawbar organ: harmonics 1, 2, 3, … at fixed levels while the key is held."""
    shape = adsr(hold_s, sample_rate, attack_s=0.012, decay_s=0.01, sustain=1.0, release_s=0.06)
    count = min(harmonic_count(frequency_hz, sample_rate), len(drawbars))
    wave = table(np.array(drawbars[:count]))
    return read(wave, phases(frequency_hz, len(shape), sample_rate)) * shape


def bowed(
    frequency_hz: float,
    hold_s: float,
    sample_rate: int,
    rng: np.random.Generator,
    *,
    players: int = 1,
    attack_s: float = 0.12,
    formants: tuple[tuple[float, float, float], ...] = BODY,
    air: float = 0.03,
    depth_cents: float = 18.0,
) -> Samples:
    """Bowed strings, or with vowels for `formants` a choir: a saw through resonances, with vibrato.

    A bowed string moves as a sawtooth (Helmholtz 1863). Each player has a tuning, a vibrato and a
    phase of their own; `air` is the noise of the bow or the breath.
    """
    shape = adsr(hold_s, sample_rate, attack_s=attack_s, decay_s=0.3, sustain=0.85, release_s=0.22)
    n = len(shape)
    count = harmonic_count(frequency_hz, sample_rate)
    wave = table(formant_harmonics(count, frequency_hz, formants))
    total = np.zeros(n, dtype=np.float32)
    for _ in range(players):
        off = 1.0 + 0.003 * (rng.random() - 0.5) * min(players - 1, 2)
        sway = vibrato(
            frequency_hz * off,
            n,
            sample_rate,
            rate_hz=5.0 + rng.random(),
            depth_cents=depth_cents,
            start=rng.random(),
        )
        total += read(wave, phases(sway, n, sample_rate, start=rng.random()))
    breath = bandpass(noise(n, rng), sample_rate, min(3.0 * frequency_hz, 5000.0), quality=0.8)
    return (total / np.float32(players**0.6) + np.float32(air * 3.0) * breath) * shape


def flute(
    frequency_hz: float,
    hold_s: float,
    sample_rate: int,
    rng: np.random.Generator,
    *,
    air: float = 0.1,
) -> Samples:
    """A flute-like lead: few harmonics, breath, vibrato."""
    shape = adsr(hold_s, sample_rate, attack_s=0.07, decay_s=0.2, sustain=0.85, release_s=0.15)
    n = len(shape)
    wave = table(
        np.array([1.0, 0.35, 0.18, 0.06, 0.03])[: harmonic_count(frequency_hz, sample_rate)]
    )
    sway = vibrato(frequency_hz, n, sample_rate, rate_hz=5.2, depth_cents=14.0, start=rng.random())
    breath = bandpass(noise(n, rng), sample_rate, 2.0 * frequency_hz, quality=1.5)
    return (read(wave, phases(sway, n, sample_rate)) + np.float32(air) * breath) * shape


def synth_lead(
    frequency_hz: float,
    hold_s: float,
    sample_rate: int,
    *,
    hollow: float = 0.5,
    cutoff_hz: float = 3000.0,
    attack_s: float = 0.008,
) -> Samples:
    """A lead between sawtooth (`hollow` 0) and square (1), with a filter and a short release."""
    shape = adsr(hold_s, sample_rate, attack_s=attack_s, decay_s=0.15, sustain=0.7, release_s=0.08)
    n = len(shape)
    wave = (1.0 - hollow) * saw(frequency_hz, n, sample_rate) + hollow * square(
        frequency_hz, n, sample_rate
    )
    return lowpass(wave.astype(np.float32), sample_rate, cutoff_hz, resonance=1.1) * shape
