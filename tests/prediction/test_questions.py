"""What else can be asked of a song."""

import numpy as np
import pytest

from genre_engine.errors import WrongUsage
from genre_engine.prediction import questions
from tests import sounds, stub_networks


def test_the_vector_for_similar_songs_is_the_networks_logits(monkeypatch):
    stub_networks.install(monkeypatch, stub_networks.rock)
    song = sounds.example_of("FLAC", 4.0)
    found = np.array(questions.answer(questions.EMBEDDING, song)["embedding"])
    assert found.shape == (100,)
    quiet = np.log(0.01 / 0.99)
    assert sorted({round(value, 3) for value in found}) == pytest.approx([quiet, 0.847], abs=0.01)


def test_an_unknown_question_is_refused():
    assert questions.is_question("?what")
    with pytest.raises(WrongUsage, match="no question"):
        questions.answer("?what", b"")
