"""Audio fetched as a job, by a real process, from a server on loopback."""

import pytest

from genre_engine import datasets, jobs
from genre_engine.download import jamendo_metadata, jamendo_plan
from genre_engine.errors import JobError
from tests.download import jamendo_server
from tests.download.jamendo_server import Server, World
from tests.jobs.conftest import wait_until

N_TRACKS = 24


@pytest.fixture
def world(workspace, monkeypatch):
    with Server() as server:
        monkeypatch.setenv(jamendo_metadata.JAMENDO_METADATA_VARIABLE, server.metadata_url)
        monkeypatch.setenv(jamendo_metadata.JAMENDO_AUDIO_VARIABLE, server.audio_url)
        yield World(server, N_TRACKS, songs=[jamendo_server.mp3(0, 12.0)], seconds=12.0)


def here(name):
    return len(jamendo_plan.sizes(datasets.open(name).audio_folder))


def hold_up(world):
    """Have all tracks but the first few come very slowly, until `let_go`."""
    for number, *_ in world.rows[6:]:
        world.server.faults[world.path(number)] = [("slow", 500, 0.2)] * 20


def let_go(world):
    world.server.faults.clear()


def test_a_download_is_cancelled_with_what_has_come_and_gone_on_with(world, supervisor):
    hold_up(world)
    job = jobs.submit("download", {"name": "jam", "jobs": 2})
    running = wait_until(job, "running", note="Fetching audio: 6 of 24 tracks")
    assert running.progress == pytest.approx(6 / N_TRACKS)
    with pytest.raises(JobError, match="being fetched already"):
        jobs.submit("download", {"name": "jam"})
    jobs.open(job.id).cancel()
    cancelled = wait_until(job, "cancelled")
    assert cancelled.resumable
    assert 6 <= here("jam") < N_TRACKS
    let_go(world)
    jobs.open(job.id).resume()
    finished = wait_until(job, "finished")
    assert here("jam") == N_TRACKS
    assert finished.result == {"dataset": "jam", "failures": 0}
    assert max(world.server.fetched_whole().values()) == 1


def test_tracks_that_cannot_be_fetched_are_named_in_the_data_set(world, supervisor):
    del world.server.files[world.path(5)]
    job = jobs.submit("download", {"name": "jam", "excerpt_s": 4})
    assert wait_until(job, "finished").result == {"dataset": "jam", "failures": 1}
    (row,) = datasets.open("jam").failures.itertuples()
    assert row.track_id == "track_0000005"
    assert "There is no file" in row.message


def test_what_is_wrong_is_said_in_words(workspace, supervisor):
    job = jobs.submit("download", {"name": "jam", "metadata": str(workspace / "nowhere")})
    assert "There is no" in wait_until(job, "failed").message
    assert datasets.listing() == []
