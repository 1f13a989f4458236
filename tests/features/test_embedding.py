"""The embedding: the pretrained networks' channels, mean over a track."""

import numpy as np
import pytest

from genre_engine import datasets, extraction, features
from genre_engine.audio import Signal
from genre_engine.features.patches import patches_of
from genre_engine.features.store import find
from tests import sounds
from tests.test_extraction import ids, music  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("workspace")
KIND = features.kind("embedding")


def signal(seconds, make=sounds.chords):
    return Signal(make(seconds, 16000), 16000)


def test_tracks_together_get_what_they_get_alone(networks):
    signals = [signal(7.0), signal(0.5), signal(4.0, sounds.drums)]
    together = KIND.compute_many(signals)
    for found, one in zip(together, signals, strict=True):
        assert found.shape == KIND.shape
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, KIND.compute(one), rtol=1e-4, atol=1e-5)
    assert KIND.compute_many([]) == []


def test_it_is_each_channels_mean_in_both_networks(networks):
    patches = patches_of(signal(7.0).samples)
    (found,) = KIND.compute_many([signal(7.0)])
    for network, values in zip(networks.values(), np.split(found, len(networks)), strict=True):
        means = network.mean_over_time(patches)
        np.testing.assert_allclose(means.mean(axis=0), values, rtol=1e-4, atol=1e-5)


def test_the_reference_implementation_has_the_same_channels(networks):
    from tests.conftest import REPOSITORY

    path = REPOSITORY.parent / "shared" / "reference" / "musicnn_reference.npz"
    if not path.is_file():
        pytest.skip("the reference isn't beside the repository")
    t = np.arange(16000 * 12) / 16000
    y = 0.05 * (
        0.2 * np.sin(2 * np.pi * 220 * t) * (0.5 + 0.5 * np.sin(2 * np.pi * 2 * t))
        + 0.1 * np.sin(2 * np.pi * (330 + 40 * np.sin(2 * np.pi * 0.5 * t)) * t)
        + 0.05 * np.sign(np.sin(2 * np.pi * 55 * t)) * ((t * 4) % 1 < 0.2)
    )
    patches = patches_of(y.astype(np.float32))[:1]
    with np.load(path) as reference:
        means = {name: reference[name] for name in reference.files if name.endswith("_mean")}
    assert means
    for name, expected in means.items():
        network = networks["mtt-musicnn" if "MTT" in name else "msd-musicnn"]
        # The reference holds the first patch's in every row; its spectrogram is in float16.
        found = network.mean_over_time(patches)[0]
        np.testing.assert_allclose(found, expected[0], rtol=1e-2, atol=1e-3)


def test_an_extraction_batches_and_still_tells_failures_apart(
    networks,
    weights,
    music,  # noqa: F811
    monkeypatch,
    tmp_path,
):
    dataset = music(4)
    (tmp_path / "music" / ids(dataset)[1]).write_text("this is no audio")
    monkeypatch.setattr(type(KIND), "prepare", lambda self: None)  # the networks are there
    store = extraction.extract(dataset, KIND, jobs=1)
    assert sorted(store.track_ids) == [ids(dataset)[n] for n in (0, 2, 3)]
    assert store.failures["error"].tolist() == ["NotAudio"]
    assert find(datasets.open("music").features_folder, "embedding").columns == KIND.columns
