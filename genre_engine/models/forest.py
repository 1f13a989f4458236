"""`forest`: extremely randomised trees, or a random forest, over a vector of features.

An epoch is a tenth of the trees; what they say together is the mean over all so far. The forest
equals the one that scikit-learn would grow at once with the same seed. Saved by skops, each type
that a file names being compared with the few that a forest consists of.
"""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from zipfile import ZIP_DEFLATED

import numpy as np
from numpy.typing import NDArray

from genre_engine.errors import ModelError
from genre_engine.models.base import Model, Settings, setting
from genre_engine.models.checkpoint import Checkpoint
from genre_engine.models.class_weights import track_weights, track_weights_setting
from genre_engine.models.data import Data, Floats
from genre_engine.models.files import (
    Description,
    check_present,
    check_zip,
    damaged,
    foreign,
    read_member,
)
from genre_engine.models.history import Watch
from genre_engine.models.onnx_graph import INPUTS, Graph
from genre_engine.models.onnx_trees import Tree, add_trees, at_most
from genre_engine.storage.workspace import make_folder, replacing

if TYPE_CHECKING:
    import onnx
    from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

FILE = "forest.skops"
THRESHOLDS = ("random", "best")
EPOCHS = 10
# Nodes of all trees: making the graph takes about a kilobyte for each.
_MOST_ONNX_NODES = 500_000

# All types in a file of ours, and all kinds of nodes; skops would trust more.
_TYPES = {
    *("builtins.dict", "builtins.list", "builtins.tuple", "builtins.str"),
    *("numpy.ndarray", "numpy.int64", "sklearn.tree._tree.Tree"),
    "sklearn.ensemble._forest.RandomForestClassifier",
    "sklearn.ensemble._forest.ExtraTreesClassifier",
    "sklearn.tree._classes.ExtraTreeClassifier",
    "sklearn.tree._classes.DecisionTreeClassifier",
}
_NODES = {
    *("TypeNode", "JsonNode", "NdArrayNode", "ListNode", "DictNode", "ObjectNode", "TupleNode"),
    "TreeNode",
}
_TRUSTED = ["sklearn.tree._tree.Tree"]


@dataclass(frozen=True)
class ForestSettings(Settings):
    """Settings of `forest`."""

    trees: int = setting(
        300,
        low=10,
        high=2000,
        step=10,
        label="Trees",
        main=True,
        help="More trees are steadier, slower and larger; some hundreds are enough.",
    )
    thresholds: str = setting(
        "random",
        choices=THRESHOLDS,
        label="Thresholds",
        main=True,
        help="Where a tree divides a feature: at random (extremely randomised trees, which learn "
        "from all tracks; quicker, and mostly better) or where it divides best (a random forest).",
        search=THRESHOLDS,
    )
    columns: float = setting(
        0.0,
        low=0.005,
        high=1.0,
        step=0.005,
        log=True,
        label="Share of features",
        main=True,
        help="The share of features that each question chooses from.",
        search=(0.02, 0.4),
        zero="square root",
    )
    least_leaf: int = setting(
        0,
        low=1,
        high=100,
        step=1,
        log=True,
        label="Least leaf",
        main=True,
        help="The fewest tracks that a leaf may hold; more is against overfitting. 0 goes by the "
        "number of tracks: 1 below 2,000, 2 below 6,000, else 3, which keeps the forest small.",
        search=(1, 20),
        zero="by tracks",
    )
    depth: int = setting(
        0,
        low=0,
        high=60,
        step=1,
        label="Depth",
        help="The most questions one after the other; 0 is as many as it takes.",
    )
    class_weights: bool = track_weights_setting()


class Forest(Model):
    name = "forest"
    title = "Forest"
    about = (
        "Many deep decision trees, each grown at random in its own way; their mean is the score."
    )
    Settings = ForestSettings
    PRESETS: ClassVar = {
        "fast": {"trees": 100, "least_leaf": 5},
        "strong": {"trees": 1000},
    }
    FILES: ClassVar = (FILE,)
    rebuilds_onnx = False
    _keeps_last = True

    def __init__(self, settings: Any = None, *, seed: int = 0) -> None:
        super().__init__(settings, seed=seed)
        self.forest_: RandomForestClassifier | ExtraTreesClassifier | None = None

    def _epochs(self) -> int:
        return EPOCHS

    def _learn(self, train: Data, validation: Data, watch: Watch, checkpoint: Checkpoint) -> None:
        from joblib import cpu_count
        from sklearn.base import clone
        from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

        at_random = self.settings.thresholds == "random"
        forest = bare = (ExtraTreesClassifier if at_random else RandomForestClassifier)(
            n_estimators=0,
            max_features=self.settings.columns or "sqrt",
            min_samples_leaf=self.settings.least_leaf or _least_leaf(len(train)),
            max_depth=self.settings.depth or None,
            random_state=self.seed,
            n_jobs=1,
            warm_start=True,
        )
        target = self._target(train)
        weights = track_weights(train.y) if self.settings.class_weights else None
        sums = [np.zeros(part.y.shape) for part in (train, validation)]
        trees: list[Any] = []
        if (state := checkpoint.read()) is not None:
            watch.restore(state.history)
            try:
                sums = [state.arrays["train"], state.arrays["validation"]]
            except KeyError as error:
                raise _checkpoint_damaged() from error

        def grown(first: int, last: int) -> Any:
            """A forest whose trees from `first` on are new."""
            part = clone(bare).set_params(n_estimators=last)
            part.estimators_ = [None] * first  # only counted, to draw the right seeds
            return part.fit(train.x, target, sample_weight=weights)

        if watch.history:
            forest = grown(0, 1)
            trees = self._kept(checkpoint, len(watch.history), forest.estimators_[0])
        # All epochs' trees wait in one queue, a part for each core: none is idle at an epoch's end,
        # nor while an epoch is judged and written.
        with ThreadPoolExecutor(cpu_count()) as threads:
            growing = deque(
                [threads.submit(grown, *ends) for ends in self._parts(epoch, cpu_count())]
                for epoch in range(watch.epoch, EPOCHS + 1)
            )
            try:
                while not watch.over:
                    parts = [part.result() for part in growing.popleft()]
                    new = [tree for part in parts for tree in part.estimators_ if tree is not None]
                    trees += new
                    forest = parts[0]
                    for total, part in zip(sums, (train, validation), strict=True):
                        total += self._sum(new, np.asarray(part.x))
                    means = [(total / len(trees)).astype(np.float32) for total in sums]
                    watch.add(train.y, means[0], validation.y, means[1])
                    self._keep(checkpoint, watch.epoch - 1, new)
                    checkpoint.write(watch.history, {"train": sums[0], "validation": sums[1]})
                    watch.report()
            finally:
                threads.shutdown(cancel_futures=True)
        forest.n_estimators, forest.estimators_ = len(trees), trees
        self.forest_ = forest

    def _trees_after(self, epoch: int) -> int:
        return round(epoch * int(self.settings.trees) / EPOCHS)

    def _parts(self, epoch: int, n: int) -> list[tuple[int, int]]:
        """An epoch's trees in at most n parts: the first of each, and the one after its last."""
        ends = np.linspace(self._trees_after(epoch - 1), self._trees_after(epoch), n + 1)
        return [(a, b) for a, b in pairwise(ends.round().astype(int).tolist()) if a < b]

    def _target(self, data: Data) -> NDArray[Any]:
        return data.y if self.task_ == "multilabel" else data.y.argmax(axis=1)

    def _sum(self, trees: list[Any], x: Floats) -> NDArray[np.float64]:
        """The sum of what trees say, `[n, n_genres]`, in the trees' order."""
        total = np.zeros((len(x), len(self.genres_)))
        for tree in trees:
            total += self._columns(tree.predict_proba(x, check_input=False))
        return total

    def _columns(self, predicted: Any) -> NDArray[np.float64]:
        """scikit-learn's answer → a column a genre."""
        if isinstance(predicted, list):  # for each genre: no, yes
            return np.stack([pair[:, 1] for pair in predicted], axis=1)
        found: NDArray[np.float64] = predicted
        return found[:, 1:] if self.task_ == "multilabel" else found

    def _probabilities(self, x: Floats) -> Floats:
        if self.forest_ is None:
            raise ModelError("This forest has learnt nothing yet. Train it first.")
        trees = self.forest_.estimators_
        return (self._sum(trees, x) / len(trees)).astype(np.float32)

    def _keep(self, checkpoint: Checkpoint, epoch: int, trees: list[Any]) -> None:
        """Write an epoch's trees: a file of its own each, so that none is written twice; only their
        nodes, for all else is the same in all trees."""
        if checkpoint.folder is None:
            return
        from skops.io import dump  # type: ignore[import-untyped]

        make_folder(checkpoint.folder)
        with replacing(checkpoint.folder / f"trees-{epoch:02}.skops") as path:
            dump([tree.tree_ for tree in trees], path)

    def _kept(self, checkpoint: Checkpoint, epochs: int, like: Any) -> list[Any]:
        """The trees of a checkpoint's epochs.

        Args:
            like: a tree of the same forest, which has all but their nodes.
        """
        trees: list[Any] = []
        folder = checkpoint.folder
        if folder is None:
            return trees
        for epoch in range(1, epochs + 1):
            name = f"trees-{epoch:02}.skops"
            try:
                _check(folder, name)
                for nodes in _load(folder / name):
                    if not (
                        _hangs_together(nodes, like.n_features_in_)
                        and nodes.value.shape[1:] == like.tree_.value.shape[1:]
                    ):
                        raise _checkpoint_damaged()
                    trees.append(copy(like))
                    trees[-1].tree_ = nodes
            except (ModelError, OSError, AttributeError, TypeError) as error:
                raise _checkpoint_damaged() from error
        if len(trees) != self._trees_after(epochs):
            raise _checkpoint_damaged()
        return trees

    def _write(self, folder: Path) -> None:
        from skops.io import dump

        dump(self.forest_, folder / FILE, compression=ZIP_DEFLATED, compresslevel=1)

    @classmethod
    def check(cls, folder: Path, description: Description) -> None:
        check_present(folder, cls.FILES)
        _check(folder, FILE)

    def _fits_onnx(self) -> bool:
        trees = self.forest_.estimators_ if self.forest_ is not None else []
        return bool(sum(tree.tree_.node_count for tree in trees) <= _MOST_ONNX_NODES)

    @classmethod
    def onnx(cls, folder: Path, description: Description) -> "onnx.ModelProto":
        model = cls(seed=description.seed)
        model.genres_, model.task_ = description.genres, description.task
        model.features_ = description.features
        model._read(folder)
        forest = model.forest_
        if forest is None:
            raise damaged(folder, FILE)
        trees = [_tree(tree.tree_, description.task) for tree in forest.estimators_]
        graph, x, n = Graph(), INPUTS[cls.input], len(description.genres)
        found = add_trees(graph, x, trees, n_outputs=n, question="BRANCH_LEQ", mean=True)
        return graph.model(found, x, (int(forest.n_features_in_),), description)

    def _read(self, folder: Path) -> None:
        from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

        forest = _load(folder / FILE)
        n_columns = len(self.features_.columns)
        try:
            fits = (
                isinstance(forest, RandomForestClassifier | ExtraTreesClassifier)
                and n_columns in (0, forest.n_features_in_)
                and all(
                    _hangs_together(tree.tree_, forest.n_features_in_)
                    for tree in forest.estimators_
                )
                and self._sum(
                    forest.estimators_[:1], np.zeros((1, forest.n_features_in_), np.float32)
                ).shape
                == (1, len(self.genres_))
            )
        except (AttributeError, ValueError, TypeError, IndexError) as error:
            raise damaged(folder, FILE) from error
        if not fits:
            raise damaged(folder, FILE, "doesn't fit the genres or features")
        self.forest_ = forest


def _least_leaf(n_tracks: int) -> int:
    """1 for few tracks; for many, more, or a forest's file has hundreds of megabytes."""
    return 1 if n_tracks < 2000 else 2 if n_tracks < 6000 else 3


def _checkpoint_damaged() -> ModelError:
    return ModelError("The checkpoint's trees are damaged. Remove it to train from the start.")


def _check(folder: Path, name: str) -> None:
    """Look through a file of skops without loading it.

    Raises:
        ModelError: it is damaged, or names types that no forest consists of.
    """
    if "schema.json" not in check_zip(folder, name):
        raise damaged(folder, name)
    strange: set[str] = set()
    waiting: list[Any] = [read_member(folder, name, "schema.json")]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += part
        elif isinstance(part, dict):
            waiting += part.values()
            if "__class__" in part:
                found = f"{part.get('__module__')}.{part['__class__']}"
                if found not in _TYPES:
                    strange.add(found)
                if part.get("__loader__") not in _NODES:
                    strange.add(str(part.get("__loader__")))
    if strange:
        raise foreign(folder, name, strange)


def _hangs_together(nodes: Any, n_columns: int) -> bool:
    """Whether a tree names only nodes and columns that exist: scikit-learn follows them unseen."""
    own = np.arange(nodes.node_count)
    left, right = nodes.children_left, nodes.children_right
    inner = left != -1
    children = np.concatenate([left[inner], right[inner]])
    return bool(
        nodes.n_features == n_columns
        and len(own) >= 1
        and np.array_equal(inner, right != -1)
        # A child comes after its parent, so that no path can go in circles.
        and (children > np.concatenate([own[inner], own[inner]])).all()
        and (children < len(own)).all()
        and ((nodes.feature[inner] >= 0) & (nodes.feature[inner] < n_columns)).all()
        and len(nodes.value) == len(own)
    )


def _tree(nodes: Any, task: str) -> Tree:
    """scikit-learn's nodes as `onnx_trees` takes them."""
    values = nodes.value[:, :, 1] if task == "multilabel" else nodes.value[:, 0]
    return Tree(
        column=nodes.feature,
        threshold=at_most(nodes.threshold),
        yes=nodes.children_left,
        no=nodes.children_right,
        values=values.astype(np.float32),
    )


def _load(path: Path) -> Any:
    """What skops stored, once it has been checked."""
    from skops.io import load

    try:
        return load(path, trusted=_TRUSTED)
    except Exception as error:
        raise damaged(path.parent, path.name) from error
