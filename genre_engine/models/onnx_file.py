"""`model.onnx` of a saved model: writing it, and whether it may be loaded.

Its SHA-256 stands in `model.json`, beside those of the files that it was made from. A file that is
another's, or whose originals were changed, isn't used. Nor is one that holds anything that no graph
of ours holds: a fingerprint says who wrote it only to those who trust the folder.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genre_engine.errors import ModelError
from genre_engine.models.files import MAX_FILE_BYTES, ONNX, Description, foreign
from genre_engine.models.onnx_graph import IR_VERSION, ML_DOMAIN, PROBABILITIES
from genre_engine.storage.workspace import shown

if TYPE_CHECKING:
    import onnx

# Operators of our graphs, each with the attributes that we give it.
_OPERATORS: Mapping[tuple[str, str], Collection[str]] = {
    ("", "Sub"): (),
    ("", "Mul"): (),
    ("", "Clip"): (),
    ("", "Add"): (),
    ("", "Exp"): (),
    ("", "ReduceSum"): ("keepdims",),
    ("", "Gemm"): (),
    ("", "Relu"): (),
    ("", "Sigmoid"): (),
    ("", "Softmax"): ("axis",),
    ("", "Unsqueeze"): (),
    ("", "Conv"): ("auto_pad", "strides"),
    ("", "BatchNormalization"): ("epsilon",),
    ("", "MaxPool"): ("auto_pad", "kernel_shape", "strides"),
    ("", "GlobalAveragePool"): (),
    ("", "GlobalMaxPool"): (),
    ("", "Flatten"): ("axis",),
    ("", "Concat"): ("axis",),
    ("", "Identity"): (),
    (ML_DOMAIN, "TreeEnsembleRegressor"): (
        *("n_targets", "aggregate_function", "post_transform", "base_values"),
        *("nodes_treeids", "nodes_nodeids", "nodes_featureids", "nodes_values", "nodes_modes"),
        *("nodes_truenodeids", "nodes_falsenodeids"),
        *("target_treeids", "target_nodeids", "target_ids", "target_weights"),
    ),
}
_MOST_NODES = 1000
# Each of these makes more numbers than it takes; ours have at most one.
_ONCE = ("Add", "Concat", "ReduceSum", "Unsqueeze", "TreeEnsembleRegressor")
_BROADCAST = ("Sub", "Mul", "Clip")


def fingerprint(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def write(folder: Path, model: "onnx.ModelProto", made_from: Collection[str]) -> dict[str, Any]:
    """Write `model.onnx` into a folder that nobody reads yet; returns its entry in `model.json`.

    Raises:
        ModelError: it is larger than a model may be.
    """
    data = to_bytes(model)
    (folder / ONNX).write_bytes(data)
    return {
        "sha256": fingerprint(data),
        "made_from": {name: fingerprint((folder / name).read_bytes()) for name in made_from},
    }


def to_bytes(model: "onnx.ModelProto") -> bytes:
    """The same graph gives the same bytes.

    Raises:
        ModelError: it is larger than a model may be.
    """
    from google.protobuf.message import EncodeError

    try:
        data: bytes = model.SerializeToString(deterministic=True)
    except (EncodeError, ValueError) as error:
        raise ModelError(
            "This model is too large for an ONNX file (2 GB). Use it in its own form, or train one "
            "with fewer trees."
        ) from error
    return data


def read(folder: Path, description: Description, files: Collection[str]) -> bytes | None:
    """What `model.onnx` holds, if it is what was written with this model; None where there is
    none, or the model's own files were changed since.

    Raises:
        ModelError: it is missing, damaged or another's.
    """
    path, entry = folder / ONNX, description.onnx
    if entry is None:
        if path.is_file():
            raise _unused(folder, "isn't known to its model.json")
        return None
    if path.is_symlink() or not path.is_file():
        raise _unused(folder, "is missing")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise _unused(folder, "is larger than any model made here")
    try:
        data = path.read_bytes()
        own = {name: fingerprint((folder / name).read_bytes()) for name in files}
    except OSError:
        return None  # whoever reads the model in its own form says what is wrong
    if entry.get("sha256") != fingerprint(data):
        raise _unused(folder, "is damaged, or another model's")
    return data if entry.get("made_from") == own else None


def _unused(folder: Path, why: str) -> ModelError:
    return ModelError(
        f"{ONNX} of the model in {shown(folder)} {why}, so the model is used in its own form. "
        "Train the model again, or get another copy."
    )


def check(data: bytes, folder: Path, description: Description) -> None:
    """Whether a graph consists only of what ours consist of, and fits genres and features.

    Raises:
        ModelError: it doesn't.
    """
    import onnx
    from google.protobuf.message import DecodeError

    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
        strange = set(_strange(model, description))
    except (DecodeError, ValueError, TypeError, IndexError, OverflowError) as error:
        raise _unused(folder, "is damaged") from error
    if strange:
        raise foreign(folder, ONNX, strange)


def _strange(model: "onnx.ModelProto", description: Description) -> Any:
    """What no graph of ours has, in words."""
    from onnx import AttributeProto, TensorProto

    graph = model.graph
    domains = {entry.domain for entry in model.opset_import}
    if model.ir_version > IR_VERSION or not domains <= {"", ML_DOMAIN}:
        yield "another version of ONNX"
    if model.functions or model.training_info or graph.sparse_initializer:
        yield "functions, training or sparse constants"
    if len(graph.node) > _MOST_NODES:
        yield f"{len(graph.node):,} operations"
    for tensor in graph.initializer:
        if tensor.data_location != TensorProto.DEFAULT or tensor.external_data:
            yield "data outside of the file"
        size = {TensorProto.FLOAT: 4, TensorProto.INT64: 8}.get(tensor.data_type)
        if size is None or len(tensor.raw_data) != size * math.prod(tensor.dims):
            yield "constants that aren't numbers"
    yield from _growing(graph)
    kinds = {
        *(AttributeProto.INT, AttributeProto.INTS, AttributeProto.FLOAT, AttributeProto.FLOATS),
        *(AttributeProto.STRING, AttributeProto.STRINGS),
    }
    for node in graph.node:
        allowed = _OPERATORS.get((node.domain, node.op_type))
        if allowed is None:
            yield f"the operation {node.domain}.{node.op_type}".replace(" .", " ")
            continue
        for attribute in node.attribute:
            if attribute.name not in allowed:
                yield f"{attribute.name} of {node.op_type}"
            if attribute.type not in kinds or attribute.ref_attr_name:
                yield f"{attribute.name} of another type"
        if node.op_type == "TreeEnsembleRegressor" and not _hangs_together(node, description):
            yield "trees that don't hang together"
    yield from _ends(graph, description)


def _growing(graph: "onnx.GraphProto") -> Any:
    """What a small file could fill the memory with."""
    counts = Counter(node.op_type for node in graph.node)
    yield from (f"several of the operation {op}" for op in _ONCE if counts[op] > 1)
    dims = {tensor.name: len(tensor.dims) for tensor in graph.initializer}
    for node in graph.node:
        given = [dims[name] for name in node.input if name in dims]
        if len(given) == len(node.input) and node.input:
            yield f"constants only, in {node.op_type}"
        if node.op_type in _BROADCAST and max(given, default=0) > 1:
            yield f"a constant of several dimensions in {node.op_type}"
        if node.op_type == "Concat" and len(node.input) > 2:
            yield "Concat of many"


def _ends(graph: "onnx.GraphProto", description: Description) -> Any:
    """What is wrong with a graph's input and output."""
    if len(graph.input) != 1 or len(graph.output) != 1:
        yield "several inputs or outputs"
        return
    (given,), (found,) = graph.input, graph.output
    columns = len(description.features.columns)
    wanted = given.type.tensor_type.shape.dim
    last = wanted[-1].dim_value if wanted else 0
    if len(wanted) not in (2, 3) or not last or columns not in (0, last):
        yield "an input that doesn't fit the features"
    shape = found.type.tensor_type.shape.dim
    n_genres = len(description.genres)
    if found.name != PROBABILITIES or len(shape) != 2 or shape[1].dim_value != n_genres:
        yield "an output that doesn't fit the genres"


def _hangs_together(node: "onnx.NodeProto", description: Description) -> bool:
    """Whether trees name only nodes, columns and genres that exist, and no path goes in circles."""
    values = {attribute.name: attribute for attribute in node.attribute}

    def whole(name: str) -> Any:
        return np.array(values[name].ints, np.int64)

    try:
        trees, own, columns = map(whole, ("nodes_treeids", "nodes_nodeids", "nodes_featureids"))
        ends = [whole(f"nodes_{answer}nodeids") for answer in ("true", "false")]
        leaf_trees, leaf_nodes, outputs = map(
            whole, ("target_treeids", "target_nodeids", "target_ids")
        )
        leaf = np.array([mode == b"LEAF" for mode in values["nodes_modes"].strings])
        n_weights = len(values["target_weights"].floats)
        n_thresholds = len(values["nodes_values"].floats)
        n_targets = int(values["n_targets"].i)
    except KeyError:
        return False
    n = len(trees)
    if not n or {len(part) for part in (own, columns, *ends, leaf)} | {n_thresholds} != {n}:
        return False
    if {len(leaf_nodes), len(outputs), n_weights} != {len(leaf_trees)}:
        return False
    # As we write them: trees one after the other, nodes numbered from 0 in each.
    steps = np.diff(trees)
    if trees[0] != 0 or not np.isin(steps, (0, 1)).all():
        return False
    sizes = np.bincount(trees)
    first = np.cumsum(sizes) - sizes
    if not np.array_equal(own, np.arange(n) - first[trees]):
        return False
    n_columns = len(description.features.columns) or np.iinfo(np.int64).max
    return bool(
        all(
            ((end > own) & (end < sizes[trees]))[~leaf].all() and (end[leaf] == 0).all()
            for end in ends
        )
        and ((columns >= 0) & (columns < n_columns)).all()
        and ((leaf_trees >= 0) & (leaf_trees < len(sizes))).all()
        and ((leaf_nodes >= 0) & (leaf_nodes < sizes[np.clip(leaf_trees, 0, len(sizes) - 1)])).all()
        and leaf[first[np.clip(leaf_trees, 0, len(sizes) - 1)] + leaf_nodes].all()
        and 1 <= n_targets <= len(description.genres)
        and ((outputs >= 0) & (outputs < n_targets)).all()
    )
