import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genre_engine.download import subset
from genre_engine.errors import WrongUsage


def crowd(n=600, seed=0):
    """Many electronic tracks, few of rock and pop; a fifth of all by one artist."""
    rng = np.random.default_rng(seed)
    y = np.zeros((n, 3), np.uint8)
    y[np.arange(n), rng.choice(3, n, p=[0.1, 0.2, 0.7])] = 1
    y[rng.random(n) < 0.2, 2] = 1
    artists = [0 if rng.random() < 0.2 else 1 + int(rng.integers(150)) for _ in range(n)]
    parts = [("train", "validation", "test")[artist % 3] for artist in artists]
    return y, [f"artist_{artist}" for artist in artists], parts


def test_every_genre_gets_what_was_asked_for_and_hardly_more():
    y, artists, parts = crowd()
    rows = subset.choose(y, artists=artists, parts=parts, per_genre=30)
    assert y[rows].sum(axis=0).tolist() == [30, 30, 30]
    assert list(rows) == sorted(set(rows))


def test_a_genre_with_too_few_tracks_gives_all_it_has():
    y, artists, parts = crowd()
    rows = subset.choose(y, artists=artists, parts=parts, per_genre=100)
    assert y[rows, 0].sum() == y[:, 0].sum() < 100
    assert (y[rows, 1:].sum(axis=0) >= 100).all()


def test_as_many_tracks_as_asked_for_evenly_over_genres():
    y, artists, parts = crowd()
    rows = subset.choose(y, artists=artists, parts=parts, tracks=90)
    assert len(rows) == 90
    counts = y[rows].sum(axis=0)
    assert counts.max() - counts.min() <= 1


def test_artists_take_turns():
    y, artists, parts = crowd()
    rows = subset.choose(y, artists=artists, parts=parts, per_genre=30)
    chosen = [artists[row] for row in rows]
    everyone = [artists[row] for row in np.flatnonzero(y[:, 0])]
    # Only rock, with as many tracks as are asked for, must take an artist more often.
    assert max(map(chosen.count, chosen)) <= 2
    assert chosen.count("artist_0") <= 2 < everyone.count("artist_0")
    unknown = subset.choose(y, artists=[None] * len(y), parts=parts, per_genre=30)
    assert y[unknown].sum(axis=0).tolist() == [30, 30, 30]


def test_parts_keep_their_shares_within_each_genre():
    y, artists, parts = crowd(3000)
    parts = np.array(parts)
    rows = subset.choose(y, artists=artists, parts=parts.tolist(), per_genre=60)
    for genre in range(3):
        for part in ("train", "validation", "test"):
            share = (parts[y[:, genre] == 1] == part).mean()
            found = (parts[rows][y[rows, genre] == 1] == part).mean()
            assert found == pytest.approx(share, abs=0.06), (genre, part)


def test_the_same_seed_chooses_the_same_and_another_others():
    y, artists, parts = crowd()
    first, again, other = (
        subset.choose(y, artists=artists, parts=parts, per_genre=20, seed=seed).tolist()
        for seed in (1, 1, 2)
    )
    assert first == again != other


@pytest.mark.parametrize("limits", [{}, {"tracks": 10_000}])
def test_without_a_limit_all_are_chosen(limits):
    y, artists, parts = crowd()
    rows = subset.choose(y, artists=artists, parts=parts, **limits)
    assert rows.tolist() == list(range(len(y)))


def test_two_limits_or_none_at_all_are_refused():
    y, artists, parts = crowd(20)
    with pytest.raises(WrongUsage, match="not both"):
        subset.choose(y, artists=artists, parts=parts, per_genre=1, tracks=1)
    with pytest.raises(WrongUsage, match="at least 1"):
        subset.choose(y, artists=artists, parts=parts, tracks=0)


@given(st.integers(0, 10_000), st.integers(1, 40), st.booleans())
def test_whatever_the_tracks_the_promise_holds(seed, limit, in_all):
    rng = np.random.default_rng(seed)
    y = (rng.random((rng.integers(1, 60), 4)) < rng.random(4)).astype(np.uint8)
    y = y[y.any(axis=1)]
    artists = [f"a{rng.integers(9)}" for _ in y]
    parts = [(None, "train", "test")[rng.integers(3)] for _ in y]
    limits = {"tracks": limit} if in_all else {"per_genre": limit}
    rows = subset.choose(y, artists=artists, parts=parts, **limits)
    assert len(set(rows)) == len(rows)
    if in_all:
        assert len(rows) == min(limit, len(y))
    else:
        assert (y[rows].sum(axis=0) >= np.minimum(limit, y.sum(axis=0))).all()
