import json
import shutil
import subprocess
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest

from genre_engine import runs
from genre_engine.errors import RunError, RunExists, RunMissing, StorageError, WrongUsage
from genre_engine.runs import store
from tests.conftest import REPOSITORY

HOLDER = """
import sys, time
from genre_engine import runs
run = runs.open(sys.argv[1])
with run.writing() as events:
    events.write("status", status="running")
    events.write("epoch", epoch=1)
    print("locked", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def trainer(run, monkeypatch):
    """Another process that holds the run and says it is running; hand over to kill it."""
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, run.id], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "locked\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_run_is_created_queued_and_found_by_id_and_by_name(config):
    made = runs.create(config, origin="cli")
    assert made.status == "queued"
    assert made.name == "demo-fcn"
    for name in (made.id, "demo-fcn"):
        found = runs.open(name)
        assert found.id == made.id
        assert found.config == made.config
    assert found.config.origin == "cli"
    assert found.config.genres == ("jazz", "rock")
    assert json.loads((made.folder / "config.json").read_text())["format"] == 1


def test_names_that_nobody_chose_say_what_it_is_and_differ(config):
    names = [runs.create(config).name for _ in range(3)]
    assert names == ["demo-fcn", "demo-fcn-2", "demo-fcn-3"]
    table = replace(config, features={**config.features, "kind": "table"}, dataset="x" * 60)
    assert len(runs.create(table).name) <= 64
    assert len({run.id for run in runs.listing()}) == 4


def test_a_chosen_name_that_is_taken_is_refused(config):
    first = runs.create(replace(config, name="mine"))
    for name in ("mine", first.id):
        with pytest.raises(RunExists, match="already"):
            runs.create(replace(config, name=name))
    with pytest.raises(WrongUsage, match="can't be a name"):
        runs.create(replace(config, name="../mine"))
    assert len(runs.listing()) == 1


def test_two_who_create_at_the_same_time_get_two_names(config):
    made = []
    threads = [threading.Thread(target=lambda: made.append(runs.create(config))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({run.name for run in made}) == len({run.id for run in made}) == 6


def test_a_run_that_is_not_there_is_named_with_the_nearest(config):
    with pytest.raises(RunMissing, match="none yet"):
        runs.open("demo-fcn")
    runs.create(config)
    with pytest.raises(RunMissing, match="Did you mean 'demo-fcn'"):
        runs.open("demo-fnc")
    with pytest.raises(RunMissing, match="There are: demo-fcn"):
        runs.open("zzz")


def test_a_copied_folder_shares_its_name_but_not_its_id(run):
    shutil.copytree(run.folder, run.folder.with_name("copy"))
    assert runs.open("copy").name == run.name
    with pytest.raises(RunMissing, match="2 runs are called"):
        runs.open(run.name)


def test_the_newest_status_counts_with_its_message(run):
    run.set_status("paused", "after epoch 3")
    assert (run.status, run.message) == ("paused", "after epoch 3")
    assert run.resumable
    run.set_status("finished")
    assert not run.resumable


def test_a_trainer_in_another_process_is_alive_and_keeps_others_out(run, trainer):
    assert run.alive
    assert run.status == "running"
    assert not run.resumable
    with pytest.raises(RunError, match="being trained by another process"):
        run.set_status("queued")
    with pytest.raises(RunError, match="Cancel it first"):
        runs.remove(run)
    assert run.folder.is_dir()


def test_asking_whether_a_trainer_lives_never_makes_another_asker_wrong(run, trainer):
    seen = []

    def ask():
        seen.extend(run.alive for _ in range(200))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(seen) == {True}
    trainer.kill()
    trainer.wait()
    seen.clear()
    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(seen) == {False}


def test_a_killed_trainer_leaves_a_failed_run_that_can_be_resumed(run, trainer):
    trainer.kill()
    trainer.wait()
    assert not run.alive
    assert run.status == "failed"
    assert "without saying why after epoch 1" in run.message
    assert run.resumable
    run.set_status("queued")
    assert run.status == "queued"


def test_a_pid_that_lives_on_is_no_sign_of_a_trainer(run):
    with run.writing() as events:
        events.write("status", status="running")
        assert run.status == "running"
    # This very process goes on, but it holds the run no more.
    assert run.status == "failed"


def test_requests_reach_the_trainer_and_are_refused_where_there_is_none(run):
    run.request("pause")
    assert run.requested() == "pause"
    run.set_status("queued")
    assert run.requested() is None
    with run.writing() as events:
        events.write("status", status="running")
        run.request("cancel")
        assert run.requested() == "cancel"
        events.write("status", status="cancelled")
    with pytest.raises(RunError, match="is cancelled"):
        run.request("pause")


@pytest.mark.parametrize(
    ("damage", "match"),
    [
        (lambda text: text[: len(text) // 2], "can't be read"),
        (lambda text: "[]", "isn't a run's"),
        (lambda text: text.replace('"format": 1', '"format": 99'), "newer version"),
        (lambda text: text.replace('"genres"', '"other"'), "no entry 'genres'"),
        (lambda text: text.replace('"seed": 0', '"seed": "x"'), "no sound entry 'seed'"),
    ],
)
def test_a_damaged_config_is_listed_with_its_error_and_can_be_removed(config, damage, match):
    good, bad = runs.create(config), runs.create(config)
    path = bad.folder / "config.json"
    path.write_text(damage(path.read_text()))
    listed = {run.id: run for run in runs.listing()}
    assert listed[good.id].error is None
    assert match in listed[bad.id].error
    assert listed[bad.id].status == "failed"
    with pytest.raises(RunError, match=match):
        runs.open(bad.id)
    runs.remove(runs.open(bad.id, damaged=True))
    assert [run.id for run in runs.listing()] == [good.id]


def test_lost_events_are_a_failed_run_not_an_error(run):
    run.events_path.unlink()
    assert run.status == "failed"
    assert run.epochs() == []
    assert set(run.progress().values()) == {None}


def test_removing_leaves_nothing(run, workspace):
    runs.remove(run)
    assert runs.listing() == []
    assert [place.name for place in (workspace / "runs").iterdir()] == [".lock"]


def test_a_run_is_created_whole_or_not_at_all(config, workspace, monkeypatch):
    def no_space(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.os, "replace", no_space)
    with pytest.raises(StorageError, match="is full"):
        runs.create(config)
    assert runs.listing() == []
    assert [place.name for place in (workspace / "runs").iterdir()] == [".lock"]


def test_predictions_come_back_as_they_were_and_damage_is_named(run):
    rng = np.random.default_rng(0)
    made = runs.Predictions(
        ["a/ä.ogg", "b"],
        rng.integers(0, 2, (2, 2)).astype(np.uint8),
        rng.random((2, 2), np.float32),
        np.array([0, 1]),
    )
    with pytest.raises(RunError, match="they come when it has finished"):
        run.predictions("test")
    path = run.folder / "predictions" / "validation.npz"
    made.save(path)
    read = run.predictions("validation")
    assert read.track_ids == made.track_ids
    for name in ("y", "p", "groups"):
        np.testing.assert_array_equal(getattr(read, name), getattr(made, name))
    assert read.artist_prior is None
    with pytest.raises(RunError, match="It has them for: validation"):
        run.predictions("train")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(RunError, match=r"validation\.npz of this run is damaged"):
        run.predictions("validation")
    np.savez(path, track_ids=np.array(["a"]), y=np.ones((1, 3)), p=np.ones((1, 3)))
    with pytest.raises(RunError, match="1 tracks by 2 genres"):
        run.predictions("validation")
    np.savez(path, track_ids=np.array([{}], object), y=np.ones((1, 2)), p=np.ones((1, 2)))
    with pytest.raises(RunError, match="damaged"):
        run.predictions("validation")


def test_looks_at_test_are_counted(run):
    assert run.looks() == []
    assert run.add_look() == 1
    assert run.add_look() == 2
    assert len(run.looks()) == 2


def test_a_trainer_that_ends_itself_has_the_last_word(run):
    """Another thread of its process says why, while it may be in the middle of an epoch."""
    with run.writing() as events:
        events.write("status", status="running", message="Training")
        thread = threading.Thread(target=run.conclude, args=("failed", "The server ended."))
        thread.start()
        thread.join()
        events.write("status", status="running", message="Predicting")
        events.write("epoch", epoch=1)
    assert (run.status, run.message) == ("failed", "The server ended.")
    assert run.epochs() == []


def test_an_end_that_is_said_stays(run):
    run.set_status("finished", "Macro F1 0.5")
    run.conclude("failed", "Killed.")
    assert (run.status, run.message) == ("finished", "Macro F1 0.5")
    run.set_status("queued")
    run.conclude("cancelled", "Taken out of the queue.")
    assert run.status == "cancelled"
