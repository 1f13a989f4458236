"""What a pretrained network makes of the music, before it names tags: a vector for a track."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genre_engine import pretrained
from genre_engine.audio import Signal
from genre_engine.features.base import Kind, check_finite
from genre_engine.features.patches import PatchKind
from genre_engine.pretrained.network import SAMPLE_RATE
from genre_engine.pretrained.tags import TAGS

# For now the tags themselves, of both networks.
COLUMNS = tuple(f"{network}_{number:02d}" for network in ("msd", "mtt") for number in range(50))


@dataclass(frozen=True)
class Embedding(Kind):
    """A vector a track."""

    name = "embedding"
    sample_rate = SAMPLE_RATE

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(COLUMNS),)

    @property
    def columns(self) -> tuple[str, ...]:
        return COLUMNS

    @property
    def parameters(self) -> dict[str, Any]:
        return {"kind": self.name, "version": 0, "excerpt_s": self.excerpt_s}

    def prepare(self) -> None:
        pretrained.weights.fetch()

    def compute(self, signal: Signal) -> NDArray[np.float32]:
        return self.compute_many([signal])[0]

    def compute_many(self, signals: Sequence[Signal]) -> list[NDArray[np.float32]]:
        networks = pretrained.networks()
        found = []
        for signal in signals:
            patches = PatchKind(self.excerpt_s).compute(signal).astype(np.float32)
            tags = [networks[name](patches).mean(axis=0) for name in TAGS]
            found.append(check_finite(np.concatenate(tags)))
        return found
