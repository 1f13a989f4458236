"""What the two pretrained networks make of the music before they name tags.

For each network its 753 channels (of the front end and of the mid end), each as mean over time and
over a track's patches of 3 s; MSD's first, then MTT's. What else was tried stands in
`docs/extraction.md`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genre_engine import pretrained
from genre_engine.audio import Signal
from genre_engine.features.base import SAMPLES, Kind, check_finite
from genre_engine.features.patches import patches_of
from genre_engine.pretrained import weights
from genre_engine.pretrained.network import CHANNELS, PAIR
from genre_engine.pretrained.spectrogram import SAMPLE_RATE

# As features that were made before name them.
NETWORKS = ("MSD", "MTT")
COLUMNS = tuple(f"{name.lower()}_{number:03d}" for name in NETWORKS for number in range(CHANNELS))


@dataclass(frozen=True)
class Embedding(Kind):
    """A vector a track, from both networks."""

    name = "embedding"
    sample_rate = SAMPLE_RATE
    batched = True

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(COLUMNS),)

    @property
    def columns(self) -> tuple[str, ...]:
        return COLUMNS

    @property
    def parameters(self) -> dict[str, Any]:
        return {
            "kind": self.name,
            "version": 1,
            "sample_rate": SAMPLE_RATE,
            "excerpt_s": self.excerpt_s,
            "samples": SAMPLES,
            "weights": weights.WHEEL_SHA256,
            "networks": list(NETWORKS),
            "layer": "channels",
            "pooling": "mean",
        }

    def prepare(self) -> None:
        weights.fetch()

    def compute(self, signal: Signal) -> NDArray[np.float32]:
        return self.compute_many([signal])[0]

    def compute_many(self, signals: Sequence[Signal]) -> list[NDArray[np.float32]]:
        """All patches of all signals go through a network together, in batches of its choice."""
        if not signals:
            return []
        songs = [patches_of(self._samples(signal)) for signal in signals]
        patches = check_finite(np.concatenate(songs))
        ends = np.cumsum([len(song) for song in songs])
        found = [
            np.split(network.mean_over_time(patches), ends[:-1])
            for network in pretrained.networks(names=PAIR).values()
        ]
        return [
            np.concatenate([rows.mean(axis=0) for rows in song])
            for song in zip(*found, strict=True)
        ]
