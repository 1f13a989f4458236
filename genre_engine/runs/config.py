"""What a run trains: `config.json`.

A `Config` is checked where it is made (`training.config_of`); of what is read from disk only the
form is checked, so that a run whose data set is gone can still be shown.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from genre_engine.errors import RunError

FORMAT = 1
ORIGINS = ("cli", "app", "python", "tuning", "import", "reproduction")


@dataclass(frozen=True)
class Config:
    """All that decides a training's result, and where the run came from.

    Attributes:
        id, name, created, origin: given by `create`; a name may be given before.
        dataset_created: when the data set was imported, to notice that it was imported again.
        dataset_source: what the data set was made from, as its dataset.json has it.
        settings: all of the model's settings, defaults included.
        genres: the columns of every prediction, in this order.
        rule: `any` or `only`.
        split: `kind`, and `fractions` by part (null for `official`); for cross-validation `folds`
            and `repeats`.
        features: `kind`, `fingerprint`, `parameters`.
        licence: of the data set.
        warnings: sentences that were shown when it was made.
    """

    dataset: str
    model: str
    settings: Mapping[str, Any]
    genres: tuple[str, ...]
    task: str = "multilabel"
    rule: str = "any"
    split: Mapping[str, Any] = field(default_factory=lambda: {"kind": "artist", "fractions": None})
    features: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    dataset_created: str | None = None
    dataset_source: Mapping[str, Any] = field(default_factory=dict)
    synthetic: bool = False
    licence: str | None = None
    warnings: tuple[str, ...] = ()
    id: str = ""
    name: str = ""
    created: str = ""
    origin: str = "python"

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it, in config.json's order."""
        values = asdict(self)
        first = ("id", "name", "created", "origin")
        values = {key: values[key] for key in first} | values
        return {"format": FORMAT, **values, "genres": list(self.genres)} | {
            "warnings": list(self.warnings)
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Config":
        """Read what `to_dict` gave; entries of later versions are passed over.

        Raises:
            RunError: an entry is missing or of the wrong type, or the format is a later one.
        """
        if not isinstance(values, Mapping):
            raise RunError("config.json of this run isn't a run's.")
        if not isinstance(values.get("format"), int):
            raise RunError("config.json of this run has no format number.")
        if values["format"] > FORMAT:
            raise RunError("This run was made by a newer version. Update this one.")
        known: dict[str, Any] = {}
        for entry in fields(cls):
            if entry.name in values:
                known[entry.name] = _typed(entry.name, values[entry.name])
            elif entry.name in ("dataset", "model", "settings", "genres", "features", "split"):
                raise RunError(f"config.json of this run has no entry {entry.name!r}.")
        return cls(**known)


_MAPPINGS = ("settings", "split", "features", "dataset_source")
_LISTS = ("genres", "warnings")
_OPTIONAL = ("dataset_created", "licence")


def _typed(name: str, value: Any) -> Any:
    wanted: type = str
    if name in _MAPPINGS:
        wanted = dict
    elif name in _LISTS:
        wanted = list
    elif name == "seed":
        wanted = int
    elif name == "synthetic":
        wanted = bool
    sound = isinstance(value, wanted) or (value is None and name in _OPTIONAL)
    if name in _LISTS:
        sound = sound and all(isinstance(entry, str) for entry in value)
    if name in ("split", "features"):
        sound = sound and isinstance(value.get("kind"), str)
    if name == "features":
        sound = sound and _sound_features(value)
    if name == "split":
        counts = [value.get(entry, 1) for entry in ("folds", "repeats")]
        sound = sound and all(isinstance(count, int) and count > 0 for count in counts)
    if not sound:
        raise RunError(f"config.json of this run has no sound entry {name!r}.")
    return tuple(value) if name in _LISTS else value


def _sound_features(value: Mapping[str, Any]) -> bool:
    parameters = value.get("parameters", {})
    return (
        isinstance(value.get("fingerprint"), str)
        and isinstance(parameters, dict)
        and isinstance(parameters.get("excerpt_s"), int | float | None)
    )


def read(folder: Path) -> Config:
    """The config of a run's folder.

    Raises:
        RunError: it can't be read.
    """
    try:
        values = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(
            f"config.json of the run {folder.name} can't be read ({error}). Put it back, or remove "
            f"the run with `remove {folder.name}`."
        ) from error
    try:
        return Config.from_dict(values)
    except RunError as error:
        raise RunError(
            f"{error} Put it back, or remove the run with `remove {folder.name}`."
        ) from error
