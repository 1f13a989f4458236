"""A run's model as one ONNX file: what it says of itself, and a song classified with it alone."""

import json
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import onnx
import pytest
import soundfile

from genre_engine import features, prediction, runs
from genre_engine.errors import RunError, WrongUsage
from genre_engine.prediction import onnx_export
from tests import trainings
from tests.conftest import REPOSITORY

PAGE = REPOSITORY / "docs" / "onnx.md"


def metadata(path):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    return {entry.key: json.loads(entry.value) for entry in model.metadata_props}


@pytest.mark.parametrize("name", ["tones", "one-of", "two", "pictures"])
def test_the_file_says_all_that_a_song_s_scores_need(name, trained, tmp_path):
    run = runs.open(name)
    about = metadata(onnx_export.export(run, tmp_path / "model.onnx"))
    report = run.report()
    kind = features.kind(run.config.features["kind"], excerpt_s=6.0)
    assert about["format"] == 1
    assert about["run"]["id"] == run.id
    assert (about["model"], about["task"]) == (run.config.model, run.config.task)
    assert about["genres"] == list(run.config.genres)
    assert about["features"]["kind"] == kind.name
    assert about["features"]["fingerprint"] == kind.fingerprint
    assert about["features"]["parameters"] == json.loads(json.dumps(kind.parameters))
    assert about["features"]["columns"] == list(kind.columns)
    assert about["thresholds"] == report["thresholds"]
    assert about["calibration"] == report["calibration"]
    assert about["dataset"] == {"name": "sounds", "licence": None, "synthetic": False}
    size = 6 * kind.sample_rate
    assert about["windows"] == {
        **{"length_s": 6.0, "hop_s": 2.0, "length_samples": size, "hop_samples": size // 3},
        "aggregation": "mean",
    }


def test_a_run_on_a_table_is_exported_with_its_columns_and_without_windows(trained, tmp_path):
    about = metadata(onnx_export.export(runs.open("numbers"), tmp_path / "model.onnx"))
    assert about["features"]["kind"] == "table"
    assert about["features"]["columns"] == ["a", "b"]
    assert about["windows"]["length_samples"] is None


@pytest.fixture
def copied(trained, tmp_path, monkeypatch):
    """A workspace that may be changed."""
    copy = shutil.copytree(trained, tmp_path / "copy")
    monkeypatch.setenv("GENRE_ENGINE_WORKSPACE", str(copy))
    return copy


def without_onnx(run):
    (run.model_folder / "model.onnx").unlink()
    path = run.model_folder / "model.json"
    values = json.loads(path.read_text())
    del values["onnx"]
    path.write_text(json.dumps(values))


@pytest.mark.parametrize("name", ["tones", "pictures"])
def test_a_run_of_an_earlier_version_gives_the_same_file(name, copied, tmp_path):
    run = runs.open(name)
    new = onnx_export.export(run, tmp_path / "new.onnx").read_bytes()
    without_onnx(run)
    assert onnx_export.export(run, tmp_path / "old.onnx").read_bytes() == new


def test_an_earlier_file_is_replaced_and_anything_else_is_left(trained, tmp_path):
    run, path = runs.open("tones"), tmp_path / "model.onnx"
    onnx_export.export(runs.open("two"), path)
    assert metadata(onnx_export.export(run, path))["run"]["name"] == "tones"
    for content in (b"some text", b"\x00" * 64, b"PK\x03\x04"):
        path.write_bytes(content)
        with pytest.raises(WrongUsage, match="isn't an ONNX file"):
            onnx_export.export(run, path)
        assert path.read_bytes() == content
    (tmp_path / "folder").mkdir()
    with pytest.raises(WrongUsage, match="is a folder"):
        onnx_export.export(run, tmp_path / "folder")
    assert sorted(place.name for place in tmp_path.iterdir()) == ["folder", "model.onnx"]


def test_an_unfinished_run_is_refused(trained, tmp_path):
    with pytest.raises(RunError, match="'waiting' is queued"):
        onnx_export.export(runs.open("waiting"), tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()


@pytest.mark.parametrize("report", ['{"thresholds": {"global": NaN}}', '{"thresholds": 1}'])
def test_a_damaged_report_is_refused(report, copied, tmp_path):
    run = runs.open("tones")
    (run.folder / "report.json").write_text(report)
    with pytest.raises(RunError, match=r"report.json of the run 'tones' is damaged"):
        onnx_export.export(run, tmp_path / "model.onnx")


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """The program on the page."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    path = tmp_path_factory.mktemp("example") / "classify_onnx.py"
    path.write_text(code, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["tones", "one-of", "two", "pictures"])
@pytest.mark.parametrize("length_s", [4.0, 15.2])
def test_the_page_s_program_classifies_a_song_as_the_app_does(
    name, length_s, trained, tmp_path, example
):
    """Run where this package can't be imported."""
    song = tmp_path / "song.flac"
    rate = 44100
    parts = [trainings.GENRES[genre](length_s / 2, rate) for genre in ("chords", "drums")]
    samples = np.concatenate(parts)
    # Something in every band: where there is nothing, features are rounding alone.
    samples += np.random.default_rng(2).normal(0, 0.003, len(samples)).astype(np.float32)
    soundfile.write(song, samples, rate)
    onnx_export.export(runs.open(name), tmp_path / "model.onnx")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(example), "model.onnx", "song.flac"],
        cwd=tmp_path,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    found = {entry["genre"]: entry for entry in json.loads(done.stdout)}
    expected = prediction.classify(song, name)
    assert [entry["genre"] for entry in json.loads(done.stdout)] == [
        entry["genre"] for entry in expected["genres"]
    ]
    for entry in expected["genres"]:
        assert found[entry["genre"]]["score"] == pytest.approx(entry["score"], abs=1e-3)
    analysed = prediction.analyse(song, name).views["own"]
    yes = {genre for genre, entry in found.items() if entry["yes"]}
    if analysed.thresholds is not None:
        assert yes == {analysed.genres[i] for i in analysed.yes()}
    else:
        assert yes == {analysed.genres[int(np.argmax(analysed.song))]}


def test_the_page_s_program_needs_nothing_of_ours(example):
    code = example.read_text(encoding="utf-8")
    assert "genre_engine" not in code
    assert "import onnxruntime" in code


_CLASSIFY = """
import json, sys
from genre_engine import prediction
found = prediction.classify(sys.argv[1], sys.argv[2])
heavy = sorted({"tensorflow", "keras", "xgboost", "sklearn"} & set(sys.modules))
print(json.dumps([heavy, found["genres"], found["warnings"]]))
"""


@pytest.mark.parametrize("old", [False, True])
def test_a_song_is_classified_with_a_network_without_tensorflow(old, copied, tmp_path, python):
    """Whether its run is of this version or of one that wrote no model.onnx."""
    song = tmp_path / "song.flac"
    song.write_bytes(trainings.make_song(("chords", 8.0)))
    run = runs.open("pictures")
    expected = prediction.classify(song, "pictures")["genres"]
    if old:
        without_onnx(run)
    done = python(_CLASSIFY, song, "pictures")
    assert done.returncode == 0, done.stderr
    heavy, genres, warnings = json.loads(done.stdout)
    assert heavy == []
    assert warnings == []
    assert [entry["genre"] for entry in genres] == [entry["genre"] for entry in expected]
    for entry, other in zip(genres, expected, strict=True):
        assert entry["score"] == pytest.approx(other["score"], abs=1e-4)


def test_a_damaged_graph_is_named_beside_the_song_s_result(copied, tmp_path):
    song = trainings.make_song(("chords", 8.0))
    expected = prediction.classify(song, "pictures")
    prediction.run_model._loaded.clear()
    path = runs.open("pictures").model_folder / "model.onnx"
    path.write_bytes(path.read_bytes()[:-5])
    found = prediction.classify(song, "pictures")
    assert found["genres"][0] == expected["genres"][0]
    (warning,) = found["warnings"]
    assert warning.startswith("model.onnx of the model in ")
    assert "is damaged, or another model's, so the model is used in its own form" in warning
