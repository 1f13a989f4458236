"""From tag probabilities to scores of genres: the rule, and what it holds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_engine.prediction import combining
from genre_engine.prediction.vocabulary import DETECTED
from genre_engine.pretrained import FAST, FULL, NETWORKS, PAIR
from genre_engine.pretrained.tags import prior_logits


def tags(names=PAIR, **loud):
    """Probabilities of a song: 0.01 but for those named (msd_musicnn__rock=0.5)."""
    found = {name: np.full(50, 0.01) for name in names}
    for key, probability in loud.items():
        name, _, tag = key.partition("__")
        network = name.replace("_", "-")
        found[network][NETWORKS[network].tags.index(tag.replace("_", " "))] = probability
    return found


def scores(view, songs):
    return combining.score(view, songs, {name: p[None] for name, p in songs.items()})


def score(found, genre):
    return found.song[found.genres.index(genre)]


def evidence(name, tag, p):
    network = NETWORKS[name]
    return np.log(p / (1 - p)) - 0.2 * prior_logits(network.vocabulary)[network.tags.index(tag)]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_with_the_pair_alone_the_greatest_evidence_counts():
    found = scores("wide", tags(msd_musicnn__metal=0.4, mtt_musicnn__metal=0.3))
    expected = max(evidence("msd-musicnn", "metal", 0.4), evidence("mtt-musicnn", "metal", 0.3))
    assert score(found, "metal") == pytest.approx(sigmoid(expected))
    assert len(found.genres) == 31
    assert "soundtrack" not in found.genres


def test_networks_of_a_vocabulary_are_averaged_and_mtg_jamendo_counts_twice():
    found = scores(
        "wide",
        tags(
            FULL,
            mtg_jamendo_fcn__rock=0.6,
            mtg_jamendo_musicnn__rock=0.4,
            msd_fcn__rock=0.5,
            msd_musicnn__rock=0.2,
            mtat_fcn__rock=0.3,
            mtt_musicnn__rock=0.7,
        ),
    )
    mtg = evidence("mtg-jamendo-fcn", "rock", 0.6) + evidence("mtg-jamendo-musicnn", "rock", 0.4)
    msd = evidence("msd-fcn", "rock", 0.5) + evidence("msd-musicnn", "rock", 0.2)
    mtt = evidence("mtat-fcn", "rock", 0.3) + evidence("mtt-musicnn", "rock", 0.7)
    assert score(found, "rock") == pytest.approx(sigmoid((2 * mtg + msd + mtt) / 2 / 4))
    assert len(found.genres) == 43


def test_a_genre_that_one_vocabulary_knows_is_scored_by_it_alone():
    found = scores("wide", tags(FAST, mtg_jamendo_fcn__reggae=0.3, msd_fcn__country=0.2))
    assert score(found, "reggae") == pytest.approx(
        sigmoid(evidence("mtg-jamendo-fcn", "reggae", 0.3))
    )
    country = (evidence("msd-fcn", "country", 0.2) + evidence("mtat-fcn", "country", 0.01)) / 2
    assert score(found, "country") == pytest.approx(sigmoid(country))


def test_the_ten_are_the_mean_probabilities_of_the_networks_trained_on_mtg_jamendo():
    found = scores(
        "ten",
        tags(
            FULL,
            mtg_jamendo_fcn__soundtrack=0.6,
            mtg_jamendo_musicnn__soundtrack=0.2,
            msd_musicnn__rock=0.99,
        ),
    )
    assert len(found.genres) == 10
    assert score(found, "soundtrack") == pytest.approx(0.4)
    assert score(found, "rock") == pytest.approx(0.01)
    assert combining.is_learnt("ten", FULL)
    assert not combining.is_learnt("ten", PAIR)
    assert not combining.is_learnt("wide", FULL)


def test_windows_are_scored_as_songs_are():
    first, second = tags(FULL, mtg_jamendo_musicnn__jazz=0.1), tags(FULL, msd_musicnn__jazz=0.5)
    both = {name: np.stack([first[name], second[name]]) for name in FULL}
    found = combining.score("wide", first, both)
    for row, one in enumerate((first, second)):
        np.testing.assert_allclose(found.by_window[row], scores("wide", one).song)


def test_ties_are_ranked_in_the_vocabularys_order():
    found = scores("ten", tags(FULL))
    assert found.ranking() == list(range(10))


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_scores_lie_between_0_and_1_and_grow_with_the_tags(data):
    names = data.draw(st.sampled_from([PAIR, FAST, FULL, ("mtg-jamendo-fcn",)]))
    values = st.lists(st.floats(0, 1), min_size=50, max_size=50)
    songs = {name: np.array(data.draw(values), np.float32) for name in names}
    for view in ("wide", "ten"):
        before = scores(view, songs)
        assert ((before.song >= 0) & (before.song <= 1)).all()
        assert np.isfinite(before.by_window).all()
        assert sorted(before.ranking()) == list(range(len(before.genres)))
        after = scores(view, {name: np.maximum(p, 0.5) for name, p in songs.items()})
        assert (after.song >= before.song - 1e-6).all()


def test_what_is_detected_comes_with_the_surest_first():
    found = combining.detected(
        tags(
            mtt_musicnn__piano=0.6,
            mtt_musicnn__woman=0.3,
            msd_musicnn__60s=0.2,
            mtt_musicnn__flute=0.1,
        )
    )
    assert [(d.group, d.name, d.probability) for d in found] == [
        ("instruments", "piano", 0.6),
        ("voice", "female voice", 0.3),
        ("era", "the 60s", 0.2),
    ]
    assert combining.detected(tags()) == []


def test_networks_of_a_vocabulary_are_averaged_in_what_is_detected():
    found = combining.detected(tags(FULL, mtg_jamendo_fcn__synthesizer=0.6))
    assert [(d.name, round(d.probability, 3)) for d in found] == [("synthesiser", 0.305)]
    moods = combining.detected(tags(FAST, mtg_jamendo_fcn__relaxing=0.4))
    assert [(d.group, d.name) for d in moods] == [("mood", "relaxing")]


def test_speech_is_hip_hop_without_instruments_or_a_beat():
    speech = {"msd_musicnn__Hip-Hop": 0.3}
    assert combining.sounds_like_speech(tags(**speech))
    assert not combining.sounds_like_speech(tags(**speech, mtt_musicnn__beat=0.2))
    assert not combining.sounds_like_speech(tags(msd_musicnn__rock=0.3))
    # Only the pair was measured.
    assert not combining.sounds_like_speech(tags(FAST, **{"msd_fcn__Hip-Hop": 0.3}))


def test_what_contradicts_is_not_detected_together(monkeypatch):
    sure = {"fast": 0.5, "slow": 0.45, "loud": 0.6, "quiet": 0.2, "piano": 0.3}
    named = {id(tags): name for names in DETECTED.values() for name, tags in names.items()}
    monkeypatch.setattr(
        combining, "_probability", lambda tags, songs: sure.get(named[id(tags)], 0.0)
    )
    found = [one.name for one in combining.detected({})]
    assert found == ["loud", "piano"]
