import numpy as np
import pandas as pd
import pytest

from genre_engine import figures
from genre_engine.datasets import pca_map, statistics
from genre_engine.figures.colours import TEN
from genre_engine.leakage import ArtistPrior, Leakage


def table():
    artists = pd.Series(["a", "a", "a", "b", "c", "c", None, "d"])
    y = np.array([[1, 0], [1, 0], [1, 1], [1, 0], [0, 1], [1, 1], [1, 0], [0, 1]], np.uint8)
    part = np.array(["train"] * 5 + ["test"] * 3)
    return statistics.genre_parts(artists, y, ["pop", "rock"], part)


def test_genre_parts_count_tracks_artists_and_the_largest_artist():
    rows = table().set_index(["genre", "part"])
    pop = rows.loc["pop", "train"]
    assert (pop["tracks"], pop["share"], pop["artists"]) == (4, 0.8, 2)
    assert pop["largest_artist"] == 0.75
    assert rows.loc[("rock", "test"), "share"] == pytest.approx(2 / 3)
    assert rows.loc[("pop", "test"), "artists"] == 1


def test_the_most_common_genre_of_train_comes_first():
    assert list(table()["genre"]) == ["pop", "pop", "rock", "rock"]


def test_the_widest_gap_is_named_with_the_part_that_has_more():
    genre, more, less, by = statistics.widest_gap(table())
    assert (genre, more, less) == ("rock", "test", "train")
    assert by == pytest.approx(2 / 3 - 0.4)


def test_independent_genres_have_a_lift_of_zero():
    a, b = np.meshgrid([0, 1], [0, 1])
    y = np.tile(np.stack([a.ravel(), b.ravel()], axis=1), (25, 1)).astype(np.uint8)
    found = statistics.cooccurrence(y, ["pop", "rock"])
    assert found.counts[0, 1] == 25
    assert found.lift[0, 1] == 0
    assert np.isnan(np.diag(found.lift)).all()


def test_genres_that_always_go_together_have_the_lift_of_their_rarity():
    y = np.zeros((1000, 2), np.uint8)
    y[:250] = 1
    assert statistics.cooccurrence(y, ["pop", "rock"]).lift[0, 1] == pytest.approx(2, abs=0.02)


def test_similar_genres_are_put_side_by_side():
    similarity = np.array([[0, -2, 3, -2], [-2, 0, -2, 3], [3, -2, 0, -1], [-2, 3, -1, 0.0]])
    order = statistics.cluster_order(similarity)
    assert sorted(order) == [0, 1, 2, 3]
    assert abs(order.index(0) - order.index(2)) == 1
    assert abs(order.index(1) - order.index(3)) == 1


def test_durations_say_what_is_beyond_the_picture_and_what_is_missing():
    found = statistics.durations(pd.Series([30.0] * 500 + [60.0] * 499 + [4000.0, None]))
    assert found.counts.sum() + found.beyond == 1000
    assert (found.beyond, found.missing, found.longest) == (1, 1, 4000)
    assert statistics.durations(pd.Series([None, None], dtype=float)) is None


def test_artist_sizes_add_up():
    found = statistics.artist_sizes(pd.Series(["a"] * 3 + ["b"] * 120 + ["c", None]))
    assert sum(found.artists) == found.n_artists == 3
    assert sum(found.tracks) == 124
    assert found.largest == ("b", 120)
    assert found.labels[-1] == "100+"
    assert statistics.artist_sizes(pd.Series([None], dtype=object)) is None


def test_search_finds_tracks_with_every_word_whatever_its_case():
    tracks = pd.DataFrame(
        {
            "title": ["Blue Train", None, "Train (live) [x"],
            "artist_id": ["Ann", "Bob", None],
            "album_id": [None, "Straße", None],
            "track_id": ["t1", "t2", "t3"],
            "genres": [["jazz"], ["rock", "pop"], ["rock"]],
        }
    )
    index = statistics.SearchIndex(tracks)
    assert index.find("TRAIN").tolist() == [0, 2]
    assert index.find("rock train").tolist() == [2]
    assert index.find("strasse").tolist() == [1]
    assert index.find("(live) [").tolist() == [2]
    assert index.find("  ").tolist() == [0, 1, 2]
    assert index.find("nothing").tolist() == []


def test_a_line_of_points_lies_on_the_first_component():
    t = np.linspace(-1, 1, 50)
    values = np.stack([t, 3 * t + 5, np.full(50, 7.0)], axis=1).astype(np.float32)
    places, explained = pca_map.principal_components(values)
    assert explained[0] == pytest.approx(1)
    assert np.abs(places[:, 1]).max() < 1e-6
    assert abs(np.corrcoef(places[:, 0], t)[0, 1]) == pytest.approx(1)


def test_a_jamendo_genre_keeps_its_colour_and_no_two_share_one():
    colours = figures.genre_colours(["blues", "rock", "jazz"])
    assert colours["rock"] == TEN[4]
    assert len(set(colours.values())) == 3
    many = figures.genre_colours(["rock", *(f"g{i}" for i in range(20))])
    assert len(many) == 10
    assert figures.genre_colours(["jazz", "rock"])["rock"] == colours["rock"]


def test_a_dot_says_in_a_sentence_what_it_is():
    figure = figures.genre_parts(table())
    said = [
        text for trace in figure.data if trace.customdata is not None for text in trace.customdata
    ]
    assert (
        "Pop in train: 4 tracks, 80.0% of tracks in train<br>by 2 artists; 75% of them by a single "
        "one" in said
    )
    assert figures.genre_parts_alt(table()).endswith("in train: Pop 80.0%, Rock 40.0%")


def test_the_leak_meter_says_overlap_and_what_deafness_reaches():
    leaks = {
        "artist": Leakage(
            "test", 0.0, None, None, ArtistPrior(0.1, "validation", 0.26, None, None, 0.1)
        ),
        "random": Leakage("test", 0.954, None, None, None),
    }
    figure = figures.leak_meter(leaks, "random")
    assert list(figure.data[0].text) == ["0%", "95%"]
    assert list(figure.data[1].text) == ["0.26", "–"]
    assert "random: artist overlap 95%" in figures.leak_meter_alt(leaks)


def test_the_heat_map_leaves_its_diagonal_blank_and_counts_in_the_hover():
    y = np.array([[1, 1, 0], [1, 0, 1], [0, 1, 1], [1, 1, 0]], np.uint8)
    figure = figures.cooccurrence(statistics.cooccurrence(y, ["ambient", "pop", "rock"]))
    heat = figure.data[0]
    assert np.isnan(np.diag(np.asarray(heat.z, float))).all()
    assert "2 tracks carry both" in str(heat.customdata)


def test_the_map_has_a_trace_a_genre_and_tells_which_track_a_point_is():
    found = pca_map.TrackMap(np.array([4, 5, 6]), np.zeros((3, 2), np.float32), (0.5, 0.2), 3, 10)
    colours = figures.genre_colours(["pop", "rock"])
    figure, traces = figures.track_map(
        found, ["x", "y", "z"], [["pop"], ["other"], ["pop", "rock"]], colours
    )
    assert [trace.name for trace in figure.data] == ["Pop", "Rock", "other"]
    assert traces == [[0], [2], [1]]
