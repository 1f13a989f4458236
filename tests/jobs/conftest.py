"""A small data set of ready features, and a supervisor that ends with its test."""

import time

import numpy as np
import pytest

from genre_engine import datasets, jobs
from genre_engine.jobs.supervisor import Supervisor

# Importing what trains takes most of it, the more so on a busy machine.
PATIENCE_S = 180


@pytest.fixture
def data(workspace, tmp_path):
    """Four genres, each around its own mean."""
    rng = np.random.default_rng(0)
    path = tmp_path / "small.csv"
    lines = ["track_id,artist,a,b,c,d,e,f,genre"]
    for n in range(200):
        values = rng.normal(n % 4, 1.5, 6)
        genre = ("rock", "jazz", "pop", "folk")[n % 4]
        lines.append(f"s{n},a{n % 40},{','.join(f'{v:.3f}' for v in values)},{genre}")
    path.write_text("\n".join(lines))
    return datasets.import_table("small", path, label="genre", group="artist")


@pytest.fixture
def supervisor(workspace):
    made = Supervisor()
    yield made
    made.stop()


def wait_until(job, *statuses, note=None, seconds=PATIENCE_S):
    """The job once it has one of the statuses, and a note that begins so."""
    end = time.monotonic() + seconds
    while True:
        found = jobs.open(job.id)
        if found.status in statuses and (note is None or found.note.startswith(note)):
            return found
        over = found.status in ("paused", "cancelled", "failed", "finished")
        assert not over or found.status in statuses, (found.status, found.message, found.log())
        assert time.monotonic() < end, (found.status, found.note, found.log())
        time.sleep(0.05)
