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


@given(
    st.integers(2, 6),
    st.integers(12, 60),
    st.integers(0, 3),
)
@settings(max_examples=40, deadline=None)
def test_folds_keep_artists_whole_and_do_not_depend_on_the_order_of_rows(k, n, seed):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"track_id": [f"t{i:03d}" for i in range(n)]})
    frame["artist_id"] = [f"a{i}" for i in rng.integers(0, n // 2, n)]
    frame["album_id"] = frame["sha256"] = None
    y = np.ones((n, 2), np.uint8)
    y[:, 1] = rng.random(n) < 0.5
    y[[0, 1], 1] = 1
    frame.loc[[0, 1], "artist_id"] = ["a0", "a1"]
    if frame["artist_id"].nunique() < k:
        return
    for kind in ("kfold", "artist-kfold"):
        made = splits.make(frame, y, ["u", "v"], kind=kind, fractions=splits.Folds(k), seed=seed)
        assert set(made.fold[:, 0]) == set(range(k))
        assert (made.part == "validation").all()
        order = rng.permutation(n)
        again = splits.make(
            frame.iloc[order], y[order], ["u", "v"], kind=kind, fractions=splits.Folds(k), seed=seed
        )
        assert (again.fold == made.fold[order]).all()
        if kind == "artist-kfold":
            in_folds = pd.Series(made.fold[:, 0]).groupby(frame["artist_id"]).nunique()
            assert (in_folds == 1).all()


def test_folds_keep_the_proportions_of_genres():
    rng = np.random.default_rng(0)
    n = 400
    frame = pd.DataFrame({"track_id": [f"t{i:03d}" for i in range(n)]})
    frame["artist_id"] = [f"a{i}" for i in rng.integers(0, 150, n)]
    frame["album_id"] = frame["sha256"] = None
    y = (rng.random((n, 3)) < [0.1, 0.3, 0.6]).astype(np.uint8)
    made = splits.make(frame, y, ["u", "v", "w"], kind="artist-kfold", fractions=splits.Folds(5))
    shares = np.array([y[made.fold[:, 0] == fold].mean(axis=0) for fold in range(5)])
    assert (np.abs(shares - y.mean(axis=0)) < 0.05).all()


def test_identical_audio_is_in_one_fold():
    frame = pd.DataFrame({"track_id": [f"t{i:02d}" for i in range(40)], "artist_id": None})
    frame["album_id"] = None
    frame["sha256"] = [f"{i // 2:064d}" for i in range(40)]
    made = splits.make(frame, np.ones((40, 1), np.uint8), ["u"], kind="kfold")
    assert (made.fold[::2] == made.fold[1::2]).all()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("kfold:1", "2 to 50 folds"),
        ("kfold:51", "2 to 50 folds"),
        ("kfold:5x0", "up to 20 repeats"),
        ("kfold:many", "no number of folds"),
        ("random:train=0.8,verify=0.2", "no part with its share"),
        ("random:train=0.8,train=0.2", "no part with its share"),
        ("random:train=0.8,test=half", "no part with its share"),
        ("random:train=0.5,test=0.2", "add up to 1"),
    ],
)
def test_what_is_no_split_is_refused(text, what):
    with pytest.raises(WrongUsage, match=what):
        splits.parse(text)


def test_named_shares_may_leave_a_part_out():
    assert splits.parse("random:train=0.8,test=0.2") == ("random", splits.Fractions(0.8, 0.0, 0.2))


def test_bare_shares_say_which_part_got_which():
    assert "validation 5 %, test 15 %" in splits.describe("random:0.8,0.15,0.05")
    assert splits.describe("random:train=0.8,validation=0.05,test=0.15") == ""
    assert splits.describe("random:course-ran") == ""
