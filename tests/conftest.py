"""What several tests need: a workspace of their own, and the real pretrained weights."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
SONGS = REPOSITORY.parent / "shared" / "audio"

# Nothing is asked of the networks' authors: a closed port answers at once, in child processes too.
os.environ["GENRE_ENGINE_WEIGHTS_URL"] = "http://127.0.0.1:9"

# librosa's compiled functions lie in one cache; two processes that fill it at once can crash.
if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    os.environ["NUMBA_CACHE_DIR"] = str(REPOSITORY / ".pytest_cache" / f"numba-{worker}")

# Where most of the time goes: begun first, that no process has a long file left at the end.
LONGEST = (
    "e2e/test_train.py",
    "e2e/test_classify.py",
    "jobs/test_worker.py",
    "e2e/test_metrics.py",
    "e2e/test_explore.py",
    "features/test_track_view.py",
    "audio/test_spectral.py",
    "features/test_summary.py",
    "models/test_contract.py",
    "training/test_fitting.py",
    "prediction/test_pretrained_model.py",
    "training/test_search.py",
    "models/test_learning.py",
    "training/test_bundle.py",
    "test_extraction.py",
    "datasets/test_demo.py",
    "cli/test_classify.py",
    "pages/test_classify.py",
    "training/test_damage.py",
    "pages/test_explore.py",
    "pages/test_explore_download.py",
    "pages/test_metrics.py",
    "pages/test_train.py",
    "datasets/test_jamendo.py",
)

# The first process to import librosa compiles it for half a minute: one process has all of these.
WITH_LIBROSA = {
    f"tests/{name}.py"
    for name in (
        "audio/test_spectral",
        "features/test_summary",
        "features/test_track_view",
        "audio/test_tempo_key",
    )
}


def pytest_collection_modifyitems(items):
    places = {REPOSITORY / "tests" / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(LONGEST)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    from xdist.scheduler import LoadFileScheduling

    class ByFile(LoadFileScheduling):
        def _split_scope(self, nodeid):
            file = super()._split_scope(nodeid)
            return "librosa" if file in WITH_LIBROSA else file

    return ByFile(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(autouse=True)
def _no_supervisor_outlives_its_test():
    """A page starts this process's supervisor; the next test's jobs must not be started by it."""
    yield
    module = sys.modules.get("genre_engine.jobs.supervisor")
    if module is not None and module._only is not None:
        if module._only.alive:
            module._only.stop()
        module._only = None


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """An empty workspace for one test."""
    folder = tmp_path / "workspace"
    monkeypatch.setenv("GENRE_ENGINE_WORKSPACE", str(folder))
    return folder


@pytest.fixture(scope="session")
def weights():
    """A workspace with the pretrained weights, fetched once on a machine. No network: no pass."""
    from genre_engine.pretrained import weights as pretrained_weights

    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "genre-studio-tests"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENRE_ENGINE_WORKSPACE", str(folder))
        pretrained_weights.fetch()
    return folder


@pytest.fixture
def networks(weights, monkeypatch):
    """The musicnn pair with its real weights, wherever the workspace is."""
    from genre_engine import pretrained
    from genre_engine.storage import workspace

    monkeypatch.setattr(workspace, "weights_folder", lambda: weights / "weights")
    return pretrained.networks(names=pretrained.PAIR)


@pytest.fixture
def all_networks(networks, weights, published_weights, tmp_path, monkeypatch):
    """All six networks with their real weights, in a folder of this test's own."""
    from genre_engine import pretrained
    from genre_engine.pretrained import published
    from genre_engine.storage import workspace

    folder = tmp_path / "all-weights"
    folder.mkdir()
    (folder / "musicnn-0.1.0").symlink_to(weights / "weights" / "musicnn-0.1.0")
    monkeypatch.setattr(workspace, "weights_folder", lambda: folder)
    assert published.take(published_weights, published.networks()) == []
    return pretrained.networks("full")


@pytest.fixture(scope="session")
def published_weights():
    """The folder with the other networks' real weights, which lie beside some clones only."""
    folder = REPOSITORY.parent / "shared" / "pretrained"
    if not (folder / "mtg-jamendo-fcn.pth").is_file():
        pytest.skip("the networks' weights aren't beside the repository")
    return folder


@pytest.fixture
def song_named():
    """The path of a real song by a part of its name; they lie beside some clones only."""

    def named(part):
        for path in sorted(SONGS.glob(f"*{part}*.ogg")):
            return path
        pytest.skip("the real songs aren't beside the repository")

    return named


@pytest.fixture
def python():
    """Run Python code in a process of its own, with this repository's package."""

    def run(code, *arguments, **options):
        env = {**os.environ, "PYTHONPATH": str(REPOSITORY), **options.pop("env", {})}
        return subprocess.run(
            [sys.executable, "-c", code, *map(str, arguments)],
            capture_output=True,
            text=True,
            env=env,
            timeout=300,
            **options,
        )

    return run
