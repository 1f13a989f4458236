"""One epoch's tracks in batches, as networks learn from them: several batches in one call."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genre_engine.models.data import Floats


@dataclass(frozen=True)
class Chunk:
    """Some batches of equal size.

    Attributes:
        x: float32 `[batches, batch_size, …]`; `y` float32 `[batches, batch_size, n_genres]`.
        rows: which track of train each is, int `[batches, batch_size]`.
    """

    x: Floats
    y: Floats
    rows: NDArray[np.intp]


def positions(n: int, batch_size: int, at_once: int) -> list[NDArray[np.intp]]:
    """0 to n - 1 as arrays `[batches, batch_size]` of at most so many batches; the rest of n, if
    there is one, is a smaller batch of its own.

    >>> [part.tolist() for part in positions(5, 2, 4)]
    [[[0, 1], [2, 3]], [[4]]]
    """
    at = np.arange(n)
    whole = n // batch_size * batch_size
    batches = at[:whole].reshape(-1, batch_size)
    parts = [batches[start : start + at_once] for start in range(0, len(batches), at_once)]
    if whole < n:
        parts.append(at[None, whole:])
    return parts


def mix(chunk: Chunk, strength: float, rng: np.random.Generator) -> Chunk:
    """Mixup: each track with another of its batch, itself always the greater part.

    Source: H. Zhang et al., "mixup: Beyond Empirical Risk Minimization", 2018.
    """
    batches, size = chunk.rows.shape
    share = rng.beta(strength, strength, (batches, size)).astype(np.float32)
    share = np.maximum(share, 1 - share)
    other = rng.permuted(np.tile(np.arange(size), (batches, 1)), axis=1)
    at = (np.arange(batches)[:, None], other)
    share_x = share.reshape(batches, size, *[1] * (chunk.x.ndim - 2))
    return Chunk(
        chunk.x * share_x + chunk.x[at] * (1 - share_x),
        chunk.y * share[..., None] + chunk.y[at] * (1 - share[..., None]),
        chunk.rows,
    )
