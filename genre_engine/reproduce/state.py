"""A reproduction on disk, in the workspace's `reproductions/<data set>/`:

    state.json      what was asked for, and how far each stage is; replaced, never half
    lock            held by the process that works on it
    figures/        the nine figures, as Plotly's JSON, and what each says in words
    report.html     everything in one file that needs no network
    report.md       the same without pictures

A stage is `waiting`, `running`, `done`, `failed` or `skipped`; its outcome are runs like any other
and the figures that were found.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from genre_engine.errors import DatasetError, WrongUsage
from genre_engine.storage import json_fields, lock, workspace

FORMAT = 1
STATUSES = ("waiting", "running", "done", "failed", "skipped")

# What earlier versions called the figures of baselines.
_EARLIER = {"do_nothing": "no_skill", "deaf": "artist_prior"}


@dataclass(frozen=True)
class Request:
    """What is to be reproduced, as plain values, which JSON can carry.

    Attributes:
        dataset: the data set's name; one that doesn't exist is fetched where `tracks` says so.
        stages: names of stages or parts; all by default. What they need comes with them.
        quick: trainings so short that their figures mean nothing, to see that all works.
        tracks: how many tracks of MTG-Jamendo to fetch for a data set that doesn't exist yet.
        excerpt_s: fetch only so much of each track's middle; the features hear no more.
        seed: of splits and models.
        metadata: a folder with MTG-Jamendo's tables, instead of the workspace's own.
        base_url: another place to fetch audio from.
        settings: by model, for tests and small machines.
    """

    dataset: str
    stages: tuple[str, ...] = ()
    quick: bool = False
    tracks: int | None = None
    excerpt_s: float | None = 30.0
    seed: int = 0
    metadata: str | None = None
    base_url: str | None = None
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        workspace.check_name(self.dataset)
        # JSON has no tuples.
        object.__setattr__(self, "stages", tuple(self.stages))
        if self.tracks is not None and self.tracks < 20:
            raise WrongUsage("Fetch 20 tracks or more: of fewer no part holds ten genres.")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Request":
        """Read what `to_dict` gave, now or before; what is left out is at its default.

        Raises:
            WrongUsage: an entry is unknown, missing or of the wrong type. Whether there are such
                stages is `stages.chosen`'s to say.
        """
        return json_fields.read(cls, values, "a reproduction")

    @classmethod
    def of(cls, request: "Request | dict[str, Any] | str") -> "Request":
        """A request as it is, from a data set's name, or from what JSON gave."""
        if isinstance(request, Request):
            return request
        return cls(request) if isinstance(request, str) else cls.from_dict(request)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"stages": list(self.stages)}


@dataclass(frozen=True)
class Outcome:
    """How far a stage is and what came of it.

    Attributes:
        message: what it found in a sentence, or why it failed or was left out.
        quick: whether its training was cut short on purpose.
        output: figures as JSON.
        runs: ids of its runs by what each is.
    """

    status: str = "waiting"
    message: str = ""
    seconds: float = 0.0
    quick: bool = False
    output: dict[str, Any] = field(default_factory=dict)
    runs: dict[str, str] = field(default_factory=dict)

    def is_done(self, *, quick: bool) -> bool:
        """Whether it need not be done again."""
        return self.status == "done" and (quick or not self.quick)


class _Outcomes(dict[str, Outcome]):
    """By stage; one that wasn't begun waits."""

    def __missing__(self, name: str) -> Outcome:
        return Outcome()


class Reproduction:
    """A reproduction's folder and what is known of its stages."""

    def __init__(self, dataset: str) -> None:
        self.dataset = workspace.check_name(dataset)
        self.request = Request(dataset)
        self.dataset_created: str | None = None
        self.outcomes = _Outcomes()

    @property
    def folder(self) -> Path:
        return folder_of(self.dataset)

    @property
    def figures_folder(self) -> Path:
        return self.folder / "figures"

    @property
    def report_html(self) -> Path:
        return self.folder / "report.html"

    @property
    def report_md(self) -> Path:
        return self.folder / "report.md"

    @property
    def alive(self) -> bool:
        """Whether a process works on it now."""
        return lock.is_held(self.folder)

    def status(self, name: str) -> str:
        """Of a stage; one whose process was killed or stopped waits to go on."""
        listed = self.outcomes[name].status
        return "waiting" if listed == "running" and not self.alive else listed

    def output(self, name: str) -> dict[str, Any] | None:
        """What a stage found; None before it is done."""
        outcome = self.outcomes[name]
        if outcome.status != "done":
            return None
        return {_EARLIER.get(key, key): value for key, value in outcome.output.items()}

    def set(self, name: str, **changes: Any) -> Outcome:
        """Change what is known of a stage, and keep it.

        Raises:
            StorageError: it can't be written.
        """
        self.outcomes[name] = replace(self.outcomes[name], **changes)
        self.save()
        return self.outcomes[name]

    def save(self) -> None:
        values = {
            "format": FORMAT,
            "dataset": self.dataset,
            "dataset_created": self.dataset_created,
            "request": self.request.to_dict(),
            "stages": {name: asdict(outcome) for name, outcome in self.outcomes.items()},
        }
        text = json.dumps(values, ensure_ascii=False, indent=1, allow_nan=False)
        with workspace.replacing(self.folder / "state.json") as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")


def folder_of(dataset: str) -> Path:
    return workspace.root() / "reproductions" / workspace.check_name(dataset)


def load(dataset: str) -> Reproduction:
    """The reproduction on a data set, or a new one of which nothing is on disk.

    Raises:
        DatasetError: its state.json is damaged.
    """
    found = Reproduction(dataset)
    path = found.folder / "state.json"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return found
    except (OSError, ValueError) as error:
        raise _damaged(path, str(error)) from error
    try:
        if values["format"] > FORMAT:
            raise DatasetError(
                f"The reproduction on {dataset!r} was made by a newer version. Update this one."
            )
        found.request = Request.of(values["request"])
        found.dataset_created = values["dataset_created"]
        for name, outcome in values["stages"].items():
            if outcome["status"] in STATUSES:
                found.outcomes[name] = Outcome(**outcome)
    except (KeyError, TypeError, AttributeError, WrongUsage) as error:
        raise _damaged(path, repr(error)) from error
    return found


def _damaged(path: Path, why: str) -> DatasetError:
    return DatasetError(
        f"{workspace.shown(path)} can't be read ({why}). Remove it to begin again; "
        "features and runs stay."
    )
