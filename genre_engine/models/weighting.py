"""Letting rare genres count more."""

import numpy as np

from genre_engine.models.data import Floats, Labels

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
