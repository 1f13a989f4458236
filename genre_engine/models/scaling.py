"""Standardising vectors by what train looked like.

A column that is constant in train carries nothing and becomes 0 everywhere: twelve `chroma_*_max`
columns are nearly always 1, and dividing by their deviation of next to nothing would let one odd
track drown all else. What remains is clipped for the same reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from genre_engine.errors import ModelError
from genre_engine.models.settings import setting

Floats = NDArray[np.float32]

# A deviation this small beside the mean is what float32 makes of a constant.
_CONSTANT = 1e-6
# What it takes for its inverse to be a float32.
_LEAST = 2 / float(np.finfo(np.float32).max)
_BLOCK = 4096


def clip_setting() -> Any:
    """Where scaled vectors are cut."""
    return setting(
        5.0,
        low=1.0,
        high=100.0,
        step=0.5,
        label="Clip",
        help="Features further than this many standard deviations from the mean are cut there.",
    )


@dataclass(frozen=True)
class Scaling:
    """`(x - mean) * factor`, clipped to ±limit; `factor` is 0 for a constant column.

    Attributes:
        mean, factor: float32 `[n_columns]`.
    """

    mean: Floats
    factor: Floats
    limit: float

    @classmethod
    def of(cls, x: Floats, limit: float) -> Self:
        """Learn it from train, float32 `[n, n_columns]`."""
        # In float64, by blocks: squares of what float32 can hold may be more, or less, than it can.
        mean = x.mean(axis=0, dtype=np.float64)
        squares = sum(
            np.square(x[start : start + _BLOCK] - mean).sum(axis=0)
            for start in range(0, len(x), _BLOCK)
        )
        deviation = np.sqrt(squares / len(x))
        varies = deviation > np.maximum(_CONSTANT * np.abs(mean), _LEAST)
        factor = np.divide(1.0, deviation, out=np.zeros_like(deviation), where=varies)
        return cls(mean.astype(np.float32), factor.astype(np.float32), float(limit))

    def __call__(self, x: Floats) -> Floats:
        """float32 `[n, n_columns]` → the same shape."""
        with np.errstate(over="ignore"):  # what is too far for a float32 is clipped like the rest
            scaled: Floats = x - self.mean
        scaled *= self.factor
        return np.clip(scaled, -self.limit, self.limit, out=scaled)

    def to_arrays(self) -> dict[str, NDArray[np.float32]]:
        return {
            "mean": self.mean,
            "factor": self.factor,
            "limit": np.array([self.limit], np.float32),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.float32]], n_columns: int) -> Self:
        """The reverse of `to_arrays`.

        Raises:
            ModelError: the arrays don't fit.
        """
        mean, factor, limit = (arrays.get(name) for name in ("mean", "factor", "limit"))
        if mean is None or factor is None or limit is None or limit.shape != (1,):
            raise ModelError("The model's scaling is damaged. Train it again.")
        for array in (mean, factor):
            if array.shape != (n_columns,) or not np.isfinite(array).all():
                raise ModelError("The model's scaling is damaged. Train it again.")
        return cls(mean.astype(np.float32), factor.astype(np.float32), float(limit[0]))
