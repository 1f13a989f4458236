"""Who waits and who may start; without any process."""

from dataclasses import replace

import pytest

from genre_engine import jobs, runs, training
from genre_engine.errors import DatasetExists, DatasetMissing, JobError, WrongUsage
from genre_engine.jobs import job as one_job
from genre_engine.jobs import queue
from genre_engine.jobs import record as jobs_on_disk

LINEAR = {"dataset_name": "small", "model": "linear"}


def test_a_training_waits_with_its_run_and_its_place(data):
    first, second = jobs.submit("training", LINEAR), jobs.submit("training", LINEAR)
    assert (first.status, first.position, first.title) == ("queued", 1, "Train small-linear-table")
    assert (second.position, second.run().name) == (2, "small-linear-table-2")
    assert first.run().status == "queued"
    assert first.run().config.origin == "app"
    assert jobs.of_run(second.run_id) == second


def test_only_as_many_start_as_there_are_places(data, monkeypatch):
    first, second, third = (jobs.submit("training", LINEAR) for _ in range(3))
    assert [job.id for job in queue.startable()] == [first.id]
    monkeypatch.setenv(jobs.TRAININGS, "2")
    assert [job.id for job in queue.startable()] == [first.id, second.id]
    with queue.claimed(first.id) as claimed:
        assert claimed.id == first.id
        assert jobs.open(first.id).status == "running"
        assert [job.id for job in queue.startable()] == [second.id]
        assert jobs.open(third.id).position == 2


def test_who_loses_the_race_for_the_last_place_stays_queued_and_says_so(data):
    first, second = jobs.submit("training", LINEAR), jobs.submit("training", LINEAR)
    with queue.claimed(first.id), queue.claimed(second.id) as lost:
        assert lost is None
        waiting = jobs.open(second.id)
        assert waiting.status == "queued"
        assert "waits for its turn" in waiting.note


def test_a_job_that_is_worked_on_is_claimed_by_nobody_else(data):
    job = jobs.submit("training", LINEAR)
    with queue.claimed(job.id), queue.claimed(job.id) as second:
        assert second is None
        assert jobs.open(job.id).status == "running"


def test_a_run_that_the_command_line_trains_is_listed_and_takes_a_place(data):
    run = runs.create(training.new_config("small", model="linear"), origin="cli")
    job = jobs.submit("training", LINEAR)
    with run.writing() as events:
        events.write("status", status="running", message="Training")
        events.write("epoch", epoch=2, epochs=6, loss=0.6, seconds_left=600.0)
        # The first epochs say little of how long the others take.
        assert jobs.listing()[0].seconds_left is None
        events.write("epoch", epoch=3, epochs=6, loss=0.5, seconds_left=7.0)
        (running, waiting) = jobs.listing()
        assert (running.id, running.status, running.note) == (run.id, "running", "Epoch 3 of 6")
        assert (running.progress, running.seconds_left) == (0.5, 7.0)
        assert waiting.id == job.id
        assert queue.startable() == []
        assert running.pause().status == "running"
        assert run.requested() == "pause"
    assert queue.startable() == [jobs.open(job.id)]


def test_what_waits_leaves_the_queue_at_once_and_can_come_back(data):
    first, second = jobs.submit("training", LINEAR), jobs.submit("training", LINEAR)
    assert first.pause().status == "paused"
    assert first.run().status == "paused"
    assert jobs.open(second.id).position == 1
    back = first.resume()
    assert (back.status, back.position) == ("queued", 2)
    assert back.run().status == "queued"
    assert second.cancel().status == "cancelled"
    assert second.run().status == "cancelled"


def test_a_dead_process_shows_as_failed_and_can_be_resumed(data):
    job = jobs.submit("training", LINEAR)
    state = jobs_on_disk.read_state(job.folder)
    jobs_on_disk.write_state(job.folder, replace(state, status="running"))
    (job.folder / "log.txt").write_text("W0000 noise of a library\nno room on the moon\n")
    found = jobs.open(job.id)
    assert found.status == "failed"
    assert "killed, or the machine stopped" in found.message
    assert found.message.endswith("The end of its log: no room on the moon")
    assert found.resume().status == "queued"


def test_a_run_that_was_gone_on_with_elsewhere_is_believed(data):
    job = jobs.submit("training", LINEAR)
    job.pause()
    job.run().set_status("finished", "Macro F1 0.5")
    found = jobs.open(job.id)
    assert (found.status, found.message, found.resumable) == ("finished", "Macro F1 0.5", False)


def test_a_removed_run_takes_its_job_with_it(data):
    job = jobs.submit("training", LINEAR)
    job.cancel()
    runs.remove(job.run())
    assert jobs.open(job.id).message == "Its run has been removed."
    queue.clear_ended()
    with pytest.raises(JobError, match="no job"):
        jobs.open(job.id)


def test_what_cannot_be_done_is_refused_before_it_is_queued(data):
    with pytest.raises(DatasetMissing):
        jobs.submit("training", {"dataset_name": "none"})
    with pytest.raises(WrongUsage, match="no kind of job"):
        jobs.submit("dance", {})
    with pytest.raises(WrongUsage, match="no model"):
        jobs.submit("tuning", {"dataset_name": "small", "model": "linaer"})
    with pytest.raises(DatasetExists):
        jobs.submit("dataset", {"make": "demo", "name": "small"})
    assert jobs.listing() == []
    assert runs.listing() == []


def test_a_bad_number_of_places_is_named(data, monkeypatch):
    monkeypatch.setenv(jobs.TRAININGS, "many")
    with pytest.raises(WrongUsage, match="GENRE_ENGINE_TRAININGS"):
        jobs.submit("training", LINEAR)


def test_a_damaged_state_shows_as_failed_and_hides_no_other(data):
    first, second = jobs.submit("training", LINEAR), jobs.submit("training", LINEAR)
    first.cancel()
    (first.folder / "state.json").write_text("{")
    assert {job.id: job.status for job in jobs.listing()} == {
        first.id: "failed",
        second.id: "queued",
    }


def test_uploads_lie_in_the_jobs_folder_under_a_harmless_name(workspace):
    job = jobs.submit(
        "dataset",
        {"make": "table", "name": "mine", "label": "genre"},
        files={"file": ("../../evil.csv", b"a,genre\n1,rock\n")},
    )
    assert job.request["file"] == str(job.folder / "files" / "evil.csv")
    job.cancel()
    assert not job.files().exists()


def test_a_dataset_can_neither_be_paused_nor_made_twice_at_once(workspace):
    job = jobs.submit("dataset", {"make": "demo", "name": "d"})
    with pytest.raises(JobError, match="can't be paused"):
        job.pause()
    with pytest.raises(DatasetExists, match="being made"):
        jobs.submit("dataset", {"make": "demo", "name": "d"})


def test_time_that_is_used_up_is_not_given_again(data):
    job = jobs.submit("training", LINEAR, minutes=1)
    job.cancel()
    state = jobs_on_disk.read_state(job.folder)
    jobs_on_disk.write_state(job.folder, replace(state, seconds=60.0))
    with pytest.raises(JobError, match="1 minutes is used up"):
        jobs.open(job.id).resume()


def test_opening_a_job_reads_no_other(data, monkeypatch):
    submitted = [jobs.submit("training", LINEAR) for _ in range(3)]
    jobs.of_run(submitted[0].run_id)  # from here on it is known which run is whose
    one_job._known.clear()
    opened = []
    read = jobs_on_disk.read_record
    monkeypatch.setattr(
        jobs_on_disk, "read_record", lambda folder: opened.append(folder.name) or read(folder)
    )
    assert jobs.open(submitted[1].id).id == submitted[1].id
    assert jobs.of_run(submitted[2].run_id).id == submitted[2].id
    assert opened == [submitted[1].id, submitted[2].id]


def test_a_job_is_read_again_only_when_something_has_changed(data, python):
    job = jobs.submit("training", LINEAR)
    first = jobs.open(job.id)
    assert jobs.open(job.id) is first
    with queue.claimed(job.id):
        assert jobs.open(job.id).status == "running"
    with job.run().writing() as events:
        events.write("status", status="running", message="Training")
        running = jobs.open(job.id)
        assert jobs.open(job.id) is running
        events.write("epoch", epoch=1, epochs=4, loss=0.5)
        assert jobs.open(job.id).note == "Epoch 1 of 4"
        events.write("status", status="paused", message="Paused.")
    assert jobs.open(job.id).status == "paused"
    elsewhere = python(f"from genre_engine import jobs; jobs.open({job.id!r}).resume()")
    assert elsewhere.returncode == 0, elsewhere.stderr
    assert jobs.open(job.id).status == "queued"


def test_once_a_run_has_begun_its_events_alone_say_how_it_stands(data):
    job = jobs.submit("training", LINEAR)
    with queue.claimed(job.id), job.run().writing() as events:
        events.write("status", status="running", message="Training")
        events.write("status", status="paused", message="Paused after epoch 3.")
    for status in jobs.STATUSES:
        state = jobs_on_disk.read_state(job.folder)
        jobs_on_disk.write_state(job.folder, replace(state, status=status, message="overtaken"))
        found = jobs.open(job.id)
        assert (found.status, found.message) == ("paused", "Paused after epoch 3.")


def test_the_end_that_an_earlier_version_left_in_the_job_alone_is_taken_over(data):
    job = jobs.submit("training", LINEAR)
    with job.run().writing() as events:
        events.write("status", status="running", message="Training")
    state = jobs_on_disk.read_state(job.folder)
    said = "The app's server ended, and this with it. Resume it to go on."
    jobs_on_disk.write_state(job.folder, replace(state, status="failed", message=said))
    assert jobs.open(job.id).status == "failed"
    queue.reconcile()
    found = jobs.open(job.id)
    assert (found.status, found.message, found.run().message) == ("failed", said, said)


@pytest.mark.parametrize("job_id", ["../datasets", "", ".", "a/b", "..", "x" * 300, "nothing"])
def test_an_id_that_is_none_is_refused(job_id, data):
    with pytest.raises(JobError, match="no job"):
        jobs.open(job_id)


def test_a_run_has_one_job_however_it_is_asked_for(data):
    job = jobs.submit("training", LINEAR)
    with pytest.raises(JobError, match="queued already"):
        jobs.submit("training", {"run": job.run_id})
    job.pause()
    assert jobs.submit("training", {"run": job.run_id}).id == job.id
    jobs.open(job.id).cancel()
    job.run().set_status("finished", "Macro F1 0.5")
    with pytest.raises(JobError, match="it is finished"):
        jobs.submit("training", {"run": job.run_id})
    assert len(jobs.listing()) == 1


def test_a_reproduction_may_fetch_its_data_set_first(workspace):
    with pytest.raises(DatasetMissing):
        jobs.submit("reproduction", {"dataset": "new"})
    assert jobs.submit("reproduction", {"dataset": "new", "tracks": 100}).status == "queued"


def test_typed_requests_are_taken_as_well_as_their_json(data):
    request = training.TrainingRequest("small", model="linear", seed=3)
    first, second = jobs.submit("training", request), jobs.submit("training", request.to_dict())
    assert first.run().config.seed == second.run().config.seed == 3
    assert first.dataset == second.dataset == "small"
