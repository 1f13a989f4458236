"""The musicnn network, rebuilt in Keras 3 and float32, and its input.

Samples at 16 kHz → log-mel patches of 187 frames (3 s) × 96 bands → probabilities of 50 tags a
patch. Source: J. Pons and X. Serra, "musicnn: pre-trained convolutional neural networks for music
audio tagging", 2019 (ISC licence).

The original casts the mel spectrogram to float16 before scaling it by 10,000, which overflows on
loud music; everything here is float32.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genre_engine.audio import spectral

if TYPE_CHECKING:
    import keras

Floats = NDArray[np.float32]
Weights = Mapping[str, Floats]

SAMPLE_RATE = 16000
N_FFT = 512
HOP_LENGTH = 256
N_MELS = 96
PATCH_FRAMES = 187
PATCH_S = PATCH_FRAMES * HOP_LENGTH / SAMPLE_RATE
FRAMES_PER_S = SAMPLE_RATE / HOP_LENGTH

# Patches at a time: more is no faster on a processor and takes more memory.
BATCH = 4

# Channels that are pooled over time: front end and three mid-end maps.
CHANNELS = 753

_EPSILON = 1e-3

# One forward pass at a time in a process: two would only take turns, with twice the memory.
_one_at_a_time = threading.Lock()


def log_mel(power: Floats) -> Floats:
    """Power spectra `[frames, 257]` → what the network takes, float32 `[frames, 96]`."""
    mel = spectral.mel_spectrogram(power, sample_rate=SAMPLE_RATE, n_fft=N_FFT, n_mels=N_MELS)
    mel *= 10000.0
    mel += 1.0
    return np.log10(mel, out=mel)


def power_blocks(blocks: Iterable[Floats]) -> Iterator[Floats]:
    """Samples in blocks → power spectra in blocks, as if the whole had been given at once.

    The first frame is centred on the first sample and the last one lies within half a window of the
    end; half a window of silence is added on both sides.
    """
    yield from spectral.power_of_blocks(blocks, n_fft=N_FFT, hop_length=HOP_LENGTH)


class Network:
    """Patches → tags, by one set of weights.

    Attributes:
        prior_logits: float32 `[50]`, the logit that each tag had on average in training: what the
            last layers give when the last batch norm's input is at its training mean.
    """

    def __init__(self, weights: Weights) -> None:
        import tensorflow as tf

        self._model = _build(weights)
        self._forward = tf.function(
            lambda patches: self._model(patches, training=False),
            input_signature=[tf.TensorSpec([None, PATCH_FRAMES, N_MELS], tf.float32)],
        )
        self.prior_logits: Floats = (
            weights["batch_normalization_10/beta"] @ weights["dense_1/kernel"]
            + weights["dense_1/bias"]
        )

    def __call__(self, patches: Floats) -> Floats:
        """float32 `[n, 187, 96]` → probabilities, float32 `[n, 50]`."""
        with _one_at_a_time:
            batches = [
                self._forward(patches[start : start + BATCH]).numpy()
                for start in range(0, len(patches), BATCH)
            ]
        return np.concatenate(batches) if batches else np.empty((0, 50), np.float32)

    def mean_over_time(self, patches: Floats) -> Floats:
        """float32 `[n, 187, 96]` → each channel's mean over a patch, float32 `[n, 753]`."""
        # Greatest and mean stand in pairs.
        return self.layers(patches, ("pooled",))[0][:, 1::2]

    def layers(self, patches: Floats, names: tuple[str, ...]) -> list[Floats]:
        """What some of the layers give for patches, float32 `[n, width]` each."""
        with _one_at_a_time:
            forward = self._until(names)
            batches = [
                [rows.numpy() for rows in forward(patches[start : start + BATCH])]
                for start in range(0, len(patches), BATCH)
            ]
        return [np.concatenate(rows) for rows in zip(*batches, strict=True)]

    @cache  # noqa: B019 - a network lives as long as its process
    def _until(self, names: tuple[str, ...]) -> Any:
        import keras
        import tensorflow as tf

        outputs = [self._model.get_layer(name).output for name in names]
        model = keras.Model(self._model.input, outputs)
        return tf.function(
            # One output comes without its list.
            lambda patches: tf.nest.flatten(model(patches, training=False)),
            input_signature=[tf.TensorSpec([None, PATCH_FRAMES, N_MELS], tf.float32)],
        )


def _build(weights: Weights) -> "keras.Model":
    import keras
    from keras import layers

    def batch_norm(number: int) -> Any:
        return layers.BatchNormalization(
            epsilon=_EPSILON, name=_numbered("batch_normalization", number)
        )

    class Normalised(layers.Layer):  # type: ignore[misc]
        """ReLU and batch norm, for what `_turned` gives: two scales and an offset a channel."""

        def __init__(self, numbers: tuple[Floats, ...], name: str) -> None:
            super().__init__(name=name)
            self._numbers = numbers

        def call(self, x: Any) -> Any:
            above, below, offset = self._numbers
            return above * keras.ops.relu(x) + below * keras.ops.relu(-x) + offset

    kernels, scales = _turned(weights)

    def loudest(number: int, x: Any, padding: str = "valid") -> Any:
        """Convolution, ReLU, batch norm, and the greatest over all bands: `[187, channels]`."""
        conv = _numbered("conv2d", number)
        *size, _, filters = kernels[f"{conv}/kernel"].shape
        x = layers.Conv2D(filters, size, padding=padding, name=conv)(x)
        x = layers.MaxPooling2D((1, x.shape[2]), name=f"loudest_{number}")(x)
        x = layers.Reshape((PATCH_FRAMES, filters), name=f"branch_{number}")(x)
        return Normalised(scales[number], name=f"normalised_{number}")(x)

    # Every layer is named: unnamed ones get clashing names where another thread has built before.
    patches = keras.Input((PATCH_FRAMES, N_MELS), name="patches")
    x = layers.Reshape((PATCH_FRAMES, N_MELS, 1), name="as_image")(patches)
    x = batch_norm(0)(x)
    padded = layers.ZeroPadding2D(((3, 3), (0, 0)), name="padded")(x)
    branches = [
        *(loudest(number, padded) for number in (0, 1)),
        *(loudest(number, x, "same") for number in (2, 3, 4)),
    ]
    front = layers.Concatenate(name="front")(branches)

    # The original's 7 × (all channels) filters over one channel are convolutions over time.
    def mid(number: int, y: Any) -> Any:
        y = layers.ZeroPadding1D(3, name=f"padded_{number}")(y)
        y = layers.Conv1D(64, 7, activation="relu", name=_numbered("conv2d", number))(y)
        return batch_norm(number + 1)(y)

    mid_1 = mid(5, front)
    mid_2 = layers.Add(name="mid_2")([mid(6, mid_1), mid_1])
    mid_3 = layers.Add(name="mid_3")([mid(7, mid_2), mid_2])
    channels = layers.Concatenate(name="channels")([front, mid_1, mid_2, mid_3])
    width = channels.shape[2]
    pools = [
        layers.Reshape((width, 1), name="max")(
            layers.GlobalMaxPooling1D(name="max_over_time")(channels)
        ),
        layers.Reshape((width, 1), name="mean")(
            layers.GlobalAveragePooling1D(name="mean_over_time")(channels)
        ),
    ]
    pooled = layers.Flatten(name="pooled")(layers.Concatenate(name="pairs")(pools))
    y = batch_norm(10)(layers.Dense(200, activation="relu", name="dense")(batch_norm(9)(pooled)))
    tags = layers.Dense(50, activation="sigmoid", name="dense_1")(y)
    model = keras.Model(patches, tags)
    for layer in model.layers:
        if layer.weights:
            layer.set_weights(
                [
                    np.reshape(kernels[f"{layer.name}/{variable.name}"], variable.shape)
                    for variable in layer.weights
                ]
            )
    return model


def _turned(weights: Weights) -> tuple[Weights, list[tuple[Floats, Floats, Floats]]]:
    """Weights with which the front end's batch norms can wait until the greatest band was taken.

    A norm scales and shifts each channel, so the greatest before it gives the greatest after it, of
    a hundredth of the numbers. Where it scales by less than nothing, the greatest comes from the
    least: there the filter's sign is turned, and what lies below nothing counts.

    Returns:
        The weights, and for each convolution of the front end three `[channels]`: the scale of what
        lies above nothing, of what lies below, and the offset.
    """
    turned, scales = dict(weights), []
    for number in range(5):
        norm, conv = f"batch_normalization_{number + 1}", _numbered("conv2d", number)
        gamma, beta, mean, variance = (
            weights[f"{norm}/{name}"]
            for name in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        scale = gamma / np.sqrt(variance + np.float32(_EPSILON))
        for name in (f"{conv}/kernel", f"{conv}/bias"):
            turned[name] = weights[name] * np.sign(scale)
        scales.append((np.maximum(scale, 0), np.minimum(scale, 0), beta - mean * scale))
    return turned, scales


def _numbered(name: str, number: int) -> str:
    return f"{name}_{number}" if number else name
