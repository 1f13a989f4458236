import numpy as np
import pandas as pd
import pytest

from genre_engine import leakage
from genre_engine.splits import Split


def split_of(*parts):
    part = np.array(parts)
    return Split("random", part, np.full(len(part), ""))


def tracks_of(artists, albums=None, sha256=None):
    n = len(artists)
    return pd.DataFrame(
        {"artist_id": artists, "album_id": albums or [None] * n, "sha256": sha256 or [None] * n},
        dtype=object,
    )


def test_overlap_is_the_share_of_test_tracks_whose_artist_is_in_train():
    ids = pd.Series(["a", "b", "a", "c", None], dtype=object)
    split = split_of("train", "validation", "test", "test", "test")
    assert leakage.overlap(ids, split) == pytest.approx(1 / 3)


def test_overlap_is_unknown_where_no_artist_is_known():
    ids = pd.Series([None, None], dtype=object)
    assert leakage.overlap(ids, split_of("train", "test")) is None


def test_overlap_is_measured_on_validation_where_there_is_no_test():
    ids = pd.Series(["a", "a", "b"], dtype=object)
    assert leakage.overlap(ids, split_of("train", "validation", "validation")) == 0.5


def test_identical_audio_in_two_parts_is_counted_by_group():
    sha256 = pd.Series(["x", "x", "y", "y", "z", None], dtype=object)
    split = split_of("train", "test", "train", "train", "test", "test")
    assert leakage.duplicate_groups(sha256, split) == 1
    assert leakage.duplicate_groups(pd.Series([None] * 6, dtype=object), split) is None


def test_artist_prior_scores_are_shares_of_artist_else_album_else_everybody():
    tracks = tracks_of(["a", "a", "b", "a", None, "new"], ["p", "p", "q", "p", "q", "new"])
    y = np.array([[1, 0], [1, 1], [0, 1], [0, 0], [0, 0], [0, 0]], np.uint8)
    train = np.array([True, True, True, False, False, False])
    scores = leakage.artist_prior_scores(tracks, y, train)
    assert scores[3] == pytest.approx([1, 0.5])
    assert scores[4] == pytest.approx([0, 1])
    assert scores[5] == pytest.approx([2 / 3, 2 / 3])


def test_a_training_track_does_not_predict_itself():
    tracks = tracks_of(["a", "a", "b"])
    y = np.array([[1, 0], [0, 1], [1, 0]], np.uint8)
    scores = leakage.artist_prior_scores(tracks, y, np.ones(3, bool))
    assert scores.tolist() == [[0, 1], [1, 0], [0.5, 0.5]]


def test_artist_prior_is_right_where_artists_keep_to_a_genre_and_leak():
    artists = [f"a{index % 10}" for index in range(100)]
    y = np.array([[index % 2, 1 - index % 2] for index in range(100)], np.uint8)
    split = split_of(*["train"] * 60, *["validation"] * 20, *["test"] * 20)
    found = leakage.artist_prior(tracks_of(artists), y, split)
    assert found.f1_macro == 1
    assert found.roc_auc_macro == 1
    assert found.average_precision_macro == 1
    assert found.prevalence == 0.5
    assert found.threshold_from == "validation"


def test_artist_prior_falls_to_the_priors_without_shared_artists():
    rng = np.random.default_rng(0)
    artists = [f"a{index}" for index in range(100)]
    y = rng.integers(0, 2, (100, 3)).astype(np.uint8)
    found = leakage.artist_prior(tracks_of(artists), y, split_of(*["train"] * 70, *["test"] * 30))
    assert found.roc_auc_macro == 0.5
    assert found.average_precision_macro == pytest.approx(found.prevalence)
    assert found.threshold_from == "train"


def test_genres_absent_from_test_are_left_out_of_the_artist_prior_scores():
    artists = ["a", "b", "a", "b"]
    y = np.array([[1, 0, 1], [0, 1, 0], [1, 0, 0], [0, 1, 0]], np.uint8)
    found = leakage.artist_prior(tracks_of(artists), y, split_of("train", "train", "test", "test"))
    assert found.roc_auc_macro == 1
    assert found.prevalence == 0.5


def test_uploader_agreement_compares_every_pair_of_identical_audio():
    lists = [["pop"], ["pop"], ["pop", "rock"], ["ska"], ["pop"]]
    digests = ["x", "x", "x", "y", None]
    found = leakage.uploader_agreement(lists, digests, ("pop", "rock"))
    assert found == {
        "pairs": 3,
        "same_genres": pytest.approx(1 / 3),
        "labelled_pairs": 3,
        "f1": pytest.approx(6 / 8),
    }
    assert leakage.uploader_agreement(lists, [None] * 5, ("pop",)) is None
