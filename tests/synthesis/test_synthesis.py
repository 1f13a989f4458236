"""Sounds with known answers: pitch, length, level, silence."""

import numpy as np
import pytest

from genre_engine.synthesis import (
    drums,
    effects,
    envelopes,
    filters,
    mixing,
    oscillators,
    parts,
    voices,
)

RATE = 22_050


def generator(seed=0):
    return np.random.Generator(np.random.PCG64(seed))


def loudest_hz(sound, sample_rate=RATE):
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 1 << 18))
    return np.argmax(spectrum) * sample_rate / (1 << 18)


def power_share(sound, low_hz, high_hz):
    power = np.abs(np.fft.rfft(sound)) ** 2
    hz = np.fft.rfftfreq(len(sound), 1 / RATE)
    return power[(hz >= low_hz) & (hz < high_hz)].sum() / power.sum()


@pytest.mark.parametrize("wave", [oscillators.sine, oscillators.saw, oscillators.square])
@pytest.mark.parametrize("frequency_hz", [55.0, 440.0, 2500.0])
def test_an_oscillator_sounds_at_the_frequency_it_is_given(wave, frequency_hz):
    assert loudest_hz(wave(frequency_hz, RATE, RATE)) == pytest.approx(frequency_hz, abs=0.5)


def test_a_sawtooth_does_not_alias():
    power = np.abs(np.fft.rfft(oscillators.saw(2500.0, RATE, RATE))) ** 2
    harmonics = power[[2500, 5000, 7500]].sum()
    assert harmonics / power[1:].sum() > 0.999


def test_a_note_number_is_its_frequency():
    assert oscillators.hertz(69) == pytest.approx(440.0)
    assert oscillators.hertz(57) == pytest.approx(220.0)
    assert oscillators.hertz(69, cents=100) == pytest.approx(oscillators.hertz(70))


def test_vibrato_begins_straight_and_stays_around_the_pitch():
    sway_hz = oscillators.vibrato(440.0, 2 * RATE, RATE, depth_cents=20.0)
    assert sway_hz[0] == pytest.approx(440.0)
    assert sway_hz.max() == pytest.approx(440.0 * 2 ** (20 / 1200), rel=1e-3)
    assert np.mean(sway_hz) == pytest.approx(440.0, rel=1e-3)


def test_an_envelope_is_as_long_as_hold_and_release_and_rises_to_one():
    shape = envelopes.adsr(0.5, RATE, attack_s=0.1, decay_s=0.1, sustain=0.6, release_s=0.25)
    assert len(shape) == round(0.5 * RATE) + round(0.25 * RATE)
    assert shape[0] == 0.0
    assert shape.max() == pytest.approx(1.0, abs=1e-3)
    assert shape[round(0.4 * RATE)] == pytest.approx(0.6, abs=1e-3)
    assert shape[-1] == 0.0


def test_a_decay_falls_by_sixty_decibels_in_its_time():
    shape = envelopes.decay(RATE, RATE, 0.5)
    assert 20 * np.log10(shape[RATE // 2] / shape[0]) == pytest.approx(-60.0, abs=0.1)


@pytest.mark.parametrize("shape", [(RATE,), (RATE, 2)])
def test_softened_sound_begins_and_ends_in_silence(shape):
    soft = envelopes.soften(np.ones(shape, dtype=np.float32), RATE)
    assert np.all(soft[0] == 0)
    assert np.abs(soft[-1]).max() < 1e-6
    assert np.all(soft[RATE // 2] == 1)


def test_filters_keep_their_side_of_the_cutoff():
    white = oscillators.noise(RATE, generator())
    assert power_share(filters.lowpass(white, RATE, 500.0, steps=2), 0, 1000) > 0.97
    assert power_share(filters.highpass(white, RATE, 4000.0, steps=2), 2000, RATE) > 0.98
    assert power_share(filters.bandpass(white, RATE, 1000.0, quality=8.0), 800, 1250) > 0.75


def test_a_filter_at_its_cutoff_takes_three_decibels():
    tone = oscillators.sine(1000.0, RATE, RATE)
    softer = filters.lowpass(tone, RATE, 1000.0)[4000:-4000]
    assert np.abs(softer).max() == pytest.approx(0.707, abs=0.01)


def test_an_equaliser_gives_each_frequency_its_level():
    points = ((100.0, 0.0), (1000.0, -12.0), (8000.0, 6.0))
    for frequency_hz, level_db in ((100.0, 0.0), (1000.0, -12.0), (8000.0, 6.0), (40.0, 0.0)):
        tone = 0.1 * oscillators.sine(frequency_hz, RATE, RATE)
        louder = filters.equalise(tone, RATE, points)[4000:-4000]
        assert 20 * np.log10(np.abs(louder).max() / 0.1) == pytest.approx(level_db, abs=0.2)


def test_an_equalisers_bell_changes_its_centre_and_leaves_the_far_alone():
    for frequency_hz, level_db in ((1000.0, 5.0), (100.0, 0.0), (8000.0, 0.0)):
        tone = 0.1 * oscillators.sine(frequency_hz, RATE, RATE)
        louder = filters.bell(tone, RATE, 1000.0, gain_db=5.0)[4000:-4000]
        assert 20 * np.log10(np.abs(louder).max() / 0.1) == pytest.approx(level_db, abs=0.2)


def test_a_tremolo_sways_between_full_and_its_depth():
    swaying = effects.tremolo(np.ones(RATE, dtype=np.float32), RATE, rate_hz=2.0, depth=0.4)
    assert swaying.max() == pytest.approx(1.0, abs=1e-3)
    assert swaying.min() == pytest.approx(0.6, abs=1e-3)
    assert swaying[RATE // 4] == pytest.approx(0.6, abs=1e-3)


def test_folding_never_gets_louder_than_one():
    assert np.abs(effects.fold(5 * oscillators.noise(RATE, generator()), 3.0)).max() <= 1.0


def test_a_swept_filter_opens_over_time():
    white = oscillators.noise(RATE, generator())
    cutoff_hz = np.geomspace(200.0, 8000.0, RATE).astype(np.float32)
    swept = filters.swept_lowpass(white, RATE, cutoff_hz)
    assert power_share(swept[: RATE // 4], 0, 1000) > 0.9
    assert power_share(swept[-RATE // 4 :], 0, 1000) < 0.5


def test_an_echo_comes_after_its_time_at_its_level():
    click = np.zeros(RATE, dtype=np.float32)
    click[0] = 1.0
    echoes = effects.echo(click, RATE, time_s=0.1, feedback=0.5, repeats=2)
    assert np.flatnonzero(echoes).tolist() == [2205, 4410]
    assert echoes[[2205, 4410]].tolist() == [0.5, 0.25]


def test_a_room_dies_away_in_its_time():
    answer = effects.room(RATE, generator(), decay_s=1.0, before_s=0.0)
    early, late = (np.sqrt(np.mean(answer[a : a + 2000] ** 2)) for a in (500, RATE - 2500))
    assert -62 < 20 * np.log10(late / early) < -45


def test_convolving_with_a_click_changes_nothing():
    sound = oscillators.noise(1000, generator())
    np.testing.assert_allclose(
        effects.convolve(sound, np.array([1.0, 0.0], dtype=np.float32))[:1000], sound, atol=1e-6
    )


def test_the_limiter_ends_at_the_peak_and_leaves_silence_alone():
    loud = oscillators.noise(RATE, generator()) * 7
    assert np.abs(effects.limit(loud, peak=0.9)).max() == pytest.approx(0.9)
    assert not effects.limit(np.zeros(100, dtype=np.float32)).any()


def test_ducking_dips_at_each_hit_and_comes_back():
    gain = effects.ducking(RATE, RATE, [0.0, 0.5], depth=0.6, back_s=0.2)
    assert gain[0] == pytest.approx(0.4)
    assert gain[RATE // 2] == pytest.approx(0.4, abs=0.01)
    assert gain[round(0.3 * RATE)] == 1.0


def test_panning_keeps_the_power_and_the_middle_is_even():
    sound = oscillators.noise(1000, generator())
    left, right = mixing.pan(sound, -1.0).T
    np.testing.assert_allclose(left, sound, atol=1e-6)
    np.testing.assert_allclose(right, 0.0, atol=1e-6)
    middle = mixing.pan(sound, 0.0)
    np.testing.assert_allclose(middle[:, 0], middle[:, 1], atol=1e-6)
    np.testing.assert_allclose((middle**2).sum(axis=1), sound**2, atol=1e-6)


def test_placed_sound_starts_in_time_and_what_hangs_over_is_cut():
    bus = mixing.silence(1.0, RATE, channels=1)
    mixing.place(bus, np.ones(RATE, dtype=np.float32), 0.75, RATE, gain=0.5)
    assert np.flatnonzero(bus)[0] == round(0.75 * RATE)
    assert bus[-1] == 0.5
    mixing.place(bus, np.ones(10, dtype=np.float32), 2.0, RATE)
    assert len(bus) == RATE


PITCHED = {
    "pad": lambda hz, rng: voices.pad(hz, 1.0, RATE, rng, attack_s=0.1),
    "synth_bass": lambda hz, rng: voices.synth_bass(hz, 0.8, RATE),
    "string": lambda hz, rng: voices.string(hz, 0.8, RATE, rng),
    "electric_guitar": lambda hz, rng: voices.electric_guitar(hz, 0.8, RATE, rng),
    "piano": lambda hz, rng: voices.piano(hz, 0.8, RATE, rng),
    "electric_piano": lambda hz, rng: voices.electric_piano(hz, 0.8, RATE),
    "bell": lambda hz, rng: voices.bell(hz, 0.8, RATE),
    "organ": lambda hz, rng: voices.organ(hz, 0.8, RATE),
    "bowed": lambda hz, rng: voices.bowed(hz, 0.8, RATE, rng, players=2),
    "flute": lambda hz, rng: voices.flute(hz, 0.8, RATE, rng),
    "synth_lead": lambda hz, rng: voices.synth_lead(hz, 0.8, RATE),
}
STRUCK = {
    "kick": lambda rng: drums.kick(RATE),
    "snare": lambda rng: drums.snare(RATE, rng),
    "clap": lambda rng: drums.clap(RATE, rng),
    "hat": lambda rng: drums.hat(RATE, rng),
    "shaker": lambda rng: drums.shaker(RATE, rng),
    "tom": lambda rng: drums.tom(RATE),
    "cymbal": lambda rng: drums.cymbal(RATE, rng),
    "swell": lambda rng: drums.swell(RATE, rng),
}
HIT = {**STRUCK, **{k: (lambda rng, v=v: v(196.0, rng)) for k, v in PITCHED.items()}}


@pytest.mark.parametrize("name", HIT)
def test_every_instrument_is_finite_at_a_fair_level_and_free_of_clicks_at_its_ends(name):
    sound = HIT[name](generator())
    assert sound.dtype == np.float32
    assert sound.ndim == 1
    assert np.isfinite(sound).all()
    assert 0.3 < np.abs(sound).max() < 1.8
    assert abs(sound[0]) < 0.05
    assert abs(sound[-1]) < 0.02


@pytest.mark.parametrize("name", HIT)
def test_the_same_seed_plays_the_same_sound(name):
    np.testing.assert_array_equal(HIT[name](generator(3)), HIT[name](generator(3)))


@pytest.mark.parametrize("name", [name for name in PITCHED if name != "bell"])
@pytest.mark.parametrize("note", [45, 57, 72])
def test_every_pitched_instrument_is_in_tune(name, note):
    """The strongest partial is a harmonic of the note, within 15 hundredths of a semitone.

    A pad is 12 hundredths out on purpose, on both sides.
    """
    frequency_hz = oscillators.hertz(note)
    found_hz = loudest_hz(PITCHED[name](frequency_hz, generator()))
    if name == "electric_guitar":  # a power chord also holds the fifth, and its octave below
        frequency_hz /= 2
    order = max(round(found_hz / frequency_hz), 1)
    assert abs(1200 * np.log2(found_hz / (order * frequency_hz))) < 15


@pytest.mark.parametrize("hold_steps", [0.37, 1.0, 2.53])
def test_instruments_of_the_band_take_notes_of_any_length(hold_steps):
    for name, voice in parts.VOICES.items():
        for hold_s in np.linspace(hold_steps, hold_steps + 0.001, 12):
            sound = voice(220.0, float(hold_s), RATE, generator(), 12.0)
            assert np.isfinite(sound).all(), name


def test_a_kick_is_low_and_a_hat_is_high():
    assert power_share(drums.kick(RATE), 0, 200) > 0.9
    assert power_share(drums.hat(RATE, generator()), 4000, RATE) > 0.9
