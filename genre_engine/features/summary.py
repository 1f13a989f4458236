"""The 498: MFCC, mel spectrogram, chroma and tonnetz, each as mean, minimum and maximum over time.

One short-time Fourier transform and one estimate of the tuning serve all four. The numbers equal
those of librosa 0.11's functions given the same spectrum (`librosa.feature.*(S=…)`, tonnetz from
that chroma).

Order: MFCC 20, mel 128, chroma 12, tonnetz 6, and in each all means, then all minima, then all
maxima. Over whole files the tuning and the floor of the decibels are those of the whole, so a file
is gone through twice, in blocks.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genre_engine import audio
from genre_engine.audio import Signal, spectral
from genre_engine.audio.decoders import Source
from genre_engine.audio.spectral import Floats
from genre_engine.features.base import SAMPLES, Kind, check_finite, one_thread

SAMPLE_RATE = 22050
N_FFT = 2048
HOP_LENGTH = 512
N_MELS = 128
N_MFCC = 20
TOP_DB = 80.0
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
    with one_thread():
        return _matrices(samples)


def _matrices(samples: Floats) -> Matrices:
    half = np.zeros(N_FFT // 2, np.float32)
    padded = np.concatenate([half, samples, half])
    n = spectral.frame_count(len(padded), N_FFT, HOP_LENGTH)
    power = _room(n)
    mel = np.empty((n, N_MELS), np.float32)
    tuning = spectral.Tuning(sample_rate=SAMPLE_RATE, n_fft=N_FFT)
    done = 0
    # What needs a spectrum takes it while it is in the cache.
    for batch in spectral.power_batches(padded, n_fft=N_FFT, hop_length=HOP_LENGTH, out=power):
        mel[done : done + len(batch)] = _mel(batch)
        tuning.add(batch)
        done += len(batch)
    mel_db = spectral.decibels(mel, top_db=TOP_DB)
    chroma = _chroma(power, tuning.value())
    return Matrices(
        mfcc=spectral.mfcc(mel_db, n_mfcc=N_MFCC),
        mel=mel,
        mel_db=mel_db,
        chroma=chroma,
        tonnetz=spectral.tonnetz(chroma),
    )


# Spectra of half a minute and a little, five megabytes: taking them from the system again for every
# track costs more than filling them.
_KEPT_FRAMES = 1300
_kept = threading.local()


def _room(n: int) -> Floats:
    """Room for n spectra, whose content is whatever it was."""
    if n > _KEPT_FRAMES:
        return np.empty((n, 1 + N_FFT // 2), np.float32)
    if not hasattr(_kept, "power"):
        _kept.power = np.empty((_KEPT_FRAMES, 1 + N_FFT // 2), np.float32)
    room: Floats = _kept.power[:n]
    return room


def _mel(power: Floats) -> Floats:
    return spectral.mel_spectrogram(power, sample_rate=SAMPLE_RATE, n_fft=N_FFT, n_mels=N_MELS)


def _chroma(power: Floats, tuning: float) -> Floats:
    return spectral.chroma_tuned(power, sample_rate=SAMPLE_RATE, n_fft=N_FFT, tuning=tuning)


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
            "samples": SAMPLES,
            "n_fft": N_FFT,
            "hop_length": HOP_LENGTH,
            "top_db": TOP_DB,
            "sizes": SIZES,
            "statistics": list(STATISTICS),
        }

    def compute(self, signal: Signal) -> NDArray[np.float32]:
        # Samples beyond all bounds are named by check_finite, in words.
        with np.errstate(over="ignore", invalid="ignore"):
            drawn = matrices(self._samples(signal))
            statistics = _Statistics()
            statistics.add(drawn.mfcc, drawn.mel, drawn.chroma, drawn.tonnetz)
        return check_finite(statistics.values())

    def compute_source(self, source: Source) -> NDArray[np.float32]:
        if self.excerpt_s is not None:
            return self.compute(self.load(source))
        with one_thread(), np.errstate(over="ignore", invalid="ignore"):
            return check_finite(_whole(source))


def _whole(source: Source) -> NDArray[np.float32]:
    """The 498 of a whole file, in memory that hardly grows with its length.

    Tuning and the loudest mel band must be known before chroma and MFCC can be, so there are two
    passes. Both decode from the start: a file that is cut short claims a length that it doesn't
    have, and what can't be sought would have to be decoded anyway.
    """
    tuning = spectral.Tuning(sample_rate=SAMPLE_RATE, n_fft=N_FFT)
    loudest = np.float32(0)
    for power in _power(source):
        tuning.add(power)
        loudest = max(loudest, _mel(power).max())
    off = tuning.value()
    floor_db = spectral.levels_db(np.array([loudest])) - np.float32(TOP_DB)
    statistics = _Statistics()
    for power in _power(source):
        mel = _mel(power)
        mel_db = np.maximum(spectral.levels_db(mel), floor_db)
        chroma = _chroma(power, off)
        statistics.add(spectral.mfcc(mel_db, n_mfcc=N_MFCC), mel, chroma, spectral.tonnetz(chroma))
    return statistics.values()


def _power(source: Source) -> Iterator[Floats]:
    blocks = audio.Stream(source, SAMPLE_RATE)
    spectra = spectral.power_of_blocks(blocks, n_fft=N_FFT, hop_length=HOP_LENGTH)
    return (power for power in spectra if len(power))


class _Statistics:
    """Mean, minimum and maximum of matrices whose rows come in blocks."""

    def __init__(self) -> None:
        self._n = 0
        self._sums: list[NDArray[np.float64]] = []
        self._least: list[Floats] = []
        self._most: list[Floats] = []

    def add(self, *matrices: Floats) -> None:
        """Take some rows of each matrix, `[n, width]`."""
        sums = [matrix.sum(axis=0, dtype=np.float64) for matrix in matrices]
        least = [matrix.min(axis=0) for matrix in matrices]
        most = [matrix.max(axis=0) for matrix in matrices]
        if self._n:
            sums = [a + b for a, b in zip(self._sums, sums, strict=True)]
            least = [np.minimum(a, b) for a, b in zip(self._least, least, strict=True)]
            most = [np.maximum(a, b) for a, b in zip(self._most, most, strict=True)]
        self._n += len(matrices[0])
        self._sums, self._least, self._most = sums, least, most

    def values(self) -> NDArray[np.float32]:
        """All means, minima and maxima of the first matrix, then of the next."""
        means = [total / self._n for total in self._sums]
        rows = zip(means, self._least, self._most, strict=True)
        return np.concatenate([part for row in rows for part in row]).astype(np.float32)
