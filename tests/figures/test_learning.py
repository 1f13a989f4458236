"""Figures of learning curves and of what features carry, on answers known by hand."""

import pytest

from genre_engine.figures import importance, learning_curve

GENRES = ["jazz", "<b>rock</b>"]


def point(share, tracks, value, interval, trainings=1):
    figure = {"value": value, "low": value - 0.1, "high": value + 0.1, "interval": interval}
    return {
        "share": share,
        "tracks": tracks,
        "trainings": trainings,
        **dict.fromkeys(("average_precision", "f1", "top1"), figure),
        "genres": {
            genre: {"tracks": tracks / 2, "value": value, "interval": interval} for genre in GENRES
        },
    }


@pytest.fixture
def found():
    return {
        "genres": GENRES,
        "points": [point(10, 20, 0.4, [0.3, 0.6], 3), point(100, 200, 0.7, [0.6, 0.75])],
        "no_skill": {"average_precision": 0.2, "f1": 0.3, "top1": None},
        "doubling": {
            "tracks": 200,
            "from": 0.7,
            "gain": 0.05,
            "interval": [0.01, 0.1],
            "rises": True,
        },
    }


def named(figure, name):
    return [trace for trace in figure.data if trace.name == name]


def test_a_point_stands_over_its_number_of_tracks_with_its_interval(found):
    figure = learning_curve.curve(found, "average_precision")
    (line,) = named(figure, "this model")
    assert list(line.x) == [20, 200]
    assert list(line.y) == [0.4, 0.7]
    assert list(line.error_y.array) == pytest.approx([0.2, 0.05])
    assert list(line.error_y.arrayminus) == pytest.approx([0.1, 0.1])
    assert "the mean of 3 choices of tracks, 0.30 to 0.50" in line.customdata[0]
    assert "choices" not in line.customdata[1]
    assert named(figure, "best no-skill")[0].y[0] == 0.2
    assert learning_curve.curve_alt(found, "average_precision") == (
        "Macro average precision by tracks learnt from: 0.40 with 20, 0.70 with 200"
    )


def test_what_twice_as_many_tracks_would_bring_is_dashed_on_the_figure_it_is_of(found):
    (dashed,) = named(learning_curve.curve(found, "average_precision"), "if it goes on so")
    assert list(dashed.x) == [200, 400]
    assert list(dashed.y) == pytest.approx([0.7, 0.75])
    assert "about 0.75, 0.71 to 0.80" in dashed.customdata[1]
    assert not named(learning_curve.curve(found, "f1"), "if it goes on so")
    assert not named(learning_curve.curve({**found, "doubling": None}, "average_precision"), "if")


def test_without_intervals_there_are_no_bars(found):
    for one in found["points"]:
        one["f1"] = {**one["f1"], "interval": None}
    (line,) = named(learning_curve.curve(found, "f1"), "this model")
    assert set(line.error_y.array) == set(line.error_y.arrayminus) == {0.0}


def test_a_point_without_the_figure_is_left_out(found):
    found["points"][0]["f1"] = {"value": None, "low": None, "high": None, "interval": None}
    (line,) = named(learning_curve.curve(found, "f1"), "this model")
    assert list(line.x) == [200]


def test_genres_stand_over_their_own_tracks_and_names_are_no_html(found):
    figure = learning_curve.genres(found, GENRES)
    assert [list(trace.x) for trace in figure.data] == [[10, 100]] * 2
    assert figure.data[1].name.lower() == "&lt;b&gt;rock&lt;/b&gt;"
    assert "from 0.40 with 10 to 0.70 with 100" in learning_curve.genres_alt(found, GENRES)
    assert "no genre chosen" in learning_curve.genres_alt(found, [])


@pytest.fixture
def carried():
    def group(title, level, drop):
        spread = {"low": drop - 0.02, "high": drop + 0.05}
        return {"title": title, "level": level, "columns": 1, "drop": drop, **spread}

    rows = [("MFCC", "family", 0.1), ("<i>Mel</i>", "family", 0.3), ("mean", "statistic", 0.2)]
    return {"score": 0.8, "repeats": 10, "groups": [group(*row) for row in rows]}


def test_groups_of_a_level_stand_by_their_drop_with_the_extremes(carried):
    (bars,) = importance.importance(carried, "family").data
    assert list(bars.y) == ["MFCC", "&lt;i&gt;Mel&lt;/i&gt;"]  # the last is on top
    assert list(bars.x) == [0.1, 0.3]
    assert list(bars.error_x.array) == pytest.approx([0.05, 0.05])
    assert list(bars.error_x.arrayminus) == pytest.approx([0.02, 0.02])
    assert "shuffled, 0.10 of 0.80 is lost; 0.08 to 0.15 in 10 shuffles" in bars.customdata[0]
    assert importance.importance_alt(carried, "family").endswith("<i>Mel</i> 0.30, MFCC 0.10")


def test_of_very_many_columns_the_largest_are_drawn(carried):
    row = carried["groups"][0]
    rows = [{**row, "title": f"x{n}", "level": "column", "drop": n / 100} for n in range(50)]
    (bars,) = importance.importance({**carried, "groups": rows}, "column").data
    assert len(bars.y) == importance.MOST
    assert bars.y[-1] == "x49"
