"""Similar songs, among embeddings whose neighbours are known by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_engine.errors import WrongUsage
from genre_engine.library import similar, space, traits
from genre_engine.library.traits import Traits
from tests.library.filled import add, made, wide

pytestmark = pytest.mark.usefixtures("workspace")


@pytest.fixture
def mine(tmp_path):
    return made(tmp_path)


def on_circle(degrees):
    """An embedding at an angle; with its opposite in the library too, the centre is nought."""
    turn = np.deg2rad(degrees)
    return [np.cos(turn), np.sin(turn)]


def fill(lib, degrees, **given):
    """Songs named by their angles, each by an artist of its own, and a ring that centres them."""
    for angle in range(0, 360, 30):
        add(lib, f"/ring/{angle:03}.mp3", embedding=on_circle(angle), missing=True)
    for angle in degrees:
        given_ = {"artist": f"Artist {angle}", **given}
        add(lib, f"/music/{angle:03}.mp3", embedding=on_circle(angle), **given_)


def found_paths(lib, found):
    return [lib.songs()["path"].iloc[song.row] for song in found]


def test_the_nearest_come_first_and_never_the_song_itself(mine):
    fill(mine, [0, 180, 10, 30, 90])
    found = similar.nearest(mine, mine.song("/music/000.mp3"))
    assert found_paths(mine, found) == [f"/music/{angle:03}.mp3" for angle in (10, 30, 90, 180)]


def test_the_distance_is_one_less_the_cosine(mine):
    fill(mine, [0, 90, 180, 270])
    found = similar.nearest(mine, mine.song("/music/000.mp3"))
    np.testing.assert_allclose([song.distance for song in found], [1, 1, 2], atol=1e-6)


def test_what_all_songs_share_does_not_count(mine):
    for place in ([5, 0.1], [5, -0.1], [5, 0.12], [5.01, 0]):
        add(mine, f"/music/{place}.mp3", embedding=[*place, 7.0])
    (nearest,) = similar.nearest(mine, mine.song("/music/[5, 0.1].mp3"), 1)
    assert found_paths(mine, [nearest]) == ["/music/[5, 0.12].mp3"]


def test_at_most_two_songs_of_an_artist_are_listed(mine):
    fill(mine, [0, 90])
    for angle in (1, 2, 3, 4):
        add(mine, f"/music/{angle}.mp3", embedding=on_circle(angle), artist=" The  SAME ")
    add(mine, "/music/5.mp3", embedding=on_circle(5), artist="the same")
    row = mine.song("/music/000.mp3")
    assert found_paths(mine, similar.nearest(mine, row, 3)) == [
        "/music/1.mp3",
        "/music/2.mp3",
        "/music/090.mp3",
    ]
    assert len(similar.nearest(mine, row, most_per_artist=4)) == 5


@pytest.mark.parametrize("artist", [None, "Various Artists", "unknown"])
def test_songs_without_an_artist_are_not_one_artists(mine, artist):
    fill(mine, [0, 1, 2, 3, 4], artist=artist)
    assert len(similar.nearest(mine, mine.song("/music/000.mp3"))) == 4
    assert len(similar.nearest(mine, mine.song("/music/000.mp3"), other_artists=True)) == 4


def test_the_songs_own_artist_can_be_left_out(mine):
    fill(mine, [0, 20, 40])
    add(mine, "/music/1.mp3", embedding=on_circle(1), artist="artist 0")
    row = mine.song("/music/000.mp3")
    assert found_paths(mine, similar.nearest(mine, row))[0] == "/music/1.mp3"
    assert found_paths(mine, similar.nearest(mine, row, other_artists=True)) == [
        "/music/020.mp3",
        "/music/040.mp3",
    ]


def test_copies_of_a_song_are_no_neighbours(mine):
    fill(mine, [0, 40])
    own, other = on_circle(0), on_circle(20)
    add(mine, "/music/copy.mp3", embedding=own, sound="/music/000.mp3", artist="Somebody")
    add(mine, "/music/a.flac", embedding=other, artist="A", title="One")
    add(mine, "/music/a.mp3", embedding=other, artist="a", title="ONE ")
    add(mine, "/music/a copy.flac", embedding=other, sound="/music/a.flac", artist="B")
    found = found_paths(mine, similar.nearest(mine, mine.song("/music/000.mp3")))
    assert len(found) == 2
    assert found[0] in {"/music/a.flac", "/music/a.mp3", "/music/a copy.flac"}
    assert found[1] == "/music/040.mp3"


def test_missing_songs_are_not_listed_but_can_be_asked_for(mine):
    fill(mine, [0, 10])
    add(mine, "/music/gone.mp3", embedding=on_circle(5), missing=True)
    assert found_paths(mine, similar.nearest(mine, mine.song("/music/000.mp3"))) == [
        "/music/010.mp3"
    ]
    assert len(similar.nearest(mine, mine.song("/music/gone.mp3"))) == 2


def test_songs_that_cannot_be_compared_are_passed_over_and_refused(mine):
    fill(mine, [0, 10])
    add(mine, "/music/waiting.mp3")
    add(mine, "/music/longer.mp3", embedding=[1, 2, 3])
    assert len(similar.nearest(mine, mine.song("/music/000.mp3"))) == 1
    for name in ("waiting", "longer"):
        with pytest.raises(WrongUsage, match=f"{name}.mp3 hasn't been analysed"):
            similar.nearest(mine, mine.song(f"/music/{name}.mp3"))
    with pytest.raises(WrongUsage, match="by 3 numbers, those of the library by 2"):
        similar.nearest(mine, np.zeros(3))
    with pytest.raises(WrongUsage, match="other networks"):
        similar.nearest(mine, np.array([np.nan, 0]))


def test_a_library_where_nothing_is_analysed_says_so(mine):
    with pytest.raises(WrongUsage, match="Scan its folders first"):
        similar.nearest(mine, np.zeros(2))
    add(mine, "/music/waiting.mp3")
    with pytest.raises(WrongUsage, match="hasn't been analysed"):
        similar.nearest(mine, 0)


def test_a_song_from_outside_is_compared_as_those_of_the_library(mine):
    fill(mine, [0, 20, 90])
    add(mine, "/music/own.mp3", embedding=on_circle(11), artist="Me", title="Song")
    known = Traits(artist="me", title="SONG")
    assert found_paths(mine, similar.nearest(mine, np.array(on_circle(10)), 1)) == [
        "/music/own.mp3"
    ]
    found = similar.nearest(mine, np.array(on_circle(12)), traits=known)
    assert found_paths(mine, found) == ["/music/020.mp3", "/music/000.mp3", "/music/090.mp3"]
    same = Traits(sound="/music/020.mp3")
    found = similar.nearest(mine, np.array(on_circle(12)), 2, traits=same)
    assert found_paths(mine, found) == ["/music/own.mp3", "/music/000.mp3"]
    by_me = Traits(artist="ME", title="Another")
    found = similar.nearest(mine, np.array(on_circle(12)), 1, traits=by_me, other_artists=True)
    assert found_paths(mine, found) == ["/music/020.mp3"]


def test_a_change_of_the_library_is_seen_at_once(mine):
    fill(mine, [0, 40])
    row = mine.song("/music/000.mp3")
    assert len(similar.nearest(mine, row)) == 1
    add(mine, "/music/zz.mp3", embedding=on_circle(3))
    assert found_paths(mine, similar.nearest(mine, row, 1)) == ["/music/zz.mp3"]


def test_the_embeddings_are_prepared_once_for_a_state_of_the_library(mine, monkeypatch):
    fill(mine, [0, 40])
    prepared = []
    prepare = space.prepare
    monkeypatch.setattr(space, "prepare", lambda *of: prepared.append(1) or prepare(*of))
    for _ in range(3):
        similar.nearest(mine, 0)
    assert prepared == [1]


@settings(deadline=None)
@given(
    st.integers(1, 60).flatmap(
        lambda n: st.tuples(
            st.lists(st.lists(st.integers(-3, 3), min_size=3, max_size=3), min_size=n, max_size=n),
            st.lists(st.sampled_from(["a", "b", "", None]), min_size=n, max_size=n),
            st.integers(0, n - 1),
        )
    ),
    st.integers(1, 5),
)
def test_nearest_are_those_that_a_loop_over_all_songs_finds(drawn, count):
    import pandas as pd

    embeddings, artists, asked = np.array(drawn[0], np.float32), drawn[1], drawn[2]
    songs = pd.DataFrame({"artist": artists, "title": None, "sound": None, "missing": False})
    songs["artist"] = songs["artist"].astype(object)
    ready = space.prepare(songs, embeddings)
    likeness = ready.units @ ready.units[asked]
    taken = similar._Taken(2)
    taken.leave_out_copies([asked])
    expected, of_artist = [], {}
    for place in sorted(range(len(artists)), key=lambda at: (-likeness[at], at)):
        artist = artists[place]
        if place != asked and len(expected) < count and of_artist.get(artist, 0) < 2:
            expected.append(place)
            if artist:
                of_artist[artist] = of_artist.get(artist, 0) + 1
    assert taken.pick(ready, likeness, count) == expected


def test_positions_come_highest_first_whatever_is_asked_for_at_once():
    values = np.random.default_rng(0).integers(0, 5, 200).astype(np.float32)
    found = list(similar._descending(values, first=7))
    assert sorted(found) == list(range(200))
    assert (np.diff(values[found]) <= 0).all()


def test_a_playlist_begins_with_the_songs_it_is_made_from(mine):
    fill(mine, [0, 20, 10, 12, 90, 180])
    seeds = [mine.song("/music/020.mp3"), mine.song("/music/000.mp3")]
    found = similar.playlist(mine, [*seeds, seeds[0]], 4)
    assert found_paths(mine, found)[:2] == ["/music/020.mp3", "/music/000.mp3"]
    assert set(found_paths(mine, found)[2:]) == {"/music/010.mp3", "/music/012.mp3"}
    assert found[0].common == found[1].common == ()
    assert len(similar.playlist(mine, seeds, 100)) == 6
    assert len(similar.playlist(mine, seeds, 1)) == 2


def test_a_playlist_repeats_neither_artists_nor_copies(mine):
    fill(mine, [0, 90])
    for angle in (1, 2, 3):
        add(mine, f"/music/{angle}.mp3", embedding=on_circle(angle), artist="Artist 0")
    add(mine, "/music/copy.mp3", embedding=on_circle(0), sound="/music/000.mp3")
    row = mine.song("/music/000.mp3")
    assert found_paths(mine, similar.playlist(mine, [row])) == [
        "/music/000.mp3",
        "/music/1.mp3",
        "/music/090.mp3",
    ]
    assert found_paths(mine, similar.playlist(mine, [row], other_artists=True)) == [
        "/music/000.mp3",
        "/music/090.mp3",
    ]
    three = [row, mine.song("/music/1.mp3"), mine.song("/music/2.mp3")]
    assert len(similar.playlist(mine, three)) == 4  # what was asked for stays


def test_a_playlist_prefers_variety_among_songs_that_are_as_like():
    seeds = np.array([[1, 0, 0]], np.float32)
    side = np.sqrt(1 - 0.8**2)
    units = np.array([[0.8, side, 0], [0.8, side, 0.001], [0.8, -side, 0]], np.float32)
    assert similar._varied(units, units[:, 0], seeds, 2) == [0, 2]
    assert similar._varied(units[:0], units[:0, 0], seeds, 2) == []


def test_a_playlist_of_nothing_is_refused(mine):
    with pytest.raises(WrongUsage, match="at least one song"):
        similar.playlist(mine, [])


def test_what_songs_have_in_common_is_said_in_words(mine):
    fill(mine, [0])
    add(
        mine,
        "/music/a.mp3",
        embedding=on_circle(1),
        scores=wide(rock=0.9, hip_hop=0.6, jazz=0.3),
        moods=[("energetic", 0.5)],
        instruments=[("guitar", 0.6), ("drums", 0.5), ("piano", 0.4)],
        bpm=119.0,
        key="A minor",
    )
    add(
        mine,
        "/music/b.mp3",
        embedding=on_circle(2),
        scores=wide(rock=0.5, hip_hop=0.8, jazz=0.9),
        moods=[("happy", 0.6), ("energetic", 0.5)],
        instruments=[("drums", 0.6), ("guitar", 0.5)],
        bpm=121.0,
        key="C major",
    )
    (found,) = similar.nearest(mine, mine.song("/music/a.mp3"), 1)
    assert found.common == (
        "hip hop",
        "rock",
        "energetic",
        "with guitar and drums",
        "about 120 beats a minute",
        "in related keys, A minor and C major",
    )
    assert traits.in_words(found.common[:3]) == "both hip hop, rock, energetic"
    assert traits.in_words(()) == ""
    assert similar.nearest(mine, mine.song("/music/000.mp3"), 1)[0].common == ()


def test_genres_that_a_person_decided_on_stand_for_those_analysed(mine):
    add(mine, "/music/a.mp3", embedding=[1, 0], scores=wide(rock=0.9))
    add(mine, "/music/b.mp3", embedding=[0, 1], scores=wide(pop=0.9))
    mine.decide(["/music/b.mp3"], "corrected", ["Rock", "Schlager"])
    (found,) = similar.nearest(mine, 0)
    assert found.common == ("rock",)
    mine.decide(["/music/a.mp3"], "rejected")
    (found,) = similar.nearest(mine, 0)
    assert found.common == ()


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({"bpm": 100}, {"bpm": 104}, ("about 102 beats a minute",)),
        ({"bpm": 100}, {"bpm": 104.1}, ()),
        ({"bpm": 60}, {"bpm": 120}, ()),
        ({"key": "F♯ minor"}, {"key": "F♯ minor"}, ("in F♯ minor",)),
        ({"key": "C major"}, {"key": "G major"}, ("in related keys, C major and G major",)),
        ({"key": "C major"}, {"key": "C minor"}, ()),
        ({"key": "nonsense"}, {"key": "nonsense"}, ()),
        ({"artist": "A"}, {"artist": "A"}, ()),
    ],
)
def test_tempo_and_key_are_common_where_they_fit(one, other, expected):
    assert traits.common(Traits(**one), Traits(**other)) == expected
    assert len(traits.common(Traits(**other), Traits(**one))) == len(expected)
