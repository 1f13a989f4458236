"""Which run is better, and whether that is real, on scores whose answer is known."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genre_engine import metrics, runs
from genre_engine.errors import RunError, WrongUsage
from genre_engine.evaluation import comparison, differences, differing
from tests.finished_runs import GENRES, N, finished, scores, truth

pytestmark = pytest.mark.usefixtures("workspace")


def test_a_run_that_knows_more_is_ahead_and_the_difference_is_real():
    strong, weak = finished("strong", skill=0.7), finished("weak", skill=0.1)
    found = comparison.compare([weak, strong])
    (board,) = found.boards
    assert [run.name for run in board.runs] == ["strong", "weak"]
    (difference,) = board.differences
    assert (difference.ahead, difference.behind) == ("strong", "weak")
    assert difference.real
    low, high = difference.interval
    assert 0 < low < difference.value < high
    assert "a real difference" in difference.sentence()
    assert board.over == "artists"


def test_two_runs_that_say_the_same_are_level_and_not_distinguishable():
    found = comparison.compare([finished("one"), finished("other")])
    (difference,) = found.boards[0].differences
    assert difference.value == 0
    assert difference.interval == (0, 0)
    assert difference.p == 1
    assert not difference.real
    assert "are level" in difference.sentence()


@pytest.mark.parametrize(("artists", "few"), [(3, True), (9, True), (10, False)])
def test_from_fewer_than_ten_artists_no_difference_is_called_real(artists, few):
    runs_ = [
        finished("strong", skill=0.9, artists=artists),
        finished("weak", skill=0.0, artists=artists),
    ]
    (difference,) = comparison.compare(runs_).boards[0].differences
    assert difference.real != few
    assert ("too few artists to tell" in difference.sentence()) == few
    assert (difference.interval is None) == (artists < 8)


def test_a_difference_below_what_matters_is_not_called_real():
    found = comparison.compare([finished("strong", skill=0.7), finished("weak", skill=0.1)])
    (difference,) = found.boards[0].differences
    (small,) = found.ranked_by(found.figure, difference.value + 0.001).boards[0].differences
    assert small.distinguishable
    assert not small.real
    assert "not chance, but below the" in small.sentence()
    with pytest.raises(WrongUsage, match="least difference"):
        found.ranked_by(found.figure, -1)


def test_runs_that_look_equal_share_a_place():
    chosen = [finished("a"), finished("b"), finished("c", skill=0.0)]
    (board,) = comparison.compare(chosen).to_dict()["boards"]
    assert board["places"] == [1, 1, 3]


def test_figures_are_those_of_the_report_whatever_the_order_of_the_tracks():
    order = np.random.default_rng(3).permutation(N)
    found = comparison.compare([finished("one", seed=5), finished("other", seed=6, order=order)])
    (board,) = found.boards
    for run, seed in zip(found.runs, (5, 6), strict=True):
        wanted = metrics.evaluate(truth(), scores(truth(), 0.3, seed), genres=GENRES, draws=0)
        for name in comparison.FIGURES:
            assert board.reports[run.id].figure(name) == pytest.approx(
                wanted.figure(name), abs=1e-12
            )


def test_a_difference_is_that_of_each_draw_so_it_is_narrower_than_two_intervals():
    base = scores(truth(), 0.3, 1)
    one, other = finished("one", seed=1), finished("other", seed=1)
    better = np.clip(base + 0.02 * truth(), 0, 1)
    stored = other.predictions("validation")
    runs.Predictions(stored.track_ids, stored.y, better.astype(np.float32), stored.groups).save(
        other.folder / "predictions" / "validation.npz"
    )
    found = comparison.compare([one, other], figure="roc_auc.macro")
    (difference,) = found.boards[0].differences
    own = found.boards[0].reports[one.id].interval("roc_auc.macro")
    assert difference.interval[1] - difference.interval[0] < 0.5 * (own[1] - own[0])


def test_a_loss_counts_the_other_way():
    strong, weak = finished("strong", skill=0.7), finished("weak", skill=0.1)
    found = comparison.compare([weak, strong], figure="loss")
    (difference,) = found.boards[0].differences
    assert difference.ahead == "strong"
    assert difference.value > 0


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"ids": [f"other {i}" for i in range(N)]}, "of which 0 are the same"),
        ({"genres": GENRES[:2], "y": truth()[:, :2] | (truth()[:, 2:] & 1)}, "other genres"),
        ({"y": truth(seed=9)}, "the same tracks with other labels"),
    ],
)
def test_runs_that_were_asked_something_else_are_not_ranked_together(changes, why):
    found = comparison.compare([finished("one"), finished("other", **changes)])
    assert len(found.boards) == 2
    assert all(board.differences == () for board in found.boards)
    assert why in found.apart[0]
    assert "other can't be ranked with one" in found.apart[0]


def test_rows_of_two_tables_are_not_the_same_tracks_though_they_are_called_the_same():
    rows = [f"row_{i:07}" for i in range(N)]
    one, same = (finished(name, ids=rows) for name in ("one", "same"))
    assert len(comparison.compare([one, same]).boards) == 1
    found = comparison.compare([one, finished("other", ids=rows, dataset="another")])
    assert "(90 against 90, of which 0 are the same)" in found.apart[0]


def test_a_look_at_test_is_counted_in_each_run_and_ranking_again_is_no_look():
    one, other = finished("one"), finished("other", seed=4)
    found = comparison.compare([one, other], part="test")
    found.ranked_by("loss")
    assert (len(one.looks()), len(other.looks())) == (1, 1)
    comparison.compare([one, other])
    assert len(one.looks()) == 1


def test_a_comparison_that_is_refused_counts_no_look():
    one = finished("one")
    unfinished = runs.create(runs.Config("mine", "fcn", {}, GENRES, features={"kind": "summary"}))
    with pytest.raises(RunError, match="has no predictions for test"):
        comparison.compare([one, unfinished], part="test")
    assert one.looks() == []


def test_settings_that_differ_are_named_and_shared_ones_are_not():
    one = finished("one", settings={"learning_rate": 0.001, "dropout": 0.5})
    other = finished("other", settings={"learning_rate": 0.01, "dropout": 0.5})
    forest = finished("forest", model="forest", settings={"trees": 100})
    found = differing.differing_settings([one, other, forest])
    assert found == {
        "model": {"one": "fcn", "other": "fcn", "forest": "forest"},
        "learning_rate": {"one": 0.001, "other": 0.01, "forest": None},
    }


def test_the_best_epoch_counts_and_not_the_last():
    assert comparison.best_epoch(finished("one"))["epoch"] == 2


@pytest.mark.parametrize(
    ("choose", "words"),
    [
        (lambda one: ([one], {}), "Name two or more"),
        (lambda one: ([one, one], {}), "named twice"),
        (lambda one: ([one, finished("b")], {"figure": "f2"}), "no figure 'f2'"),
        (lambda one: ([one, finished("b")], {"part": "train"}), "no part 'train'"),
    ],
)
def test_what_can_t_be_compared_is_said(choose, words):
    chosen, options = choose(finished("one"))
    with pytest.raises(WrongUsage, match=words):
        comparison.compare(chosen, **options)


def test_without_artists_tracks_are_drawn_and_one_artist_alone_has_no_interval():
    found = comparison.compare([finished("a", artists=0), finished("b", artists=0, seed=2)])
    assert found.boards[0].over == "tracks"
    found = comparison.compare([finished("c", artists=1), finished("d", artists=1, seed=2)])
    (difference,) = found.boards[0].differences
    assert difference.interval is None
    assert "too few" in difference.sentence()


def test_it_all_goes_into_json():
    found = comparison.compare([finished("one"), finished("other", seed=4), finished("c", seed=7)])
    values = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert {run["run"] for run in values["runs"]} == {"one", "other", "c"}
    assert values["runs"][0]["best_epoch"] == 2
    assert len(values["boards"][0]["differences"]) == 3


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_only_raises_p_values_and_keeps_their_order(p):
    corrected = differences.holm(p)
    assert all(c >= min(1, q) and c <= 1 for c, q in zip(corrected, p, strict=True))
    for (a, ca), (b, cb) in itertools.combinations(zip(p, corrected, strict=True), 2):
        assert (a <= b) <= (ca <= cb) or a == b
    assert min(corrected) == pytest.approx(min(1, len(p) * min(p)))
