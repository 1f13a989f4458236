"""Music of a known tempo and key, made of harmonic tones and noise."""

import numpy as np

RATE = 22050
# Steps of the scale that the chords stand on, of one key: I IV V I vi ii V I, and in minor.
_PROGRESSIONS = {"major": (0, 3, 4, 0, 5, 1, 4, 0), "minor": (0, 3, 4, 0, 5, 3, 4, 0)}
_SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}


def tune(bpm, tonic, mode, *, duration_s=40.0, drums=True, seed=0):
    """Chords of four beats, a bass, a melody of the scale's notes, and drums on the beats.

    Args:
        tonic: 0 for C up to 11 for B.
    """
    rng = np.random.default_rng(seed)
    beat_s = 60.0 / bpm
    made = np.zeros(int(duration_s * RATE) + RATE, np.float64)
    scale = _SCALES[mode]
    for beat in range(int(duration_s / beat_s)):
        start_s = beat * beat_s
        root = _PROGRESSIONS[mode][(beat // 4) % 8]
        steps = [scale[(root + i) % 7] + 12 * ((root + i) // 7) for i in (0, 2, 4)]
        if mode == "minor" and root == 4:
            steps[1] += 1  # the leading note
        if beat % 4 == 0:
            for step in steps:
                _add(made, start_s, 4 * beat_s, 60 + tonic + step, 0.12)
            _add(made, start_s, 4 * beat_s, 36 + tonic + steps[0] % 12, 0.2)
        _add(made, start_s, 0.9 * beat_s, 72 + tonic + steps[rng.integers(3)], 0.15)
        _add(made, start_s + beat_s / 2, 0.4 * beat_s, 72 + tonic + rng.choice(scale), 0.08)
        if drums:
            hit = np.exp(-np.arange(3000) / 500) * rng.standard_normal(3000)
            at = int(start_s * RATE)
            made[at : at + 3000] += (0.3 if beat % 4 in (0, 2) else 0.2) * hit
    return (made[: int(duration_s * RATE)] / np.abs(made).max() * 0.8).astype(np.float32)


def _add(made, start_s, length_s, midi, level):
    t = np.arange(int(length_s * RATE)) / RATE
    hz = 440.0 * 2 ** ((midi - 69) / 12)
    tone = sum(np.sin(2 * np.pi * n * hz * t) / n**1.5 for n in range(1, 7) if n * hz < RATE / 2)
    tone *= np.exp(-2 * t / length_s) * np.minimum(1, t / 0.005)
    at = int(start_s * RATE)
    stretch = made[at : at + len(tone)]
    stretch += level * tone[: len(stretch)]
