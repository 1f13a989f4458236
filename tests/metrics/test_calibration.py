import numpy as np
import pytest

from genre_engine import metrics
from genre_engine.errors import WrongUsage
from genre_engine.metrics import calibration


def logit(p):
    return np.log(p / (1 - p))


def drawn(n=20_000, g=3, seed=0):
    """Truth that follows known probabilities."""
    rng = np.random.default_rng(seed)
    p = rng.beta(1, 3, (n, g)).clip(1e-4, 1 - 1e-4)
    return (rng.random((n, g)) < p).astype(int), p


def test_platt_finds_the_slope_and_the_offsets_that_bent_the_probabilities():
    y, p = drawn()
    bent = 1 / (1 + np.exp(-(logit(p) - np.array([1.0, 0.0, -1.5])) / 2))
    found = calibration.fit(metrics.check(y, bent, ["a", "b", "c"]))
    assert found.slope == pytest.approx(2, abs=0.1)
    assert found.offsets == pytest.approx([1.0, 0.0, -1.5], abs=0.15)
    assert np.abs(found.apply(bent) - p).mean() < 0.01
    assert calibration.ece(y, found.apply(bent)) < 0.01 < 0.1 < calibration.ece(y, bent)


def test_probabilities_that_are_right_stay_as_they_are():
    y, p = drawn()
    found = calibration.fit(metrics.check(y, p, ["a", "b", "c"]))
    assert found.slope == pytest.approx(1, abs=0.05)
    assert np.abs(found.apply(p) - p).mean() < 0.01


def test_calibration_keeps_the_order_of_each_genre():
    y, p = drawn(n=500)
    found = calibration.fit(metrics.check(y, p, ["a", "b", "c"]))
    assert metrics.auc_macro(y, found.apply(p)) == pytest.approx(metrics.auc_macro(y, p))
    upside_down = calibration.fit(metrics.check(y, 1 - p, ["a", "b", "c"]))
    assert upside_down.slope > 0


def test_genres_without_tracks_and_certain_probabilities_give_finite_numbers():
    y = np.zeros((10, 2), int)
    y[:, 1] = 1
    p = np.zeros((10, 2))
    p[:5] = 1
    found = calibration.fit(metrics.check(y, p, ["a", "b"]))
    assert np.isfinite(found.apply(p)).all()


def test_single_label_rows_still_add_up_to_one():
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(4), 5000)
    label = (rng.random(5000)[:, None] > np.cumsum(p, axis=1)).sum(axis=1)
    y = np.eye(4, dtype=int)[label]
    bent = p**3 / (p**3).sum(axis=1, keepdims=True)
    found = calibration.fit(metrics.check(y, bent, list("abcd"), "multiclass"))
    assert found.slope == pytest.approx(1 / 3, abs=0.03)
    assert found.apply(bent).sum(axis=1) == pytest.approx(1)
    assert np.abs(found.apply(bent) - p).mean() < 0.02


def test_what_was_learnt_survives_json():
    found = calibration.Platt(1.5, np.array([0.1, -0.2]), False)
    again = calibration.Platt.from_dict(found.to_dict())
    p = np.array([[0.2, 0.7]])
    assert again.apply(p) == pytest.approx(found.apply(p))


def test_bins_of_a_reliability_curve_hold_equally_many():
    y, p = drawn(n=1000, g=1)
    found = calibration.reliability(y, p)
    assert found.n.tolist() == [100.0] * 10
    assert (found.low <= found.observed).all()
    assert (found.observed <= found.high).all()
    assert found.error == pytest.approx(calibration.ece(y, p))


def test_equal_probabilities_share_a_bin():
    found = calibration.reliability([1, 0, 1, 0], [0.3, 0.3, 0.3, 0.3])
    assert found.n.tolist() == [4.0]
    assert found.observed.tolist() == [0.5]
    assert found.error == pytest.approx(0.2)
    with pytest.raises(WrongUsage, match="at least one"):
        calibration.reliability([], [])


def test_wilsons_interval_is_the_published_one():
    # Newcombe 1998, table 1: 81 of 263 and 0 of 20.
    low, high = calibration.wilson([81 / 263, 0.0], [263, 20])
    assert low == pytest.approx([0.2553, 0.0], abs=5e-5)
    assert high == pytest.approx([0.3662, 0.1611], abs=5e-5)


def test_brier_is_scikit_learns():
    from sklearn.metrics import brier_score_loss

    y, p = drawn(n=200, g=1)
    assert calibration.brier(y, p) == pytest.approx(brier_score_loss(y[:, 0], p[:, 0]))


@pytest.mark.parametrize(("power", "kept"), [(1.0, False), (3.0, True)])
def test_scaling_is_kept_where_it_helps_on_other_artists(power, kept):
    """Probabilities that come true as they say need no scaling; those that are bent do."""
    rng = np.random.default_rng(1)
    p = rng.uniform(0.05, 0.95, (600, 2))
    y = rng.random(p.shape) < p
    odds = (p / (1 - p)) ** power
    judged = metrics.check(y, odds / (1 + odds), ["a", "b"])
    found = calibration.fit_if_better(judged, [index // 5 for index in range(600)])
    assert found.kept or not kept
    if kept:
        assert found.slope == pytest.approx(1 / power, abs=0.08)
    small = metrics.check(y[:12], p[:12], ["a", "b"])
    assert kept or abs(found.slope - 1) < 0.2
    unchanged = calibration.fit_if_better(small, ["one", "two"] * 6)
    assert not unchanged.kept
    np.testing.assert_allclose(unchanged.apply(small.p), small.p, atol=1e-9)
    assert not calibration.Platt.from_dict(unchanged.to_dict()).kept
