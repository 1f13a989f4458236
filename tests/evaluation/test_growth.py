"""What more tracks would bring, from curves of which it is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genre_engine import metrics
from genre_engine.evaluation import growth
from genre_engine.evaluation.growth import EXPONENTS, Outcome

GENRES = ("jazz", "rock")
SIZES = (20, 40, 70, 100, 150, 200)
N = 200


@given(
    st.sampled_from(EXPONENTS),
    st.floats(0.2, 0.9),
    st.floats(0.05, 1.0),
)
def test_a_power_law_is_found_again(exponent, ceiling, slope):
    n = np.array([SIZES], float)
    a, b, error = growth.power_law(n, ceiling - slope * n**-exponent)
    best = int(error[:, 0].argmin())
    # A law that is nearly flat over this range can't be told from its neighbours.
    assert error[best, 0] < 1e-12
    if slope * (20**-exponent - 200**-exponent) > 0.01:
        assert EXPONENTS[best] == exponent
        assert a[best, 0] == pytest.approx(ceiling, abs=1e-6)
        assert b[best, 0] == pytest.approx(-slope, abs=1e-6)


def test_no_ceiling_is_above_one():
    a, _, _ = growth.power_law(np.array([SIZES], float), np.linspace(0.2, 0.99, 6)[None])
    assert (a <= 1).all()


def test_one_size_alone_has_no_slope():
    _, b, _ = growth.power_law(np.full((1, 4), 30.0), np.array([[0.5, 0.6, 0.5, 0.6]]))
    assert (b == 0).all()


def outcomes(skills, *, n=N, artists=50, sizes=SIZES, repeats=1):
    """Trainings whose scores know each genre as well as `skills[genre](tracks)` says."""
    rng = np.random.default_rng(0)
    y = np.zeros((n, len(GENRES)), np.uint8)
    y[np.arange(n), rng.integers(0, len(GENRES), n)] = 1
    y[rng.random(n) < 0.2] = 1
    noise = rng.random(y.shape)  # what no training sees through; each sees a little else beside
    found = []
    for tracks in sizes:
        of = []
        for repeat in range(repeats):
            skill = np.array([skill(tracks) for skill in skills])
            blurred = 0.9 * noise + 0.1 * rng.random(y.shape)
            p = skill * y + (1 - skill) * blurred
            report = metrics.evaluate(
                y, p, genres=GENRES, groups=(np.arange(n) % artists).tolist(), draws=200
            )
            half = np.array([tracks / 2, tracks / 2])
            of.append(Outcome(tracks // 2, repeat, float(tracks), half, report))
        found.append(of)
    return found


def rising(tracks):
    return 0.06 * np.log2(tracks / 10)


def flat(tracks):
    return 0.15


def test_the_genre_whose_curve_rises_is_named_and_the_flat_one_isnt():
    found = growth.advice(outcomes([rising, flat]), GENRES)
    assert found["best"] == ["jazz"]
    assert found["genres"]["jazz"]["rises"]
    assert not found["genres"]["rock"]["rises"]
    assert found["songs"] == 20  # about a quarter of 100
    assert found["text"].startswith("20 more songs of jazz would help most: its average precision")
    row = found["genres"]["jazz"]
    assert row["tracks"] == 100
    assert 0 < row["interval"][0] <= row["gain"] <= row["interval"][1] <= 1 - row["from"]


def test_where_no_curve_rises_the_words_say_so():
    found = growth.advice(outcomes([flat, flat]), GENRES)
    assert found["best"] == []
    assert "No genre's curve clearly rises any more" in found["text"]
    doubling = growth.doubling(outcomes([flat, flat]))
    assert not doubling["rises"]
    assert "The curve is flat" in growth.doubling_text(doubling)


def test_a_rising_curve_says_what_twice_as_many_tracks_would_bring():
    doubling = growth.doubling(outcomes([rising, rising]))
    assert doubling["rises"]
    assert doubling["tracks"] == 200
    assert "Twice as many tracks (400) would bring macro average precision from" in (
        growth.doubling_text(doubling)
    )
    assert growth.doubling_text(None) == ""


def test_a_curve_that_has_levelled_off_promises_nothing_by_its_steep_beginning():
    found = growth.doubling(outcomes([lambda tracks: min(0.3, tracks / 150)] * 2))
    assert found["gain"] < 0.03


def test_from_few_artists_nothing_is_said_but_why():
    of = outcomes([rising, flat], n=60, artists=5)
    found = growth.advice(of, GENRES)
    assert found["best"] == []
    assert set(found["genres"].values()) == {None}
    assert "60 tracks by 5 artists: too few to say" in found["text"]
    assert growth.doubling(of) is None


def test_three_sizes_are_too_few_for_a_law():
    found = growth.advice(outcomes([rising, flat], sizes=SIZES[:3]), GENRES)
    assert "once 4 sizes are measured" in found["text"]


def test_a_genre_with_hardly_any_judged_track_is_not_named():
    of = outcomes([rising, rising])
    for share in of:
        share[0].report.judged.y[:, 0] = False
        share[0].report.judged.y[:4, 0] = True
    assert growth.advice(of, GENRES)["genres"]["jazz"] is None


def test_a_genre_that_may_gain_more_is_named_as_unsure():
    found = growth.advice(outcomes([rising, flat]), GENRES)
    assert found["perhaps"] is None
    rock = {**found["genres"]["rock"], "gain": 0.2, "interval": [-0.1, 0.4]}
    unsure = {**found, "genres": {**found["genres"], "rock": rock}, "perhaps": "rock"}
    assert growth.advice_text(unsure).endswith(
        " Rock may gain more (about 0.20), but its tracks are too few to be sure."
    )
    assert "Rock may gain more" in growth.advice_text({**unsure, "best": []})


@pytest.mark.parametrize(("gain", "perhaps"), [(0.2, "rock"), (0.04, None)])
def test_only_who_might_gain_more_than_those_named_is_unsure(monkeypatch, gain, perhaps):
    rows = iter(
        [
            {"tracks": 50, "from": 0.6, "gain": 0.05, "interval": [0.01, 0.1], "rises": True},
            {"tracks": 50, "from": 0.6, "gain": gain, "interval": [-0.1, 0.4], "rises": False},
        ]
    )
    monkeypatch.setattr(growth, "_gain", lambda *_: next(rows))
    found = growth.advice(outcomes([rising, flat]), GENRES)
    assert (found["best"], found["perhaps"]) == (["jazz"], perhaps)
    assert ("Rock may gain more" in found["text"]) == (perhaps == "rock")


def test_names_are_shown_as_they_are_asked_for():
    found = growth.advice(outcomes([rising, rising]), GENRES)
    assert "songs of JAZZ would" in growth.advice_text({**found, "best": ["jazz"]}, name=str.upper)
    both = growth.advice_text({**found, "best": ["jazz", "rock"]})
    assert "Next is rock, by about" in both
