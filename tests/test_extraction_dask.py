"""Extraction on a Dask cluster: a scheduler and two workers on this machine, one of them killed."""

import os
import subprocess
import sys
from contextlib import ExitStack

import numpy as np
import pytest

from genre_engine import extraction, features
from genre_engine.errors import WrongUsage
from genre_engine.storage import parallel
from tests.conftest import REPOSITORY
from tests.test_extraction import ids, music  # noqa: F401 - a fixture

distributed = pytest.importorskip("distributed")

pytestmark = [
    pytest.mark.usefixtures("workspace"),
    # Connections to the worker that is killed are closed from the other end.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
SUMMARY = features.kind("summary")

_SCHEDULER = """
import asyncio, sys
from distributed import Scheduler
async def main():
    async with Scheduler(host="127.0.0.1", port=0, dashboard=False) as scheduler:
        print(scheduler.address, flush=True)
        await scheduler.finished()
asyncio.run(main())
"""
_WORKER = """
import asyncio, sys
from distributed import Worker
async def main():
    async with Worker(sys.argv[1], nthreads=1, dashboard=False) as worker:
        print(worker.address, flush=True)
        await worker.finished()
asyncio.run(main())
"""


@pytest.fixture
def cluster(tmp_path):
    """The scheduler's address and the two workers' processes."""
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY), "DASK_DISTRIBUTED__ADMIN__LOG_LENGTH": "10"}

    def start(*words):
        process = subprocess.Popen(
            [sys.executable, "-c", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=env,
            cwd=tmp_path,
        )
        stack.callback(process.wait)
        stack.callback(process.kill)
        stack.callback(process.stdout.close)
        return process, process.stdout.readline().strip()

    with ExitStack() as stack:
        _, address = start(_SCHEDULER)
        assert address
        workers = [start(_WORKER, address)[0] for _ in range(2)]
        yield address, workers


def test_a_worker_is_killed_half_way_and_nothing_is_lost(music, cluster, monkeypatch):  # noqa: F811
    monkeypatch.setattr(extraction, "_CHUNK", 2)
    dataset = music(24, seconds=4.0)
    address, workers = cluster
    reported = []

    def progress(done, total, failed):
        reported.append(done)
        if done >= 8 and workers[0].poll() is None:
            workers[0].kill()

    store = extraction.extract(dataset, SUMMARY, dask=address, progress=progress)
    assert workers[0].wait(10) != 0
    assert workers[1].poll() is None
    assert reported[-1] == 24
    assert sorted(store.track_ids) == ids(dataset)
    assert len(store.track_ids) == 24
    assert store.failures.empty
    track = ids(dataset)[-1]
    expected = SUMMARY.compute_source(dataset.audio_path(track))
    np.testing.assert_allclose(store.vectors([track])[0], expected, rtol=1e-5, atol=1e-5)


def test_an_address_where_nobody_answers_is_reported(music, monkeypatch):  # noqa: F811
    monkeypatch.setattr(parallel, "DASK_TIMEOUT_S", 1.0)
    dataset = music(2)
    with pytest.raises(WrongUsage, match=r"No Dask scheduler answers at 'tcp://127\.0\.0\.1:9'"):
        extraction.extract(dataset, SUMMARY, dask="tcp://127.0.0.1:9")
    with pytest.raises(WrongUsage, match="No Dask scheduler answers"):
        extraction.extract(dataset, SUMMARY, dask="not an address")
