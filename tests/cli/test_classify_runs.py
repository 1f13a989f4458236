"""`classify --model RUN`."""

import csv
import io
import json
import os
import shutil

import pytest

from genre_engine import runs
from genre_engine.features.summary import Summary
from genre_engine.prediction import run_model
from tests import trainings


@pytest.fixture
def folder(tmp_path, tmp_path_factory, monkeypatch):
    """A working folder with a song, beside a workspace with runs."""
    workspace = trainings.workspace_of(tmp_path_factory)
    monkeypatch.setenv("GENRE_ENGINE_WORKSPACE", str(workspace))
    monkeypatch.chdir(tmp_path)
    song = trainings.make_song(("chords", 14.0))
    (tmp_path / "a.flac").write_bytes(song)
    (tmp_path / "b.flac").write_bytes(b"text")
    return tmp_path


KEYS = {"file", "model", "view", "calibrated", "duration_s", "genres", "warnings", "error"}


def test_json_has_the_contract_s_keys_with_the_run_s_genres(run, folder):
    status, out, _ = run(
        "classify", "a.flac", "b.flac", "--model", "tones", "--format", "json", "--windows"
    )
    assert status == 1
    found, failed = json.loads(out)
    assert set(found) == KEYS | {"windows"}
    assert set(failed) == KEYS
    assert (found["model"], found["view"], found["calibrated"]) == ("tones", "own", True)
    assert failed["model"] == "tones"
    assert failed["error"]["type"] == "NotAudio"
    assert {g["genre"] for g in found["genres"]} == {"chords", "drums", "low"}
    assert found["genres"][0]["genre"] == "chords"
    assert [w["start_s"] for w in found["windows"]] == [0.0, 2.0, 4.0, 6.0, 8.0]


def test_the_table_has_the_genres_that_count_as_yes_and_says_once_what_the_model_knows(run, folder):
    status, out, errors = run("classify", "a.flac", "a.flac", "--model", "toy", "--windows")
    assert status == 0
    assert "Perhaps chords" in out
    assert "Score (0 to 100)" in out
    assert "Also heard" not in out
    assert errors.count("knows synthetic music only") == 1


def test_a_csv_is_continued_by_the_same_model_only(run, folder):
    words = ("classify", "a.flac", "--format", "csv", "--output", "out.csv")
    assert run(*words, "--model", "tones")[0] == 0
    status, _, errors = run(*words, "--model", "tones")
    assert status == 0
    assert "1 of 1 songs are in out.csv already" in errors
    assert run(*words, "--model", "one-of")[0] == 2
    (row,) = csv.DictReader(io.StringIO((folder / "out.csv").read_text(encoding="utf-8")))
    assert (row["model"], row["genre_1"], row["genre_4"]) == ("tones", "chords", "")


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--model", "tons"], 2, "There is no model 'tons'. Did you mean 'tones'? There are: "),
        (["--model", "tones", "--view", "ten"], 2, "has no view 'ten'"),
        (["--model", "waiting"], 1, "is queued, so it can't classify songs yet"),
        (["--model", "numbers"], 1, "trained on an imported table"),
    ],
)
def test_a_model_that_cannot_classify_says_why(words, status, said, run, folder):
    found, out, errors = run("classify", "a.flac", *words)
    assert (found, out) == (status, "")
    assert said in errors
    assert "Traceback" not in errors


@pytest.fixture
def copied(folder, tmp_path, monkeypatch):
    """A workspace that may be changed."""
    copy = shutil.copytree(os.environ["GENRE_ENGINE_WORKSPACE"], tmp_path / "copy")
    monkeypatch.setenv("GENRE_ENGINE_WORKSPACE", str(copy))
    run_model._loaded.clear()
    return copy


def test_features_that_this_version_makes_otherwise_are_reported_before_any_song(
    run, copied, monkeypatch
):
    made = Summary.parameters.fget
    monkeypatch.setattr(Summary, "parameters", property(lambda self: made(self) | {"version": 99}))
    for form in ("table", "json", "csv"):
        status, out, errors = run("classify", "a.flac", "--model", "tones", "--format", form)
        assert (status, out) == (1, "")
        assert "makes with other parameters (version 1 there, 99 here)" in errors
        assert "Train a new run" in errors
    # What is made as before goes on as before.
    assert run("classify", "a.flac", "--model", "pictures")[0] == 0


def test_a_model_that_is_damaged_is_reported_with_each_song_and_ends_no_list(run, copied):
    (runs.open("tones").model_folder / "linear.npz").write_bytes(b"PK")
    words = ("classify", "a.flac", "b.flac", "--model", "tones", "--format")
    status, out, errors = run(*words, "json")
    assert status == 1
    found = json.loads(out)
    assert [element["error"]["type"] for element in found] == ["ModelError", "NotAudio"]
    assert "linear.npz" in found[0]["error"]["message"]
    assert errors.count("is damaged") == 1
    status, out, _ = run(*words, "csv")
    assert status == 1
    assert len(out.splitlines()) == 3
