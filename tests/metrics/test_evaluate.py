"""The report against scikit-learn, over many small cases, and on answers known by hand."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_engine import metrics
from genre_engine.errors import WrongUsage

CLOSE = {"abs": 1e-9, "rel": 1e-9}


def same(found, expected):
    """Equal to 1e-9, or neither is defined."""
    if expected is None:
        return found is None
    return found == pytest.approx(expected, **CLOSE)


@st.composite
def cases(draw):
    """Few tracks and genres, so that absent genres, full ones and ties are common."""
    n, g = draw(st.integers(1, 12)), draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    y = (rng.random((n, g)) < draw(st.sampled_from([0.0, 0.2, 0.5, 1.0]))).astype(int)
    p = rng.random((n, g))
    if draw(st.booleans()):
        p = np.round(p * 4) / 4
    if draw(st.booleans()):
        p = p.astype(np.float32)
    return y, p


def evaluated(y, p, **options):
    genres = [f"g{index}" for index in range(y.shape[1])]
    return metrics.evaluate(y, p, genres=genres, draws=0, **options).to_dict()


@given(cases())
@settings(max_examples=60, deadline=None)
def test_every_figure_is_scikit_learns(case):
    from sklearn import metrics as sk

    y, p = case
    found = evaluated(y, p)
    said = (p >= 0.5).astype(int)
    cells = (y.reshape(-1), said.reshape(-1))
    assert found["accuracy"]["subset"] == pytest.approx((y == said).all(axis=1).mean(), **CLOSE)
    assert found["accuracy"]["labelwise"] == pytest.approx(sk.accuracy_score(*cells), **CLOSE)
    assert found["hamming_loss"] == pytest.approx(sk.hamming_loss(*cells), **CLOSE)
    if y.shape[1] > 1:
        assert found["accuracy"]["subset"] == pytest.approx(sk.accuracy_score(y, said), **CLOSE)
    for mean in ("micro", "macro"):
        if y.shape[1] == 1 and mean == "macro":
            continue
        expected_values = sk.precision_recall_fscore_support(
            *(cells if y.shape[1] == 1 else (y, said)),
            average="binary" if y.shape[1] == 1 else mean,
            zero_division=0,
        )
        for name, value in zip(("precision", "recall", "f1"), expected_values, strict=False):
            assert found[name][mean] == pytest.approx(value, **CLOSE)


@given(cases())
@settings(max_examples=60, deadline=None)
def test_rankings_are_scikit_learns_where_they_are_defined(case):
    from sklearn import metrics as sk

    y, p = case
    found = evaluated(y, p)
    aucs, precisions = [], []
    for index, genre in enumerate(found["genres"]):
        truth, scores = y[:, index], p[:, index].astype(float)
        auc = sk.roc_auc_score(truth, scores) if 0 < truth.sum() < len(truth) else None
        precision = sk.average_precision_score(truth, scores) if truth.any() else None
        assert same(found["per_genre"][genre]["roc_auc"], auc)
        assert same(found["per_genre"][genre]["average_precision"], precision)
        assert (genre in found["undefined"]["roc_auc"]) == (auc is None)
        assert (genre in found["undefined"]["average_precision"]) == (precision is None)
        aucs += [] if auc is None else [auc]
        precisions += [] if precision is None else [precision]
    assert same(found["roc_auc"]["macro"], np.mean(aucs) if aucs else None)
    assert same(found["average_precision"]["macro"], np.mean(precisions) if precisions else None)
    truth, scores = y.ravel(), p.ravel().astype(float)
    micro = sk.roc_auc_score(truth, scores) if 0 < truth.sum() < truth.size else None
    assert same(found["roc_auc"]["micro"], micro)
    micro = sk.average_precision_score(truth, scores) if truth.any() else None
    assert same(found["average_precision"]["micro"], micro)
    assert same(metrics.auc_macro(y, p), found["roc_auc"]["macro"])
    assert same(metrics.average_precision_macro(y, p), found["average_precision"]["macro"])


@given(cases())
@settings(max_examples=50, deadline=None)
def test_the_loss_is_scikit_learns_over_cells(case):
    from sklearn import metrics as sk

    y, p = case
    clipped = np.clip(p.astype(float), 1e-7, 1 - 1e-7)
    expected = sk.log_loss(y.ravel(), clipped.ravel(), labels=[0, 1])
    assert evaluated(y, p)["loss"] == pytest.approx(expected, **CLOSE)
    assert metrics.binary_cross_entropy(y, p) == pytest.approx(expected, **CLOSE)


def test_multiclass_says_the_most_probable_genre_and_has_no_thresholds():
    from sklearn import metrics as sk

    rng = np.random.default_rng(1)
    label = rng.integers(0, 4, 60)
    y = np.eye(4, dtype=int)[label]
    p = rng.dirichlet(np.ones(4), 60)
    found = evaluated(y, p, task="multiclass")
    said = p.argmax(axis=1)
    assert found["thresholds"] is None
    assert found["loss"] == pytest.approx(sk.log_loss(label, p), **CLOSE)
    assert found["loss"] == pytest.approx(metrics.categorical_cross_entropy(y, p), **CLOSE)
    assert found["accuracy"]["subset"] == pytest.approx(sk.accuracy_score(label, said), **CLOSE)
    assert found["accuracy"]["top1"] == found["accuracy"]["subset"] == metrics.top1_accuracy(y, p)
    assert found["f1"]["macro"] == pytest.approx(
        sk.f1_score(label, said, average="macro", zero_division=0), **CLOSE
    )


def test_top1_asks_whether_the_best_ranked_genre_is_among_the_true_ones():
    y = np.array([[1, 1, 0], [0, 0, 1], [0, 0, 0]])
    p = np.array([[0.1, 0.3, 0.2], [0.9, 0.1, 0.8], [0.5, 0.4, 0.3]])
    assert evaluated(y, p)["accuracy"]["top1"] == pytest.approx(1 / 3)


def test_the_report_has_the_keys_of_the_contract_and_is_json():
    y = np.array([[1, 0], [0, 1], [1, 1]])
    p = np.array([[0.9, 0.2], [0.4, 0.6], [0.8, 0.4]])
    found = metrics.evaluate(y, p, genres=["jazz", "rock"], thresholds=0.5).to_dict()
    assert {
        *("run", "part", "genres", "support", "loss", "accuracy", "hamming_loss", "precision"),
        *("recall", "f1", "roc_auc", "average_precision", "per_genre", "thresholds"),
        *("baselines", "intervals", "artist_overlap"),
    } <= set(found)
    assert found["support"] == {"jazz": 2, "rock": 2}
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["run"] is None
    assert found["artist_overlap"] is None
    assert found["thresholds"] == {"global": 0.5, "per_genre": {"jazz": 0.5, "rock": 0.5}}


def test_what_would_need_training_data_is_null_and_the_rest_of_the_baselines_is_there():
    y = np.array([[1, 0], [0, 1], [1, 1], [1, 0]])
    found = evaluated(y, np.full(y.shape, 0.3))["baselines"]
    for name in ("training_prior", "most_frequent", "prior_random", "artist_prior"):
        assert found[name] is None
    negative, positive = found["always_negative"], found["always_positive"]
    assert negative["hamming_loss"] == pytest.approx(y.mean())
    assert negative["f1"] == {"micro": 0, "macro": 0}
    assert positive["recall"] == {"micro": 1, "macro": 1}
    assert positive["precision"]["micro"] == pytest.approx(y.mean())
    assert positive["roc_auc"]["macro"] == 0.5
    assert negative["average_precision"]["macro"] == pytest.approx(y.mean(axis=0).mean())
    assert negative["accuracy"]["top1"] is None


def test_thresholds_may_be_one_number_or_one_a_genre_by_name_or_in_order():
    y = np.array([[1, 0], [0, 1], [1, 1]])
    p = np.array([[0.9, 0.2], [0.4, 0.6], [0.8, 0.4]])
    genres = ["jazz", "rock"]
    by_name = metrics.evaluate(
        y, p, genres=genres, thresholds={"rock": 0.3, "jazz": 0.5}, draws=0
    ).to_dict()
    in_order = metrics.evaluate(y, p, genres=genres, thresholds=[0.5, 0.3], draws=0).to_dict()
    assert by_name == in_order
    assert by_name["accuracy"]["subset"] == 1
    assert by_name["thresholds"] == {"global": None, "per_genre": {"jazz": 0.5, "rock": 0.3}}


def test_a_genre_is_said_from_its_threshold_on():
    found = evaluated(np.array([[1], [0]]), np.array([[0.5], [0.4999]]))
    assert found["accuracy"]["subset"] == 1


GOOD_Y, GOOD_P = [[1, 0], [0, 1]], [[0.9, 0.1], [0.2, 0.8]]


@pytest.mark.parametrize(
    ("y", "p", "options", "match"),
    [
        ([[1, 0]], GOOD_P, {}, "same tracks in the same order"),
        ([1, 0], GOOD_P, {}, "must be .tracks, genres."),
        (GOOD_Y, [[0.9], [0.2]], {}, "must be .tracks, genres."),
        (GOOD_Y, [[0.9, np.nan], [0.2, 0.8]], {}, "Row 0 gives 'rock' the probability nan"),
        (GOOD_Y, [[0.9, 0.1], [0.2, 1.8]], {}, "between 0 and 1"),
        ([[2, 0], [0, 1]], GOOD_P, {}, "other values than 0 and 1"),
        ([["a", 0], [0, 1]], GOOD_P, {}, "isn't a number"),
        (np.zeros((0, 2)), np.zeros((0, 2)), {}, "no track to judge"),
        (GOOD_Y, GOOD_P, {"genres": []}, "No genre was named"),
        (GOOD_Y, GOOD_P, {"genres": "ab"}, "list of names"),
        (GOOD_Y, GOOD_P, {"genres": ["a", "a"]}, "named twice"),
        (GOOD_Y, GOOD_P, {"thresholds": {"jazz": 0.5, "folk": 0.5}}, "'folk', which is none"),
        (GOOD_Y, GOOD_P, {"thresholds": {"jazz": 0.5}}, "no threshold for rock"),
        (GOOD_Y, GOOD_P, {"thresholds": [0.5, 0.5, 0.5]}, "3 thresholds for 2 genres"),
        (GOOD_Y, GOOD_P, {"thresholds": 1.5}, "between 0 and 1"),
        (GOOD_Y, GOOD_P, {"thresholds": "high"}, "is no threshold"),
        (GOOD_Y, GOOD_P, {"task": "ranking"}, "no task 'ranking'"),
        ([[1, 1], [0, 1]], GOOD_P, {"task": "multiclass"}, "a track has one genre"),
        (GOOD_Y, [[0.9, 0.9], [0.2, 0.8]], {"task": "multiclass"}, "add up to 1"),
        (GOOD_Y, GOOD_P, {"groups": ["a"]}, "1 groups for 2 tracks"),
        (GOOD_Y, GOOD_P, {"draws": -1}, "can't be made"),
        (GOOD_Y, GOOD_P, {"part": "exam"}, "no part 'exam'"),
        (GOOD_Y, GOOD_P, {"baselines": {"mine": [[0.5]]}}, "baseline 'mine'"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(y, p, options, match):
    with pytest.raises(WrongUsage, match=match):
        metrics.evaluate(y, p, **{"genres": ["jazz", "rock"], **options})


def test_a_softmax_that_passes_one_by_rounding_is_taken():
    p = np.array([[1.0000001, 0.0], [0.2, 0.8]])
    assert evaluated(np.array(GOOD_Y), p)["accuracy"]["subset"] == 1


def test_epoch_end_functions_give_none_where_nothing_is_defined_and_survive_nan():
    y = np.zeros((3, 2))
    assert metrics.auc_macro(y, y) is None
    assert metrics.average_precision_macro(y, y) is None
    assert metrics.auc_macro([[1], [0]], [[np.nan], [0.2]]) is None
    assert metrics.labelwise_accuracy(GOOD_Y, GOOD_P) == 1
