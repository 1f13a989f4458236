"""`xgboost`: gradient-boosted trees over a vector of features.

An epoch is ten rounds; a round grows a tree for each genre. Saved as XGBoost's own JSON.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from genre_engine.errors import ModelError
from genre_engine.models import xgboost_json
from genre_engine.models.base import Model, Settings, setting
from genre_engine.models.checkpoint import Checkpoint
from genre_engine.models.class_weights import track_weights, track_weights_setting
from genre_engine.models.data import Data, Floats
from genre_engine.models.files import Description, check_present, damaged
from genre_engine.models.history import Watch
from genre_engine.models.onnx_graph import INPUTS, Graph
from genre_engine.models.onnx_trees import Tree, add_trees

if TYPE_CHECKING:
    import onnx
    import xgboost

FILE = "trees.json"

# Reporting every round would cost a tenth of what the round costs, every fifth a twentieth.
ROUNDS_PER_EPOCH = 10

_OBJECTIVES = {
    "multilabel": "binary:logistic",
    "multiclass": "multi:softprob",
    "binary": "binary:logistic",
}


@dataclass(frozen=True)
class BoostingSettings(Settings):
    """Settings of `xgboost`."""

    rounds: int = setting(
        300,
        low=1,
        high=5000,
        step=10,
        label="Rounds",
        main=True,
        help="The most rounds; learning ends earlier when validation stops improving.",
    )
    patience: int = setting(
        30,
        low=10,
        high=1000,
        step=10,
        label="Patience",
        help="After how many rounds without a better validation loss learning ends.",
    )
    learning_rate: float = setting(
        0.1,
        low=0.001,
        high=1.0,
        log=True,
        label="Learning rate",
        main=True,
        help="How much each tree counts. Small needs more rounds and often ends better.",
        search=(0.03, 0.3),
    )
    depth: int = setting(
        4,
        low=1,
        high=12,
        step=1,
        label="Depth",
        main=True,
        help="Questions that a tree asks one after the other; deep trees overfit sooner.",
        search=(2, 8),
    )
    rows: float = setting(
        0.8,
        low=0.1,
        high=1.0,
        step=0.05,
        label="Share of tracks",
        help="The share of tracks that each tree sees, against overfitting.",
        search=(0.5, 1.0),
    )
    columns: float = setting(
        0.5,
        low=0.02,
        high=1.0,
        step=0.02,
        label="Share of features",
        main=True,
        help="The share of features that each tree may ask about. Fewer is faster too.",
        search=(0.1, 1.0),
    )
    least_weight: float = setting(
        2.0,
        low=0.0,
        high=100.0,
        step=0.5,
        label="Least leaf",
        help="How much evidence each leaf needs; more is against overfitting.",
        search=(0.5, 20.0),
    )
    l2: float = setting(
        1.0,
        low=0.0,
        high=1000.0,
        step=0.5,
        label="L2",
        help="Pulls the leaves towards zero, against overfitting.",
        search=(0.1, 20.0),
    )
    class_weights: bool = track_weights_setting()


class Boosting(Model):
    name = "xgboost"
    title = "XGBoost"
    about = "Many small decision trees, each correcting what those before it got wrong."
    Settings = BoostingSettings
    PRESETS: ClassVar = {
        "fast": {"rounds": 100, "learning_rate": 0.2, "columns": 0.2, "depth": 3},
        "strong": {"rounds": 1500, "learning_rate": 0.03, "patience": 60, "columns": 0.3},
    }

    FILES: ClassVar = (FILE,)
    stops_early = True

    def __init__(self, settings: Any = None, *, seed: int = 0) -> None:
        super().__init__(settings, seed=seed)
        self.booster_: xgboost.Booster | None = None

    @classmethod
    def for_epochs(cls, settings: Any, epochs: int) -> Any:
        return replace(settings, rounds=max(1, epochs * ROUNDS_PER_EPOCH))

    def _epochs(self) -> int:
        return -(-int(self.settings.rounds) // ROUNDS_PER_EPOCH)

    def _patience(self) -> int | None:
        return -(-int(self.settings.patience) // ROUNDS_PER_EPOCH)

    def _learn(self, train: Data, validation: Data, watch: Watch, checkpoint: Checkpoint) -> None:
        import xgboost

        weights = track_weights(train.y) if self.settings.class_weights else None
        matrix = xgboost.QuantileDMatrix(train.x, self._target(train), weight=weights)
        # Without labels: it is only predicted, from a cache that each round brings up to date.
        val_matrix = xgboost.QuantileDMatrix(validation.x, ref=matrix)
        booster = xgboost.Booster(self._parameters(), [matrix, val_matrix])
        if (state := checkpoint.read()) is not None:
            watch.restore(state.history)
            try:
                booster.load_model(bytearray(state.arrays["booster"].astype(np.uint8).tobytes()))
            except (KeyError, xgboost.core.XGBoostError) as error:
                raise ModelError(
                    "The checkpoint's trees are damaged. Remove it to train from the start."
                ) from error
        rounds = int(self.settings.rounds)
        while not watch.over:
            first = (watch.epoch - 1) * ROUNDS_PER_EPOCH
            last = min(first + ROUNDS_PER_EPOCH, rounds)
            _renew(booster)
            for number in range(first, last):
                booster.update(matrix, number)
                watch.batch(number - first + 1, last - first)
            watch.add(
                train.y,
                self._columns(booster.predict(matrix)),
                validation.y,
                self._columns(booster.predict(val_matrix)),
            )
            raw = np.frombuffer(bytes(booster.save_raw("ubj")), np.uint8)
            checkpoint.write(watch.history, {"booster": raw})
            watch.report()
        best = min(watch.best_epoch * ROUNDS_PER_EPOCH, booster.num_boosted_rounds())
        self.booster_ = booster[:best]

    def _parameters(self) -> dict[str, Any]:
        parameters = {
            "objective": _OBJECTIVES[self.task_],
            "tree_method": "hist",
            "max_depth": self.settings.depth,
            "learning_rate": self.settings.learning_rate,
            "subsample": self.settings.rows,
            "colsample_bytree": self.settings.columns,
            "min_child_weight": self.settings.least_weight,
            "reg_lambda": self.settings.l2,
            "seed": self.seed,
            "seed_per_iteration": True,
        }
        if self.task_ == "multiclass":
            parameters["num_class"] = len(self.genres_)
        return parameters

    def _target(self, data: Data) -> Any:
        if self.task_ == "multilabel":
            return data.y.astype(np.float32)
        return data.y.argmax(axis=1).astype(np.float32)

    def _columns(self, predicted: Floats) -> Floats:
        """What a booster predicts → a column a genre."""
        if self.task_ == "binary":
            return np.stack([1 - predicted, predicted], axis=1)
        return predicted.reshape(len(predicted), len(self.genres_))

    def _probabilities(self, x: Floats) -> Floats:
        if self.booster_ is None:
            raise ModelError("This xgboost has learnt nothing yet. Train it first.")
        return self._columns(self.booster_.inplace_predict(x))

    def _write(self, folder: Path) -> None:
        if self.booster_ is not None:
            (folder / FILE).write_bytes(bytes(self.booster_.save_raw("json")))

    @classmethod
    def check(cls, folder: Path, description: Description) -> None:
        check_present(folder, cls.FILES)
        try:
            values = json.loads((folder / FILE).read_bytes())
            xgboost_json.check(
                values,
                objective=_OBJECTIVES[description.task],
                n_columns=len(description.features.columns) or None,
                n_outputs=1 if description.task == "binary" else len(description.genres),
            )
        except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            raise damaged(folder, FILE) from error

    @classmethod
    def onnx(cls, folder: Path, description: Description) -> "onnx.ModelProto":
        n_genres = len(description.genres)
        n = 1 if description.task == "binary" else n_genres
        try:
            learner = json.loads((folder / FILE).read_bytes())["learner"]
            model = learner["gradient_booster"]["model"]
            found = [
                _tree(tree, group, n)
                for tree, group in zip(model["trees"], model["tree_info"], strict=True)
            ]
            start = _start(learner["learner_model_param"]["base_score"], description.task, n)
            columns = int(learner["learner_model_param"]["num_feature"])
        except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            raise damaged(folder, FILE) from error
        graph, x = Graph(), INPUTS[cls.input]
        z = add_trees(graph, x, found, n_outputs=n, question="BRANCH_LT", start=start)
        if description.task == "multiclass":
            p = graph.add("Softmax", z, axis=-1)
        else:
            p = graph.add("Sigmoid", z)
        if description.task == "binary":
            one = graph.constant(np.array(1, np.float32))
            p = graph.add("Concat", graph.add("Sub", one, p), p, axis=1)
        return graph.model(p, x, (columns,), description)

    def _read(self, folder: Path) -> None:
        import xgboost

        booster = xgboost.Booster()
        try:
            booster.load_model(bytearray((folder / FILE).read_bytes()))
        except (OSError, xgboost.core.XGBoostError) as error:
            raise damaged(folder, FILE) from error
        self.booster_ = booster


def _tree(stored: Any, group: int, n_outputs: int) -> Tree:
    """A tree of XGBoost's JSON as `onnx_trees` takes it; what a leaf says stands where another node
    has its threshold."""
    threshold = np.array(stored["split_conditions"], np.float32)
    values = np.zeros((len(threshold), n_outputs), np.float32)
    values[:, group] = threshold
    return Tree(
        column=np.array(stored["split_indices"], np.int64),
        threshold=threshold,
        yes=np.array(stored["left_children"], np.int64),
        no=np.array(stored["right_children"], np.int64),
        values=values,
    )


def _start(base_score: str, task: str, n_outputs: int) -> Floats:
    """What each output starts from: a probability as its logit, but for softmax as it is."""
    base = np.broadcast_to(np.array(json.loads(base_score), np.float64).ravel(), (n_outputs,))
    if task != "multiclass":
        base = np.log(base / (1 - base))
    return base.astype(np.float32)


def _renew(booster: "xgboost.Booster") -> None:
    """Let the booster draw its next tracks and features as if it had just been loaded.

    XGBoost seeds each round by its number, but what grows the trees keeps random state of its own,
    which no saved booster holds. Changing the method there and back makes it again.
    """
    for method in ("approx", "hist"):
        booster.set_param("tree_method", method)
        booster.num_features()  # parameters come into force with the next call
