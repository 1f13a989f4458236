"""The bundled example: a little piece of music in four rooms, each of another genre.

It was composed for the genre-over-time strip: 12 s each of ambient, house, a piano and strings in
the classical manner, and house again. Nothing in it is a recording; `render` makes every sample.

What the pretrained networks hear in it is bundled too, so that a first visitor sees a result before
any weights are there.

    python -m genre_engine.prediction.example       makes both bundled files again
"""

import json
from pathlib import Path

import numpy as np

from genre_engine.prediction import analysis as song_analysis
from genre_engine.prediction.analysis import Analysis
from genre_engine.storage.workspace import replacing
from genre_engine.synthesis import drums, effects, filters, mixing, voices
from genre_engine.synthesis.envelopes import adsr, soften
from genre_engine.synthesis.oscillators import Samples, hertz, length, noise

TITLE = "Four Rooms"
PATH = Path(__file__).parent / "data" / "example.ogg"
ANALYSIS_PATH = PATH.with_suffix(".json")
SAMPLE_RATE = 32_000
DURATION_S = 48.0
ROOMS = {
    "ambient": (0.0, 12.0),
    "house": (12.0, 24.0),
    "classical": (24.0, 36.0),
    "house again": (36.0, 48.0),
}

BEAT_S = 0.5  # 120 beats a minute
BAR_S = 4 * BEAT_S
SEED = 4

# Chords as MIDI notes, lowest first.
FOG = ((38, 57, 60, 64, 65), (34, 53, 57, 62, 65), (41, 55, 60, 64, 69))
LOOP = ((50, 57, 60, 65), (50, 57, 60, 65), (46, 58, 62, 65), (48, 55, 60, 64))
ROOTS = (38, 38, 34, 36)


def render() -> tuple[Samples, int]:
    """The whole piece, float32 `[n, 2]`, and its sample rate."""
    rng = np.random.Generator(np.random.PCG64(SEED))
    dry = mixing.silence(DURATION_S, SAMPLE_RATE)
    wet = mixing.silence(DURATION_S, SAMPLE_RATE)
    _ambient(dry, wet, rng)
    _house(dry, wet, rng, start_s=12.0, bars=6)
    _classical(dry, wet, rng)
    _house(dry, wet, rng, start_s=36.0, bars=5, theme=True)
    hall = effects.reverb_stereo(wet, SAMPLE_RATE, rng, decay_s=3.2, damping_hz=4500.0)
    mix = filters.highpass(dry + 0.55 * hall, SAMPLE_RATE, 28.0)
    mix = effects.limit(mix, peak=0.9)
    return soften(mix, SAMPLE_RATE, attack_s=0.4, end_s=2.5), SAMPLE_RATE


def _ambient(dry: Samples, wet: Samples, rng: np.random.Generator) -> None:
    """Three long chords in fog, a few bells, and a swell that opens the next door."""
    for index, chord in enumerate(FOG):
        start_s = 4.0 * index
        for place, note in enumerate(chord):
            sound = voices.pad(
                hertz(note), 3.9, SAMPLE_RATE, rng, cutoff_hz=700.0, attack_s=1.3, release_s=3.0
            )
            position = (-0.7, 0.6, -0.3, 0.8, 0.2)[place]
            mixing.place(dry, sound, start_s, SAMPLE_RATE, gain=0.085, position=position)
            mixing.place(wet, sound, start_s, SAMPLE_RATE, gain=0.14, position=-position)
    air = filters.bandpass(noise(length(13.0, SAMPLE_RATE), rng), SAMPLE_RATE, 900.0, quality=0.6)
    air *= adsr(9.0, SAMPLE_RATE, attack_s=5.0, decay_s=2.0, sustain=0.8, release_s=4.0)[: len(air)]
    mixing.place(dry, air, 0.0, SAMPLE_RATE, gain=0.035, position=0.1)
    for start_s, note in ((1.5, 81), (3.25, 76), (5.5, 77), (7.0, 84), (8.75, 79), (10.0, 76)):
        sound = voices.bell(hertz(note), 3.5, SAMPLE_RATE, glass=1.2)
        position = float(rng.random()) * 1.4 - 0.7
        mixing.place(dry, sound, start_s, SAMPLE_RATE, gain=0.03, position=position)
        mixing.place(wet, sound, start_s, SAMPLE_RATE, gain=0.07, position=-position)
    rise = drums.swell(SAMPLE_RATE, rng, length_s=2.0)
    mixing.place(dry, rise, 10.0, SAMPLE_RATE, gain=0.10)


def _house(
    dry: Samples,
    wet: Samples,
    rng: np.random.Generator,
    *,
    start_s: float,
    bars: int,
    theme: bool = False,
) -> None:
    """Four to the floor, an off-beat bass, chord stabs and an arpeggio that opens up."""
    _beat(dry, rng, start_s, bars)
    music = mixing.silence(bars * BAR_S + 2.0, SAMPLE_RATE)
    for bar in range(bars):
        at_s = bar * BAR_S
        chord, root = LOOP[bar % 4], ROOTS[bar % 4]
        for step in (2, 6, 7, 10, 14, 15):
            sound = voices.synth_bass(hertz(root), 0.14, SAMPLE_RATE, brightness=7.0)
            mixing.place(music, sound, at_s + step * BEAT_S / 4, SAMPLE_RATE, gain=0.34)
        for step in (3, 6, 11, 14):
            for place, note in enumerate(chord):
                sound = voices.synth_lead(
                    hertz(note), 0.10, SAMPLE_RATE, hollow=0.2, cutoff_hz=1300.0 + 350.0 * bar
                )
                position = (-0.9, 0.9, -0.5, 0.5)[place]
                mixing.place(
                    music,
                    sound,
                    at_s + step * BEAT_S / 4,
                    SAMPLE_RATE,
                    gain=0.09,
                    position=position,
                )
        _arpeggio(music, chord, at_s, bar)
        if theme:
            _theme_bar(music, bar, at_s)
    hits_s = [beat * BEAT_S for beat in range(4 * bars)]
    pump = effects.ducking(len(music), SAMPLE_RATE, hits_s, depth=0.6, back_s=0.3)
    music *= pump[:, None]
    music += 0.45 * effects.echo(music, SAMPLE_RATE, time_s=0.75 * BEAT_S, feedback=0.4, repeats=3)
    start = round(start_s * SAMPLE_RATE)
    end = min(start + len(music), len(dry))
    dry[start:end] += music[: end - start]
    wet[start:end] += 0.16 * music[: end - start]


def _arpeggio(music: Samples, chord: tuple[int, ...], at_s: float, bar: int) -> None:
    for step in range(16):
        note = chord[(step * 3) % len(chord)] + (12 if step % 4 else 24)
        sound = voices.synth_lead(
            hertz(note), 0.07, SAMPLE_RATE, hollow=0.8, cutoff_hz=900.0 + 300.0 * bar
        )
        position = 0.85 * (-1) ** step
        mixing.place(
            music, sound, at_s + step * BEAT_S / 4, SAMPLE_RATE, gain=0.065, position=position
        )


def _theme_bar(music: Samples, bar: int, at_s: float) -> None:
    """The violin's tune of the third room, come back as a synthesizer."""
    for beat, beats, note in THEME_AGAIN[bar]:
        sound = voices.synth_lead(
            hertz(note),
            beats * BEAT_S * 0.95,
            SAMPLE_RATE,
            hollow=0.4,
            cutoff_hz=2600.0,
            attack_s=0.03,
        )
        mixing.place(music, sound, at_s + beat * BEAT_S, SAMPLE_RATE, gain=0.10, position=-0.15)


def _beat(dry: Samples, rng: np.random.Generator, start_s: float, bars: int) -> None:
    kick = drums.kick(SAMPLE_RATE, pitch_hz=50.0, length_s=0.32)
    clap = drums.clap(SAMPLE_RATE, rng)
    closed = drums.hat(SAMPLE_RATE, rng, length_s=0.05)
    wide = drums.hat(SAMPLE_RATE, rng, length_s=0.22, colour_hz=6500.0)
    shake = drums.shaker(SAMPLE_RATE, rng)
    crash = drums.cymbal(SAMPLE_RATE, rng, length_s=2.0)
    mixing.place(dry, crash, start_s, SAMPLE_RATE, gain=0.16, position=0.2)
    for beat in range(4 * bars):
        at_s = start_s + beat * BEAT_S
        mixing.place(dry, kick, at_s, SAMPLE_RATE, gain=0.62)
        mixing.place(dry, wide, at_s + BEAT_S / 2, SAMPLE_RATE, gain=0.17, position=0.15)
        if beat % 2 == 1:
            mixing.place(dry, clap, at_s, SAMPLE_RATE, gain=0.30, position=-0.05)
        for quarter in range(4):
            quarter_s = at_s + quarter * BEAT_S / 4
            level = 0.05 + 0.03 * float(rng.random())
            mixing.place(dry, closed, quarter_s, SAMPLE_RATE, gain=level, position=-0.35)
            mixing.place(dry, shake, quarter_s, SAMPLE_RATE, gain=0.03, position=0.5)


# The third room: 80 beats a minute, four bars. (beat, length in beats, note)
SLOW_BEAT_S = 0.75
THEME = (
    ((0.0, 1.5, 69), (1.5, 0.5, 74), (2.0, 1.5, 77), (3.5, 0.5, 76)),
    ((0.0, 1.0, 74), (1.0, 1.0, 70), (2.0, 2.0, 77)),
    ((0.0, 1.5, 74), (1.5, 0.5, 75), (2.0, 1.0, 74), (3.0, 1.0, 70)),
    ((0.0, 1.0, 69), (1.0, 0.5, 71), (1.5, 0.5, 73), (2.0, 2.0, 74)),
)
# The same tune over the chords of the beat.
THEME_AGAIN = (
    ((0.0, 1.5, 69), (1.5, 0.5, 74), (2.0, 1.5, 77), (3.5, 0.5, 76)),
    ((0.0, 1.0, 74), (1.0, 1.0, 69), (2.0, 2.0, 77)),
    ((0.0, 1.5, 74), (1.5, 0.5, 77), (2.0, 1.0, 74), (3.0, 1.0, 70)),
    ((0.0, 1.0, 67), (1.0, 0.5, 72), (1.5, 0.5, 76), (2.0, 2.0, 74)),
    ((0.0, 3.5, 74),),
)
# Bass, then the three upper notes that the piano breaks; one entry for half a bar.
HARMONY = (
    (38, 57, 62, 65), (37, 57, 61, 64),
    (34, 58, 62, 65), (41, 57, 60, 65),
    (43, 58, 62, 67), (43, 58, 62, 67),
    (45, 57, 61, 64), (38, 57, 62, 65),
)  # fmt: skip


def _classical(dry: Samples, wet: Samples, rng: np.random.Generator) -> None:
    """A slow movement for violin, cello and piano, in D minor."""
    parlour = mixing.silence(15.0, SAMPLE_RATE)
    half_s = 2 * SLOW_BEAT_S
    for half, (bass, *upper) in enumerate(HARMONY):
        at_s = half * half_s
        cello = voices.bowed(hertz(bass), half_s * 0.92, SAMPLE_RATE, rng, attack_s=0.16)
        mixing.place(parlour, cello, at_s, SAMPLE_RATE, gain=0.22, position=0.35)
        for step, which in enumerate((0, 1, 2, 1, 2, 1)):
            note = bass + 12 if step == 0 else upper[which]
            touch = 0.35 + 0.1 * float(rng.random())
            late_s = 0.008 * float(rng.random())
            sound = voices.piano(hertz(note), 0.8, SAMPLE_RATE, rng, hardness=touch)
            mixing.place(
                parlour, sound, at_s + step * half_s / 6 + late_s, SAMPLE_RATE,
                gain=0.2 if step == 0 else 0.15, position=-0.35 + 0.02 * (note - 55),
            )  # fmt: skip
    for bar, notes in enumerate(THEME):
        for beat, beats, note in notes:
            at_s = (4 * bar + beat) * SLOW_BEAT_S
            violin = voices.bowed(
                hertz(note), beats * SLOW_BEAT_S * 0.97, SAMPLE_RATE, rng, attack_s=0.09, air=0.04
            )
            mixing.place(parlour, violin, at_s, SAMPLE_RATE, gain=0.30, position=0.0)
    start = round(24.0 * SAMPLE_RATE)
    end = min(start + len(parlour), len(dry))
    dry[start:end] += 0.66 * parlour[: end - start]
    wet[start:end] += 0.3 * parlour[: end - start]


def write(path: Path = PATH) -> None:
    """Render the piece into an Ogg Vorbis file."""
    import soundfile

    samples, sample_rate = render()
    with replacing(path) as place:
        soundfile.write(
            place, samples, sample_rate, format="OGG", subtype="VORBIS", compression_level=0.7
        )


def analysis() -> Analysis:
    """What the pretrained networks hear in the bundled file, as it was when it was made."""
    return song_analysis.restore(json.loads(ANALYSIS_PATH.read_text(encoding="utf-8")))


def write_analysis(path: Path = ANALYSIS_PATH) -> None:
    """Classify the bundled file; raises what `prediction.analyse` raises."""
    from genre_engine import prediction

    with replacing(path) as place:
        values = song_analysis.dump(prediction.analyse(PATH))
        place.write_text(json.dumps(values, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
    write_analysis()
