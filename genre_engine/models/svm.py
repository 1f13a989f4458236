"""`svm`: support-vector machines with a radial kernel over a vector of features.

Each genre has a machine of its own, against all others. C and the kernel's width are chosen by
folds within train, and what the machines say of the tracks that they haven't learnt from makes
probabilities of their distances (Platt's scaling; for one genre a track, a softmax with one slope).

What is learnt are arrays, so a saved model is `svm.npz`: support vectors as they are scaled, a
weight for each of them and genre, and the calibration.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from genre_engine.errors import ModelError
from genre_engine.models.base import Model, Settings, setting
from genre_engine.models.checkpoint import Checkpoint
from genre_engine.models.class_weights import class_weights, class_weights_setting
from genre_engine.models.data import Data, Floats, Labels
from genre_engine.models.files import Description, check_present, damaged, read_arrays
from genre_engine.models.history import Watch, cross_entropy
from genre_engine.models.inner_folds import inner_folds
from genre_engine.models.onnx_graph import INPUTS, Graph
from genre_engine.models.scaling import Scaling, clip_setting

if TYPE_CHECKING:
    import onnx

FILE = "svm.npz"
# A machine's time grows with the square of its tracks, and more: of a larger train so many are
# drawn.
MOST_TRACKS = 6000
# Tried by inner folds, the one with the other at its first: multiples of one over the number of
# columns, and C.
_WIDTHS = (0.5, 0.25, 1.0, 2.0)
_STRENGTHS = (3.0, 1.0, 10.0, 30.0)
_ROWS = 1024


@dataclass(frozen=True)
class SvmSettings(Settings):
    """Settings of `svm`."""

    strength: float = setting(
        0.0,
        low=0.01,
        high=1000.0,
        log=True,
        label="C",
        main=True,
        help="How much a track on the wrong side costs; large values follow the tracks closely. "
        "0 chooses it by folds within train.",
        search=(0.3, 100.0),
        zero="by inner folds",
    )
    gamma: float = setting(
        0.0,
        low=0.01,
        high=100.0,
        log=True,
        label="Gamma",
        main=True,
        help="How near a track must be to count, times the number of features: small values make "
        "smooth borders. 0 chooses it by folds within train.",
        search=(0.1, 5.0),
        zero="by inner folds",
    )
    class_weights: bool = class_weights_setting()
    clip: float = clip_setting()


class Svm(Model):
    name = "svm"
    title = "Support-vector machine"
    about = (
        "Compares a track with the most telling ones of train: strong with few tracks, slow with "
        "many."
    )
    Settings = SvmSettings
    PRESETS: ClassVar = {"fast": {"strength": 3.0, "gamma": 0.5}, "strong": {}}
    FILES: ClassVar = (FILE,)
    own_form_is_light = True
    _keeps_last = True
    _needs_all = True

    def __init__(self, settings: Any = None, *, seed: int = 0) -> None:
        super().__init__(settings, seed=seed)
        self.scaling_: Scaling | None = None
        self.machines_: Machines | None = None
        self.slopes_: NDArray[np.float64] = np.empty(0)
        self.offsets_: NDArray[np.float64] = np.empty(0)

    def _epochs(self) -> int:
        return 1

    def _learn(self, train: Data, validation: Data, watch: Watch, checkpoint: Checkpoint) -> None:
        if (state := checkpoint.read()) is not None:
            watch.restore(state.history)
            self._take(dict(state.arrays), np.asarray(train.x).shape[1])
            self.chosen_ = dict(state.more.get("chosen", {}))
            return
        if len(train) > MOST_TRACKS:
            watch.progress.log(
                f"It learns from {MOST_TRACKS:,} tracks drawn from {len(train):,}: its time grows "
                "with their square."
            )
            rng = np.random.default_rng([self.seed, 5])
            train = train.take(np.sort(rng.permutation(len(train))[:MOST_TRACKS]))
        x = np.asarray(train.x)
        self.scaling_ = Scaling.of(x, self.settings.clip)
        scaled = self.scaling_(x)
        weights = (
            class_weights(train.y) if self.settings.class_weights else np.ones(train.y.shape[1])
        )
        strength, gamma = self._choose(train, scaled, weights, watch)
        self.machines_ = _machines(scaled, train.y, strength, gamma, weights, self.seed)
        used = {"strength": strength, "gamma": gamma * scaled.shape[1]}
        self.chosen_ = {name: used[name] for name in used if not getattr(self.settings, name)}
        watch.add(
            train.y,
            self._of(scaled),
            validation.y,
            self._of(self.scaling_(np.asarray(validation.x))),
        )
        checkpoint.write(watch.history, self._arrays(), {"chosen": self.chosen_})
        watch.report()

    def _choose(
        self, train: Data, scaled: Floats, weights: NDArray[Any], watch: Watch
    ) -> tuple[float, float]:
        """C and gamma; and the calibration, from what the folds' machines say."""
        unit = 1.0 / max(1, scaled.shape[1])
        folds = list(inner_folds(train, self.seed))
        strengths = (self.settings.strength,) if self.settings.strength else _STRENGTHS
        widths = (self.settings.gamma,) if self.settings.gamma else _WIDTHS
        if not folds:
            self.slopes_, self.offsets_ = np.ones(train.y.shape[1]), np.zeros(train.y.shape[1])
            return strengths[0], widths[0] * unit
        rows = np.concatenate([held for _, held in folds])
        y = train.y[rows]
        found: dict[tuple[float, float], tuple[float, Any]] = {}
        n_tried = len(widths) + len(strengths) - 1

        def loss(strength: float, width: float) -> float:
            if (strength, width) not in found:
                distances = np.concatenate(
                    [
                        _machines(
                            scaled[learnt], train.y[learnt], strength, width * unit, weights, 0
                        ).distances(scaled[held])
                        for learnt, held in folds
                    ]
                )
                calibration = _calibrate(distances, y, self.task_)
                given = _probabilities(distances, *calibration, self.task_)
                found[strength, width] = (cross_entropy(y, given, self.task_), calibration)
                watch.batch(len(found), n_tried)
            return found[strength, width][0]

        width = min(widths, key=lambda width: loss(strengths[0], width))
        strength = min(strengths, key=lambda strength: loss(strength, width))
        self.slopes_, self.offsets_ = found[strength, width][1]
        if len(found) > 1:
            watch.progress.log(
                f"C = {strength:g} and gamma = {width:g} / {scaled.shape[1]}, chosen by "
                f"{len(folds)} folds within train."
            )
        return strength, width * unit

    def _probabilities(self, x: Floats) -> Floats:
        if self.scaling_ is None:
            raise ModelError("This svm has learnt nothing yet. Train it first.")
        parts = [x[start : start + _ROWS] for start in range(0, len(x), _ROWS)]
        return np.concatenate([self._of(self.scaling_(part)) for part in parts])

    def _of(self, scaled: Floats) -> Floats:
        if self.machines_ is None:
            raise ModelError("This svm has learnt nothing yet. Train it first.")
        distances = self.machines_.distances(scaled)
        return _probabilities(distances, self.slopes_, self.offsets_, self.task_)

    def _arrays(self) -> dict[str, NDArray[Any]]:
        if self.scaling_ is None or self.machines_ is None:
            return {}
        return {
            "vectors": self.machines_.vectors,
            "weights": self.machines_.weights,
            "intercepts": self.machines_.intercepts,
            "gamma": np.array(self.machines_.gamma),
            "slopes": self.slopes_,
            "offsets": self.offsets_,
            **self.scaling_.to_arrays(),
        }

    def _take(self, arrays: dict[str, NDArray[Any]], n_columns: int) -> None:
        try:
            names = ("vectors", "weights", "intercepts", "gamma", "slopes", "offsets")
            vectors, weights, intercepts, gamma, slopes, offsets = (arrays[name] for name in names)
        except KeyError as error:
            raise ModelError("The support vectors are damaged. Train the model again.") from error
        n_genres = len(self.genres_)
        if (
            vectors.ndim != 2
            or vectors.shape[1] != n_columns
            or weights.shape != (len(vectors), n_genres)
            or any(part.shape != (n_genres,) for part in (intercepts, slopes, offsets))
            or gamma.shape != ()
            or not all(
                np.isfinite(part).all()
                for part in (vectors, weights, intercepts, gamma, slopes, offsets)
            )
        ):
            raise ModelError("The support vectors are damaged. Train the model again.")
        self.scaling_ = Scaling.from_arrays(arrays, n_columns)
        self.machines_ = Machines(
            vectors.astype(np.float32), weights.astype(np.float32), intercepts, float(gamma)
        )
        self.slopes_, self.offsets_ = slopes, offsets

    def _write(self, folder: Path) -> None:
        np.savez(folder / FILE, allow_pickle=False, **self._arrays())

    @classmethod
    def check(cls, folder: Path, description: Description) -> None:
        check_present(folder, cls.FILES)
        read_arrays(folder, FILE)

    @classmethod
    def onnx(cls, folder: Path, description: Description) -> "onnx.ModelProto":
        model = cls(seed=description.seed)
        model.genres_, model.features_ = description.genres, description.features
        model._read(folder)
        machines, scaling = model.machines_, model.scaling_
        if machines is None or scaling is None:
            raise damaged(folder, FILE)
        graph, x = Graph(), INPUTS[cls.input]
        scaled = graph.scaled(x, scaling)
        own = graph.add(
            "ReduceSum", graph.add("Mul", scaled, scaled), graph.constant(np.array([1])), keepdims=1
        )
        others = graph.add(
            "Gemm",
            scaled,
            graph.constant(-2 * machines.vectors.T),
            graph.constant(np.square(machines.vectors).sum(axis=1)),
        )
        squares = graph.add("Add", own, others)
        near = graph.add(
            "Exp",
            graph.add(
                "Mul",
                graph.add("Relu", squares),
                graph.constant(np.array(-machines.gamma, np.float32)),
            ),
        )
        z = graph.add(
            "Gemm",
            near,
            graph.constant((machines.weights * model.slopes_).astype(np.float32)),
            graph.constant(
                (machines.intercepts * model.slopes_ + model.offsets_).astype(np.float32)
            ),
        )
        many = description.task == "multilabel"
        found = graph.add("Sigmoid", z) if many else graph.add("Softmax", z, axis=-1)
        return graph.model(found, x, (machines.vectors.shape[1],), description)

    def _read(self, folder: Path) -> None:
        arrays = read_arrays(folder, FILE)
        vectors = arrays.get("vectors")
        n_columns = vectors.shape[1] if vectors is not None and vectors.ndim == 2 else 0
        if self.features_.columns and n_columns != len(self.features_.columns):
            raise damaged(folder, FILE, "doesn't fit the features")
        self._take(arrays, n_columns)


@dataclass(frozen=True, eq=False)
class Machines:
    """A machine for each genre, over common support vectors.

    Attributes:
        vectors: float32 [m, columns], scaled.
        weights: float32 [m, n_genres].
        intercepts: float64 [n_genres].
    """

    vectors: Floats
    weights: Floats
    intercepts: NDArray[np.float64]
    gamma: float

    def distances(self, x: Floats) -> NDArray[np.float64]:
        """How far on a genre's side each track is, [n, n_genres]."""
        squares = (
            np.square(x).sum(axis=1)[:, None]
            - 2 * x @ self.vectors.T
            + np.square(self.vectors).sum(axis=1)
        )
        near = np.exp(-self.gamma * np.maximum(squares, 0))
        found: NDArray[np.float64] = near @ self.weights + self.intercepts
        return found


def _machines(
    x: Floats, y: Labels, strength: float, gamma: float, weights: Sequence[float] | Any, seed: int
) -> Machines:
    from joblib import cpu_count
    from sklearn.svm import SVC

    def fit(genre: int) -> Any:
        machine = SVC(
            C=strength,
            gamma=gamma,
            class_weight={0: 1.0, 1: float(weights[genre])},
            random_state=seed,
        )
        return machine.fit(x, y[:, genre])

    # libsvm lets go of the interpreter's lock.
    with ThreadPoolExecutor(cpu_count()) as threads:
        fitted = list(threads.map(fit, range(y.shape[1])))
    used = np.unique(np.concatenate([machine.support_ for machine in fitted]))
    place = np.full(len(x), -1)
    place[used] = np.arange(len(used))
    table = np.zeros((len(used), len(fitted)), np.float32)
    for genre, machine in enumerate(fitted):
        table[place[machine.support_], genre] = machine.dual_coef_[0]
    intercepts = np.array([machine.intercept_[0] for machine in fitted])
    return Machines(np.ascontiguousarray(x[used], np.float32), table, intercepts, gamma)


def _calibrate(
    distances: NDArray[np.float64], y: Labels, task: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Slopes and offsets [n_genres] that make probabilities of distances.

    Targets are Platt's (1999), which never quite reach 0 and 1.
    """
    from scipy.optimize import minimize
    from scipy.special import expit, log_softmax, softmax

    n_genres = y.shape[1]
    if task != "multilabel":
        truth = y.astype(float)
        offsets = np.log(y.mean(axis=0))

        def single(values: NDArray[Any]) -> tuple[float, NDArray[Any]]:
            z = values[0] * distances + values[1:]
            error = (softmax(z, axis=1) - truth) / len(y)
            gradient = np.concatenate([[(error * distances).sum()], error.sum(axis=0)])
            penalty = 1e-3 * (values[1:] - values[1:].mean())
            loss = -(truth * log_softmax(z, axis=1)).sum() / len(y)
            gradient[1:] += penalty - penalty.mean()
            return float(loss + (penalty**2).sum() / 2e-3), gradient

        found = minimize(
            single,
            np.concatenate([[1.0], offsets]),
            jac=True,
            bounds=[(1e-3, 100)] + [(-20, 20)] * n_genres,
        ).x
        return np.full(n_genres, found[0]), found[1:]
    slopes, offsets = np.empty(n_genres), np.empty(n_genres)
    for genre in range(n_genres):
        d, positive = distances[:, genre], y[:, genre] > 0
        n, n_positive = len(d), int(positive.sum())
        target = np.where(positive, (n_positive + 1) / (n_positive + 2), 1 / (n - n_positive + 2))

        def platt(
            values: NDArray[Any], d: Any = d, target: Any = target
        ) -> tuple[float, NDArray[Any]]:
            z = values[0] * d + values[1]
            error = (expit(z) - target) / len(d)
            loss = (np.logaddexp(0, z) - target * z).mean()
            return float(loss), np.array([(error * d).sum(), error.sum()])

        rate = (n_positive + 1) / (n + 2)
        start = np.array([1.0, np.log(rate / (1 - rate))])
        slopes[genre], offsets[genre] = minimize(
            platt, start, jac=True, bounds=[(1e-3, 100), (-20, 20)]
        ).x
    return slopes, offsets


def _probabilities(
    distances: NDArray[np.float64],
    slopes: NDArray[np.float64],
    offsets: NDArray[np.float64],
    task: str,
) -> Floats:
    from scipy.special import expit, softmax

    z = distances * slopes + offsets
    found: Floats = expit(z) if task == "multilabel" else softmax(z, axis=1)
    return found.astype(np.float32)
