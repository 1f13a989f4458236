"""The networks as ONNX graphs, built from their weights.

Each takes `input`, float32 `[n, frames, 96]`, a mel spectrogram, and gives `tags`, float32
`[n, 50]`, the probability of each tag. Batch norms are folded into the convolutions before them; a
maximum over bands is taken before what is monotonic, which then sees a hundredth of the numbers.
All arithmetic on weights is float64, so that folding costs no precision.

Sources: M. Won and others, "Evaluation of CNN-based automatic music tagging models", SMC 2020
(`fcn`, `musicnn`); J. Pons and X. Serra, "musicnn: pre-trained convolutional neural networks for
music audio tagging", 2019 (`musicnn_2019`).
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import onnx

Floats = NDArray[np.floating]
Weights = Mapping[str, NDArray[np.float32]]

# Counted up when a graph changes, so that those built before are built again.
VERSION = 1
OPSET = 18
_IR_VERSION = 9
_N_MELS = 96
_N_TAGS = 50
_TORCH_EPSILON = 1e-5
_KERAS_EPSILON = 1e-3


class _Graph:
    """Nodes and constants in the order in which they are added."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, values: Any, dtype: type = np.float32) -> str:
        from onnx import numpy_helper

        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values, dtype), name))
        return name

    def add(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        from onnx import helper

        output = output or f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def conv(self, x: str, kernel: Floats, bias: Floats, pads: Sequence[int]) -> str:
        return self.add("Conv", x, self.constant(kernel), self.constant(bias), pads=list(pads))

    def scaled(self, x: str, scale: Floats, offset: Floats) -> str:
        return self.add("Add", self.add("Mul", x, self.constant(scale)), self.constant(offset))

    def reduced(self, kind: str, x: str, axes: Sequence[int], output: str = "") -> str:
        return self.add(kind, x, self.constant(axes, np.int64), output=output, keepdims=0)

    def dense(self, x: str, kernel: Floats, bias: Floats, output: str = "") -> str:
        """`kernel` is `[inputs, outputs]`."""
        return self.add("Gemm", x, self.constant(kernel), self.constant(bias), output=output)

    def model(self, frames: int, outputs: Mapping[str, int]) -> "onnx.ModelProto":
        import onnx
        from onnx import TensorProto, helper

        def described(name: str, *shape: int | str) -> Any:
            return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))

        graph = helper.make_graph(
            self.nodes,
            "network",
            [described("input", "n", frames, _N_MELS)],
            [described(name, "n", width) for name, width in outputs.items()],
            self.constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
        model.ir_version = _IR_VERSION
        onnx.checker.check_model(model, full_check=True)
        return model


def _norm(weights: Weights, name: str) -> tuple[Floats, Floats]:
    """A batch norm of PyTorch's as the scale and the offset of each channel."""
    gamma, beta, mean, variance = (
        weights[f"{name}.{part}"].astype(np.float64)
        for part in ("weight", "bias", "running_mean", "running_var")
    )
    scale = gamma / np.sqrt(variance + _TORCH_EPSILON)
    return scale, beta - mean * scale


def _folded(weights: Weights, conv: str, norm: str) -> tuple[Floats, Floats]:
    """Kernel and bias of a convolution of PyTorch's with the batch norm that follows it."""
    scale, offset = _norm(weights, norm)
    kernel = weights[f"{conv}.weight"].astype(np.float64)
    bias = weights[f"{conv}.bias"].astype(np.float64)
    return kernel * scale.reshape(-1, *[1] * (kernel.ndim - 1)), bias * scale + offset


def _normalised_input(graph: _Graph, weights: Weights) -> str:
    """The dB mel spectrogram as an image of bands × frames, `[n, 1, 96, frames]`, normalised."""
    turned = graph.add("Transpose", "input", perm=[0, 2, 1])
    image = graph.add("Unsqueeze", turned, graph.constant([1], np.int64))
    scale, offset = _norm(weights, "spec_bn")
    return graph.scaled(image, scale.reshape(1, 1, 1, 1), offset.reshape(1, 1, 1, 1))


def fcn(weights: Weights, frames: int) -> "onnx.ModelProto":
    """The fully convolutional network: five convolutions over 29 s, one dense layer."""
    graph = _Graph()
    x = _normalised_input(graph, weights)
    for number, pool in enumerate(((2, 4), (2, 4), (2, 4), (3, 5), (4, 4)), start=1):
        kernel, bias = _folded(weights, f"layer{number}.conv", f"layer{number}.bn")
        x = graph.add("Relu", graph.conv(x, kernel, bias, (1, 1, 1, 1)))
        x = graph.add("MaxPool", x, kernel_shape=list(pool), strides=list(pool))
    x = graph.add("Flatten", x)
    logits = graph.dense(x, weights["dense.weight"].T, weights["dense.bias"])
    graph.add("Sigmoid", logits, output="tags")
    return graph.model(frames, {"tags": _N_TAGS})


def musicnn(weights: Weights, frames: int) -> "onnx.ModelProto":
    """The musicnn network of the same study: 3 s, vertical and horizontal filters."""
    graph = _Graph()
    image = _normalised_input(graph, weights)
    branches = []
    for number in (0, 1):
        kernel, bias = _folded(weights, f"layers.{number}.conv", f"layers.{number}.bn")
        x = graph.conv(image, kernel, bias, (0, 3, 0, 3))
        branches.append(graph.add("Relu", graph.reduced("ReduceMax", x, [2])))
    mean = graph.reduced("ReduceMean", image, [2])
    for number in (2, 3, 4):
        kernel, bias = _folded(weights, f"layers.{number}.conv", f"layers.{number}.bn")
        pad = kernel.shape[-1] // 2
        branches.append(graph.add("Relu", graph.conv(mean, kernel, bias, (pad, pad))))
    front = graph.add("Concat", *branches, axis=1)

    def mid(number: int, x: str) -> str:
        kernel, bias = _folded(weights, f"layer{number}.conv", f"layer{number}.bn")
        return graph.add("Relu", graph.conv(x, kernel, bias, (3, 3)))

    first = mid(1, front)
    second = graph.add("Add", mid(2, first), first)
    third = graph.add("Add", mid(3, second), second)
    channels = graph.add("Concat", front, first, second, third, axis=1)
    pooled = graph.add(
        "Concat",
        graph.reduced("ReduceMax", channels, [2]),
        graph.reduced("ReduceMean", channels, [2]),
        axis=1,
    )
    scale, offset = _norm(weights, "bn")
    kernel = weights["dense1.weight"].T.astype(np.float64) * scale
    bias = weights["dense1.bias"].astype(np.float64) * scale + offset
    hidden = graph.add("Relu", graph.dense(pooled, kernel, bias))
    logits = graph.dense(hidden, weights["dense2.weight"].T, weights["dense2.bias"])
    graph.add("Sigmoid", logits, output="tags")
    return graph.model(frames, {"tags": _N_TAGS})


def _keras_norm(weights: Weights, number: int) -> tuple[Floats, Floats]:
    gamma, beta, mean, variance = (
        weights[f"{_numbered('batch_normalization', number)}/{part}"].astype(np.float64)
        for part in ("gamma", "beta", "moving_mean", "moving_variance")
    )
    scale = gamma / np.sqrt(variance + _KERAS_EPSILON)
    return scale, beta - mean * scale


def _keras_conv(weights: Weights, number: int) -> tuple[Floats, Floats]:
    name = _numbered("conv2d", number)
    return tuple(weights[f"{name}/{part}"].astype(np.float64) for part in ("kernel", "bias"))  # type: ignore[return-value]


def _numbered(name: str, number: int) -> str:
    return f"{name}_{number}" if number else name


def musicnn_2019(weights: Weights, frames: int) -> "onnx.ModelProto":
    """The first musicnn network; besides `tags` it gives `mean`, each of its 753 channels' mean.

    Here batch norms follow the ReLU. One that scales by less than nothing turns the greatest band
    into the least, so there the filter's sign is turned, and what lies below nothing counts.
    """
    graph = _Graph()
    scale, offset = _keras_norm(weights, 0)
    image = graph.add("Unsqueeze", "input", graph.constant([1], np.int64))
    image = graph.scaled(image, scale.reshape(1, 1, 1, 1), offset.reshape(1, 1, 1, 1))
    branches = []
    for number in range(5):
        kernel, bias = _keras_conv(weights, number)
        scale, offset = _keras_norm(weights, number + 1)
        sign = np.where(scale < 0, -1.0, 1.0)
        # [time, bands, 1, filters] → [filters, 1, time, bands]
        turned = np.transpose(kernel * sign, (3, 2, 0, 1))
        before = 3 if number < 2 else (turned.shape[2] - 1) // 2
        after = 3 if number < 2 else turned.shape[2] // 2
        x = graph.conv(image, turned, bias * sign, (before, 0, after, 0))
        x = graph.reduced("ReduceMax", x, [3])
        positive, negative = (
            graph.constant(_column(part)) for part in (np.maximum(scale, 0), np.minimum(scale, 0))
        )
        above = graph.add("Mul", graph.add("Relu", x), positive)
        below = graph.add("Mul", graph.add("Relu", graph.add("Neg", x)), negative)
        both = graph.add("Add", above, below)
        branches.append(graph.add("Add", both, graph.constant(_column(offset))))
    front = graph.add("Concat", *branches, axis=1)

    def mid(number: int, x: str) -> str:
        kernel, bias = _keras_conv(weights, number)
        # The original's 7 × (all channels) filters over one channel are convolutions over time.
        turned = np.transpose(kernel.reshape(7, -1, 64), (2, 1, 0))
        scale, offset = _keras_norm(weights, number + 1)
        relu = graph.add("Relu", graph.conv(x, turned, bias, (3, 3)))
        return graph.scaled(relu, _column(scale), _column(offset))

    first = mid(5, front)
    second = graph.add("Add", mid(6, first), first)
    third = graph.add("Add", mid(7, second), second)
    channels = graph.add("Concat", front, first, second, third, axis=1)
    greatest = graph.reduced("ReduceMax", channels, [2])
    mean = graph.reduced("ReduceMean", channels, [2], output="mean")
    pooled = graph.add("Concat", greatest, mean, axis=1)
    # In the original greatest and mean stand in pairs.
    paired = np.arange(2 * 753).reshape(753, 2).T.ravel()
    scale, offset = _keras_norm(weights, 9)
    kernel = weights["dense/kernel"].astype(np.float64)
    bias = weights["dense/bias"].astype(np.float64) + offset @ kernel
    kernel = (kernel * scale[:, None])[paired]
    hidden = graph.add("Relu", graph.dense(pooled, kernel, bias))
    scale, offset = _keras_norm(weights, 10)
    kernel = weights["dense_1/kernel"].astype(np.float64)
    bias = weights["dense_1/bias"].astype(np.float64) + offset @ kernel
    logits = graph.dense(hidden, kernel * scale[:, None], bias)
    graph.add("Sigmoid", logits, output="tags")
    return graph.model(frames, {"tags": _N_TAGS, "mean": 753})


def _column(values: Floats) -> Floats:
    """`[channels]` → `[1, channels, 1]`, beside channels × frames."""
    return values.reshape(1, -1, 1)
