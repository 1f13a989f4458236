"""What can be asked of a song besides its genres, by the listening process: tempo and
key, why a model says a genre, and the vector by which similar songs are found.

A question stands where a model's id does, and begins with a sign that no id has. Answers are plain
values.
"""

import json
from dataclasses import asdict
from typing import Any

from genre_engine.errors import WrongUsage

_SIGN = "?"

TEMPO_KEY = f"{_SIGN}tempo-key"
EMBEDDING = f"{_SIGN}embedding"
_WHY = f"{_SIGN}why "


def why(model: str, view: str, genre: str, start_s: float, end_s: float) -> str:
    """The question why a model, by its id, says a genre in a window."""
    return _WHY + json.dumps([model, view, genre, start_s, end_s])


def is_question(model: str) -> bool:
    """Whether this is a question rather than a model's id."""
    return model.startswith(_SIGN)


def answer(question: str, data: bytes) -> dict[str, Any]:
    """The answer to a question about the song in `data`.

    Raises:
        AudioError: the song can't be read.
        WeightsError: there are no networks for it, and none can be fetched.
        WrongUsage: there is no such question.
    """
    if question == EMBEDDING:
        from genre_engine.prediction import pretrained_model
        from genre_engine.prediction.catalogue import FAST

        _, probabilities = pretrained_model.whole(data, FAST)
        vector = pretrained_model.embedding(probabilities).tolist()
        return {"embedding": vector, "networks": list(probabilities)}
    if question == TEMPO_KEY:
        from genre_engine.audio.tempo_key import tempo_key

        return asdict(tempo_key(data))
    if question.startswith(_WHY):
        from genre_engine.prediction.reasons import reasons

        return asdict(reasons(data, *json.loads(question.removeprefix(_WHY))))
    raise WrongUsage(f"There is no question {question!r}.")
