"""Placing sounds in time and in the room."""

import numpy as np

from genre_engine.synthesis.oscillators import Samples, length


def silence(duration_s: float, sample_rate: int, *, channels: int = 2) -> Samples:
    """An empty bus, `[n]` for one channel or `[n, channels]`."""
    n = length(duration_s, sample_rate)
    return np.zeros(n if channels == 1 else (n, channels), dtype=np.float32)


def pan(sound: Samples, position: float) -> Samples:
    """Mono `[n]` to stereo `[n, 2]`; -1 is left, 1 right, power stays equal in between."""
    angle = (position + 1.0) * np.pi / 4.0
    return sound[:, None] * np.array([np.cos(angle), np.sin(angle)], dtype=np.float32)


def place(
    bus: Samples,
    sound: Samples,
    start_s: float,
    sample_rate: int,
    *,
    gain: float = 1.0,
    position: float = 0.0,
) -> None:
    """Add a mono sound `[m]` to a bus, `[n]` or `[n, 2]`, in place; what hangs over is cut off.

    The only function here that changes what it is given: a copy for every note would cost more
    than the notes.
    """
    start = round(start_s * sample_rate)
    end = min(start + len(sound), len(bus))
    if start < 0 or start >= end:
        return
    part = np.float32(gain) * sound[: end - start]
    bus[start:end] += part if bus.ndim == 1 else pan(part, position)
