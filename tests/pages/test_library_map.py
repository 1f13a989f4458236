"""The Library page's map, through Streamlit's own test client; choosing on it is the browser's."""

import json

import pytest

from genre_engine.library import song_map
from pages.components.library import map as section
from tests.library import filled
from tests.pages.test_library import page, said


@pytest.fixture(autouse=True)
def _local(workspace, monkeypatch):
    monkeypatch.setenv("GENRE_ENGINE_LOCAL_PATHS", "1")


@pytest.fixture
def mine(tmp_path):
    lib = filled.made(tmp_path)
    for number in range(12):
        filled.add(
            lib,
            f"/music/{number:02}.mp3",
            embedding=[number % 3, number / 10, 1],
            scores=filled.wide(jazz=0.9) if number % 3 else filled.wide(),
            title=f"Song {number:02}",
            artist=f"Artist {number}",
        )
    return lib


def chart(app):
    (found,) = app.get("plotly_chart")
    return found.proto


def opened(**choices):
    return page(**{"library-tab": "Map"}, **choices)


def test_songs_are_drawn_by_their_genre_each_with_its_number(mine):
    app = opened()
    traces = json.loads(chart(app).spec)["data"]
    assert [trace["name"] for trace in traces] == ["no clear genre", "Jazz"]
    numbers = {number for trace in traces for number, _ in trace["customdata"]}
    assert numbers == set(mine.songs()["id"])
    assert chart(app).alt.startswith("A map of 12 songs, with neighbours together.")
    assert "choose the lasso" in said(app)


def test_the_map_is_kept_and_components_are_there_on_request(mine):
    app = opened()
    assert (mine.folder / song_map.FILE).exists()
    app.segmented_control(key="map-layout-mine").set_value("pca").run()
    assert not app.exception
    assert "by principal components" in chart(app).alt


def test_many_songs_are_laid_out_by_neighbours_only_when_asked_for(mine, monkeypatch):
    monkeypatch.setattr(section, "_UNASKED", 5)
    app = opened()
    assert "by principal components" in chart(app).alt
    assert not (mine.folder / song_map.FILE).exists()
    app.segmented_control(key="map-layout-mine").set_value("tsne").run()
    assert "with neighbours together" in chart(app).alt
    assert "with neighbours together" in chart(opened()).alt


def test_a_large_library_has_the_map_by_components_alone(mine, monkeypatch):
    monkeypatch.setattr(song_map, "MOST_TSNE", 5)
    app = opened()
    assert not app.segmented_control
    assert "by principal components" in chart(app).alt


def test_too_few_songs_say_what_to_do(tmp_path):
    filled.add(filled.made(tmp_path, "few"), "/music/a.mp3", embedding=[1, 2])
    app = opened()
    assert not app.get("plotly_chart")
    assert "at least 3 songs" in said(app)


def test_chosen_points_are_rows_each_once():
    points = [{"curve_number": c, "point_index": p} for c, p in ((1, 0), (0, 2), (1, 0), (1, 1))]
    assert section._rows(points, [[0, 3, 4], [2, 9]], 9) == [2, 4]
