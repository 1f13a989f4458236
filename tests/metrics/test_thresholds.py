import numpy as np
import pytest

from genre_engine import metrics
from genre_engine.errors import WrongUsage
from genre_engine.metrics import thresholds


def some(n=300, g=3, seed=0):
    rng = np.random.default_rng(seed)
    y = (rng.random((n, g)) < [0.5, 0.2, 0.1]).astype(int)
    p = 1 / (1 + np.exp(-(rng.normal(size=(n, g)) + 2 * y - 3)))
    return y, p, ["a", "b", "c"]


@pytest.mark.parametrize("average", ["macro", "micro"])
def test_no_hundredth_is_better_than_the_global_threshold(average):
    y, p, genres = some()
    chosen = thresholds.choose_global(y, p, genres, average=average)

    def f1(threshold):
        report = metrics.evaluate(y, p, genres=genres, thresholds=threshold, draws=0)
        return report.figure(f"f1.{average}")

    assert f1(chosen) >= max(f1(t) for t in np.linspace(0.01, 0.99, 99))


def test_scores_that_are_all_low_get_a_low_threshold():
    y = np.array([[1]] * 10 + [[0]] * 90)
    p = np.where(y, 0.004, 0.001)
    chosen = thresholds.choose_global(y, p, ["rare"])
    assert 0.001 < chosen <= 0.004
    assert (
        metrics.evaluate(y, p, genres=["rare"], thresholds=chosen, draws=0).figure("f1.macro") == 1
    )


def test_a_genre_of_one_artist_stays_near_the_global_threshold_and_one_of_many_keeps_its_own():
    rng = np.random.default_rng(0)
    n = 2000
    y = np.zeros((n, 2), int)
    y[: n // 2, 0] = 1
    y[n // 2 :, 1] = 1
    # The second genre's scores are four times lower, so its own threshold is far off.
    p = np.clip(0.25 + 0.5 * y + 0.05 * rng.normal(size=y.shape), 0.01, 0.99)
    p[:, 1] /= 4
    many = [f"m{index}" for index in range(n)]
    one = [*many[: n // 2], *["single"] * (n // 2)]
    towards = 0.5
    own = thresholds.choose_per_genre(y, p, ["x", "y"], groups=many, towards=towards)
    shrunk = thresholds.choose_per_genre(y, p, ["x", "y"], groups=one, towards=towards)
    assert own[1] < 0.2
    assert shrunk[1] > 0.4
    assert shrunk[0] == pytest.approx(own[0])


def test_a_genre_without_tracks_gets_the_global_threshold():
    y, p, genres = some()
    y[:, 2] = 0
    chosen = thresholds.choose_per_genre(y, p, genres, towards=0.37)
    assert chosen[2] == 0.37


@pytest.mark.parametrize("average", ["macro", "micro"])
def test_a_wanted_precision_is_reached_with_the_most_recall(average):
    y, p, genres = some()
    chosen = thresholds.for_precision(y, p, genres, 0.7, average=average)

    def precision(threshold):
        report = metrics.evaluate(y, p, genres=genres, thresholds=threshold, draws=0)
        return report.figure(f"precision.{average}")

    assert precision(chosen) >= 0.7
    assert all(precision(t) < 0.7 for t in np.arange(0.01, chosen - 0.01, 0.01))


def test_a_precision_out_of_reach_is_reported_with_what_can_be_reached():
    y = np.array([[1], [0]])
    with pytest.raises(WrongUsage, match=r"the most is 0\.500"):
        thresholds.for_precision(y, [[0.5], [0.5]], ["a"], 0.9)
    with pytest.raises(WrongUsage, match="is no precision"):
        thresholds.for_precision(y, [[0.5], [0.5]], ["a"], 1.5)
    with pytest.raises(WrongUsage, match="no average 'weighted'"):
        thresholds.choose_global(y, [[0.5], [0.5]], ["a"], average="weighted")


def test_the_curves_hold_what_a_report_says_at_each_point():
    y, p, genres = some()
    p[0, 0] = 0.25  # exactly on a point
    found = thresholds.curves(metrics.check(y, p, genres))
    assert len(found.points) == 101
    for index in (0, 1, 25, 50, 99, 100):
        report = metrics.evaluate(
            y, p, genres=genres, thresholds=float(found.points[index]), draws=0
        )
        for name, values in found.overall.items():
            assert values[index] == pytest.approx(report.figure(name)), name
        assert found.subset[index] == pytest.approx(report.figure("accuracy.subset"))
        assert found.labelwise[index] == pytest.approx(report.figure("accuracy.labelwise"))
        per_genre = report.to_dict()["per_genre"]
        for column, genre in enumerate(genres):
            assert found.per_genre["f1"][index, column] == pytest.approx(per_genre[genre]["f1"])


def test_a_threshold_given_the_artists_does_not_chase_a_single_track():
    """One lucky track of one artist pulls the best threshold down; other draws lack it."""
    rng = np.random.default_rng(0)
    y = rng.random((60, 1)) < 0.4
    p = np.where(y, rng.uniform(0.4, 0.9, y.shape), rng.uniform(0.05, 0.5, y.shape))
    y[0], p[0] = True, 0.02
    artists = [index // 3 for index in range(60)]
    alone = thresholds.choose_global(y, p, ["pop"])
    given = thresholds.choose_global(y, p, ["pop"], groups=artists)
    without = thresholds.choose_global(y[3:], p[3:], ["pop"], groups=artists[3:])
    assert 0.2 < given < 0.6
    assert abs(given - without) < 0.05
    assert thresholds.choose_global(y, p, ["pop"], groups=artists) == given
    assert thresholds.choose_global(y, p, ["pop"], groups=["one"] * 60) == pytest.approx(alone)
