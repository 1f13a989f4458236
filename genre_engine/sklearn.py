"""The engine by scikit-learn's conventions: for pipelines, cross-validation and grid searches.

    from sklearn.pipeline import make_pipeline
    from genre_engine.sklearn import AudioFeatures, GenreClassifier
    genres = make_pipeline(AudioFeatures("summary"), GenreClassifier("svm"))
    genres.fit(paths, labels).predict(more_paths)

This module imports scikit-learn; nothing else in the engine does until it is needed.
"""

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from genre_engine import features, models, splits
from genre_engine.errors import AudioError, GenreEngineError, WrongUsage
from genre_engine.features import EXCERPT_S
from genre_engine.features.base import Kind
from genre_engine.models import Data, FeatureInfo
from genre_engine.storage.workspace import make_folder, replacing

_READ_BLOCK = 1 << 20


class AudioFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Paths of audio files → one vector a file.

    Args:
        kind: a kind of features that are vectors: `summary`, `embedding`, `discogs`.
        excerpt_s: how much of each file's middle stands for it; None for all of it.
        n_jobs: as joblib takes it.
        cache: a folder where vectors are kept by the file's content; None for none.
    """

    def __init__(
        self,
        kind: str = "summary",
        *,
        excerpt_s: float | None = EXCERPT_S,
        n_jobs: int | None = None,
        cache: str | Path | None = None,
    ) -> None:
        self.kind = kind
        self.excerpt_s = excerpt_s
        self.n_jobs = n_jobs
        self.cache = cache

    def fit(self, X: Sequence[str | Path], y: Any = None) -> Self:  # noqa: N803, scikit-learn's
        """Nothing is learnt: only the kind is checked.

        Raises:
            WrongUsage: there is no such kind, or it makes patches.
        """
        self._kind()
        return self

    def transform(self, X: Sequence[str | Path]) -> NDArray[np.float32]:  # noqa: N803
        """Vectors, float32 [n, columns].

        Raises:
            WrongUsage: X isn't a list of paths.
            ValueError: a file can't be read; it is named.
        """
        from joblib import Parallel, delayed

        kind = self._kind()
        paths = _paths(X)
        kind.prepare()
        cache = None if self.cache is None else Path(self.cache)
        rows = Parallel(n_jobs=self.n_jobs)(delayed(_vector)(kind, path, cache) for path in paths)
        return np.stack(rows) if rows else np.empty((0, len(kind.columns)), np.float32)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Names of the columns."""
        return np.array(self._kind().columns, dtype=object)

    def _kind(self) -> Kind:
        kind = features.kind(self.kind, excerpt_s=self.excerpt_s)
        if not kind.is_vector:
            raise WrongUsage(f"{self.kind} features aren't vectors. Choose summary or embedding.")
        return kind

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.requires_fit = False
        return tags


def _paths(given: Any) -> list[Path]:
    if isinstance(given, str | Path):
        raise WrongUsage("Give a list of paths, not a single one.")
    return [Path(str(path)) for path in np.asarray(given, dtype=object).ravel().tolist()]


def _vector(kind: Kind, path: Path, cache: Path | None) -> NDArray[np.float32]:
    if cache is None:
        return _computed(kind, path)
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_READ_BLOCK):
                digest.update(block)
    except OSError:
        return _computed(kind, path)  # which says what is wrong
    kept = cache / f"{kind.name}-{kind.fingerprint}-{digest.hexdigest()}.npy"
    try:
        found = np.load(kept, allow_pickle=False)
        if found.dtype == np.float32 and found.shape == (len(kind.columns),):
            return np.asarray(found)
    except (OSError, ValueError):
        pass  # not there, or damaged: computed and written again
    found = _computed(kind, path)
    make_folder(cache)
    with replacing(kept) as temporary, temporary.open("wb") as file:
        np.save(file, found, allow_pickle=False)
    return found


def _computed(kind: Kind, path: Path) -> NDArray[np.float32]:
    try:
        return np.asarray(kind.compute_source(path), np.float32)
    except AudioError as error:
        raise ValueError(f"{path.name}: {error}") from error


class GenreClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Each of the engine's models over vectors, as an estimator.

    A target of labels makes one genre a track; a matrix of zeros and ones several.

    Args:
        model: one of `models.NAMES` that takes vectors.
        settings: those that differ from the model's defaults.
        validation_fraction: the share of tracks that stops a model that stops early.
        random_state: the seed, a whole number.

    Attributes:
        classes_: the labels; for a matrix the numbers of its columns.
        model_: the model that has learnt.
    """

    def __init__(
        self,
        model: str = "linear",
        *,
        settings: Mapping[str, Any] | None = None,
        validation_fraction: float = 0.1,
        random_state: int | None = 0,
    ) -> None:
        self.model = model
        self.settings = settings
        self.validation_fraction = validation_fraction
        self.random_state = random_state

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:  # noqa: N803
        """Learn from vectors [n, columns] and their labels.

        Args:
            groups: the artist of each track, for models that choose settings by inner folds.

        Raises:
            ValueError: X or y can't be learnt from; the message says why.
        """
        x, y = validate_data(self, X, y, dtype=np.float32, multi_output=True)
        check_classification_targets(y)
        if type_of_target(y) == "multilabel-indicator":
            truth = (np.asarray(y) > 0).astype(np.uint8)
            self.classes_ = np.arange(truth.shape[1])
            task = "multilabel"
        else:
            y = column_or_1d(y, warn=True)
            self.classes_, codes = np.unique(y, return_inverse=True)
            if len(self.classes_) < 2:
                raise ValueError("There is one class only: at least two are needed to learn from.")
            truth = np.eye(len(self.classes_), dtype=np.uint8)[codes]
            task = "binary" if len(self.classes_) == 2 else "multiclass"
        info = FeatureInfo("table", "", tuple(f"x{number}" for number in range(x.shape[1])))
        units = None if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
        names = tuple(f"{number}" for number in range(truth.shape[1]))
        data = Data(np.ascontiguousarray(x), truth, names, task, info, units)
        try:
            self.model_ = self._fitted(data)
        except GenreEngineError as error:
            raise ValueError(str(error)) from error
        return self

    def _fitted(self, data: Data) -> models.Model:
        kind = models.model(self.model)
        if kind.input != "vector":
            raise WrongUsage(f"{self.model} takes patches, not vectors. Choose another model.")
        seed = 0 if self.random_state is None else int(self.random_state)
        made = kind(kind.Settings.from_dict(self.settings or {}), seed=seed)
        stops = self._stopping(data, seed) if kind.stops_early else None
        if stops is None:
            return made.fit(data, None)
        return made.fit(data.take(~stops), data.take(stops))

    def _stopping(self, data: Data, seed: int) -> NDArray[np.bool_] | None:
        """The tracks that stop the learning; None where none can be spared."""
        units = np.arange(len(data)) if data.groups is None else data.groups
        share = float(self.validation_fraction)
        if not 0 < share < 1:
            raise WrongUsage(f"validation_fraction lies between 0 and 1, not {share:g}.")
        if len(np.unique(units)) < 2:
            return None
        rng = np.random.default_rng(seed)
        stops = splits.partition(units, data.y, [1 - share, share], rng) == 1
        learnt = data.y[~stops]
        return stops if stops.any() and learnt.any(axis=0).all() else None

    def predict_proba(self, X: Any) -> NDArray[np.float32]:  # noqa: N803
        """Probabilities, float32 [n, classes].

        Raises:
            NotFittedError: nothing is learnt yet.
            ValueError: X is of another shape, or not finite.
        """
        check_is_fitted(self, "model_")
        x = validate_data(self, X, dtype=np.float32, reset=False)
        return self.model_.predict_proba(np.ascontiguousarray(x))

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """The likeliest label of each row; for a matrix zeros and ones [n, classes]."""
        p = self.predict_proba(X)
        if self.model_.task_ == "multilabel":
            return (p >= 0.5).astype(np.int64)
        return np.asarray(self.classes_[p.argmax(axis=1)])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        """What a pickle holds: the model as the files of a saved one."""
        state: dict[str, Any] = dict(super().__getstate__())
        model = state.pop("model_", None)
        if model is not None:
            with tempfile.TemporaryDirectory() as room:
                folder = Path(room, "model")
                model.save(folder)
                state["model_files"] = {
                    path.name: path.read_bytes() for path in sorted(folder.iterdir())
                }
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        files = state.pop("model_files", None)
        super().__setstate__(state)
        if files is not None:
            with tempfile.TemporaryDirectory() as room:
                for name, data in files.items():
                    Path(room, Path(name).name).write_bytes(data)
                self.model_ = models.load(Path(room))
