"""Filters in words."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genre_engine.errors import WrongUsage
from genre_engine.library import where

SONGS = pd.DataFrame(
    {
        "artist": ["Miles Davis", "Bach", None],
        "title": ["So What", "Air", "Untitled and more"],
        "genre": pd.Series([("Jazz",), ("Classical", "Opera"), ()]),
        "tag": pd.Series([("Jazz",), (), ()]),
        "score": [82.0, 40.0, np.nan],
        "bpm": [136.0, np.nan, 90.0],
        **{word: [False, False, True] for word in where.WORDS},
    }
)


@pytest.mark.parametrize(
    ("expression", "rows"),
    [
        ("", [0, 1, 2]),
        ("genre = jazz", [0]),
        ("genre = 'opera'", [1]),
        ("genre ~ A", [0, 1]),
        ("genre != jazz", [1, 2]),
        ("score >= 40", [0, 1]),
        ("score < 50", [1]),
        ("not score < 50", [0, 2]),
        ("artist ~ davis or artist = bach", [0, 1]),
        ("artist ~ 'miles d' and score > 80", [0]),
        ("artist = ''", [2]),
        ("missing", [2]),
        ("not missing and bpm > 100", [0]),
        ("(genre = jazz or genre = opera) and not bpm > 1", [1]),
        ("genre = jazz or genre = opera and missing", [0]),
        ("title ~ 'and more'", [2]),
        ("TITLE = 'so what' AND Genre = JAZZ", [0]),
    ],
)
def test_a_filter_leaves_the_rows_that_it_describes(expression, rows):
    assert np.flatnonzero(where.matching(expression, SONGS)).tolist() == rows


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("genr = jazz", "'genr' is no field"),
        ("genre", "an operator is missing"),
        ("genre =", "a value is missing"),
        ("genre jazz", "an operator belongs"),
        ("score = high", "score is a number"),
        ("score ~ 5", "score is a number, which"),
        ("genre < jazz", "genre is text"),
        ("(genre = jazz", "isn't closed"),
        ("genre = jazz)", "doesn't belong"),
        ("genre = jazz and", "a field is missing"),
        ("genre = 'jazz", "can't be read from"),
        ("genre = = x", "a value belongs"),
        ("not " * 200 + "missing", "nested too deeply"),
        ("missing and " * 400 + "missing", "can't be read"),
    ],
)
def test_what_cannot_be_read_is_explained(expression, said):
    with pytest.raises(WrongUsage, match=said):
        where.matching(expression, SONGS)


@given(st.text(alphabet="gen score=<>!~()'\" andortmisg5.", max_size=60))
def test_no_text_does_more_than_be_refused(expression):
    try:
        found = where.matching(expression, SONGS)
    except WrongUsage:
        return
    assert found.shape == (3,)
    assert found.dtype == bool
