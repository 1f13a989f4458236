"""What others read: the JSON's keys, the CSV's rows, the sentence, and values that can be kept."""

import json
from dataclasses import replace

import numpy as np
import pytest

from genre_engine import prediction
from genre_engine.errors import TooShort
from genre_engine.prediction import analysis as song_analysis
from genre_engine.prediction import vocabulary
from genre_engine.prediction.analysis import Analysis
from genre_engine.pretrained import PAIR
from genre_engine.pretrained.tags import MSD, MTT

KEYS = {"file", "model", "view", "calibrated", "duration_s", "genres", "warnings", "error"}


@pytest.fixture
def analysis():
    """Three windows of a song that is jazz with a piano."""
    rng = np.random.default_rng(0)
    found = {name: rng.uniform(0.01, 0.05, (3, 50)) for name in PAIR}
    found["msd-musicnn"][:, MSD.index("jazz")] = 0.6
    found["mtt-musicnn"][:, MTT.index("piano")] = 0.5
    made = prediction.from_tags(
        {name: p.mean(axis=0) for name, p in found.items()},
        found,
        choice="full",
        starts_s=np.array([0.0, 2.992, 5.984]),
        ends_s=np.array([2.992, 5.984, 8.976]),
        duration_s=9.0004,
    )
    return replace(made, warnings=("It is cut short.",))


@pytest.mark.parametrize(("view", "count"), [("wide", 31), ("ten", 9)])
def test_an_element_has_the_keys_of_the_contract(analysis, view, count):
    found = song_analysis.element(analysis, "a song.mp3", view)
    assert set(found) == KEYS
    assert found["file"] == "a song.mp3"
    assert found["model"] == "full"
    assert found["view"] == view
    assert found["calibrated"] is False
    assert found["duration_s"] == 9.0
    assert found["warnings"] == ["It is cut short."]
    assert found["error"] is None
    assert len(found["genres"]) == count
    assert all(set(g) == {"genre", "score"} for g in found["genres"])
    scores = [g["score"] for g in found["genres"]]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    json.dumps(found, allow_nan=False)


def test_windows_are_listed_when_asked_for(analysis):
    found = song_analysis.element(analysis, "a.mp3", "ten", windows=True)
    assert set(found) == KEYS | {"windows"}
    assert [set(w) for w in found["windows"]] == [{"start_s", "end_s", "genres"}] * 3
    assert found["windows"][1]["start_s"] == 2.992
    assert len(found["windows"][1]["genres"]) == 9
    json.dumps(found, allow_nan=False)


def test_only_the_best_are_named_when_asked_for(analysis):
    assert [g["genre"] for g in song_analysis.element(analysis, None, "wide", top=1)["genres"]] == [
        "jazz"
    ]
    assert len(song_analysis.element(analysis, None, "ten", top=99)["genres"]) == 9


def test_a_failure_has_the_same_keys_and_names_its_type():
    found = song_analysis.failure("a.mp3", TooShort("It holds 0.01 s."), "wide", "pretrained")
    assert set(found) == KEYS
    assert found["error"] == {"type": "TooShort", "message": "It holds 0.01 s."}
    assert found["genres"] == []
    assert found["duration_s"] is None


def test_a_row_fits_its_header(analysis):
    header = song_analysis.csv_header(2)
    assert header == [
        *("file", "model", "view", "duration_s", "genre_1", "score_1", "genre_2", "score_2"),
        *("also_detected", "warnings", "error"),
    ]
    element = song_analysis.element(analysis, "a.mp3", "wide", top=2)
    row = dict(zip(header, song_analysis.csv_row(element, analysis, 2), strict=True))
    assert row["genre_1"] == "jazz"
    assert row["also_detected"] == "piano"
    assert row["warnings"] == "It is cut short."
    assert row["error"] == ""


def test_a_row_of_a_failure_or_of_few_genres_is_filled_up(analysis):
    failed = song_analysis.failure("a.mp3", TooShort("It is short."), "ten", "pretrained")
    row = song_analysis.csv_row(failed, None, 12)
    assert len(row) == len(song_analysis.csv_header(12))
    assert row[-1] == "It is short."
    element = song_analysis.element(analysis, "a.mp3", "ten", top=12)
    assert len(song_analysis.csv_row(element, analysis, 12)) == len(row)


def test_an_analysis_survives_as_plain_values(analysis):
    kept = json.loads(json.dumps(song_analysis.dump(analysis), allow_nan=False))
    again = song_analysis.restore(kept)
    assert isinstance(again, Analysis)
    assert song_analysis.dump(again) == kept
    for view in vocabulary.VIEWS:
        assert again.sentence(view) == analysis.sentence(view)
        np.testing.assert_allclose(again.views[view].song, analysis.views[view].song, atol=1e-5)
        np.testing.assert_allclose(
            again.views[view].by_window, analysis.views[view].by_window, atol=1e-4
        )
    assert [d.name for d in again.detected] == [d.name for d in analysis.detected]
    assert again.warnings == analysis.warnings


@pytest.mark.parametrize(
    ("best", "second", "sentence"),
    [
        (0.34, 0.1, "No clear genre"),
        (0.6, 0.58, "Between Rock and Pop"),
        (0.6, 0.4, "Rock, clearly"),
        (0.45, 0.3, "Most likely Rock"),
        (0.6, 0.53, "Most likely Rock"),
        (0.6, 0.49, "Most likely Rock"),
    ],
)
def test_the_sentence_says_how_sure_it_is(analysis, best, second, sentence):
    view = analysis.views["wide"]
    song = np.full(31, 0.01)
    song[view.genres.index("rock")], song[view.genres.index("pop")] = best, second
    judged = replace(analysis, warnings=(), views={"wide": replace(view, song=song)})
    assert judged.sentence("wide") == sentence


@pytest.mark.parametrize(
    ("scores", "sentence"),
    [
        ((0.59, 0.41), "Most likely Rock"),
        ((0.75, 0.25), "Rock, clearly"),
        ((0.59, 0.30, 0.11), "Most likely Rock"),
        ((0.65, 0.30, 0.05), "Rock, clearly"),
    ],
)
def test_of_few_genres_one_is_clear_only_by_a_wide_margin(analysis, scores, sentence):
    view = vocabulary.GenreScores(
        ("rock", "pop", "jazz")[: len(scores)], np.array(scores), np.array([scores])
    )
    judged = replace(analysis, views={"own": view}, warnings=())
    assert judged.sentence("own") == sentence
    warned = replace(judged, warnings=("It may be speech.",))
    assert warned.sentence("own") == "Perhaps Rock"


def test_the_genre_named_meanwhile_changes_only_for_one_that_is_ahead(analysis):
    def named(rock, pop, before):
        view = vocabulary.GenreScores(("rock", "pop"), np.array([rock, pop]), np.zeros((1, 2)))
        return replace(analysis, views={"own": view}).leader("own", before)

    assert named(0.5, 0.4, None) == "rock"
    assert named(0.45, 0.5, "rock") == "rock"
    assert named(0.4, 0.55, "rock") == "pop"
    assert named(0.5, 0.4, "gone") == "rock"


def test_a_view_has_its_own_limit_below_which_no_genre_is_named(analysis):
    view = analysis.views["wide"]
    song = np.full(31, 0.01)
    song[view.genres.index("rock")] = 0.25
    for clear, sentence in ((0.35, "No clear genre"), (0.2, "Most likely Rock")):
        judged = replace(
            analysis, warnings=(), views={"wide": replace(view, song=song, clear=clear)}
        )
        assert judged.sentence("wide") == sentence
