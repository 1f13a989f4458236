"""What a job's process does, in this process: how it ends when something gives out."""

import errno
import os

import pytest

from genre_engine import jobs
from genre_engine.jobs import queue, worker
from genre_engine.runs import journal
from genre_engine.storage import workspace

QUICK = {
    "dataset_name": "small",
    "model": "fcn",
    "settings": {"layers": [8], "epochs": 6, "patience": 6},
}


def work_on(job):
    with queue.claimed(job.id) as claimed:
        worker._work(worker.Reporter(claimed))
    return jobs.open(job.id)


def no_space(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("what", ["events", "everything else"])
def test_a_disk_that_fills_up_is_reported_and_the_training_goes_on_when_there_is_room(
    what, data, monkeypatch
):
    """Events are written by `os.write`; checkpoints and states beside their place."""
    job = jobs.submit("training", QUICK)
    write = os.write

    with monkeypatch.context() as patch:

        def until_full(file, content):
            # The epoch's own event: batches of a slow one are written too.
            if b'"type": "epoch", "epoch": 3,' in bytes(content):
                if what == "events":
                    no_space()
                patch.setattr(workspace.tempfile, "mkdtemp", no_space)
            return write(file, content)

        patch.setattr(journal.os, "write", until_full)
        found = work_on(job)
    assert found.status == "failed"
    assert "is full. Free some space" in found.message
    run = found.run()
    assert (run.status, run.message) == ("failed", found.message)
    assert [epoch["epoch"] for epoch in run.epochs()] == [1, 2, 3][: 2 if what == "events" else 3]
    assert run.report() is None
    assert found.resumable
    jobs.open(job.id).resume()
    assert work_on(job).status == "finished"
    assert [epoch["epoch"] for epoch in run.epochs()] == [1, 2, 3, 4, 5, 6]


class Clock:
    """Goes on by so many seconds whenever it is looked at."""

    def __init__(self, step_s):
        self.now, self.step_s = 0.0, step_s

    def __call__(self):
        self.now += self.step_s
        return self.now


def test_a_training_s_time_is_up_before_it_is_overdue(data):
    job = jobs.submit("training", QUICK, minutes=10)
    clock = Clock(0.0)
    reporter = worker.Reporter(job, clock)
    assert (reporter.time_is_up(), reporter.overdue) == ("", False)
    clock.now = 600.0
    assert reporter.time_is_up() == "its time of 10 minutes was used up."
    assert not reporter.overdue
    clock.now = 600.0 + 151.0
    assert reporter.overdue


def test_what_is_not_trained_yet_has_no_time_beyond_its_own(workspace):
    job = jobs.submit("dataset", {"make": "demo", "name": "d"}, minutes=10)
    clock = Clock(0.0)
    reporter = worker.Reporter(job, clock)
    clock.now = 600.0
    assert reporter.overdue
