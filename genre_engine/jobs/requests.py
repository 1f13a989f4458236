"""What can be asked for beside a training, a search, a download and a reproduction, which have
their requests where they are done: an extraction, a data set, the scan of a library, and the rest
of a run.

Each is a frozen dataclass of plain values with `from_dict` and `to_dict`; `job.json` holds the
latter.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from genre_engine.errors import WrongUsage
from genre_engine.features import EXCERPT_S
from genre_engine.storage import json_fields, workspace


@dataclass(frozen=True)
class RunRequest:
    """A run that exists, to be trained or to go on.

    Attributes:
        run: its id or its name.
    """

    run: str

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "RunRequest":
        """Raises WrongUsage: it isn't one."""
        return json_fields.read(cls, values, "the rest of a training")

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class ExtractionRequest:
    """Features of a data set's tracks.

    Attributes:
        features: their kind.
        excerpt_s: how much of each track's middle; None for all of it.
        jobs: processes; as many as cores by default.
    """

    dataset: str
    features: str = "summary"
    excerpt_s: float | None = EXCERPT_S
    jobs: int | None = None

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ExtractionRequest":
        """Raises WrongUsage: an entry is unknown, missing or of the wrong type."""
        return json_fields.read(cls, values, "an extraction")

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class ReferenceRequest:
    """The pretrained networks, to be judged on a run's validation tracks.

    Attributes:
        run: its id or its name.
        model: `full` or `fast`.
    """

    run: str
    model: str = "full"

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ReferenceRequest":
        """Raises WrongUsage: it isn't one."""
        return json_fields.read(cls, values, "a reference")

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class DatasetRequest:
    """A data set that is to be made. What is None is as the function of `datasets` that makes it
    has it by default, so that these defaults stand there alone.

    Attributes:
        make: one of MAKES.
        path, file, metadata, audio, drop_duplicates: places on this computer's disk.
    """

    make: str
    name: str
    tracks: int | None = None
    seed: int | None = None
    jobs: int | None = None
    path: str | None = None
    genres_from: str | None = None
    filtered: bool | None = None
    subset: str | None = None
    file: str | None = None
    label: str | None = None
    label_separator: str | None = None
    labels: tuple[str, ...] | None = None
    group: str | None = None
    drop: tuple[str, ...] | None = None
    metadata: str | None = None
    audio: str | None = None
    genres: str | None = None
    rule: str | None = None
    labels_from: str | None = None
    drop_duplicates: str | None = None

    def __post_init__(self) -> None:
        if self.make not in MAKES:
            raise WrongUsage(
                f"There is no kind of data set {self.make!r} to make. Choose one of: "
                f"{', '.join(MAKES)}."
            )
        workspace.check_name(self.name)
        if unknown := [name for name in self.options if name not in MAKES[self.make]]:
            raise WrongUsage(
                f"A data set of the kind {self.make!r} takes no {unknown[0]!r}. It takes: "
                f"{', '.join(MAKES[self.make])}."
            )

    @property
    def options(self) -> dict[str, Any]:
        """The arguments of the function that makes it, as far as they are given."""
        values = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        return {
            name: value
            for name, value in values.items()
            if value is not None and name not in ("make", "name")
        }

    @property
    def places(self) -> dict[str, str]:
        """Those of the options that are places on the disk."""
        return {name: value for name, value in self.options.items() if name in _PLACES}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "DatasetRequest":
        """Raises WrongUsage: an entry is unknown, missing or of the wrong type."""
        return json_fields.read(cls, values, "a new data set")

    def to_dict(self) -> dict[str, Any]:
        listed = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in self.options.items()
        }
        return {"make": self.make, "name": self.name, **listed}


@dataclass(frozen=True)
class ScanRequest:
    """A library to be brought up to date with its folders.

    Attributes:
        library: its name; one that isn't there is made.
        folders: of a new library, or more for an old one.
        model, tempo_key, again, forget, jobs: as `library.scan.scan` has them.
    """

    library: str
    folders: tuple[str, ...] = ()
    model: str = "fast"
    tempo_key: bool = False
    again: bool = False
    forget: bool = False
    jobs: int | None = None

    def __post_init__(self) -> None:
        workspace.check_name(self.library)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ScanRequest":
        """Raises WrongUsage: an entry is unknown, missing or of the wrong type."""
        return json_fields.read(cls, values, "a scan")

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "folders": list(self.folders)}


# What can be done with the tags of a library's files.
TAG_ACTIONS = ("plan", "write", "undo")


@dataclass(frozen=True)
class TagRequest:
    """Tags to be planned, written or taken back.

    Attributes:
        library: its name.
        action: one of TAG_ACTIONS.
        mode, least, moods, bpm, key: as `library.tag_plan.Wanted` has them.
        where: which songs, in words; all by default.
        keep_times: whether files keep their time of change.
        batch: what is taken back; the newest by default.
        everything: whether all is taken back.
    """

    library: str
    action: str = "plan"
    mode: str = "only-missing"
    least: float = 0.5
    moods: bool = False
    bpm: bool = False
    key: bool = False
    where: str = ""
    keep_times: bool = False
    batch: str | None = None
    everything: bool = False

    def __post_init__(self) -> None:
        workspace.check_name(self.library)
        if self.action not in TAG_ACTIONS:
            raise WrongUsage(f"Tags can be {', '.join(TAG_ACTIONS)}, not {self.action!r}.")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "TagRequest":
        """Raises WrongUsage: an entry is unknown, missing or of the wrong type."""
        return json_fields.read(cls, values, "a writing of tags")

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


# What can be made, with the options that it takes: the arguments of the functions of `datasets`.
MAKES = {
    "demo": ("tracks", "seed", "jobs"),
    "folder": ("path", "genres_from", "jobs"),
    "gtzan": ("path", "filtered", "jobs"),
    "fma": ("path", "subset"),
    "table": ("file", "label", "label_separator", "labels", "group", "drop"),
    "jamendo": ("metadata", "audio", "genres", "rule", "labels_from", "drop_duplicates"),
}
_PLACES = ("path", "file", "metadata", "audio", "drop_duplicates")
