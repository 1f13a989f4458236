"""What every kind of features promises, whichever it is."""

import json

import numpy as np
import pytest

from genre_engine import features
from genre_engine.audio import Signal
from genre_engine.errors import WrongUsage
from genre_engine.features.base import fingerprint
from genre_engine.features.patches import FRAMES, Patches, PatchKind, cut
from tests import sounds


@pytest.fixture(params=features.NAMES)
def kind(request):
    return features.kind(request.param)


def test_a_kind_says_what_it_gives(kind):
    assert kind.name in features.NAMES
    assert kind.excerpt_s == 30.0
    assert kind.is_vector == bool(kind.columns)
    assert len(set(kind.columns)) == len(kind.columns)
    if kind.is_vector:
        assert kind.shape == (len(kind.columns),)
    assert json.loads(json.dumps(kind.parameters)) == kind.parameters
    assert kind.fingerprint == fingerprint(kind.parameters)
    assert len(kind.fingerprint) == 12


def test_another_excerpt_is_another_fingerprint_and_the_same_is_the_same(kind):
    other = features.kind(kind.name, excerpt_s=10)
    assert other.fingerprint != kind.fingerprint
    assert other.fingerprint == features.kind(kind.name, excerpt_s=10.0).fingerprint
    assert other == features.kind(kind.name, excerpt_s=10.0)


def test_unknown_kinds_and_impossible_excerpts_are_refused():
    with pytest.raises(WrongUsage, match=r"'mfccs'.*summary, patches, embedding, discogs"):
        features.kind("mfccs")
    for name in ("patches", "embedding", "discogs"):
        with pytest.raises(WrongUsage, match="only summary takes whole files"):
            features.kind(name, excerpt_s=None)
    for seconds in (0, -3, 0.5, 1e9, float("nan")):
        with pytest.raises(WrongUsage, match="Choose 1 to 3600 s"):
            features.kind("summary", excerpt_s=seconds)


@pytest.mark.parametrize("name", ["summary", "patches"])
def test_many_at_once_are_as_one_by_one(name):
    kind = features.kind(name)
    signals = [Signal(sounds.tone(s, kind.sample_rate), kind.sample_rate) for s in (0.5, 2, 7)]
    for found, signal in zip(kind.compute_many(signals), signals, strict=True):
        np.testing.assert_array_equal(found, kind.compute(signal))


@pytest.mark.parametrize(
    ("seconds", "count"), [(0.2, 1), (2.9, 1), (3.0, 1), (3.5, 1), (4.2, 2), (30, 10)]
)
def test_a_song_has_patches_for_all_of_its_length(seconds, count):
    kind = PatchKind()
    found = kind.compute(Signal(sounds.chords(seconds, kind.sample_rate), kind.sample_rate))
    assert found.shape == (count, *kind.shape)
    assert found.dtype == np.float16
    assert np.isfinite(found).all()
    assert found.max() < 10


def test_patches_follow_one_another_and_the_last_reaches_back():
    mel = np.arange(2 * FRAMES + 100, dtype=np.float16)[:, None].repeat(96, axis=1)
    patches = cut(mel)
    assert patches[:, 0, 0].tolist() == [0, FRAMES, FRAMES + 100]
    assert cut(mel[: 2 * FRAMES + 10])[:, 0, 0].tolist() == [0, FRAMES]
    short = cut(mel[:50])
    assert short.shape == (1, FRAMES, 96)
    assert not short[0, 50:].any()


def test_half_precision_moves_a_patch_by_very_little():
    from genre_engine.pretrained.spectrogram import log_mel, power_blocks

    samples = sounds.drums(6.0, 16000, level=1.0)
    exact = np.concatenate(list(power_blocks([samples])))
    found = PatchKind().compute(Signal(samples, 16000)).astype(np.float32)
    np.testing.assert_allclose(found.reshape(-1, 96), log_mel(exact)[: 2 * FRAMES], atol=0.002)


def test_patches_of_songs_in_memory_behave_like_those_on_disk():
    songs = [np.full((n, 3, 2), n) for n in (2, 1, 4)]
    patches = Patches.of(songs)
    assert len(patches) == 3
    assert patches.counts.tolist() == [2, 1, 4]
    assert (patches.frames, patches.bands) == (3, 2)
    assert patches.batch([2, 0], [3, 1])[:, 0, 0].tolist() == [4, 2]
    assert patches.take([2, 1]).song(0).shape == (4, 3, 2)
    assert patches.take([True, False, True]).counts.tolist() == [2, 4]
    assert len(patches.take([])) == 0
    assert len(Patches.of([])) == 0
    with pytest.raises(IndexError, match="fewer patches"):
        patches.batch([1], [-1])
