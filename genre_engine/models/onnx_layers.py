"""The layers of a `.keras` archive as an ONNX graph, without Keras and without TensorFlow.

Only what our networks consist of, and only as they use it: whatever else an archive says is refused
in words, and Keras itself may try. Images are turned from Keras' order (frames, bands, channels) to
ONNX's (channels, frames, bands).
"""

import io
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genre_engine.errors import ModelError
from genre_engine.models.files import damaged, read_member
from genre_engine.models.onnx_graph import Graph

Arrays = list[NDArray[np.float32]]

# By which name a layer's weights stand in the archive, counted by kind.
_GROUPS = {"Dense": "dense", "BatchNormalization": "batch_normalization", "Conv2D": "conv2d"}
_UNUSUAL = ("kernel_constraint", "bias_constraint", "gamma_constraint", "beta_constraint")


def input_shape(folder: Path, name: str) -> tuple[int | None, ...]:
    """Of one track's vector or of one patch, as the archive's input layer says.

    Raises:
        ModelError: the archive is damaged.
    """
    try:
        first = read_member(folder, name, "config.json")["config"]["layers"][0]
        sizes = first["config"]["batch_shape"][1:]
    except (KeyError, IndexError, TypeError) as error:
        raise damaged(folder, name) from error
    if not sizes or not all(size is None or (type(size) is int and size > 0) for size in sizes):
        raise damaged(folder, name)
    return tuple(sizes)


def add_layers(graph: Graph, x: str, folder: Path, name: str) -> str:
    """Add all layers of an archive that has been checked; returns the name of what the last gives.

    Args:
        x: what the first layer takes.

    Raises:
        ModelError: it is damaged, or is no network of ours.
    """
    try:
        config = read_member(folder, name, "config.json")["config"]
        given: dict[str, str] = {}
        for layer, arrays in _layers(config, folder / name):
            kind, settings = layer["class_name"], layer["config"]
            if any(settings.get(key) is not None for key in _UNUSUAL):
                raise ValueError("constraints")
            if kind == "InputLayer":
                if given:
                    raise ValueError("two inputs")
                given[layer["name"]] = x
                continue
            inputs = [given[source] for source in _sources(layer)]
            given[layer["name"]] = _ADD[kind](graph, inputs, settings, arrays)
        last = config["output_layers"][0]
        # One output is written without its list.
        last = last[0] if isinstance(last, list) else last
        return given[last]
    except ModelError:
        raise
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, OSError) as error:
        raise damaged(
            folder, name, "is damaged, or holds layers that can't be turned into ONNX"
        ) from error


def _layers(config: Any, path: Path) -> Iterator[tuple[Mapping[str, Any], Arrays]]:
    """Each layer's description with its weights."""
    import h5py  # type: ignore[import-untyped]

    seen: Counter[str] = Counter()
    with (
        zipfile.ZipFile(path) as archive,
        h5py.File(io.BytesIO(archive.read("model.weights.h5")), "r") as file,
    ):
        for layer in config["layers"]:
            arrays: Arrays = []
            if (group := _GROUPS.get(layer["class_name"])) is not None:
                number = f"_{seen[group]}" if seen[group] else ""
                seen[group] += 1
                stored = file[f"layers/{group}{number}/vars"]
                arrays = [np.asarray(stored[str(i)], np.float32) for i in range(len(stored))]
            yield layer, arrays


def _sources(layer: Mapping[str, Any]) -> list[str]:
    """Names of the layers that a layer takes from."""
    (node,) = layer["inbound_nodes"]
    (argument,) = node["args"]
    tensors = argument if isinstance(argument, list) else [argument]
    return [str(tensor["config"]["keras_history"][0]) for tensor in tensors]


def _dense(graph: Graph, inputs: list[str], settings: Mapping[str, Any], arrays: Arrays) -> str:
    (x,) = inputs
    kernel, bias = arrays
    _require(kernel.ndim == 2 and bias.shape == kernel.shape[1:] and settings["use_bias"])
    _require(settings["units"] == kernel.shape[1])
    x = graph.add("Gemm", x, graph.constant(kernel), graph.constant(bias))
    return _function(graph, x, settings["activation"])


def _activation(
    graph: Graph, inputs: list[str], settings: Mapping[str, Any], arrays: Arrays
) -> str:
    (x,) = inputs
    return _function(graph, x, settings["activation"])


def _function(graph: Graph, x: str, name: str) -> str:
    if name == "linear":
        return x
    if name == "softmax":
        return graph.add("Softmax", x, axis=-1)
    return graph.add({"relu": "Relu", "sigmoid": "Sigmoid"}[name], x)


def _dropout(graph: Graph, inputs: list[str], settings: Mapping[str, Any], arrays: Arrays) -> str:
    (x,) = inputs
    return x


def _batch_norm(
    graph: Graph, inputs: list[str], settings: Mapping[str, Any], arrays: Arrays
) -> str:
    (x,) = inputs
    gamma, beta, mean, variance = arrays
    _require(settings["axis"] in (-1, 3) and settings["center"] and settings["scale"])
    epsilon = float(settings["epsilon"])
    constants = [graph.constant(array) for array in (gamma, beta, mean, variance)]
    return graph.add("BatchNormalization", x, *constants, epsilon=epsilon)


def _convolution(
    graph: Graph, inputs: list[str], settings: Mapping[str, Any], arrays: Arrays
) -> str:
    (x,) = inputs
    kernel, *bias = arrays
    _require(kernel.ndim == 4 and len(bias) == int(settings["use_bias"]))
    _require(settings["filters"] == kernel.shape[3])
    _require(settings["kernel_size"] == list(kernel.shape[:2]))
    _require(settings["data_format"] == "channels_last" and settings["padding"] == "same")
    _require(settings["groups"] == 1 and settings["dilation_rate"] == [1, 1])
    constants = [graph.constant(kernel.transpose(3, 2, 0, 1)), *map(graph.constant, bias)]
    strides = [int(stride) for stride in settings["strides"]]
    x = graph.add("Conv", x, *constants, auto_pad="SAME_UPPER", strides=strides)
    return _function(graph, x, settings["activation"])


def _max_pooling(
    graph: Graph, inputs: list[str], settings: Mapping[str, Any], arrays: Arrays
) -> str:
    (x,) = inputs
    _require(settings["data_format"] == "channels_last" and settings["padding"] == "same")
    return graph.add(
        "MaxPool",
        x,
        kernel_shape=[int(size) for size in settings["pool_size"]],
        strides=[int(stride) for stride in settings["strides"]],
        auto_pad="SAME_UPPER",
    )


def _as_image(graph: Graph, inputs: list[str], settings: Mapping[str, Any], arrays: Arrays) -> str:
    """Patches `[n, frames, bands]` → images of one channel."""
    (x,) = inputs
    frames, bands, channels = settings["target_shape"]
    _require(frames == -1 and bands > 0 and channels == 1)
    return graph.add("Unsqueeze", x, graph.constant(np.array([1], np.int64)))


def _pooling(op: str) -> Callable[[Graph, list[str], Mapping[str, Any], Arrays], str]:
    def add(graph: Graph, inputs: list[str], settings: Mapping[str, Any], arrays: Arrays) -> str:
        (x,) = inputs
        _require(settings["data_format"] == "channels_last" and not settings["keepdims"])
        return graph.add("Flatten", graph.add(op, x), axis=1)

    return add


def _concatenate(
    graph: Graph, inputs: list[str], settings: Mapping[str, Any], arrays: Arrays
) -> str:
    _require(settings["axis"] in (-1, 1))
    return graph.add("Concat", *inputs, axis=1)


def _require(usual: bool) -> None:
    if not usual:
        raise ValueError("a layer that no network of ours has")


_ADD: dict[str, Callable[[Graph, list[str], Mapping[str, Any], Arrays], str]] = {
    "Dense": _dense,
    "Activation": _activation,
    "Dropout": _dropout,
    "BatchNormalization": _batch_norm,
    "Conv2D": _convolution,
    "MaxPooling2D": _max_pooling,
    "Reshape": _as_image,
    "GlobalAveragePooling2D": _pooling("GlobalAveragePool"),
    "GlobalMaxPooling2D": _pooling("GlobalMaxPool"),
    "Concatenate": _concatenate,
}
