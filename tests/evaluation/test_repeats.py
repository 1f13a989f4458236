"""Several seeds of one recipe, as one row with a mean and a spread."""

import statistics
from dataclasses import replace

import pytest

from genre_engine import runs
from genre_engine.evaluation import comparison, leaders, repeats
from genre_engine.evaluation.repeats import Spread
from tests.finished_runs import finished

pytestmark = pytest.mark.usefixtures("workspace")


def seeded(name, seed, **options):
    return finished(name, config_seed=seed, seed=seed + 1, **options)


def member(run):
    return leaders.Member(run, comparison.question(run), run.report())


def boards(*chosen):
    return leaders.boards([member(run) for run in chosen])


def test_runs_that_differ_in_seed_name_and_origin_alone_have_one_recipe():
    one = seeded("one", 0).config
    for other in (
        replace(one, seed=7, name="x", id="y", created="z", origin="app"),
        replace(one, warnings=("said of the split",)),
    ):
        assert repeats.recipe(other) == repeats.recipe(one)
    for other in (
        replace(one, settings={"learning_rate": 0.002}),
        replace(one, model="linear"),
        replace(one, dataset_created="later"),
        replace(one, genres=one.genres[:2]),
        replace(one, split={"kind": "random", "fractions": None}),
        replace(one, rule="only"),
    ):
        assert repeats.recipe(other) != repeats.recipe(one)


def test_the_same_seed_again_is_not_a_further_seed():
    first, again, other = seeded("first", 0), seeded("again", 0), seeded("other", 1)
    groups = repeats.grouped([first, again, other])
    assert [[run.name for run in group] for group in groups] == [["first", "other"], ["again"]]


def test_a_spread_is_that_of_a_sample_and_needs_two():
    assert repeats.spread([]) == Spread(None, None, 0)
    assert repeats.spread([0.5, None]) == Spread(0.5, None, 1)
    found = repeats.spread([0.2, 0.4, 0.9])
    assert found.mean == pytest.approx(0.5)
    assert found.sd == pytest.approx(statistics.stdev([0.2, 0.4, 0.9]))


def test_seeds_on_the_same_tracks_are_one_row_beside_another_model():
    made = [seeded(f"fcn-{seed}", seed) for seed in range(3)]
    other = finished("linear", model="linear", skill=0.9)
    (board,) = boards(*made, other)
    first, second = board.ranked("f1.macro")
    assert first.run.name == "linear"
    assert (first.spread_over, first.figure("f1.macro").sd) == ("", None)
    assert second.seeds == (0, 1, 2)
    assert second.spread_over == "3 seeds"
    values = [run.report()["validation"]["f1"]["macro"] for run in made]
    assert second.figure("f1.macro").mean == pytest.approx(statistics.fmean(values))
    assert second.figure("f1.macro").sd == pytest.approx(statistics.stdev(values))
    assert [row.run.name for row in second.singly()] == ["fcn-0", "fcn-1", "fcn-2"]


def test_where_each_seed_deals_its_own_tracks_the_same_seeds_are_ranked_together():
    ids = {seed: [f"{seed} {i}" for i in range(90)] for seed in (0, 1)}
    fcn = [seeded(f"fcn-{s}", s, ids=ids[s]) for s in (0, 1)]
    linear = [seeded(f"linear-{s}", s, ids=ids[s], model="linear") for s in (0, 1)]
    (board,) = boards(*fcn, *linear)
    assert [row.spread_over for row in board.rows] == ["2 seeds", "2 seeds"]


def test_a_run_of_one_seed_is_ranked_with_that_seed_of_a_row():
    ids = {seed: [f"{seed} {i}" for i in range(90)] for seed in (0, 1)}
    fcn = [seeded(f"fcn-{s}", s, ids=ids[s]) for s in (0, 1)]
    alone = finished("linear", model="linear", ids=ids[1])
    pair, row = boards(*fcn, alone)
    assert {one.run.name for one in pair.rows} == {"linear", "fcn-1"}
    assert row.rows[0].spread_over == "2 seeds"


def test_a_cross_validated_run_is_one_row_with_its_spread_over_folds():
    run = finished("folds")
    found = run.report() | {
        "cross_validation": {
            "folds": 5,
            "repeats": 2,
            "mean": {"f1": 0.4, "roc_auc": None},
            "sd": {"f1": 0.07, "roc_auc": None},
        }
    }
    run.write_json("report.json", found)
    ((row,),) = (board.rows for board in boards(run))
    assert row.spread_over == "5 folds × 2"
    assert row.figure("f1.macro").mean == found["validation"]["f1"]["macro"]
    assert row.figure("f1.macro").sd == 0.07
    assert row.figure("roc_auc.macro").sd is None
    assert row.figure("loss").sd is None


def test_a_loss_is_ranked_from_below():
    (board,) = boards(finished("weak", skill=0.1), finished("strong", skill=0.8, model="linear"))
    assert [row.run.name for row in board.ranked("loss")] == ["strong", "weak"]
    assert len(runs.listing()) == 2
