"""`fcn`: dense layers over a vector of features.

The preset "course project" is that project's network: three dense layers of 256, 128 and 64, half
of the last one's units dropped, Adam at 1e-4, batches of 32, at most 64 epochs. The defaults learn
faster and are regularised more; they were chosen on tables of other fields (`benchmarks/models.py`
measures them). "FCN" means fully connected here, not convolutional.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from genre_engine.models.base import setting
from genre_engine.models.batches import Chunk, mix, positions
from genre_engine.models.data import Data, Floats
from genre_engine.models.networks import LearningSettings, NetworkModel
from genre_engine.models.scaling import Scaling, clip_setting
from genre_engine.models.settings import setting_like

if TYPE_CHECKING:
    import keras

# Batches in one call of the compiled function: enough that the call costs nothing beside them,
# few enough that a stop is heard within a tenth of a second.
_BATCHES = 64
_ROWS = 2048


@dataclass(frozen=True)
class FcnSettings(LearningSettings):
    """Settings of `fcn`."""

    epochs: int = setting_like(LearningSettings, "epochs", 150)
    patience: int = setting_like(LearningSettings, "patience", 15)
    learning_rate: float = setting_like(LearningSettings, "learning_rate", 1e-3)
    mixup: float = setting_like(LearningSettings, "mixup", 0.1)
    layers: tuple[int, ...] = setting(
        (256, 128),
        low=4,
        high=2048,
        step=4,
        label="Layers",
        help="Units of each dense layer, first to last.",
        search=((256, 128), (256, 128, 64), (512, 256), (256,)),
    )
    dropout: float = setting(
        0.3,
        low=0.0,
        high=0.9,
        step=0.05,
        label="Dropout",
        main=True,
        help="The share of units that each step leaves out, against overfitting.",
        search=(0.1, 0.7),
    )
    dropout_everywhere: bool = setting(
        True,
        label="Dropout after every layer",
        help="Drops units after every dense layer, not only after the last.",
        search=(False, True),
    )
    batch_norm: bool = setting(
        False,
        label="Batch norm",
        help="Standardises what goes into each ReLU; usually learns faster.",
        search=(False, True),
    )
    noise: float = setting(
        0.1,
        low=0.0,
        high=1.0,
        step=0.05,
        label="Noise",
        help="Adds noise to the training tracks' features, in standard deviations.",
        search=(0.0, 0.3),
    )
    clip: float = clip_setting()


class Fcn(NetworkModel):
    name = "fcn"
    title = "FCN"
    about = (
        "A small network of dense layers, as in the course project. FCN means fully connected, "
        "not convolutional."
    )
    Settings = FcnSettings
    PRESETS: ClassVar = {
        "course project": {
            "layers": [256, 128, 64],
            "learning_rate": 1e-4,
            "batch_size": 32,
            "epochs": 64,
            "patience": 10,
            "dropout": 0.5,
            "dropout_everywhere": False,
            "noise": 0.0,
            "mixup": 0.0,
        },
        "fast": {"batch_size": 128, "epochs": 30, "patience": 5},
        "strong": {
            "layers": [512, 256],
            "learning_rate": 5e-4,
            "schedule": "cosine",
            "batch_norm": True,
            "dropout": 0.5,
            "mixup": 0.2,
            "l2": 1e-5,
        },
    }

    def _build(self, shape: tuple[int, ...]) -> "tuple[keras.Model, keras.Model]":
        import keras
        from keras import layers

        seeds = iter(np.random.default_rng([self.seed, 0]).integers(2**31, size=64).tolist())

        def drop(x: Any, name: str) -> Any:
            if not self.settings.dropout:
                return x
            return layers.Dropout(self.settings.dropout, seed=next(seeds), name=name)(x)

        # Every layer is named: unnamed ones get clashing names where another thread has built
        # before.
        features = x = keras.Input(shape, name="features")
        sizes = self.settings.layers
        for number, size in enumerate(sizes, 1):
            start = keras.initializers.GlorotUniform(seed=next(seeds))
            x = layers.Dense(size, kernel_initializer=start, name=f"dense_{number}")(x)
            if self.settings.batch_norm:
                x = layers.BatchNormalization(name=f"batch_norm_{number}")(x)
            x = layers.Activation("relu", name=f"relu_{number}")(x)
            if self.settings.dropout_everywhere or number == len(sizes):
                x = drop(x, f"dropout_{number}")
        start = keras.initializers.GlorotUniform(seed=next(seeds))
        logits = layers.Dense(len(self.genres_), kernel_initializer=start, name="logits")(x)
        last = "sigmoid" if self.task_ == "multilabel" else "softmax"
        genres = layers.Activation(last, name="genres")(logits)
        return keras.Model(features, genres, name="fcn"), keras.Model(features, logits)

    def _scale(self, train: Data) -> Scaling:
        return Scaling.of(np.asarray(train.x), self.settings.clip)

    def _chunks(self, train: Data, rng: np.random.Generator) -> Iterator[Chunk]:
        order = rng.permutation(len(train))
        x, scale = np.asarray(train.x), self._scaling
        for part in positions(len(order), self.settings.batch_size, _BATCHES):
            rows = order[part]
            given = scale(x[rows.ravel()])
            if self.settings.noise:
                given += rng.standard_normal(given.shape, np.float32) * self.settings.noise
            chunk = Chunk(given.reshape(*rows.shape, -1), train.y[rows].astype(np.float32), rows)
            yield mix(chunk, self.settings.mixup, rng) if self.settings.mixup else chunk

    def _predict(self, x: Floats, *, quick: bool = False) -> Floats:
        forward, scale = self._forward(), self._scaling
        parts = [
            forward(scale(x[start : start + _ROWS])).numpy() for start in range(0, len(x), _ROWS)
        ]
        return np.concatenate(parts)
