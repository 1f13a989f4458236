"""Which models there are. A new one is a module and a line here."""

import difflib
import importlib
from pathlib import Path

from genre_engine.errors import ModelError, WrongUsage
from genre_engine.models.base import Model
from genre_engine.models.files import read_description
from genre_engine.storage.workspace import shown

_CLASSES = {
    "fcn": "fcn.Fcn",
    "cnn": "cnn.Cnn",
    "xgboost": "boosting.Boosting",
    "forest": "forest.Forest",
    "linear": "linear.Linear",
    "svm": "svm.Svm",
    "ensemble": "ensemble.Ensemble",
    "auto": "ensemble.Auto",
}
NAMES = tuple(_CLASSES)
# What an ensemble may consist of.
VECTOR_MEMBERS = ("forest", "linear", "svm", "fcn", "xgboost")


def model(name: str) -> type[Model]:
    """The class of a model.

    Raises:
        WrongUsage: there is none of that name; the nearest is offered.

    >>> model("forest").title
    'Forest'
    """
    if name not in _CLASSES:
        near = difflib.get_close_matches(name, NAMES, 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise WrongUsage(f"There is no model {name!r}.{hint} Choose one of: {', '.join(NAMES)}.")
    module, _, class_name = _CLASSES[name].partition(".")
    found: type[Model] = getattr(importlib.import_module(f"{__package__}.{module}"), class_name)
    return found


def load(folder: Path) -> Model:
    """A saved model, whichever it is.

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
    >>> load(folder).predict_proba(numpy.float32([[0.9]])).round().tolist()
    [[1.0, 0.0]]
    >>> room.cleanup()
    """
    return class_in(folder).load(folder)


def check_files(folder: Path) -> None:
    """Look through a saved model without loading anything that it holds.

    Raises:
        ModelError: as `load`.

    >>> import numpy, pathlib, tempfile
    >>> from genre_engine.models import Data, FeatureInfo, model
    >>> x = numpy.linspace(-1, 1, 40, dtype=numpy.float32)[:, None]
    >>> y = numpy.hstack([x > 0, x <= 0]).astype(numpy.uint8)
    >>> info = FeatureInfo("summary", "0" * 64, ("brightness",))
    >>> train = Data(x, y, ("bright", "dark"), "multilabel", info)
    >>> room = tempfile.TemporaryDirectory()
    >>> folder = pathlib.Path(room.name, "model")
    >>> model("linear")().fit(train, train).save(folder)
    >>> check_files(folder)
    >>> room.cleanup()
    """
    found = class_in(folder)
    description = read_description(folder)
    found.read_settings(folder, description)
    found.check(folder, description)


def class_in(folder: Path) -> type[Model]:
    """The class of a saved model.

    Raises:
        ModelError: there is none, or of a model that this version doesn't know.
    """
    name = read_description(folder).model
    if name not in NAMES:
        raise ModelError(
            f"The model in {shown(folder)} is a {name!r}, which this version doesn't know. Use the "
            "version that made it."
        )
    return model(name)
