"""The 498: MFCC, mel spectrogram, chroma and tonnetz, each as mean, minimum and maximum over time.

One short-time Fourier transform and one estimate of the tuning serve all four. The numbers equal
those of librosa 0.11's functions given the same spectrum (`librosa.feature.*(S=…)`, tonnetz from
that chroma).

Order: MFCC 20, mel 128, chroma 12, tonnetz 6, and in each all means, then all minima, then all
maxima. Over whole files the tuning and the floor of the decibels are those of the whole, so a file
is gone through twice, in blocks.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genre_engine.audio import Signal
from genre_engine.features import spectral
from genre_engine.features.base import Kind, check_finite
from genre_engine.features.spectral import Floats

SAMPLE_RATE = 22050
N_FFT = 2048
HOP_LENGTH = 512
N_MELS = 128
N_MFCC = 20
SIZES = {"mfcc": N_MFCC, "mel": N_MELS, "chroma": 12, "tonnetz": 6}
STATISTICS = ("mean", "min", "max")

COLUMNS = tuple(
    f"{name}_{number:0{len(str(size - 1))}}_{statistic}"
    for name, size in SIZES.items()
    for statistic in STATISTICS
    for number in range(size)
)


@dataclass(frozen=True, eq=False)
class Matrices:
    """Frames as rows, centred on every 512th sample.

    Attributes:
        mfcc: `[n, 20]`.
        mel: `[n, 128]`, power.
        mel_db: `[n, 128]`, decibels, at most 80 below the loudest.
        chroma: `[n, 12]`, from C on.
        tonnetz: `[n, 6]`.
    """

    mfcc: Floats
    mel: Floats
    mel_db: Floats
    chroma: Floats
    tonnetz: Floats


def matrices(samples: Floats) -> Matrices:
    """Samples `[n]` at 22,050 Hz → the four matrices that the 498 summarise."""
    padded = np.pad(samples, N_FFT // 2)
    power = spectral.power_spectrogram(padded, n_fft=N_FFT, hop_length=HOP_LENGTH)
    mel = power @ spectral.mel_filters(sample_rate=SAMPLE_RATE, n_fft=N_FFT, n_mels=N_MELS).T
    mel_db = spectral.decibels(mel)
    chroma = spectral.chroma(power, sample_rate=SAMPLE_RATE, n_fft=N_FFT)
    return Matrices(
        mfcc=spectral.mfcc(mel_db, n_mfcc=N_MFCC),
        mel=mel,
        mel_db=mel_db,
        chroma=chroma,
        tonnetz=spectral.tonnetz(chroma),
    )


@dataclass(frozen=True)
class Summary(Kind):
    """498 numbers a track."""

    name = "summary"
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
            "n_fft": N_FFT,
            "hop_length": HOP_LENGTH,
            "sizes": SIZES,
            "statistics": list(STATISTICS),
        }

    def compute(self, signal: Signal) -> NDArray[np.float32]:
        with np.errstate(over="ignore", invalid="ignore"):  # told by check_finite, in words
            drawn = matrices(self._samples(signal))
            parts = [
                statistic
                for matrix in (drawn.mfcc, drawn.mel, drawn.chroma, drawn.tonnetz)
                for statistic in (matrix.mean(axis=0), matrix.min(axis=0), matrix.max(axis=0))
            ]
        return check_finite(np.concatenate(parts).astype(np.float32))
