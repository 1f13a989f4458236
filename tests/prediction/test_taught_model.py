"""What is learnt from corrections: known answers, an honest check, and the data set."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from genre_engine import datasets
from genre_engine.errors import DatasetExists, WrongUsage
from genre_engine.prediction import taught_model
from genre_engine.prediction.taught_model import Check, check, in_words, learn
from genre_engine.pretrained import NETWORKS
from tests.prediction.taught import FAST, correction, songs, vector


def test_songs_like_those_of_a_genre_are_called_that():
    learnt = learn(songs(30, ["folk", "rock", "polka"], 6), FAST)
    assert learnt.genres == ("folk", "polka", "rock")
    for number, genre in enumerate(["folk", "rock", "polka"]):
        scores = learnt.scores(vector(number, 90 + number, 900 + number))
        assert scores[0][0] == genre
        assert scores[0][1] > 0.6 > 0.4 > scores[1][1]
        assert all(0 < score < 1 for _, score in scores)


def test_a_song_can_have_several_genres():
    both = [correction(i, ["folk", "rock"], genre=0, artist=i) for i in range(6)]
    others = [correction(i, ["jazz"], genre=1, artist=i) for i in range(6, 12)]
    scores = dict(learn((*both, *others), FAST).scores(vector(0, 50, 950)))
    assert scores["folk"] == pytest.approx(scores["rock"])
    assert min(scores["folk"], scores["rock"]) > 0.6 > 0.4 > scores["jazz"]


def test_few_songs_give_scores_nearer_to_the_middle_than_many():
    new = vector(0, 70, 970)
    few = learn(songs(4, ["folk", "rock"], 4), FAST).scores(new)[0][1]
    many = learn(songs(100, ["folk", "rock"], 20), FAST).scores(new)[0][1]
    assert 0.5 < few < 0.85 < many


def test_songs_without_what_could_be_learnt_give_a_score_about_a_half():
    alike = tuple(dataclasses.replace(one, embedding=(0.0,) * 150) for one in songs(8, "ab", 4))
    assert [score for _, score in learn(alike, FAST).scores((0.0,) * 150)] == [0.5, 0.5]


@pytest.mark.parametrize(
    "given",
    [
        (),
        songs(3, ["folk", "rock"], 3),
        songs(8, ["folk"], 4),
        (*songs(4, ["folk"], 2), correction(9, ["rock"])),
        tuple(correction(i, ["folk", "rock"]) for i in range(6)),
    ],
    ids=["none", "three songs", "one genre", "a genre once", "all of both"],
)
def test_nothing_is_learnt_of_too_few_songs_or_genres(given):
    assert learn(given, FAST) is None
    assert check(given, FAST) is None


def test_two_songs_of_two_genres_each_are_enough_and_a_guess():
    learnt = learn(songs(4, ["folk", "rock"], 2), FAST)
    assert in_words(learnt, None) == "learnt from 4 songs of 2 genres: a guess"


def test_vectors_of_other_networks_are_not_learnt_from():
    given = songs(8, ["folk", "rock"], 4)
    assert learn(given, ("msd-musicnn", "mtt-musicnn")) is None


def test_songs_that_are_apart_are_all_named_right_by_models_that_never_met_their_artist():
    found = check(songs(24, ["folk", "rock"], 12), FAST)
    assert found == Check(24, 24, "folk", 12, artists=12, unknown=0)


def test_an_artist_is_learnt_by_heart_unless_left_out():
    # Nothing of the genre is in the sound, and each artist has a sound of their own.
    given = tuple(
        dataclasses.replace(one, embedding=vector(i % 8, 0, i))
        for i, one in enumerate(songs(40, ["folk", "rock"], 8))
    )
    assert check(given, FAST).right <= 24
    unnamed = tuple(dataclasses.replace(one, artist="") for one in given)
    assert check(unnamed, FAST).right == 40


def test_copies_of_a_song_without_an_artist_do_not_answer_for_each_other():
    rng = np.random.default_rng(0)
    given = []
    for i in range(24):  # each sound twice, as the genre that its copy's sound has; no genre in it
        sound = tuple(np.random.default_rng([5, i // 2]).normal(0, 1, 150).round(4).tolist())
        genre = ["folk", "rock"][rng.integers(2)] if i % 2 == 0 else given[-1].genres[0]
        given.append(dataclasses.replace(correction(i, [genre], named=False), embedding=sound))
    assert check(tuple(given), FAST).right < 20


@pytest.mark.parametrize(("n", "artists"), [(9, 9), (12, 2)])
def test_with_few_songs_or_artists_nothing_is_checked(n, artists):
    assert check(songs(n, ["folk", "rock"], artists), FAST) is None


@pytest.mark.parametrize(
    ("n", "checked", "said"),
    [
        (9, None, "learnt from 9 songs of 2 genres: a guess"),
        (10, None, "learnt from 10 songs of 2 genres by too few artists to check it: a guess"),
        (
            20,
            Check(17, 20, "folk", 11, artists=12, unknown=0),
            "learnt from 20 songs of 2 genres; tried on artists left out it got 17 of 20 right, "
            "always saying Folk gets 11",
        ),
        (
            20,
            Check(17, 20, "folk", 11, artists=9, unknown=0),
            "learnt from 20 songs of 2 genres; tried on artists left out it got 17 of 20 right, "
            "always saying Folk gets 11; too few artists to be sure",
        ),
        (
            20,
            Check(17, 20, "folk", 11, artists=12, unknown=2),
            "learnt from 20 songs of 2 genres; tried on artists left out it got 17 of 20 right, "
            "always saying Folk gets 11; of 2 songs the artist isn't known",
        ),
        (
            20,
            Check(11, 20, "folk", 11, artists=12, unknown=0),
            "learnt from 20 songs of 2 genres: no better than a guess; tried on artists left out "
            "it got 11 of 20 right, always saying Folk gets 11",
        ),
        (
            20,
            Check(17, 20, "folk", 11, artists=20, unknown=20),
            "learnt from 20 songs of 2 genres; tried on songs left out it got 17 of 20 right, "
            "always saying Folk gets 11; the artists aren't known, which flatters it if songs "
            "share one",
        ),
    ],
)
def test_how_much_to_believe_is_said_by_what_was_seen(n, checked, said):
    assert in_words(learn(songs(n, ["folk", "rock"], n), FAST), checked) == said


def test_corrections_become_a_data_set_with_the_artist_as_group(workspace):
    given = (*songs(8, ["folk", "rock"], 4), correction(20, ["polka"]))
    made = taught_model.to_dataset(given, "mine")
    assert datasets.open("mine").genres == ("folk", "rock")
    assert made.tracks["artist_id"].tolist() == [f"Artist {i % 4}" for i in range(8)]
    assert made.tracks["genres"].map(list).tolist() == [["folk"], ["rock"]] * 4
    assert "left out: 1." in made.notes[1]
    (folder,) = made.features_folder.iterdir()
    table = pd.read_parquet(folder / "part-0.parquet")
    assert table.columns[:2].tolist() == ["track_id", f"{FAST[0]}: {NETWORKS[FAST[0]].tags[0]}"]
    assert np.allclose(table.iloc[:, 1:], [one.embedding for one in given[:8]], atol=1e-5)
    with pytest.raises(DatasetExists):
        taught_model.to_dataset(given, "mine")


@pytest.mark.parametrize("given", [(), songs(6, ["folk"], 3), songs(2, ["folk", "rock"], 2)])
def test_a_data_set_of_one_genre_or_of_single_songs_is_refused(workspace, given):
    with pytest.raises(WrongUsage, match="2 genres of 2 songs"):
        taught_model.to_dataset(given, "mine")
    assert datasets.listing() == []
