"""Songs and the pretrained networks: windows of 3 s and 29 s → tags → genres.

`stream` gives a first ranking from a few windows spread over the song and refines it while the rest
is computed; `glance` gives one without decoding the rest.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from genre_engine import pretrained
from genre_engine.audio import HEAVILY_CLIPPED, MAX_DURATION_S, Stream
from genre_engine.audio.decoders import Source
from genre_engine.errors import SilentAudio
from genre_engine.prediction import combining, vocabulary
from genre_engine.prediction.analysis import Analysis
from genre_engine.prediction.catalogue import ModelInfo
from genre_engine.prediction.song_model import Fetching
from genre_engine.prediction.vocabulary import Floats
from genre_engine.pretrained import Loaded
from genre_engine.pretrained.network import FCN_FRAMES, NETWORKS
from genre_engine.pretrained.spectrogram import FRAMES_PER_S, PATCH_S, SAMPLE_RATE
from genre_engine.pretrained.windows import Stretch, glimpses, stretches

SILENT = (
    "Nothing was found in it but silence or steady noise. Check that it is the right file and that "
    "its level isn't close to zero."
)

# Eight windows of 3 s gave the whole song's first genre on 8 of 8 recordings; two of 29 s see more.
_FIRST_LOOK, _FIRST_LONG = 8, 2
_LONG_S = FCN_FRAMES / FRAMES_PER_S
# Probabilities of 0 and 1 have no logit.
_SMALLEST = 1e-6
# Windows between two refined rankings, at first and at most. One of 29 s counts as ten of 3 s.
_STEP, _LONGEST_STEP = 16, 64
_LONG_COUNTS = 10


def stream(source: Source, choice: str, *, limit_s: float) -> Iterator[Analysis]:
    """Snapshots of the analysis, the first after a few windows spread over the song.

    A file of more than 16 minutes is taken in stretches, and the spread is within the first one.

    Args:
        choice: `full` or `fast`; of its networks those that are here are used.

    Raises:
        AudioError: one of its children says what is wrong with the source.
        WeightsError: no pretrained weights are here, and none can be fetched.
    """
    with closing(Stream(source, SAMPLE_RATE, limit_s=limit_s)) as decoded:
        # The file first: that it can't be read is said before weights are fetched.
        pretrained.prepare(choice)
        song = _Song(decoded, choice)
        for stretch in stretches(decoded):
            song.add(stretch)
            for _ in song.tags.score_in_steps(stretch):
                if song.share_scored < 1.0:
                    yield song.snapshot()
    if not song.tags:
        raise SilentAudio(SILENT)
    yield song.complete()


def whole(
    source: Source, choice: str, *, limit_s: float = MAX_DURATION_S
) -> tuple[Analysis, dict[str, Floats]]:
    """The analysis of a song and by network its mean probabilities of the tags, `[50]`; without
    snapshots, for many songs.

    Raises:
        AudioError, WeightsError: as `stream`.
    """
    with closing(Stream(source, SAMPLE_RATE, limit_s=limit_s)) as decoded:
        pretrained.prepare(choice)
        song = _Song(decoded, choice)
        for stretch in stretches(decoded):
            song.add(stretch)
            chosen, long = np.flatnonzero(stretch.audible), np.flatnonzero(stretch.long_audible)
            song.tags.score(stretch, chosen, long)
    if not song.tags:
        raise SilentAudio(SILENT)
    return song.complete(), song.tags.songs()


def embedding(probabilities: Mapping[str, Floats]) -> NDArray[np.float32]:
    """The networks' mean probabilities of their tags → one vector: their logits, one network after
    the other, `[50 × networks]`. Songs whose vectors are close sound alike.

    >>> embedding({"a": np.array([0.5, 0.5], np.float32)}).tolist()
    [0.0, 0.0]
    """
    joined = np.concatenate([np.asarray(p, np.float64) for p in probabilities.values()])
    clipped = np.clip(joined, _SMALLEST, 1 - _SMALLEST)
    found: NDArray[np.float32] = np.log(clipped / (1 - clipped)).astype(np.float32)
    return found


def glance(source: Source, choice: str, *, limit_s: float) -> Analysis | None:
    """A first ranking from pieces spread over the song, without decoding the rest.

    None where the source can't be sought in, and for short songs.

    Raises:
        AudioError: the source can't be opened.
        WeightsError: no pretrained weights are here, and none can be fetched.
    """
    pretrained.prepare(choice)
    tags = _Tags(choice)
    # Networks of 29 s where there are some: one window of theirs says more, at a sixth of the cost.
    long = tags.only(long=True)
    count, length_s = (_FIRST_LOOK, PATCH_S) if long is None else (_FIRST_LONG, _LONG_S)
    found = glimpses(source, count, length_s, limit_s)
    if found is None:
        return None
    duration_s, pieces = found
    if long is not None:
        tags = long
    for piece in pieces:
        tags.score(piece, np.flatnonzero(piece.audible), np.flatnonzero(piece.long_audible))
    if not tags:
        return None
    return tags.analysis(duration_s, min(0.99, count * length_s / duration_s))


@dataclass(frozen=True)
class PretrainedModel:
    """The pretrained networks, as a `SongModel`."""

    info: ModelInfo

    def prepare(self, fetching: Fetching | None = None) -> None:
        """Fetch the networks of this choice that are missing and can be reached, and open them."""
        pretrained.prepare(self.info.id, fetching)
        pretrained.networks(self.info.id)

    def stream(self, source: Source, *, limit_s: float = MAX_DURATION_S) -> Iterator[Analysis]:
        """Snapshots of the analysis; the last is complete."""
        yield from stream(source, self.info.id, limit_s=limit_s)

    def glance(self, source: Source, *, limit_s: float = MAX_DURATION_S) -> Analysis | None:
        """A first ranking without decoding the whole song."""
        return glance(source, self.info.id, limit_s=limit_s)


def from_tags(
    songs: Mapping[str, Floats],
    windows: Mapping[str, Floats],
    *,
    choice: str,
    starts_s: NDArray[np.float64],
    ends_s: NDArray[np.float64],
    duration_s: float,
    share_heard: float = 1.0,
) -> Analysis:
    """What the networks' tags mean: `songs` and `windows` as in `combining.score`.

    >>> from genre_engine.pretrained.tags import MSD
    >>> song = np.array([0.9 if tag == "jazz" else 0.001 for tag in MSD])
    >>> starts_s = np.array([0.0, 3.0])
    >>> found = from_tags(
    ...     {"msd-musicnn": song},
    ...     {"msd-musicnn": np.stack([song, song])},
    ...     choice="full",
    ...     starts_s=starts_s,
    ...     ends_s=starts_s + 3,
    ...     duration_s=6.0,
    ... )
    >>> scores = found.views["wide"]
    >>> scores.genres[int(np.argmax(scores.song))]
    'jazz'
    """
    return Analysis(
        model=choice,
        duration_s=duration_s,
        starts_s=starts_s,
        ends_s=ends_s,
        views={view: combining.score(view, songs, windows) for view in vocabulary.VIEWS},
        detected=tuple(combining.detected(songs)),
        networks=tuple(songs),
        share_heard=share_heard,
    )


def _spread(windows: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Positions of some windows spread over all of them."""
    return np.unique(np.linspace(0, len(windows) - 1, count + 2)[1:-1].round().astype(int))


class _Tags:
    """The windows of a song that were scored so far, with what each network said of them."""

    def __init__(self, choice: str, networks: Mapping[str, Loaded] | None = None) -> None:
        self._choice = choice
        self._networks = pretrained.networks(choice) if networks is None else networks
        self._found: dict[str, list[Floats]] = {name: [] for name in self._networks}
        # Of windows of 3 s, and of 29 s.
        self._times: dict[bool, list[tuple[Floats, Floats]]] = {False: [], True: []}
        self.scored = 0

    def __bool__(self) -> bool:
        return any(self._times.values())

    def only(self, *, long: bool) -> "_Tags | None":
        """None yet, of the networks of one length; None where there are none of these."""
        chosen = {n: net for n, net in self._networks.items() if NETWORKS[n].is_long is long}
        return _Tags(self._choice, chosen) if chosen else None

    def score(self, stretch: Stretch, chosen: NDArray[np.int64], long: NDArray[np.int64]) -> None:
        """Score some windows of 3 s and some of 29 s with all networks that take them."""
        for name, network in self._networks.items():
            windows = long if NETWORKS[name].is_long else chosen
            if len(windows):
                self._found[name].append(network(stretch.patches(NETWORKS[name], windows)))
        for is_long, windows in ((False, chosen), (True, long)):
            if len(windows) and any(NETWORKS[n].is_long is is_long for n in self._networks):
                starts = stretch.long_starts_s if is_long else stretch.starts_s
                ends = stretch.long_ends_s if is_long else stretch.ends_s
                self._times[is_long].append((starts[windows], ends[windows]))
        self.scored += len(chosen) if self._has(long=False) else len(long)

    def count(self, stretch: Stretch) -> int:
        """How many windows `score` counts in a whole stretch."""
        windows = stretch.audible if self._has(long=False) else stretch.long_audible
        return int(windows.sum())

    def score_in_steps(self, stretch: Stretch) -> Iterator[None]:
        """Score a stretch: some windows spread over it first, then the rest in turn."""
        short = np.flatnonzero(stretch.audible)
        long = np.flatnonzero(stretch.long_audible)
        if not len(short):
            return
        first, first_long = _spread(short, _FIRST_LOOK), _spread(long, _FIRST_LONG)
        self.score(stretch, short[first], long[first_long])
        yield
        rest, rest_long = np.delete(short, first), np.delete(long, first_long)
        step = _STEP
        while len(rest) or len(rest_long):
            n_long = max(1, step // _LONG_COUNTS)
            self.score(stretch, rest[:step], rest_long[:n_long])
            yield
            rest, rest_long = rest[step:], rest_long[n_long:]
            step = min(2 * step, _LONGEST_STEP)

    def _has(self, *, long: bool) -> bool:
        return any(NETWORKS[name].is_long is long for name in self._networks)

    def songs(self) -> dict[str, Floats]:
        """By network its mean probabilities over the windows that it has scored, `[50]`."""
        return {
            name: np.concatenate(parts).mean(axis=0) for name, parts in self._found.items() if parts
        }

    def analysis(self, duration_s: float, share_heard: float) -> Analysis:
        # Genres over time come from the networks of 3 s, where there are some.
        is_long = not self._times[False]
        starts_s, ends_s = (
            np.concatenate(parts) for parts in zip(*self._times[is_long], strict=True)
        )
        order = np.argsort(starts_s, kind="stable")
        windows = {
            name: np.concatenate(parts)[order]
            for name, parts in self._found.items()
            if parts and NETWORKS[name].is_long is is_long
        }
        return from_tags(
            self.songs(),
            windows,
            choice=self._choice,
            starts_s=starts_s[order],
            ends_s=ends_s[order],
            duration_s=duration_s,
            share_heard=share_heard,
        )


class _Song:
    """What is known so far of the song that is being analysed from beginning to end."""

    def __init__(self, decoded: Stream, choice: str) -> None:
        self._decoded = decoded
        self.tags = _Tags(choice)
        self._known_s = 0.0
        self._audible = 0

    @property
    def share_scored(self) -> float:
        """Of the windows that are known, scaled to the length that the file claims."""
        length_s = max(self._decoded.claimed_s or 0.0, self._known_s)
        decoded = self._known_s / length_s if length_s else 1.0
        return decoded * self.tags.scored / max(1, self._audible)

    def add(self, stretch: Stretch) -> None:
        self._audible += self.tags.count(stretch)
        self._known_s = float(stretch.ends_s[-1])

    def snapshot(self) -> Analysis:
        duration_s = max(self._decoded.duration_s, self._known_s)
        return self.tags.analysis(duration_s, self.share_scored)

    def complete(self) -> Analysis:
        return replace(
            self.tags.analysis(self._decoded.duration_s, 1.0),
            warnings=tuple(self._warnings()),
        )

    def _warnings(self) -> Iterator[str]:
        decoded = self._decoded
        yield from file_warnings(decoded)
        if decoded.duration_s < PATCH_S - 0.01:
            yield (
                f"It lasts only {decoded.duration_s:.1f} s, less than the 3 s that the networks "
                "take at a time; silence was added."
            )
        if combining.sounds_like_speech(self.tags.songs()):
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
