"""One track as the features see it: waveform, MFCC, mel spectrogram, chroma and tonnetz over time.

All five come from the middle of the track, and the last four are the matrices that the 498 numbers
of `features/summary.py` sum up.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genre_engine import audio
from genre_engine.audio import Signal, spectral
from genre_engine.audio.decoders import Source
from genre_engine.audio.spectral import Floats
from genre_engine.features import EXCERPT_S, summary
from genre_engine.features.summary import HOP_LENGTH, N_FFT, N_MELS, SAMPLE_RATE

PITCHES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")
CENTROIDS = ("fifths x", "fifths y", "minor x", "minor y", "major x", "major y")


@dataclass(frozen=True, eq=False)
class TrackView:
    """Frames as rows.

    Attributes:
        times_s: `[n]`, the frames' centres, counted from the track's beginning.
        low, high: `[n]`, least and greatest sample around each.
        mfcc: `[n, 20]`.
        mel_db: `[n, 128]`, decibels, the loudest being 0.
        mel_hz: `[128]`, centres of the mel bands.
        chroma: `[n, 12]`, from C on.
        tonnetz: `[n, 6]`.
        start_s, end_s: what part of the track this is.
    """

    times_s: NDArray[np.float64]
    low: Floats
    high: Floats
    mfcc: Floats
    mel_db: Floats
    mel_hz: NDArray[np.float64]
    chroma: Floats
    tonnetz: Floats
    start_s: float
    end_s: float


def of_source(source: Source, *, excerpt_s: float = EXCERPT_S) -> TrackView:
    """Portray the middle of a source.

    Raises:
        AudioError: the source can't be read.
    """
    return of_signal(audio.load(source, SAMPLE_RATE, excerpt_s))


def of_signal(signal: Signal) -> TrackView:
    """Portray all of a signal at 22,050 Hz."""
    drawn = summary.matrices(signal.samples)
    n = len(drawn.mfcc)
    padded = np.pad(signal.samples, N_FFT // 2)
    # Frame i is centred on sample i·hop, so its neighbourhood starts half a hop before.
    first = N_FFT // 2 - HOP_LENGTH // 2
    around = padded[first : first + n * HOP_LENGTH].reshape(n, HOP_LENGTH)
    return TrackView(
        times_s=signal.start_s + np.arange(n) * HOP_LENGTH / SAMPLE_RATE,
        low=around.min(axis=1),
        high=around.max(axis=1),
        mfcc=drawn.mfcc,
        mel_db=drawn.mel_db - drawn.mel_db.max(),
        mel_hz=spectral.mel_centres(sample_rate=SAMPLE_RATE, n_mels=N_MELS),
        chroma=drawn.chroma,
        tonnetz=drawn.tonnetz,
        start_s=signal.start_s,
        end_s=signal.start_s + signal.duration_s,
    )
