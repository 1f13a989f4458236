"""`ensemble` and `auto`: several models over the same vectors, weighed by what they say of tracks
that they haven't learnt from.

An epoch is a member: it is fitted to each fold within train, which gives its out-of-fold
probabilities, and to all of train. After each the weights are found again: none below zero, adding
up to one, with the least loss out of fold. `auto` tries more members, as long as its minutes last,
and its history is the leader board.

A saved one is `members.zip`, with each member as it is saved alone, and `weights.json`.
"""

import json
import math
import shutil
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from statistics import median
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from genre_engine import splits
from genre_engine.errors import ModelError
from genre_engine.models import registry
from genre_engine.models.base import Model, Settings, setting
from genre_engine.models.checkpoint import Checkpoint
from genre_engine.models.data import Data, Floats, Labels
from genre_engine.models.files import (
    DESCRIPTION,
    ONNX,
    Description,
    check_present,
    check_zip,
    damaged,
    foreign,
    read_description,
)
from genre_engine.models.history import Silent, Watch, cross_entropy
from genre_engine.models.inner_folds import inner_folds
from genre_engine.storage.workspace import make_folder

if TYPE_CHECKING:
    import onnx

MEMBERS, WEIGHTS = "members.zip", "weights.json"
COMBINING = ("stack", "mean")
_ALL = 10**9
_STOPPING_SHARE = 0.1
_MOST_MEMBERS = 20

Candidate = tuple[str, Mapping[str, Any]]

# In order of promise: what is quick and strong with few tracks comes first.
_CANDIDATES: tuple[Candidate, ...] = (
    ("forest", {}),
    ("linear", {}),
    ("svm", {}),
    ("fcn", {}),
    ("xgboost", {}),
    ("forest", {"thresholds": "best"}),
    (
        "fcn",
        {
            "layers": [512, 256],
            "learning_rate": 5e-4,
            "schedule": "cosine",
            "batch_norm": True,
            "dropout": 0.5,
            "mixup": 0.2,
            "l2": 1e-5,
        },
    ),
    ("xgboost", {"rounds": 1500, "learning_rate": 0.03, "patience": 60, "columns": 0.3}),
)


def _member_setting(title: str) -> Any:
    return setting(True, label=title, main=True, help=f"Whether the ensemble has a {title}.")


@dataclass(frozen=True)
class EnsembleSettings(Settings):
    """Settings of `ensemble`."""

    forest: bool = _member_setting("forest")
    linear: bool = _member_setting("logistic regression")
    svm: bool = _member_setting("support-vector machine")
    fcn: bool = _member_setting("network")
    xgboost: bool = _member_setting("XGBoost")
    combine: str = setting(
        "stack",
        choices=COMBINING,
        label="Combine",
        help="stack: weights that do best on folds within train; mean: all members weigh the same.",
    )


@dataclass(frozen=True)
class AutoSettings(Settings):
    """Settings of `auto`."""

    minutes: float = setting(
        10.0,
        low=0.1,
        high=600.0,
        log=True,
        label="Minutes",
        main=True,
        help="How long models are tried; what is being fitted then is finished. With folds, each "
        "fold has so long.",
    )


class Ensemble(Model):
    name = "ensemble"
    title = "Ensemble"
    about = (
        "Several models, weighed by what they say of tracks that they haven't learnt from: "
        "mostly better than each, and as slow as all together."
    )
    Settings: ClassVar[type[Settings]] = EnsembleSettings
    PRESETS: ClassVar = {
        "fast": {"svm": False, "fcn": False, "xgboost": False},
        "strong": {},
    }
    FILES: ClassVar = (MEMBERS, WEIGHTS)
    rebuilds_onnx = False
    own_form_is_light = True
    _keeps_last = True

    def __init__(self, settings: Any = None, *, seed: int = 0) -> None:
        super().__init__(settings, seed=seed)
        self.members_: list[Any] = []
        self.weights_: NDArray[np.float64] = np.empty(0)

    def _candidates(self) -> Sequence[Candidate]:
        chosen = [one for one in _CANDIDATES[:5] if getattr(self.settings, one[0])]
        if not chosen:
            raise ModelError("An ensemble needs a member. Choose at least one.")
        return chosen

    def _over(self, began: float) -> bool:
        """Whether no further member is to be tried."""
        return False

    def _combining(self) -> str:
        return str(self.settings.combine)

    def _epochs(self) -> int:
        return len(self._candidates())

    def _learn(self, train: Data, validation: Data, watch: Watch, checkpoint: Checkpoint) -> None:
        began = time.monotonic()
        candidates = self._candidates()
        folds = list(inner_folds(train, self.seed, most_tracks=_ALL))
        given = [np.asarray(part.x) for part in (train, validation)]
        outside: list[Floats] = []  # out-of-fold probabilities of each member
        inside: list[list[Floats]] = []  # what each says of train and validation
        if (state := checkpoint.read()) is not None:
            watch.restore(state.history)
            for number in range(len(watch.history)):
                member = self._kept(checkpoint, number)
                self.members_.append(member)
                try:
                    outside.append(state.arrays[f"outside_{number}"])
                except KeyError as error:
                    raise _checkpoint_damaged() from error
                inside.append([member.predict_proba(x) for x in given])
            self._weigh(train, folds, outside)
        while not watch.over:
            number = watch.epoch - 1
            name, values = candidates[number]
            member, p = self._fit_member(name, values, train, folds, watch)
            self.members_.append(member)
            outside.append(p)
            inside.append([member.predict_proba(x) for x in given])
            self._weigh(train, folds, outside)
            watch.progress.log(self._said(train, folds, name, p))
            sums = [
                _mixed(self.weights_, [one[part] for one in inside]) for part in range(len(given))
            ]
            watch.add(train.y, sums[0], validation.y, sums[1])
            if checkpoint.folder is not None:
                make_folder(checkpoint.folder)
                member.save(checkpoint.folder / f"member-{number:02}")
            arrays = {f"outside_{i}": array for i, array in enumerate(outside)}
            checkpoint.write(watch.history, arrays)
            watch.report()
            if self._over(began):
                break

    def _fit_member(
        self,
        name: str,
        values: Mapping[str, Any],
        train: Data,
        folds: Sequence[tuple[NDArray[Any], NDArray[Any]]],
        watch: Watch,
    ) -> tuple[Model, Floats]:
        """A member that has learnt from all of train, and its out-of-fold probabilities."""
        kind = registry.model(name)
        settings = kind.Settings.from_dict(values)
        p = np.tile(train.y.mean(axis=0).astype(np.float32), (len(train), 1))
        epochs = []
        for number, (learnt, held) in enumerate(folds):
            model = kind(settings, seed=self.seed)
            rows, stops = learnt, None
            if kind.stops_early:
                rows, stops = _stopping(train, learnt, self.seed)
            model.fit(train.take(rows), None if stops is None else train.take(stops), _Quiet(watch))
            p[held] = model.predict_proba(train.take(held).x)
            epochs.append(model.best_epoch_)
            watch.batch(number + 1, len(folds) + 1)
        if kind.stops_early and epochs:
            settings = kind.for_epochs(settings, round(median(epochs)))
        return kind(settings, seed=self.seed).fit(train, None, _Quiet(watch)), p

    def _weigh(
        self,
        train: Data,
        folds: Sequence[tuple[NDArray[Any], NDArray[Any]]],
        outside: Sequence[Floats],
    ) -> None:
        n = len(outside)
        self.weights_ = np.full(n, 1 / n)
        if self._combining() == "mean" or n == 1 or not folds:
            return
        rows = np.concatenate([held for _, held in folds])
        self.weights_ = _least_loss(train.y[rows], [p[rows] for p in outside], train.task)

    def _said(
        self,
        train: Data,
        folds: Sequence[tuple[NDArray[Any], NDArray[Any]]],
        name: str,
        p: Floats,
    ) -> str:
        weights = ", ".join(
            f"{member.name} {weight:.2f}"
            for member, weight in zip(self.members_, self.weights_, strict=True)
        )
        if not folds:
            return f"{name}: there are too few tracks for folds, so all members weigh the same."
        rows = np.concatenate([held for _, held in folds])
        loss = cross_entropy(train.y[rows], p[rows], train.task)
        return f"{name}: loss {loss:.3f} on folds within train. Weights: {weights}."

    def _probabilities(self, x: Floats) -> Floats:
        if not self.members_:
            raise ModelError(f"This {self.name} has learnt nothing yet. Train it first.")
        used = [
            (weight, member)
            for weight, member in zip(self.weights_, self.members_, strict=True)
            if weight > 0
        ]
        return _mixed(
            np.array([weight for weight, _ in used]),
            [member.predict_proba(x) for _, member in used],
        )

    def _kept(self, checkpoint: Checkpoint, number: int) -> Model:
        if checkpoint.folder is None:
            raise _checkpoint_damaged()
        try:
            return registry.load(checkpoint.folder / f"member-{number:02}")
        except ModelError as error:
            raise _checkpoint_damaged() from error

    def _write(self, folder: Path) -> None:
        with (
            tempfile.TemporaryDirectory(dir=folder) as room,
            zipfile.ZipFile(folder / MEMBERS, "w") as archive,
        ):
            for number, member in enumerate(self.members_):
                own = Path(room, f"{number:02}")
                member.save(own)
                for path in sorted(own.iterdir()):
                    entry = zipfile.ZipInfo(f"{number:02}/{path.name}")
                    with path.open("rb") as source, archive.open(entry, "w") as target:
                        shutil.copyfileobj(source, target)
        weights = {"weights": [float(weight) for weight in self.weights_]}
        (folder / WEIGHTS).write_text(json.dumps(weights), encoding="utf-8")

    @classmethod
    def check(cls, folder: Path, description: Description) -> None:
        check_present(folder, cls.FILES)
        with _unpacked(folder, description) as members:
            for member in members:
                registry.check_files(member)

    @classmethod
    def onnx(cls, folder: Path, description: Description) -> "onnx.ModelProto":
        raise ModelError(
            "An ensemble isn't written as one ONNX graph; each of its members has one. Export a "
            "run of a single model."
        )

    def _fits_onnx(self) -> bool:
        return False

    def _read(self, folder: Path) -> None:
        with _unpacked(folder, self._description()) as members:
            self.weights_ = _weights(folder, len(members))
            self.members_ = [registry.load(member) for member in members]

    def _description(self) -> Description:
        return Description(
            *(self.name, {}, self.seed, self.genres_, self.task_, self.features_, (), 0)
        )


class Auto(Ensemble):
    name = "auto"
    title = "Automatic"
    about = (
        "Tries the models one after the other for some minutes and weighs them by what they say of "
        "tracks that they haven't learnt from."
    )
    Settings: ClassVar[type[Settings]] = AutoSettings
    PRESETS: ClassVar = {"fast": {"minutes": 1.0}, "strong": {"minutes": 30.0}}

    def _candidates(self) -> Sequence[Candidate]:
        return _CANDIDATES

    def _combining(self) -> str:
        return "stack"

    def _over(self, began: float) -> bool:
        return bool(time.monotonic() - began > 60 * self.settings.minutes)


class _Quiet(Silent):
    """A member's fit: its epochs aren't the ensemble's, but a stop is heard at its epochs' ends."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def batch(
        self, *, epoch: int, epochs: int, batch: int, batches: int, loss: float | None
    ) -> None:
        self._watch.batch(1, 2)


def _mixed(weights: NDArray[np.float64], parts: Sequence[Floats]) -> Floats:
    total = sum(weight * part for weight, part in zip(weights, parts, strict=True))
    found: Floats = np.clip(np.asarray(total, np.float32), 0, 1)
    return found


def _least_loss(y: Labels, parts: Sequence[Floats], task: str) -> NDArray[np.float64]:
    """Weights of least cross-entropy, none below zero, adding up to one."""
    from scipy.optimize import minimize

    stacked = np.stack(parts).astype(np.float64)
    n = len(parts)
    truth = y.astype(bool)

    def loss(weights: NDArray[Any]) -> tuple[float, NDArray[Any]]:
        p = np.clip(np.tensordot(weights, stacked, 1), 1e-7, 1 - 1e-7)
        if task == "multilabel":
            value = -np.where(truth, np.log(p), np.log1p(-p)).mean()
            slope = np.where(truth, -1 / p, 1 / (1 - p)) / p.size
        else:
            value = -np.log(p[truth]).mean()
            slope = np.where(truth, -1 / p, 0.0) / len(p)
        return float(value), np.tensordot(stacked, slope, axes=([1, 2], [0, 1]))

    found = minimize(
        loss,
        np.full(n, 1 / n),
        jac=True,
        method="SLSQP",
        bounds=[(0.0, 1.0)] * n,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": lambda _: np.ones(n)},
    ).x
    found = np.where(found < 0.01, 0.0, found)
    weights: NDArray[np.float64] = found / found.sum()
    return weights


def _stopping(
    train: Data, rows: NDArray[Any], seed: int
) -> tuple[NDArray[Any], NDArray[Any] | None]:
    groups = rows if train.groups is None else train.groups[rows]
    units = np.unique(groups, return_inverse=True)[1]
    if int(units.max()) < 1:
        return rows, None
    shares = [1 - _STOPPING_SHARE, _STOPPING_SHARE]
    stops = splits.partition(units, train.y[rows], shares, np.random.default_rng(seed)) == 1
    learnt = train.y[rows[~stops]]
    if not stops.any() or not learnt.any(axis=0).all() or learnt.all(axis=0).any():
        return rows, None
    return rows[~stops], rows[stops]


def _checkpoint_damaged() -> ModelError:
    return ModelError("The checkpoint's members are damaged. Remove it to train from the start.")


def _weights(folder: Path, n: int) -> NDArray[np.float64]:
    try:
        values = json.loads((folder / WEIGHTS).read_text(encoding="utf-8"))["weights"]
        weights = np.array([float(value) for value in values])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise damaged(folder, WEIGHTS) from error
    sound = len(weights) == n and np.isfinite(weights).all() and (weights >= 0).all()
    if not sound or not math.isclose(weights.sum(), 1, abs_tol=1e-6):
        raise damaged(folder, WEIGHTS)
    return weights


@contextmanager
def _unpacked(folder: Path, description: Description) -> Iterator[list[Path]]:
    """The members' folders, each checked to be a member of this ensemble.

    Raises:
        ModelError: the archive is damaged, or holds what no ensemble of ours holds.
    """
    names = check_zip(folder, MEMBERS)
    with tempfile.TemporaryDirectory() as room, zipfile.ZipFile(folder / MEMBERS) as archive:
        for name in names:
            parts = PurePosixPath(name).parts
            if len(parts) != 2 or not (parts[0].isdecimal() and len(parts[0]) == 2):
                raise foreign(folder, MEMBERS, {name})
            kinds = {registry.model(other) for other in registry.VECTOR_MEMBERS}
            if parts[1] not in {DESCRIPTION, ONNX, *(f for kind in kinds for f in kind.FILES)}:
                raise foreign(folder, MEMBERS, {name})
            target = Path(room, *parts)
            target.parent.mkdir(exist_ok=True)
            try:
                with archive.open(name) as source, target.open("wb") as file:
                    shutil.copyfileobj(source, file)
            except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError) as error:
                raise damaged(folder, MEMBERS) from error
        members = sorted(Path(room).iterdir())
        wanted = [f"{number:02}" for number in range(len(members))]
        if not 1 <= len(members) <= _MOST_MEMBERS or [path.name for path in members] != wanted:
            raise damaged(folder, MEMBERS)
        for member in members:
            own = read_description(member)
            if own.model not in registry.VECTOR_MEMBERS:
                raise foreign(folder, MEMBERS, {own.model})
            if (own.genres, own.task, own.features) != (
                description.genres,
                description.task,
                description.features,
            ):
                raise damaged(folder, MEMBERS, "doesn't fit the genres or features")
        yield members
