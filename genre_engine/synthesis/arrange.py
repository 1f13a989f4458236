"""A score played by the band: `play` is the only thing to call here."""

import numpy as np

from genre_engine.synthesis import drums, effects, filters, mixing
from genre_engine.synthesis.envelopes import soften
from genre_engine.synthesis.oscillators import (
    Samples,
    detuned_saws,
    hertz,
    length,
    noise,
)
from genre_engine.synthesis.parts import BASSES, CHORDS, KITS, LEADS, VOICES, Line, drum
from genre_engine.synthesis.styles import BANDS_HZ, SCALES, Score

LOUDEST = 0.95


class Band:
    """Plays one score; holds its grid in time, its harmony and the sounds already made."""

    def __init__(
        self, score: Score, rng: np.random.Generator, *, sample_rate: int, duration_s: float
    ) -> None:
        self.score = score
        self.rng = rng
        self.sample_rate = sample_rate
        self.duration_s = duration_s
        self.steps = 4 * score.beats_per_bar
        self.step_s = 60.0 / score.tempo_bpm / 4.0
        self.bars = int(np.ceil(duration_s / (self.step_s * self.steps)))
        self._sounds: dict[tuple[str, int, int], Samples] = {}

    def bus(self) -> Samples:
        return mixing.silence(self.duration_s, self.sample_rate, channels=1)

    def time_s(self, bar: int, step: int) -> float:
        """When a step begins; every second one late if the music swings."""
        late = self.score.swing * (step % 2)
        return (bar * self.steps + step + late) * self.step_s

    def note(self, degree: int, octave: int) -> int:
        """The MIDI note of a degree of the scale (may lie beyond one octave)."""
        scale = SCALES[self.score.mode]
        turns, place = divmod(degree, len(scale))
        return self.score.root + 12 * (octave + turns) + scale[place]

    def degree(self, bar: int) -> int:
        return self.score.progression[bar % len(self.score.progression)]

    def sound(self, voice: str, note: int, hold_steps: float) -> Samples:
        """A note of an instrument; equal notes are made once and heard again."""
        hold_s = min(hold_steps * self.step_s, self.duration_s)
        key = (voice, note, round(hold_steps * 100))
        if key not in self._sounds:
            hz = hertz(note, cents=self.score.tuning_cents)
            self._sounds[key] = VOICES[voice](
                hz, hold_s, self.sample_rate, self.rng, self.score.spread_cents
            )
        return self._sounds[key]

    def drums(self) -> tuple[Samples, list[float]]:
        """The drums, and when the bass drum is heard."""
        bus, kicks_s = self.bus(), []
        kit = KITS[self.score.drums]
        sounds = {
            name: drum(name, self.sample_rate, self.rng)
            for name in dict.fromkeys(hit.sound for hit in kit)
        }
        for bar in range(self.bars):
            for hit in kit:
                for step in hit.steps:
                    if step >= self.steps or self.rng.random() >= hit.chance:
                        continue
                    at_s = self.time_s(bar, step)
                    gain = hit.gain * (0.8 + 0.2 * float(self.rng.random()))
                    mixing.place(bus, sounds[hit.sound], at_s, self.sample_rate, gain=gain)
                    if hit.sound == "kick":
                        kicks_s.append(at_s)
        return bus, kicks_s

    def chords(self) -> Samples:
        bus = self.bus()
        figure = CHORDS.get(self.score.chords)
        if figure is None:
            return bus
        starts = [step for step in figure.steps if step < self.steps]
        gaps = np.diff([*starts, self.steps])
        for bar in range(self.bars):
            root = self.degree(bar)
            for index, step in enumerate(starts):
                hold = float(gaps[index]) * figure.hold
                order = [2 * k for k in range(figure.notes)]
                if figure.one_by_one:
                    order = [order[(index * 3) % len(order)]]
                for place, third in enumerate(order):
                    sound = self.sound(figure.voice, self.note(root + third, figure.octave), hold)
                    at_s = self.time_s(bar, step) + place * figure.spread_s
                    gain = figure.gain / len(order) ** 0.5
                    mixing.place(bus, sound, at_s, self.sample_rate, gain=gain)
        return bus

    def line(self, line: Line | None) -> Samples:
        """A melody or a bass: two bars are invented, then repeated over the changing chords."""
        bus = self.bus()
        if line is None:
            return bus
        phrase = [self._walk(line) for _ in range(2)]
        for bar in range(self.bars):
            for step, degree in phrase[bar % 2]:
                note = self.note(self.degree(bar) + degree, line.octave)
                sound = self.sound(line.voice, note, line.hold)
                mixing.place(bus, sound, self.time_s(bar, step), self.sample_rate, gain=line.gain)
        return bus

    def _walk(self, line: Line) -> list[tuple[int, int]]:
        """A bar of (step, degree above the chord's root)."""
        walked, degree = [], 0
        for step in line.steps:
            move = int(self.rng.integers(-line.leap, line.leap + 1))
            heard = self.rng.random() < line.chance
            degree = degree + move if abs(degree + move) <= 6 else degree - move
            if heard and step < self.steps:
                walked.append((step, 2 * (degree % 4) if line.chord_tones else degree))
        return walked

    def texture(self) -> Samples:
        n, sample_rate, rng = length(self.duration_s, self.sample_rate), self.sample_rate, self.rng
        match self.score.texture:
            case "air":
                wind = filters.bandpass(noise(n, rng), sample_rate, 700.0, quality=0.7)
                return effects.tremolo(0.5 * wind, sample_rate, rate_hz=0.15, depth=0.7)
            case "drone":
                root_hz = hertz(self.score.root, cents=self.score.tuning_cents)
                waves = detuned_saws(
                    root_hz, n, sample_rate, rng, spread_cents=self.score.spread_cents
                )
                return 0.4 * filters.lowpass(waves, sample_rate, 350.0)
            case "riser":
                bus = self.bus()
                rise = drums.swell(sample_rate, rng, length_s=2.5)
                mixing.place(bus, rise, self.duration_s * 0.3, sample_rate, gain=0.4)
                return bus
            case "crackle" | "vinyl":
                # Where uniform noise nearly reaches 1 there is a click: some thirty a second.
                clicks = np.where(noise(n, rng) > 0.997, noise(n, rng), np.float32(0.0))
                hiss = 0.02 * noise(n, rng)
                level = 0.9 if self.score.texture == "crackle" else 0.5
                worn = filters.bandpass(clicks + hiss, sample_rate, 2500.0, quality=0.6)
                return np.asarray(np.float32(level) * worn)
            case "metal":
                return self._scrapes(n)
            case "blips":
                return 0.7 * self.line(LEADS["blips"])
            case _:
                return self.bus()

    def _scrapes(self, n: int) -> Samples:
        """Noise through narrow resonances that come and go."""
        rng, sample_rate = self.rng, self.sample_rate
        total = np.zeros(n, dtype=np.float32)
        white = noise(n, rng)
        for _ in range(3):
            centre_hz = 400.0 * 2.0 ** (4.0 * float(rng.random()))
            ring = filters.bandpass(white, sample_rate, centre_hz, quality=25.0)
            rate_hz = 0.2 + 3.0 * float(rng.random())
            total += effects.tremolo(ring, sample_rate, rate_hz=rate_hz, depth=1.0)
        return effects.fold(total, 2.0) * np.float32(0.4)


def play(
    score: Score, rng: np.random.Generator, *, sample_rate: int = 22_050, duration_s: float = 10.0
) -> Samples:
    """The score as mono sound, float32 `[duration_s · sample_rate]`, never over `LOUDEST`."""
    band = Band(score, rng, sample_rate=sample_rate, duration_s=duration_s)
    beat, kicks_s = band.drums()
    rest = [
        band.line(BASSES.get(score.bass)),
        band.chords(),
        band.line(LEADS.get(score.lead)),
        band.texture(),
    ]
    # No two bands mix alike: each part up to 3 dB louder or softer.
    music = sum(
        (part * np.float32(10.0 ** (0.3 * (float(rng.random()) - 0.5))) for part in rest),
        start=band.bus(),
    )
    if score.pump > 0.0:
        music *= effects.ducking(len(music), sample_rate, kicks_s, depth=score.pump, back_s=0.25)
    mix = beat + music
    answer = effects.room(sample_rate, rng, decay_s=score.room_s, damping_hz=4500.0)
    hall = effects.convolve(0.2 * beat + music, answer)[: len(mix)]
    return _master((1.0 - score.wet) * mix + 1.2 * score.wet * hall, score, rng, sample_rate)


def _master(mix: Samples, score: Score, rng: np.random.Generator, sample_rate: int) -> Samples:
    """Drive, tone colour and loudness: what makes the tracks of one artist sound alike."""
    level = max(float(np.sqrt(np.mean(np.square(mix, dtype=np.float64)))), 1e-6)
    driven = effects.drive(mix * np.float32(0.25 / level), max(score.drive, 0.05))
    toned = filters.highpass(driven, sample_rate, 30.0)
    toned = filters.equalise(toned, sample_rate, tuple(zip(BANDS_HZ, score.eq_db, strict=True)))
    toned = filters.bell(toned, sample_rate, score.colour_hz, gain_db=score.colour_db)
    level = max(float(np.sqrt(np.mean(np.square(toned, dtype=np.float64)))), 1e-6)
    loud = toned * np.float32(score.level / level)
    loud += np.float32(score.noise_floor) * noise(len(loud), rng)
    rounded = np.float32(LOUDEST) * np.tanh(loud / np.float32(LOUDEST))
    return soften(rounded.astype(np.float32), sample_rate, attack_s=0.02, end_s=0.1)
