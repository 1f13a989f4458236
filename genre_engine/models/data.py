"""What models learn from: features, labels, and where the features come from.

Vector features are float32 `[n, n_columns]`. Patches stay where they are until a batch asks for
some, so anything that answers like `PatchSource` will do. Labels are uint8 `[n, n_genres]`; for
`multiclass` and `binary` each row has a single one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from genre_engine.errors import ModelError
from genre_engine.labels import TASKS

Floats = NDArray[np.float32]
Labels = NDArray[np.uint8]


class PatchSource(Protocol):
    """Patches of n songs, read when asked for; `features.Patches` is one."""

    @property
    def counts(self) -> NDArray[Any]:
        """How many patches each song has, int `[n]`."""

    @property
    def frames(self) -> int: ...

    @property
    def bands(self) -> int: ...

    def __len__(self) -> int: ...

    def take(self, rows: Any, /) -> "PatchSource":
        """Some of the songs."""

    def batch(self, songs: Any, which: Any, /) -> NDArray[Any]:
        """One patch of each of m songs, `[m, frames, bands]`."""


@dataclass(frozen=True)
class FeatureInfo:
    """Where features come from: a model refuses those of another kind or fingerprint.

    Attributes:
        columns: names of a vector's numbers; empty for patches.
        parameters: of the kind, as its fingerprint counts them.
    """

    kind: str
    fingerprint: str
    columns: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "fingerprint": self.fingerprint,
            "columns": list(self.columns),
            "parameters": dict(self.parameters),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The reverse of `to_dict`.

        Raises:
            TypeError, KeyError, ValueError: it isn't what `to_dict` makes.
        """
        columns, parameters = values["columns"], values["parameters"]
        if not isinstance(columns, list) or not isinstance(parameters, dict):
            raise TypeError("columns is a list and parameters a dictionary")
        return cls(
            str(values["kind"]),
            str(values["fingerprint"]),
            tuple(str(column) for column in columns),
            parameters,
        )


@dataclass(frozen=True)
class Data:
    """One part of a data set, ready to learn from.

    Attributes:
        groups: int [n], the artist's number, for models that choose settings by inner folds; None
            where no artist is known.
    """

    x: Floats | PatchSource
    y: Labels
    genres: tuple[str, ...]
    task: str
    features: FeatureInfo
    groups: NDArray[np.intp] | None = None

    def __len__(self) -> int:
        return len(self.y)

    def take(self, rows: Any) -> "Data":
        """Some of the tracks."""
        x = self.x[rows] if isinstance(self.x, np.ndarray) else self.x.take(rows)
        groups = None if self.groups is None else self.groups[rows]
        return replace(self, x=x, y=self.y[rows], groups=groups)


def check_vectors(x: Any, columns: Sequence[str], n_columns: int | None = None) -> Floats:
    """The vectors as float32.

    Raises:
        ModelError: they are of another shape, or hold values that aren't finite numbers.
    """
    if not isinstance(x, np.ndarray) or x.ndim != 2:
        raise ModelError(
            "This model learns from one vector a track, but was given something else. Choose "
            "features that are vectors, such as summary or embedding."
        )
    if n_columns is not None and x.shape[1] != n_columns:
        raise ModelError(
            f"This model takes {n_columns} numbers a track, but was given {x.shape[1]}. Use the "
            "features that it was trained on."
        )
    vectors: Floats = np.ascontiguousarray(x, np.float32)
    if not np.isfinite(vectors).all():
        row, column = np.argwhere(~np.isfinite(vectors))[0]
        name = columns[column] if column < len(columns) else f"number {column + 1}"
        n_rows = int((~np.isfinite(vectors)).any(axis=1).sum())
        raise ModelError(
            f"{n_rows} of {len(vectors)} tracks have features that aren't finite numbers (the "
            f"first is {name!r} in row {row + 1}). Extract the features again, or drop the column "
            "when you import the table."
        )
    return vectors


def check_patches(x: Any) -> PatchSource:
    """The patches as they are.

    Raises:
        ModelError: they aren't patches, or a song has none.
    """
    if isinstance(x, np.ndarray) or not hasattr(x, "batch"):
        raise ModelError(
            "This model learns from mel patches, but was given something else. Choose the features "
            "patches."
        )
    source: PatchSource = x
    if empty := int((np.asarray(source.counts) < 1).sum()):
        raise ModelError(
            f"{empty} tracks have no patches: they are shorter than one. Extract again without "
            "them."
        )
    return source


def check_labels(train: Data, validation: Data) -> None:
    """Whether there is anything to learn, and to choose by.

    Raises:
        ModelError: there isn't; the message says what is missing.
    """
    if train.task not in TASKS:
        raise ModelError(f"There is no task {train.task!r}. Choose one of: {', '.join(TASKS)}.")
    if (train.genres, train.task) != (validation.genres, validation.task):
        raise ModelError("Train and validation have different genres or tasks. Make them again.")
    if train.features.fingerprint != validation.features.fingerprint:
        raise ModelError("Train and validation have different features. Use the same for both.")
    for name, part in (("train", train), ("validation", validation)):
        if part.y.shape != (len(part.x), len(part.genres)):
            raise ModelError(f"The labels of {name} don't fit its features. Make the part again.")
        if not len(part):
            raise ModelError(
                f"There are no tracks in {name}. Choose a split that gives it some, or add tracks."
            )
        if part.task != "multilabel" and not (part.y.sum(axis=1) == 1).all():
            raise ModelError(
                f"The task {part.task} needs exactly one genre a track in {name}. Choose the task "
                "multilabel, or other genres."
            )
    if train.task != "multilabel" and len(train.genres) < 2:
        raise ModelError("One genre alone leaves nothing to classify. Choose two or more.")
    if train.task == "binary" and len(train.genres) != 2:
        raise ModelError(f"The task binary takes two genres, not {len(train.genres)}.")
    for genre, positive in zip(train.genres, train.y.sum(axis=0, dtype=int).tolist(), strict=True):
        if not positive:
            raise ModelError(
                f"No track in train carries the genre {genre!r}, so it can't be learnt. Leave it "
                "out, add tracks of it, or choose another split or seed."
            )
        if positive == len(train):
            raise ModelError(
                f"Every track in train carries the genre {genre!r}, so there is nothing to compare "
                "it with. Leave it out, or choose more genres."
            )
