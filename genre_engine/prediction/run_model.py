"""Songs and the model of a run: windows → features → scores of the genres that it was trained on.

A window is as long as a training excerpt and its features are computed as an excerpt's are, so the
model meets what it was trained on. A song's score is the mean of its windows' probabilities, then
calibrated where the run has learnt how (Platt's scaling, learnt on validation): only then is it a
probability, and `Analysis.calibrated` says so. The run's global threshold goes the same way, so
which genres count as "yes" doesn't change.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from genre_engine import audio, features, models, pretrained, runs
from genre_engine.audio import MAX_DURATION_S, Signal, Stream
from genre_engine.audio.decoders import Source
from genre_engine.errors import ModelError, RunError, SilentAudio
from genre_engine.features import Kind
from genre_engine.features.patches import Patches
from genre_engine.metrics.calibration import Platt
from genre_engine.models import Classifier
from genre_engine.prediction import pretrained_model
from genre_engine.prediction import windows as excerpt_windows
from genre_engine.prediction.analysis import Analysis
from genre_engine.prediction.catalogue import OWN, ModelInfo
from genre_engine.prediction.song_model import Fetching
from genre_engine.prediction.vocabulary import Floats, GenreScores
from genre_engine.pretrained import windows as song_windows
from genre_engine.pretrained.spectrogram import SLANEY
from genre_engine.runs import Run
from genre_engine.storage import workspace

# Networks hold some MB each, and who compares looks at two or three.
_KEPT = 3
# Places that a glance looks at; a song must be longer than that many windows to be worth it.
_GLANCES = 3
# Windows between two rankings.
_STEP = 8


@dataclass(frozen=True, eq=False)
class Trained:
    """A run's model, ready to hear.

    Attributes:
        kind: of the features that it takes.
        platt: how its probabilities are calibrated; None where the run doesn't say.
        threshold: the probability, before it is calibrated, from which a genre counts as "yes";
            None where the most probable genre is said.
    """

    info: ModelInfo
    model: Classifier
    kind: Kind
    platt: Platt | None
    threshold: float | None

    def probabilities(self, signals: Sequence[Signal]) -> Floats:
        """What the model says of each signal, float32 `[n, n_genres]`, not calibrated.

        Raises:
            AudioError: there are no features of one of them.
        """
        computed = self.kind.compute_many(signals)
        x = np.stack(computed) if self.kind.is_vector else Patches.of(computed)
        return self.model.predict_proba(x)

    def scores(self, probabilities: Floats) -> GenreScores:
        """Scores of a song from those of its windows `[windows, n_genres]`."""
        n_genres = len(self.model.genres_)
        thresholds = None
        if self.threshold is not None:
            thresholds = self._calibrated(np.full((1, n_genres), self.threshold))[0]
        return GenreScores(
            self.model.genres_,
            self._calibrated(probabilities.mean(axis=0, keepdims=True))[0],
            self._calibrated(probabilities),
            thresholds,
        )

    def _calibrated(self, probabilities: Floats) -> Floats:
        return probabilities if self.platt is None else self.platt.apply(probabilities)


@dataclass(frozen=True)
class RunModel:
    """A run's model, as a `SongModel`."""

    info: ModelInfo

    def prepare(self, fetching: Fetching | None = None) -> None:
        """Load the model, and the pretrained networks where its features come from them."""
        if self.info.features == "embedding":
            pretrained.prepare_pair(fetching)
        load(self.info)

    def stream(self, source: Source, *, limit_s: float = MAX_DURATION_S) -> Iterator[Analysis]:
        """Snapshots of the analysis; the last is complete."""
        return stream(source, self.info, limit_s=limit_s)

    def glance(self, source: Source, *, limit_s: float = MAX_DURATION_S) -> Analysis | None:
        """A first ranking without decoding the whole song."""
        return glance(source, self.info, limit_s=limit_s)


_loaded: OrderedDict[tuple[str, int], Trained] = OrderedDict()


def load(info: ModelInfo) -> Trained:
    """The model of a run; those used last are kept in memory.

    Raises:
        RunError, ModelError: it was removed or is damaged.
    """
    description = workspace.runs_folder() / info.id / "model" / "model.json"
    try:
        key = (info.id, description.stat().st_mtime_ns)
    except OSError as error:
        raise RunError(
            f"The run '{info.name}' has no model any more: it was removed, or its folder is "
            "damaged. Choose another model."
        ) from error
    if key not in _loaded:
        _loaded[key] = _read(info)
        while len(_loaded) > _KEPT:
            _loaded.popitem(last=False)
    _loaded.move_to_end(key)
    return _loaded[key]


def _read(info: ModelInfo) -> Trained:
    run = runs.open(info.id)
    model = models.load_classifier(run.model_folder)
    kind = _kind(info)
    if kind.fingerprint != model.features_.fingerprint:
        raise ModelError(
            f"The model of the run '{info.name}' takes other {kind.name} features "
            f"({model.features_.fingerprint}) than its config.json says ({kind.fingerprint}): its "
            "folder has been changed. Remove the run and train again."
        )
    platt, threshold = judged(run, info.name, len(model.genres_))
    return Trained(info, model, kind, platt, threshold)


def judged(run: Run, name: str, n_genres: int) -> tuple[Platt | None, float | None]:
    """A run's calibration and its global threshold, each None where it has none.

    Raises:
        RunError: its report is damaged, or another run's.
    """
    report = run.report() or {}
    platt = threshold = None
    try:
        if report.get("calibration"):
            platt = Platt.from_dict(report["calibration"])
        if report.get("thresholds"):
            threshold = float(report["thresholds"]["global"])
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(
            f"report.json of the run '{name}' is damaged. Remove the run and train again."
        ) from error
    if platt is not None and platt.offsets.shape != (n_genres,):
        raise RunError(
            f"report.json of the run '{name}' is another run's. Remove the run and train again."
        )
    return platt, threshold


def _kind(info: ModelInfo) -> Kind:
    return features.kind(info.features, excerpt_s=info.excerpt_s)


def stream(source: Source, info: ModelInfo, *, limit_s: float) -> Iterator[Analysis]:
    """Snapshots of the analysis as the song is decoded; the last is complete.

    Raises:
        AudioError: one of its children says what is wrong with the source.
        RunError, ModelError: as `load`.
    """
    # The file first: that it can't be read is said before a model is loaded.
    with closing(Stream(source, _kind(info).sample_rate, limit_s=limit_s)) as decoded:
        trained = load(info)
        song = _Song(trained, decoded)
        if trained.kind.excerpt_s is None:
            _hear_whole(song, source, limit_s)
        else:
            for cut in excerpt_windows.windows(decoded, trained.kind.excerpt_s):
                audible = [window for window in cut if window.audible]
                for first in range(0, len(audible), _STEP):
                    song.hear([window.signal for window in audible[first : first + _STEP]])
                    yield song.snapshot()
    if not len(song):
        raise SilentAudio(pretrained_model.SILENT)
    yield song.complete()


def glance(source: Source, info: ModelInfo, *, limit_s: float) -> Analysis | None:
    """A first ranking from three windows spread over the song; see `prediction.glance`."""
    if info.excerpt_s is None:
        return None
    sample_rate = _kind(info).sample_rate
    length_s, found = audio.excerpts(
        source, sample_rate, count=_GLANCES, length_s=info.excerpt_s, limit_s=limit_s
    )
    if not found or length_s < (_GLANCES + 1) * info.excerpt_s:
        return None
    trained = load(info)
    size = round(info.excerpt_s * sample_rate)
    signals = [Signal(samples[:size], sample_rate, start_s) for start_s, samples in found]
    audible = [signal for signal in signals if excerpt_windows.is_audible(signal)]
    if not audible:
        return None
    windows = _Windows(trained)
    windows.hear(audible)
    return windows.analysis(length_s, _GLANCES * info.excerpt_s / length_s)


def _hear_whole(song: "_Song", source: Source, limit_s: float) -> None:
    """One window for a model that was trained on whole songs, whatever their length."""
    decoded = song.decoded
    heard = [
        stretch.audible.any()
        for stretch in song_windows.stretches(excerpt_windows.at_16_khz(decoded), spectra=(SLANEY,))
    ]
    if any(heard):
        song.hear_features(song.trained.kind.compute_source(source), decoded.duration_s)


class _Windows:
    """The windows of a song that were heard so far, with what the model said of them."""

    def __init__(self, trained: Trained) -> None:
        self.trained = trained
        self._probabilities: list[Floats] = []
        self._spans: list[tuple[float, float]] = []

    def __len__(self) -> int:
        return len(self._spans)

    @property
    def end_s(self) -> float:
        return self._spans[-1][1] if self._spans else 0.0

    def hear(self, signals: Sequence[Signal]) -> None:
        self._probabilities.append(self.trained.probabilities(signals))
        self._spans += [(signal.start_s, signal.start_s + signal.duration_s) for signal in signals]

    def hear_features(self, vector: Any, duration_s: float) -> None:
        self._probabilities.append(self.trained.model.predict_proba(vector[None, :]))
        self._spans.append((0.0, duration_s))

    def analysis(self, duration_s: float, share_heard: float) -> Analysis:
        spans = np.array(self._spans)
        return Analysis(
            model=self.trained.info.name,
            duration_s=duration_s,
            starts_s=spans[:, 0],
            ends_s=np.minimum(spans[:, 1], duration_s),
            views={OWN: self.trained.scores(np.concatenate(self._probabilities))},
            detected=(),
            share_heard=share_heard,
            calibrated=self.trained.platt is not None,
        )


class _Song(_Windows):
    """What is known so far of the song that is being heard from beginning to end."""

    def __init__(self, trained: Trained, decoded: Stream) -> None:
        super().__init__(trained)
        self.decoded = decoded

    def snapshot(self) -> Analysis:
        length_s = max(self.decoded.claimed_s or 0.0, self.decoded.duration_s)
        # Only the end knows that all is heard.
        return self.analysis(length_s, min(0.99, self.end_s / length_s))

    def complete(self) -> Analysis:
        found = self.analysis(self.decoded.duration_s, 1.0)
        return replace(found, warnings=tuple(self._warnings()))

    def _warnings(self) -> Iterator[str]:
        if self.trained.info.warning:
            yield self.trained.info.warning
        yield from self.trained.model.warnings_
        yield from pretrained_model.file_warnings(self.decoded)
        excerpt_s = self.trained.kind.excerpt_s
        if excerpt_s is not None and self.decoded.duration_s < excerpt_s - 0.01:
            yield (
                f"It lasts only {self.decoded.duration_s:.1f} s, less than the {excerpt_s:g} s "
                "excerpts that the model was trained on; the result may suffer."
            )
