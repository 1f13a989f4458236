import errno
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from genre_engine import datasets, evaluation, runs, training
from genre_engine.errors import (
    DatasetError,
    DatasetMissing,
    ModelError,
    RunError,
    StorageError,
    WrongUsage,
)
from genre_engine.runs import journal
from genre_engine.training import fitting
from tests.conftest import REPOSITORY
from tests.training.conftest import GENRES, SETTINGS, import_table, table


class Ask:
    """A Progress that asks for something at an epoch."""

    def __init__(self, run, epoch, what="pause"):
        self.run, self.at, self.what = run, epoch, what

    def batch(self, **values): ...

    def epoch(self, values):
        if values["epoch"] == self.at:
            self.run.request(self.what)

    def log(self, text): ...


def figures(run):
    """All that must be the same for the same seed."""
    report = run.report()
    for name in ("run",):
        report["validation"].pop(name)
    report["fit"].pop("seconds")
    epochs = [
        {key: value for key, value in event.items() if key not in ("seq", "time", "seconds_left")}
        for event in run.epochs()
    ]
    for epoch in epochs:
        epoch.pop("seconds")
    predicted = [run.predictions(part).p for part in ("validation", "test")]
    return report, epochs, predicted


def assert_same(one, other):
    assert one[0] == other[0]
    assert one[1] == other[1]
    for a, b in zip(one[2], other[2], strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_run_is_trained_recorded_evaluated_and_usable(trained):
    assert trained.status == "finished"
    assert trained.message.startswith("Macro F1")
    assert [epoch["epoch"] for epoch in trained.epochs()] == list(range(1, 7))
    assert {"loss", "val_loss", "accuracy", "val_accuracy", "auc", "val_auc", "best"} <= set(
        trained.epochs()[0]
    )
    phases = [e["message"] for e in trained.events()[0] if e["type"] == "status"]
    assert phases[1:5] == ["Reading the features", "Training", "Predicting", "Evaluating"]
    report = trained.report()
    assert report["artist_overlap"] == 0
    assert sum(report["sizes"].values()) == 180
    assert set(report["thresholds"]["per_genre"]) == set(GENRES)
    validation = report["validation"]
    idle = [values["f1"]["macro"] for name, values in validation["baselines"].items() if values]
    assert len(idle) == 6
    assert validation["f1"]["macro"] > max(idle) + 0.15
    model = trained.model()
    assert model.genres_ == GENRES
    ids = trained.predictions("test").track_ids
    store = training.open_material(trained.config).store
    np.testing.assert_allclose(
        model.predict_proba(store.vectors(ids)), trained.predictions("test").p, atol=1e-6
    )
    assert not trained.checkpoint_folder.exists()


def test_parts_keep_artists_apart_and_are_those_of_the_predictions(trained):
    parts = trained.parts()
    assert (parts.groupby("artist")["part"].nunique() == 1).all()
    assert set(parts["half"][parts["part"] == "validation"]) == {"selecting", "tuning"}
    for part in ("validation", "test"):
        ids = parts["track_id"][parts["part"] == part].tolist()
        assert trained.predictions(part).track_ids == ids


def test_the_same_seed_gives_the_same_and_another_seed_another(new_run, trained):
    again = training.train(new_run())
    other = training.train(new_run(seed=1))
    assert_same(figures(again), figures(trained))
    assert figures(other)[0] != figures(again)[0]


def test_a_paused_run_goes_on_to_the_same_end(new_run, trained):
    run = new_run()
    training.train(run, progress=Ask(run, 2))
    assert (run.status, run.message) == ("paused", "Paused after epoch 2.")
    assert run.checkpoint_folder.is_dir()
    assert run.requested() is None
    assert run.report() is None
    with pytest.raises(RunError, match="hasn't finished"):
        evaluation.evaluate_run(run)
    training.train(run, progress=Ask(run, 4))
    assert run.message == "Paused after epoch 4."
    training.train(run)
    assert run.status == "finished"
    assert_same(figures(run), figures(trained))


def test_a_pause_that_is_asked_for_as_it_ends_lets_it_finish(new_run, trained):
    run = new_run()
    training.train(run, progress=Ask(run, 6))
    assert run.status == "finished"
    assert run.requested() is None
    assert_same(figures(run), figures(trained))


def test_a_cancel_ends_it_within_the_epoch_and_it_can_still_be_resumed(
    new_run, trained, monkeypatch
):
    run = new_run()
    monkeypatch.setattr(training.reporter, "_SECONDS", 0.0)

    class Cancel(Ask):
        def batch(self, **values):
            if values["epoch"] == 3:
                self.run.request("cancel")

    # The model reports batches seldom on so small a set; here it must.
    from genre_engine.models import history

    monkeypatch.setattr(history, "_SECONDS_BETWEEN_BATCHES", 0.0)
    training.train(run, progress=Cancel(run, 0))
    assert (run.status, run.message) == ("cancelled", "Cancelled after epoch 2.")
    training.train(run)
    assert_same(figures(run), figures(trained))


def test_a_request_made_while_it_was_queued_counts_and_one_of_an_earlier_life_does_not(new_run):
    run = new_run()
    run.request("cancel")
    training.train(run)
    assert (run.status, run.message) == ("cancelled", "Cancelled.")
    # As a killed process leaves it: a request that nobody answered.
    (run.folder / "control").write_text("pause")
    training.train(run)
    assert run.status == "finished"


def test_a_finished_run_is_not_trained_again(trained):
    with pytest.raises(RunError, match="has finished"):
        training.train(trained)
    assert trained.status == "finished"


CHILD = """
import sys
from genre_engine import runs, training
class Print:
    def batch(self, **values): pass
    def log(self, text): pass
    def epoch(self, values):
        print(values["epoch"], flush=True)
        if str(values["epoch"]) in sys.argv[2:]:
            sys.stdin.readline()
training.train(runs.open(sys.argv[1]), progress=Print())
"""


def start(run, waits_at=()):
    """A process that trains the run, prints its epochs, and after some waits for a line."""
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, run.id, *map(str, waits_at)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )


def test_sigkill_leaves_a_run_that_says_so_and_goes_on_to_the_same_end(new_run):
    settings = SETTINGS | {"epochs": 80, "patience": 80, "learning_rate": 0.001}
    run, whole = new_run(settings=settings), new_run(settings=settings)
    # It is killed at work: once it has gone on after its fifth epoch, and before its 40th, where it
    # waits however late this process is.
    child = start(run, waits_at=(5, 40))
    with child, child.stdout as printed:
        for line in printed:
            if int(line) == 5:
                with pytest.raises(RunError, match="being trained by another process"):
                    training.train(run)
                child.stdin.write("\n")
                child.stdin.flush()
            if int(line) == 6:
                child.send_signal(signal.SIGKILL)
                break
    assert child.returncode == -signal.SIGKILL
    assert run.status == "failed"
    assert "without saying why after epoch" in run.message
    assert run.resumable
    n = len(run.epochs())
    assert 6 <= n <= 40
    training.train(run)
    assert run.status == "finished"
    assert len(run.epochs()) == 80
    training.train(whole)
    assert_same(figures(run), figures(whole))


def test_wherever_it_is_killed_after_the_fit_it_still_finishes_the_same(
    new_run, trained, monkeypatch
):
    """Steps after the fit that end at once, as with SIGKILL: nothing is written."""

    class Killed(BaseException):
        pass

    def kill(*_, **__):
        raise Killed

    for place, name in (
        (fitting, "_predict"),
        (fitting.evaluate, "report"),
        (runs.Run, "write_json"),
    ):
        run = new_run()
        with monkeypatch.context() as patch:
            patch.setattr(place, name, kill)
            patch.setattr(fitting, "_end_failed", lambda *_: None)
            with pytest.raises(Killed):
                training.train(run)
        assert run.status == "failed"
        assert "without saying why after epoch 6" in run.message
        training.train(run)
        assert_same(figures(run), figures(trained))


def test_a_disk_that_fills_up_is_reported_and_the_run_can_be_resumed(new_run, trained, monkeypatch):
    run = new_run()
    real = os.write

    def full(file, data):
        # Only the run's events are written with it; what was kept free is used up by the status.
        if b'"epoch": 3' in bytes(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(file, data)

    with monkeypatch.context() as patch:
        patch.setattr(journal.os, "write", full)
        with pytest.raises(StorageError, match="is full"):
            training.train(run)
    assert run.status == "failed"
    assert "is full" in run.message
    assert len(run.epochs()) == 2
    training.train(run)
    assert_same(figures(run), figures(trained))


def test_a_crash_leaves_its_last_words(new_run, monkeypatch):
    run = new_run()

    def break_down(*_, **__):
        raise ZeroDivisionError("a flaw")

    with monkeypatch.context() as patch:
        patch.setattr(fitting.evaluate, "report", break_down)
        with pytest.raises(ZeroDivisionError):
            training.train(run)
    assert run.status == "failed"
    assert "ZeroDivisionError: a flaw" in run.message
    assert "Traceback" in run.log()
    assert "in break_down" in run.log()


def test_an_interrupted_run_is_cancelled_and_can_be_resumed(new_run):
    run = new_run()

    class Interrupt(Ask):
        def epoch(self, values):
            if values["epoch"] == self.at:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training.train(run, progress=Interrupt(run, 2))
    assert (run.status, run.message) == ("cancelled", "Interrupted after epoch 2.")
    assert run.resumable


def test_too_little_memory_is_said_in_words(new_run, monkeypatch):
    run = new_run()
    monkeypatch.setattr(fitting, "part_data", lambda *_: (_ for _ in ()).throw(MemoryError))
    with pytest.raises(ModelError, match="not enough memory"):
        training.train(run)
    assert "not enough memory" in run.message


def test_a_damaged_checkpoint_is_named_and_its_removal_starts_again(new_run, trained):
    run = new_run()
    training.train(run, progress=Ask(run, 3))
    (state,) = run.checkpoint_folder.iterdir()
    state.write_bytes(state.read_bytes()[:200])
    with pytest.raises(ModelError, match="damaged"):
        training.train(run)
    assert run.status == "failed"
    assert "damaged" in run.message
    state.unlink()
    training.train(run)
    assert_same(figures(run), figures(trained))


def test_a_data_set_that_was_removed_or_imported_again_is_noticed(new_run, tmp_path):
    run = new_run()
    info = datasets.open("small").folder / "dataset.json"
    values = json.loads(info.read_text())
    datasets.remove("small")
    with pytest.raises(DatasetMissing, match="has been removed"):
        training.train(run)
    assert "has been removed" in run.message
    import_table(tmp_path)
    info.write_text(json.dumps(values | {"created": "2020-01-01T00:00:00+00:00"}))
    with pytest.raises(DatasetError, match="imported again"):
        training.train(run)
    assert run.status == "failed"


def test_features_that_were_removed_or_are_others_now_are_noticed(new_run, tmp_path):
    run = new_run()
    (store,) = datasets.open("small").features_folder.iterdir()
    store.rename(store.with_name("table-0123456789ab"))
    with pytest.raises(WrongUsage, match="no table features"):
        training.train(run)
    assert run.status == "failed"


def test_a_run_that_began_keeps_its_parts_when_more_tracks_come(new_run, monkeypatch):
    run = new_run()
    training.train(run, progress=Ask(run, 1))
    before = run.parts()
    # What the split would give now plays no part any more.
    monkeypatch.setattr(training.fitting, "open_material", None)
    training.train(run)
    pd.testing.assert_frame_equal(run.parts(), before)


def test_one_genre_a_track_and_two_genres_are_trained_too(small, tmp_path):
    for task, genres in (("multiclass", None), ("binary", "jazz,rock")):
        config = training.new_config("small", task=task, genres=genres, settings=SETTINGS)
        assert any("carry several" in text for text in config.warnings)
        run = training.train(runs.create(config))
        report = run.report()
        assert report["thresholds"] is None
        assert report["calibration"]["single"]
        p = run.predictions("validation").p
        np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-5)
        assert evaluation.evaluate_run(run, thresholds="per-genre").to_dict()["thresholds"] is None


def test_without_artists_intervals_are_over_tracks(tmp_path):
    frame = table().drop(columns="artist")
    path = tmp_path / "plain.csv"
    frame.to_csv(path, index=False)
    datasets.import_table("plain", path, label="genre", label_separator=";")
    run = training.train(
        runs.create(training.new_config("plain", split="random", settings=SETTINGS))
    )
    assert run.predictions("validation").groups is None
    assert run.report()["validation"]["bootstrap"]["over"] == "tracks"
    assert run.report()["artist_overlap"] is None
