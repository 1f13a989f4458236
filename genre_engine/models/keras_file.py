"""Networks as `.keras` archives: checked before Keras reads them.

An archive is a zip: a description of the layers (JSON), and their weights (HDF5). Layers can name
code to run and HDF5 files can point at other files, so both are looked through first.
"""

import io
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genre_engine.models.files import check_zip, damaged, foreign, read_member

if TYPE_CHECKING:
    import keras

_MEMBERS = ("metadata.json", "config.json", "model.weights.h5")

# All that our networks consist of. Nothing here can name code.
_CLASSES = {
    *("Functional", "InputLayer", "Dense", "Dropout", "Activation", "BatchNormalization"),
    *("Conv2D", "MaxPooling2D", "GlobalAveragePooling2D", "GlobalMaxPooling2D", "Reshape"),
    *("Concatenate", "GlorotUniform", "HeUniform", "Zeros", "Ones", "DTypePolicy"),
    *("__keras_tensor__",),
}
_MODULES = {
    *("keras", "keras.layers", "keras.initializers", "keras.src.models.functional"),
    *("keras.models", "keras.dtype_policies"),
}
_ACTIVATIONS = {"relu", "sigmoid", "softmax", "linear"}


def check(folder: Path, name: str) -> None:
    """Look through an archive without Keras.

    Raises:
        ModelError: it is damaged, or holds what no model of ours holds.
    """
    check_zip(folder, name, _MEMBERS)
    config = read_member(folder, name, "config.json")
    strange: set[str] = set()
    try:
        for part in _dictionaries(config):
            if "class_name" in part and part["class_name"] not in _CLASSES:
                strange.add(str(part["class_name"]))
            if "module" in part and part["module"] not in _MODULES:
                strange.add(str(part["module"]))
            if part.get("registered_name") not in (None, "Functional", part.get("class_name")):
                strange.add(str(part["registered_name"]))
            activation = part.get("activation")
            if activation is not None and activation not in _ACTIVATIONS:
                strange.add(str(activation))
    except (RecursionError, TypeError) as error:
        raise damaged(folder, name) from error
    if strange:
        raise foreign(folder, name, strange)
    if not isinstance(config, dict) or config.get("class_name") != "Functional":
        raise damaged(folder, name)
    _check_weights(folder, name)


def _dictionaries(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _dictionaries(part)


def _check_weights(folder: Path, name: str) -> None:
    """Whether the weights are plain arrays within the file."""
    import h5py  # type: ignore[import-untyped]

    def links(group: Any) -> Iterator[str]:
        for key in group:
            if isinstance(group.get(key, getlink=True), h5py.HardLink):
                value = group[key]
                if isinstance(value, h5py.Group):
                    yield from links(value)
                elif value.is_virtual or value.external or value.dtype.hasobject:
                    yield f"data outside of the file: {key}"
                # Keras writes arrays as they are; packed ones could be of any size.
                elif value.chunks or value.nbytes > size:
                    yield f"packed data: {key}"
            else:
                yield f"a link: {key}"

    try:
        with (
            zipfile.ZipFile(folder / name) as archive,
            h5py.File(io.BytesIO(archive.read("model.weights.h5")), "r") as file,
        ):
            size = archive.getinfo("model.weights.h5").file_size
            strange = list(links(file))
    # Damaged files end in errors of many kinds, AttributeError and OverflowError among them.
    except Exception as error:
        raise damaged(folder, name) from error
    if strange:
        raise foreign(folder, name, strange)


def save(network: "keras.Model", folder: Path, name: str) -> None:
    """Write a network's archive."""
    with warnings.catch_warnings():
        # TensorFlow 2.21 doesn't know a keyword that NumPy 2 passes, which harms nothing.
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
        network.save(folder / name)


def load(folder: Path, name: str) -> "keras.Model":
    """The network of an archive that has been checked.

    Raises:
        ModelError: Keras can't read it.
    """
    import keras

    try:
        return keras.saving.load_model(folder / name, compile=False, safe_mode=True)
    except Exception as error:
        raise damaged(folder, name) from error
