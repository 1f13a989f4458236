"""Figures of a classified song."""

from itertools import pairwise

from genre_engine import figures
from genre_engine.prediction.reasons import Change, Reasons


def reasons_of(start_s, end_s):
    edges = [start_s + (end_s - start_s) * n / 5 for n in range(6)]
    return Reasons(
        genre="rock",
        start_s=start_s,
        end_s=end_s,
        score=70.0,
        bands=(Change("below 200 Hz", 0, 200, -20.0), Change("200 to 500 Hz", 200, 500, 5.0)),
        slices=tuple(Change("", low, high, -1.0) for low, high in pairwise(edges)),
        groups=(),
        mel_db=[[-80, -40, 0]] * 4,
        mel_hz=[50.0, 150.0, 300.0, 450.0],
    )


def test_the_time_of_reasons_is_in_minutes_and_seconds():
    figure = figures.reasons(reasons_of(63.0, 66.0))
    assert list(figure.layout.xaxis3.ticktext) == ["1:03", "1:04", "1:05", "1:06"]
    assert figure.layout.xaxis3.title.text == "Time in the song"


def test_a_window_of_a_second_has_tenths():
    figure = figures.reasons(reasons_of(63.0, 64.0))
    assert list(figure.layout.xaxis3.ticktext) == ["1:03.0", "1:03.5", "1:04.0"]


def test_a_window_of_half_a_minute_has_whole_seconds():
    figure = figures.reasons(reasons_of(58.0, 87.0))
    assert list(figure.layout.xaxis3.ticktext) == ["1:00", "1:10", "1:20"]
