import numpy as np
import pytest

from genre_engine import leakage, metrics
from genre_engine.errors import WrongUsage
from genre_engine.metrics import baselines

GENRES = ["a", "b", "c"]
Y = np.array([[1, 0, 0], [1, 1, 0], [1, 0, 1], [1, 1, 0]])


def judged(found, y=Y):
    report = metrics.evaluate(y, np.full(y.shape, 0.4), genres=GENRES, baselines=found, draws=0)
    return report.to_dict()["baselines"]


def test_the_prior_is_a_constant_score_and_ranks_genres_but_not_tracks():
    found = judged(baselines.no_skill(Y, Y, len(Y), GENRES))["training_prior"]
    assert found["per_genre"]["b"]["roc_auc"] == 0.5
    assert found["roc_auc"]["micro"] > 0.5
    assert found["average_precision"]["macro"] == pytest.approx(Y.mean(axis=0).mean())
    assert found["accuracy"]["top1"] == 1


def test_the_most_common_genres_are_said_as_many_as_validation_likes():
    one = baselines.no_skill(Y, [[1, 0, 0]] * 3, 2, GENRES)["most_frequent"].decisions
    two = baselines.no_skill(Y, [[1, 1, 0]] * 3, 2, GENRES)["most_frequent"].decisions
    assert one.tolist() == [[True, False, False]] * 2
    assert two.tolist() == [[True, True, False]] * 2


def test_random_genres_come_as_often_as_in_train_and_again_with_the_same_seed():
    made = [baselines.no_skill(Y, Y, 5000, GENRES, seed=s)["prior_random"] for s in (1, 1, 2)]
    assert made[0].decisions.mean(axis=0) == pytest.approx(Y.mean(axis=0), abs=0.03)
    assert (made[0].decisions == made[1].decisions).all()
    assert (made[0].decisions != made[2].decisions).any()


def test_with_one_genre_a_track_each_says_at_most_one():
    y = np.eye(3, dtype=int)[[0, 0, 1, 2]]
    found = baselines.no_skill(y, y, 4, GENRES, task="multiclass")
    for name in ("training_prior", "most_frequent", "prior_random"):
        assert (found[name].decisions.sum(axis=1) == 1).all()
    report = metrics.evaluate(
        y, np.full((4, 3), 1 / 3), genres=GENRES, task="multiclass", baselines=found, draws=0
    ).to_dict()
    assert report["baselines"]["most_frequent"]["accuracy"]["subset"] == 0.5
    assert report["baselines"]["always_positive"]["loss"] == pytest.approx(np.log(3))


def test_the_artist_prior_gets_a_threshold_from_validation():
    import pandas as pd

    artists = ["a", "b"] * 30
    y = np.array([[1, 0, 0], [0, 1, 1]] * 30)
    tracks = pd.DataFrame({"artist_id": artists, "album_id": None}, dtype=object)
    train = np.arange(60) < 20
    scores = leakage.artist_prior_scores(tracks, y, train)
    artist_prior = baselines.artist_prior(y[20:40], scores[20:40], scores[40:], GENRES)
    assert judged({"artist_prior": artist_prior}, y[40:])["artist_prior"]["f1"]["macro"] == 1


def test_plain_scores_are_judged_at_the_models_thresholds():
    found = judged({"mine": Y * 0.9})["mine"]
    assert found["accuracy"]["subset"] == 1


def test_nothing_to_train_on_is_refused():
    with pytest.raises(WrongUsage, match="no track in train"):
        baselines.no_skill(np.zeros((0, 3)), Y, 1, GENRES)
    with pytest.raises(WrongUsage, match="Shape of the labels"):
        baselines.no_skill(Y[:, :2], Y, 1, GENRES)


def test_known_no_skill_scores_of_a_dense_table():
    """Always yes: precision is the share of true cells; always no: Hamming loss is."""
    rng = np.random.default_rng(0)
    y = (rng.random((400, 3)) < 0.171).astype(int)
    found = judged({}, y)
    density = y.mean()
    assert found["always_negative"]["hamming_loss"] == pytest.approx(density)
    assert found["always_positive"]["f1"]["micro"] == pytest.approx(2 * density / (1 + density))
    assert found["always_positive"]["roc_auc"] == {"micro": 0.5, "macro": 0.5}
