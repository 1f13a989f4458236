"""What the models can be reported about learning, on known answers."""

import dataclasses

import numpy as np
import pytest

from genre_engine import models
from genre_engine.errors import ModelError
from genre_engine.metrics import auc_macro
from genre_engine.models import Stop, boosting
from genre_engine.models.batches import Chunk, mix
from genre_engine.models.class_weights import class_weights
from genre_engine.models.cnn import CnnSettings, augment
from genre_engine.models.history import Watch, cross_entropy
from genre_engine.models.scaling import Scaling
from tests.models.test_contract import Recorder, made


def test_a_constant_column_becomes_nothing_and_outliers_are_clipped():
    x = np.array([[1, 0.1, 0], [1, 0.1, 2], [1, 0.1, 4]], np.float32)
    scaled = Scaling.of(x, 3.0)(np.array([[9, 0.2, 2], [1, 0.1, 1e6]], np.float32))
    np.testing.assert_array_equal(scaled, [[0, 0, 0], [0, 0, 3]])


@pytest.mark.parametrize("size", [1e-30, 1e-12, 1.0, 1e25, 1e38])
def test_a_column_counts_whatever_its_unit(size):
    x = np.random.default_rng(0).uniform(-1, 1, (200, 2))
    wanted = Scaling.of(x.astype(np.float32), 3.0)(x.astype(np.float32))
    large = (x * size).astype(np.float32)
    with np.errstate(all="raise", under="ignore"):
        scaled = Scaling.of(large, 3.0)(large)
    np.testing.assert_allclose(scaled, wanted, rtol=1e-4, atol=1e-5)


def test_rare_genres_weigh_by_the_square_root_and_at_most_five():
    y = np.zeros((100, 3), np.uint8)
    y[:, 0], y[:25, 1], y[:1, 2] = 1, 1, 1
    np.testing.assert_allclose(class_weights(y), [1, 2, 5])


def test_mixup_keeps_each_track_the_greater_part():
    rng = np.random.default_rng(0)
    x = np.eye(8, dtype=np.float32)[None]
    mixed = mix(Chunk(x, x.copy(), np.arange(8)[None]), 0.4, rng)
    np.testing.assert_allclose(mixed.x.sum(axis=-1), 1, atol=1e-6)
    np.testing.assert_array_equal(mixed.x, mixed.y)
    assert (mixed.x[0].argmax(axis=-1) == np.arange(8)).all()
    assert (mixed.x[0].max(axis=-1) < 1).any()


def test_gain_is_that_of_the_sound():
    mel = np.random.default_rng(0).random((4, 20, 8), np.float32)
    patches = np.log10(1e4 * mel + 1)
    louder = augment(patches, CnnSettings(gain_db=6.0, crop=1.0), np.random.default_rng(1))
    gain = (10**louder - 1) / (1e4 * mel)
    np.testing.assert_allclose(
        gain, gain.mean(axis=(1, 2), keepdims=True) * np.ones_like(gain), 0.02
    )
    assert ((10 * np.log10(gain) >= -6.1) & (10 * np.log10(gain) <= 6.1)).all()


def test_a_crop_is_a_stretch_of_the_patch():
    patches = np.tile(np.arange(20, dtype=np.float32)[None, :, None], (5, 1, 3))
    cut = augment(patches, CnnSettings(gain_db=0.0, crop=0.5), np.random.default_rng(1))
    assert cut.shape == (5, 10, 3)
    np.testing.assert_array_equal(np.diff(cut[:, :, 0]), 1)


@pytest.mark.parametrize(
    "more",
    [
        {"loss": "focal", "class_weights": True, "label_smoothing": 0.1},
        {"batch_norm": True, "dropout_everywhere": True, "l2": 1e-4, "schedule": "cosine"},
        {"mixup": 0.3, "noise": 0.1, "schedule": "plateau", "layers": [16]},
    ],
)
@pytest.mark.parametrize("task", ["multilabel", "multiclass"])
def test_fcn_learns_and_resumes_with_every_option(more, task, problem, tmp_path):
    train, validation, test = problem(models.model("fcn"), task)
    whole = made("fcn", **more).fit(train, validation)
    assert auc_macro(test.y, whole.predict_proba(test.x)) > 0.75
    with pytest.raises(Stop):
        made("fcn", **more).fit(train, validation, Recorder(3), tmp_path)
    resumed = made("fcn", **more).fit(train, validation, checkpoint=tmp_path)
    np.testing.assert_array_equal(resumed.predict_proba(test.x), whole.predict_proba(test.x))


@pytest.mark.parametrize("name", ["xgboost", "forest", "linear"])
def test_class_weights_raise_rare_genres(name, problem):
    train, validation, test = problem(models.model(name), "multilabel")
    # A tree whose leaves hold one track each has nothing left to weigh.
    more = {"least_leaf": 5} if name == "forest" else {}
    plain, weighted = (
        made(name, class_weights=on, **more).fit(train, validation).predict_proba(test.x)
        for on in (False, True)
    )
    assert weighted[:, 2].mean() > plain[:, 2].mean()


@pytest.mark.parametrize(
    ("thresholds", "like"), [("best", "RandomForestClassifier"), ("random", "ExtraTreesClassifier")]
)
def test_the_forest_equals_scikit_learns(thresholds, like, problem):
    from sklearn import ensemble

    train, validation, test = problem(models.model("forest"), "multiclass")
    model = made("forest", trees=20, thresholds=thresholds).fit(train, validation)
    bare = getattr(ensemble, like)(20, random_state=0).fit(train.x, train.y.argmax(axis=1))
    np.testing.assert_allclose(model.predict_proba(test.x), bare.predict_proba(test.x), atol=1e-6)


def test_the_regression_equals_scikit_learns(problem):
    from sklearn.linear_model import LogisticRegression

    train, validation, test = problem(models.model("linear"), "binary")
    model = made("linear").fit(train, validation)
    scale = Scaling.of(train.x, 5.0)
    bare = LogisticRegression(C=0.1, max_iter=1000).fit(scale(train.x), train.y[:, 1])
    np.testing.assert_allclose(
        model.predict_proba(test.x), bare.predict_proba(scale(test.x)), atol=1e-5
    )


def test_a_solver_that_has_not_settled_says_so(problem):
    train, validation, _ = problem(models.model("linear"), "multiclass")
    recorder = Recorder()
    made("linear", max_iterations=10, strength=100.0).fit(train, validation, recorder)
    assert any("Allow more iterations" in text for text in recorder.texts)


def test_boosting_ends_early_when_validation_stops_improving(problem):
    train, validation, _ = problem(models.model("xgboost"), "binary")
    model = made("xgboost", rounds=400, learning_rate=0.8, patience=20).fit(train, validation)
    assert len(model.history_) == model.best_epoch_ + 2
    assert model.booster_.num_boosted_rounds() == model.best_epoch_ * boosting.ROUNDS_PER_EPOCH


def test_features_that_are_not_finite_are_named(problem):
    train, validation, _ = problem(models.model("linear"), "binary")
    x = train.x.copy()
    x[3, 5] = np.nan
    with pytest.raises(ModelError, match=r"'column_05' in row 4.*Extract the features again"):
        made("linear").fit(dataclasses.replace(train, x=x), validation)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda data: dataclasses.replace(data, task="binary"), "two genres, not 3"),
        (lambda data: dataclasses.replace(data, task="ranking"), "no task 'ranking'"),
        (
            lambda data: dataclasses.replace(data, y=np.ones_like(data.y), task="multilabel"),
            "Every track in train carries the genre 'ambient'",
        ),
        (lambda data: dataclasses.replace(data, x=data.x[:0], y=data.y[:0]), "no tracks in train"),
        (
            lambda data: dataclasses.replace(
                data, y=data.y[:, :1], genres=data.genres[:1], task="multiclass"
            ),
            "exactly one genre a track",
        ),
    ],
)
def test_what_can_not_be_learnt_is_refused_in_words(change, match, problem):
    train, validation, _ = problem(models.model("linear"), "multiclass")
    with pytest.raises(ModelError, match=match):
        made("linear").fit(change(train), change(validation))


def test_batches_are_reported_at_most_four_times_a_second():
    now = [0.0]
    reported = []

    class Progress(Recorder):
        def batch(self, *, epoch, epochs, batch, batches, loss):
            reported.append(batch)

    watch = Watch(Progress(), task="multilabel", epochs=1, clock=lambda: now[0])
    for batch in range(1, 101):
        now[0] += 0.01
        watch.batch(batch, 100)
    assert len(reported) in (3, 4)


@pytest.mark.parametrize("task", ["multilabel", "multiclass"])
def test_the_strength_is_chosen_by_folds_within_train(task, problem):
    train, validation, test = problem(models.model("linear"), task, sizes=(90, 60, 300))
    recorder = Recorder()
    model = models.model("linear")(seed=0).fit(train, validation, recorder)
    assert 1e-4 <= model.strength_ <= 10
    assert any("chosen by 5 folds" in text for text in recorder.texts)
    losses = {
        strength: cross_entropy(
            test.y, made("linear", strength=strength).fit(train, None).predict_proba(test.x), task
        )
        for strength in (1e-5, 100.0)
    }
    assert cross_entropy(test.y, model.predict_proba(test.x), task) < min(losses.values())


@pytest.mark.parametrize(
    ("name", "given", "left"),
    [
        ("linear", {"strength": 0.0}, {"strength"}),
        ("linear", {"strength": 0.1}, set()),
        ("svm", {"strength": 0.0, "gamma": 0.0}, {"strength", "gamma"}),
        ("svm", {"strength": 0.0, "gamma": 0.5}, {"strength"}),
    ],
)
def test_what_was_left_to_a_model_is_known_after_the_fit(name, given, left, problem, tmp_path):
    train, validation, _ = problem(models.model(name), "multilabel", sizes=(90, 60, 0))
    model = made(name, **given).fit(train, validation, checkpoint=tmp_path / "state")
    assert set(model.chosen_) == left
    for setting, value in model.chosen_.items():
        model.Settings.info(setting).checked(value)
    again = made(name, **given).fit(train, validation, checkpoint=tmp_path / "state")
    assert again.chosen_ == model.chosen_


@pytest.mark.parametrize("task", ["multilabel", "multiclass"])
def test_the_machines_are_scikit_learns(task, problem):
    from sklearn.svm import SVC

    train, validation, test = problem(models.model("svm"), task)
    model = made("svm", strength=2.0, gamma=0.5).fit(train, validation)
    scale = Scaling.of(train.x, 5.0)
    gamma = 0.5 / train.x.shape[1]
    for genre in range(train.y.shape[1]):
        bare = SVC(C=2.0, gamma=gamma).fit(scale(train.x), train.y[:, genre])
        np.testing.assert_allclose(
            model.machines_.distances(scale(test.x))[:, genre],
            bare.decision_function(scale(test.x)),
            atol=1e-3,
        )


def test_the_machines_probabilities_are_calibrated(problem):
    train, validation, test = problem(models.model("svm"), "multilabel", sizes=(300, 60, 2000))
    p = models.model("svm")(seed=0).fit(train, validation).predict_proba(test.x)
    for genre in range(p.shape[1]):
        assert abs(p[:, genre].mean() - test.y[:, genre].mean()) < 0.05
        sure = p[:, genre] > 0.8
        assert test.y[sure, genre].mean() > 0.7


def test_inner_folds_keep_artists_together(problem):
    from dataclasses import replace

    from genre_engine.models.inner_folds import inner_folds

    train, *_ = problem(models.model("linear"), "multilabel")
    groups = np.arange(len(train)) // 4
    folds = list(inner_folds(replace(train, groups=groups), 0))
    assert len(folds) == 5
    held = np.concatenate([rows for _, rows in folds])
    assert sorted(held) == list(range(len(train)))
    for learnt, judged in folds:
        assert set(groups[learnt]).isdisjoint(groups[judged])
