import numpy as np
import pytest

from genre_engine import metrics
from genre_engine.metrics import mistakes
from genre_engine.metrics.arrays import decide

GENRES = ["jazz", "pop", "rock"]
Y = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 0, 1], [0, 1, 0]])
P = np.array(
    [[0.9, 0.6, 0.1], [0.2, 0.9, 0.1], [0.1, 0.8, 0.4], [0.1, 0.1, 0.1], [0.55, 0.45, 0.0]]
)
HALF = np.full(3, 0.5)


@pytest.fixture
def judged():
    return metrics.check(Y, P, GENRES)


def test_a_row_counts_what_was_said_of_a_genres_tracks_and_of_how_many_nothing(judged):
    found = mistakes.together(judged, decide(judged, HALF))
    assert found.support.tolist() == [2, 2, 2]
    assert found.predicted.tolist() == [[1, 2, 0, 0], [1, 1, 0, 0], [0, 1, 0, 1]]
    assert found.both.tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert found.shares[2].tolist() == [0, 0.5, 0, 0.5]


def test_the_pair_that_is_mixed_up_most_leaves_out_tracks_that_carry_both(judged):
    said = decide(judged, HALF)
    said[1] = [True, True, False]  # right now
    found = mistakes.together(judged, said)
    assert found.mixed_up in {(0, 1), (2, 1), (1, 0)}
    right = mistakes.together(judged, Y.astype(bool))
    assert right.mixed_up is None


def test_of_one_genre_a_track_it_is_the_confusion_matrix():
    from sklearn.metrics import confusion_matrix

    rng = np.random.default_rng(0)
    label = rng.integers(0, 3, 50)
    p = rng.dirichlet(np.ones(3), 50)
    judged = metrics.check(np.eye(3)[label], p, GENRES, "multiclass")
    found = mistakes.together(judged, decide(judged, HALF))
    assert (found.predicted[:, :3] == confusion_matrix(label, p.argmax(axis=1))).all()
    assert not found.predicted[:, 3].any()


def test_a_cell_lists_its_tracks_mistakes_before_what_is_right(judged):
    said = decide(judged, HALF)
    assert mistakes.in_cell(judged, said, 0, 1).tolist() == [0, 1]
    assert mistakes.in_cell(judged, said, 2, 3).tolist() == [3]
    counts = mistakes.together(judged, said).predicted
    for true in range(3):
        for column in range(4):
            assert len(mistakes.in_cell(judged, said, true, column)) == counts[true, column]


def test_the_worst_come_first(judged):
    assert mistakes.worst(judged, HALF, 0, "missed").tolist() == [1]
    assert mistakes.worst(judged, HALF, 2, "missed").tolist() == [3, 2]
    assert mistakes.worst(judged, HALF, 1, "invented").tolist() == [2, 0]
    assert mistakes.worst(judged, HALF, 0, "unsure").tolist()[0] == 4
    assert mistakes.worst(judged, HALF, 0, "unsure", most=2).tolist() == [4, 1]
    with pytest.raises(ValueError, match="no such kind"):
        mistakes.worst(judged, HALF, 0, "odd")


def test_without_thresholds_a_track_is_unsure_where_two_genres_are_near():
    p = np.array([[0.5, 0.45, 0.05], [0.9, 0.05, 0.05], [0.1, 0.8, 0.1]])
    judged = metrics.check(np.eye(3)[[0, 1, 0]], p, GENRES, "multiclass")
    assert mistakes.worst(judged, None, 0, "unsure").tolist()[0] == 0
    assert mistakes.worst(judged, None, 0, "missed").tolist() == [2]
    assert mistakes.worst(judged, None, 0, "invented").tolist() == [1]
