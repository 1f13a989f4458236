"""A learning curve as a job: checked before, pausable, gone on with."""

import pytest

from genre_engine import datasets, jobs, models, runs, training
from genre_engine.errors import JobError, Refused, RunError, RunMissing
from genre_engine.evaluation import learning_curve as stored
from genre_engine.jobs import hosted, queue, quota, worker
from genre_engine.storage import owners
from tests.owned import own

CURVE = {"run": "mine", "shares": [30, 60]}


@pytest.fixture
def mine(data):
    config = training.new_config("small", model="linear", name="mine", settings={"strength": 0.1})
    return training.train(runs.create(config))


def work_on(job):
    with queue.claimed(job.id) as claimed:
        worker._work(worker.Reporter(claimed))
    return jobs.open(job.id)


def test_it_takes_the_place_of_a_training_and_ends_with_the_curve(mine):
    job = jobs.submit("learning-curve", CURVE)
    assert job.title == "Learning curve of mine"
    assert job.pool == "training"
    assert job.dataset == "small"
    found = work_on(job)
    assert found.status == "finished"
    assert found.result == {"run": mine.id, "name": "mine"}
    assert found.progress == 1.0
    assert found.run() is None  # so the run stays as it is, whatever becomes of the job
    assert stored.read(mine)["complete"]
    assert mine.status == "finished"


def test_a_paused_one_goes_on_where_it_was(mine, monkeypatch):
    job = jobs.submit("learning-curve", CURVE)
    fit, fits = models.model("linear").fit, []

    def asking(self, *all_, **options):
        fits.append(1)
        if len(fits) == 3:
            jobs.open(job.id).pause()
        return fit(self, *all_, **options)

    monkeypatch.setattr(models.model("linear"), "fit", asking)
    paused = work_on(job)
    assert (paused.status, paused.resumable) == ("paused", True)
    assert len(fits) == 3
    jobs.open(job.id).resume()
    assert work_on(job).status == "finished"
    assert len(fits) == 6  # five trainings, one of which was dropped and made again


def test_what_cannot_be_measured_is_refused_before_it_waits(mine):
    with pytest.raises(RunMissing, match="no run 'other'"):
        jobs.submit("learning-curve", {"run": "other"})
    waiting = runs.create(training.new_config("small", model="linear", name="waiting"))
    with pytest.raises(RunError, match="is queued"):
        jobs.submit("learning-curve", {"run": waiting.name})
    jobs.submit("learning-curve", CURVE)
    with pytest.raises(JobError, match="is being measured already"):
        jobs.submit("learning-curve", {"run": mine.id})
    assert [job.kind for job in jobs.listing()] == ["learning-curve"]


def test_a_run_that_is_gone_is_said(mine):
    job = jobs.submit("learning-curve", CURVE)
    runs.remove(mine)
    found = work_on(job)
    assert found.status == "failed"
    assert "no run 'mine'" in found.message
    assert found.dataset is None


@pytest.fixture
def shared(monkeypatch, workspace):
    monkeypatch.setenv(hosted.VARIABLE, "1")
    monkeypatch.setattr(hosted, "memory_mb", lambda: 4000.0)


def test_on_a_shared_server_it_has_the_limits_of_a_training(mine, shared, monkeypatch):
    job = jobs.submit("learning-curve", CURVE, owner="a", minutes=500)
    assert job.minutes == hosted.MINUTES
    with pytest.raises(Refused, match="one piece of work at a time"):
        jobs.submit("training", {"dataset_name": "small", "model": "linear"}, owner="a")
    job.cancel()
    monkeypatch.setattr(hosted, "TRACKS", 100)
    with pytest.raises(Refused, match="200 tracks"):
        jobs.submit("learning-curve", CURVE, owner="a")
    monkeypatch.setattr(hosted, "memory_mb", lambda: 100.0)
    with pytest.raises(Refused, match="Memory is short"):
        jobs.submit("learning-curve", CURVE, owner="a")


def test_on_a_shared_server_only_ones_own_run_is_measured(mine, shared, monkeypatch):
    own(mine.folder, "a", private=False)
    monkeypatch.setattr(owners, "_asking", [lambda: "b"])
    with pytest.raises(Refused, match="isn't yours"):
        jobs.submit("learning-curve", CURVE, owner="b")
    monkeypatch.setattr(owners, "_asking", [lambda: "a"])
    assert jobs.submit("learning-curve", CURVE, owner="a").status == "queued"


def test_what_it_needs_is_not_cleared_away(mine, shared):
    own(mine.folder, "a", private=False)
    jobs.submit("learning-curve", CURVE, owner="a")
    assert {mine.folder, datasets.open("small").folder} <= quota.in_use()
