import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_engine import metrics
from genre_engine.metrics import curves


@given(st.integers(0, 2**32 - 1), st.booleans())
@settings(max_examples=40, deadline=None)
def test_the_curves_are_scikit_learns(seed, tied):
    from sklearn import metrics as sk

    rng = np.random.default_rng(seed)
    truth = np.r_[True, False, rng.random(18) < 0.4]
    scores = np.round(rng.random(20) * 5) / 5 if tied else rng.random(20)
    found = curves.roc(truth, scores)
    x, y, _ = sk.roc_curve(truth, scores, drop_intermediate=False)
    assert found.x == pytest.approx(x)
    assert found.y == pytest.approx(y)
    precision, recall, _ = sk.precision_recall_curve(truth, scores)
    expected = {(round(r, 9), round(p, 9)) for r, p in zip(recall, precision, strict=True) if r > 0}
    found = curves.precision_recall(truth, scores)
    assert {(round(x, 9), round(y, 9)) for x, y in zip(found.x, found.y, strict=True)} == expected


def test_long_curves_are_thinned_and_keep_their_area():
    rng = np.random.default_rng(0)
    truth = rng.random(20_000) < 0.1
    scores = rng.normal(size=20_000) + 2 * truth
    found = curves.roc(truth, scores)
    assert len(found.x) <= 200
    assert (found.x[0], found.y[0], found.x[-1], found.y[-1]) == (0, 0, 1, 1)
    area = np.trapezoid(found.y, found.x)
    assert area == pytest.approx(metrics.auc_macro(truth[:, None], scores[:, None]), abs=2e-3)


def test_genres_without_a_curve_are_left_out_of_the_mean():
    y = np.array([[1, 0], [0, 0], [1, 0]])
    p = np.array([[0.9, 0.1], [0.2, 0.3], [0.8, 0.2]])
    found = curves.roc_curves(metrics.check(y, p, ["a", "b"]))
    assert list(found.per_genre) == ["a"]
    assert found.macro.y[1:] == pytest.approx(1)
    nothing = curves.roc_curves(metrics.check(np.zeros((3, 2)), p, ["a", "b"]))
    assert (nothing.per_genre, nothing.micro, nothing.macro) == ({}, None, None)
