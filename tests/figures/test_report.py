"""What the figures of a report show, on answers known by hand."""

import numpy as np
import pytest

from genre_engine import metrics
from genre_engine.figures import confusion, curves, report
from genre_engine.metrics import calibration, mistakes
from genre_engine.metrics import curves as metric_curves
from genre_engine.metrics.arrays import decide
from genre_engine.metrics.thresholds import curves as threshold_curves

GENRES = ["jazz", "<b>rock</b>"]


@pytest.fixture
def judged():
    rng = np.random.default_rng(0)
    y = (rng.random((80, 2)) < [0.3, 0.6]).astype(int)
    return metrics.check(y, np.clip(0.4 * y + 0.6 * rng.random((80, 2)), 0, 1), GENRES)


@pytest.fixture
def found(judged):
    baselines = metrics.no_skill(judged.y, judged.y, 80, GENRES)
    return metrics.evaluate(
        judged.y, judged.p, genres=GENRES, baselines=baselines, draws=40
    ).to_dict()


def named(figure, name):
    return [trace for trace in figure.data if trace.name == name]


def test_the_verdict_shows_the_figure_beside_the_best_that_needs_no_listening(found):
    figure = report.verdict(found)
    assert [trace.x[0] for trace in named(figure, "this run")] == [
        found["f1"]["macro"],
        found["average_precision"]["macro"],
    ]
    best = max(f["f1"]["macro"] for f in found["baselines"].values() if f)
    assert named(figure, "no-skill")[0].x[0] == best
    assert not named(figure, "artist_prior")
    assert f"Macro F1 {found['f1']['macro']:.2f}" in report.verdict_alt(found)


def test_genres_stand_by_support_with_tracks_and_artists_and_names_are_no_html(found):
    figure = report.per_genre(found, "f1", {"jazz": 7})
    (dots,) = named(figure, "this run")
    assert dots.y[0].lower().startswith("&lt;b&gt;rock&lt;/b&gt;<br>")
    assert f"{found['support']['jazz']} tracks / 7 artists" in dots.y[1]
    assert list(dots.x) == [found["per_genre"][genre]["f1"] for genre in reversed(GENRES)]
    assert "in 95 % of the draws between" in dots.customdata[0]


def test_a_genre_without_a_figure_has_no_dot(judged):
    y = judged.y.copy()
    y[:, 0] = False
    found = metrics.evaluate(y, judged.p, genres=GENRES, draws=0).to_dict()
    (dots,) = named(report.per_genre(found, "roc_auc", {}), "this run")
    assert len(dots.x) == 1


def test_curves_show_the_genres_asked_for_and_both_means(judged):
    roc = curves.roc(metric_curves.roc_curves(judged), ["jazz"])
    names = [trace.name for trace in roc.data]
    assert names[:3] == ["Jazz", "mean of genres", "all labels together"]
    both = curves.precision_recall(metric_curves.precision_recall_curves(judged), GENRES)
    assert len(both.data) == 4


def test_the_threshold_line_stands_where_it_was_put(judged):
    figure = curves.thresholds(threshold_curves(judged), "macro", 0.3, 0.44)
    assert sorted(shape.x0 for shape in figure.layout.shapes) == [0.3, 0.44]
    f1 = figure.data[-1]
    at = metrics.evaluate(judged.y, judged.p, genres=GENRES, thresholds=0.3, draws=0)
    assert f1.y[30] == pytest.approx(at.figure("f1.macro"), abs=1e-4)
    one = curves.thresholds(threshold_curves(judged), "1", 0.3, None)
    assert one.data[-1].y[30] == pytest.approx(at.to_dict()["per_genre"][GENRES[1]]["f1"], abs=1e-4)


def test_a_reliability_panel_counts_every_track(judged):
    curve = calibration.reliability(judged.y[:, 0], judged.p[:, 0])
    figure = curves.reliability(curve, judged.p[:, 0])
    assert sum(figure.data[-1].y) == 80
    assert list(figure.data[1].x) == pytest.approx(curve.predicted, abs=1e-4)


def test_every_cell_of_the_matrix_has_its_marker_and_its_sentence(judged):
    said = decide(judged, np.full(2, 0.5))
    together = mistakes.together(judged, said)
    figure, cells = confusion.matrix(together, GENRES, single=False)
    markers = figure.data[-1]
    assert len(markers.x) == len(cells) == 2 * 3
    assert markers.marker.opacity == 0
    assert markers.hoverinfo != "skip"
    n, support = together.predicted[0, 0], together.support[0]
    assert f"found in {n} of its {support} tracks" in markers.customdata[0]
    assert "Nothing was predicted" in markers.customdata[2]
    assert confusion.matrix(together, GENRES, single=True)[1] == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_a_genre_without_tracks_leaves_its_row_empty(judged):
    y = judged.y.copy()
    y[:, 0] = False
    empty = metrics.check(y, judged.p, GENRES)
    together = mistakes.together(empty, decide(empty, np.full(2, 0.5)))
    figure, _ = confusion.matrix(together, GENRES, single=False)
    assert "No track here carries" in figure.data[-1].customdata[0]
    labelled = {y for trace in figure.data[1:-1] for y in trace.y}
    assert "Jazz" not in labelled
