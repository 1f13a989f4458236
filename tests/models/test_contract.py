"""What every model keeps, on every task."""

import dataclasses
import json

import numpy as np
import pytest

from genre_engine import models
from genre_engine.errors import ModelError
from genre_engine.labels import TASKS
from genre_engine.metrics import auc_macro
from genre_engine.models import Enough, FeatureInfo, Stop, onnx_file
from genre_engine.models.classifier import OnnxClassifier
from genre_engine.models.files import read_description
from genre_engine.models.history import cross_entropy

# Small and quick, and enough to learn the small problems.
QUICK = {
    "fcn": {"layers": [32, 16], "learning_rate": 0.01, "epochs": 12, "patience": 4, "dropout": 0.2},
    "cnn": {
        "filters": [8, 16],
        "learning_rate": 0.01,
        "epochs": 8,
        "patience": 8,
        "batch_size": 16,
        "dropout": 0.1,
    },
    "xgboost": {"rounds": 42, "depth": 3, "learning_rate": 0.3, "patience": 20},
    "forest": {"trees": 30},
    "linear": {"strength": 0.1},
    "svm": {"strength": 3.0, "gamma": 0.5},
    "ensemble": {"svm": False, "fcn": False, "xgboost": False},
}
# `auto` is the ensemble with other members, and as many as its minutes allow.
NAMES = tuple(name for name in models.NAMES if name != "auto")
EVERY = [(name, task) for name in NAMES for task in TASKS]
# Those that are written as one graph.
ONE_GRAPH = [(name, task) for name, task in EVERY if name != "ensemble"]


def made(name, seed=0, **more):
    model = models.model(name)
    return model(model.Settings.from_dict(QUICK[name] | more), seed=seed)


class Recorder:
    """A progress that remembers, and stops after an epoch if of_epochs to."""

    def __init__(self, stop_after=None):
        self.stop_after = stop_after
        self.epochs = []
        self.texts = []

    def batch(self, *, epoch, epochs, batch, batches, loss):
        assert 1 <= epoch <= epochs
        assert 0 < batch <= batches

    def epoch(self, values):
        self.epochs.append(values)
        if values["epoch"] == self.stop_after:
            raise Stop

    def log(self, text):
        self.texts.append(text)


def of_epochs(history):
    """A history without its times."""
    return [{key: value for key, value in e.items() if key != "seconds"} for e in history]


@pytest.fixture(scope="session")
def learnt(problem):
    """Each model and task once."""
    known = {}

    def get(name, task):
        if (name, task) not in known:
            train, validation, _ = problem(models.model(name), task)
            known[name, task] = made(name).fit(train, validation)
        return known[name, task]

    return get


@pytest.mark.parametrize(("name", "task"), EVERY)
def test_a_model_learns_clearly_more_than_doing_nothing(name, task, problem, learnt):
    train, _, test = problem(models.model(name), task)
    p = learnt(name, task).predict_proba(test.x)
    prior = np.tile(train.y.mean(axis=0, dtype=np.float64), (len(test), 1))
    assert cross_entropy(test.y, p, task) < 0.8 * cross_entropy(test.y, prior, task)
    assert auc_macro(test.y, p) > 0.8


@pytest.mark.parametrize(("name", "task"), EVERY)
def test_probabilities_have_a_column_a_genre(name, task, problem, learnt):
    test = problem(models.model(name), task)[2]
    p = learnt(name, task).predict_proba(test.x)
    assert p.dtype == np.float32
    assert p.shape == test.y.shape
    assert ((p >= 0) & (p <= 1)).all()
    if task != "multilabel":
        np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-5)
    nothing = test.x[:0] if isinstance(test.x, np.ndarray) else test.x.take(np.arange(0))
    assert learnt(name, task).predict_proba(nothing).shape == (0, test.y.shape[1])


@pytest.mark.parametrize(("name", "task"), EVERY)
def test_a_saved_model_predicts_the_same_numbers(name, task, problem, learnt, tmp_path):
    test = problem(models.model(name), task)[2]
    model = learnt(name, task)
    model.save(tmp_path / "model")
    models.check_files(tmp_path / "model")
    again = models.load(tmp_path / "model")
    assert type(again) is type(model)
    np.testing.assert_array_equal(again.predict_proba(test.x), model.predict_proba(test.x))
    for attribute in ("genres_", "task_", "features_", "history_", "best_epoch_", "settings"):
        assert getattr(again, attribute) == getattr(model, attribute)


def agrees(model, x, folder):
    """The graph of a saved model gives what the model gives, and only our own operations."""
    model.save(folder)
    data, description = (folder / "model.onnx").read_bytes(), read_description(folder)
    onnx_file.check(data, folder, description)
    found = OnnxClassifier(description, data, folder).predict_proba(x)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, model.predict_proba(x), rtol=0, atol=1e-5)
    assert onnx_file.to_bytes(models.onnx_of(folder)) == data
    classifier = models.load_classifier(folder)
    np.testing.assert_allclose(classifier.predict_proba(x), found, rtol=0, atol=1e-5)
    assert classifier.warnings_ == ()
    assert (classifier.genres_, classifier.task_) == (model.genres_, model.task_)
    assert classifier.features_ == model.features_


@pytest.mark.parametrize(("name", "task"), ONE_GRAPH)
def test_the_onnx_graph_gives_the_model_s_probabilities(name, task, problem, learnt, tmp_path):
    agrees(learnt(name, task), problem(models.model(name), task)[2].x, tmp_path / "model")


@pytest.mark.parametrize(
    ("name", "task", "settings"),
    [
        ("fcn", "multilabel", {"batch_norm": True, "dropout_everywhere": True, "epochs": 2}),
        ("fcn", "binary", {"layers": [8], "dropout": 0.0, "epochs": 2, "clip": 1.0}),
        ("cnn", "multiclass", {"batch_norm": False, "dropout": 0.0, "epochs": 2}),
        ("cnn", "multilabel", {"filters": [4], "epochs": 2, "crop": 0.5}),
        ("xgboost", "multiclass", {"class_weights": True, "rounds": 10, "depth": 12}),
        ("forest", "multilabel", {"class_weights": True, "least_leaf": 1, "depth": 2}),
    ],
)
def test_the_onnx_graph_follows_every_setting(name, task, settings, problem, tmp_path):
    train, validation, test = problem(models.model(name), task)
    agrees(made(name, **settings).fit(train, validation), test.x, tmp_path / "model")


@pytest.mark.parametrize("name", ["fcn", "linear", "forest", "xgboost"])
def test_the_onnx_graph_agrees_where_features_are_extreme(name, problem, learnt, tmp_path):
    """Far beyond what train has, at thresholds of trees, and at zero."""
    x = problem(models.model(name), "multilabel")[2].x
    rows = [x * 1e6, -x * 1e30, np.zeros_like(x), np.nextafter(x, np.float32(np.inf))]
    agrees(learnt(name, "multilabel"), np.concatenate(rows), tmp_path / "model")


@pytest.mark.parametrize("name", NAMES)
def test_saving_replaces_what_was_there(name, problem, learnt, tmp_path):
    learnt(name, "binary").save(tmp_path / "model")
    learnt(name, "multilabel").save(tmp_path / "model")
    assert models.load(tmp_path / "model").task_ == "multilabel"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("name", [name for name in NAMES if name != "linear"])
def test_another_seed_gives_another_result(name, problem, learnt):
    train, validation, test = problem(models.model(name), "multilabel")
    other = made(name, seed=1).fit(train, validation)
    assert (other.predict_proba(test.x) != learnt(name, "multilabel").predict_proba(test.x)).any()


@pytest.mark.parametrize(("name", "task"), EVERY)
def test_a_fit_that_was_stopped_goes_on_as_if_it_had_not(name, task, problem, learnt, tmp_path):
    """Which also says that the same seed gives the same result."""
    train, validation, test = problem(models.model(name), task)
    whole = learnt(name, task)
    stopped = min(2, len(whole.history_))
    with pytest.raises(Stop):
        made(name).fit(train, validation, Recorder(stopped), tmp_path)
    resumed = Recorder()
    model = made(name).fit(train, validation, resumed, tmp_path)
    assert [values["epoch"] for values in resumed.epochs] == list(
        range(stopped + 1, len(whole.history_) + 1)
    )
    assert of_epochs(model.history_) == of_epochs(whole.history_)
    assert model.best_epoch_ == whole.best_epoch_
    np.testing.assert_array_equal(model.predict_proba(test.x), whole.predict_proba(test.x))


@pytest.mark.parametrize("name", NAMES)
def test_a_checkpoint_of_a_fit_that_had_ended_gives_its_result(name, problem, learnt, tmp_path):
    train, validation, test = problem(models.model(name), "multilabel")
    whole = learnt(name, "multilabel")
    with pytest.raises(Stop):
        made(name).fit(train, validation, Recorder(len(whole.history_)), tmp_path)
    again = Recorder()
    model = made(name).fit(train, validation, again, tmp_path)
    assert again.epochs == []
    np.testing.assert_array_equal(model.predict_proba(test.x), whole.predict_proba(test.x))


class Content(Recorder):
    """A progress that has enough after an epoch."""

    def epoch(self, values):
        super().epoch(values)
        if values["epoch"] == 2:
            raise Enough


@pytest.mark.parametrize("name", NAMES)
def test_a_fit_that_has_enough_ends_with_the_best_epoch_so_far(name, problem, learnt, tmp_path):
    train, validation, test = problem(models.model(name), "multilabel")
    whole = learnt(name, "multilabel")
    model = made(name).fit(train, validation, Content(), tmp_path / "checkpoint")
    # Logistic regression learns a genre an epoch, so it needs them all.
    n = 3 if name == "linear" else 2
    assert of_epochs(model.history_) == of_epochs(whole.history_[:n])
    loss = cross_entropy(validation.y, model.predict_proba(validation.x), "multilabel")
    assert loss == pytest.approx(model.history_[model.best_epoch_ - 1]["val_loss"], abs=1e-5)
    model.save(tmp_path / "model")
    again = models.load(tmp_path / "model")
    np.testing.assert_array_equal(again.predict_proba(test.x), model.predict_proba(test.x))


@pytest.mark.parametrize("name", NAMES)
def test_an_epoch_tells_what_the_contract_names(name, problem):
    train, validation, _ = problem(models.model(name), "multilabel")
    recorder = Recorder()
    model = made(name).fit(train, validation, recorder)
    assert recorder.epochs == model.history_
    assert [values["epoch"] for values in recorder.epochs] == list(
        range(1, len(recorder.epochs) + 1)
    )
    for values in recorder.epochs:
        assert set(values) == {
            *("epoch", "epochs", "loss", "val_loss", "accuracy", "val_accuracy"),
            *("auc", "val_auc", "best", "seconds"),
        }
    json.dumps(recorder.epochs, allow_nan=False)
    assert model.history_[model.best_epoch_ - 1]["best"]
    assert not any(values["best"] for values in model.history_[model.best_epoch_ :])


@pytest.mark.parametrize("name", NAMES)
def test_the_kept_state_is_that_of_the_best_epoch(name, problem, learnt):
    validation = problem(models.model(name), "multilabel")[1]
    model = learnt(name, "multilabel")
    loss = cross_entropy(validation.y, model.predict_proba(validation.x), "multilabel")
    assert loss == pytest.approx(model.history_[model.best_epoch_ - 1]["val_loss"], abs=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_foreign_features_are_refused(name, problem, learnt):
    model = learnt(name, "multilabel")
    mine = model.features_
    model.check_features(mine)
    with pytest.raises(ModelError, match="trained on the features"):
        model.check_features(FeatureInfo("embedding", mine.fingerprint, mine.columns))
    with pytest.raises(ModelError, match="other parameters"):
        model.check_features(dataclasses.replace(mine, fingerprint="ffffffffffff"))
    with pytest.raises(ModelError, match=r"Use the features|Choose the features"):
        model.predict_proba(np.zeros((3, 7), np.float32))


@pytest.mark.parametrize("name", NAMES)
def test_a_model_that_has_learnt_nothing_says_so(name, tmp_path):
    with pytest.raises(ModelError, match="learnt nothing yet"):
        made(name).predict_proba(np.zeros((1, 3), np.float32))
    with pytest.raises(ModelError, match="learnt nothing yet"):
        made(name).save(tmp_path / "model")
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("name", NAMES)
def test_a_genre_without_a_track_is_refused(name, problem):
    train, validation, _ = problem(models.model(name), "multilabel")
    y = train.y.copy()
    y[:, 1] = 0
    with pytest.raises(ModelError, match="No track in train carries the genre 'jazz'"):
        made(name).fit(dataclasses.replace(train, y=y), validation)


@pytest.mark.parametrize("name", NAMES)
def test_a_checkpoint_of_another_fit_is_refused(name, problem, tmp_path):
    train, validation, _ = problem(models.model(name), "multilabel")
    with pytest.raises(Stop):
        made(name).fit(train, validation, Recorder(1), tmp_path)
    with pytest.raises(ModelError, match="another seed"):
        made(name, seed=1).fit(train, validation, checkpoint=tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_checkpoint_is_named(name, problem, tmp_path):
    train, validation, _ = problem(models.model(name), "multilabel")
    with pytest.raises(Stop):
        made(name).fit(train, validation, Recorder(1), tmp_path)
    state = tmp_path / "state.npz"
    state.write_bytes(state.read_bytes()[:200])
    with pytest.raises(ModelError, match="Remove it to train from the start"):
        made(name).fit(train, validation, checkpoint=tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_presets_are_settings_of_the_model(name):
    model = models.model(name)
    assert model.PRESETS
    for preset in model.PRESETS.values():
        model.Settings.from_dict(preset)
    assert sum(info.main for info in model.Settings.describe()) <= 5
