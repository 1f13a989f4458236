"""Models as ONNX graphs: features as they were extracted → probabilities, nothing else needed.

    features  float32 [n, columns]        patches  float32 [n, frames, bands]
    probabilities  float32 [n, n_genres]  in the order of the genres; of each patch for patches,
                                          whose mean over a song is the song's

Scaling is part of the graph, and so is the last function: what comes out is `predict_proba`'s.
Source: the ONNX operator reference, opset 18, and ai.onnx.ml 3.
"""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genre_engine import __version__
from genre_engine.models.files import Description
from genre_engine.models.scaling import Scaling

if TYPE_CHECKING:
    import onnx

# Old enough for every ONNX Runtime since 1.18.
OPSET, ML_OPSET, IR_VERSION = 18, 3, 10
ML_DOMAIN = "ai.onnx.ml"
PRODUCER = "Genre Studio"
PROBABILITIES = "probabilities"
# Name of the input, by what a model takes.
INPUTS = {"vector": "features", "patches": "patches"}


class Graph:
    """A graph that is being built; names are given by number."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, array: NDArray[Any]) -> str:
        """Name of an array that is part of the graph."""
        from onnx import numpy_helper

        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def add(self, op: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Name of what a new node gives."""
        from onnx import helper

        name = f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(
            helper.make_node(op, list(inputs), [name], name=name, domain=domain, **attributes)
        )
        return name

    def scaled(self, x: str, scaling: Scaling) -> str:
        """`Scaling.__call__`, over the last axis."""
        x = self.add("Sub", x, self.constant(scaling.mean))
        x = self.add("Mul", x, self.constant(scaling.factor))
        limit = np.float32(scaling.limit)
        return self.add("Clip", x, self.constant(np.array(-limit)), self.constant(np.array(limit)))

    def model(
        self, found: str, x: str, shape: tuple[int | None, ...], description: Description
    ) -> "onnx.ModelProto":
        """The whole graph.

        Args:
            found: name of the probabilities.
            x: name of the input, and `shape` its shape after the number of tracks or patches;
                None for any number.
        """
        from onnx import TensorProto, helper

        self.nodes.append(helper.make_node("Identity", [found], [PROBABILITIES], name="last"))
        sizes: list[str | int | None] = [
            "n",
            *("frames" if size is None else size for size in shape),
        ]
        ends: list[str | int | None] = ["n", len(description.genres)]
        graph = helper.make_graph(
            self.nodes,
            description.model,
            [helper.make_tensor_value_info(x, TensorProto.FLOAT, sizes)],
            [helper.make_tensor_value_info(PROBABILITIES, TensorProto.FLOAT, ends)],
            self.constants,
        )
        made = helper.make_model(
            graph,
            opset_imports=[
                helper.make_opsetid("", OPSET),
                helper.make_opsetid(ML_DOMAIN, ML_OPSET),
            ],
            ir_version=IR_VERSION,
            producer_name=PRODUCER,
            producer_version=__version__,
        )
        set_metadata(made, about(description))
        return made


def about(description: Description) -> dict[str, Any]:
    """What a model's file says of itself."""
    return {
        "model": description.model,
        "task": description.task,
        "genres": list(description.genres),
        "features": description.features.to_dict(),
    }


def set_metadata(model: "onnx.ModelProto", values: Mapping[str, Any]) -> None:
    """Each value as JSON."""
    del model.metadata_props[:]
    for key, value in values.items():
        text = json.dumps(value, allow_nan=False)
        model.metadata_props.add(key=key, value=text)
