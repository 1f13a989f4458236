"""Every track is judged once, by a model that has not learnt from it or its artist."""

import json

import numpy as np
import pytest

from genre_engine import evaluation, metrics, models, runs, training
from genre_engine.errors import RunError, SplitError, WrongUsage
from genre_engine.evaluation import evaluate, out_of_fold
from genre_engine.models.base import Stop
from genre_engine.training import cross_validation
from genre_engine.training.data import part_data
from tests.training.conftest import GENRES, SETTINGS, import_table, table


@pytest.fixture
def folds_run(new_run):
    def new(model="linear", split="artist-kfold:4", **options):
        return training.train(new_run(model, split=split, **options))

    return new


def test_every_track_is_judged_once_by_a_model_that_never_met_its_artist(new_run, monkeypatch):
    met = []
    fitted = models.model("linear").fit

    def fit(self, train, validation, *more, **options):
        met.append((set(train.groups.tolist()), len(train)))
        return fitted(self, train, validation, *more, **options)

    monkeypatch.setattr(models.model("linear"), "fit", fit)
    run = training.train(new_run("linear", split="artist-kfold:4"))
    parts = run.parts()
    predicted = run.predictions("validation")
    assert sorted(predicted.track_ids) == sorted(parts["track_id"])
    assert len(met) == 5  # four folds, and the final model on all
    for number, (groups, _) in enumerate(met[:4]):
        assert groups.isdisjoint(parts["group"][parts["fold_1"] == number])
    assert met[4][1] == len(parts)
    assert run.report()["artist_overlap"] == 0


def test_out_of_fold_predictions_are_those_of_the_folds_models(folds_run):
    run = folds_run()
    material = training.reopen_material(run)
    fold = material.split.fold[:, 0]
    held = fold == 2
    kind = models.model("linear")
    model = kind(kind.Settings.from_dict(run.config.settings), seed=run.config.seed)
    model.fit(part_data(run, material, np.flatnonzero(~held)), None)
    mine = model.predict_proba(part_data(run, material, np.flatnonzero(held)).x)
    assert np.allclose(run.predictions("validation").p[held], mine, atol=1e-6)


def test_thresholds_are_chosen_without_the_fold_that_they_judge(folds_run):
    run = folds_run()
    report = run.report()
    stored = report["cross_validation"]["thresholds"]["global"]
    predicted, fold = run.predictions("validation"), run.parts()["fold_1"].to_numpy()
    for number in range(4):
        others = fold != number
        best = metrics.choose_global(
            predicted.y[others], predicted.p[others], GENRES, groups=predicted.groups[others]
        )
        assert stored[number] == best
    judged = evaluate.judge(run, "validation", report)
    nested = predicted.p >= np.array(stored)[fold, None]
    assert (judged.decisions == nested).all()
    assert judged.to_dict()["thresholds"]["global"] == report["thresholds"]["global"]


def test_a_threshold_of_ones_own_is_the_same_in_all_folds(folds_run):
    run = folds_run()
    judged = evaluation.evaluate_run(run, thresholds="0.4")
    assert (judged.decisions == (run.predictions("validation").p >= 0.4)).all()


def test_the_final_model_learns_as_long_as_the_folds_chose(folds_run):
    run = folds_run("fcn", "artist-kfold:3")
    found = run.report()["cross_validation"]
    model = run.model()
    assert len(model.history_) == found["epochs"] <= SETTINGS["epochs"]
    assert all(epoch["val_loss"] is None for epoch in model.history_)
    assert run.epochs()  # the folds' means
    assert not run.checkpoint_folder.exists()


def test_repeats_deal_the_tracks_anew(folds_run):
    run = folds_run(split="artist-kfold:3x2")
    found = evaluation.folds(run)
    assert len(found["per_fold"]) == 6
    assert len(found["repeated"]) == 2
    assert found["repeated"][0] != found["repeated"][1]
    parts = run.parts()
    assert (parts["fold_1"] != parts["fold_2"]).any()
    values = [row["f1"] for row in found["per_fold"]]
    assert found["mean"]["f1"] == pytest.approx(np.mean(values))
    assert found["sd"]["f1"] == pytest.approx(np.std(values, ddof=1))
    assert "over 3 folds, 2 times" in evaluation.spread(found)


class StopAfter:
    """A Progress that ends the fit at its n-th epoch."""

    def __init__(self, n):
        self.left = n

    def batch(self, **values): ...

    def epoch(self, values):
        self.left -= 1
        if not self.left:
            raise Stop("pause")

    def log(self, text): ...


def test_a_stopped_run_goes_on_with_the_fold_that_it_was_at(new_run):
    whole = training.train(new_run("linear", split="artist-kfold:4", name="whole"))
    run = new_run("linear", split="artist-kfold:4", name="stopped")
    material = training.open_material(run.config)
    with run.writing():
        material.parts_table().to_parquet(run.folder / "parts.parquet", index=False)
        with pytest.raises(Stop):
            # linear reports an epoch a genre: the second fold is stopped in its middle
            cross_validation.fit_folds(run, material, StopAfter(5), lambda done, n: None)
    kept = sorted(path.name for path in (run.checkpoint_folder / "folds").glob("*.npz"))
    assert kept == ["000.npz"]
    before = (run.checkpoint_folder / "folds" / "000.npz").stat().st_mtime_ns
    done = []
    cross_validation.fit_folds(run, material, StopAfter(99), lambda now, n: done.append((now, n)))
    assert done[0] == (1, 4)
    assert (run.checkpoint_folder / "folds" / "000.npz").stat().st_mtime_ns == before
    training.train(run)
    assert np.array_equal(run.predictions("validation").p, whole.predictions("validation").p)


def test_a_pause_is_obeyed_between_folds(new_run, monkeypatch):
    run = new_run("linear", split="artist-kfold:4")
    asked = []
    original = cross_validation.fit_fold

    def fit_fold(run, material, number, progress=None):
        original(run, material, number, progress)
        if not asked:
            asked.append(run.request("pause"))

    monkeypatch.setattr(cross_validation, "fit_fold", fit_fold)
    training.train(run)
    assert run.status == "paused"
    training.train(run)
    assert run.status == "finished"


def test_folds_in_processes_say_the_same(new_run, monkeypatch):
    here = training.train(new_run("linear", split="artist-kfold:4", name="here"))
    monkeypatch.setattr(cross_validation, "_WORTH_PROCESSES_S", 0.0)
    monkeypatch.setattr(cross_validation.os, "cpu_count", lambda: 2)
    there = training.train(new_run("linear", split="artist-kfold:4", name="there"))
    assert np.allclose(
        here.predictions("validation").p, there.predictions("validation").p, atol=1e-6
    )


def test_a_process_that_fails_says_why(new_run, monkeypatch):
    monkeypatch.setattr(cross_validation, "_WORTH_PROCESSES_S", 0.0)
    monkeypatch.setattr(cross_validation.os, "cpu_count", lambda: 2)
    run = new_run("linear", split="artist-kfold:4")
    original = cross_validation.fit_fold

    def fit_fold(run, material, number, progress=None):
        original(run, material, number, progress)
        (run.folder / "parts.parquet").write_bytes(b"damaged")

    monkeypatch.setattr(cross_validation, "fit_fold", fit_fold)
    with pytest.raises(Exception, match="damaged"):
        training.train(run)
    assert run.status == "failed"


def test_a_damaged_fold_is_fitted_again(new_run):
    run = new_run("linear", split="artist-kfold:3")
    material = training.open_material(run.config)
    cross_validation.fit_folds(run, material, StopAfter(999), lambda done, n: None)
    (run.checkpoint_folder / "folds" / "001.npz").write_bytes(b"PK")
    with pytest.raises(Exception, match="fold 2 found is damaged"):
        training.train(run)
    training.train(run)
    assert run.status == "finished"


def test_there_is_no_test_part(folds_run):
    run = folds_run()
    with pytest.raises(RunError, match="cross-validated and has no test part"):
        evaluation.evaluate_run(run, "test")
    assert run.looks() == []


def test_a_search_does_not_take_folds(small):
    request = training.TrainingRequest("small", split="kfold:5")
    with pytest.raises(WrongUsage, match="one validation part"):
        training.SearchRequest(request)


def test_a_genre_by_one_artist_is_refused(tmp_path, workspace):
    frame = table()
    only = frame["artist"] == "a01"
    frame.loc[only, "genre"] = frame.loc[only, "genre"] + ";polka"
    import_table(tmp_path, "polka", frame)
    with pytest.raises(SplitError, match="Only 1 artist has 'polka'"):
        training.new_config("polka", model="linear", split="artist-kfold:3")


def test_multiclass_has_no_thresholds(tmp_path, workspace):
    frame = table()
    frame["genre"] = frame["genre"].str.split(";").str[0]
    import_table(tmp_path, "single", frame)
    run = runs.create(
        training.new_config("single", model="linear", task="multiclass", split="kfold:3x2")
    )
    report = training.train(run).report()
    assert report["cross_validation"]["thresholds"] is None
    assert out_of_fold.nested_thresholds(run, report, "global") is None
    rows = report["cross_validation"]["per_fold"]
    assert {row["tracks"] for row in rows} == {60}
    assert report["validation"]["accuracy"]["top1"] == pytest.approx(
        report["cross_validation"]["repeated"][0]["top1"]
    )


def test_it_can_be_sent(folds_run, tmp_path):
    from genre_engine.training import bundle

    run = folds_run()
    path = tmp_path / "run.zip"
    bundle.export(run, path)
    before = json.dumps(evaluation.folds(run))
    runs.remove(run)
    back = bundle.import_zip(path)
    assert json.dumps(evaluation.folds(back)) == before
    assert (evaluation.evaluate_run(back).decisions).any()
