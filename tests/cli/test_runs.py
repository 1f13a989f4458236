"""`train`, `runs`, `remove` and `evaluate` from the command line."""

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from genre_engine import datasets, extraction, features, metrics, runs, training
from genre_engine.cli import runs as command
from genre_engine.cli.training import Display
from tests.conftest import REPOSITORY
from tests.extracted import make_music, write_features
from tests.training.conftest import GENRES, import_table

QUICK = ("--set", "layers=16", "--set", "epochs=3", "--set", "learning_rate=0.01")


@pytest.fixture(scope="module")
def trained_workspace(tmp_path_factory):
    """A workspace with a table and a quick run of it, trained once."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENRE_ENGINE_WORKSPACE", str(folder / "workspace"))
        import_table(folder)
        config = training.new_config("small", model="linear", name="first")
        training.train(runs.create(config))
    return folder / "workspace"


@pytest.fixture(autouse=True)
def small(trained_workspace, workspace):
    shutil.copytree(trained_workspace, workspace)


def test_training_tells_what_it_does_and_ends_with_the_run_and_its_figure(run):
    status, out, err = run("train", "small", *QUICK, "--name", "mine")
    assert status == 0
    made = runs.open("mine")
    assert out == f"{made.id} mine: {made.message}\n"
    assert made.message.startswith("Macro F1 0.")
    assert made.config.origin == "cli"
    assert made.config.settings["layers"] == [16]
    assert "epoch 3 of 3" in err
    assert "val loss" in err


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (("train",), "Name a data set"),
        (("train", "smal"), "no data set 'smal'"),
        (("train", "small", "--model", "fnc"), "Did you mean 'fcn'"),
        (("train", "small", "--set", "droput=0.1"), "Did you mean 'dropout'"),
        (("train", "small", "--set", "dropout=2"), "choose a value from"),
        (("train", "small", "--set", "dropout"), "--set takes a name and a value"),
        (("train", "small", "--genres", "jazz,polka"), "no genre 'polka'"),
        (("train", "small", "--genres", "jazz"), "nothing to choose between"),
        (("train", "small", "--task", "binary"), "needs two genres, not 3"),
        (("train", "small", "--features", "summary"), "--features table"),
        (("train", "small", "--features", "patches"), "takes one vector a track"),
        (("train", "small", "--split", "album"), "no split 'album'"),
        (("train", "small", "--seed", "-1"), "A seed is a whole number"),
        (("train", "small", "--name", "first"), "There is a run 'first' already"),
        (("train", "--resume", "nobody"), "no run 'nobody'"),
        (("train", "small", "--resume", "first"), "can't stand beside it"),
        (("train", "--resume", "first", "--seed", "3"), "--seed can't stand beside it"),
        (("evaluate", "fist"), "Did you mean 'first'"),
        (("evaluate", "first", "--thresholds", "best"), "'best' is no threshold"),
        (("remove", "nobody"), "no run 'nobody'"),
    ],
)
def test_wrong_words_are_refused_with_the_mend_and_nothing_is_made(run, words, match):
    status, out, err = run(*words)
    assert status == 2
    assert match in err
    assert out == ""
    assert len(runs.listing()) == 1


def test_what_cannot_be_split_is_refused_before_a_run_is_made(run):
    for split, match in (("official", "official split"), ("artist:0.8,0.2", "No track is in")):
        status, _, err = run("train", "small", "--split", split)
        assert status == 1
        assert match in err
    assert len(runs.listing()) == 1


def test_missing_features_are_extracted_first(run, tmp_path, monkeypatch):
    """With a stand-in for the extraction, which has tests of its own."""
    from tests.cli.test_datasets import HEADER

    rows = [
        f"track_{n:03d}\tartist_{n % 15}\talbum_1\t{n}.mp3\t9\tgenre---{('pop', 'rock')[n % 2]}\r\n"
        for n in range(90)
    ]
    path = tmp_path / "raw_30s.tsv"
    path.write_text(HEADER + "".join(rows), newline="")
    audio = tmp_path / "audio"
    audio.mkdir()
    for n in range(90):
        (audio / f"{n}.mp3").touch()
    dataset = datasets.import_jamendo("j", path, audio=audio)
    asked = []

    def extract(opened, kind, *, progress):
        import numpy as np

        from genre_engine.datasets import feature_table

        asked.append((opened.name, kind.name))
        progress(90, 90, 0)
        x = np.random.default_rng(0).normal(size=(90, 4)).astype(np.float32)
        made = feature_table.write_features(
            tmp_path, dataset.tracks["track_id"].tolist(), ["a", "b", "c", "d"], x
        )
        store = opened.features_folder / f"summary-{kind.fingerprint}"
        store.parent.mkdir()
        shutil.move(made, store)

    monkeypatch.setattr(extraction, "extract", extract)
    words = ("train", "j", "--model", "linear", "--split", "random")
    status, _, err = run(*words)
    assert status == 0
    assert asked == [("j", "summary")]
    assert "are extracted first" in err
    assert (
        runs.open("j-linear").config.features["fingerprint"] == features.kind("summary").fingerprint
    )
    assert run(*words)[0] == 0
    assert len(asked) == 1


def test_features_made_with_other_parameters_are_reported_and_nothing_is_extracted(
    run, tmp_path, monkeypatch
):
    write_features(make_music(tmp_path), excerpt_s=15.0)
    monkeypatch.setattr(extraction, "extract", None)
    before = len(runs.listing())
    for name in ("train", "tune"):
        status, out, err = run(name, "music", "--model", "linear")
        assert (status, out) == (1, "")
        assert "made with other parameters (excerpt_s 15 there, 30 here)" in err
        assert "extract music --features summary" in err
    assert len(runs.listing()) == before
    assert run("train", "music", "--model", "linear", "--excerpt", "x")[0] == 2
    words = ("train", "music", "--model", "linear", "--excerpt", "15", "--name", "short")
    assert run(*words)[0] == 0
    assert runs.open("short").config.features["parameters"]["excerpt_s"] == 15.0


def test_runs_are_listed_with_their_state(run):
    config = runs.open("first").config
    runs.create(replace(config, name="second"))
    status, out, _ = run("runs", "--format", "json")
    assert status == 0
    listed = json.loads(out)
    assert [(entry["name"], entry["status"]) for entry in listed] == [
        ("second", "queued"),
        ("first", "finished"),
    ]
    assert listed[1]["f1_macro"] == runs.open("first").report()["validation"]["f1"]["macro"]
    assert listed[1]["genres"] == list(GENRES)
    assert listed[0]["f1_macro"] is None
    table = run("runs")[1]
    assert "first" in table
    assert "finished" in table


def test_a_damaged_run_is_listed_and_can_be_removed(run):
    folder = runs.open("first").folder
    (folder / "config.json").write_text("{")
    status, out, err = run("runs")
    assert status == 0
    assert folder.name in out
    assert "can't be read" in err
    assert json.loads(run("runs", "--format", "json")[1])[0]["epochs"] is None
    assert run("evaluate", folder.name)[0] == 1
    assert run("remove", folder.name)[0] == 0
    assert run("runs")[1:] == ("", "There is no run yet. Train one with: train NAME\n")


def test_a_damaged_report_is_named(run):
    (runs.open("first").folder / "report.json").write_text("[")
    assert run("runs")[0] == 0
    status, _, err = run("evaluate", "first")
    assert status == 1
    assert "report.json" in err


def test_removing_asks_at_a_terminal_and_no_means_no(run, monkeypatch):
    monkeypatch.setattr(command.sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda *_: "n")
    monkeypatch.setattr(command.typer, "confirm", decline)
    assert run("remove", "first")[0] == 1
    assert runs.open("first")
    assert run("remove", "first", "--yes")[0] == 0
    assert runs.listing() == []


def decline(*_, **__):
    raise command.typer.Abort


def test_a_run_in_training_is_not_removed(run):
    with runs.open("first").writing():
        status, _, err = run("remove", "first")
    assert status == 1
    assert "Cancel it first" in err
    assert runs.open("first")


def test_evaluate_prints_the_report_as_json_table_and_csv(run):
    status, out, err = run("evaluate", "first", "--format", "json")
    assert status == 0
    found = json.loads(out)
    assert err == ""
    assert (found["run"], found["part"]) == ("first", "validation")
    assert found["genres"] == list(GENRES)
    assert found["artist_overlap"] == 0
    assert {"training_prior", "most_frequent", "artist_prior"} <= {
        name for name, values in found["baselines"].items() if values
    }
    table = run("evaluate", "first")[1]
    assert f"{found['f1']['macro']:.3f}" in table
    assert "artist prior" in table
    rows = list(csv.DictReader(io.StringIO(run("evaluate", "first", "--format", "csv")[1])))
    own = {(row["genre"], row["figure"]): row for row in rows if row["predictor"] == "first"}
    assert float(own["", "f1.macro"]["value"]) == found["f1"]["macro"]
    assert float(own["", "f1.macro"]["low"]) == found["intervals"]["f1"]["macro"][0]
    assert {genre for genre, _ in own} == {*GENRES, ""}
    assert {"always_positive", "artist_prior"} <= {row["predictor"] for row in rows}


def test_thresholds_can_be_chosen(run):
    def chosen(thresholds):
        words = ("evaluate", "first", "--thresholds", thresholds, "--format", "json")
        return json.loads(run(*words)[1])["thresholds"]

    stored = runs.open("first").report()["thresholds"]
    assert chosen("global")["global"] == stored["global"]
    assert chosen("per-genre")["per_genre"] == stored["per_genre"]
    assert chosen("0.5")["global"] == 0.5

    first = runs.open("first")
    validation, parts = first.predictions("validation"), first.parts()
    tuning = np.isin(validation.track_ids, parts["track_id"][parts["half"] == "tuning"])
    half = validation.y[tuning], validation.p[tuning], GENRES
    assert chosen("micro")["global"] == metrics.choose_global(*half, average="micro")
    assert chosen("precision:0.6")["global"] == metrics.for_precision(*half, 0.6)


@pytest.mark.parametrize("wanted", ["precision:", "precision:2", "precision:0", "precision:x"])
def test_a_precision_that_is_none_is_refused(run, wanted):
    status, out, err = run("evaluate", "first", "--thresholds", wanted)
    assert (status, out) == (2, "")
    assert wanted in err or "is no precision" in err


def test_test_is_sealed_and_each_look_is_counted_and_on_the_card(run):
    card = run("evaluate", "first", "--format", "card")[1]
    assert "looked at 0 times" in card
    assert "Figures on validation" in card
    assert runs.open("first").looks() == []
    status, out, err = run("evaluate", "first", "--part", "test", "--format", "json")
    assert status == 0
    assert json.loads(out)["part"] == "test"
    assert "looked at 1 time in this run" in err
    assert run("evaluate", "first", "--part", "test", "--thresholds", "x")[0] == 2
    card = run("evaluate", "first", "--format", "card", "--part", "test")[1]
    assert "looked at 2 times" in card
    assert "Figures on test" in card
    assert len(runs.open("first").looks()) == 2


def test_a_run_without_its_predictions_is_not_looked_at(run):
    first = runs.open("first")
    (first.folder / "predictions" / "test.npz").unlink()
    status, _, err = run("evaluate", "first", "--part", "test")
    assert status == 1
    assert "has no predictions for test" in err
    assert first.looks() == []


def start(*words):
    return subprocess.Popen(
        [sys.executable, "-m", "genre_engine", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )


def wait_for_epoch(process):
    for line in process.stderr:
        if line.startswith("epoch "):
            return
    pytest.fail("it ended before its first epoch")


def test_ctrl_c_pauses_and_resume_goes_on(run):
    long = ("--set", "epochs=150", "--set", "patience=150", "--set", "layers=8")
    with start("train", "small", "--name", "long", *long) as process:
        wait_for_epoch(process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=300)
    assert process.returncode == 128 + signal.SIGINT
    assert out == ""
    assert "pauses at the end of this epoch" in err
    assert "train --resume long" in err
    long_run = runs.open("long")
    assert long_run.status == "paused"
    n = len(long_run.epochs())
    assert 0 < n < 150
    config = (long_run.folder / "config.json").read_text()
    assert run("train", "--resume", "long")[0] == 0
    assert long_run.status == "finished"
    assert (long_run.folder / "config.json").read_text() == config
    assert [epoch["epoch"] for epoch in long_run.epochs()] == list(range(1, 151))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_it_at_once(number, capsys):
    from genre_engine.cli.training import signals

    first = runs.open("first")
    before = signal.getsignal(number)
    with first.writing() as events:
        events.write("status", status="running")
        interrupted = pytest.raises(KeyboardInterrupt)
        with interrupted, signals(first) as received:
            os.kill(os.getpid(), number)
            received.append(first.requested())
            os.kill(os.getpid(), number)
            received.append("went on")
    assert received == [number, "pause", number]
    assert signal.getsignal(number) == before
    assert "Once more stops it at once" in capsys.readouterr().err


def test_resuming_a_finished_run_is_refused(run):
    status, _, err = run("train", "--resume", "first")
    assert status == 1
    assert "has finished" in err


def test_without_a_terminal_progress_is_a_line_now_and_then(capsys, monkeypatch):
    with Display() as display:
        for epoch in range(1, 101):
            display.batch(epoch=epoch, epochs=100, batch=1, batches=2, loss=0.5)
            display.epoch({"epoch": epoch, "epochs": 100, "loss": 0.4, "val_loss": 0.3})
    lines = capsys.readouterr().err.splitlines()
    assert 2 <= len(lines) < 10
    assert lines[-1].startswith("epoch 100 of 100  loss 0.4000  val loss 0.3000")


def test_a_run_is_renamed_noted_and_tagged(run):
    assert run("rename", "first", "baseline") == (0, "", "first is now called baseline.\n")
    assert run("note", "baseline") == (0, "", "baseline has no note.\n")
    assert run("note", "baseline", "the one to beat")[0] == 0
    assert run("note", "baseline")[:2] == (0, "the one to beat\n")
    assert run("tag", "baseline", "thesis", "old")[:2] == (0, "old\nthesis\n")
    assert run("tag", "baseline", "--remove", "OLD")[:2] == (0, "thesis\n")
    (entry,) = json.loads(run("runs", "--format", "json", "--tag", "Thesis")[1])
    assert (entry["name"], entry["note"], entry["tags"]) == (
        "baseline",
        "the one to beat",
        ["thesis"],
    )
    assert json.loads(run("runs", "--format", "json", "--tag", "none")[1]) == []
    assert "thesis" in run("runs")[1]
    status, out, err = run("runs", "--tag", "none")
    assert (status, out) == (0, "")
    assert "No run has the tag 'none'" in err
    assert run("note", "baseline", "")[2] == "baseline has no note any more.\n"
    assert run("note", "baseline")[1] == ""


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (("rename", "first", "a/b"), "can't be a name"),
        (("rename", "nobody", "x"), "no run 'nobody'"),
        (("tag", "first", "a,b"), "can't be a tag"),
        (("note", "first", "x" * 2001), "Shorten it"),
        (("restore", "nobody"), "no run 'nobody' in the trash"),
    ],
)
def test_what_cannot_be_noted_is_refused_in_words(run, words, match):
    status, out, err = run(*words)
    assert (status, out) == (2, "")
    assert match in err


def test_a_removed_run_comes_back_until_it_is_removed_for_good(run):
    made = runs.open("first")
    status, _, err = run("remove", "first")
    assert status == 0
    assert "comes back with: restore first" in err
    assert run("restore") == (0, f"{made.id} first\n", "")
    assert run("restore", "first") == (0, "", "first is back.\n")
    assert run("evaluate", "first")[0] == 0
    assert run("remove", "first", "--for-good")[0] == 0
    assert run("restore")[1] == ""
    assert run("restore", "first")[0] == 2
