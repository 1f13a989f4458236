"""Songs and the pretrained networks: windows of 3 s → tags → genres.

`stream` gives a first ranking from a few windows spread over the song and refines it while the rest
is computed; `glance` gives one without decoding the rest.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from genre_engine import pretrained
from genre_engine.audio import HEAVILY_CLIPPED, Stream
from genre_engine.audio.decoders import Source
from genre_engine.errors import SilentAudio
from genre_engine.prediction import vocabulary
from genre_engine.prediction.analysis import Analysis
from genre_engine.prediction.catalogue import MODEL
from genre_engine.prediction.vocabulary import Floats
from genre_engine.pretrained.network import PATCH_S, SAMPLE_RATE
from genre_engine.pretrained.windows import Stretch, glimpses, stretches

SILENT = (
    "There is nothing to hear in it: silence, or steady noise. Check that it is the right file and "
    "that its level isn't close to zero."
)

# Eight windows gave the whole song's first genre on 8 of 8 recordings.
_FIRST_LOOK = 8
# Windows between two refined rankings, at first and at most.
_STEP, _LONGEST_STEP = 16, 64


def stream(source: Source, *, limit_s: float) -> Iterator[Analysis]:
    """Snapshots of the analysis, the first after eight windows spread over the song.

    A file of more than 16 minutes is taken in stretches, and the spread is within the first one.

    Raises:
        AudioError: one of its children says what is wrong with the source.
        WeightsError: the pretrained weights can't be had.
    """
    with closing(Stream(source, SAMPLE_RATE, limit_s=limit_s)) as decoded:
        song = _Song(decoded)
        for stretch in stretches(decoded):
            song.add(stretch)
            for chosen in _in_steps(stretch.audible):
                song.heard.score(stretch, chosen)
                if song.share_heard < 1.0:
                    yield song.snapshot()
    if not len(song.heard):
        raise SilentAudio(SILENT)
    yield song.complete()


def glance(source: Source, *, limit_s: float) -> Analysis | None:
    """A first ranking from eight windows spread over the song, without decoding the rest.

    None where the source can't be sought in, and for short songs.

    Raises:
        AudioError: the source can't be opened.
        WeightsError: the pretrained weights can't be had.
    """
    found = glimpses(source, _FIRST_LOOK, limit_s)
    if found is None or not found[1].audible.any():
        return None
    length_s, windows = found
    heard = _Windows()
    heard.score(windows, np.flatnonzero(windows.audible))
    return heard.analysis(length_s, _FIRST_LOOK * PATCH_S / length_s)


def from_tags(
    tag_probabilities: Mapping[str, Floats],
    priors: Mapping[str, Floats],
    *,
    starts_s: NDArray[np.float64],
    ends_s: NDArray[np.float64],
    duration_s: float,
    share_heard: float = 1.0,
) -> Analysis:
    """What the networks' tags mean: `tag_probabilities` and `priors` as in `vocabulary.score`."""
    return Analysis(
        model=MODEL,
        duration_s=duration_s,
        starts_s=starts_s,
        ends_s=ends_s,
        views={
            view: vocabulary.score(view, tag_probabilities, priors) for view in vocabulary.VIEWS
        },
        heard=tuple(vocabulary.heard(tag_probabilities)),
        share_heard=share_heard,
    )


def _in_steps(audible: NDArray[np.bool_]) -> Iterator[NDArray[np.int64]]:
    """Indices of the audible windows: some spread over all of them first, then the rest in turn."""
    windows = np.flatnonzero(audible)
    if not len(windows):
        return
    spread = np.unique(np.linspace(0, len(windows) - 1, _FIRST_LOOK + 2)[1:-1].round().astype(int))
    yield windows[spread]
    rest = np.delete(windows, spread)
    step = _STEP
    while len(rest):
        yield rest[:step]
        rest, step = rest[step:], min(2 * step, _LONGEST_STEP)


class _Windows:
    """The windows of a song that were heard so far, with what the networks said of them."""

    def __init__(self) -> None:
        self._networks = pretrained.networks()
        self.probabilities = {name: np.empty((0, 50), np.float32) for name in self._networks}
        self._starts_s = np.empty(0)
        self._ends_s = np.empty(0)

    def __len__(self) -> int:
        return len(self._starts_s)

    def score(self, stretch: Stretch, chosen: NDArray[np.int64]) -> None:
        self._starts_s = np.append(self._starts_s, stretch.starts_s[chosen])
        self._ends_s = np.append(self._ends_s, stretch.ends_s[chosen])
        for name, network in self._networks.items():
            found = network(stretch.patches[chosen])
            self.probabilities[name] = np.concatenate([self.probabilities[name], found])

    def analysis(self, duration_s: float, share_heard: float) -> Analysis:
        order = np.argsort(self._starts_s, kind="stable")
        return from_tags(
            {name: p[order] for name, p in self.probabilities.items()},
            {name: network.prior_logits for name, network in self._networks.items()},
            starts_s=self._starts_s[order],
            ends_s=self._ends_s[order],
            duration_s=duration_s,
            share_heard=share_heard,
        )


class _Song:
    """What is known so far of the song that is being heard from beginning to end."""

    def __init__(self, decoded: Stream) -> None:
        self._decoded = decoded
        self.heard = _Windows()
        self._known_s = 0.0
        self._audible = 0

    @property
    def share_heard(self) -> float:
        """Of the windows that are known, scaled to the length that the file claims."""
        length_s = max(self._decoded.claimed_s or 0.0, self._known_s)
        decoded = self._known_s / length_s if length_s else 1.0
        return decoded * len(self.heard) / max(1, self._audible)

    def add(self, stretch: Stretch) -> None:
        self._audible += int(stretch.audible.sum())
        self._known_s = float(stretch.ends_s[-1])

    def snapshot(self) -> Analysis:
        duration_s = max(self._decoded.duration_s, self._known_s)
        return self.heard.analysis(duration_s, self.share_heard)

    def complete(self) -> Analysis:
        return replace(
            self.heard.analysis(self._decoded.duration_s, 1.0),
            warnings=tuple(self._warnings()),
        )

    def _warnings(self) -> Iterator[str]:
        decoded = self._decoded
        yield from file_warnings(decoded)
        if decoded.duration_s < PATCH_S - 0.01:
            yield (
                f"It lasts only {decoded.duration_s:.1f} s, less than the 3 s that the networks "
                "listen to at a time; silence was added."
            )
        if vocabulary.sounds_like_speech(self.heard.probabilities):
            yield "It may be speech: these networks know only music, and call speech hip hop."


def file_warnings(decoded: Stream) -> Iterator[str]:
    """What a file has shown, once decoded, that makes any model's result less sure."""
    if decoded.cut_short:
        known = decoded.claimed_s is not None and decoded.claimed_s > decoded.duration_s
        claimed = f" of {decoded.claimed_s:.1f}" if known else ""
        yield (
            f"The file is cut short or damaged: {decoded.duration_s:.1f}{claimed} s could be "
            "decoded, and only these were used."
        )
    if decoded.clipped >= HEAVILY_CLIPPED:
        yield (
            f"{decoded.clipped:.0%} of its samples are at full scale or beyond: it is "
            "clipped or far too loud, and the result may suffer."
        )
