"""One track as the features see it: waveform, MFCC, mel spectrogram, chroma and tonnetz over time.

All five come from the middle of the track, and the last four from one power spectrum at 22,050 Hz.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genre_engine import audio
from genre_engine.audio import Signal
from genre_engine.decoders import Source
from genre_engine.features import spectral
from genre_engine.features.spectral import Floats

SAMPLE_RATE = 22050
N_FFT = 2048
HOP_LENGTH = 512
N_MELS = 128
N_MFCC = 20
EXCERPT_S = 30.0

PITCHES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")
CENTROIDS = ("fifths x", "fifths y", "minor x", "minor y", "major x", "major y")


@dataclass(frozen=True, eq=False)
class Portrait:
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


def portrait(source: Source, *, excerpt_s: float = EXCERPT_S) -> Portrait:
    """Portray the middle of a source.

    Raises:
        AudioError: the source can't be read.
    """
    return of_signal(audio.load(source, SAMPLE_RATE, excerpt_s))


def of_signal(signal: Signal) -> Portrait:
    """Portray all of a signal at 22,050 Hz."""
    padded = np.pad(signal.samples, N_FFT // 2)
    power = spectral.power_spectrogram(padded, n_fft=N_FFT, hop_length=HOP_LENGTH)
    filters = spectral.mel_filters(sample_rate=SAMPLE_RATE, n_fft=N_FFT, n_mels=N_MELS)
    mel_db = spectral.decibels(power @ filters.T)
    chroma = spectral.chroma(power, sample_rate=SAMPLE_RATE, n_fft=N_FFT)
    n = len(power)
    # Frame i is centred on sample i·hop, so its neighbourhood starts half a hop before.
    first = N_FFT // 2 - HOP_LENGTH // 2
    around = padded[first : first + n * HOP_LENGTH].reshape(n, HOP_LENGTH)
    return Portrait(
        times_s=signal.start_s + np.arange(n) * HOP_LENGTH / SAMPLE_RATE,
        low=around.min(axis=1),
        high=around.max(axis=1),
        mfcc=spectral.mfcc(mel_db, n_mfcc=N_MFCC),
        mel_db=mel_db - mel_db.max(),
        mel_hz=spectral.mel_centres(sample_rate=SAMPLE_RATE, n_mels=N_MELS),
        chroma=chroma,
        tonnetz=spectral.tonnetz(chroma),
        start_s=signal.start_s,
        end_s=signal.start_s + signal.duration_s,
    )
