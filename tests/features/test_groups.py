"""Groups of columns, by their names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genre_engine.features import groups, kind
from genre_engine.features.embedding import COLUMNS

# A widespread table of GTZAN's features.
GTZAN = (
    *("length", "chroma_stft_mean", "chroma_stft_var", "rms_mean", "rms_var"),
    *("spectral_centroid_mean", "spectral_centroid_var", "tempo"),
    *(f"mfcc{n}_{what}" for n in range(1, 21) for what in ("mean", "var")),
)


def test_the_498_have_four_families_three_statistics_and_all_of_both():
    found = groups.groups("summary", kind("summary").columns)
    by_level = {
        level: {one.title: len(one.columns) for one in found if one.level == level}
        for level in ("family", "statistic", "part")
    }
    assert by_level["family"] == {"MFCC": 60, "Mel": 384, "Chroma": 36, "Tonnetz": 18}
    assert by_level["statistic"] == {"mean": 166, "min": 166, "max": 166}
    assert len(by_level["part"]) == 12
    assert by_level["part"]["Tonnetz, max"] == 6


def test_an_embedding_has_its_networks():
    found = groups.groups("embedding", COLUMNS)
    assert {one.title: len(one.columns) for one in found} == {"MSD": 753, "MTT": 753}


def test_columns_of_a_table_that_begin_alike_are_of_one_group():
    found = groups.groups("table", GTZAN)
    assert {one.title: len(one.columns) for one in found} == {
        "length": 1,
        "chroma_stft": 2,
        "rms": 2,
        "spectral_centroid": 2,
        "tempo": 1,
        "mfcc": 40,
    }


@pytest.mark.parametrize("columns", [("x0", "x1", "x2"), ("tempo", "loudness")])
def test_columns_that_all_or_none_begin_alike_stand_alone(columns):
    found = groups.groups("table", columns)
    assert [(one.title, one.level) for one in found] == [(name, "column") for name in columns]


@given(st.lists(st.text("ab_1.", min_size=1, max_size=6), min_size=1, max_size=12, unique=True))
def test_the_groups_of_a_level_share_no_column_and_have_all(columns):
    for what in ("summary", "table", "embedding"):
        found = groups.groups(what, columns)
        for level in {one.level for one in found}:
            places = [place for one in found if one.level == level for place in one.columns]
            assert sorted(places) == list(range(len(columns)))
