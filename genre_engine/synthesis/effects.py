"""What happens to a sound after it was played: room, echo, drive, dynamics."""

import numpy as np

from genre_engine.synthesis.envelopes import decay, times
from genre_engine.synthesis.filters import fast_size, highpass, lowpass
from genre_engine.synthesis.oscillators import Samples, length, noise


def room(
    sample_rate: int,
    rng: np.random.Generator,
    *,
    decay_s: float,
    damping_hz: float = 5000.0,
    before_s: float = 0.015,
) -> Samples:
    """The echo of a room `[n]`: noise that falls by 60 dB in `decay_s`, its highs sooner.

    Decaying noise as a room's response: Moorer, "About This Reverberation Business", Computer Music
    Journal 3(2), 1979. The energy is 1, so that every room is about as loud as what it answers.
    """
    n = length(decay_s, sample_rate)
    white = noise(n, rng)
    bright = white * decay(n, sample_rate, decay_s * 0.45)
    dark = lowpass(white, sample_rate, damping_hz * 0.5) * decay(n, sample_rate, decay_s)
    answer = highpass(lowpass(0.6 * bright + dark, sample_rate, damping_hz), sample_rate, 120.0)
    answer /= max(float(np.sqrt(np.sum(np.square(answer)))), 1e-9)
    return np.concatenate([np.zeros(length(before_s, sample_rate), dtype=np.float32), answer])


def convolve(sound: Samples, answer: Samples) -> Samples:
    """The sound `[n]` heard through a room's answer `[m]`: `[n + m - 1]`."""
    n = len(sound) + len(answer) - 1
    size = fast_size(n)
    spectrum = np.fft.rfft(sound, size) * np.fft.rfft(answer, size)
    return np.fft.irfft(spectrum, size)[:n].astype(np.float32, copy=False)


def reverb_stereo(
    sound: Samples, sample_rate: int, rng: np.random.Generator, *, decay_s: float, damping_hz: float
) -> Samples:
    """Only the room's answer to stereo sound `[n, 2]`, as long as it; each side its own room."""
    sides = [
        convolve(
            0.8 * sound[:, side] + 0.2 * sound[:, 1 - side],
            room(sample_rate, rng, decay_s=decay_s, damping_hz=damping_hz),
        )[: len(sound)]
        for side in (0, 1)
    ]
    return np.stack(sides, axis=1)


def echo(
    sound: Samples, sample_rate: int, *, time_s: float, feedback: float = 0.4, repeats: int = 4
) -> Samples:
    """Only the echoes of a sound, `[n]` or `[n, 2]`, as long as it; in stereo they change sides."""
    step = length(time_s, sample_rate)
    total = np.zeros_like(sound)
    for repeat in range(1, repeats + 1):
        shift = repeat * step
        if shift >= len(sound):
            break
        source = sound[: len(sound) - shift]
        if sound.ndim == 2 and repeat % 2 == 1:
            source = source[:, ::-1]
        total[shift:] += np.float32(feedback**repeat) * source
    return total


def drive(sound: Samples, amount: float) -> Samples:
    """Soft clipping: `amount` 0.1 only warms, 10 distorts. Full level stays full level."""
    return np.asarray(np.tanh(np.float32(amount) * sound) / np.float32(np.tanh(amount)))


def tremolo(sound: Samples, sample_rate: int, *, rate_hz: float, depth: float) -> Samples:
    """Loudness that sways `rate_hz` times a second, down to `1 - depth`."""
    sway = 0.5 - 0.5 * np.cos(2.0 * np.pi * rate_hz * times(len(sound), sample_rate))
    return np.asarray(sound * (1.0 - depth * sway).astype(np.float32))


def ducking(
    n: int, sample_rate: int, hits_s: list[float], *, depth: float, back_s: float
) -> Samples:
    """Gain `[n]` that dips at every hit and comes back: the pumping of dance music."""
    gain = np.ones(n, dtype=np.float32)
    dip_size = length(back_s, sample_rate)
    dip = 1.0 - np.float32(depth) * np.linspace(1.0, 0.0, dip_size, dtype=np.float32) ** 1.5
    for hit_s in hits_s:
        start = round(hit_s * sample_rate)
        if 0 <= start < n:
            end = min(start + dip_size, n)
            gain[start:end] = np.minimum(gain[start:end], dip[: end - start])
    return gain


def fold(sound: Samples, amount: float) -> Samples:
    """Turn over what is too loud, again and again: harsh and bell-like, never louder than 1."""
    return np.asarray(np.sin(np.float32(amount) * sound))


def limit(sound: Samples, *, peak: float = 0.9) -> Samples:
    """The loudest sample at `peak`; what stands out beyond the rest is rounded off first.

    Peaks over about four times the root mean square are pressed with a soft knee, as a mastering
    limiter does, so that one drum hit doesn't make all else quiet. Silence stays silence.
    """
    level = float(np.sqrt(np.mean(np.square(sound, dtype=np.float64))))
    if level < 1e-9:
        return sound.copy()
    ceiling = np.float32(4.0 * level)
    pressed = ceiling * np.tanh(sound / ceiling)
    return np.asarray(pressed * np.float32(peak / float(np.abs(pressed).max())))
