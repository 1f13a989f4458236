"""What ten genres tend to do, and how a track is composed from one to three of them.

A `Style` gives ranges and weighted choices; `compose` draws a `Score` from the styles of a track's
genres and from the habits of the artist. A score is only names and numbers: `arrange` plays it.
The styles overlap on purpose, as real genres do: pads are ambient, but chillout and soundtrack too.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

Choices = Mapping[str, int]  # name → weight
Span = tuple[float, float]
Bands = tuple[float, ...]  # one level in dB for each of BANDS_HZ

BANDS_HZ = (80.0, 300.0, 1000.0, 3000.0, 8000.0)

# Each is drawn separately; in a track of several genres they are dealt out among the genres.
SLOTS = ("drums", "bass", "chords", "lead", "texture", "mode")
HABIT_SHARE = 0.6  # how often artists do what they always do
STRAY_SHARE = 0.02  # how often something comes from a genre that the track isn't labelled with


@dataclass(frozen=True)
class Style:
    """One genre: spans (low, high) and weighted choices. Tempo in beats a minute."""

    tempo_bpm: Span
    drums: Choices
    bass: Choices
    chords: Choices
    lead: Choices
    texture: Choices
    mode: Choices
    signature: tuple[str, ...]  # the slots that give the genre away, the clearest first
    waltz: float  # share of tracks in three
    eq_db: Bands  # how it is mastered
    wet: Span  # share of reverberation
    room_s: Span
    drive: Span
    level: Span  # loudness aimed at, root mean square
    pump: float = 0.0  # depth of ducking under the bass drum
    swing: float = 0.0


@dataclass(frozen=True)
class Habits:
    """An artist's own sound, whatever the genre."""

    choices: Mapping[str, float]  # slot → where in the weighted list they tend to choose, 0 to 1
    tuning_cents: float
    tempo_factor: float
    key: int  # semitones above C that they like to play in
    eq_db: Bands
    colour_hz: float  # an equaliser's bell that their recordings share
    colour_db: float
    wet: float
    noise_floor: float
    spread_cents: float


@dataclass(frozen=True)
class Score:
    """Everything that makes one track: names and numbers."""

    tempo_bpm: float
    beats_per_bar: int
    root: int
    mode: str
    progression: tuple[int, ...]
    drums: str
    bass: str
    chords: str
    lead: str
    texture: str
    eq_db: Bands
    wet: float
    room_s: float
    drive: float
    level: float
    pump: float
    swing: float
    tuning_cents: float
    colour_hz: float
    colour_db: float
    noise_floor: float
    spread_cents: float


STYLES: dict[str, Style] = {
    "electronic": Style(
        tempo_bpm=(118, 138),
        drums={"four_floor": 8, "breakbeat": 2, "glitch": 1},
        bass={"offbeat": 5, "pulse": 4, "sub": 1},
        chords={"stabs": 6, "pad": 2, "none": 1},
        lead={"arpeggio": 6, "synth": 3, "none": 1},
        texture={"none": 3, "riser": 2, "blips": 1},
        mode={"minor": 6, "dorian": 2, "drone": 1},
        signature=("drums", "lead", "bass"),
        waltz=0.0, eq_db=(5.0, -6.5, -5.0, 2.5, 8.0),
        wet=(0.05, 0.15), room_s=(0.4, 1.2), drive=(0.6, 1.6),
        level=(0.20, 0.26), pump=0.6,
    ),
    "soundtrack": Style(
        tempo_bpm=(66, 100),
        drums={"cinema": 7, "none": 3},
        bass={"bowed": 5, "sub": 3, "none": 1},
        chords={"strings": 6, "choir": 3, "pad": 1},
        lead={"horn": 4, "violin": 2, "bell": 2, "none": 1},
        texture={"riser": 4, "drone": 2, "none": 2},
        mode={"minor": 5, "lydian": 2, "phrygian": 2},
        signature=("chords", "drums", "lead"),
        waltz=0.2, eq_db=(8.0, 4.0, -1.5, -8.0, -9.0),
        wet=(0.35, 0.5), room_s=(2.2, 3.5), drive=(0.1, 0.5),
        level=(0.12, 0.20),
    ),
    "ambient": Style(
        tempo_bpm=(50, 76),
        drums={"none": 9, "soft": 1},
        bass={"sub": 4, "none": 5},
        chords={"pad": 8, "choir": 2},
        lead={"none": 5, "bell": 4, "flute": 1},
        texture={"air": 6, "drone": 4},
        mode={"lydian": 3, "drone": 3, "major": 2, "minor": 2},
        signature=("texture", "chords", "drums"),
        waltz=0.1, eq_db=(4.0, 5.0, -5.0, -10.5, -15.5),
        wet=(0.5, 0.7), room_s=(3.0, 4.5), drive=(0.1, 0.2),
        level=(0.06, 0.11),
    ),
    "pop": Style(
        tempo_bpm=(98, 124),
        drums={"pop": 8, "four_floor": 2},
        bass={"pulse": 3, "picked": 5, "offbeat": 1},
        chords={"piano": 4, "strum": 3, "stabs": 2, "synthpop": 2},
        lead={"voice": 9, "synth": 1},
        texture={"none": 6, "riser": 1},
        mode={"major": 8, "minor": 2},
        signature=("lead", "chords", "drums"),
        waltz=0.0, eq_db=(-2.5, -5.0, 1.5, 8.0, 5.0),
        wet=(0.1, 0.2), room_s=(0.6, 1.4), drive=(0.5, 1.2),
        level=(0.17, 0.23), pump=0.15,
    ),
    "experimental": Style(
        tempo_bpm=(60, 160),
        drums={"glitch": 6, "none": 4},
        bass={"none": 6, "sub": 2, "pulse": 1},
        chords={"cluster": 8, "none": 3},
        lead={"blips": 6, "folded": 4, "none": 1},
        texture={"metal": 8, "crackle": 2},
        mode={"whole": 4, "octatonic": 5, "phrygian": 1},
        signature=("texture", "lead", "chords"),
        waltz=0.3, eq_db=(-10.5, -4.0, 4.0, 2.5, 11.5),
        wet=(0.1, 0.5), room_s=(0.3, 3.0), drive=(0.8, 3.0),
        level=(0.07, 0.18),
    ),
    "classical": Style(
        tempo_bpm=(62, 108),
        drums={"none": 1},
        bass={"bowed": 4, "none": 4},
        chords={"quartet": 4, "broken": 4, "strings": 2},
        lead={"violin": 5, "piano": 4, "flute": 2},
        texture={"none": 1},
        mode={"major": 4, "minor": 5},
        signature=("lead", "chords", "drums"),
        waltz=0.45, eq_db=(-9.0, 4.0, 6.5, 0.0, -4.0),
        wet=(0.2, 0.35), room_s=(1.4, 2.2), drive=(0.05, 0.1),
        level=(0.07, 0.13),
    ),
    "easylistening": Style(
        tempo_bpm=(84, 112),
        drums={"bossa": 6, "soft": 3, "none": 1},
        bass={"walking": 7, "picked": 2},
        chords={"epiano": 4, "nylon": 4, "organ": 2},
        lead={"flute": 4, "vibes": 4, "piano": 2},
        texture={"none": 1},
        mode={"major": 6, "dorian": 3},
        signature=("chords", "bass", "lead"),
        waltz=0.15, eq_db=(-2.5, 8.0, 1.5, -8.0, -4.0),
        wet=(0.12, 0.25), room_s=(0.8, 1.5), drive=(0.1, 0.3),
        level=(0.10, 0.15), swing=0.25,
    ),
    "rock": Style(
        tempo_bpm=(112, 158),
        drums={"rock": 9, "pop": 1},
        bass={"picked": 8, "pulse": 1},
        chords={"power": 9, "strum": 1},
        lead={"guitar": 5, "voice": 2, "none": 3},
        texture={"none": 1},
        mode={"minor": 5, "major": 3, "dorian": 2},
        signature=("chords", "drums", "bass"),
        waltz=0.0, eq_db=(0.0, -2.5, 6.5, 8.0, -4.0),
        wet=(0.05, 0.15), room_s=(0.4, 0.9), drive=(1.5, 3.0),
        level=(0.20, 0.27),
    ),
    "alternative": Style(
        tempo_bpm=(92, 138),
        drums={"tribal": 8, "rock": 2},
        bass={"picked": 7, "bowed": 1},
        chords={"jangle": 9, "power": 1},
        lead={"voice": 4, "guitar": 2, "organ": 3},
        texture={"crackle": 4, "none": 3, "drone": 1},
        mode={"dorian": 5, "minor": 3, "phrygian": 1},
        signature=("drums", "chords", "texture"),
        waltz=0.3, eq_db=(-8.0, 0.0, 10.5, -4.0, -6.5),
        wet=(0.15, 0.3), room_s=(0.8, 1.8), drive=(0.8, 1.8),
        level=(0.15, 0.21),
    ),
    "chillout": Style(
        tempo_bpm=(78, 98),
        drums={"downbeat": 9, "soft": 1},
        bass={"sub": 5, "pulse": 2, "picked": 1},
        chords={"epiano": 6, "pad": 4},
        lead={"none": 4, "bell": 2, "synth": 2, "flute": 1},
        texture={"vinyl": 9, "air": 1},
        mode={"dorian": 5, "minor": 4},
        signature=("texture", "drums", "chords"),
        waltz=0.0, eq_db=(10.5, -2.5, -6.5, -4.0, 0.0),
        wet=(0.25, 0.4), room_s=(1.4, 2.4), drive=(0.2, 0.5),
        level=(0.11, 0.16), pump=0.2, swing=0.3,
    ),
}  # fmt: skip

GENRES = tuple(STYLES)

SCALES: dict[str, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "drone": (0, 2, 3, 5, 7, 9, 10),
    "whole": (0, 2, 4, 6, 8, 10),
    "octatonic": (0, 1, 3, 4, 6, 7, 9, 10),
}
PROGRESSIONS: dict[str, tuple[tuple[int, ...], ...]] = {
    "major": ((0, 4, 5, 3), (0, 5, 3, 4), (0, 3, 1, 4)),
    "minor": ((0, 5, 2, 6), (0, 6, 5, 6), (0, 3, 5, 4)),
    "dorian": ((0, 3, 0, 3), (0, 6, 3, 0), (0, 1, 0, 3)),
    "lydian": ((0, 1, 0, 1), (0, 4, 1, 0), (0, 1, 5, 4)),
    "phrygian": ((0, 1, 0, 1), (0, 1, 2, 1), (0, 5, 1, 0)),
    "drone": ((0, 0, 0, 0),),
    "whole": ((0, 2, 1, 3), (0, 3, 5, 1)),
    "octatonic": ((0, 3, 1, 5), (0, 5, 2, 6)),
}


def pick(choices: Choices, where: float) -> str:
    """The name at `where` (0 to 1) along the weighted list."""
    target = where * sum(choices.values())
    for name, weight in choices.items():
        target -= weight
        if target < 0:
            return name
    return name


def within(span: Span, where: float) -> float:
    return span[0] + (span[1] - span[0]) * where


def shuffled(items: tuple[str, ...], rng: np.random.Generator) -> list[str]:
    """Fisher and Yates's shuffle from `integers` alone, whose draws don't change with NumPy."""
    order = list(items)
    for last in range(len(order) - 1, 0, -1):
        other = int(rng.integers(last + 1))
        order[last], order[other] = order[other], order[last]
    return order


def _near(levels_db: Bands, off_db: float, rng: np.random.Generator) -> Bands:
    """Each level up to `off_db` away from where it should be."""
    return tuple(level + within((-off_db, off_db), rng.random()) for level in levels_db)


def _mean_eq(styles: list[Style], habits: Habits) -> Bands:
    bands = zip(*(style.eq_db for style in styles), habits.eq_db, strict=True)
    return tuple(sum(levels) / len(styles) + habit for *levels, habit in bands)


def draw_habits(rng: np.random.Generator) -> Habits:
    """An artist's sound."""
    return Habits(
        choices={slot: float(rng.random()) for slot in SLOTS},
        tuning_cents=within((-35.0, 35.0), rng.random()),
        tempo_factor=within((0.92, 1.08), rng.random()),
        key=int(rng.integers(12)),
        eq_db=_near((0.0,) * len(BANDS_HZ), 1.5, rng),
        colour_hz=within((300.0, 4000.0), rng.random() ** 2),
        colour_db=within((-4.0, 4.0), rng.random()),
        wet=within((-0.06, 0.08), rng.random()),
        noise_floor=within((0.0, 0.0015), rng.random()),
        spread_cents=within((5.0, 22.0), rng.random()),
    )


def _deal(styles: list[Style], rng: np.random.Generator) -> dict[str, Style]:
    """Which style fills which slot: first what gives each away, then the rest in turn."""
    dealt: dict[str, Style] = {}
    for style in styles:
        free = [slot for slot in style.signature if slot not in dealt]
        if free:
            dealt[free[0]] = style
    rest = [slot for slot in shuffled(SLOTS, rng) if slot not in dealt]
    for turn, slot in enumerate(rest):
        dealt[slot] = styles[turn % len(styles)]
    return {slot: dealt[slot] for slot in SLOTS}


def compose(genres: list[str], habits: Habits, rng: np.random.Generator) -> Score:
    """Draw a track: its slots are dealt out among its genres, its numbers lie between theirs."""
    styles = [STYLES[genre] for genre in genres]
    chosen: dict[str, str] = {}
    for slot, dealt in _deal(styles, rng).items():
        stray = STYLES[GENRES[int(rng.integers(len(GENRES)))]]
        style = stray if rng.random() < STRAY_SHARE else dealt
        fresh = float(rng.random())
        where = habits.choices[slot] if rng.random() < HABIT_SHARE else fresh
        chosen[slot] = pick(getattr(style, slot), where)
    if {chosen[slot] for slot in ("drums", "chords", "lead")} == {"none"}:
        chosen["chords"] = "pad"  # somebody has to play

    def number(name: str) -> float:
        return sum(within(getattr(style, name), rng.random()) for style in styles) / len(styles)

    lead_style = styles[0]
    progressions = PROGRESSIONS[chosen["mode"]]
    # Keys lie around the artist's own: pitch says who plays, not which genre.
    root = 36 + (habits.key + int(rng.integers(-2, 3))) % 12
    return Score(
        tempo_bpm=within(lead_style.tempo_bpm, rng.random()) * habits.tempo_factor,
        beats_per_bar=3 if rng.random() < lead_style.waltz else 4,
        root=root,
        mode=chosen["mode"],
        progression=progressions[int(rng.integers(len(progressions)))],
        drums=chosen["drums"],
        bass=chosen["bass"],
        chords=chosen["chords"],
        lead=chosen["lead"],
        texture=chosen["texture"],
        eq_db=_near(_mean_eq(styles, habits), 0.8, rng),
        wet=min(max(number("wet") + habits.wet, 0.02), 0.8),
        room_s=number("room_s"),
        drive=number("drive"),
        level=number("level"),
        pump=max(style.pump for style in styles),
        swing=max(style.swing for style in styles),
        tuning_cents=habits.tuning_cents + within((-4.0, 4.0), rng.random()),
        colour_hz=habits.colour_hz,
        colour_db=habits.colour_db,
        noise_floor=habits.noise_floor,
        spread_cents=habits.spread_cents,
    )
