"""What features carry, on models of which it is known."""

import numpy as np
import pytest

from genre_engine import metrics, models, runs, training
from genre_engine.errors import RunError, WrongUsage
from genre_engine.features.groups import Group
from genre_engine.prediction import importance
from genre_engine.training import data as training_data
from tests.training.conftest import import_table, table


def synthetic(n=80, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4)).astype(np.float32)
    return x, np.stack([x[:, 0] > 0, x[:, 0] <= 0], axis=1).astype(np.uint8)


GROUPS = [
    Group("decides", "column", (0,)),
    Group("noise", "column", (1,)),
    Group("more noise", "column", (2, 3)),
]


def decided(x):
    """Probabilities from the first column alone."""
    p = 1 / (1 + np.exp(-3 * x[:, 0]))
    return np.stack([p, 1 - p], axis=1)


def test_a_feature_that_decides_the_genre_has_all_the_importance():
    x, y = synthetic()
    score, found = importance.permutation_importance(decided, x, y, GROUPS)
    assert score == 1.0
    assert found[0].drops.mean() > 0.35  # shuffled, it says no more than the genre's share
    assert np.ptp(found[0].drops) > 0
    for one in found[1:]:
        assert (one.drops == 0).all()
        assert (one.of_genres == 0).all()


def test_columns_of_a_group_are_shuffled_together():
    x, y = synthetic()
    x[:, 3] = x[:, 2]

    def together(x):
        assert (x[:, 3] == x[:, 2]).all()
        return decided(x)

    importance.permutation_importance(together, x, y, [Group("pair", "column", (2, 3))])


def test_values_are_kept_and_only_the_groups_own_columns_move():
    x, y = synthetic()
    seen = []

    def look(x):
        seen.append(x.copy())
        return decided(x)

    importance.permutation_importance(look, x, y, GROUPS[:1], repeats=3)
    for part in np.split(seen[1], 3):
        assert (np.sort(part[:, 0]) == np.sort(x[:, 0])).all()
        assert (part[:, 0] != x[:, 0]).any()
        assert (part[:, 1:] == x[:, 1:]).all()


def test_the_same_seed_gives_the_same_and_another_seed_other_shuffles():
    x, y = synthetic()
    first, again, other = (
        importance.permutation_importance(decided, x, y, GROUPS, seed=seed)[1][0].drops
        for seed in (0, 0, 1)
    )
    assert (first == again).all()
    assert (first != other).any()


def test_a_part_without_any_genre_is_refused():
    x, y = synthetic()
    with pytest.raises(WrongUsage, match="No track of validation"):
        importance.permutation_importance(decided, x, np.zeros_like(y), GROUPS)


def test_groups_that_carry_the_same_are_named_and_look_less_important():
    x, y = synthetic()
    x[:, 1] = x[:, 0]
    (pair,) = importance.correlated(x, GROUPS)
    assert pair["groups"] == ["decides", "noise"]
    assert pair["r"] == 1.0
    said = importance.warning({"correlated": [pair]}, "column")
    assert "decides and noise (correlation 1.00) carry much of the same" in said
    assert importance.warning({"correlated": [pair]}, "family") == ""
    assert "too few tracks" in importance.warning({"correlated": None}, "family")
    alone = importance.permutation_importance(decided, x, y, GROUPS)[1][0]
    shared = importance.permutation_importance(
        lambda x: decided((x[:, :1] + x[:, 1:2]) / 2), x, y, GROUPS
    )[1][0]
    assert shared.drops.mean() < alone.drops.mean()


def test_a_constant_column_is_correlated_with_nothing():
    x, _ = synthetic()
    x[:, 0] = 5
    assert importance.correlated(x, GROUPS) == []


@pytest.fixture
def small(tmp_path, workspace):
    return import_table(tmp_path)


@pytest.fixture
def new_run(small):
    def new(model="linear", **options):
        return training.train(runs.create(training.new_config("small", model=model, **options)))

    return new


def test_of_a_run_the_columns_that_lean_towards_genres_are_missed(new_run, monkeypatch):
    run = new_run()
    parts, read = run.parts(), []
    test = set(parts["track_id"][parts["part"] == "test"])
    vectors = training_data.FeatureStore.vectors
    monkeypatch.setattr(
        training_data.FeatureStore,
        "vectors",
        lambda self, ids: read.append(set(ids)) or vectors(self, ids),
    )
    found = importance.of_run(run)
    assert read
    assert all(ids.isdisjoint(test) for ids in read)
    assert run.looks() == []
    drops = {row["title"]: row["drop"] for row in found["groups"]}
    assert set(drops) == {f"x{n}" for n in range(8)}
    # The first three columns know the three genres, the others are noise.
    assert min(drops[f"x{n}"] for n in range(3)) > max(drops[f"x{n}"] for n in range(3, 8))
    best = found["groups"][0]
    assert best["drop"] == max(drops.values())
    assert best["low"] <= best["drop"] <= best["high"]
    predicted = run.predictions("validation")
    assert found["score"] == pytest.approx(
        metrics.average_precision_macro(predicted.y, predicted.p), abs=1e-4
    )
    assert found["tracks"] == len(predicted.y)
    own = next(row for row in found["groups"] if row["title"] == "x0")["genres"]
    assert max(own, key=own.__getitem__) == "ambient"  # the first genre's column


def test_a_cross_validated_run_is_refused_with_the_reason(new_run):
    run = new_run(split="artist-kfold:3")
    with pytest.raises(RunError, match=r"folds' models aren't kept.*has learnt from all tracks"):
        importance.of_run(run)


def test_pictures_and_features_of_one_piece_have_no_groups(new_run, monkeypatch):
    run = new_run()
    with monkeypatch.context() as patch:
        patch.setattr(models.model("linear"), "input", "patches")
        with pytest.raises(WrongUsage, match="learns from pictures"):
            importance.check(run)
    monkeypatch.setattr(importance.feature_groups, "groups", lambda kind, columns: GROUPS[:1])
    with pytest.raises(WrongUsage, match="of a single piece"):
        importance.check(run)


def test_an_unfinished_run_is_refused(small):
    run = runs.create(training.new_config("small", model="linear"))
    with pytest.raises(RunError, match="is queued"):
        importance.check(run)


def test_of_very_many_tracks_some_are_enough(new_run, monkeypatch):
    monkeypatch.setattr(importance, "MOST_TRACKS", 12)
    found = importance.of_run(new_run())
    assert found["tracks"] == 12
    assert found["correlated"] is None  # of 24 tracks


def test_the_table_of_these_tests_has_what_they_say():
    frame = table()
    means = frame[[f"x{n}" for n in range(8)]][frame["genre"].str.contains("ambient")].mean()
    assert means.idxmax() == "x0"
