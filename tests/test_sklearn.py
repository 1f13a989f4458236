"""The engine by scikit-learn's conventions."""

import pickle

import numpy as np
import pytest
import soundfile
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from genre_engine import features, models
from genre_engine.errors import WrongUsage
from genre_engine.sklearn import AudioFeatures, GenreClassifier

QUICK = {
    "linear": {"strength": 0.1},
    "svm": {"strength": 3.0, "gamma": 0.5},
    "forest": {"trees": 20},
    "xgboost": {"rounds": 20},
    "fcn": {"layers": [16], "epochs": 20, "learning_rate": 0.01},
}


def table(n=120, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.choice(["ambient", "jazz", "rock"], n)
    x = rng.standard_normal((n, 6))
    x[:, :3] += 2 * (labels[:, None] == ["ambient", "jazz", "rock"])
    return x, labels


def not_for(estimator):
    """A forest may be sure: the check wants probabilities above 0."""
    if estimator.model != "forest":
        return {}
    return {"check_classifiers_multilabel_output_format_predict_proba": "0 is a probability"}


@parametrize_with_checks(
    [GenreClassifier(name, settings=QUICK[name]) for name in ("linear", "svm", "forest")],
    expected_failed_checks=not_for,
)
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("name", sorted(QUICK))
def test_every_model_is_an_estimator(name):
    x, labels = table()
    estimator = GenreClassifier(name, settings=QUICK[name])
    scores = cross_val_score(make_pipeline(StandardScaler(), clone(estimator)), x, labels, cv=3)
    assert scores.mean() > 0.6
    fitted = estimator.fit(x, labels)
    assert list(fitted.classes_) == ["ambient", "jazz", "rock"]
    p = fitted.predict_proba(x)
    assert np.allclose(p.sum(axis=1), 1, atol=1e-5)
    again = pickle.loads(pickle.dumps(fitted))
    assert np.allclose(again.predict_proba(x), p, atol=1e-5)
    assert (again.predict(x) == fitted.predict(x)).all()


def test_every_model_that_takes_vectors_is_tried_here():
    takes = {name for name in models.NAMES if models.model(name).input == "vector"}
    assert set(QUICK) == takes - {"ensemble", "auto"}  # of which these are the members


def test_several_genres_a_track():
    x, labels = table()
    y = np.stack([labels == "jazz", labels != "rock"], axis=1).astype(int)
    fitted = GenreClassifier("linear").fit(x, y)
    assert fitted.predict(x).shape == y.shape
    assert (fitted.predict(x) == y).mean() > 0.8


def test_a_grid_is_searched():
    x, labels = table()
    grid = GridSearchCV(
        GenreClassifier("linear"), {"settings": [{"strength": 1e-6}, {"strength": 1.0}]}, cv=3
    ).fit(x, labels)
    assert grid.best_params_ == {"settings": {"strength": 1.0}}


def test_what_cannot_be_learnt_is_a_value_error():
    x, labels = table()
    with pytest.raises(ValueError, match="no setting 'strenght'"):
        GenreClassifier("linear", settings={"strenght": 1}).fit(x, labels)
    with pytest.raises(ValueError, match="takes patches"):
        GenreClassifier("cnn").fit(x, labels)


@pytest.fixture
def songs(tmp_path):
    rng = np.random.default_rng(0)
    paths = []
    for number in range(3):
        path = tmp_path / f"{number}.wav"
        soundfile.write(path, rng.standard_normal(22050 * 3) * 0.1 * (number + 1), 22050)
        paths.append(path)
    return paths


def test_paths_become_vectors(songs, tmp_path):
    kind = features.kind("summary")
    made = AudioFeatures("summary")
    found = made.fit_transform(songs)
    assert found.shape == (3, 498)
    assert np.array_equal(found[1], kind.compute_source(songs[1]))
    assert list(made.get_feature_names_out()) == list(kind.columns)
    assert clone(made).get_params() == made.get_params()


def test_vectors_are_kept_by_content(songs, tmp_path, monkeypatch):
    made = AudioFeatures("summary", cache=tmp_path / "cache")
    first = made.transform(songs)
    kept = sorted((tmp_path / "cache").iterdir())
    assert len(kept) == 3
    kept[0].write_bytes(b"damaged")
    songs[0].rename(tmp_path / "moved.wav")
    again = made.transform([tmp_path / "moved.wav", *songs[1:]])
    assert np.array_equal(first, again)
    assert len(list((tmp_path / "cache").iterdir())) == 3


def test_what_is_no_song_is_named(tmp_path):
    (tmp_path / "no.wav").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"no\.wav: "):
        AudioFeatures().transform([tmp_path / "no.wav"])
    with pytest.raises(WrongUsage, match="list of paths"):
        AudioFeatures().transform("song.mp3")
    with pytest.raises(WrongUsage, match="aren't vectors"):
        AudioFeatures("patches").fit([])


def test_from_paths_to_genres(songs):
    genres = make_pipeline(AudioFeatures(), GenreClassifier("linear", settings={"strength": 0.1}))
    genres.fit(songs * 3, ["a", "b", "a"] * 3)
    assert set(genres.predict(songs)) <= {"a", "b"}
