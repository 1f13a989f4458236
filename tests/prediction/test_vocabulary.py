"""From tags to genres: the vocabulary, the formula, and what else is heard."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_engine.prediction import vocabulary
from genre_engine.pretrained.tags import MSD, MTT, TAGS


def tags(**loud):
    """Probabilities of one window: 0.01 but for those named (MSD_rock=0.5)."""
    found = {network: np.full((1, 50), 0.01) for network in TAGS}
    for name, probability in loud.items():
        network, _, tag = name.partition("_")
        found[network][0, TAGS[network].index(tag.replace("_", " "))] = probability
    return found


def priors(msd=0.0, mtt=0.0):
    return {"MSD": np.full(50, msd), "MTT": np.full(50, mtt)}


def match(scores, genre):
    return scores.song[scores.genres.index(genre)]


def test_each_network_has_fifty_tags():
    assert len(set(MSD)) == len(MSD) == 50
    assert len(set(MTT)) == len(MTT) == 50


def test_the_wide_view_has_31_genres_and_the_other_the_ten_of_jamendo():
    assert len(vocabulary.WIDE) == 31
    assert set(vocabulary.TEN) == {
        *("electronic", "soundtrack", "pop", "ambient", "rock", "classical", "easylistening"),
        *("experimental", "alternative", "chillout"),
    }


@pytest.mark.parametrize(
    "table",
    [vocabulary.WIDE, vocabulary.TEN, *vocabulary.ELSE.values()],
    ids=["wide", "ten", *vocabulary.ELSE],
)
def test_every_tag_exists(table):
    for msd, mtt in table.values():
        assert set(msd) <= set(MSD)
        assert set(mtt) <= set(MTT)


def test_opera_choral_and_harpsichord_are_not_classical():
    used = {tag for synonyms in vocabulary.TEN["classical"] for tag in synonyms}
    assert used == {"classical", "classic"}


def test_only_soundtrack_has_no_tag_and_no_score():
    assert vocabulary.tagless("ten") == ("soundtrack",)
    assert vocabulary.tagless("wide") == ()
    scores = vocabulary.score("ten", tags(), priors())
    assert "soundtrack" not in scores.genres
    assert len(scores.genres) == 9


def test_a_match_is_the_sigmoid_of_logit_less_a_fifth_of_the_prior():
    # p = 0.2: logit -1.3863; b = -2: e = -1.3863 + 0.4 = -0.9863; sigmoid 0.2716
    scores = vocabulary.score("wide", tags(MSD_jazz=0.2), priors(msd=-2.0))
    assert match(scores, "jazz") == pytest.approx(0.2716, abs=1e-4)


def test_a_song_is_judged_by_the_mean_of_its_windows_probabilities():
    first, second = tags(MSD_jazz=0.1), tags(MSD_jazz=0.5)
    both = {network: np.concatenate([first[network], second[network]]) for network in TAGS}
    scores = vocabulary.score("wide", both, priors())
    assert match(scores, "jazz") == pytest.approx(0.3)
    column = scores.by_window[:, scores.genres.index("jazz")]
    np.testing.assert_allclose(column, [0.1, 0.5])


def test_the_largest_of_synonyms_and_networks_counts():
    # By the tag's own prior: 0.3 of a rare tag says more than 0.4 of a frequent one.
    b = priors(msd=-1.0, mtt=-5.0)
    scores = vocabulary.score("wide", tags(MSD_metal=0.4, MTT_metal=0.3), b)
    rare = math.log(0.3 / 0.7) + 0.2 * 5.0
    assert match(scores, "metal") == pytest.approx(1 / (1 + math.exp(-rare)))
    scores = vocabulary.score("wide", tags(MSD_heavy_metal=0.4), priors())
    assert match(scores, "metal") == pytest.approx(0.4)


def test_ties_are_ranked_in_the_vocabularys_order():
    scores = vocabulary.score("wide", tags(), priors())
    assert scores.ranking() == list(range(31))
    scores = vocabulary.score("wide", tags(MSD_jazz=0.9, MSD_pop=0.9), priors())
    assert [scores.genres[i] for i in scores.ranking()[:3]] == ["pop", "jazz", "rock"]


@given(st.lists(st.floats(0, 1), min_size=100, max_size=100), st.floats(-8, 2))
@settings(max_examples=40, deadline=None)
def test_matches_lie_between_0_and_1_and_grow_with_the_tag(values, prior):
    found = {
        "MSD": np.array([values[:50]], np.float32),
        "MTT": np.array([values[50:]], np.float32),
    }
    before = vocabulary.score("ten", found, priors(prior, prior))
    assert ((before.song >= 0) & (before.song <= 1)).all()
    assert sorted(before.ranking()) == list(range(9))
    louder = {network: np.maximum(p, 0.5) for network, p in found.items()}
    after = vocabulary.score("ten", louder, priors(prior, prior))
    assert (after.song >= before.song - 1e-12).all()


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_a_sure_tag_gives_a_finite_match(p):
    found = {network: np.full((2, 50), p, np.float32) for network in TAGS}
    scores = vocabulary.score("wide", found, priors())
    assert np.isfinite(scores.song).all()
    assert np.isfinite(scores.by_window).all()


def test_what_else_is_heard_comes_with_the_surest_first():
    found = vocabulary.heard(tags(MTT_piano=0.6, MTT_woman=0.3, MSD_60s=0.2, MTT_flute=0.1))
    assert [(h.group, h.name, h.probability) for h in found] == [
        ("instruments", "piano", 0.6),
        ("voice", "female voice", 0.3),
        ("era", "the 60s", 0.2),
    ]
    assert vocabulary.heard(tags()) == []


def test_speech_is_hip_hop_without_instruments_or_a_beat():
    assert vocabulary.sounds_like_speech(tags(**{"MSD_Hip-Hop": 0.3}))
    assert not vocabulary.sounds_like_speech(tags(**{"MSD_Hip-Hop": 0.3, "MTT_beat": 0.2}))
    assert not vocabulary.sounds_like_speech(tags(MSD_rock=0.3))


@pytest.mark.parametrize(
    ("genre", "shown"),
    [("hip hop", "Hip hop"), ("r&b", "R&B"), ("easylistening", "Easy listening")],
)
def test_genres_are_shown_as_a_sentence_begins(genre, shown):
    assert vocabulary.display_name(genre) == shown
