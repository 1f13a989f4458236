"""A finished run's model on growing shares of its training tracks."""

import json
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genre_engine import models, runs, training
from genre_engine.errors import ModelError, RunError, StorageError, WrongUsage
from genre_engine.evaluation import learning_curve as stored
from genre_engine.runs import Run
from genre_engine.storage import lock
from genre_engine.training import LearningCurveRequest, data, learning_curve, shares
from genre_engine.training.learning_curve import FOLDER, measure
from tests.training.conftest import GENRES, import_table, table

FEW = (20, 50, 100)


@pytest.fixture
def linear(new_run):
    """A finished run of a model that is quickly trained."""
    return training.train(new_run("linear", settings={"strength": 0.1}))


@pytest.fixture
def fits(monkeypatch):
    """What each training learns from and stops by: (train, validation)."""
    made, fit = [], models.model("linear").fit

    def noted(self, train, validation, *more, **options):
        made.append((train, validation))
        return fit(self, train, validation, *more, **options)

    monkeypatch.setattr(models.model("linear"), "fit", noted)
    return made


def test_scores_rise_with_the_tracks_and_end_at_the_run_s_own(linear):
    found = measure(linear)
    points = found["points"]
    assert [point["share"] for point in points] == [10, 20, 35, 50, 75, 100]
    assert [point["trainings"] for point in points] == [3, 3, 3, 2, 2, 1]
    values = [point["average_precision"]["value"] for point in points]
    assert values[0] < values[-1] - 0.02
    own = linear.report()["validation"]
    interval = own["intervals"]["average_precision"]["macro"]
    assert values[-1] == own["average_precision"]["macro"]
    assert points[-1]["f1"]["value"] == own["f1"]["macro"]
    assert points[-1]["average_precision"]["interval"] == interval
    for point in points:
        for name in ("average_precision", "f1", "top1"):
            assert point[name]["low"] <= point[name]["value"] <= point[name]["high"]
    sizes = [point["tracks"] for point in points]
    assert sizes == sorted(sizes)
    assert sizes[-1] == linear.report()["sizes"]["train"]
    assert found["complete"]
    assert found["judged"]["over"] == "artists"
    assert set(found["advice"]["genres"]) == set(GENRES)
    assert found["advice"]["text"]
    assert json.loads((linear.folder / stored.FILE).read_text()) == found == stored.read(linear)


def test_what_is_learnt_from_is_nested_and_has_whole_artists_and_every_genre(linear):
    material = training.reopen_material(linear)
    steps = shares.plan(material, shares.SHARES, linear.config.seed)
    train = set(material.rows("train").tolist())
    held = material.rows("validation").tolist()
    for step in steps:
        rows = set(step.rows.tolist())
        assert rows < train
        assert step.held.tolist() == held
        assert material.y[step.rows].any(axis=0).all()
        # No artist is cut in two.
        groups = set(material.groups[step.rows])
        assert rows == {row for row in train if material.groups[row] in groups}
    for step in steps:
        larger = [s for s in steps if s.repeat == step.repeat and s.share > step.share]
        assert all(set(step.rows) < set(other.rows) for other in larger)
    first = [step.rows.tolist() for step in steps if step.share == 20]
    assert len({tuple(rows) for rows in first}) == 3


@given(st.integers(0, 2**20), st.integers(2, 40), st.integers(2, 4))
def test_the_order_has_every_track_once_and_begins_with_every_genre(seed, n, n_genres):
    rng = np.random.default_rng(seed)
    units = rng.integers(0, max(2, n // 2), n)
    y = (rng.random((n, n_genres)) < 0.4).astype(np.uint8)
    order = shares.nested_order(units, y, np.random.default_rng(seed))
    assert sorted(np.concatenate(order).tolist()) == list(range(n))
    first = y[order[0]]
    assert (first.any(axis=0) == y.any(axis=0)).all()
    assert (first.all(axis=0) == y.all(axis=0)).all()
    for group in order[1:]:
        assert len(set(units[group])) == 1


def test_every_training_is_stopped_and_judged_by_the_run_s_own_validation(linear, fits):
    measure(linear, FEW)
    material = training.reopen_material(linear)
    stopping = material.y[material.rows("selecting")]
    assert len(fits) == 5
    for train, validation in fits:
        assert (validation.y == stopping).all()
        assert len(train) < linear.report()["sizes"]["train"]


def test_the_test_part_is_never_read(linear, monkeypatch):
    read, looked = [], []
    original, predictions = data.part_data, Run.predictions

    def part_data(run, material, rows):
        read.extend(material.split.part[rows].tolist())
        return original(run, material, rows)

    def noted(self, part):
        looked.append(part)
        return predictions(self, part)

    monkeypatch.setattr(learning_curve, "part_data", part_data)
    monkeypatch.setattr(Run, "predictions", noted)
    (linear.folder / "predictions" / "test.npz").unlink()
    measure(linear, FEW)
    assert set(read) == {"train", "validation"}
    assert set(looked) == {"validation"}
    assert linear.looks() == []


def test_what_is_trained_is_not_trained_again(linear, fits):
    whole = measure(linear, FEW)
    assert len(fits) == 5
    assert measure(linear, FEW) == whole
    (linear.folder / stored.FILE).unlink()
    again = measure(linear, FEW)
    assert len(fits) == 5
    assert again["points"] == whole["points"]
    measure(linear, (20, 35, 50))  # only what is new
    assert len(fits) == 5 + 3


def test_a_stopped_curve_keeps_its_shares_and_goes_on(linear, fits):
    stopped = measure(linear, FEW, should_stop=lambda: len(fits) >= 4)
    assert not stopped["complete"]
    assert [point["share"] for point in stopped["points"]] == [20, 100]
    assert stored.read(linear)["points"] == stopped["points"]
    assert len(fits) == 4  # the last of them was dropped where it was
    said = []

    def progress(done, total, text):
        said.append((done / total, text))

    found = measure(linear, FEW, progress=progress)
    assert found["complete"]
    assert len(fits) == 6
    assert said[0][0] > 0  # what was done before counts
    assert said[-1] == (1.0, said[-1][1])
    assert "Learning from 50 % of the tracks" in said[-1][1]


def test_one_that_is_stopped_before_its_first_share_has_no_points(linear, fits):
    found = measure(linear, FEW, should_stop=lambda: True)
    assert found == {"complete": False, "points": []}
    assert fits == []
    assert stored.read(linear) is None


def test_a_damaged_file_is_trained_again(linear, fits):
    measure(linear, FEW)
    (linear.folder / stored.FILE).unlink()
    (linear.folder / FOLDER / "020-0-0.npz").write_bytes(b"PK")
    measure(linear, FEW)
    assert len(fits) == 6


def test_what_other_tracks_gave_is_not_used(linear, fits, monkeypatch):
    measure(linear, FEW)
    (linear.folder / stored.FILE).unlink()
    monkeypatch.setattr(shares.Step, "checksum", property(lambda self: 1))
    measure(linear, FEW)
    assert len(fits) == 10


def test_of_a_cross_validated_run_each_fold_is_judged_by_a_share_of_the_others(new_run, fits):
    run = training.train(new_run("linear", split="artist-kfold:3", settings={"strength": 0.1}))
    fits.clear()
    found = measure(run, (50, 100))
    assert found["folds"] == 3
    assert found["judged"]["tracks"] == len(run.parts())
    assert [point["trainings"] for point in found["points"]] == [1, 1]
    own = run.report()["validation"]
    assert found["points"][-1]["f1"]["value"] == pytest.approx(own["f1"]["macro"])
    assert found["points"][-1]["tracks"] == pytest.approx(len(run.parts()) * 2 / 3)
    fold = run.parts()["fold_1"].to_numpy()
    groups = run.parts()["group"].to_numpy()
    assert len(fits) == 3
    for number, (train, _) in enumerate(fits):
        assert set(train.groups).isdisjoint(groups[fold == number])
        assert len(train) == pytest.approx((fold != number).sum() / 2, abs=4)


def test_of_many_folds_a_few_are_enough(new_run):
    run = training.train(new_run("linear", split="kfold:8", settings={"strength": 0.1}))
    found = measure(run, (50, 100))
    assert found["folds"] == shares.MOST_FOLDS
    assert found["judged"]["tracks"] < len(run.parts())
    assert found["left_out"] == "tracks"


def test_with_one_genre_a_track_top_1_accuracy_is_the_run_s(tmp_path, workspace):
    frame = table(n_artists=20)
    frame["genre"] = frame["genre"].str.split(";").str[0]
    import_table(tmp_path, "single", frame)
    run = runs.create(training.new_config("single", model="linear", task="multiclass"))
    found = measure(training.train(run), FEW)
    assert found["points"][-1]["top1"]["value"] == run.report()["validation"]["accuracy"]["top1"]


def test_few_artists_get_a_curve_without_intervals_and_words_why(tmp_path, workspace):
    import_table(tmp_path, "few", table(n_artists=16))
    run = training.train(runs.create(training.new_config("few", model="linear")))
    found = measure(run, FEW)
    assert found["judged"]["over"] is None
    assert all(point["f1"]["interval"] is None for point in found["points"])
    assert found["doubling"] is None
    assert "too few to say" in found["advice"]["text"]


def test_a_network_is_trained_as_the_run_was(new_run):
    run = training.train(new_run("fcn"))
    found = measure(run, (50, 100))
    assert [point["share"] for point in found["points"]] == [50, 100]
    assert all(0 < point["average_precision"]["value"] <= 1 for point in found["points"])


def test_a_share_that_cannot_be_learnt_from_is_named_and_the_others_go_on(linear, monkeypatch):
    fit = models.model("linear").fit

    def fussy(self, train, *more, **options):
        if len(train) < 40:
            raise ModelError("There are too few of them.")
        return fit(self, train, *more, **options)

    monkeypatch.setattr(models.model("linear"), "fit", fussy)
    found = measure(linear, FEW)
    assert [point["share"] for point in found["points"]] == [50, 100]
    assert [(one["share"], one["repeat"]) for one in found["failed"]] == [(20, 1), (20, 2), (20, 3)]
    assert found["failed"][0]["message"] == "There are too few of them."
    monkeypatch.setattr(models.model("linear"), "fit", fit)
    assert measure(linear, FEW)["failed"] == []


def test_where_no_share_can_be_learnt_from_it_is_refused(linear, monkeypatch):
    monkeypatch.setattr(
        models.model("linear"), "predict_proba", lambda self, x: np.full((len(x), 3), np.nan)
    )
    with pytest.raises(ModelError, match=r"No smaller share.*It diverged"):
        measure(linear, FEW)


def test_an_unfinished_run_is_refused(new_run):
    with pytest.raises(RunError, match=r"is queued.*Wait for it"):
        measure(new_run("linear"))


def test_two_processes_do_not_measure_the_same(linear):
    (linear.folder / FOLDER).mkdir()
    with (
        lock.hold(linear.folder / FOLDER, "other"),
        pytest.raises(RunError, match="measured by another process"),
    ):
        measure(linear, FEW)


def test_a_run_that_is_removed_meanwhile_does_not_come_back(linear, monkeypatch):
    fit = models.model("linear").fit

    def removing(self, *all_, **options):
        fit(self, *all_, **options)
        runs.remove(linear)
        return self

    monkeypatch.setattr(models.model("linear"), "fit", removing)
    with pytest.raises(RunError, match="has been removed meanwhile"):
        measure(linear, FEW)
    assert not linear.folder.exists()


def test_without_its_data_set_nothing_can_be_measured_but_what_is_stays(linear):
    found = measure(linear, FEW)
    shutil.rmtree(linear.folder.parents[1] / "datasets" / "small")
    assert measure(linear, FEW) == found
    with pytest.raises(Exception, match="has been removed"):
        measure(linear, (10, 100))


def test_a_full_disk_is_said(linear, monkeypatch):
    def full(*_, **__):
        raise StorageError("The disk is full.")

    monkeypatch.setattr(learning_curve, "replacing", full)
    with pytest.raises(StorageError, match="full"):
        measure(linear, FEW)


@pytest.mark.parametrize("wrong", [(0,), (101,), (-5, 50)])
def test_a_share_is_a_percentage(wrong):
    with pytest.raises(WrongUsage, match="from 1 to 100"):
        LearningCurveRequest("mine", wrong)


def test_the_run_itself_is_always_the_last_share():
    assert LearningCurveRequest("mine", (50, 20, 50)).shares == (20, 50, 100)


def test_a_damaged_curve_is_reported_and_one_of_another_version_passed_over(linear):
    path = linear.folder / stored.FILE
    path.write_text("{")
    with pytest.raises(RunError, match="can't be read"):
        stored.read(linear)
    path.write_text(json.dumps({"format": 99, "points": [1]}))
    assert stored.read(linear) is None


def test_how_long_it_takes_follows_from_the_run_s_own_training(linear, new_run):
    report = linear.report()
    report["fit"]["seconds"] = 10.0
    linear.write_json("report.json", report)
    # Half of the tracks are chosen twice, and each training takes a moment more.
    assert learning_curve.seconds(linear, (50, 100)) == pytest.approx(10.0 + 2 * 0.3)
    report["fit"]["seconds"] = 0.0
    linear.write_json("report.json", report)
    assert learning_curve.seconds(linear) is None
