"""The 1,280 numbers of Discogs-EffNet before it names styles, as means over a track's patches.

Its terms have to be accepted before it is here (`weights discogs-effnet --accept-licence`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genre_engine.audio import Signal
from genre_engine.features.base import SAMPLES, Kind, check_finite
from genre_engine.pretrained import discogs
from genre_engine.pretrained.spectrogram import SAMPLE_RATE, log_mel, power_blocks

COLUMNS = tuple(f"discogs_{number:04d}" for number in range(discogs.EMBEDDING))


@dataclass(frozen=True)
class DiscogsEmbedding(Kind):
    """A vector a track."""

    name = "discogs"
    sample_rate = SAMPLE_RATE

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
            "weights": discogs.FILES[0].sha256,
            "patch_frames": discogs.FRAMES,
            "pooling": "mean",
        }

    def prepare(self) -> None:
        discogs.load()

    def compute(self, signal: Signal) -> NDArray[np.float32]:
        mel = np.concatenate([log_mel(power) for power in power_blocks([self._samples(signal)])])
        if len(mel) < discogs.FRAMES:
            mel = np.pad(mel, ((0, discogs.FRAMES - len(mel)), (0, 0)))
        count = len(mel) // discogs.FRAMES
        patches = mel[: count * discogs.FRAMES].reshape(count, discogs.FRAMES, mel.shape[1])
        _, embeddings = discogs.load()(check_finite(patches))
        return np.asarray(embeddings.mean(axis=0), np.float32)

    def compute_many(self, signals: Sequence[Signal]) -> list[NDArray[np.float32]]:
        return [self.compute(signal) for signal in signals]
