"""What the networks take: mel spectrograms of samples at 16 kHz, 96 bands, a frame each 16 ms.

Two kinds of one short-time spectrum (a window of 512 samples, a hop of 256, periodic Hann):

    slaney    log10(1 + 10,000 · mel) of Slaney's equal-area bands, silence around the song
    htk       10 · log10(mel) of HTK's triangular bands, the song mirrored at its ends

The first is the input of musicnn (J. Pons and X. Serra, 2019), whose own code casts to float16
before scaling by 10,000, which overflows on loud music; the second is that of the networks of
M. Won and others (2020). Everything here is float32.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from genre_engine.audio import spectral

Floats = NDArray[np.float32]

SAMPLE_RATE = 16000
N_FFT = 512
HOP_LENGTH = 256
N_MELS = 96
PATCH_FRAMES = 187
PATCH_S = PATCH_FRAMES * HOP_LENGTH / SAMPLE_RATE
FRAMES_PER_S = SAMPLE_RATE / HOP_LENGTH
SLANEY, HTK = "slaney", "htk"

_LEAST_POWER = 1e-10


def log_mel(power: Floats) -> Floats:
    """Power spectra `[frames, 257]` → musicnn's input, float32 `[frames, 96]`."""
    mel = spectral.mel_spectrogram(power, sample_rate=SAMPLE_RATE, n_fft=N_FFT, n_mels=N_MELS)
    mel *= 10000.0
    mel += 1.0
    return np.log10(mel, out=mel)


def decibel_mel(power: Floats) -> Floats:
    """Power spectra `[frames, 257]` → decibels in HTK's bands, float32 `[frames, 96]`."""
    mel = spectral.mel_spectrogram(
        power, sample_rate=SAMPLE_RATE, n_fft=N_FFT, n_mels=N_MELS, scale="htk"
    )
    return spectral.levels_db(mel, floor=_LEAST_POWER)


def power_blocks(blocks: Iterable[Floats]) -> Iterator[Floats]:
    """Samples in blocks → power spectra in blocks, as if the whole had been given at once.

    The first frame is centred on the first sample and the last one lies within half a window of the
    end; half a window of silence is added on both sides.
    """
    # The networks take a hundred times as long; what counts is that the first song starts at once.
    yield from spectral.power_of_blocks(
        blocks, n_fft=N_FFT, hop_length=HOP_LENGTH, rfft=np.fft.rfft
    )


class Edges:
    """Passes a song's samples on and keeps its ends, whose frames see the song mirrored.

    >>> edges = Edges([np.arange(2000, dtype=np.float32)])
    >>> sum(len(block) for block in edges), edges.first_frame().shape
    (2000, (1, 257))
    """

    def __init__(self, blocks: Iterable[Floats]) -> None:
        self._blocks = blocks
        self._head = self._tail = np.empty(0, np.float32)
        self._count = 0

    def __iter__(self) -> Iterator[Floats]:
        for block in self._blocks:
            self._count += len(block)
            self._head = np.concatenate([self._head, block[: N_FFT - len(self._head)]])
            self._tail = np.concatenate([self._tail, block[-2 * N_FFT :]])[-2 * N_FFT :]
            yield block

    def first_frame(self) -> Floats:
        """Power of the first frame, `[1, 257]`, once half a window has passed."""
        return _power(_mirrored(self._head, (_HALF, 0))[:N_FFT])

    def last_frame(self) -> Floats:
        """Power of the last frame, `[1, 257]`, once all has passed."""
        centre = self._count // HOP_LENGTH * HOP_LENGTH
        first = centre - _HALF - (self._count - len(self._tail))
        return _power(_mirrored(self._tail, (0, _HALF))[max(0, first) :][:N_FFT])


_HALF = N_FFT // 2


def _mirrored(samples: Floats, widths: tuple[int, int]) -> Floats:
    # Nothing can't be mirrored; a song of no samples is one frame of silence.
    return np.pad(samples if len(samples) else np.zeros(1, np.float32), widths, mode="reflect")


def _power(frame: Floats) -> Floats:
    padded = np.pad(frame, (0, N_FFT - len(frame)))
    return spectral.power_spectrogram(padded, n_fft=N_FFT, hop_length=HOP_LENGTH, rfft=np.fft.rfft)
