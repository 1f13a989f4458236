"""The map of a library as a figure."""

import numpy as np
import pandas as pd
import pytest

from genre_engine.figures import library
from genre_engine.figures.colours import NEUTRAL, TEN
from genre_engine.library.song_map import SongMap
from genre_engine.prediction import vocabulary


@pytest.fixture
def songs():
    return pd.DataFrame(
        {
            "id": [11, 12, 13, 14, 15],
            "title": ["<b>One</b>", None, "Three", "Four", "Five"],
            "artist": ["A & B", "", None, "D", "E"],
            "path": ["/m/1.mp3", "/m/<2>.mp3", "/m/3.mp3", "/m/4.mp3", "/m/5.mp3"],
        }
    )


NONE, ROCK, POLKA = 0, 1, 2  # as they are drawn, the rarest on top
WORDS = [("Rock", "Metal"), ("Polka",), ("Rock",), (), ("Rock",)]
# The third song has no embedding.
FOUND = SongMap(np.array([0, 1, 3, 4]), np.arange(8, dtype=np.float32).reshape(4, 2), "tsne")


def test_songs_are_coloured_by_their_first_genre(songs):
    figure, traces = library.song_map(FOUND, songs, WORDS)
    assert [trace.name for trace in figure.data] == ["no clear genre", "Rock", "Polka"]
    assert traces == [[3], [0, 4], [1]]
    assert [trace.legendrank for trace in figure.data] == [1001, 1000, 1000]
    assert figure.data[ROCK].marker.color == TEN[list(vocabulary.TEN).index("rock")]
    assert figure.data[NONE].marker.color == NEUTRAL
    assert {trace.type for trace in figure.data} == {"scattergl"}
    assert figure.layout.dragmode == "pan"  # else a click plays nothing
    assert figure.data[ROCK].x.tolist() == [0, 6]


def test_a_point_knows_its_song_and_shows_names_as_text(songs):
    figure, _ = library.song_map(FOUND, songs, WORDS)
    assert figure.data[ROCK].customdata[0][0] == 11
    assert figure.data[ROCK].customdata[0][1] == (
        "<b>&lt;b&gt;One&lt;/b&gt;</b><br>A &amp; B<br>Rock, Metal"
    )
    assert figure.data[POLKA].customdata[0][1] == "<b>&lt;2&gt;.mp3</b><br>Polka"
    assert figure.data[NONE].customdata[0][1].endswith("no clear genre")


def test_axes_are_named_where_they_mean_something(songs):
    by_pca = SongMap(FOUND.rows, FOUND.places, "pca", (0.5, 0.25))
    figure, _ = library.song_map(by_pca, songs, WORDS)
    assert figure.layout.xaxis.title.text == "First component, 50% of the variance"
    assert library.song_map(FOUND, songs, WORDS)[0].layout.xaxis.visible is False


def test_of_very_many_songs_some_are_drawn(songs, monkeypatch):
    monkeypatch.setattr(library, "MOST_DRAWN", 2)
    _, traces = library.song_map(FOUND, songs, WORDS)
    assert sum(map(len, traces)) == 2
    assert "A map of 2 of 4 songs" in library.song_map_alt(FOUND, WORDS)


def test_the_alternative_text_counts_genres():
    assert library.song_map_alt(FOUND, WORDS) == (
        "A map of 4 songs, with neighbours together. Songs by their first genre: "
        "Rock 2, Polka 1, no clear genre 1"
    )


def test_words_have_the_colours_of_the_genres_they_mean():
    colours = library.word_colours(["Electronic", "Electronica", "Easy listening", "Schlager"])
    assert colours["Electronic"] == TEN[0]
    assert colours["Easy listening"] == TEN[list(vocabulary.TEN).index("easylistening")]
    assert len(set(colours.values())) == 4
    assert len(library.word_colours(map(str, range(30)))) == 10
