"""Reasons of models whose reasons are known: what they listen to is what they miss."""

import numpy as np
import pytest

from genre_engine.audio import Signal
from genre_engine.errors import AudioError, WrongUsage
from genre_engine.prediction import catalogue, questions, reasons
from tests import sounds

RATE = 16000


def mixed(duration_s=6.0):
    """Tones in two bands, the higher one only from 2 s to 3 s."""
    low = sounds.tone(duration_s, RATE, hz=300, level=0.2)
    high = sounds.tone(duration_s, RATE, hz=1500, level=0.2)
    times = np.arange(len(high)) / RATE
    return sounds.encoded(low + high * ((times >= 2) & (times < 3)), RATE)


@pytest.fixture
def hears_high(monkeypatch):
    """A model whose score is the level between 1 and 2 kHz, whatever else there is."""

    def score(signals):
        found = []
        for signal in signals:
            power = np.abs(np.fft.rfft(signal.samples)) ** 2
            hz = np.fft.rfftfreq(len(signal.samples), 1 / signal.sample_rate)
            found.append(power[(hz > 1000) & (hz < 2000)].sum())
        return np.array(found) / found[0] * 0.8

    monkeypatch.setattr(reasons, "_scorer", lambda info, view, genre: (score, RATE, None))


def test_the_band_and_the_time_that_a_model_hears_are_those_that_it_misses(hears_high):
    found = reasons.reasons(mixed(), "full", "wide", "rock", 0.0, 5.0)
    assert found.score == pytest.approx(80)
    by_band = {band.name: band.points for band in found.bands}
    assert by_band.pop("1000 to 2000 Hz") == pytest.approx(-79, abs=2)
    assert all(abs(points) < 2 for points in by_band.values())
    by_time = [part.points for part in found.slices]
    assert by_time[2] == pytest.approx(-79, abs=4)  # from 2 s to 3 s
    assert all(abs(points) < 2 for points in by_time[:2] + by_time[3:])


def test_the_window_lies_where_it_was_asked_for_and_is_drawn(hears_high):
    found = reasons.reasons(mixed(), "full", "wide", "rock", 1.0, 4.0)
    assert [round(part.low, 2) for part in found.slices] == [1.0, 1.6, 2.2, 2.8, 3.4]
    drawn = np.array(found.mel_db)
    assert drawn.shape[0] == len(found.mel_hz) == 96
    assert (drawn.max(), drawn.min() >= -80) == (0, True)
    band = int(np.abs(np.array(found.mel_hz) - 1500).argmin())
    times = 1.0 + (np.arange(drawn.shape[1]) + 0.5) * 3.0 / drawn.shape[1]
    inside = (times > 2.1) & (times < 2.9)
    assert drawn[band, inside].min() > drawn[band, times < 1.9].max() + 30


def test_a_band_is_made_20_db_quieter_and_the_others_stay():
    signal = Signal(sounds.tone(2.0, RATE, hz=300), RATE)
    spectrum = reasons._Spectrum(signal)
    kept = spectrum.without(4000, 8000).samples
    assert len(kept) == len(signal.samples)
    assert np.abs(kept - signal.samples)[2000:-2000].max() < 1e-3
    gone = spectrum.without(200, 500).samples[2000:-2000]
    assert np.abs(gone).max() == pytest.approx(0.1 * np.abs(signal.samples).max(), rel=0.1)


def test_reasons_survive_the_way_through_the_listening_process(networks):
    question = questions.why("full", "wide", "ambient", 0.0, 3.0)
    data = sounds.encoded(sounds.chords(6.0), RATE)
    found = reasons.from_dict(questions.answer(question, data))
    assert found == reasons.reasons(data, "full", "wide", "ambient", 0.0, 3.0)
    assert 0 <= found.score <= 100
    assert (len(found.bands), len(found.slices)) == (len(reasons.BANDS_HZ) - 1, reasons.SLICES)


def test_a_genre_that_the_model_does_not_know_and_a_place_beyond_the_end(networks):
    data = sounds.encoded(sounds.chords(6.0), RATE)
    with pytest.raises(WrongUsage, match="doesn't know 'polka'"):
        reasons.reasons(data, "full", "wide", "polka", 0.0, 3.0)
    with pytest.raises(AudioError):
        reasons.reasons(data, "full", "wide", "ambient", 20.0, 23.0)


@pytest.mark.parametrize("name", ["tones", "pictures"])
def test_a_run_s_model_has_reasons_and_on_the_498_groups_of_features(trained, name):
    info = catalogue.find(name)
    genre = info.genres[0]
    data = sounds.encoded(sounds.tone(6.0, 22050, hz=330), 22050)
    found = reasons.reasons(data, info.id, "own", genre, 0.0, info.excerpt_s or 3.0)
    assert found.genre == genre
    assert [group.name for group in found.groups] == (
        list(reasons.GROUPS) if info.features == "summary" else []
    )
