"""Samples at another rate, in blocks, so that memory doesn't grow with a file's length."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from genre_engine.errors import NotAudio

Block = NDArray[np.float32]


def resampled(
    blocks: Iterable[Block], from_rate: int, to_rate: int, *, channels: int = 1, quality: str = "HQ"
) -> Iterator[Block]:
    """Blocks `[n]` or `[n, channels]` at `from_rate` Hz → blocks at `to_rate`, as soxr makes them.

    Args:
        quality: soxr's name; "LQ" is the quickest that keeps levels and spectra.

    Raises:
        NotAudio: from such a rate nothing can be converted.

    >>> sum(len(block) for block in resampled([np.ones(44100, np.float32)], 44100, 16000))
    16000
    """
    if from_rate == to_rate:
        yield from blocks
        return
    import soxr

    try:
        stream = soxr.ResampleStream(from_rate, to_rate, channels, dtype="float32", quality=quality)
    except (RuntimeError, ValueError) as error:
        raise NotAudio(f"A sample rate of {from_rate} Hz can't be converted.") from error
    rest = np.zeros((0, channels) if channels > 1 else 0, np.float32)
    for block in blocks:
        rest = block[:0]
        yield stream.resample_chunk(block)
    yield stream.resample_chunk(rest, last=True)
