"""The contract that every model keeps.

`Model(settings, seed=…)` stores; `fit` learns, and what it learnt ends in `_`. A saved model is a
folder without pickle:

    model.json      what it is: model, settings, genres, task, features, history
    …               what it learnt, in files that its own module names
    model.onnx      the same as an ONNX graph, which songs are classified with (`classifier`)

The same seed on the same machine gives the same result, and a fit that was stopped and goes on from
its checkpoint gives the result of one that wasn't.
"""

import logging
import shutil
import zlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np

from genre_engine.errors import BadSetting, ModelError
from genre_engine.models import onnx_file
from genre_engine.models.checkpoint import Checkpoint
from genre_engine.models.data import (
    Data,
    FeatureInfo,
    Floats,
    PatchSource,
    check_labels,
    check_patches,
    check_vectors,
)
from genre_engine.models.files import Description, read_description, write_description
from genre_engine.models.history import Enough, Progress, Silent, Stop, Watch
from genre_engine.models.settings import SettingInfo, Settings, setting
from genre_engine.storage.workspace import replacing, shown

if TYPE_CHECKING:
    import onnx

__all__ = [
    "Data",
    "Enough",
    "FeatureInfo",
    "Model",
    "PatchSource",
    "Progress",
    "SettingInfo",
    "Settings",
    "Stop",
    "setting",
]

_logger = logging.getLogger(__name__)


class Model(ABC):
    """Base of all models.

    Attributes:
        name: what the command line calls it; `title` and `about` what the app says.
        input: whether it takes vectors or patches.
        PRESETS: settings by the preset's name, each as far as it differs from the defaults.
        FILES: what a saved one consists of, beside `model.json` and `model.onnx`.
        rebuilds_onnx: `onnx` takes milliseconds and imports nothing heavy, so that a saved model
            without `model.onnx` is classified with all the same.
        stops_early: validation decides how long it learns.
        own_form_is_light: it loads as quickly as its graph does, so songs are classified with it.
        genres_, task_, features_: of what it was trained on.
        history_: what each epoch reported.
        best_epoch_: the epoch, from 1, whose state is kept.
        chosen_: settings that were left to the model, by name, as it chose them in `fit`.
        warnings_: sentences that belong beside every result.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    about: ClassVar[str]
    input: ClassVar[Literal["vector", "patches"]] = "vector"
    Settings: ClassVar[type[Settings]]
    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    FILES: ClassVar[tuple[str, ...]]
    rebuilds_onnx: ClassVar[bool] = True
    own_form_is_light: ClassVar[bool] = False
    stops_early: ClassVar[bool] = False
    _keeps_last: ClassVar[bool] = False
    _needs_all: ClassVar[bool] = False

    def __init__(self, settings: Any = None, *, seed: int = 0) -> None:
        self.settings: Any = self.Settings() if settings is None else settings
        if not isinstance(self.settings, self.Settings):
            raise TypeError(f"{self.name} takes {self.Settings.__qualname__}")
        self.seed = seed
        self.genres_: tuple[str, ...] = ()
        self.task_ = ""
        self.features_ = FeatureInfo("", "")
        self.history_: list[dict[str, Any]] = []
        self.best_epoch_ = 0
        self.chosen_: dict[str, Any] = {}
        self.warnings_: tuple[str, ...] = ()

    def fit(
        self,
        train: Data,
        validation: Data | None,
        progress: Progress | None = None,
        checkpoint: Path | None = None,
    ) -> Self:
        """Learn from train; validation (its early-stopping set) chooses the epoch that is kept.

        Args:
            validation: None to learn for all epochs of the settings and keep the last.
            checkpoint: a folder. The fit goes on from what it holds, and writes there at every
                epoch's end, before `progress.epoch` is called.

        Raises:
            ModelError: there is nothing to learn from these, or the checkpoint can't be used.
            Stop: `progress` raised it.
            StorageError: the checkpoint can't be written.
        """
        validated = validation is not None
        if validation is None:
            validation = train.take(np.arange(1))  # predicted at each epoch's end, to no effect
        check_labels(train, validation)
        self._check_x(train.x, train.features)
        self._check_x(validation.x, train.features, like=train.x)
        self.genres_, self.task_, self.features_ = train.genres, train.task, train.features
        watch = Watch(
            progress or Silent(),
            task=train.task,
            epochs=self._epochs(),
            patience=self._patience() if validated else None,
            keeps_last=self._keeps_last,
            needs_all=self._needs_all,
            validated=validated,
        )
        place = Checkpoint(checkpoint, self._made_for(train, validation))
        self._learn(train, validation, watch, place)
        self.history_, self.best_epoch_ = watch.history, watch.best_epoch
        return self

    def predict_proba(self, x: Floats | PatchSource) -> Floats:
        """float32 `[n, n_genres]`, in the order of `genres_`; rows add up to 1 where each track has
        one genre.

        Raises:
            ModelError: nothing is learnt yet, or x is of another shape or not finite.
        """
        if not self.history_:
            raise ModelError(f"This {self.name} has learnt nothing yet. Train it first.")
        self._check_x(x, self.features_)
        if not len(x):
            return np.empty((0, len(self.genres_)), np.float32)
        return np.ascontiguousarray(self._probabilities(x), np.float32)

    def check_features(self, features: FeatureInfo) -> None:
        """Whether the model was made for such features.

        Raises:
            ModelError: it wasn't.
        """
        mine = self.features_
        if features.kind != mine.kind:
            raise ModelError(
                f"This model was trained on the features {mine.kind!r}, not {features.kind!r}. "
                f"Give it {mine.kind!r}."
            )
        if features.fingerprint != mine.fingerprint or features.columns != mine.columns:
            raise ModelError(
                f"These features {mine.kind!r} were made with other parameters "
                f"({features.fingerprint}) than those the model was trained on "
                f"({mine.fingerprint}). Extract them with the same parameters."
            )

    def save(self, folder: Path) -> None:
        """Write the model; what the folder held before is replaced.

        Raises:
            StorageError: it can't be written.
        """
        if not self.history_:
            raise ModelError(f"This {self.name} has learnt nothing yet. Train it first.")
        description = Description(
            model=self.name,
            settings=self.settings.to_dict(),
            seed=self.seed,
            genres=self.genres_,
            task=self.task_,
            features=self.features_,
            history=tuple(self.history_),
            best_epoch=self.best_epoch_,
        )
        with replacing(folder) as new:
            new.mkdir()
            self._write(new)
            write_description(new, description)
            if self._fits_onnx():
                write_onnx(new, type(self), description)
            if folder.is_dir():
                shutil.rmtree(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """A model as `save` wrote it.

        Raises:
            ModelError: there is none, it is damaged, of another model, or holds what no model of
                ours holds.
        """
        description = read_description(folder)
        if description.model != cls.name:
            raise ModelError(f"{shown(folder)} holds a {description.model}, not a {cls.name}.")
        cls.check(folder, description)
        model = cls(cls.read_settings(folder, description), seed=description.seed)
        model.genres_, model.task_ = description.genres, description.task
        model.features_ = description.features
        model.history_, model.best_epoch_ = list(description.history), description.best_epoch
        model._read(folder)
        return model

    @classmethod
    @abstractmethod
    def check(cls, folder: Path, description: Description) -> None:
        """Look through a folder's files without loading what they hold.

        Raises:
            ModelError: they are missing, damaged, or hold what no model of ours holds.
        """

    @classmethod
    @abstractmethod
    def onnx(cls, folder: Path, description: Description) -> "onnx.ModelProto":
        """The graph of a saved model, whose files have been checked; see `onnx_graph`.

        Raises:
            ModelError: they are damaged, or hold what can't be turned into ONNX.
        """

    @classmethod
    def read_settings(cls, folder: Path, description: Description) -> Any:
        """The settings that a saved model was made with.

        Raises:
            ModelError: they are none of this model's.
        """
        try:
            return cls.Settings.from_dict(description.settings)
        except BadSetting as error:
            raise ModelError(
                f"The model in {shown(folder)} has settings that this version doesn't know: "
                f"{error} Use the version that made it, or train it again."
            ) from error

    def _check_x(self, x: Any, features: FeatureInfo, like: Any = None) -> None:
        if self.input == "patches":
            source = check_patches(x)
            known = None if like is None else (like.frames, like.bands)
            if known not in (None, (source.frames, source.bands)):
                raise ModelError("Train and validation have patches of different sizes.")
            return
        n_columns = len(features.columns) or None
        if like is not None:
            n_columns = like.shape[1]
        check_vectors(x, features.columns, n_columns)

    def _made_for(self, train: Data, validation: Data) -> dict[str, Any]:
        """What a checkpoint depends on; the keys stand in the refusal of another's."""
        sums = [zlib.crc32(np.ascontiguousarray(part.y).tobytes()) for part in (train, validation)]
        return {
            "model": self.name,
            "settings": self.settings.to_dict(),
            "seed": self.seed,
            "task": self.task_,
            "genres": list(self.genres_),
            "features": [self.features_.kind, self.features_.fingerprint],
            "tracks": [len(train), len(validation), *sums],
        }

    @classmethod
    def for_epochs(cls, settings: Any, epochs: int) -> Any:
        """Settings with which a fit without validation learns for so many epochs; for a model that
        stops early."""
        return settings

    def _patience(self) -> int | None:
        """After how many epochs without progress the fit ends; None: never."""
        return None

    @abstractmethod
    def _epochs(self) -> int:
        """How many epochs a fit has at most."""

    @abstractmethod
    def _learn(self, train: Data, validation: Data, watch: Watch, checkpoint: Checkpoint) -> None:
        """Learn until `watch.over`: for each epoch `watch.add`, `checkpoint.write`,
        `watch.report`."""

    @abstractmethod
    def _probabilities(self, x: Any) -> Floats:
        """As `predict_proba`, of features that have been checked."""

    def _fits_onnx(self) -> bool:
        """Whether what was learnt is small enough to be written as a graph too."""
        return True

    @abstractmethod
    def _write(self, folder: Path) -> None:
        """Write what was learnt."""

    @abstractmethod
    def _read(self, folder: Path) -> None:
        """Read what was learnt, from files that have been checked."""


def write_onnx(folder: Path, kind: type[Model], description: Description) -> None:
    """Write `model.onnx` into a saved model's folder, and its fingerprint into `model.json`.

    A model that can't be turned into ONNX is classified with in its own form, only slower.
    """
    try:
        record = onnx_file.write(folder, kind.onnx(folder, description), kind.FILES)
    except (ModelError, MemoryError) as error:
        _logger.warning("no model.onnx: %s", str(error) or "not enough memory")
        record = None
    write_description(folder, replace(description, onnx=record))
