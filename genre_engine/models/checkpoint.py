"""A fit's state on disk, from which it goes on as if it had never stopped.

A checkpoint is a folder with `state.npz`: arrays (weights, optimiser, best weights) and a text,
JSON, with what is no array (the history, what it was made for). It is read without pickle and
replaced as a whole at every epoch's end. Random numbers need no state: each epoch draws from a
generator made of the seed and the epoch's number.
"""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genre_engine.errors import ModelError
from genre_engine.storage.workspace import make_folder, replacing, shown

FILE = "state.npz"
_FORMAT = 1


@dataclass(frozen=True)
class State:
    """What a checkpoint holds."""

    history: list[dict[str, Any]]
    arrays: Mapping[str, NDArray[Any]]
    more: Mapping[str, Any]


class Checkpoint:
    """A place for a fit's state; without a folder nothing is written.

    Args:
        made_for: what the fit depends on. A checkpoint made for something else is refused.
    """

    def __init__(self, folder: Path | None, made_for: Mapping[str, Any]) -> None:
        self.folder = folder
        self._made_for = json.loads(json.dumps(made_for))

    def read(self) -> State | None:
        """What is there; None if nothing is.

        Raises:
            ModelError: it is damaged, or was made for another fit.
        """
        if self.folder is None or not (self.folder / FILE).exists():
            return None
        try:
            with (
                (self.folder / FILE).open("rb") as opened,  # np.load leaves a damaged one open
                np.load(opened, allow_pickle=False) as file,
            ):
                arrays = {name: file[name] for name in file.files}
            text = json.loads(str(arrays.pop("text")))
            history, made_for, more = text["history"], text["made_for"], text["more"]
            well_formed = text["format"] == _FORMAT and all(
                isinstance(epoch["epoch"], int)
                and isinstance(epoch["best"], bool)
                and isinstance(epoch["val_loss"], float | None)
                for epoch in history
            )
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise ModelError(
                f"The checkpoint in {shown(self.folder)} is damaged. Remove it to train from "
                "the start."
            ) from error
        if not well_formed:
            raise ModelError(
                f"The checkpoint in {shown(self.folder)} is of another version or damaged. "
                "Remove it to train from the start."
            )
        if made_for != self._made_for:
            differing = sorted(
                key
                for key in {*made_for, *self._made_for}
                if made_for.get(key) != self._made_for.get(key)
            )
            raise ModelError(
                f"The checkpoint in {shown(self.folder)} was made for another "
                f"{' and '.join(differing)}. Remove it to train from the start, or make a new run."
            )
        return State(history, arrays, more)

    def write(
        self,
        history: list[dict[str, Any]],
        arrays: Mapping[str, NDArray[Any]],
        more: Mapping[str, Any] | None = None,
    ) -> None:
        """Replace what is there.

        Raises:
            StorageError: the disk is full or can't be written.
        """
        if self.folder is None:
            return
        text = {
            "format": _FORMAT,
            "made_for": self._made_for,
            "history": history,
            "more": dict(more or {}),
        }
        make_folder(self.folder)
        with replacing(self.folder / FILE) as path, path.open("wb") as file:
            np.savez(file, allow_pickle=False, text=np.array(json.dumps(text)), **arrays)
