import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genre_engine import labels
from genre_engine.errors import DatasetError, WrongUsage

LISTS = [["pop", "rock"], ["rock"], ["jazz"], ["pop"], [], ["jazz", "rock"], ["rock", "ska"]]
genre_lists = st.lists(st.lists(st.sampled_from("abcdef"), unique=True, max_size=4), min_size=1)


def test_genres_are_counted_with_the_most_populated_first():
    assert list(labels.count(LISTS).items()) == [("rock", 4), ("jazz", 2), ("pop", 2), ("ska", 1)]


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        ("top1", ("rock",)),
        ("top2", ("jazz", "rock")),
        ("top10", ("jazz", "pop", "rock", "ska")),
        ("all", ("jazz", "pop", "rock", "ska")),
        ("rock, pop", ("pop", "rock")),
        (["ROCK", "rock"], ("rock",)),
    ],
)
def test_chosen_genres_come_in_one_fixed_order(wanted, chosen):
    assert labels.choose(labels.count(LISTS), wanted) == chosen


@pytest.mark.parametrize("wanted", ["polka", "top0", "", " , ", []])
def test_genres_that_are_not_there_are_refused(wanted):
    with pytest.raises(WrongUsage, match="genre"):
        labels.choose(labels.count(LISTS), wanted)


def test_any_keeps_tracks_with_one_of_the_genres_and_only_those_within():
    either = labels.select(LISTS, ("pop", "rock"))
    within = labels.select(LISTS, ("pop", "rock"), rule="only")
    assert either.rows.tolist() == [0, 1, 3, 5, 6]
    assert within.rows.tolist() == [0, 1, 3]
    assert within.y.tolist() == [[1, 1], [0, 1], [1, 0]]
    assert within.dropped == {"none_of_the_genres": 2, "other_genres_too": 2}
    assert within.labels_per_track == pytest.approx(4 / 3)


def test_genres_cut_off_at_import_still_count_for_only():
    others = np.array([False, True, False, False, False, False, False])
    within = labels.select(LISTS, ("pop", "rock"), rule="only", has_others=others)
    assert within.rows.tolist() == [0, 3]


def test_multiclass_and_binary_keep_tracks_with_exactly_one_of_the_genres():
    several = labels.select(LISTS, ("jazz", "pop", "rock"), task="multiclass")
    two = labels.select(LISTS, ("pop", "rock"), task="binary")
    assert several.rows.tolist() == [1, 2, 3, 6]
    assert several.dropped["several_of_the_genres"] == 2
    assert two.rows.tolist() == [1, 3, 5, 6]
    assert two.y.shape == (4, 2)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"task": "binary"}, "two genres"),
        ({"task": "regression"}, "no task"),
        ({"rule": "most"}, "no rule"),
    ],
)
def test_tasks_and_rules_that_do_not_exist_are_refused(options, match):
    with pytest.raises(WrongUsage, match=match):
        labels.select(LISTS, ("jazz", "pop", "rock"), **options)


def test_an_empty_choice_is_an_error_that_says_what_to_do():
    with pytest.raises(DatasetError, match="Choose more genres"):
        labels.select([["ska", "pop"]], ("pop",), rule="only")


@given(genre_lists, st.sampled_from(labels.RULES))
def test_each_row_holds_its_track_s_genres_and_nothing_else(lists, rule):
    genres = ("a", "b", "c")
    try:
        chosen = labels.select(lists, genres, rule=rule)
    except DatasetError:
        assert not any(
            set(names) & set(genres) and (rule == "any" or set(names) <= set(genres))
            for names in lists
        )
        return
    for row, marks in zip(chosen.rows, chosen.y, strict=True):
        assert {g for g, mark in zip(genres, marks, strict=True) if mark} == set(lists[row]) & {
            *genres
        }
    assert len(chosen.rows) + sum(chosen.dropped.values()) == len(lists)


@given(genre_lists)
def test_the_choice_does_not_depend_on_the_order_of_tracks(lists):
    counts = labels.count(lists)
    again = labels.count(lists[::-1])
    assert list(counts.items()) == list(again.items())
    if counts:
        assert labels.choose(counts, "top3") == labels.choose(again, "top3")


@given(st.lists(st.text(min_size=1).map(str.strip).filter(bool), min_size=1, unique=True))
def test_names_with_commas_and_quotes_can_be_listed_and_separated_again(genres):
    assert labels.unlisted(labels.listed(genres)) == genres


def test_a_genre_whose_name_has_a_comma_is_chosen_in_quotes():
    counts = {"rock": 3, "drum, bass": 2, 'so "called"': 1}
    assert labels.choose(counts, '"drum, bass",rock') == ("drum, bass", "rock")
    assert labels.choose(counts, 'so "called"') == ('so "called"',)
    with pytest.raises(WrongUsage, match='There are: rock, "drum, bass", '):
        labels.choose(counts, "drum, bass")
    with pytest.raises(WrongUsage, match="There is no genre 'rock"):
        labels.choose(counts, "rock\npop")
