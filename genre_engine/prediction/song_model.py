"""What every model that classifies songs can do, whoever trained it."""

from collections.abc import Iterator
from typing import Protocol

from genre_engine.audio import MAX_DURATION_S
from genre_engine.audio.decoders import Source
from genre_engine.prediction.analysis import Analysis
from genre_engine.prediction.catalogue import ModelInfo
from genre_engine.storage.progress import Progress

Fetching = Progress  # in bytes


class SongModel(Protocol):
    """A model that is ready to classify songs."""

    @property
    def info(self) -> ModelInfo: ...

    def prepare(self, fetching: Fetching | None = None) -> None:
        """Fetch what is missing and load it, so that the first song needn't wait for it.

        Raises:
            WeightsError: the pretrained weights can't be fetched.
            RunError, ModelError: the run was removed, is damaged, or can't be used.
        """

    def stream(self, source: Source, *, limit_s: float = MAX_DURATION_S) -> Iterator[Analysis]:
        """Snapshots of the analysis; the last is complete.

        Raises:
            AudioError: one of its children says what is wrong with the source.
            as `prepare`.
        """

    def glance(self, source: Source, *, limit_s: float = MAX_DURATION_S) -> Analysis | None:
        """A first ranking without decoding the whole song; None where that isn't possible.

        Raises:
            AudioError: the source can't be opened.
            as `prepare`.
        """
