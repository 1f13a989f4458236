"""The two pictures of a whole song, waveform and mel spectrogram, in few enough columns to draw.

Decodes in blocks, once, so an hour is not much heavier than a minute.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genre_engine.audio import Samples, Stream
from genre_engine.audio.decoders import Source
from genre_engine.audio.spectral import mel_centres, mel_filters
from genre_engine.pretrained.network import (
    HOP_LENGTH,
    N_FFT,
    N_MELS,
    SAMPLE_RATE,
    power_blocks,
)

# Decibels below the loudest that are still drawn.
_RANGE_DB = 80.0


@dataclass(frozen=True, eq=False)
class Overview:
    """Columns of equal length over the whole song.

    Attributes:
        times_s: `[n]`, the columns' centres.
        low, high: `[n]`, least and greatest sample in each.
        mel_db: `[96, n]`, decibels relative to the loudest, from -80 to 0.
        mel_hz: `[96]`, centres of the mel bands.
    """

    times_s: NDArray[np.float64]
    low: Samples
    high: Samples
    mel_db: Samples
    mel_hz: NDArray[np.float64]


def overview(source: Source, columns: int = 800) -> Overview:
    """Draw a source's outline in about `columns` columns.

    Raises:
        AudioError: the source can't be read.
    """
    stream = Stream(source, SAMPLE_RATE)
    # Frames a column: from the claimed length; where there is none, four columns a second.
    frames = 16
    if stream.claimed_s is not None:
        frames = max(1, round(stream.claimed_s * SAMPLE_RATE / HOP_LENGTH / columns))
    step = frames * HOP_LENGTH
    outline: list[Samples] = []

    def drawn() -> Iterator[Samples]:
        rest = np.zeros(0, np.float32)
        for block in stream:
            rest = np.concatenate([rest, block])
            whole = len(rest) // step * step
            rows, rest = rest[:whole].reshape(-1, step), rest[whole:]
            outline.append(np.stack([rows.min(axis=1), rows.max(axis=1)]))
            yield block
        if len(rest):
            outline.append(np.array([[rest.min()], [rest.max()]], np.float32))

    filters = mel_filters(sample_rate=SAMPLE_RATE, n_fft=N_FFT, n_mels=N_MELS)
    mel: list[Samples] = []
    waiting = np.empty((0, 1 + N_FFT // 2), np.float32)
    for power in power_blocks(drawn()):
        waiting = np.concatenate([waiting, power])
        whole = len(waiting) // frames * frames
        groups = waiting[:whole].reshape(-1, frames, waiting.shape[1])
        mel.append(groups.mean(axis=1) @ filters.T)
        waiting = waiting[whole:]
    if len(waiting):
        mel.append(waiting.mean(axis=0, keepdims=True) @ filters.T)
    low, high = np.concatenate(outline, axis=1)
    n = len(low)
    power = np.concatenate(mel)[:n]
    decibels = 10 * np.log10(np.maximum(power, 1e-12) / max(1e-12, float(power.max())))
    return Overview(
        times_s=(np.arange(n) + 0.5) * step / SAMPLE_RATE,
        low=low,
        high=high,
        mel_db=np.maximum(decibels, -_RANGE_DB).T.astype(np.float32),
        mel_hz=mel_centres(sample_rate=SAMPLE_RATE, n_mels=N_MELS),
    )
