"""Graphs in the workspace: built once, again where damaged, and songs go on without some."""

import threading

import numpy as np
import pytest

from genre_engine import pretrained
from genre_engine.errors import WeightsError
from genre_engine.pretrained import FAST, NETWORKS, published, sessions, weights
from tests.pretrained import small_networks


@pytest.fixture(autouse=True)
def _no_session_of_other_tests(monkeypatch):
    monkeypatch.setattr(sessions, "_open", {})


@pytest.fixture
def files(monkeypatch, workspace):
    """Small stand-ins for the three networks of `fast`, with their weights in the workspace."""
    made = small_networks.install(monkeypatch, FAST)
    for name, data in made.items():
        path = published.path(NETWORKS[name])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return made


def expected(name):
    _, biases = small_networks.content(FAST.index(name))
    return 1 / (1 + np.exp(-(0.5 + biases.astype(np.float64))))


def patches(name, count=2):
    return np.full((count, NETWORKS[name].frames, 96), 0.5, np.float32)


def test_a_registered_network_computes_from_the_numbers_at_its_places(files):
    for name, network in pretrained.networks("fast").items():
        found = network(patches(name))
        assert found.shape == (2, 50)
        np.testing.assert_allclose(found[0], expected(name), atol=1e-6)


def test_graphs_are_built_once(files, monkeypatch):
    pretrained.networks("fast")
    kept = sorted(published.path(NETWORKS[FAST[0]]).parent.glob("onnx/*.onnx"))
    assert len(kept) == len(FAST)
    monkeypatch.setattr(sessions, "_open", {})
    monkeypatch.setattr(sessions, "_build", lambda *given: pytest.fail("built again"))
    assert tuple(pretrained.networks("fast")) == FAST


def test_other_weights_get_another_graph(files, monkeypatch):
    before = sessions._graph_path(NETWORKS[FAST[0]])
    small_networks.install(monkeypatch, FAST[::-1])
    assert sessions._graph_path(NETWORKS[FAST[0]]) != before


def test_a_graph_that_cannot_be_kept_is_built_all_the_same(files, workspace):
    (workspace / "weights" / "onnx").write_text("a file where the folder should be")
    (network,) = pretrained.networks(names=FAST[:1]).values()
    np.testing.assert_allclose(network(patches(FAST[0]))[0], expected(FAST[0]), atol=1e-6)


def test_two_processes_build_at_once_and_both_compute(files):
    found, errors = [], []

    def build():
        try:
            found.append(sessions._open_network(NETWORKS[FAST[0]]))
        except Exception as error:  # noqa: BLE001 - the test shows whatever it is
            errors.append(error)

    threads = [threading.Thread(target=build) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    for network in found:
        np.testing.assert_allclose(network(patches(FAST[0]))[0], expected(FAST[0]), atol=1e-6)


@pytest.fixture
def one_damaged(files):
    path = published.path(NETWORKS[FAST[1]])
    path.write_bytes(b"X" + path.read_bytes()[1:])
    return FAST[1]


def test_the_others_are_used_where_one_is_damaged(one_damaged):
    assert tuple(pretrained.networks("fast")) == (FAST[0], FAST[2])
    with pytest.raises(WeightsError, match=r"damaged .*Run: python -m genre_engine weights"):
        pretrained.networks(names=[one_damaged])


def test_without_a_sound_one_the_error_names_the_command(files):
    for name in FAST:
        published.path(NETWORKS[name]).write_bytes(b"X" * len(files[name]))
    with pytest.raises(WeightsError, match="Run: python -m genre_engine weights"):
        pretrained.networks("fast")


def test_a_damaged_file_counts_as_missing_when_a_song_comes(one_damaged):
    # The tests' address refuses at once, so it can't be fetched again.
    assert pretrained.prepare("fast") == (FAST[0], FAST[2])
    assert published._refusals().exists()


def test_the_pair_is_not_waited_for_where_other_networks_are_here(files, monkeypatch):
    asked = threading.Event()
    answered = threading.Event()

    def hangs(progress=None, *, base=""):
        asked.set()
        answered.wait(60)

    monkeypatch.setattr(weights, "fetch", hangs)
    monkeypatch.setattr(weights, "PATIENCE_S", 0.2)
    monkeypatch.setitem(sessions.CHOICES, "full", (*FAST, *pretrained.PAIR))
    assert pretrained.prepare("full") == FAST
    assert asked.is_set()
    asked.clear()
    assert pretrained.prepare("full") == FAST  # remembered: it isn't asked for again
    assert not asked.is_set()
    answered.set()


def test_without_any_network_the_pair_is_waited_for(workspace, monkeypatch):
    def fails(progress=None, *, base=""):
        raise WeightsError("The pretrained weights could not be downloaded.")

    monkeypatch.setattr(weights, "fetch", fails)
    for choice in ("fast", "full"):
        with pytest.raises(WeightsError, match="could not be downloaded"):
            pretrained.prepare(choice)
