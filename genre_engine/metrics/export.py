"""A report as rows: its figures by name, the best baseline, and all of them as CSV.

The report is taken as `Report.to_dict` gives it, which is also what a run stores.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

from genre_engine.metrics.figures import NAMES, PER_GENRE
from genre_engine.metrics.metric import METRICS
from genre_engine.storage.escape import cell, one_line

BASELINES = {
    "always_negative": "says no genre",
    "always_positive": "says every genre",
    "training_prior": "shares in train, as constant scores",
    "most_frequent": "says the most common genres",
    "prior_random": "says genres at random, as often as in train",
    "artist_prior": "knows the artist, never listens",
}
COLUMNS = ("predictor", "genre", "figure", "value", "low", "high", "support")


def value_of(values: Mapping[str, Any] | None, name: str) -> Any:
    """A figure of a report, of a baseline or of the intervals, by its name such as `f1.macro`."""
    if values is None:
        return None
    group, dot, key = name.partition(".")
    found = values.get(group)
    return found.get(key) if dot and isinstance(found, Mapping) else found


def to_csv(report: Mapping[str, Any]) -> str:
    """One figure a row: of the model and of each baseline, overall (no genre) and per genre."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    own = report.get("run") or "model"
    rows.writerows(_rows(own, report, report.get("intervals") or {}))
    for name, found in report["baselines"].items():
        if found is not None:
            rows.writerows(_rows(name, found, {}))
    return text.getvalue()


def _rows(
    predictor: str, values: Mapping[str, Any], intervals: Mapping[str, Any]
) -> Iterator[list[Any]]:
    for name in NAMES:
        low, high = value_of(intervals, name) or ("", "")
        yield [cell(one_line(predictor)), "", name, _blank(value_of(values, name)), low, high, ""]
    per_genre = intervals.get("per_genre", {})
    for genre, figures in values["per_genre"].items():
        for name in PER_GENRE:
            low, high = per_genre.get(genre, {}).get(name) or ("", "")
            cells = [_blank(figures[name]), low, high, figures["support"]]
            yield [cell(one_line(predictor)), cell(one_line(genre)), name, *cells]


def _blank(value: Any) -> Any:
    return "" if value is None else value


def best_baseline(report: Mapping[str, Any], name: str) -> tuple[str, float] | None:
    """The no-skill baseline with the best figure, and the figure; the first of equals.

    The artist-prior one stands apart: it knows something, the artist.
    """
    known = {
        baseline: value
        for baseline, found in report["baselines"].items()
        if baseline != "artist_prior" and (value := value_of(found, name)) is not None
    }
    if not known:
        return None
    best = (max if METRICS[name].higher_is_better else min)(known, key=known.__getitem__)
    return best, known[best]
