"""What every kind of features is: signal → numbers, and all that changes these numbers.

A kind's parameters are JSON; their fingerprint names the store on disk, so that numbers made with
other parameters never mix. `summary` and `embedding` give one vector a track, `patches` a stack of
pictures.
"""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from genre_engine import audio
from genre_engine.audio import Signal
from genre_engine.audio.decoders import Source
from genre_engine.errors import BadSamples, TooShort, WrongUsage

EXCERPT_S = 30.0
# A parameter of all kinds: samples beyond full scale are not clipped, as they were at first.
SAMPLES = "as decoded"


def fingerprint(parameters: dict[str, Any]) -> str:
    """Twelve hexadecimal digits that stand for JSON parameters, whatever their order.

    >>> fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    True
    """
    text = json.dumps(parameters, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Kind(ABC):
    """A way to turn audio into features.

    Attributes:
        name: what the command line and a run's config call it.
        sample_rate: of the signals that it takes, Hz.
        excerpt_s: how much of a track's middle stands for it; None for all of it.
        batched: many tracks at once are quicker than one after the other.
    """

    name: ClassVar[str]
    sample_rate: ClassVar[int]
    batched: ClassVar[bool] = False
    excerpt_s: float | None = EXCERPT_S

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Of one vector, or of one patch."""

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """Names of a vector's numbers; none for patches."""

    @property
    @abstractmethod
    def parameters(self) -> dict[str, Any]:
        """All that changes the numbers, as JSON."""

    @property
    def is_vector(self) -> bool:
        return bool(self.columns)

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.parameters)

    @abstractmethod
    def compute(self, signal: Signal) -> NDArray[Any]:
        """Features of all of a signal at `sample_rate`.

        Raises:
            WrongUsage: another sample rate.
            TooShort, BadSamples: there is nothing to compute from.
        """

    def compute_many(self, signals: Sequence[Signal]) -> list[NDArray[Any]]:
        """As `compute` for each, where it pays all at once."""
        return [self.compute(signal) for signal in signals]

    def load(self, source: Source) -> Signal:
        """What `compute` takes, from a file or bytes.

        Raises:
            AudioError: the source can't be read.
        """
        return audio.load(source, self.sample_rate, self.excerpt_s)

    def compute_source(self, source: Source) -> NDArray[Any]:
        """Features of a file or bytes.

        Raises:
            AudioError: the source can't be read.
        """
        return self.compute(self.load(source))

    def prepare(self) -> None:  # noqa: B027 - most kinds need nothing
        """Fetch what must be there before the first track, such as weights.

        Raises:
            WeightsError: it can't be fetched.
        """

    def _samples(self, signal: Signal) -> NDArray[np.float32]:
        if signal.sample_rate != self.sample_rate:
            raise WrongUsage(
                f"{self.name} features take signals at {self.sample_rate} Hz, and this one has "
                f"{signal.sample_rate} Hz. Load it with sample_rate={self.sample_rate}."
            )
        if not len(signal.samples):
            raise TooShort("There is no sample in this signal. Give a longer one.")
        return np.ascontiguousarray(signal.samples, np.float32)


@cache
def _thread_pools() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def one_thread() -> AbstractContextManager[Any]:
    """Keep matrix products to one thread.

    Ours are small: several threads gain nothing on an idle machine, and on a busy one, as where
    each core has its own process, they wait for one another most of the time.
    """
    limited: AbstractContextManager[Any] = _thread_pools().limit(limits=1)
    return limited


def check_finite(values: NDArray[Any]) -> NDArray[Any]:
    """The same values, if all of them are numbers.

    Raises:
        BadSamples: they aren't, because the samples weren't, or were absurdly loud.
    """
    if not np.isfinite(values).all():
        raise BadSamples(
            "Its features are not finite numbers: samples are missing (NaN) or far beyond full "
            "scale. Export the file again from the program that made it."
        )
    return values
