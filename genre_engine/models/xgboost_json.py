"""XGBoost's JSON, checked before XGBoost reads it.

XGBoost follows the numbers of children and columns that a file names without asking whether they
exist, so a file made with bad intent could have it read anywhere in memory.
Source: the JSON schema in XGBoost's documentation, "Introduction to Model IO".
"""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Per node, all of the same length.
_NUMBERS = ("base_weights", "loss_changes", "split_conditions", "sum_hessian")
_WHOLE = ("left_children", "right_children", "parents", "split_indices", "split_type")
_CATEGORIES = ("categories", "categories_nodes", "categories_segments", "categories_sizes")


def check(values: Any, *, objective: str, n_columns: int | None, n_outputs: int) -> None:
    """Whether a file's JSON is a booster of plain numeric trees that all hang together.

    Raises:
        ValueError, KeyError, TypeError, OverflowError: it isn't.
    """
    learner = values["learner"]
    booster = learner["gradient_booster"]
    _require(learner["objective"]["name"] == objective, "objective")
    _require(booster["name"] == "gbtree", "booster")
    given = learner["learner_model_param"]
    features = int(given["num_feature"])
    _require(n_columns in (None, features), "features")
    _require(0 < features < 2**24, "features")
    outputs = max(int(given["num_class"]), int(given["num_target"]), 1)
    _require(outputs == n_outputs, "outputs")
    # One number for each output, as text.
    base = np.atleast_1d(np.array(json.loads(given["base_score"]), np.float64))
    _require(base.shape in ((1,), (outputs,)) and bool(np.isfinite(base).all()), "base score")

    model = booster["model"]
    found = model["trees"]
    _require(int(model["gbtree_model_param"]["num_trees"]) == len(found), "trees")
    _require(int(model["gbtree_model_param"]["num_parallel_tree"]) == 1, "trees")
    group = _whole(model["tree_info"], len(found))
    _require(bool(((group >= 0) & (group < outputs)).all()), "outputs")
    ends = _whole(model["iteration_indptr"], len(found) // outputs + 1)
    _require(np.array_equal(ends, np.arange(len(ends)) * outputs), "rounds")
    _require(len(found) == int(ends[-1]), "rounds")
    cats = model.get("cats", {})
    _require(not any(cats.get(name) for name in ("enc", "sorted_idx", "feature_segments")), "kinds")
    for tree in found:
        _check_tree(tree, features)


def _check_tree(tree: Any, features: int) -> None:
    given = tree["tree_param"]
    nodes = int(given["num_nodes"])
    _require(nodes >= 1 and int(given["num_deleted"]) == 0, "nodes")
    _require(int(given["num_feature"]) == features, "features")
    _require(int(given["size_leaf_vector"]) in (0, 1), "leaves")
    _require(not any(tree[name] for name in _CATEGORIES), "kinds")
    for name in _NUMBERS:
        numbers = np.array(tree[name], np.float64)
        _require(numbers.shape == (nodes,) and bool(np.isfinite(numbers).all()), name)
    _whole(tree["default_left"], nodes)
    left, right, parents, columns, kinds = (_whole(tree[name], nodes) for name in _WHOLE)
    own = np.arange(nodes)
    _require(bool(((left == -1) == (right == -1)).all()), "children")
    inner = left != -1
    for children in (left, right):
        # A child comes after its parent, so that no path can go in circles.
        _require(bool((children[inner] > own[inner]).all()), "children")
        _require(bool((children[inner] < nodes).all()), "children")
        _require(np.array_equal(parents[children[inner]], own[inner]), "parents")
    _require(bool(((columns >= 0) & (columns < features)).all()), "features")
    _require(not kinds.any(), "kinds")


def _whole(values: Any, length: int) -> NDArray[np.int64]:
    numbers = np.array(values)
    if numbers.shape != (length,) or (length and numbers.dtype.kind not in "bi"):
        raise ValueError("not a list of whole numbers")
    return numbers.astype(np.int64)


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(what)
