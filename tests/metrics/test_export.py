import csv
import io

import numpy as np
import pytest

from genre_engine import metrics
from genre_engine.metrics import export

GENRES = ["hip|hop", "jazz"]


@pytest.fixture
def report():
    rng = np.random.default_rng(0)
    y = (rng.random((60, 2)) < 0.4).astype(int)
    p = np.clip(0.5 * y + 0.5 * rng.random((60, 2)), 0, 1)
    baselines = metrics.no_skill(y, y, 60, GENRES)
    found = metrics.evaluate(
        *(y, p),
        genres=GENRES,
        thresholds=0.45,
        draws=50,
        baselines=baselines,
        run="first, of all",
        part="test",
        artist_overlap=0.954,
    )
    return found.to_dict()


def test_csv_holds_every_figure_of_every_predictor(report):
    rows = list(csv.DictReader(io.StringIO(export.to_csv(report))))
    predictors = {row["predictor"] for row in rows}
    assert predictors == {"first, of all", *(k for k, v in report["baselines"].items() if v)}
    own = {
        (row["genre"], row["figure"]): row for row in rows if row["predictor"] == "first, of all"
    }
    assert len(own) == len(metrics.NAMES) + 2 * len(metrics.PER_GENRE)
    assert float(own["", "f1.macro"]["value"]) == report["f1"]["macro"]
    assert float(own["", "f1.macro"]["low"]) == report["intervals"]["f1"]["macro"][0]
    jazz = own["jazz", "average_precision"]
    assert float(jazz["value"]) == report["per_genre"]["jazz"]["average_precision"]
    assert int(jazz["support"]) == report["support"]["jazz"]


def test_csv_of_what_is_not_defined_is_empty_and_a_line_stays_a_line():
    found = metrics.evaluate([[1, 0]], [[0.9, 0.1]], genres=["a\rb", "c\nd"]).to_dict()
    rows = list(csv.DictReader(io.StringIO(export.to_csv(found), newline="")))
    auc = next(row for row in rows if row["figure"] == "roc_auc" and row["genre"] == "a b")
    assert (auc["value"], auc["low"]) == ("", "")


def test_the_best_no_skill_score_is_the_lowest_of_what_should_be_low(report):
    losses = [found["loss"] for found in report["baselines"].values() if found]
    assert export.best_baseline(report, "loss")[1] == min(losses)
    f1 = [found["f1"]["macro"] for found in report["baselines"].values() if found]
    assert export.best_baseline(report, "f1.macro")[1] == max(f1)
