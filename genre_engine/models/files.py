"""A saved model's folder: what is in it, and whether it may be loaded.

A model may come from someone else. So nothing is loaded that could run code, every type named in a
file is compared with a list of those that our models consist of, and sizes are bounded before
anything is unpacked.
"""

import json
import math
import zipfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genre_engine.errors import ModelError
from genre_engine.labels import TASKS
from genre_engine.models.data import FeatureInfo
from genre_engine.storage import budget
from genre_engine.storage.workspace import shown

DESCRIPTION = "model.json"
ONNX = "model.onnx"
FORMAT = 1

# Far above any model made here; a file that claims more is not looked into.
MAX_FILE_BYTES = 2 * 2**30
MAX_DESCRIPTION_BYTES = 16 * 2**20


@dataclass(frozen=True)
class Description:
    """`model.json`.

    Attributes:
        onnx: `sha256` of `model.onnx`, and under `made_from` those of the files that it says the
            same as; None where there is no such file, as in models of earlier versions.
    """

    model: str
    settings: Mapping[str, Any]
    seed: int
    genres: tuple[str, ...]
    task: str
    features: FeatureInfo
    history: tuple[dict[str, Any], ...]
    best_epoch: int
    onnx: Mapping[str, Any] | None = None


def write_description(folder: Path, description: Description) -> None:
    values = {
        "format": FORMAT,
        "model": description.model,
        "settings": dict(description.settings),
        "seed": description.seed,
        "genres": list(description.genres),
        "task": description.task,
        "features": description.features.to_dict(),
        "history": list(description.history),
        "best_epoch": description.best_epoch,
    }
    if description.onnx is not None:
        values["onnx"] = dict(description.onnx)
    (folder / DESCRIPTION).write_text(json.dumps(values, indent=1), encoding="utf-8")


def read_description(folder: Path) -> Description:
    """Read `model.json`.

    Raises:
        ModelError: there is none, or it isn't what `write_description` writes.
    """
    path = folder / DESCRIPTION
    if not path.is_file():
        raise ModelError(
            f"There is no model in {shown(folder)}. Train one, or give another folder."
        )
    try:
        if path.stat().st_size > MAX_DESCRIPTION_BYTES:
            raise ValueError("too large")
        values = json.loads(path.read_text(encoding="utf-8"))
        if values["format"] != FORMAT:
            raise ModelError(
                f"The model in {shown(folder)} was written in the format {values['format']!r}; "
                f"this version reads {FORMAT}. Use the version that wrote it, or train it again."
            )
        description = Description(
            model=_text(values["model"]),
            settings=_dictionary(values["settings"]),
            seed=_whole(values["seed"]),
            genres=tuple(_text(genre) for genre in values["genres"]),
            task=_text(values["task"]),
            features=FeatureInfo.from_dict(values["features"]),
            history=tuple(_dictionary(epoch) for epoch in values["history"]),
            best_epoch=_whole(values["best_epoch"]),
            onnx=_dictionary(values["onnx"]) if values.get("onnx") is not None else None,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise damaged(folder, DESCRIPTION) from error
    if (
        description.task not in TASKS
        or not description.genres
        or len(set(description.genres)) != len(description.genres)
        or not 1 <= description.best_epoch <= len(description.history)
    ):
        raise damaged(folder, DESCRIPTION)
    return description


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("no whole number")
    return value


def _dictionary(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("no dictionary")
    return value


def damaged(folder: Path, file: str, why: str = "is damaged") -> ModelError:
    """An error that says which file can't be used."""
    return ModelError(
        f"{file} of the model in {shown(folder)} {why}. Train the model again, or get it again."
    )


def foreign(folder: Path, file: str, what: Collection[str]) -> ModelError:
    """An error for a file that holds what no model of ours holds."""
    return ModelError(
        f"{file} of the model in {shown(folder)} holds what no model made here holds "
        f"({', '.join(sorted(what)[:5])}), so it isn't loaded. Use it only where you trust its "
        "maker, with the program that wrote it."
    )


def check_present(folder: Path, names: Collection[str]) -> None:
    """Whether exactly these files are there beside the description and `model.onnx`, which is
    looked at by who loads it.

    Raises:
        ModelError: one is missing, too large or no plain file, or there are others.
    """
    found = {path.name for path in folder.iterdir()} - {DESCRIPTION, ONNX}
    if unknown := found - set(names):
        raise foreign(folder, "The folder", unknown)
    for name in names:
        path = folder / name
        if not path.is_file() or path.is_symlink():
            raise damaged(folder, name, "is missing")
        if path.stat().st_size > MAX_FILE_BYTES:
            raise damaged(folder, name, "is larger than any model made here")


def check_zip(folder: Path, name: str, members: Collection[str] | None = None) -> list[str]:
    """Whether a file is a zip of bounded size; returns the names in it.

    Raises:
        ModelError: it isn't, or holds other members than those named.
    """
    try:
        with zipfile.ZipFile(folder / name) as archive:
            infos = archive.infolist()
    except (OSError, zipfile.BadZipFile, ValueError) as error:
        raise damaged(folder, name) from error
    if sum(info.file_size for info in infos) > MAX_FILE_BYTES:
        raise damaged(folder, name, "is larger than any model made here")
    if any(map(budget.is_bomb, infos)):
        raise damaged(folder, name, "would unpack to far more than it is")
    found = [info.filename for info in infos]
    if len(set(found)) != len(found):
        raise damaged(folder, name)
    if members is not None and set(found) != set(members):
        raise foreign(folder, name, set(found) ^ set(members))
    return found


def read_member(folder: Path, name: str, member: str) -> Any:
    """The JSON in a zip's member.

    Raises:
        ModelError: there is none.
    """
    try:
        with zipfile.ZipFile(folder / name) as archive:
            if archive.getinfo(member).file_size > budget.SCHEMA_BYTES:
                raise damaged(folder, name, "is larger than any model made here")
            return budget.parse_json(
                archive.read(member), budget.SCHEMA_BYTES, budget.SCHEMA_VALUES
            )
    except (OSError, zipfile.BadZipFile, ValueError, KeyError) as error:
        raise damaged(folder, name) from error


def read_arrays(folder: Path, name: str) -> dict[str, NDArray[Any]]:
    """All arrays of an npz, none of them objects.

    Raises:
        ModelError: it can't be read.
    """
    members = check_zip(folder, name)
    try:
        with zipfile.ZipFile(folder / name) as archive:
            for member in members:
                _check_header(archive, member)
        with (folder / name).open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            return {array: file[array] for array in file.files}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise damaged(folder, name) from error


def _check_header(archive: zipfile.ZipFile, member: str) -> None:
    """An array's header may claim more than its data holds, and NumPy would make room for it."""
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        read = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        shape, _, dtype = read(file)
    if dtype.hasobject or math.prod(shape) * dtype.itemsize > archive.getinfo(member).file_size:
        raise ValueError("not an array of numbers")
