"""The networks as graphs against numbers of the original ones, with the real weights."""

import json
from pathlib import Path

import numpy as np
import pytest

from genre_engine import pretrained
from genre_engine.errors import WeightsError
from genre_engine.pretrained import NETWORKS, PAIR, published, sessions, tensors
from genre_engine.pretrained import weights as pair_weights
from genre_engine.pretrained.spectrogram import PATCH_FRAMES, log_mel, power_blocks
from genre_engine.pretrained.tags import VOCABULARIES, prior_logits
from genre_engine.pretrained.windows import stretches

# What the original networks, in the package that published them, give for `signal(12)`.
REFERENCE = Path(__file__).parents[1] / "data" / "musicnn_tags.json"


def signal(duration_s):
    """At 16 kHz a tone that swells, one that slides, and a beat of a square wave."""
    t = np.arange(16000 * duration_s) / 16000
    swelling = np.sin(2 * np.pi * 220 * t) * (0.5 + 0.5 * np.sin(2 * np.pi * 2 * t))
    sliding = np.sin(2 * np.pi * (330 + 40 * np.sin(2 * np.pi * 0.5 * t)) * t)
    beat = np.sign(np.sin(2 * np.pi * 55 * t)) * ((t * 4) % 1 < 0.2)
    return (0.05 * (0.2 * swelling + 0.1 * sliding + 0.05 * beat)).astype(np.float32)


class Song:
    """Samples at 16 kHz in blocks of some odd length."""

    def __init__(self, samples):
        self.samples = samples
        self.duration_s = len(samples) / 16000

    def __iter__(self):
        for start in range(0, len(self.samples), 7777):
            yield self.samples[start : start + 7777]


@pytest.fixture(scope="module")
def patches():
    mel = log_mel(np.concatenate(list(power_blocks([signal(12)]))))
    return np.stack([mel[i * PATCH_FRAMES : (i + 1) * PATCH_FRAMES] for i in range(4)])


@pytest.mark.parametrize(("name", "original"), [("msd-musicnn", "MSD"), ("mtt-musicnn", "MTT")])
def test_tags_equal_those_of_the_original_network(name, original, networks, patches):
    expected = json.loads(REFERENCE.read_text(encoding="utf-8"))[original]
    np.testing.assert_allclose(networks[name](patches), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", PAIR)
def test_the_graph_equals_the_network_in_keras(name, networks, patches):
    from tests.pretrained import keras_musicnn

    loud = np.random.default_rng(0).uniform(0, 7, (2, PATCH_FRAMES, 96)).astype(np.float32)
    both = np.concatenate([patches, loud])
    values = tensors.read(NETWORKS[name], pair_weights.folder() / NETWORKS[name].weights.name)
    tags, pooled = keras_musicnn.build(values).predict(both, verbose=0)
    np.testing.assert_allclose(networks[name](both), tags, atol=1e-5, rtol=0)
    mean = networks[name].mean_over_time(both)
    np.testing.assert_allclose(mean, pooled[:, 1::2], atol=1e-4, rtol=1e-4)


def test_the_other_networks_equal_what_was_measured_of_them(all_networks):
    reference = Path(__file__).parents[2].parent / "shared" / "reference" / "fcn_reference.npz"
    if not reference.is_file():
        pytest.skip("the reference isn't beside the repository")
    expected = np.load(reference)
    for name, duration_s, key in (
        ("mtg-jamendo-fcn", 29, "jamendo_fcn_tags"),
        ("msd-fcn", 29, "msd_fcn_tags"),
        ("mtat-fcn", 29, "mtat_fcn_tags"),
        ("mtg-jamendo-musicnn", 3, "jamendo_musicnn_first_3s_tags"),
    ):
        (stretch,) = stretches(Song(signal(duration_s)))
        found = all_networks[name](stretch.patches(NETWORKS[name], np.array([0])))
        np.testing.assert_allclose(found[0], expected[key], atol=1e-4, rtol=0)


def test_the_filters_in_the_files_are_those_that_are_computed(published_weights):
    from genre_engine.audio.spectral import mel_filters

    own = mel_filters(sample_rate=16000, n_fft=512, n_mels=96, scale="htk")
    for network in published.networks():
        values = tensors.read(network, published_weights / network.weights.name)
        np.testing.assert_allclose(own.T, values["spec.mel_scale.fb"], atol=2e-5)


@pytest.mark.parametrize(
    ("name", "tag", "logit"),
    [("MSD", "rock", -1.88), ("MSD", "pop", -2.69), ("MSD", "House", -6.82)],
)
def test_prior_logits_say_how_frequent_tags_were(name, tag, logit):
    found = prior_logits(name)
    assert found[VOCABULARIES[name].index(tag)] == pytest.approx(logit, abs=0.006)


@pytest.mark.parametrize("name", PAIR)
def test_prior_logits_are_those_that_the_weights_hold(name, networks):
    network = NETWORKS[name]
    values = tensors.read(network, pair_weights.folder() / network.weights.name)
    held = values["batch_normalization_10/beta"] @ values["dense_1/kernel"] + values["dense_1/bias"]
    np.testing.assert_allclose(prior_logits(network.vocabulary), held, atol=1e-4)


@pytest.mark.parametrize("count", [0, 1, 7])
def test_each_patch_is_scored_by_itself(count, networks, patches):
    many = np.concatenate([patches] * 2)[:count]
    found = networks["mtt-musicnn"](many)
    assert found.shape == (count, 50)
    assert found.dtype == np.float32
    for row, patch in zip(found, many, strict=True):
        np.testing.assert_allclose(row, networks["mtt-musicnn"](patch[None])[0], atol=1e-6)


def test_loud_input_overflows_nothing(networks):
    """The original casts to float16, where full-scale music became infinite."""
    loud = np.full((1, PATCH_FRAMES, 96), 7.0, np.float32)
    for network in networks.values():
        assert np.isfinite(network(loud)).all()


def test_networks_are_opened_once_in_a_process(networks):
    again = pretrained.networks(names=PAIR)
    assert all(again[name] is networks[name] for name in PAIR)


def test_a_damaged_graph_is_built_again(networks, patches, monkeypatch):
    network = NETWORKS["mtt-musicnn"]
    kept = sessions._graph_path(network)
    kept.write_bytes(kept.read_bytes()[:-9])
    monkeypatch.setattr(sessions, "_open", {})
    again = pretrained.networks(names=["mtt-musicnn"])["mtt-musicnn"]
    np.testing.assert_array_equal(again(patches), networks["mtt-musicnn"](patches))
    assert sessions._read(kept) is not None


def test_weights_that_are_not_as_published_are_never_read(tmp_path):
    network = NETWORKS["mtg-jamendo-fcn"]
    file = tmp_path / network.weights.name
    with pytest.raises(WeightsError, match="missing"):
        tensors.read(network, file)
    file.write_bytes(b"\0" * network.weights.n_bytes)
    with pytest.raises(WeightsError, match="damaged"):
        tensors.read(network, file)


def test_no_framework_is_loaded_to_classify(weights, python):
    code = (
        "import sys\n"
        "from genre_engine.prediction import example\n"
        "from genre_engine import prediction\n"
        "prediction.classify(str(example.PATH))\n"
        "print(*sorted({'tensorflow', 'keras', 'torch', 'librosa'} & set(sys.modules)))\n"
    )
    done = python(code, env={"GENRE_ENGINE_WORKSPACE": str(weights)})
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
