"""`linear`: logistic regression over a vector of features.

Where tracks can have several genres, each genre gets a regression of its own, and an epoch is one
genre: those still to come answer with their share of train. Else one regression serves all genres
and there is one epoch.

What is learnt are two arrays, so a saved model is `linear.npz`: coefficients, intercepts, scaling.
"""

import warnings
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

FILE = "linear.npz"
# The strengths that are tried: first these, then what lies beside the best of them.
_TRIED = (1e-3, 1e-2, 1e-1, 1.0)
_BESIDE = 10**0.5
_FALLBACK = 0.01


@dataclass(frozen=True)
class LinearSettings(Settings):
    """Settings of `linear`."""

    strength: float = setting(
        0.0,
        low=1e-6,
        high=100.0,
        log=True,
        label="C",
        main=True,
        help="How closely the regression follows the tracks: small values keep the coefficients "
        "small, against overfitting. 0 chooses it by folds within train.",
        search=(1e-4, 1.0),
        zero="by inner folds",
    )
    class_weights: bool = class_weights_setting()
    max_iterations: int = setting(
        1000,
        low=10,
        high=100_000,
        step=10,
        log=True,
        label="Iterations",
        help="The most iterations of the solver.",
    )
    clip: float = clip_setting()


class Linear(Model):
    name = "linear"
    title = "Logistic regression"
    about = (
        "A weighted sum of the features for each genre: quick, and hard to beat with few tracks."
    )
    Settings = LinearSettings
    PRESETS: ClassVar = {"fast": {"strength": 0.01}, "strong": {}}
    FILES: ClassVar = (FILE,)
    own_form_is_light = True
    _keeps_last = True
    _needs_all = True

    def __init__(self, settings: Any = None, *, seed: int = 0) -> None:
        super().__init__(settings, seed=seed)
        self.scaling_: Scaling | None = None
        self.strength_ = 0.0
        self.coefficients_: NDArray[np.float64] = np.empty((0, 0))
        self.intercepts_: NDArray[np.float64] = np.empty(0)

    def _epochs(self) -> int:
        return len(self.genres_) if self.task_ == "multilabel" else 1

    def _learn(self, train: Data, validation: Data, watch: Watch, checkpoint: Checkpoint) -> None:
        x = np.asarray(train.x)
        self.scaling_ = Scaling.of(x, self.settings.clip)
        scaled, val_scaled = self.scaling_(x), self.scaling_(np.asarray(validation.x))
        shares = train.y.mean(axis=0)
        self.coefficients_ = np.zeros((len(shares), x.shape[1]))
        self.intercepts_ = np.log(shares / (1 - shares))
        if (state := checkpoint.read()) is not None:
            watch.restore(state.history)
            self._take(state.arrays)
        weights = class_weights(train.y) if self.settings.class_weights else np.ones(len(shares))
        self.strength_ = (
            float(state.more["strength"])
            if state is not None and "strength" in state.more
            else self.settings.strength or self._choose(train, weights, watch)
        )
        if not self.settings.strength:
            self.chosen_ = {"strength": self.strength_}
        while not watch.over:
            if self.task_ == "multilabel":
                genre = watch.epoch - 1
                rows, at = self._regression(scaled, train.y, weights, watch, genre)
                self.coefficients_[genre], self.intercepts_[genre] = rows[0], at[0]
            else:
                self.coefficients_, self.intercepts_ = self._regression(
                    scaled, train.y, weights, watch
                )
            watch.add(train.y, self._of(scaled), validation.y, self._of(val_scaled))
            checkpoint.write(watch.history, self._arrays(), {"strength": self.strength_})
            watch.report()

    def _choose(self, train: Data, weights: NDArray[Any], watch: Watch) -> float:
        """The strength with the least loss on folds within train.

        scikit-learn's C weighs the sum over tracks, so what is best for fewer of them is brought to
        all.
        """
        folds = list(inner_folds(train, self.seed))
        if not folds:
            return _FALLBACK
        x, scaling = np.asarray(train.x), self.scaling_
        assert scaling is not None  # noqa: S101, for the type checker
        n = len(folds[0][0])
        losses: dict[float, float] = {}

        def loss(strength: float) -> float:
            if strength not in losses:
                found = 0.0
                self.strength_ = strength
                for learnt, held in folds:
                    given = self._fold_probabilities(
                        scaling(x[learnt]), train.y[learnt], scaling(x[held]), weights, watch
                    )
                    found += cross_entropy(train.y[held], given, self.task_) * len(held)
                losses[strength] = found
                watch.batch(len(losses), len(_TRIED) + 2)
            return losses[strength]

        best = min(_TRIED, key=loss)
        best = min((best / _BESIDE, best, best * _BESIDE), key=loss)
        chosen = float(f"{best * n / len(train):.3g}")
        watch.progress.log(f"C = {chosen:g}, chosen by {len(folds)} folds within train.")
        return chosen

    def _fold_probabilities(
        self, x: Floats, y: Labels, held: Floats, weights: NDArray[Any], watch: Watch
    ) -> Floats:
        if self.task_ != "multilabel":
            self.coefficients_, self.intercepts_ = self._regression(x, y, weights, watch)
        else:
            for genre in range(y.shape[1]):
                rows, at = self._regression(x, y, weights, watch, genre)
                self.coefficients_[genre], self.intercepts_[genre] = rows[0], at[0]
        return self._of(held)

    def _regression(
        self,
        x: Floats,
        y: Labels,
        weights: NDArray[Any],
        watch: Watch,
        genre: int | None = None,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Coefficients and intercepts of a genre's regression, or of one for all genres."""
        if genre is not None:
            return self._solve(x, y[:, genre], {0: 1.0, 1: float(weights[genre])}, watch)
        rows, at = self._solve(x, y.argmax(axis=1), dict(enumerate(weights.tolist())), watch)
        if len(rows) == 1:  # of two classes scikit-learn gives the second's
            return np.vstack([-rows, rows]) / 2, np.concatenate([-at, at]) / 2
        return rows, at

    def _solve(
        self, x: Floats, y: NDArray[Any], per_class: dict[int, float], watch: Watch
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression
        from threadpoolctl import threadpool_limits

        regression = LogisticRegression(
            C=self.strength_,
            max_iter=self.settings.max_iterations,
            class_weight=per_class,
        )
        # The solver's products of a matrix and a vector are so short that several threads wait for
        # one another longer than they work: one alone is four times as fast with 8,000 tracks.
        with warnings.catch_warnings(record=True) as caught, threadpool_limits(1, "blas"):
            warnings.simplefilter("always", ConvergenceWarning)
            regression.fit(x, y)
        if any(issubclass(one.category, ConvergenceWarning) for one in caught):
            watch.progress.log(
                f"The solver stopped after {self.settings.max_iterations} iterations before it "
                "had settled. Allow more iterations, or choose a smaller C."
            )
        return regression.coef_.astype(np.float64), regression.intercept_.astype(np.float64)

    def _probabilities(self, x: Floats) -> Floats:
        if self.scaling_ is None:
            raise ModelError("This linear has learnt nothing yet. Train it first.")
        return self._of(self.scaling_(x))

    def _of(self, scaled: Floats) -> Floats:
        from scipy.special import expit, softmax

        z = scaled @ self.coefficients_.T.astype(np.float32) + self.intercepts_
        found: Floats = expit(z) if self.task_ == "multilabel" else softmax(z, axis=1)
        return found.astype(np.float32)

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {"coefficients": self.coefficients_, "intercepts": self.intercepts_}

    def _take(self, arrays: Any) -> None:
        coefficients, intercepts = arrays.get("coefficients"), arrays.get("intercepts")
        n_genres = len(self.genres_)
        if (
            coefficients is None
            or intercepts is None
            or coefficients.ndim != 2
            or len(coefficients) != n_genres
            or intercepts.shape != (n_genres,)
            or not (np.isfinite(coefficients).all() and np.isfinite(intercepts).all())
        ):
            raise ModelError("The coefficients are damaged. Train the model again.")
        self.coefficients_, self.intercepts_ = coefficients, intercepts

    def _write(self, folder: Path) -> None:
        scaling = {} if self.scaling_ is None else self.scaling_.to_arrays()
        np.savez(folder / FILE, allow_pickle=False, **self._arrays(), **scaling)

    @classmethod
    def check(cls, folder: Path, description: Description) -> None:
        check_present(folder, cls.FILES)
        read_arrays(folder, FILE)

    @classmethod
    def onnx(cls, folder: Path, description: Description) -> "onnx.ModelProto":
        model = cls(seed=description.seed)
        model.genres_, model.features_ = description.genres, description.features
        model._read(folder)
        if model.scaling_ is None:
            raise damaged(folder, FILE)
        graph, x = Graph(), INPUTS[cls.input]
        z = graph.add(
            "Gemm",
            graph.scaled(x, model.scaling_),
            graph.constant(model.coefficients_.T.astype(np.float32)),
            graph.constant(model.intercepts_.astype(np.float32)),
        )
        many = description.task == "multilabel"
        found = graph.add("Sigmoid", z) if many else graph.add("Softmax", z, axis=-1)
        return graph.model(found, x, (model.coefficients_.shape[1],), description)

    def _read(self, folder: Path) -> None:
        arrays = read_arrays(folder, FILE)
        self._take(arrays)
        n_columns = self.coefficients_.shape[1]
        if self.features_.columns and n_columns != len(self.features_.columns):
            raise damaged(folder, FILE, "doesn't fit the features")
        self.scaling_ = Scaling.from_arrays(arrays, n_columns)
