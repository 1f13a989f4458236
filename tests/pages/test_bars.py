"""Genres as bars in HTML."""

import numpy as np

from genre_engine.prediction.vocabulary import GenreScores
from pages.components.classify import bars

WINDOWS = np.array([[0.2, 0.9, 0.1], [0.4, 0.7, 0.3]])
SCORES = GenreScores(("jazz", "hip hop", "<b>x</b>"), WINDOWS.mean(axis=0), WINDOWS)


def test_bars_come_best_first_with_their_scores_and_spread():
    drawn = bars.html(SCORES, 2)
    assert drawn.index("Hip hop") < drawn.index("Jazz")
    assert "width: 80.0%" in drawn
    assert 'aria-label="Match from 0 to 100: Hip hop 80' in drawn
    assert "Hip hop: match 80; most windows between 72 and 88" in drawn
    assert "x</b>" not in drawn


def test_a_genre_s_name_is_text():
    drawn = bars.html(SCORES, None)
    assert "<b>x" not in drawn
    assert "&lt;b&gt;x" in drawn


def test_bars_below_their_threshold_are_pale_and_say_so():
    scores = GenreScores(SCORES.genres, SCORES.song, WINDOWS, np.array([0.5, 0.5, 0.9]))
    drawn = bars.html(scores, None)
    assert drawn.count('class="value no"') == 2
    assert drawn.count('class="threshold"') == 3
    assert "counts as &quot;yes&quot; from 50 on" in drawn
    assert 'Hip hop 80 (counts as "yes")' in bars.alt(scores)


def test_genres_that_no_network_knows_are_hatched():
    drawn = bars.html(SCORES, 1, ("soundtrack",), "probability")
    assert drawn.count('class="unknown"') == 1
    assert "Soundtrack: these networks don&#x27;t know it" in drawn
    assert "Hip hop: probability 80" in drawn
