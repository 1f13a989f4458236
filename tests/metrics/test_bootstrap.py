"""Intervals: weighted figures against scikit-learn, what is drawn, and that draws are shared."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_engine import metrics
from genre_engine.metrics import bootstrap
from genre_engine.metrics.ranking import rank


def some(n=200, g=4, seed=0):
    rng = np.random.default_rng(seed)
    y = (rng.random((n, g)) < 0.3).astype(int)
    p = 1 / (1 + np.exp(-(rng.normal(size=(n, g)) + 2 * y - 1)))
    return y, p, [f"g{index}" for index in range(g)]


@given(st.integers(0, 2**32 - 1), st.integers(2, 25), st.booleans())
@settings(max_examples=60, deadline=None)
def test_weighted_rankings_are_scikit_learns(seed, n, tied):
    from sklearn import metrics as sk

    rng = np.random.default_rng(seed)
    truth = rng.random(n) < 0.4
    scores = np.round(rng.random(n) * 5) / 5 if tied else rng.random(n)
    weights = rng.integers(0, 4, (3, n)).astype(float)
    auc, precision = rank(np.arange(n), truth, scores, n).score_weighted(weights)
    for row, w in enumerate(weights):
        if not w[truth].sum():
            assert np.isnan(precision[row])
        else:
            expected = sk.average_precision_score(truth, scores, sample_weight=w)
            assert precision[row] == pytest.approx(expected, abs=1e-9)
        if not w[truth].sum() or not w[~truth].sum():
            assert np.isnan(auc[row])
        else:
            expected = sk.roc_auc_score(truth[w > 0], scores[w > 0], sample_weight=w[w > 0])
            assert auc[row] == pytest.approx(expected, abs=1e-9)


def test_a_draw_is_the_report_on_the_drawn_tracks():
    y, p, genres = some()
    report = metrics.evaluate(y, p, genres=genres, draws=3, seed=5)
    stream = np.random.SeedSequence(5).spawn(1)[0]
    rng = np.random.default_rng(stream)
    for draw in range(3):
        rows = rng.integers(0, len(y), len(y))
        drawn = metrics.evaluate(y[rows], p[rows], genres=genres, draws=0)
        for name in metrics.NAMES:
            found = report.draws.figures.overall[name][draw]
            assert found == pytest.approx(drawn.figure(name), abs=1e-9), name


def test_artists_are_drawn_with_all_their_tracks():
    y, p, genres = some()
    artists = [f"a{index % 20}" for index in range(len(y))]
    report = metrics.evaluate(y, p, genres=genres, groups=artists, draws=1, seed=3)
    rng = np.random.default_rng(np.random.SeedSequence(3).spawn(1)[0])
    rows = np.concatenate([np.arange(a, 200, 20) for a in rng.integers(0, 20, 20)])
    drawn = metrics.evaluate(y[rows], p[rows], genres=genres, draws=0)
    for name in ("loss", "f1.macro", "roc_auc.micro", "average_precision.macro"):
        assert report.draws.figures.overall[name][0] == pytest.approx(drawn.figure(name), abs=1e-9)


def test_the_report_says_what_was_drawn_and_unknown_artists_stand_alone():
    y, p, genres = some(n=100)
    over_tracks = metrics.evaluate(y, p, genres=genres, draws=20).to_dict()["bootstrap"]
    assert (over_tracks["over"], over_tracks["groups"]) == ("tracks", 100)
    artists = ["a"] * 50 + ["b"] * 25 + [None] * 20 + [float("nan")] * 5
    found = metrics.evaluate(y, p, genres=genres, groups=artists, draws=20).to_dict()["bootstrap"]
    assert (found["over"], found["groups"]) == ("artists", 27)
    assert found["effective_groups"] == pytest.approx(100**2 / (50**2 + 25**2 + 25))


def test_intervals_hold_the_figure_and_are_wider_over_few_artists():
    y, p, genres = some(n=600)
    tracks = metrics.evaluate(y, p, genres=genres)
    artists = metrics.evaluate(y, p, genres=genres, groups=[i // 60 for i in range(600)])
    for name in metrics.NAMES:
        low, high = tracks.interval(name)
        assert low <= tracks.figure(name) <= high
    # Tracks of these artists are no more alike than others, so the width must be about the same,
    # while copies of one track make a part that is worth 60 tracks instead of 600.
    copies = np.repeat(np.arange(60), 10)
    alike = metrics.evaluate(y[copies], p[copies], genres=genres, groups=copies.tolist())
    width = {
        name: np.diff(found.interval("f1.macro"))[0]
        for name, found in (("tracks", tracks), ("artists", artists), ("alike", alike))
    }
    assert width["alike"] > 2 * width["tracks"]
    assert width["artists"] < 2 * width["tracks"]


def test_the_bootstrap_interval_is_that_of_theory_for_a_share():
    rng = np.random.default_rng(0)
    right = rng.random(2000) < 0.8
    y = np.ones((2000, 1), int)
    report = metrics.evaluate(y, right[:, None].astype(float), genres=["g"])
    low, high = report.interval("accuracy.subset")
    half = 1.96 * np.sqrt(0.8 * 0.2 / 2000)
    assert low == pytest.approx(right.mean() - half, abs=0.003)
    assert high == pytest.approx(right.mean() + half, abs=0.003)


def test_the_same_seed_gives_the_same_draws_whatever_the_number_of_processors(monkeypatch):
    y, p, genres = some()
    once = metrics.evaluate(y, p, genres=genres, draws=120).to_dict()
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    assert metrics.evaluate(y, p, genres=genres, draws=120).to_dict() == once
    assert metrics.evaluate(y, p, genres=genres, draws=120, seed=1).to_dict() != once


def test_two_judgements_of_the_same_tracks_see_the_same_draws():
    y, p, genres = some()
    one = metrics.evaluate(y, p, genres=genres, draws=50).draws.figures.overall["loss"]
    other = metrics.evaluate(y, p**1.0001, genres=genres, draws=50).draws.figures.overall["loss"]
    assert np.abs(one - other).max() < 1e-3 < np.ptp(one)


def test_one_track_or_one_artist_has_no_interval():
    one = metrics.evaluate([[1, 0]], [[0.9, 0.2]], genres=["a", "b"]).to_dict()
    assert one["intervals"] is None
    assert one["bootstrap"] is None
    y, p, genres = some(n=20)
    assert metrics.evaluate(y, p, genres=genres, groups=["a"] * 20).to_dict()["intervals"] is None


def test_a_genre_without_tracks_has_no_interval_and_the_others_have():
    y, p, genres = some(n=50)
    y[:, 0] = 0
    found = metrics.evaluate(y, p, genres=genres, draws=100).to_dict()["intervals"]
    assert found["per_genre"]["g0"]["roc_auc"] is None
    assert found["per_genre"]["g1"]["roc_auc"] is not None
    assert found["roc_auc"]["macro"] is not None


def test_a_genre_that_is_not_drawn_does_not_pull_the_macro_mean_down():
    """A genre by one artist of ten is missing from a third of the draws."""
    y = np.zeros((50, 2), int)
    y[:, 0] = 1
    y[:5, 1] = 1
    artists = [index // 5 for index in range(50)]
    found = metrics.evaluate(y, y * 0.9, genres=["common", "rare"], groups=artists)
    # Nothing was wrong: how wrong it may be on other artists follows from their number.
    assert found.interval("f1.macro") == list(bootstrap.wilson(1.0, 10))
    per_genre = found.to_dict()["intervals"]["per_genre"]["rare"]
    assert per_genre["f1"] == per_genre["recall"] == list(bootstrap.wilson(1.0, 1))
    lacking = metrics.evaluate(y[10:], y[10:] * 0.9, genres=["common", "rare"])
    assert lacking.figure("f1.macro") == 0.5
    assert lacking.interval("f1.macro") == list(bootstrap.wilson(0.5, 40))


def test_an_interval_holds_its_figure_where_genres_have_a_track_or_two():
    for seed in range(6):
        rng = np.random.default_rng(seed)
        n, g = 40, 25
        y = np.zeros((n, g), int)
        y[np.arange(n), np.r_[np.arange(g), rng.integers(0, g, n - g)]] = 1
        p = np.clip(0.15 * y + rng.random((n, g)) * 0.5, 0, 1)
        genres = [f"g{index}" for index in range(g)]
        found = metrics.evaluate(y, p, genres=genres, thresholds=0.3)
        # Not precision: with a genre's only track come, if any, one and a half on average.
        for kind in ("f1", "recall", "roc_auc", "average_precision"):
            low, high = found.interval(f"{kind}.macro")
            assert low <= found.figure(f"{kind}.macro") <= high, kind


def test_effective_number_is_the_number_of_equal_groups():
    assert bootstrap.effective_number([3, 3, 3]) == pytest.approx(3)
    assert bootstrap.effective_number([98, 1, 1]) < 1.05
    assert bootstrap.effective_number([]) == 0


@pytest.mark.parametrize(
    ("n_tracks", "n_artists", "known"),
    [(40, 7, False), (40, 8, True), (9, None, False), (10, None, True), (9, 9, False)],
)
def test_too_few_artists_or_tracks_get_no_interval(n_tracks, n_artists, known):
    rng = np.random.default_rng(0)
    y = np.arange(2 * n_tracks).reshape(n_tracks, 2) % 3 == 0
    artists = None if n_artists is None else [index % n_artists for index in range(n_tracks)]
    found = metrics.evaluate(y, rng.uniform(size=y.shape), genres=["a", "b"], groups=artists)
    assert (found.interval("f1.macro") is not None) == known
    assert (found.to_dict()["bootstrap"] is not None) == known


@pytest.mark.parametrize("share", [0.9, 0.97, 1.0])
def test_an_interval_holds_what_it_promises_near_the_edge(share):
    """Of 40 tracks a share is right; in 19 of 20 such parts the interval has it, or nearly."""
    rng = np.random.default_rng(1)
    held = 0
    n = 200
    for _ in range(n):
        right = rng.random(40) < share
        y = np.ones((40, 1), int)
        found = metrics.evaluate(y, right[:, None] * 0.9, genres=["jazz"], draws=200)
        low, high = found.interval("recall.macro")
        assert high > low
        held += low <= share <= high
    assert held / n > 0.9


def test_wilsons_interval_reaches_the_edge_and_no_further():
    assert bootstrap.wilson(0.5, 10)[0] < 0.5 < bootstrap.wilson(0.5, 10)[1]
    assert bootstrap.wilson(0.0, 8)[0] == 0.0
    assert bootstrap.wilson(1.0, 8)[1] == 1.0
