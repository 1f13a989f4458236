"""Real processes: they work, stop when asked, and none outlives its server."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import numpy as np
import psutil
import pytest
import soundfile

from genre_engine import datasets, jobs, runs
from genre_engine.errors import DatasetMissing
from genre_engine.features import store as stores
from genre_engine.jobs import hosted
from genre_engine.jobs.supervisor import Supervisor
from genre_engine.storage import owners
from tests.conftest import REPOSITORY
from tests.jobs.conftest import PATIENCE_S, wait_until

# So long that no machine has done before it is stopped.
FCN = {
    "dataset_name": "small",
    "model": "fcn",
    "settings": {"epochs": 1000, "patience": 200, "learning_rate": 1e-5},
}
pytestmark = pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs process groups")


def alive_in_group(group):
    """Processes of a group that aren't zombies."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.status() != psutil.STATUS_ZOMBIE and os.getpgid(process.pid) == group:
                found.append(process.pid)
    return found


def gone(check, seconds):
    end = time.monotonic() + seconds
    while check():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def test_a_training_is_paused_resumed_and_cancelled_while_another_waits(data, supervisor):
    first = jobs.submit("training", FCN)
    second = jobs.submit("training", {"dataset_name": "small", "model": "linear"})
    wait_until(first, "running", note="Epoch")
    assert jobs.open(second.id).status == "queued"
    jobs.open(first.id).pause()
    paused = wait_until(first, "paused")
    assert paused.message.startswith("Paused after epoch")
    done = len(paused.run().epochs())
    assert wait_until(second, "finished").run().report() is not None
    jobs.open(first.id).resume()
    wait_until(first, "running", note="Epoch")
    jobs.open(first.id).cancel()
    assert wait_until(first, "cancelled").resumable
    assert len(first.run().epochs()) >= done


SERVER = """
import sys, time
from genre_engine import jobs
jobs.supervisor()
print("ready", flush=True)
time.sleep(600)
"""


def test_a_killed_server_leaves_no_process_and_its_training_can_be_resumed(data, workspace):
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen(
        [sys.executable, "-c", SERVER], env=env, stdout=subprocess.PIPE
    ) as server:
        try:
            server.stdout.readline()
            job = jobs.submit("training", FCN)
            wait_until(job, "running", note="Epoch")
            (worker,) = (child.pid for child in psutil.Process(server.pid).children())
            assert alive_in_group(worker)
        finally:
            server.send_signal(signal.SIGKILL)
            server.wait()
    assert gone(lambda: alive_in_group(worker), PATIENCE_S)
    found = wait_until(job, "failed")
    assert "server ended" in found.message
    assert found.resumable
    epochs = len(found.run().epochs())
    restarted = Supervisor()
    try:
        assert gone(lambda: job.run().recorded().status == "running", PATIENCE_S)
        assert "server ended" in job.run().message
        jobs.open(job.id).resume()
        wait_until(job, "running", note="Epoch")
        assert gone(lambda: len(job.run().epochs()) <= epochs, PATIENCE_S)
    finally:
        restarted.stop()


def test_a_killed_training_says_so_and_leaves_no_process(data, supervisor):
    job = jobs.submit("training", FCN)
    wait_until(job, "running", note="Epoch")
    (worker,) = (process.pid for process in supervisor._processes.values())
    assert alive_in_group(worker)
    os.kill(worker, signal.SIGKILL)
    assert gone(lambda: job.run().recorded().status == "running", PATIENCE_S)
    found = wait_until(job, "failed")
    assert "most likely because memory was short" in found.message
    assert not alive_in_group(worker)
    assert found.resumable


def test_two_servers_on_one_workspace_start_a_training_once(data, workspace):
    first, second = Supervisor(), Supervisor()
    try:
        job = jobs.submit("training", {"dataset_name": "small", "model": "linear"})
        found = wait_until(job, "finished")
    finally:
        first.stop()
        second.stop()
    statuses = [e["status"] for e in found.run().events()[0] if e["type"] == "status"]
    assert statuses.count("finished") == 1
    assert statuses.count("queued") == 1


def test_a_data_set_is_made_from_an_upload_which_is_then_gone(workspace, supervisor):
    rows = "\n".join(f"{n},{n % 7},{'rock' if n % 2 else 'pop'}" for n in range(40))
    job = jobs.submit(
        "dataset",
        {"make": "table", "name": "mine", "label": "genre"},
        files={"file": ("t.csv", f"a,b,genre\n{rows}\n".encode())},
    )
    wait_until(job, "finished")
    assert len(datasets.open("mine").tracks) == 40
    assert not job.files().exists()


def test_making_a_data_set_is_cancelled_at_once_with_all_its_workers(workspace, supervisor):
    job = jobs.submit("dataset", {"make": "demo", "name": "d", "tracks": 300})
    wait_until(job, "running", note="Synthesising")
    (worker,) = (process.pid for process in supervisor._processes.values())
    assert alive_in_group(worker)
    jobs.open(job.id).cancel()
    wait_until(job, "cancelled")
    assert gone(lambda: alive_in_group(worker), PATIENCE_S)
    assert gone(lambda: supervisor._processes, PATIENCE_S)
    with pytest.raises(DatasetMissing):
        datasets.open("d")
    # The supervisor clears away what was half done, once it has taken leave of the process.
    datasets_folder = workspace / "datasets"
    assert gone(
        lambda: [place for place in datasets_folder.iterdir() if place.is_dir()], PATIENCE_S
    )


def test_what_went_wrong_is_said_in_words(workspace, supervisor):
    job = jobs.submit(
        "dataset",
        {"make": "table", "name": "mine", "label": "genre"},
        files={"file": ("t.csv", b"a,genre\nloud,rock\n1,pop\n")},
    )
    assert "t.csv" in wait_until(job, "failed").message


def test_a_data_set_that_was_removed_meanwhile_is_named(data):
    job = jobs.submit("training", {"dataset_name": "small", "model": "linear"})
    datasets.remove("small")
    late = Supervisor()
    try:
        assert "has been removed" in wait_until(job, "failed").message
    finally:
        late.stop()
    assert runs.open(job.run_id).status == "failed"


def test_a_training_whose_time_is_used_up_keeps_its_best_epoch_and_is_evaluated(data, supervisor):
    job = jobs.submit("training", FCN, minutes=1 / 60)
    found = wait_until(job, "finished")
    run = found.run()
    n = len(run.epochs())
    assert 1 <= n < 1000
    assert found.message == run.message
    assert f"It ended early after epoch {n}: its time of 0.0166667 minutes was used" in run.message
    assert run.report()["fit"]["epochs"] == n
    assert len(run.model().history_) == n


def test_work_that_cannot_end_well_in_its_time_is_ended_and_says_so(workspace, supervisor):
    job = jobs.submit("dataset", {"make": "demo", "name": "d", "tracks": 900}, minutes=1 / 600)
    assert "its time of" in wait_until(job, "cancelled").message


def test_an_extraction_is_paused_and_goes_on_where_it_was(workspace, tmp_path, supervisor):
    n_tracks = 160
    dataset = folder_of_clips(tmp_path / "clips", n_tracks)
    request = {"dataset": "clips", "features": "summary", "jobs": 1}
    job = jobs.submit("extraction", request)
    wait_until(job, "running", note="Extracting")
    assert gone(lambda: not jobs.open(job.id).progress, PATIENCE_S)
    jobs.open(job.id).pause()
    paused = wait_until(job, "paused")
    assert (paused.message, paused.resumable) == ("Paused. What was done is kept.", True)
    done = stores.find(dataset.features_folder, "summary").track_ids
    assert 0 < len(done) < n_tracks
    jobs.open(job.id).resume()
    wait_until(job, "finished")
    store = stores.find(dataset.features_folder, "summary")
    assert store.track_ids[: len(done)] == done
    assert len(store.track_ids) == n_tracks
    assert store.failures.empty


def folder_of_clips(folder, n_tracks):
    """One clip under many names: each is a track of its own."""
    samples = (0.3 * np.sin(np.arange(30 * 22050) / 9)).astype(np.float32)
    first = None
    for number in range(n_tracks):
        place = folder / ("pop", "rock")[number % 2] / f"{number}.wav"
        place.parent.mkdir(parents=True, exist_ok=True)
        if first is None:
            soundfile.write(place, samples, 22050)
            first = place
        else:
            os.link(first, place)
    return datasets.import_folder("clips", folder, jobs=1)


def test_a_search_puts_its_best_trial_into_the_queue(data, supervisor):
    job = jobs.submit("tuning", {"dataset_name": "small", "model": "linear", "trials": 3})
    found = wait_until(job, "finished")
    run = runs.open(found.result["run"])
    assert run.config.origin == "tuning"
    assert wait_until(jobs.of_run(run.id), "finished").run().report() is not None


def test_a_job_that_fills_more_memory_than_a_visitor_gets_is_ended(workspace, monkeypatch):
    monkeypatch.setenv(hosted.VARIABLE, "1")
    with owners.acting_for("anna"):
        job = jobs.submit("dataset", {"make": "demo", "name": "demo", "tracks": 400}, owner="anna")
        lower = "from genre_engine.jobs import hosted, worker; hosted.JOB_MEMORY_MB = 20; "
        with subprocess.Popen(
            [sys.executable, "-c", f"{lower}worker.main({job.id!r})"],
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            stdin=subprocess.PIPE,
            start_new_session=True,
        ) as process:
            assert process.wait(PATIENCE_S) == -signal.SIGKILL
        found = jobs.open(job.id)
        assert found.status == "failed"
        assert "more than 20 MB of memory" in found.message
        assert datasets.listing() == []
