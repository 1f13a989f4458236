"""Log-mel patches for a convolutional network, kept as float16 and read when they are asked for.

A patch is 187 frames (3 s) × 96 mel bands: `log10(10000·mel + 1)`, as musicnn takes it (see
`pretrained/network.py`), computed in float32 and rounded to float16 in the end, where it can't
overflow: it stays below 10 for samples within [-1, 1], and below 25 for any that `audio` lets pass.
Below 8, rounding moves it by at most 0.002.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.typing import NDArray

from genre_engine.audio import Signal, spectral
from genre_engine.audio.spectral import Floats
from genre_engine.features.base import SAMPLES, Kind, check_finite, one_thread
from genre_engine.pretrained.spectrogram import (
    HOP_LENGTH,
    N_FFT,
    N_MELS,
    PATCH_FRAMES,
    SAMPLE_RATE,
    log_mel,
)

# The network's input, so that both see the same pictures.
FRAMES = PATCH_FRAMES
# A rest of a track from this length on is a patch of its own, which reaches back into the last one.
_LEAST_REST_FRAMES = FRAMES // 3

Halves = NDArray[np.float16]


class Patches:
    """The patches of n songs, each with as many as its length gave.

    What lies on disk is mapped into memory, so that only what is looked at is read.

    Attributes:
        counts: int `[n]`, patches of each song.
        frames, bands: the size of a patch.
    """

    def __init__(
        self,
        arrays: Sequence[Halves],
        parts: NDArray[np.intp],
        firsts: NDArray[np.intp],
        counts: NDArray[np.intp],
    ) -> None:
        """Song i is the patches `firsts[i]` to `firsts[i] + counts[i]` of `arrays[parts[i]]`."""
        self._arrays = list(arrays)
        self._parts, self._firsts, self.counts = parts, firsts, counts
        self.frames, self.bands = self._arrays[0].shape[1:] if self._arrays else (FRAMES, N_MELS)

    @classmethod
    def of(cls, songs: Sequence[npt.ArrayLike]) -> "Patches":
        """From arrays `[count, frames, bands]`, one a song."""
        arrays = [np.asarray(song, np.float16) for song in songs]
        n = len(arrays)
        counts = np.array([len(array) for array in arrays], np.intp)
        return cls(arrays, np.arange(n), np.zeros(n, np.intp), counts)

    def __len__(self) -> int:
        return len(self.counts)

    def take(self, rows: npt.ArrayLike) -> "Patches":
        """Some of the songs, by position or by a mask."""
        given = np.asarray(rows)
        chosen = np.arange(len(self))[given if given.size else given.astype(np.intp)]
        return Patches(self._arrays, self._parts[chosen], self._firsts[chosen], self.counts[chosen])

    def song(self, index: int) -> Halves:
        """float16 `[counts[index], frames, bands]`."""
        first = self._firsts[index]
        array = self._arrays[self._parts[index]]
        return np.asarray(array[first : first + self.counts[index]])

    def batch(self, songs: npt.ArrayLike, which: npt.ArrayLike) -> Halves:
        """One patch of each of m songs, float16 `[m, frames, bands]`.

        Args:
            songs: int `[m]`, positions.
            which: int `[m]`, the number of the patch in its song.
        """
        songs, which = np.asarray(songs, np.intp), np.asarray(which, np.intp)
        if ((which < 0) | (which >= self.counts[songs])).any():
            raise IndexError("a song has fewer patches than that")
        found = np.empty((len(songs), self.frames, self.bands), np.float16)
        for row, (song, patch) in enumerate(zip(songs, which, strict=True)):
            found[row] = self._arrays[self._parts[song]][self._firsts[song] + patch]
        return found


@dataclass(frozen=True)
class PatchKind(Kind):
    """Log-mel patches of 3 s."""

    name = "patches"
    sample_rate = SAMPLE_RATE

    @property
    def shape(self) -> tuple[int, ...]:
        return (FRAMES, N_MELS)

    @property
    def columns(self) -> tuple[str, ...]:
        return ()

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
            "n_mels": N_MELS,
            "frames": FRAMES,
            "scale": "log10(10000*mel+1)",
        }

    def compute(self, signal: Signal) -> Halves:
        return check_finite(patches_of(self._samples(signal))).astype(np.float16)


def patches_of(samples: Floats) -> Floats:
    """Samples `[n]` at 16 kHz → patches, float32 `[count, 187, 96]`."""
    with one_thread(), np.errstate(over="ignore", invalid="ignore"):
        padded = np.pad(samples, N_FFT // 2)
        power = spectral.power_spectrogram(padded, n_fft=N_FFT, hop_length=HOP_LENGTH)
        return cut(log_mel(power))


def cut(mel: Floats) -> Floats:
    """Frames `[n, bands]` → patches `[count, 187, bands]`, at least one.

    Less than a patch is filled up with silence (0), the logarithm's own.
    """
    if len(mel) < FRAMES:
        mel = np.pad(mel, ((0, FRAMES - len(mel)), (0, 0)))
    starts = list(range(0, len(mel) - FRAMES + 1, FRAMES))
    if len(mel) - FRAMES - starts[-1] >= _LEAST_REST_FRAMES:
        starts.append(len(mel) - FRAMES)
    return np.stack([mel[start : start + FRAMES] for start in starts])
