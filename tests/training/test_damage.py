"""A run whose files were changed by hand: what is asked of it is answered, or refused in words."""

import json
import re
import shutil

import pandas as pd
import pytest

from genre_engine import evaluation, jobs, runs, training
from genre_engine.errors import DatasetError, GenreEngineError, ModelError, RunError
from genre_engine.evaluation import comparison
from genre_engine.prediction import catalogue
from genre_engine.training import bundle

TEXTS = ("config.json", "events.jsonl", "report.json", "looks.json", "model/model.json")
ARRAYS = (
    *("predictions/train.npz", "predictions/validation.npz", "predictions/test.npz"),
    *("parts.parquet", "model/network.keras", "model/scaling.npz"),
)
# By what a refusal names it; the others are missed by nobody who asks.
SAID = {
    "config.json": "config.json of",
    "report.json": "report.json of the run 'first'",
    "parts.parquet": "parts",
    "predictions/train.npz": "predictions/train.npz",
    "predictions/validation.npz": "validation",
    "predictions/test.npz": "test",
    "model/model.json": "model in",
    "model/network.keras": "network.keras",
    "model/scaling.npz": "scaling.npz",
}
FIX = re.compile(r"\b(remove|train|resume|put it back|has them for)\b", re.IGNORECASE)
DAMAGES = {
    "removed": lambda path: path.unlink(),
    "cut": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "a list": lambda path: path.write_text("[1]"),
    "an object": lambda path: path.write_text("{}"),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


def asked(run_id, tmp_path):
    """All that pages and commands ask of a run, by name."""
    listed = next(run for run in runs.listing() if run.id == run_id)
    yield "status", lambda: (listed.status, listed.message, listed.resumable, listed.name)
    yield "jobs", jobs.listing
    yield "models to choose from", catalogue.available
    yield "open", lambda: runs.open(run_id)
    yield "report", listed.report
    yield "epochs", lambda: (listed.epochs(), listed.progress(), listed.log())
    yield "looks", listed.looks
    yield "validation", lambda: evaluation.evaluate_run(listed)
    yield "test", lambda: evaluation.evaluate_run(listed, "test")
    yield "card", lambda: evaluation.card(listed, evaluation.evaluate_run(listed))
    yield "compare", lambda: comparison.compare([listed, runs.open("sound")])
    yield "parts", listed.parts
    yield "model", listed.model
    yield "classify", lambda: catalogue.find(run_id)
    yield "export", lambda: bundle.export(listed, tmp_path / "run.zip")


@pytest.fixture
def pair(trained):
    """The trained run and a sound copy of it."""
    sound = trained.folder.with_name("20200101-000000-aaaa")
    shutil.copytree(trained.folder, sound)
    path = sound / "config.json"
    path.write_text(path.read_text().replace('"first"', '"sound"'))
    trained.add_look()
    return trained


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        *((file, damage) for file in TEXTS for damage in DAMAGES),
        *((file, damage) for file in ARRAYS for damage in ("removed", "cut")),
        ("parts.parquet", "a folder"),
    ],
)
def test_a_file_that_was_changed_is_named_and_hides_no_other_run(file, damage, pair, tmp_path):
    path = pair.folder / file
    DAMAGES[damage](path)
    refused = {}
    for name, ask in asked(pair.id, tmp_path):
        try:
            ask()
        except GenreEngineError as error:
            refused[name] = str(error)
    assert {"status", "jobs", "models to choose from"}.isdisjoint(refused)
    assert runs.open("sound").status == "finished"
    if file in SAID:
        assert any(SAID[file] in said for said in refused.values()), refused
    for said in refused.values():
        assert FIX.search(said), said
    runs.remove(next(run for run in runs.listing() if run.id == pair.id))
    assert [run.name for run in runs.listing()] == ["sound"]


def test_a_model_whose_files_are_another_run_s_is_refused(trained, new_run):
    other = training.train(new_run(settings={"layers": [8], "epochs": 1}, genres="jazz,rock"))
    shutil.copyfile(other.model_folder / "network.keras", trained.model_folder / "network.keras")
    with pytest.raises(ModelError, match="doesn't fit the genres"):
        trained.model()


def test_predictions_of_another_run_are_refused(trained, new_run):
    other = training.train(new_run(settings={"layers": [8], "epochs": 1}, genres="jazz,rock"))
    shutil.copyfile(
        other.folder / "predictions" / "test.npz", trained.folder / "predictions" / "test.npz"
    )
    with pytest.raises(RunError, match="tracks by 3 genres"):
        evaluation.evaluate_run(trained, "test")
    assert trained.looks() == []


def test_a_track_that_left_the_data_set_is_named_when_a_run_goes_on(new_run, small):
    run = new_run()
    run.request("cancel")
    training.train(run)
    training.open_material(run.config).parts_table().to_parquet(run.folder / "parts.parquet")
    path = small.folder / "tracks.parquet"
    tracks = pd.read_parquet(path)
    tracks.iloc[1:].to_parquet(path, index=False)
    gone = tracks["track_id"].iloc[0]
    with pytest.raises(DatasetError, match=f"{gone}.* isn't in the data set 'small' any more"):
        training.train(run)
    assert run.status == "failed"
    assert "Train a new run" in run.message


def test_events_written_over_by_hand_keep_what_can_be_read(trained):
    lines = trained.events_path.read_text().splitlines()
    lines[3] = "{]"
    lines[5] = json.dumps({"seq": "x", "type": 7})
    trained.events_path.write_text("\n".join(lines) + "\n")
    assert trained.status == "finished"
    assert trained.epochs()
