"""`cnn`: a convolutional network over log-mel patches.

A few blocks of convolution, batch norm, ReLU and pooling; then mean and maximum over what is left
of time and frequency. It learns from one patch a song and epoch, another one each time, with the
song's labels; a song's score is the mean over its patches.

Augmentation, of train only, is by arithmetic on `log10(10000·mel + 1)`: gain, and a crop in time.
A low-pass between 11 and 16 kHz would do nothing to patches that end at 8 kHz.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from genre_engine.errors import ModelError
from genre_engine.models.base import setting
from genre_engine.models.batches import Chunk, mix, positions
from genre_engine.models.data import Data, Floats, PatchSource
from genre_engine.models.networks import LearningSettings, NetworkModel
from genre_engine.models.scaling import Scaling
from genre_engine.models.settings import setting_like

if TYPE_CHECKING:
    import keras

# Patches are large: few batches in one call of the compiled function.
_BATCHES = 4
_PATCHES = 64  # at a time when predicting
_QUICK_PATCHES = 4  # of a song at an epoch's end; spread over the song
_SCALING_SONGS = 500

# What `log10(10000·mel + 1)` multiplies by, and the least length of a crop.
_SCALE = 1e4
_CLIP = 5.0


@dataclass(frozen=True)
class CnnSettings(LearningSettings):
    """Settings of `cnn`."""

    epochs: int = setting_like(LearningSettings, "epochs", 40)
    learning_rate: float = setting_like(
        LearningSettings, "learning_rate", 1e-3, search=(2e-4, 5e-3)
    )
    filters: tuple[int, ...] = setting(
        (16, 32, 64, 128),
        low=4,
        high=512,
        step=4,
        label="Filters",
        help="Convolution filters of each block; each block halves time and frequency.",
        search=((16, 32, 64, 128), (8, 16, 32, 64), (16, 32, 64)),
    )
    dropout: float = setting(
        0.3,
        low=0.0,
        high=0.9,
        step=0.05,
        label="Dropout",
        main=True,
        help="The share of the last values that each step leaves out, against overfitting.",
        search=(0.0, 0.6),
    )
    batch_norm: bool = setting(
        True,
        label="Batch norm",
        help="Standardises what goes into each ReLU; usually learns faster.",
    )
    gain_db: float = setting(
        6.0,
        low=0.0,
        high=12.0,
        step=0.5,
        label="Gain",
        help="Plays each training patch louder or softer by up to this many decibels.",
    )
    crop: float = setting(
        0.9,
        low=0.5,
        high=1.0,
        step=0.05,
        label="Crop",
        help="The share of each training patch that is looked at, from a random place.",
    )


class Cnn(NetworkModel):
    name = "cnn"
    title = "CNN"
    about = (
        "A convolutional network over mel patches of 3 s: it hears the sound's shape in time and "
        "pitch rather than its averages. Slower than the others."
    )
    input = "patches"
    Settings = CnnSettings
    PRESETS: ClassVar = {
        "fast": {"filters": [8, 16, 32, 64], "epochs": 20, "patience": 5},
        "strong": {"schedule": "cosine", "mixup": 0.2, "l2": 1e-5, "epochs": 80, "patience": 20},
    }

    def _build(self, shape: tuple[int, ...]) -> "tuple[keras.Model, keras.Model]":
        import keras
        from keras import layers

        seeds = iter(np.random.default_rng([self.seed, 0]).integers(2**31, size=64).tolist())
        bands = shape[-1]
        # Any number of frames: crops are shorter than patches.
        patches = keras.Input((None, bands), name="patches")
        x = layers.Reshape((-1, bands, 1), name="as_image")(patches)
        for number, filters in enumerate(self.settings.filters, 1):
            first = number == 1
            x = layers.Conv2D(
                filters,
                5 if first else 3,
                # The first block looks at the most places; every second one is enough.
                strides=2 if first else 1,
                padding="same",
                use_bias=not self.settings.batch_norm,
                kernel_initializer=keras.initializers.HeUniform(seed=next(seeds)),
                name=f"conv_{number}",
            )(x)
            if self.settings.batch_norm:
                # Fits of a few hundred steps end before the usual 0.99 has forgotten the start.
                x = layers.BatchNormalization(momentum=0.9, name=f"batch_norm_{number}")(x)
            x = layers.Activation("relu", name=f"relu_{number}")(x)
            x = layers.MaxPooling2D(2, padding="same", name=f"pool_{number}")(x)
        x = layers.Concatenate(name="pooled")(
            [
                layers.GlobalAveragePooling2D(name="mean")(x),
                layers.GlobalMaxPooling2D(name="max")(x),
            ]
        )
        if self.settings.dropout:
            x = layers.Dropout(self.settings.dropout, seed=next(seeds), name="dropout")(x)
        start = keras.initializers.GlorotUniform(seed=next(seeds))
        logits = layers.Dense(len(self.genres_), kernel_initializer=start, name="logits")(x)
        last = "sigmoid" if self.task_ == "multilabel" else "softmax"
        genres = layers.Activation(last, name="genres")(logits)
        return keras.Model(patches, genres, name="cnn"), keras.Model(patches, logits)

    def _scale(self, train: Data) -> Scaling:
        """By band, from one patch of each of some hundred songs."""
        source = _patches(train.x)
        songs = np.unique(np.linspace(0, len(source) - 1, _SCALING_SONGS).astype(np.intp))
        middle = np.asarray(source.counts)[songs] // 2
        frames = source.batch(songs, middle).astype(np.float32).reshape(-1, source.bands)
        return Scaling.of(_finite(frames), _CLIP)

    def _chunks(self, train: Data, rng: np.random.Generator) -> Iterator[Chunk]:
        source = _patches(train.x)
        order = rng.permutation(len(train))
        which = rng.integers(np.asarray(source.counts)[order])
        for part in positions(len(order), self.settings.batch_size, _BATCHES):
            songs = order[part.ravel()]
            patches = source.batch(songs, which[part.ravel()]).astype(np.float32)
            given = self._scaling(augment(patches, self.settings, rng))
            rows = songs.reshape(part.shape)
            chunk = Chunk(
                given.reshape(*rows.shape, *given.shape[1:]), train.y[rows].astype(np.float32), rows
            )
            yield mix(chunk, self.settings.mixup, rng) if self.settings.mixup else chunk

    def _predict(self, x: Any, *, quick: bool = False) -> Floats:
        source, forward, scale = _patches(x), self._forward(), self._scaling
        if source.bands != len(scale.mean):
            raise ModelError(
                f"This model takes patches of {len(scale.mean)} bands, but was given "
                f"{source.bands}. Use the features that it was trained on."
            )
        songs, which = _listing(np.asarray(source.counts), _QUICK_PATCHES if quick else None)
        totals = np.zeros((len(source), len(self.genres_)))
        for start in range(0, len(songs), _PATCHES):
            some = songs[start : start + _PATCHES]
            patches = source.batch(some, which[start : start + _PATCHES]).astype(np.float32)
            np.add.at(totals, some, forward(scale(_finite(patches))).numpy())
        means = totals / np.bincount(songs, minlength=len(source))[:, None]
        return np.asarray(means, np.float32)


def augment(patches: Floats, settings: CnnSettings, rng: np.random.Generator) -> Floats:
    """Patches `[m, frames, bands]` → cropped to the same length and each with a gain of its own."""
    m, frames, _ = patches.shape
    length = max(1, round(frames * settings.crop))
    if length < frames:
        starts = rng.integers(frames - length + 1, size=m)
        at = starts[:, None] + np.arange(length)
        patches = patches[np.arange(m)[:, None], at]
    if settings.gain_db:
        gain_db = rng.uniform(-settings.gain_db, settings.gain_db, (m, 1, 1))
        gain = (10 ** (gain_db / 10)).astype(np.float32)
        patches = np.log10(gain * (np.float32(10) ** patches - 1) + 1)
    return _finite(patches)


def _listing(counts: NDArray[Any], most: int | None) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Every patch as song and number; of each song at most so many, spread over it."""
    taken = counts if most is None else np.minimum(counts, most)
    songs = np.repeat(np.arange(len(counts)), taken)
    number = np.arange(len(songs)) - np.repeat(np.cumsum(taken) - taken, taken)
    which = (number * 2 + 1) * counts[songs] // (taken[songs] * 2)
    return songs, which


def _patches(x: Any) -> PatchSource:
    source: PatchSource = x
    return source


def _finite(patches: Floats) -> Floats:
    if not np.isfinite(patches).all():
        raise ModelError(
            "Some patches hold values that aren't finite numbers. Extract the features again."
        )
    return patches
