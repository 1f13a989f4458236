"""How loud a sound is from moment to moment: arrays `[n]` from 0 to 1."""

import numpy as np
from numpy.typing import NDArray

from genre_engine.synthesis.oscillators import Samples, length


def times(n: int, sample_rate: int) -> Samples:
    """The time of each sample `[n]`, in seconds."""
    return np.arange(n, dtype=np.float32) / np.float32(sample_rate)


def decay(n: int, sample_rate: int, fall_s: float) -> Samples:
    """From 1 down by 60 dB in every `fall_s`, as a string or a drum that was struck."""
    return np.asarray(np.exp(times(n, sample_rate) * np.float32(-6.9078 / fall_s)))


def adsr(
    hold_s: float,
    sample_rate: int,
    *,
    attack_s: float = 0.01,
    decay_s: float = 0.1,
    sustain: float = 0.7,
    release_s: float = 0.1,
) -> Samples:
    """Attack, decay, sustain while the key is held, release after it `[hold_s + release_s]`.

    The straight segments are joined at whatever level the key's release finds.
    """
    hold, release = length(hold_s, sample_rate), length(release_s, sample_rate)
    time_s = times(hold, sample_rate)
    held = np.interp(
        time_s, [0.0, attack_s, attack_s + max(decay_s, 1e-4)], [0.0, 1.0, sustain]
    ).astype(np.float32)
    falling = np.linspace(1.0, 0.0, release, dtype=np.float32) ** 2
    return np.concatenate([held, held[-1] * falling])


def soften(
    sound: Samples, sample_rate: int, *, attack_s: float = 0.002, end_s: float = 0.01
) -> Samples:
    """The sound without the clicks that a sudden begin and end would make; `[n]` or `[n, 2]`."""
    shaped = sound.copy()
    rise = min(length(attack_s, sample_rate), len(shaped))
    fall = min(length(end_s, sample_rate), len(shaped))
    shaped[:rise] *= _column(_half_cosine(rise), shaped)
    shaped[len(shaped) - fall :] *= _column(_half_cosine(fall)[::-1], shaped)
    return shaped


def _half_cosine(n: int) -> Samples:
    return (0.5 - 0.5 * np.cos(np.linspace(0.0, np.pi, n))).astype(np.float32)


def _column(envelope: NDArray[np.float32], sound: Samples) -> Samples:
    return envelope if sound.ndim == 1 else envelope[:, None]
