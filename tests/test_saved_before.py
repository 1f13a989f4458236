"""What the version before the packages moved has saved: one of each kind, and all of it opens.

`data/before-the-move.zip` is a workspace of that version: a table of features, a run of each model
but the convolutional one, a search's run, a reproduction, a queued job, and an exported run.
"""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from genre_engine import datasets, evaluation, jobs, models, reproduce, runs
from genre_engine.training import bundle

SAVED = Path(__file__).parent / "data" / "before-the-move.zip"


@pytest.fixture
def before(workspace):
    with zipfile.ZipFile(SAVED) as archive:
        archive.extractall(workspace)
    return workspace


def test_data_sets_and_their_features_open(before):
    dataset = datasets.open("small")
    assert len(dataset.tracks) == 80
    chosen = dataset.select()
    assert dataset.split(chosen, "artist").sizes
    (store,) = dataset.features_folder.iterdir()
    assert store.is_dir()


@pytest.mark.parametrize("name", ["linear", "forest", "xgboost", "fcn"])
def test_runs_open_classify_and_are_judged(name, before):
    run = runs.open(name)
    assert run.status == "finished"
    assert run.epochs()
    stored = run.predictions("validation")
    model = models.load_classifier(run.model_folder)
    found = model.predict_proba(np.zeros((1, 3), np.float32))
    assert found.shape == (1, len(run.config.genres))
    report = evaluation.evaluate_run(run)
    assert report.judged.p.shape == stored.p.shape
    assert evaluation.card(run, report)


def test_an_exported_run_is_imported(before):
    run = bundle.import_zip(before / "linear.genre-run.zip")
    assert (run.name, run.status) == ("linear-2", "finished")


def test_a_queued_job_still_waits_for_its_turn(before):
    (job,) = jobs.listing()
    assert (job.title, job.status, job.position) == ("Train waiting", "queued", 1)
    assert job.cancel().status == "cancelled"
    assert job.resume().status == "queued"


def test_a_reproduction_goes_on_where_it_was(before):
    found = reproduce.load("small")
    assert found.status("linear") == "done"
    assert found.output("linear")["no_skill"]["f1.macro"] > 0
    assert found.outcomes["honest-fcn"].status == "waiting"
