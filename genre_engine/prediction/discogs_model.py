"""Songs and Discogs-EffNet: patches of 2 s → 87 genres, 400 styles, moods and instruments.

The activations of a song are the means over its patches. They are probabilities that the networks
learnt, not calibrated.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from genre_engine.audio import MAX_DURATION_S, Stream
from genre_engine.audio.decoders import Source
from genre_engine.errors import SilentAudio
from genre_engine.prediction import pretrained_model, vocabulary
from genre_engine.prediction.analysis import Analysis
from genre_engine.prediction.catalogue import STYLES, ModelInfo
from genre_engine.prediction.song_model import Fetching
from genre_engine.prediction.vocabulary import Detected, Floats, GenreScores
from genre_engine.pretrained import discogs
from genre_engine.pretrained.spectrogram import FRAMES_PER_S, SAMPLE_RATE, SLANEY
from genre_engine.pretrained.windows import Stretch, stretches

# The licence has to be named beside every result.
NOTICE = f"Scores by Discogs-EffNet ({discogs.LICENCE}): not for commercial use."
_CLEAR = 0.2
_STEP = 24
_LEAST = 0.15
_GROUPS = {"moodtheme": "mood", "instrument": "instruments"}


@dataclass(frozen=True)
class DiscogsModel:
    """Discogs-EffNet, as a `SongModel`."""

    info: ModelInfo

    def prepare(self, fetching: Fetching | None = None) -> None:
        """Open the networks; they are never fetched unasked."""
        discogs.load()

    def stream(self, source: Source, *, limit_s: float = MAX_DURATION_S) -> Iterator[Analysis]:
        """Snapshots of the analysis; the last is complete."""
        with closing(Stream(source, SAMPLE_RATE, limit_s=limit_s)) as decoded:
            song = _Song(discogs.load(), self.info)
            for stretch in stretches(decoded, spectra=(SLANEY,)):
                starts = _audible_starts(stretch)
                for first in range(0, len(starts), _STEP):
                    song.add(stretch, starts[first : first + _STEP])
                    done_s = song.end_s
                    length_s = max(decoded.claimed_s or 0.0, decoded.duration_s, done_s)
                    if done_s < length_s:
                        yield song.analysis(length_s, min(0.99, done_s / length_s))
            if not song:
                raise SilentAudio(pretrained_model.SILENT)
            warnings = (*pretrained_model.file_warnings(decoded), NOTICE)
            yield replace(song.analysis(decoded.duration_s, 1.0), warnings=warnings)

    def glance(self, source: Source, *, limit_s: float = MAX_DURATION_S) -> Analysis | None:
        """None: its first snapshot comes soon enough."""
        return None


def _audible_starts(stretch: Stretch) -> NDArray[np.int64]:
    """First frames of the patches whose middles lie where there is something to hear."""
    frames = len(stretch.spectra[SLANEY])
    starts = np.arange(0, max(1, frames - discogs.FRAMES + 1), discogs.FRAMES)
    first_s = float(stretch.starts_s[0]) - stretch.starts[0] / FRAMES_PER_S
    middles_s = first_s + (starts + discogs.FRAMES / 2) / FRAMES_PER_S
    heard = [
        bool(stretch.audible[(stretch.starts_s <= m) & (stretch.ends_s >= m)].any())
        for m in middles_s
    ]
    # What is shorter than a patch, or lies behind the last window, goes with the whole.
    chosen = np.array(heard, bool) if any(heard) else np.full(len(starts), stretch.audible.any())
    found: NDArray[np.int64] = starts[chosen]
    return found


class _Song:
    """What was found so far."""

    def __init__(self, networks: discogs.Discogs, info: ModelInfo) -> None:
        self._networks = networks
        self._info = info
        self._styles: list[Floats] = []
        self._embeddings: list[Floats] = []
        self._starts_s: list[float] = []

    def __bool__(self) -> bool:
        return bool(self._starts_s)

    @property
    def end_s(self) -> float:
        return self._starts_s[-1] + discogs.FRAMES / FRAMES_PER_S

    def add(self, stretch: Stretch, starts: NDArray[np.int64]) -> None:
        mel = stretch.spectra[SLANEY]
        if len(mel) < discogs.FRAMES:
            mel = np.pad(mel, ((0, discogs.FRAMES - len(mel)), (0, 0)))
        patches = np.stack([mel[start : start + discogs.FRAMES] for start in starts])
        styles, embeddings = self._networks(patches)
        self._styles.append(styles)
        self._embeddings.append(embeddings)
        first_s = float(stretch.starts_s[0]) - stretch.starts[0] / FRAMES_PER_S
        self._starts_s += [first_s + start / FRAMES_PER_S for start in starts]

    def analysis(self, duration_s: float, share_heard: float) -> Analysis:
        embeddings = np.concatenate(self._embeddings)
        genres = self._networks.head("genre", embeddings)
        names = tuple(_plain(name) for name in self._networks.classes["genre"])
        ten = [self._networks.classes["genre"].index(name) for name in vocabulary.TEN]
        styles = np.concatenate(self._styles)
        starts_s = np.array(self._starts_s)
        return Analysis(
            model=self._info.name,
            duration_s=duration_s,
            starts_s=starts_s,
            ends_s=np.minimum(starts_s + discogs.FRAMES / FRAMES_PER_S, duration_s),
            views={
                "wide": _scores(names, genres),
                "ten": _scores(tuple(vocabulary.TEN), genres[:, ten]),
                STYLES: _scores(tuple(map(_style, self._networks.styles)), styles),
            },
            detected=tuple(self._detected(embeddings)),
            networks=(discogs.NAME,),
            share_heard=share_heard,
        )

    def _detected(self, embeddings: Floats) -> list[Detected]:
        found = [
            Detected(group, _plain(name.rpartition("---")[2]), float(probability))
            for head, group in _GROUPS.items()
            for name, probability in zip(
                self._networks.classes[head],
                self._networks.head(head, embeddings).mean(axis=0),
                strict=True,
            )
            if probability >= _LEAST
        ]
        return sorted(found, key=lambda d: -d.probability)


def _scores(names: tuple[str, ...], by_window: Floats) -> GenreScores:
    return GenreScores(names, by_window.mean(axis=0), by_window, clear=_CLEAR)


def _style(name: str) -> str:
    """As a person reads it: "Electronic---Deep House" → "Electronic › Deep House"."""
    return name.replace("---", " › ")


def _plain(name: str) -> str:
    """MTG-Jamendo's tag as this app writes genres: "hiphop" → "hip hop"."""
    return _WRITTEN.get(name, name)


_WRITTEN = {
    tags["MTG-Jamendo"][0]: genre
    for genre, tags in vocabulary.WIDE.items()
    if "MTG-Jamendo" in tags
}
