"""The job that has the pretrained networks analyse a run's tracks."""

import numpy as np
import pytest
import soundfile

from genre_engine import datasets, jobs
from genre_engine.errors import JobError, Refused, WrongUsage
from genre_engine.jobs import hosted, queue, worker
from genre_engine.prediction import reference
from genre_engine.storage import owners
from tests import sounds
from tests import stub_networks as stubs
from tests.finished_runs import finished

GENRES = ("pop", "rock")


@pytest.fixture
def run(workspace, tmp_path, monkeypatch):
    """A finished run on twelve clips that the stand-ins for the networks take for rock."""
    stubs.install(monkeypatch, stubs.rock)
    for genre in GENRES:
        (tmp_path / "clips" / genre).mkdir(parents=True)
        for number in range(6):
            place = tmp_path / "clips" / genre / f"{number}.wav"
            samples = sounds.chords(4.0) + 1e-5 * number
            soundfile.write(place, samples.astype(np.float32), 16000)
    dataset = datasets.import_folder("mine", tmp_path / "clips", jobs=1)
    y = np.array([[g in one for g in GENRES] for one in dataset.tracks["genres"]], np.uint8)
    ids = dataset.tracks["track_id"].tolist()
    return finished("run", ids=ids, genres=GENRES, y=y, artists=0, dataset="mine")


def work_on(job):
    with queue.claimed(job.id) as claimed:
        worker._work(worker.Reporter(claimed))
    return jobs.open(job.id)


def submit(run, model="fast", **options):
    return jobs.submit("reference", {"run": run.id, "model": model}, **options)


def test_it_analyses_the_tracks_and_says_of_which_run(run):
    job = submit(run)
    assert job.title == "Judge the pretrained networks beside run"
    assert job.dataset == "mine"
    done = work_on(job)
    assert (done.status, done.progress) == ("finished", 1.0)
    assert reference.missing(run, "fast") == 0
    assert reference.judge(run, "fast").report.figure("recall.macro") > 0


def test_what_was_done_is_kept_where_it_is_paused_and_it_goes_on(run, monkeypatch):
    job = submit(run)
    views = reference._views

    def until_the_third(networks, file, excerpt_s):
        if file.name == "2.wav" and jobs.open(job.id).status == "running":
            monkeypatch.setattr(reference, "_views", views)
            jobs.open(job.id).pause()
        return views(networks, file, excerpt_s)

    monkeypatch.setattr(reference, "_views", until_the_third)
    paused = work_on(job)
    assert paused.status == "paused"
    assert 0 < reference.missing(run, "fast") < 12
    paused.resume()
    assert work_on(job).status == "finished"
    assert reference.missing(run, "fast") == 0


def test_what_cannot_be_judged_never_waits(run):
    with pytest.raises(WrongUsage, match="no pretrained networks 'slow'"):
        submit(run, "slow")
    with pytest.raises(WrongUsage, match="none of these 3 genres"):
        submit(finished("other", genres=("a", "b", "c")))
    submit(run)
    with pytest.raises(JobError, match="already"):
        submit(run, "full")
    assert len(jobs.listing()) == 1


def test_a_shared_server_takes_few_tracks_only(run, monkeypatch):
    monkeypatch.setenv(owners.VARIABLE, "1")
    monkeypatch.setattr(hosted, "TRACKS", 5)
    with pytest.raises(Refused, match="takes up to 5"):
        submit(run, owner="ann")
    monkeypatch.setattr(hosted, "TRACKS", 12)
    assert submit(run, owner="ann").status == "queued"
