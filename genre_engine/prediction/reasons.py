"""Why a model says a genre: what its score loses when a part of the sound is taken away.

The window of the song that speaks most for the genre is classified again and again, each time with
a band of frequencies or a stretch of time 20 dB quieter (occlusion, M. D. Zeiler and R. Fergus,
2014). For a run's model on the 498, a group of features is set to its mean over the tracks that the
model learnt from, too. A change says what this model makes of this window; it explains no music.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genre_engine import pretrained
from genre_engine.audio import Samples, Signal
from genre_engine.audio import signal as audio_signal
from genre_engine.audio.decoders import Source
from genre_engine.audio.spectral import mel_centres
from genre_engine.errors import GenreEngineError, WrongUsage
from genre_engine.features import groups as feature_groups
from genre_engine.prediction import catalogue, combining, run_model
from genre_engine.prediction import windows as excerpt_windows
from genre_engine.prediction.catalogue import ModelInfo
from genre_engine.prediction.run_model import Trained
from genre_engine.pretrained import windows as song_windows
from genre_engine.pretrained.network import NETWORKS
from genre_engine.pretrained.spectrogram import N_MELS, SAMPLE_RATE, log_mel, power_blocks

# Borders of the bands in Hz, and into how many stretches a window is parted.
BANDS_HZ = (0, 200, 500, 1000, 2000, 4000, 8000)
SLICES = 5
# By so much a part is made quieter. Silence would be a sound that no model has met: with it, even
# bands that can't be heard took all of the score.
_QUIETER_DB = 20.0
# Columns of the spectrogram that is drawn.
_COLUMNS = 188
_RANGE_DB = 80.0
_FADE_S = 0.02
_GAIN = 10 ** (-_QUIETER_DB / 20)

GROUPS = {
    "Timbre (MFCC)": ("mfcc",),
    "Levels by frequency (mel)": ("mel",),
    "Harmony (chroma and tonnetz)": ("chroma", "tonnetz"),
}

# Signals of one window → the score of the genre for each, 0 to 1.
Score = Callable[[Sequence[Signal]], NDArray[np.floating]]


@dataclass(frozen=True)
class Change:
    """A part that was taken away, and by how much the score changed, in points of 100.

    Attributes:
        low, high: borders of the part, in Hz or in s from the song's start; 0 for a group.
        points: negative where the part speaks for the genre.
    """

    name: str
    low: float
    high: float
    points: float


@dataclass(frozen=True)
class Reasons:
    """Why a model says a genre, in one window.

    Attributes:
        score: of the window as it is, 0 to 100.
        bands, slices, groups: what its parts change.
        mel_db: `[96][columns]`, the window's spectrogram in decibels below its loudest.
        mel_hz: `[96]`, the centres of its bands.
    """

    genre: str
    start_s: float
    end_s: float
    score: float
    bands: tuple[Change, ...]
    slices: tuple[Change, ...]
    groups: tuple[Change, ...]
    mel_db: list[list[int]]
    mel_hz: list[float]


def reasons(
    source: Source, model: str, view: str, genre: str, start_s: float, end_s: float
) -> Reasons:
    """Why a model says a genre in a window of a song.

    Args:
        model: its id.
        start_s, end_s: where the window lies.

    Raises:
        AudioError: the song can't be read.
        WrongUsage: the model isn't one whose windows can be changed, or doesn't know the genre.
        RunError, ModelError: it is a run that was removed or is damaged.
    """
    info = catalogue.find(model)
    score, rate, trained = _scorer(info, view, genre)
    signal = audio_signal.part(source, rate, start_s, end_s)
    spectrum = _Spectrum(signal)
    bands = list(zip(BANDS_HZ[:-1], (*BANDS_HZ[1:-1], rate // 2), strict=True))
    edges = np.linspace(0, signal.duration_s, SLICES + 1)
    variants = [signal, *(spectrum.without(low, high) for low, high in bands)]
    variants += [_quieter(signal, a, b) for a, b in pairwise(edges)]
    found = 100 * score(variants)
    change = found - found[0]
    return Reasons(
        genre=genre,
        start_s=start_s,
        end_s=end_s,
        score=float(found[0]),
        bands=tuple(
            Change(_band_name(low, high), low, high, float(points))
            for (low, high), points in zip(bands, change[1:], strict=False)
        ),
        slices=tuple(
            Change("", start_s + float(a), start_s + float(b), float(points))
            for (a, b), points in zip(pairwise(edges), change[1 + len(bands) :], strict=True)
        ),
        groups=() if trained is None else _groups(trained, signal, genre),
        mel_db=_mel_db(signal),
        mel_hz=mel_centres(sample_rate=SAMPLE_RATE, n_mels=N_MELS).round(1).tolist(),
    )


def _band_name(low: float, high: float) -> str:
    return f"below {high:g} Hz" if not low else f"{low:g} to {high:g} Hz"


def _scorer(info: ModelInfo, view: str, genre: str) -> tuple[Score, int, Trained | None]:
    if info.is_run:
        trained = run_model.load(info)
        if genre not in trained.model.genres_:
            raise WrongUsage(f"The model '{info.name}' doesn't know '{genre}'.")
        column = trained.model.genres_.index(genre)

        def score_run(signals: Sequence[Signal]) -> NDArray[np.floating]:
            return trained.scores(trained.probabilities(signals)).by_window[:, column]

        return score_run, trained.kind.sample_rate, trained
    if info.id not in pretrained.CHOICES:
        raise WrongUsage(f"'{info.name}' can't be asked for its reasons.")
    pretrained.prepare(info.id)
    networks = pretrained.networks(info.id)
    short = {name: net for name, net in networks.items() if not NETWORKS[name].is_long}
    networks = short or networks

    def score_pretrained(signals: Sequence[Signal]) -> NDArray[np.floating]:
        found = []
        for signal in signals:
            (stretch,) = song_windows.stretches(excerpt_windows.as_stream(signal))
            first = np.array([0])
            tags = {n: net(stretch.patches(NETWORKS[n], first))[0] for n, net in networks.items()}
            scores = combining.score(view, tags, {n: p[None] for n, p in tags.items()})
            if genre not in scores.genres:
                raise WrongUsage(f"'{info.name}' doesn't know '{genre}'.")
            found.append(scores.song[scores.genres.index(genre)])
        return np.array(found)

    return score_pretrained, SAMPLE_RATE, None


def _groups(trained: Trained, signal: Signal, genre: str) -> tuple[Change, ...]:
    """What the groups of features change; none where the model takes others than the 498, or the
    features that it learnt from are gone."""
    if trained.kind.name != "summary":
        return ()
    try:
        usual = _usual_features(trained.info.id)
    except GenreEngineError:
        return ()
    vector = trained.kind.compute(signal)
    columns = np.array([feature_groups.family(name) for name in trained.kind.columns])
    without = [np.where(np.isin(columns, kinds), usual, vector) for kinds in GROUPS.values()]
    x = np.stack([vector, *without]).astype(np.float32)
    scores = trained.scores(trained.model.predict_proba(x)).by_window
    found = 100 * scores[:, trained.model.genres_.index(genre)]
    return tuple(
        Change(name, 0, 0, float(points))
        for name, points in zip(GROUPS, found[1:] - found[0], strict=True)
    )


def _usual_features(run_id: str) -> NDArray[np.floating]:
    """Means of a run's features over the tracks that it was trained on, `[498]`."""
    from genre_engine import datasets, runs
    from genre_engine.training.data import refind_store

    run = runs.open(run_id)
    store = refind_store(datasets.open(run.config.dataset), run.config.features)
    parts = run.parts()
    learnt = parts.loc[parts["part"] == "train", "track_id"].tolist()
    mean: NDArray[np.floating] = store.vectors(learnt).mean(axis=0, dtype=np.float64)
    return mean


class _Spectrum:
    """A signal's short-time spectrum, from which bands can be taken away."""

    _N = 2048

    def __init__(self, signal: Signal) -> None:
        from scipy.signal import ShortTimeFFT
        from scipy.signal.windows import hann

        self._signal = signal
        window = hann(min(self._N, max(8, len(signal.samples) // 2)), sym=False)
        self._transform = ShortTimeFFT(window, len(window) // 4, signal.sample_rate)
        self._spectrum = self._transform.stft(signal.samples)

    def without(self, low: float, high: float) -> Signal:
        """The signal with a band of frequencies, in Hz, made quieter."""
        away = (self._transform.f >= low) & (self._transform.f < high)
        gain = np.where(away, _GAIN, 1.0)[:, None]
        samples = self._transform.istft(self._spectrum * gain, k1=len(self._signal.samples))
        return Signal(samples.astype(np.float32), self._signal.sample_rate, self._signal.start_s)


def _quieter(signal: Signal, start_s: float, end_s: float) -> Signal:
    """A signal with a stretch made quieter, faded at its ends so that nothing clicks."""
    times = np.arange(len(signal.samples)) / signal.sample_rate
    away = np.minimum((times - start_s) / _FADE_S, (end_s - times) / _FADE_S).clip(0, 1)
    samples: Samples = (signal.samples * (1 - (1 - _GAIN) * away)).astype(np.float32)
    return Signal(samples, signal.sample_rate, signal.start_s)


def _mel_db(signal: Signal) -> list[list[int]]:
    stream = excerpt_windows.as_stream(signal)
    power = np.concatenate([log_mel(block) for block in power_blocks(stream)])
    # Back from musicnn's scale to a power.
    mel = (10 ** power.astype(np.float64) - 1) / 10_000
    step = -(-len(mel) // _COLUMNS)
    groups = [mel[i : i + step].mean(axis=0) for i in range(0, len(mel), step)]
    drawn = np.stack(groups, axis=1)
    decibels = 10 * np.log10(np.maximum(drawn, 1e-12) / max(1e-12, float(drawn.max())))
    found: list[list[int]] = np.maximum(decibels, -_RANGE_DB).round().astype(int).tolist()
    return found


def from_dict(values: dict[str, Any]) -> Reasons:
    """The reasons that `dataclasses.asdict` made plain values of."""
    parts = {
        name: tuple(Change(**one) for one in values[name]) for name in ("bands", "slices", "groups")
    }
    return Reasons(**(values | parts))
