"""Saved models that songs are classified with: through ONNX Runtime, by `model.onnx`.

It gives what `predict_proba` gives, within 1e-5, in a fraction of the memory and of the time until
the first song: TensorFlow, XGBoost and scikit-learn are for training. A model without such a file,
or whose file is damaged or another's, gets its graph from its own files where that is quick, and is
used in its own form else.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from genre_engine.errors import ModelError
from genre_engine.models import onnx_file
from genre_engine.models.base import Model, write_onnx
from genre_engine.models.data import FeatureInfo, Floats, check_patches, check_vectors
from genre_engine.models.files import (
    ONNX,
    Description,
    damaged,
    read_description,
    write_description,
)
from genre_engine.models.onnx_graph import PROBABILITIES
from genre_engine.models.registry import class_in
from genre_engine.storage import turns
from genre_engine.storage.onnx_session import open_session

if TYPE_CHECKING:
    import onnx

# At a time: more takes memory and is no faster.
_ROWS = 1024
_PATCHES = 8
# Frames of the trial patch: enough for every pooling.
_TRIAL_FRAMES = 187


class Classifier(Protocol):
    """What classifies: a `Model` does, and an `OnnxClassifier`."""

    genres_: tuple[str, ...]
    task_: str
    features_: FeatureInfo
    warnings_: tuple[str, ...]

    def predict_proba(self, x: Any) -> Floats:
        """float32 `[n, n_genres]`, as `Model.predict_proba`."""


class OnnxClassifier:
    """A model's graph in ONNX Runtime.

    Attributes:
        genres_, task_, features_: of what it was trained on.
        warnings_: sentences that belong beside every result.
    """

    def __init__(self, description: Description, data: bytes, folder: Path) -> None:
        """
        Raises:
            ModelError: the graph can't be computed, or gives something else than it says.
        """
        self.genres_, self.task_ = description.genres, description.task
        self.features_ = description.features
        self.warnings_: tuple[str, ...] = ()
        try:
            self._session = open_session(data)
            given = self._session.get_inputs()[0]
            self._name, shape = given.name, given.shape[1:]
            self._patches = len(shape) == 2
            trial = [size if isinstance(size, int) else _TRIAL_FRAMES for size in shape]
            found = self._run(np.zeros((1, *trial), np.float32))
        except Exception as error:
            raise damaged(folder, "The ONNX graph", "can't be computed") from error
        self._width = int(trial[-1])
        if found.shape != (1, len(self.genres_)):
            raise damaged(folder, "The ONNX graph", "doesn't fit the genres")

    def predict_proba(self, x: Any) -> Floats:
        """As `Model.predict_proba`.

        Raises:
            ModelError: x is of another shape or not finite.
        """
        if self._patches:
            return self._songs(x)
        vectors = check_vectors(x, self.features_.columns, self._width)
        parts = [
            self._run(vectors[start : start + _ROWS]) for start in range(0, len(vectors), _ROWS)
        ]
        return np.concatenate([np.empty((0, len(self.genres_)), np.float32), *parts])

    def _songs(self, x: Any) -> Floats:
        """The mean over each song's patches."""
        source = check_patches(x)
        if source.bands != self._width:
            raise ModelError(
                f"This model takes patches of {self._width} bands, but was given {source.bands}. "
                "Use the features that it was trained on."
            )
        found = np.empty((len(source), len(self.genres_)), np.float32)
        for song, count in enumerate(np.asarray(source.counts).tolist()):
            which = np.arange(count)
            total = np.zeros(len(self.genres_))
            for start in range(0, count, _PATCHES):
                some = which[start : start + _PATCHES]
                patches = source.batch(np.full(len(some), song), some).astype(np.float32)
                if not np.isfinite(patches).all():
                    raise ModelError(
                        "Some patches hold values that aren't finite numbers. Extract the features "
                        "again."
                    )
                total += self._run(patches).sum(axis=0, dtype=np.float64)
            found[song] = total / count
        return found

    def _run(self, x: NDArray[np.float32]) -> Floats:
        turns.pause()
        (found,) = self._session.run([PROBABILITIES], {self._name: x})
        probabilities: Floats = found
        return probabilities


def load_classifier(folder: Path) -> Classifier:
    """A saved model, ready to classify.

    Raises:
        ModelError: there is none, it is damaged, or holds what no model of ours holds.

    >>> import numpy, pathlib, tempfile
    >>> from genre_engine.models import Data, FeatureInfo, model
    >>> x = numpy.linspace(-1, 1, 40, dtype=numpy.float32)[:, None]
    >>> y = numpy.hstack([x > 0, x <= 0]).astype(numpy.uint8)
    >>> info = FeatureInfo("summary", "0" * 64, ("brightness",))
    >>> train = Data(x, y, ("bright", "dark"), "multilabel", info)
    >>> room = tempfile.TemporaryDirectory()
    >>> folder = pathlib.Path(room.name, "model")
    >>> model("linear")().fit(train, train).save(folder)
    >>> load_classifier(folder).predict_proba(numpy.float32([[0.9]])).round().tolist()
    [[1.0, 0.0]]
    >>> room.cleanup()
    """
    kind = class_in(folder)
    description = read_description(folder)
    kind.read_settings(folder, description)
    if kind.own_form_is_light:
        return kind.load(folder)
    warnings: tuple[str, ...] = ()
    try:
        if (data := onnx_file.read(folder, description, kind.FILES)) is not None:
            onnx_file.check(data, folder, description)
            return OnnxClassifier(description, data, folder)
    except ModelError as error:
        warnings = (str(error),)
    found = _from_own_form(kind, folder, description)
    found.warnings_ = warnings
    return found


def _from_own_form(kind: type[Model], folder: Path, description: Description) -> Classifier:
    if kind.rebuilds_onnx:
        kind.check(folder, description)
        try:
            data = onnx_file.to_bytes(kind.onnx(folder, description))
            return OnnxClassifier(description, data, folder)
        except ModelError:
            pass  # the model's own library reads more, and says more exactly what is wrong
    return kind.load(folder)


def onnx_of(folder: Path) -> "onnx.ModelProto":
    """The graph of a saved model, made from its own files.

    Raises:
        ModelError: there is none, it is damaged, or can't be turned into ONNX.

    >>> import numpy, pathlib, tempfile
    >>> from genre_engine.models import Data, FeatureInfo, model
    >>> x = numpy.linspace(-1, 1, 40, dtype=numpy.float32)[:, None]
    >>> y = numpy.hstack([x > 0, x <= 0]).astype(numpy.uint8)
    >>> info = FeatureInfo("summary", "0" * 64, ("brightness",))
    >>> train = Data(x, y, ("bright", "dark"), "multilabel", info)
    >>> room = tempfile.TemporaryDirectory()
    >>> folder = pathlib.Path(room.name, "model")
    >>> model("linear")().fit(train, train).save(folder)
    >>> [output.name for output in onnx_of(folder).graph.output]
    ['probabilities']
    >>> room.cleanup()
    """
    kind = class_in(folder)
    description = read_description(folder)
    kind.read_settings(folder, description)
    kind.check(folder, description)
    return kind.onnx(folder, description)


def renew_onnx(folder: Path) -> None:
    """Make `model.onnx` of a model that came from elsewhere, from its own files, which have been
    checked; there will be none where that would load scikit-learn.

    >>> import numpy, pathlib, tempfile
    >>> from genre_engine.models import Data, FeatureInfo, model
    >>> x = numpy.linspace(-1, 1, 40, dtype=numpy.float32)[:, None]
    >>> y = numpy.hstack([x > 0, x <= 0]).astype(numpy.uint8)
    >>> info = FeatureInfo("summary", "0" * 64, ("brightness",))
    >>> train = Data(x, y, ("bright", "dark"), "multilabel", info)
    >>> room = tempfile.TemporaryDirectory()
    >>> folder = pathlib.Path(room.name, "model")
    >>> model("linear")().fit(train, train).save(folder)
    >>> renew_onnx(folder)
    >>> (folder / "model.onnx").is_file()
    True
    >>> room.cleanup()
    """
    kind = class_in(folder)
    description = replace(read_description(folder), onnx=None)
    (folder / ONNX).unlink(missing_ok=True)
    if kind.rebuilds_onnx:
        write_onnx(folder, kind, description)
    else:
        write_description(folder, description)
