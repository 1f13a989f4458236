import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_engine import splits
from genre_engine.errors import SplitError, WrongUsage
from genre_engine.splits import Fractions

GENRES = ("ambient", "pop", "rock")


def tracks_of(artists, **columns):
    n = len(artists)
    frame = pd.DataFrame(
        {
            "track_id": [f"t{index:04d}" for index in range(n)],
            "artist_id": artists,
            "album_id": [None] * n,
            "split": [None] * n,
            "sha256": [None] * n,
        },
        dtype=object,
    )
    return frame.assign(**columns)


def catalogue(seed=0, n_artists=60, n_genres=3):
    """Artists with 1 to 12 tracks, each in one or two genres of their own."""
    rng = np.random.default_rng(seed)
    artists, rows = [], []
    for artist in range(n_artists):
        likes = rng.choice(n_genres, rng.integers(1, 3), replace=False)
        for _ in range(rng.integers(1, 13)):
            artists.append(f"a{artist:03d}")
            row = np.zeros(n_genres, np.uint8)
            row[rng.choice(likes)] = 1
            rows.append(row)
    return tracks_of(artists), np.array(rows)


def test_no_artist_is_in_two_parts():
    tracks, y = catalogue()
    split = splits.make(tracks, y, GENRES, kind="artist")
    parts = pd.Series(split.part).groupby(tracks["artist_id"]).nunique()
    assert (parts == 1).all()
    assert sum(split.sizes.values()) == len(tracks)


def test_artist_split_keeps_sizes_and_genre_proportions():
    tracks, y = catalogue(n_artists=200)
    split = splits.make(tracks, y, GENRES, kind="artist")
    for part, share in (("train", 0.72), ("validation", 0.10), ("test", 0.18)):
        shares = y[split.rows(part)].sum(axis=0) / y.sum(axis=0)
        assert shares == pytest.approx([share] * 3, abs=0.03)


def test_more_candidates_bring_genre_proportions_closer():
    tracks, y = catalogue(seed=3, n_artists=120)

    def distance(n_candidates):
        split = splits.make(tracks, y, GENRES, kind="artist", n_candidates=n_candidates)
        test = y[split.rows("test")].sum(axis=0) / y.sum(axis=0)
        return np.abs(test - 0.18).mean()

    assert distance(3000) < distance(1)


def test_artists_who_share_identical_audio_are_one():
    tracks = tracks_of(["a", "a", "b", "c", "d"], sha256=["x", None, "x", "y", "z"])
    groups = splits.artist_groups(tracks, joined=[("c", "d")])
    assert groups[0] == groups[1] == groups[2]
    assert groups[3] == groups[4] != groups[0]


def test_tracks_without_artist_go_by_album_else_alone():
    tracks = tracks_of([None, None, None, None], album_id=["x", "x", None, None])
    assert len(set(splits.artist_groups(tracks).tolist())) == 3


@pytest.mark.parametrize("kind", ["artist", "random"])
def test_the_same_seed_gives_the_same_split_whatever_the_order_of_rows(kind):
    tracks, y = catalogue()
    order = np.random.default_rng(1).permutation(len(tracks))
    one = splits.make(tracks, y, GENRES, kind=kind, seed=5)
    shuffled = tracks.iloc[order].reset_index(drop=True)
    other = splits.make(shuffled, y[order], GENRES, kind=kind, seed=5)
    assert (one.part[order] == other.part).all()
    assert (one.half[order] == other.half).all()
    assert (splits.make(tracks, y, GENRES, kind=kind, seed=6).part != one.part).any()


def test_random_split_has_the_fractions_asked_for():
    tracks, y = catalogue()
    split = splits.make(tracks, y, GENRES, kind="random", fractions=Fractions(0.8, 0, 0.2))
    assert set(split.sizes) == {"train", "test"}
    assert split.sizes["test"] == pytest.approx(0.2 * len(tracks), abs=1.5)
    assert (split.half == "").all()


def test_validation_is_halved_by_artist_whatever_the_kind():
    tracks, y = catalogue(n_artists=200)
    for kind in ("artist", "random"):
        split = splits.make(tracks, y, GENRES, kind=kind)
        selecting, tuning = split.rows("selecting"), split.rows("tuning")
        assert sorted([*selecting, *tuning]) == split.rows("validation").tolist()
        artists = tracks["artist_id"]
        assert not set(artists.iloc[selecting]) & set(artists.iloc[tuning])
        assert len(selecting) == pytest.approx(len(tuning), rel=0.25)


def test_official_parts_are_the_data_set_s_own():
    tracks, y = catalogue(n_artists=3)
    own = np.array(["train", "test", "validation", None], object)[np.arange(len(tracks)) % 4]
    split = splits.make(tracks.assign(split=own), y, GENRES, kind="official")
    assert split.part.tolist() == [part or "" for part in own]
    assert any("in no part" in text for text in split.warnings)


def test_a_genre_missing_from_an_official_part_is_named():
    tracks = tracks_of(["a", "b"], split=["train", "test"])
    split = splits.make(
        tracks, np.array([[1, 1], [0, 1]], np.uint8), ("pop", "ska"), kind="official"
    )
    assert [text for text in split.warnings if "'pop'" in text and "test" in text]


def test_a_rare_genre_is_brought_into_every_part():
    artists = [f"a{index:02d}" for index in range(60)]
    y = np.zeros((60, 2), np.uint8)
    y[:, 0] = 1
    y[:3, 1] = 1
    for kind in ("artist", "random"):
        split = splits.make(tracks_of(artists), y, ("pop", "ska"), kind=kind, n_candidates=1)
        assert {*split.part[:3]} == {*splits.PARTS}
        assert not split.warnings


def test_a_genre_that_cannot_be_everywhere_is_named_with_the_reason():
    artists = [f"a{index // 4:02d}" for index in range(60)]
    y = np.zeros((60, 2), np.uint8)
    y[:, 0] = 1
    y[:4, 1] = 1
    (warning,) = splits.make(tracks_of(artists), y, ("pop", "ska"), kind="artist").warnings
    assert "'ska' can't be in" in warning
    assert "only 1 artist has it" in warning


@pytest.mark.parametrize(
    ("artists", "kind", "match"),
    [
        ([None] * 9, "artist", "No artist is known"),
        (["a"] * 9, "artist", "too few"),
        (["a", "b"], "random", "too few"),
        (["a"] * 9, "official", "no official split"),
    ],
)
def test_splits_that_cannot_be_made_say_why(artists, kind, match):
    with pytest.raises(SplitError, match=match):
        splits.make(tracks_of(artists), np.ones((len(artists), 1), np.uint8), ("pop",), kind=kind)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("official", ("official", splits.DEFAULT_FRACTIONS)),
        ("random", ("random", Fractions(0.72, 0.10, 0.18))),
        ("random:0.72,0.18,0.10", ("random", Fractions(0.72, 0.10, 0.18))),
        ("artist:0.8,0.2", ("artist", Fractions(0.8, 0, 0.2))),
        ("random:course-ran", ("random", Fractions(0.70, 0.15, 0.15))),
    ],
)
def test_splits_are_named_with_fractions_of_train_test_and_validation(text, expected):
    assert splits.parse(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "album", "random:1,1,1", "random:a,b", "random:0.5", "official:0.8,0.2", "random:1,0"],
)
def test_splits_that_do_not_exist_are_refused(text):
    with pytest.raises(WrongUsage):
        splits.parse(text)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 7)), min_size=12, max_size=60),
    st.integers(0, 1000),
    st.sampled_from(["artist", "random"]),
)
def test_every_part_holds_every_genre_or_a_warning_names_it(rows, seed, kind):
    tracks = tracks_of([f"a{artist}" for artist, _ in rows])
    y = np.array([[bits & 1, bits >> 1 & 1, bits >> 2 & 1] for _, bits in rows], np.uint8)
    try:
        split = splits.make(tracks, y, GENRES, kind=kind, seed=seed, n_candidates=200)
    except SplitError:
        assert tracks["artist_id"].nunique() < 3
        return
    assert set(split.sizes) == {*splits.PARTS}
    for column, genre in enumerate(GENRES):
        for part in splits.PARTS:
            held = y[split.rows(part), column].any()
            named = [text for text in split.warnings if repr(genre) in text and part in text]
            assert held or named
