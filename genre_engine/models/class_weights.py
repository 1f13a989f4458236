"""Letting rare genres count more."""

from typing import Any

import numpy as np

from genre_engine.models.data import Floats, Labels
from genre_engine.models.settings import setting

_MOST = 5.0


def class_weights(y: Labels) -> Floats:
    """Of each genre, by the inverse square root of its frequency: 1 for the most frequent, at most
    5.

    Args:
        y: uint8 `[n, n_genres]`, with a positive in every column.
    """
    counts = y.sum(axis=0, dtype=np.float64)
    weights: Floats = np.minimum(np.sqrt(counts.max() / counts), _MOST).astype(np.float32)
    return weights


def class_weights_setting() -> Any:
    """The switch for `class_weights`."""
    return setting(
        False,
        label="Class weights",
        main=True,
        help="Lets rare genres count more: by the inverse square root of their frequency, at most "
        "5 times.",
        search=(False, True),
    )


def track_weights(y: Labels) -> Floats:
    """Of each track that of its rarest genre, for models that weigh tracks and not genres; 1 where
    it has none."""
    weights: Floats = np.maximum((y * class_weights(y)).max(axis=1), 1.0)
    return weights


def track_weights_setting() -> Any:
    """The switch for `track_weights`."""
    return setting(
        False,
        label="Class weights",
        main=True,
        help="Lets tracks of rare genres count more: by the inverse square root of the "
        "frequency of their rarest genre, at most 5 times.",
        search=(False, True),
    )
