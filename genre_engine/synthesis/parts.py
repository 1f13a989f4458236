"""What each player of a band plays: drum patterns, bass lines, chord figures, leads, textures.

Patterns are written on a grid of sixteenth notes, sixteen to a bar of four; a bar of three uses the
first twelve. `VOICES` says which instrument a name in a `Score` stands for.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from genre_engine.synthesis import drums, effects, voices
from genre_engine.synthesis.envelopes import adsr, decay, soften
from genre_engine.synthesis.oscillators import Samples, length, sine

Generator = np.random.Generator


@dataclass(frozen=True)
class Hit:
    """A drum on some steps: how loud, and how often it is really played."""

    sound: str
    steps: tuple[int, ...]
    gain: float
    chance: float = 1.0


EIGHTHS = tuple(range(0, 16, 2))
SIXTEENTHS = tuple(range(16))

KITS: dict[str, tuple[Hit, ...]] = {
    "none": (),
    "four_floor": (
        Hit("kick", (0, 4, 8, 12), 1.0),
        Hit("clap", (4, 12), 0.5),
        Hit("open_hat", (2, 6, 10, 14), 0.3),
        Hit("hat", SIXTEENTHS, 0.15, 0.8),
    ),
    "breakbeat": (
        Hit("kick", (0, 7, 10), 1.0),
        Hit("snare", (4, 12), 0.8),
        Hit("snare", (9, 15), 0.3, 0.5),
        Hit("hat", EIGHTHS, 0.3),
    ),
    "downbeat": (
        Hit("soft_kick", (0, 7, 10), 0.9, 0.85),
        Hit("rim", (4, 12), 0.5),
        Hit("hat", EIGHTHS, 0.12, 0.8),
    ),
    "pop": (
        Hit("kick", (0, 6, 8), 0.9),
        Hit("clap", (4, 12), 0.6),
        Hit("snare", (4, 12), 0.4),
        Hit("shaker", SIXTEENTHS, 0.15),
    ),
    "rock": (
        Hit("kick", (0, 8, 10), 0.95),
        Hit("kick", (3, 14), 0.8, 0.3),
        Hit("snare", (4, 12), 0.95),
        Hit("open_hat", EIGHTHS, 0.22),
        Hit("cymbal", (0,), 0.3, 0.5),
    ),
    "tribal": (
        Hit("tom", (0, 3, 6, 10), 0.6),
        Hit("low_tom", (8, 14), 0.7),
        Hit("snare", (4, 12), 0.5, 0.7),
        Hit("shaker", EIGHTHS, 0.15),
    ),
    "bossa": (
        Hit("soft_kick", (0, 6, 8, 14), 0.5),
        Hit("rim", (0, 3, 6, 10, 12), 0.25, 0.9),
        Hit("shaker", EIGHTHS, 0.18),
    ),
    "soft": (Hit("soft_kick", (0, 8), 0.5), Hit("shaker", (4, 12), 0.3), Hit("rim", (12,), 0.2)),
    "cinema": (
        Hit("low_tom", (0, 8), 0.9),
        Hit("low_tom", (3, 6, 11, 14), 0.5, 0.6),
        Hit("tom", (12, 13, 14, 15), 0.35, 0.4),
        Hit("cymbal", (0,), 0.2, 0.3),
    ),
    "glitch": (
        Hit("kick", SIXTEENTHS, 0.7, 0.12),
        Hit("snare", SIXTEENTHS, 0.5, 0.10),
        Hit("hat", SIXTEENTHS, 0.4, 0.25),
        Hit("tom", SIXTEENTHS, 0.4, 0.08),
    ),
}


def drum(name: str, sample_rate: int, rng: Generator) -> Samples:
    """One drum sound, tuned a little differently every time it is built."""
    off = 0.85 + 0.3 * float(rng.random())
    match name:
        case "kick":
            return drums.kick(sample_rate, pitch_hz=48.0 * off)
        case "soft_kick":
            return drums.kick(sample_rate, pitch_hz=55.0 * off, punch=2.0, length_s=0.25)
        case "snare":
            return drums.snare(sample_rate, rng, pitch_hz=190.0 * off)
        case "rim":
            return drums.snare(sample_rate, rng, pitch_hz=420.0 * off, wires=0.3, length_s=0.06)
        case "clap":
            return drums.clap(sample_rate, rng)
        case "hat":
            return drums.hat(sample_rate, rng)
        case "open_hat":
            return drums.hat(sample_rate, rng, length_s=0.2, colour_hz=6000.0)
        case "shaker":
            return drums.shaker(sample_rate, rng)
        case "tom":
            return drums.tom(sample_rate, pitch_hz=120.0 * off)
        case "low_tom":
            return drums.tom(sample_rate, pitch_hz=58.0 * off, length_s=0.9)
        case _:
            return drums.cymbal(sample_rate, rng)


@dataclass(frozen=True)
class Figure:
    """How chords are broken up in time: steps in a bar, the share of a step gap that is held."""

    voice: str
    steps: tuple[int, ...]
    hold: float
    gain: float
    notes: int = 3
    octave: int = 1
    one_by_one: bool = False  # a note a step instead of the chord
    spread_s: float = 0.0  # time between a chord's notes: a strum


CHORDS: dict[str, Figure] = {
    "pad": Figure("pad", (0,), 1.0, 0.5, notes=4),
    "choir": Figure("choir", (0,), 0.95, 0.5),
    "strings": Figure("section", (0, 8), 0.98, 0.5, notes=4),
    "quartet": Figure("violin", (0, 6, 8, 12), 0.9, 0.4),
    "broken": Figure("piano", EIGHTHS, 2.0, 0.6, notes=4, one_by_one=True),
    "piano": Figure("piano", (0, 4, 8, 12), 0.9, 0.45),
    "epiano": Figure("epiano", (0, 6, 10), 0.9, 0.35, notes=4),
    "organ": Figure("organ", (0, 8), 0.95, 0.3),
    "nylon": Figure("nylon", EIGHTHS, 2.0, 0.6, notes=4, one_by_one=True),
    "strum": Figure("steel", (0, 4, 6, 10, 12, 14), 1.0, 0.4, notes=4, spread_s=0.012),
    "jangle": Figure("jangle", EIGHTHS, 2.5, 0.6, notes=4, one_by_one=True),
    "power": Figure("power", EIGHTHS, 0.9, 0.8, notes=1, octave=0),
    "stabs": Figure("stab", (3, 6, 11, 14), 0.4, 0.35, notes=4),
    "synthpop": Figure("stab", EIGHTHS, 0.8, 0.3),
    "cluster": Figure("metal", (0, 5, 11), 1.5, 0.4, notes=4),
}


@dataclass(frozen=True)
class Line:
    """How a melody or a bass goes: where notes may start, how likely, how long they are held."""

    voice: str
    steps: tuple[int, ...]
    chance: float
    hold: float  # in sixteenths
    gain: float
    octave: int
    leap: int = 2  # the widest step, in degrees of the scale
    chord_tones: bool = False


BASSES: dict[str, Line] = {
    "offbeat": Line("synth_bass", (2, 6, 10, 14), 1.0, 1.2, 0.7, 0, leap=0),
    "pulse": Line("synth_bass", EIGHTHS, 0.95, 1.5, 0.6, 0, leap=0),
    "picked": Line("pick_bass", EIGHTHS, 0.9, 1.9, 0.9, 0, leap=0),
    "walking": Line("pick_bass", (0, 4, 8, 12), 1.0, 3.6, 0.9, 0),
    "sub": Line("sub", (0,), 1.0, 14.0, 0.6, 0, leap=0),
    "bowed": Line("cello", (0, 8), 1.0, 7.5, 0.6, 0, leap=0),
}
LEADS: dict[str, Line] = {
    "arpeggio": Line("pluck", SIXTEENTHS, 0.9, 0.7, 0.3, 2, chord_tones=True),
    "synth": Line("lead", (0, 3, 6, 8, 11, 14), 0.7, 2.5, 0.35, 2),
    "voice": Line("voice", (0, 2, 4, 6, 8, 10, 12), 0.65, 2.6, 0.6, 1),
    "horn": Line("horn", (0, 6, 8, 12), 0.7, 6.0, 0.5, 1, leap=3),
    "violin": Line("violin", (0, 4, 6, 8, 12, 14), 0.8, 3.5, 0.5, 2),
    "flute": Line("flute", (0, 4, 6, 8, 10, 12), 0.7, 3.0, 0.4, 2),
    "bell": Line("bell", (0, 6, 12), 0.5, 14.0, 0.3, 2, leap=4),
    "vibes": Line("vibes", (0, 3, 6, 8, 10, 14), 0.6, 6.0, 0.35, 2),
    "piano": Line("piano", EIGHTHS, 0.8, 3.0, 0.5, 2, leap=3),
    "guitar": Line("solo_guitar", (0, 3, 4, 6, 8, 10, 12, 14), 0.7, 2.4, 0.5, 2),
    "organ": Line("organ", (0, 4, 6, 8, 12), 0.7, 3.0, 0.3, 2),
    "blips": Line("blip", SIXTEENTHS, 0.4, 0.6, 0.35, 3, leap=7),
    "folded": Line("folded", (0, 3, 7, 9, 13), 0.5, 4.0, 0.35, 1, leap=6),
}

Voice = Callable[[float, float, int, Generator, float], Samples]


def _blip(hz: float, hold_s: float, sample_rate: int, rng: Generator, _: float) -> Samples:
    n = length(hold_s + 0.02, sample_rate)
    glide = hz * (1.0 + (rng.random() - 0.5) * np.linspace(0.0, 1.0, n))
    return soften(sine(glide, n, sample_rate) * decay(n, sample_rate, 0.3), sample_rate)


def _sub(hz: float, hold_s: float, sample_rate: int, _rng: Generator, _: float) -> Samples:
    shape = adsr(hold_s, sample_rate, attack_s=0.1, release_s=0.3)
    return sine(hz, len(shape), sample_rate) * shape


def _folded(hz: float, hold_s: float, sample_rate: int, rng: Generator, _: float) -> Samples:
    shape = adsr(hold_s, sample_rate, attack_s=0.2, decay_s=0.2, sustain=0.6, release_s=0.2)
    wave = sine(hz, len(shape), sample_rate) + 0.6 * sine(hz * 1.414, len(shape), sample_rate)
    return effects.fold(wave * shape, 3.0 + 4.0 * float(rng.random())) * shape


def _solo_guitar(hz: float, hold_s: float, sample_rate: int, rng: Generator, _: float) -> Samples:
    plucked = voices.string(hz, hold_s, sample_rate, rng, brightness=0.7, fall_s=6.0)
    return voices.amplifier(plucked, sample_rate, gain=10.0)


# (frequency Hz, held seconds, sample rate, generator, detuning in cents) → mono samples
VOICES: dict[str, Voice] = {
    "pad": lambda hz, s, sr, rng, cents: voices.pad(
        hz, s, sr, rng, attack_s=0.5 * s, release_s=1.2, spread_cents=cents
    ),
    "choir": lambda hz, s, sr, rng, _: voices.bowed(
        hz, s, sr, rng, players=3, attack_s=0.4, formants=voices.VOWEL_AH, air=0.05
    ),
    "section": lambda hz, s, sr, rng, _: voices.bowed(hz, s, sr, rng, players=3, attack_s=0.25),
    "violin": lambda hz, s, sr, rng, _: voices.bowed(hz, s, sr, rng, attack_s=0.08),
    "cello": lambda hz, s, sr, rng, _: voices.bowed(hz, s, sr, rng, attack_s=0.15),
    "horn": lambda hz, s, sr, rng, _: voices.bowed(
        hz, s, sr, rng, players=2, attack_s=0.12, formants=voices.BRASS, air=0.01, depth_cents=6.0
    ),
    "voice": lambda hz, s, sr, rng, _: voices.bowed(
        hz, s, sr, rng, attack_s=0.06, air=0.06, depth_cents=35.0,
        formants=voices.VOWEL_AH if rng.random() < 0.6 else voices.VOWEL_OO,
    ),
    "piano": lambda hz, s, sr, rng, _: voices.piano(hz, s, sr, rng),
    "epiano": lambda hz, s, sr, _rng, _: voices.electric_piano(hz, s, sr),
    "organ": lambda hz, s, sr, _rng, _: voices.organ(hz, s, sr),
    "nylon": lambda hz, s, sr, rng, _: voices.string(hz, s, sr, rng, brightness=0.15, fall_s=2.0),
    "steel": lambda hz, s, sr, rng, _: voices.string(hz, s, sr, rng, brightness=0.7),
    "jangle": lambda hz, s, sr, rng, _: effects.drive(
        voices.string(hz, s, sr, rng, brightness=0.9, fall_s=4.0), 2.5
    ),
    "power": lambda hz, s, sr, rng, _: voices.electric_guitar(hz, s, sr, rng),
    "solo_guitar": _solo_guitar,
    "stab": lambda hz, s, sr, _rng, _: voices.synth_lead(hz, s, sr, hollow=0.2, cutoff_hz=2200.0),
    "lead": lambda hz, s, sr, _rng, _: voices.synth_lead(hz, s, sr, attack_s=0.02),
    "pluck": lambda hz, s, sr, _rng, _: voices.synth_lead(hz, s, sr, hollow=0.8, cutoff_hz=2600.0),
    "metal": lambda hz, s, sr, _rng, _: voices.bell(hz, s, sr, glass=6.0),
    "bell": lambda hz, s, sr, _rng, _: voices.bell(hz, s, sr, glass=1.2),
    "vibes": lambda hz, s, sr, _rng, _: effects.tremolo(
        voices.bell(hz, s, sr, glass=0.4), sr, rate_hz=5.0, depth=0.5
    ),
    "flute": lambda hz, s, sr, rng, _: voices.flute(hz, s, sr, rng),
    "synth_bass": lambda hz, s, sr, _rng, _: voices.synth_bass(hz, s, sr),
    "pick_bass": lambda hz, s, sr, rng, _: effects.drive(
        voices.string(hz, s, sr, rng, brightness=0.35, fall_s=2.5), 1.5
    ),
    "sub": _sub,
    "blip": _blip,
    "folded": _folded,
}  # fmt: skip
