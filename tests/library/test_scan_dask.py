"""A scan on a Dask cluster: a scheduler and two workers on this machine, one of them killed."""

import pytest

from genre_engine import library
from genre_engine.errors import WrongUsage
from genre_engine.library import scan
from genre_engine.storage import parallel
from tests.library.songs import write_song
from tests.test_extraction_dask import cluster  # noqa: F401 - a fixture

pytest.importorskip("distributed")

pytestmark = [
    # Connections to the worker that is killed are closed from the other end.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture
def mine(workspace, weights, tmp_path):
    """A library of songs, in a workspace whose weights the workers find."""
    (workspace / "weights").mkdir(parents=True)
    (workspace / "weights" / "musicnn-0.1.0").symlink_to(weights / "weights" / "musicnn-0.1.0")
    music = tmp_path / "music"
    music.mkdir()
    for number in range(12):
        write_song(music / f"{number}.flac", "FLAC", 200 + 20 * number)
    (music / "broken.mp3").write_text("this is no audio")
    return library.create("mine", [music])


def test_a_worker_is_killed_half_way_and_nothing_is_lost(mine, cluster, monkeypatch):  # noqa: F811
    monkeypatch.setattr(scan, "_CHUNK", 1)
    address, workers = cluster
    reported = []

    def progress(now):
        reported.append(now.done)
        if now.done >= 4 and workers[0].poll() is None:
            workers[0].kill()

    result = scan.scan(mine, dask=address, progress=progress)
    assert workers[0].wait(10) != 0
    assert workers[1].poll() is None
    assert reported[-1] == 13
    assert (result.read, result.analysed, len(result.failed)) == (13, 12, 1)
    assert mine.counts() == {"songs": 13, "analysed": 12, "missing": 0, "failed": 1}
    assert mine.embeddings().shape == (13, 100)
    again = scan.scan(mine, dask=address)
    assert again.read == 0


def test_an_address_where_nobody_answers_is_reported(mine, monkeypatch):
    monkeypatch.setattr(parallel, "DASK_TIMEOUT_S", 1.0)
    with pytest.raises(WrongUsage, match="No Dask scheduler answers"):
        scan.scan(mine, dask="tcp://127.0.0.1:9")
