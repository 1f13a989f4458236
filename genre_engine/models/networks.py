"""How networks learn: settings, loss and loop that `fcn` and `cnn` share.

Keras' own `fit` spends most of its time between batches when a network is small. Here a whole
handful of batches is one call of a compiled function, and figures come from the predictions that
training makes anyway: two to three times as fast, watched and all.

Everything random but dropout is drawn by NumPy from a generator made of the seed and the epoch;
dropout's state is among the network's variables. So a checkpoint needs the variables of network and
optimiser and the best weights, no more.
"""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from genre_engine.errors import ModelError
from genre_engine.models import keras_file, onnx_layers
from genre_engine.models.base import Model, Settings, setting
from genre_engine.models.batches import Chunk
from genre_engine.models.checkpoint import Checkpoint, State
from genre_engine.models.class_weights import class_weights, class_weights_setting
from genre_engine.models.data import Data, Floats
from genre_engine.models.files import Description, check_present, damaged, read_arrays
from genre_engine.models.history import Watch, cross_entropy
from genre_engine.models.onnx_graph import INPUTS, Graph
from genre_engine.models.scaling import Scaling
from genre_engine.storage.native_stderr import native_noise_filtered

if TYPE_CHECKING:
    import keras
    import onnx

NETWORK = "network.keras"
SCALING = "scaling.npz"

SCHEDULES = ("constant", "cosine", "plateau")
LOSSES = ("cross-entropy", "focal")


@dataclass(frozen=True)
class LearningSettings(Settings):
    """What all networks can be set about learning."""

    epochs: int = setting(
        64,
        low=1,
        high=1000,
        step=1,
        label="Epochs",
        main=True,
        help="The most epochs; learning ends earlier when validation stops improving.",
    )
    patience: int = setting(
        10,
        low=1,
        high=200,
        step=1,
        label="Patience",
        help="After how many epochs without a better validation loss learning ends.",
    )
    batch_size: int = setting(
        32,
        low=4,
        high=1024,
        step=4,
        log=True,
        label="Batch size",
        main=True,
        help="Tracks a step. Larger is faster, smaller finds finer minima.",
        search=(16, 128),
    )
    learning_rate: float = setting(
        1e-4,
        low=1e-6,
        high=0.1,
        log=True,
        label="Learning rate",
        main=True,
        help="How far a step goes. Too large jumps about, too small takes long.",
        search=(3e-5, 3e-3),
    )
    schedule: str = setting(
        "constant",
        choices=SCHEDULES,
        label="Schedule",
        help="The learning rate over epochs: constant, falling along a cosine, or halved whenever "
        "half the patience has passed without a better validation loss.",
        search=SCHEDULES,
    )
    l2: float = setting(
        0.0,
        low=0.0,
        high=0.1,
        step=0.0001,
        label="L2",
        help="Pulls the weights towards zero, against overfitting.",
        search=(0.0, 0.001),
    )
    loss: str = setting(
        "cross-entropy",
        choices=LOSSES,
        label="Loss",
        help="What is minimised. Focal loss looks at hard cases more; it spoils probabilities, "
        "which calibration corrects.",
        search=LOSSES,
    )
    focal_gamma: float = setting(
        2.0,
        low=0.0,
        high=5.0,
        step=0.1,
        label="Focal gamma",
        help="How much focal loss prefers hard cases; 0 is cross-entropy.",
    )
    class_weights: bool = class_weights_setting()
    label_smoothing: float = setting(
        0.0,
        low=0.0,
        high=0.3,
        step=0.01,
        label="Label smoothing",
        help="Takes labels for a little less certain than they are written.",
        search=(0.0, 0.1),
    )
    mixup: float = setting(
        0.0,
        low=0.0,
        high=1.0,
        step=0.05,
        label="Mixup",
        help="Learns from mixtures of two tracks; 0 is off, 0.2 usual.",
        search=(0.0, 0.4),
    )


class NetworkModel(Model):
    """Base of the networks: a subclass builds the network and feeds it."""

    FILES: ClassVar = (NETWORK, SCALING)
    stops_early = True

    def __init__(self, settings: Any = None, *, seed: int = 0) -> None:
        super().__init__(settings, seed=seed)
        self.network_: keras.Model | None = None
        self.scaling_: Scaling | None = None
        self._compiled: tuple[Any, Any] | None = None

    @abstractmethod
    def _build(self, shape: tuple[int, ...]) -> "tuple[keras.Model, keras.Model]":
        """A network that gives probabilities, and the same that stops before the last function."""

    @abstractmethod
    def _scale(self, train: Data) -> Scaling:
        """Learn the scaling from train."""

    @abstractmethod
    def _chunks(self, train: Data, rng: np.random.Generator) -> Iterator[Chunk]:
        """One epoch of train, scaled and augmented, in a new order."""

    @abstractmethod
    def _predict(self, x: Any, *, quick: bool = False) -> Floats:
        """Probabilities of songs; quick may look at less of each."""

    @classmethod
    def for_epochs(cls, settings: Any, epochs: int) -> Any:
        return replace(settings, epochs=max(1, epochs))

    def _epochs(self) -> int:
        return int(self.settings.epochs)

    def _patience(self) -> int | None:
        return int(self.settings.patience)

    def _learn(self, train: Data, validation: Data, watch: Watch, checkpoint: Checkpoint) -> None:
        with native_noise_filtered():
            import tensorflow  # noqa: F401, its first import writes to standard error
        self.scaling_ = self._scale(train)
        shape = _shape(train.x)
        self.network_, logits = self._build(shape)
        learner = _Learner(self.settings, logits, train)
        best = [variable.numpy() for variable in self.network_.weights]
        if (state := checkpoint.read()) is not None:
            watch.restore(state.history)
            best = _restore(learner.variables, best, state)
        n = len(train)
        while not watch.over:
            learner.rate(_learning_rate(self.settings, watch))
            rng = np.random.default_rng([self.seed, watch.epoch])
            running = np.zeros(train.y.shape, np.float32)
            done, batches, lost = 0, -(-n // self.settings.batch_size), 0.0
            for chunk in self._chunks(train, rng):
                got = learner.learn(chunk.x, chunk.y)
                running[chunk.rows.ravel()] = got.reshape(-1, got.shape[-1])
                done += len(chunk.x)
                rows = chunk.rows.ravel()
                lost += cross_entropy(train.y[rows], running[rows], train.task) * len(rows)
                seen = min(done * self.settings.batch_size, n)
                watch.batch(done, batches, lost / seen)
            if not np.isfinite(running).all():
                raise ModelError(
                    f"The network's numbers overflowed in epoch {watch.epoch}. Choose a smaller "
                    "learning rate."
                )
            scores = self._predict(validation.x, quick=True)
            if watch.add(train.y, running, validation.y, scores):
                best = [variable.numpy() for variable in self.network_.weights]
            arrays = {f"variable_{i}": v.numpy() for i, v in enumerate(learner.variables)}
            arrays |= {f"best_{i}": array for i, array in enumerate(best)}
            checkpoint.write(watch.history, arrays)
            watch.report()
        self.network_.set_weights(best)

    def _probabilities(self, x: Any) -> Floats:
        return self._predict(x)

    def _forward(self) -> Any:
        """The network as a compiled function, batch → probabilities."""
        import tensorflow as tf

        network = self.network_
        if network is None:
            raise ModelError(f"This {self.name} has learnt nothing yet. Train it first.")
        if self._compiled is None or self._compiled[0] is not network:
            compiled = tf.function(
                lambda batch: network(batch, training=False),
                input_signature=[tf.TensorSpec([None, *network.input_shape[1:]], tf.float32)],
            )
            self._compiled = (network, compiled)
        return self._compiled[1]

    @property
    def _scaling(self) -> Scaling:
        if self.scaling_ is None:
            raise ModelError(f"This {self.name} has learnt nothing yet. Train it first.")
        return self.scaling_

    def _write(self, folder: Path) -> None:
        if self.network_ is not None and self.scaling_ is not None:
            keras_file.save(self.network_, folder, NETWORK)
            np.savez(folder / SCALING, allow_pickle=False, **self.scaling_.to_arrays())

    @classmethod
    def check(cls, folder: Path, description: Description) -> None:
        check_present(folder, cls.FILES)
        keras_file.check(folder, NETWORK)
        read_arrays(folder, SCALING)

    @classmethod
    def onnx(cls, folder: Path, description: Description) -> "onnx.ModelProto":
        shape = onnx_layers.input_shape(folder, NETWORK)
        columns = len(description.features.columns)
        if columns and shape != (columns,):
            raise damaged(folder, NETWORK, "doesn't fit the features")
        width = shape[-1]
        if width is None:
            raise damaged(folder, NETWORK)
        scaling = Scaling.from_arrays(read_arrays(folder, SCALING), width)
        graph, x = Graph(), INPUTS[cls.input]
        found = onnx_layers.add_layers(graph, graph.scaled(x, scaling), folder, NETWORK)
        return graph.model(found, x, shape, description)

    def _read(self, folder: Path) -> None:
        with native_noise_filtered():
            self.network_ = keras_file.load(folder, NETWORK)
        shape = self.network_.input_shape
        if self.network_.output_shape != (None, len(self.genres_)):
            raise damaged(folder, NETWORK, "doesn't fit the genres")
        columns = len(self.features_.columns)
        if columns and shape != (None, columns):
            raise damaged(folder, NETWORK, "doesn't fit the features")
        self.scaling_ = Scaling.from_arrays(read_arrays(folder, SCALING), shape[-1])


def _shape(x: Any) -> tuple[int, ...]:
    """Of one track's vector, or of one patch."""
    return (x.shape[1],) if isinstance(x, np.ndarray) else (x.frames, x.bands)


def _learning_rate(settings: LearningSettings, watch: Watch) -> float:
    """Of the epoch to come; a function of the history alone, so that a resumed fit goes the same
    way."""
    if settings.schedule == "cosine":
        done = (watch.epoch - 1) / settings.epochs
        return settings.learning_rate * (0.01 + 0.99 * (1 + float(np.cos(np.pi * done))) / 2)
    if settings.schedule == "plateau":
        halvings = waited = 0
        for epoch in watch.history:
            waited = 0 if epoch["best"] else waited + 1
            if waited >= max(1, settings.patience // 2):
                halvings, waited = halvings + 1, 0
        return settings.learning_rate * 0.5**halvings
    return settings.learning_rate


def _restore(variables: list[Any], best: list[Any], state: State) -> list[Any]:
    """Put a checkpoint's arrays into the variables; returns its best weights."""
    try:
        for number, variable in enumerate(variables):
            array = state.arrays[f"variable_{number}"]
            if array.shape != tuple(variable.shape):
                raise ValueError("of another shape")
            variable.assign(array)
        return [state.arrays[f"best_{number}"] for number in range(len(best))]
    except (KeyError, ValueError, TypeError) as error:
        raise ModelError(
            "The checkpoint doesn't fit this network. Remove it to train from the start."
        ) from error


class _Learner:
    """A network, its optimiser, and the compiled function that takes steps."""

    def __init__(self, settings: LearningSettings, logits: "keras.Model", train: Data) -> None:
        import keras
        import tensorflow as tf

        optimiser = keras.optimizers.Adam(settings.learning_rate)
        optimiser.build(logits.trainable_variables)
        self._optimiser = optimiser
        # Dropout's counters are among the network's variables, Adam's moments and step among the
        # optimiser's.
        self.variables = [*logits.variables, *optimiser.variables]
        weights = tf.constant(
            class_weights(train.y)
            if settings.class_weights
            else np.ones(train.y.shape[1], np.float32)
        )
        trained = logits.trainable_variables
        kernels = [variable for variable in trained if len(variable.shape) > 1]
        one_each = train.task != "multilabel"
        gamma = settings.focal_gamma if settings.loss == "focal" else 0.0
        smoothing, n_genres = settings.label_smoothing, train.y.shape[1]

        def loss_of(y: Any, z: Any) -> Any:
            certain = (
                y * (1 - smoothing) + smoothing / n_genres
                if one_each
                else y * (1 - smoothing) + smoothing / 2
            )
            if one_each:
                cells = -certain * tf.nn.log_softmax(z)
                if gamma:
                    cells *= (1 - tf.nn.softmax(z)) ** gamma
                return tf.reduce_mean(tf.reduce_sum(cells * weights, axis=-1))
            cells = tf.nn.sigmoid_cross_entropy_with_logits(labels=certain, logits=z)
            if gamma:
                p = tf.sigmoid(z)
                cells *= tf.abs(certain - p) ** gamma
            return tf.reduce_mean(cells * (1 + (weights - 1) * y))

        shape = [None, None, *logits.input_shape[1:]]

        @tf.function(  # type: ignore[untyped-decorator]
            input_signature=[
                tf.TensorSpec(shape, tf.float32),
                tf.TensorSpec([None, None, n_genres], tf.float32),
            ]
        )
        def steps(xs: Any, ys: Any) -> Any:
            n = tf.shape(xs)[0]
            given = tf.TensorArray(tf.float32, size=n)
            for number in tf.range(n):
                with tf.GradientTape() as tape:
                    z = logits(xs[number], training=True)
                    loss = loss_of(ys[number], z)
                    if settings.l2:
                        loss += settings.l2 * tf.add_n([tf.reduce_sum(k**2) for k in kernels])
                optimiser.apply(tape.gradient(loss, trained))
                given = given.write(number, tf.nn.softmax(z) if one_each else tf.sigmoid(z))
            return given.stack()

        self._steps = steps

    def rate(self, value: float) -> None:
        """Set the learning rate."""
        self._optimiser.learning_rate = value

    def learn(self, x: Floats, y: Floats) -> Floats:
        """A step for each batch → what the network said before each, `[batches, size, genres]`."""
        given: Floats = self._steps(x, y).numpy()
        return given
