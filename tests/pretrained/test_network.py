"""The rebuilt networks against numbers of the original ones, with the real weights."""

import json
from pathlib import Path

import numpy as np
import pytest

from genre_engine.pretrained import weights as pretrained_weights
from genre_engine.pretrained.network import BATCH, PATCH_FRAMES, log_mel, power_blocks
from genre_engine.pretrained.tags import TAGS

# What the original networks, in the package that published them, give for `signal()`.
REFERENCE = Path(__file__).parents[1] / "data" / "musicnn_tags.json"


def signal():
    """12 s at 16 kHz: a tone that swells, one that slides, and a beat of a square wave."""
    t = np.arange(16000 * 12) / 16000
    swelling = np.sin(2 * np.pi * 220 * t) * (0.5 + 0.5 * np.sin(2 * np.pi * 2 * t))
    sliding = np.sin(2 * np.pi * (330 + 40 * np.sin(2 * np.pi * 0.5 * t)) * t)
    beat = np.sign(np.sin(2 * np.pi * 55 * t)) * ((t * 4) % 1 < 0.2)
    return (0.05 * (0.2 * swelling + 0.1 * sliding + 0.05 * beat)).astype(np.float32)


@pytest.fixture(scope="module")
def patches():
    mel = log_mel(np.concatenate(list(power_blocks([signal()]))))
    return np.stack([mel[i * PATCH_FRAMES : (i + 1) * PATCH_FRAMES] for i in range(4)])


@pytest.mark.parametrize("name", TAGS)
def test_tags_equal_those_of_the_original_network(name, networks, patches):
    expected = json.loads(REFERENCE.read_text(encoding="utf-8"))[name]
    np.testing.assert_allclose(networks[name](patches), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("name", "tag", "logit"),
    [("MSD", "rock", -1.88), ("MSD", "pop", -2.69), ("MSD", "House", -6.82)],
)
def test_prior_logits_tell_how_frequent_tags_were(name, tag, logit, networks):
    found = networks[name].prior_logits
    assert found.shape == (50,)
    assert found[TAGS[name].index(tag)] == pytest.approx(logit, abs=0.006)


@pytest.mark.parametrize("count", [0, 1, BATCH - 1, BATCH, BATCH + 1, 3 * BATCH + 2])
def test_batching_does_not_change_results(count, networks, patches):
    many = np.concatenate([patches] * 4)[:count]
    found = networks["MTT"](many)
    assert found.shape == (count, 50)
    assert found.dtype == np.float32
    if count:
        one_by_one = np.concatenate([networks["MTT"](patch[None]) for patch in many[:4]])
        np.testing.assert_allclose(found[:4], one_by_one, atol=1e-5)


def test_loud_input_overflows_nothing(networks):
    """The original casts to float16, where full-scale music became infinite."""
    loud = np.full((1, PATCH_FRAMES, 96), 7.0, np.float32)
    for network in networks.values():
        assert np.isfinite(network(loud)).all()


def test_both_networks_are_loaded_once_in_a_process(networks):
    from genre_engine import pretrained

    assert list(networks) == ["MSD", "MTT"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pretrained_weights, "fetch", lambda progress: pytest.fail("fetched again"))
        assert pretrained.networks() is networks


def test_weights_carry_no_optimiser_state(weights, monkeypatch):
    monkeypatch.setenv("GENRE_ENGINE_WORKSPACE", str(weights))
    variables = pretrained_weights.read("MSD_musicnn")
    assert not [name for name in variables if "Adam" in name]
    assert sum(array.size for array in variables.values()) == pytest.approx(8e5, rel=0.05)
