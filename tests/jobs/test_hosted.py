"""A server that visitors share: what it refuses, hides and clears away."""

import os

import pytest
from filelock import FileLock

from genre_engine import datasets, jobs, runs, training
from genre_engine.errors import DatasetMissing, JobError, Refused, RunExists, RunMissing
from genre_engine.jobs import hosted, queue, quota
from genre_engine.storage import owners
from tests.jobs.conftest import data  # noqa: F401 - a fixture
from tests.owned import own

LINEAR = {"dataset_name": "small", "model": "linear"}
TABLE = {"make": "table", "name": "mine", "label": "genre"}


@pytest.fixture
def shared(monkeypatch, workspace):
    monkeypatch.setenv(hosted.VARIABLE, "1")
    monkeypatch.setattr(hosted, "memory_mb", lambda: 4000.0)


@pytest.fixture
def asking(monkeypatch):
    """Has a visitor be the one who asks."""

    def visit(name):
        monkeypatch.setattr(owners, "_asking", [lambda: name])

    return visit


@pytest.mark.parametrize(
    ("kind", "request_", "match"),
    [
        ("download", {"name": "j", "tracks": 5}, "downloads"),
        ("dataset", {"make": "folder", "name": "f", "path": "/home"}, "own disk"),
        ("dataset", {"make": "gtzan", "name": "g", "path": "/home"}, "own disk"),
        ("dataset", {"make": "fma", "name": "f"}, "large data sets"),
        ("dataset", {"make": "jamendo", "name": "j"}, "large data sets"),
        ("dataset", {"make": "jamendo", "name": "j", "metadata": "/etc"}, "own disk"),
        ("dataset", {**TABLE, "file": "/etc/passwd"}, "own disk"),
        ("dataset", {"make": "demo", "name": "d", "tracks": 5000}, "at most 600"),
        ("tuning", {**LINEAR, "trials": 500}, "at most 20"),
    ],
)
def test_what_a_shared_server_does_not_do_is_refused(kind, request_, match, data, shared):  # noqa: F811
    with pytest.raises(Refused, match=match):
        jobs.submit(kind, request_, owner="a")
    assert jobs.listing() == []


def test_each_visitor_has_one_piece_of_work_at_a_time_with_a_limit_of_time(data, shared):  # noqa: F811
    job = jobs.submit("training", LINEAR, owner="a", minutes=500)
    assert job.minutes == hosted.MINUTES
    with pytest.raises(Refused, match="one piece of work at a time"):
        jobs.submit("training", LINEAR, owner="a")
    assert jobs.submit("training", LINEAR, owner="b").position == 2
    job.cancel()
    jobs.submit("training", LINEAR, owner="a")
    with pytest.raises(Refused, match="one piece of work"):
        jobs.open(job.id).resume()


def test_a_large_training_is_refused_before_it_has_a_run(data, shared, monkeypatch):  # noqa: F811
    monkeypatch.setattr(hosted, "TRACKS", 100)
    with pytest.raises(Refused, match="200 tracks"):
        jobs.submit("training", LINEAR, owner="a")
    assert runs.listing() == []


def test_short_memory_is_said_with_what_fits(data, shared, monkeypatch):  # noqa: F811
    monkeypatch.setattr(hosted, "memory_mb", lambda: 600.0)
    with pytest.raises(Refused, match=r"600 MB are free.*fcn.*linear"):
        jobs.submit("training", {**LINEAR, "model": "fcn"}, owner="a")
    jobs.submit("training", LINEAR, owner="a")


def test_memory_is_the_least_of_machine_and_container(tmp_path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal: 9000000 kB\nMemAvailable: 4096000 kB\n")
    assert hosted.memory_mb(tmp_path) == 4000
    group = tmp_path / "sys/fs/cgroup"
    group.mkdir(parents=True)
    (group / "memory.stat").write_text("anon 5\ninactive_file 104857600\n")
    (group / "memory.current").write_text("524288000\n")
    (group / "memory.max").write_text("max\n")
    assert hosted.memory_mb(tmp_path) == 4000
    (group / "memory.max").write_text("1073741824\n")
    assert hosted.memory_mb(tmp_path) == 1024 - 500 + 100
    assert hosted.memory_mb(tmp_path / "nothing") is None


def test_what_was_uploaded_is_shown_to_its_visitor_only_with_the_runs_on_it(
    data,  # noqa: F811
    shared,
    asking,
):
    own(data.folder, "a", private=True)
    job = jobs.submit("training", LINEAR, owner="a")
    run = job.run()
    for visit, seen in (("a", True), ("b", False)):
        asking(visit)
        assert len(datasets.listing()) == len(runs.listing()) == len(jobs.listing()) == seen
    for look in (datasets.open, runs.open, jobs.open):
        with pytest.raises((DatasetMissing, RunMissing, JobError)) as error:
            look({datasets.open: "small", runs.open: run.name, jobs.open: job.id}[look])
        assert "none yet" in str(error.value) or "no job" in str(error.value)


def test_a_visitor_changes_only_what_is_their_own(data, shared, asking):  # noqa: F811
    asking("a")
    job = jobs.submit("training", LINEAR, owner="a")
    asking("b")
    seen = jobs.open(job.id)  # on a data set that is nobody's
    for change in (seen.cancel, seen.pause, seen.resume, lambda: jobs.resume_run(job.run_id)):
        with pytest.raises(Refused, match="isn't yours"):
            change()
    for remove in (lambda: runs.remove(seen.run()), lambda: datasets.remove("small")):
        with pytest.raises(Refused, match="isn't yours"):
            remove()
    asking("a")
    assert jobs.open(job.id).cancel().status == "cancelled"
    assert jobs.open(job.id).resume().status == "queued"


def test_an_owner_that_cannot_be_read_hides_it_from_everybody(data, shared, asking):  # noqa: F811
    asking("a")
    for damaged in ("", "[]", '{"owner": "a"}', "\x00"):
        (data.folder / owners.FILE).write_text(damaged, encoding="utf-8")
        assert datasets.listing() == []
    with owners.as_engine():
        assert len(datasets.listing()) == 1


def test_names_that_are_taken_are_taken_for_everybody(data, shared, asking):  # noqa: F811
    own(data.folder, "a", private=True)
    asking("a")
    jobs.submit("training", {**LINEAR, "name": "mine"}, owner="a")
    own(data.folder, "a")
    asking("b")
    with pytest.raises(RunExists):
        jobs.submit("training", {**LINEAR, "name": "mine"}, owner="b")


def test_only_names_that_this_server_has_signed_are_believed(shared):
    visit = owners.new_visit()
    kept = owners.signed(visit)
    assert owners.verified(kept) == visit
    for forged in (None, "", visit, f"{visit}.", f"{kept}0", f"0{kept}", kept.replace(".", "..")):
        assert owners.verified(forged) is None


def test_the_oldest_of_visitors_goes_first_when_room_is_needed(workspace, shared, monkeypatch):
    monkeypatch.setenv(quota.VARIABLE, "0.0025")
    for number, owner in enumerate(["", "a", "b", "c"]):
        folder = workspace / "runs" / f"run{number}"
        folder.mkdir(parents=True)
        (folder / "model").write_bytes(b"0" * 1000)
        own(folder, owner)
        if owner:
            os.utime(folder / "hosted.json", (number, number))
    assert quota.make_room() == ["run1", "run2"]
    assert sorted(place.name for place in (workspace / "runs").iterdir()) == ["run0", "run3"]


def test_what_visitors_threw_away_goes_before_the_oldest(workspace, shared, monkeypatch):
    monkeypatch.setenv(quota.VARIABLE, "0.0025")
    for number, owner in enumerate(["", "a", "b"]):
        folder = workspace / "runs" / f"run{number}"
        folder.mkdir(parents=True)
        (folder / "model").write_bytes(b"0" * 1000)
        own(folder, owner)
        if owner:
            os.utime(folder / "hosted.json", (number, number))
    runs.discard(runs.Run(workspace / "runs" / "run2"))
    runs.discard(runs.Run(workspace / "runs" / "run0"))
    assert quota.make_room() == ["run2"]
    assert [run.id for run in runs.trash()] == ["run0"]  # nobody's
    assert (workspace / "runs" / "run1").is_dir()


@pytest.fixture
def old_run(data, shared, monkeypatch):  # noqa: F811
    """A visitor's run that is over, older than everything else, and no room for anything."""
    run = jobs.submit("training", LINEAR, owner="old").cancel().run()
    own(run.folder, "old")
    os.utime(run.folder / "hosted.json", (1, 1))
    monkeypatch.setenv(quota.VARIABLE, "0.000001")
    return run


def test_checks_remove_nothing(old_run, data):  # noqa: F811
    own(data.folder, "a", private=True)
    request = training.TrainingRequest("small", model="linear")
    hosted.check_tracks(request)
    hosted.check_memory("linear")
    hosted.check_search(training.SearchRequest(request, trials=3))
    hosted.check_queue("a", [])
    for refuse in (hosted.check_download, hosted.check_reproduction):
        with pytest.raises(Refused):
            refuse()
    with pytest.raises(Refused):
        jobs.submit("tuning", {**LINEAR, "trials": 500}, owner="a")
    assert old_run.folder.is_dir()
    assert data.folder.is_dir()


def test_room_is_made_when_a_job_is_accepted_and_what_it_needs_stays(old_run, data):  # noqa: F811
    own(data.folder, "a", private=True)
    job = jobs.submit("training", LINEAR, owner="a")
    assert not old_run.folder.exists()
    assert job.run().folder.is_dir()
    assert data.folder.is_dir()
    job.cancel()
    assert sorted(quota.make_room()) == sorted(["small", job.run_id])


@pytest.mark.parametrize(
    ("kind", "request_"),
    [
        ("tuning", {**LINEAR, "trials": 3}),
        ("extraction", {"dataset": "small"}),
    ],
)
def test_a_data_set_that_a_job_needs_stays(kind, request_, data, shared, monkeypatch):  # noqa: F811
    own(data.folder, "a", private=True)
    monkeypatch.setenv(quota.VARIABLE, "0.000001")
    job = jobs.submit(kind, request_, owner="a")
    assert data.folder.is_dir()
    with queue.claimed(job.id):
        assert quota.make_room() == []
    assert not jobs.open(job.id).busy  # its process has ended
    assert quota.make_room() == ["small"]


def test_what_a_process_works_on_stays_without_any_job(old_run, data):  # noqa: F811
    own(data.folder, "a", private=True)
    with old_run.writing():  # the command line trains it
        assert quota.make_room() == []
    store = data.features_folder / "summary-0123"
    store.mkdir()
    with FileLock(store / ".lock"):  # the command line extracts it
        assert quota.make_room() == [old_run.id]
    audio = data.folder / "download"
    audio.mkdir()
    with FileLock(audio / ".lock"):  # the command line fetches its audio
        assert quota.make_room() == []
    assert quota.make_room() == ["small"]


def test_a_data_set_that_went_meanwhile_is_not_accepted(data, shared, monkeypatch):  # noqa: F811
    real = training.config_of

    def slow(request):
        config = real(request)
        datasets.remove("small")  # another visitor's job made room
        return config

    monkeypatch.setattr(training, "config_of", slow)
    with pytest.raises(DatasetMissing):
        jobs.submit("training", LINEAR, owner="a")
    assert jobs.listing() == []
    assert runs.listing() == []


def test_nothing_of_this_holds_elsewhere(data):  # noqa: F811
    job = jobs.submit("training", LINEAR, owner="a", minutes=500)
    jobs.submit("training", LINEAR, owner="a")
    assert job.minutes == 500
    assert not (job.run().folder / "hosted.json").exists()
    assert quota.make_room() == []
    hosted.check_removal()
    hosted.check_upload(10**12)


def test_removal_and_large_uploads_are_refused(shared):
    with pytest.raises(Refused, match="nothing is removed"):
        hosted.check_removal()
    with pytest.raises(Refused, match="at most 20 MB"):
        hosted.check_upload(21_000_000)
