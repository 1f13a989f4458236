"""The bundled example: what the code renders is what the package carries."""

import numpy as np
import pytest
import soundfile

from genre_engine.prediction import example
from tests import golden


@pytest.fixture(scope="module")
def rendered():
    return example.render()


@pytest.fixture(scope="module")
def bundled():
    return soundfile.read(example.PATH, dtype="float32")


def test_the_piece_renders_to_the_same_numbers_everywhere(rendered):
    expected = golden.load("example")
    found = golden.summary_of(*rendered)
    assert found["sample_rate"] == expected["sample_rate"]
    assert found["shape"] == expected["shape"]
    for key in ("rms_per_second", "every_9973rd_sample"):
        np.testing.assert_allclose(found[key], expected[key], atol=1e-4, rtol=0)


def test_the_bundled_file_is_what_the_code_renders(rendered, bundled):
    samples, sample_rate = rendered
    decoded, decoded_rate = bundled
    assert decoded_rate == sample_rate
    assert decoded.shape == samples.shape
    for side in (0, 1):
        assert np.corrcoef(samples[:, side], decoded[:, side])[0, 1] > 0.99


def test_the_bundled_file_is_small_enough_to_carry():
    assert example.PATH.stat().st_size < 600_000


def test_the_piece_neither_clips_nor_clicks(rendered):
    samples, sample_rate = rendered
    assert samples.dtype == np.float32
    assert np.isfinite(samples).all()
    assert 0.85 < np.abs(samples).max() <= 0.9 + 1e-6
    assert np.abs(samples[0]).max() < 1e-3
    assert np.abs(samples[-1]).max() < 1e-3
    # No drum plays in the quiet rooms: a jump from one sample to the next would be a click,
    # beyond what the sawtooth of a bowed string does by itself.
    # (From 10 s on noise swells up to the beat, which does jump.)
    for start_s, end_s, steepest in ((0.0, 10.0, 0.1), (24.1, 35.9, 0.25)):
        part = samples[round(start_s * sample_rate) : round(end_s * sample_rate)]
        assert np.abs(np.diff(part, axis=0)).max() < steepest


def test_the_rooms_cover_the_piece_without_a_gap():
    edges = [edge for room in example.ROOMS.values() for edge in room]
    assert edges[0] == 0.0
    assert edges[-1] == example.DURATION_S
    assert edges[1:-1:2] == edges[2::2]


def test_only_the_rooms_of_the_beat_have_a_beat(rendered):
    samples, sample_rate = rendered
    mono = samples.mean(axis=1)

    def pulse(room):
        """Share of the loudness curve's power at the piece's two beats a second."""
        start_s, end_s = example.ROOMS[room]
        part = mono[round(start_s * sample_rate) : round(min(end_s, 46.0) * sample_rate)]
        hop = sample_rate // 50
        loudness = np.abs(part[: len(part) // hop * hop]).reshape(-1, hop).mean(axis=1)
        power = np.abs(np.fft.rfft(loudness - loudness.mean())) ** 2
        hz = np.fft.rfftfreq(len(loudness), 1 / 50)
        beat = np.abs(hz[:, None] - np.array([2.0, 4.0, 6.0, 8.0])).min(axis=1) < 0.05
        return power[beat].sum() / power.sum()

    assert pulse("house") > 0.5
    assert pulse("house again") > 0.5
    assert pulse("ambient") < 0.2
    assert pulse("classical") < 0.3


def test_the_bundled_analysis_is_what_all_networks_give_for_the_file(all_networks):
    from genre_engine import prediction

    assert example.analysis().networks == tuple(all_networks)

    kept, fresh = example.analysis(), prediction.analyse(example.PATH)
    np.testing.assert_allclose(kept.starts_s, fresh.starts_s, atol=1e-3)
    assert kept.duration_s == pytest.approx(fresh.duration_s)
    for view, scores in fresh.views.items():
        assert kept.views[view].genres == scores.genres
        np.testing.assert_allclose(kept.views[view].song, scores.song, atol=0.02)
        np.testing.assert_allclose(kept.views[view].by_window, scores.by_window, atol=0.02)
        assert kept.sentence(view) == fresh.sentence(view)
    assert kept.share_heard == 1.0
    assert kept.warnings == ()
