"""Decision trees as one node of an ONNX graph: TreeEnsembleRegressor of ai.onnx.ml 3.

skl2onnx and onnxmltools would do it too, for two more requirements and with sklearn or xgboost
imported; a tree is five arrays, and these are what the files hold.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from genre_engine.models.onnx_graph import ML_DOMAIN, Graph


@dataclass(frozen=True, eq=False)
class Tree:
    """One tree; arrays `[nodes]` unless said otherwise.

    Attributes:
        column: which number a node asks about; of a leaf anything.
        threshold: float32, what it is compared with.
        yes, no: the nodes to go to; -1 for a leaf.
        values: float32 `[nodes, n_outputs]`, what a leaf adds to each output.
    """

    column: NDArray[np.int64]
    threshold: NDArray[np.float32]
    yes: NDArray[np.int64]
    no: NDArray[np.int64]
    values: NDArray[np.float32]


def at_most(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    """float64 → the greatest float32 that isn't above it: `x <= t` stays the same for float32 x.

    >>> bool(at_most(np.array([0.1]))[0] <= 0.1)
    True
    """
    rounded = thresholds.astype(np.float32)
    below = np.nextafter(rounded, np.float32(-np.inf))
    return np.where(rounded.astype(np.float64) > thresholds, below, rounded).astype(np.float32)


def add_trees(
    graph: Graph,
    x: str,
    trees: list[Tree],
    *,
    n_outputs: int,
    question: Literal["BRANCH_LEQ", "BRANCH_LT"],
    start: NDArray[np.float32] | None = None,
    mean: bool = False,
) -> str:
    """Name of the sum of all trees, or of their mean, float32 `[n, n_outputs]`.

    Args:
        question: whether a node asks for `x <= threshold` or for `x < threshold`.
        start: what each output starts from, `[n_outputs]`.
    """
    sizes = [len(tree.yes) for tree in trees]
    tree_ids = np.repeat(np.arange(len(trees)), sizes)
    node_ids = np.concatenate([np.arange(size) for size in sizes])
    yes = np.concatenate([tree.yes for tree in trees])
    leaf = yes < 0
    values = np.concatenate([tree.values for tree in trees])
    # Nothing is added where a leaf says 0, but ONNX Runtime wants each leaf to say something.
    says = leaf[:, None] & (values != 0)
    says[leaf & ~says.any(axis=1), 0] = True
    rows, outputs = np.nonzero(says)
    attributes: dict[str, Any] = {
        "n_targets": n_outputs,
        "aggregate_function": "AVERAGE" if mean else "SUM",
        "post_transform": "NONE",
        "nodes_treeids": tree_ids,
        "nodes_nodeids": node_ids,
        "nodes_featureids": np.where(leaf, 0, np.concatenate([tree.column for tree in trees])),
        "nodes_values": np.where(leaf, 0, np.concatenate([tree.threshold for tree in trees])),
        "nodes_modes": np.where(leaf, "LEAF", question),
        "nodes_truenodeids": np.where(leaf, 0, yes),
        "nodes_falsenodeids": np.where(leaf, 0, np.concatenate([tree.no for tree in trees])),
        "target_treeids": tree_ids[rows],
        "target_nodeids": node_ids[rows],
        "target_ids": outputs,
        "target_weights": values[rows, outputs],
    }
    if start is not None:
        attributes["base_values"] = start
    plain = {
        key: value.tolist() if isinstance(value, np.ndarray) else value
        for key, value in attributes.items()
    }
    return graph.add("TreeEnsembleRegressor", x, domain=ML_DOMAIN, **plain)
