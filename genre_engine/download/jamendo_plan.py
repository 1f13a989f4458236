"""What `download jamendo-audio` was asked for, and what that comes to before it starts.

A data set that doesn't exist yet is made of the tracks that are chosen, and then all of its audio
is fetched. One that exists keeps its tracks: theirs is fetched, and asking again goes on with the
same request. So a data set never holds tracks that nobody meant to fetch, and its audio is of one
kind: whole tracks below `audio/`, or middles of the same length below `audio-30s/`.
"""

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from genre_engine import labels
from genre_engine.datasets import jamendo, store
from genre_engine.datasets import tracks as track_table
from genre_engine.datasets.store import Dataset, Imported
from genre_engine.download import jamendo_checksums, jamendo_metadata, subset
from genre_engine.download.mp3_excerpt import MARGIN_S
from genre_engine.errors import DatasetError, DatasetMissing, StorageError, WrongUsage
from genre_engine.storage import json_fields, workspace
from genre_engine.web.fetch import Progress

JOBS = 4
MOST_JOBS = 16  # more at a time from one server isn't polite
# The longest track has 4,140 s: 166 MB at the highest bit rate there is.
MAX_TRACK_BYTES = 200_000_000
# Bytes a second, while nothing has been fetched on this machine yet.
ASSUMED_RATE = 2e6

_FILE = re.compile(r"\d\d/\d+\.mp3")


@dataclass(frozen=True)
class Request:
    """A download as plain values, which JSON can carry.

    Attributes:
        name: the data set's.
        per_genre, tracks, tars, genres, rule, labels_from, seed: which tracks; for a data set that
            doesn't exist yet.
        excerpt_s: only so many seconds of each track's middle.
        jobs: connections at a time.
        base_url, metadata: other places than the usual ones.
    """

    name: str
    per_genre: int | None = None
    tracks: int | None = None
    tars: tuple[str, ...] = ()
    genres: str = labels.DEFAULT_GENRES
    rule: str = "any"
    labels_from: str = "raw"
    seed: int = 0
    excerpt_s: float | None = None
    jobs: int = JOBS
    base_url: str | None = None
    metadata: str | None = None

    def __post_init__(self) -> None:
        workspace.check_name(self.name)
        # JSON has no tuples, and a page may give numbers.
        numbers = tuple(sorted({str(tar).strip().zfill(2) for tar in self.tars}))
        object.__setattr__(self, "tars", numbers)
        for tar in numbers:
            if tar not in jamendo_metadata.TARS:
                raise WrongUsage(f"There is no archive {tar!r}. They are 00 to 99.")
        if self.excerpt_s is not None and not 1 <= self.excerpt_s <= 3600:
            raise WrongUsage("An excerpt lasts 1 to 3600 seconds. Leave it out for whole tracks.")
        if not 1 <= self.jobs <= MOST_JOBS:
            raise WrongUsage(f"Ask for 1 to {MOST_JOBS} connections at a time.")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Request":
        """Read what `to_dict` gave, now or before; what is left out is at its default.

        Raises:
            WrongUsage: an entry is unknown, missing, of the wrong type or out of bounds.
        """
        if isinstance(tars := values.get("tars"), list | tuple):  # a page may give numbers
            values = {**values, "tars": [str(tar) for tar in tars]}
        return json_fields.read(cls, values, "a download")

    @classmethod
    def of(cls, request: "Request | Mapping[str, Any]") -> "Request":
        """A request as it is, or from what JSON gave; raises as `from_dict`."""
        return request if isinstance(request, Request) else cls.from_dict(request)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"tars": list(self.tars)}

    @property
    def choice(self) -> dict[str, Any]:
        """What decides which tracks and which audio; the rest may change from start to start."""
        names = ("per_genre", "tracks", "genres", "rule", "labels_from", "seed", "excerpt_s")
        return {name: getattr(self, name) for name in names} | {"tars": list(self.tars)}


@dataclass(frozen=True)
class Plan:
    """What will be fetched.

    Attributes:
        request: with what a data set that exists decides filled in.
        dataset: None while it doesn't exist; then `imported` and `genres` are what it will be.
        tracks: columns track_id, file (name below the audio folder), duration_s, genres, split,
            artist_id, of the tracks whose audio is wanted.
        notes: sentences for the user.
        sums: the lists of checksums.
        rate: bytes a second; `rate_measured` says whether on this machine.
        bytes_needed, bytes_kept: still to come over the network, and of that to stay on disk.
    """

    request: Request
    base: str
    dataset: Dataset | None
    imported: Imported | None
    genres: tuple[str, ...]
    tracks: pd.DataFrame
    notes: tuple[str, ...]
    sums: jamendo_checksums.Sums
    rate: float
    rate_measured: bool
    n_done: int = 0
    bytes_needed: int = 0
    bytes_kept: int = 0

    @property
    def seconds(self) -> float:
        """How long it is expected to take."""
        return self.bytes_needed / self.rate

    def to_dict(self) -> dict[str, Any]:
        """The plan in figures, as JSON."""
        lists = self.tracks["genres"].tolist()
        chosen = dict.fromkeys(self.genres, 0)
        for names in lists:
            for name in names:
                if name in chosen:
                    chosen[name] += 1
        parts = self.tracks["split"].dropna().value_counts().to_dict()
        return {
            "name": self.request.name,
            "new": self.dataset is None,
            "tracks": len(self.tracks),
            "done": self.n_done,
            "artists": int(self.tracks["artist_id"].nunique()),
            "hours": float(self.tracks["duration_s"].sum()) / 3600,
            "genres": dict(sorted(chosen.items(), key=lambda item: (-item[1], item[0]))),
            "parts": {part: int(parts[part]) for part in jamendo.PARTS if part in parts},
            "excerpt_s": self.request.excerpt_s,
            "tars": list(self.request.tars),
            "bytes": self.bytes_needed,
            "bytes_kept": self.bytes_kept,
            "seconds": self.seconds,
            "rate": self.rate,
            "rate_measured": self.rate_measured,
            "notes": list(self.notes),
        }


def plan(request: Request | Mapping[str, Any], *, progress: Progress | None = None) -> Plan:
    """Choose the tracks and estimate; fetches the metadata where it isn't there, makes no data set.

    Raises:
        WrongUsage: options that don't fit, with each other or with the data set.
        DatasetError, BadTable: metadata or a data set that this can't be done with.
        DownloadError: the metadata can't be fetched.
    """
    request = Request.of(request)
    base = jamendo_metadata.audio_base(request.base_url)
    dataset = _existing(request.name)
    metadata, notes = _metadata(request, needed=dataset is None, progress=progress)
    imported = None
    if dataset is None:
        imported, genres = _choose(request, metadata)
        table, more = imported.tracks, list(imported.notes)
    else:
        request = _as_before(request, dataset)
        genres, table, more = dataset.genres, dataset.tracks, []
    wanted = _wanted(table, request)
    rate, measured = _rate(base)
    made = Plan(
        request=request,
        base=base,
        dataset=dataset,
        imported=imported,
        genres=genres,
        tracks=wanted,
        notes=(*notes, *more),
        sums=jamendo_checksums.read_sums(metadata),
        rate=rate,
        rate_measured=measured,
    )
    done = _there(made) if dataset is not None else set()
    needed, kept = _bytes(made, done)
    return replace(made, n_done=len(done), bytes_needed=needed, bytes_kept=kept)


def check_room(n_bytes: float) -> None:
    """Raises StorageError: the workspace's disk hasn't so much room."""
    place = workspace.root()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if n_bytes > free:
        raise StorageError(
            f"This takes about {size(n_bytes)}, and the disk has {size(free)} left. Make room, "
            "or choose fewer tracks or only the middle of each."
        )


def size(n_bytes: float) -> str:
    """Bytes in words."""
    return f"{n_bytes / 1e9:,.1f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:,.0f} MB"


def _existing(name: str) -> Dataset | None:
    try:
        return store.load(name)
    except DatasetMissing:
        return None


def _metadata(
    request: Request, *, needed: bool, progress: Progress | None
) -> tuple[Path, list[str]]:
    """The folder of the tables and lists, and what there is to say about it."""
    if request.metadata is not None:
        return Path(request.metadata).expanduser(), []
    folder = workspace.metadata_folder()
    if needed:
        jamendo_metadata.jamendo_metadata(progress=progress)
    notes = jamendo_metadata.jamendo_lists(progress=progress)
    jamendo_checksums.write_duplicates(folder)
    return folder, notes


def _choose(request: Request, metadata: Path) -> tuple[Imported, tuple[str, ...]]:
    """The track table of a new data set."""
    duplicates = (metadata if metadata.is_dir() else metadata.parent) / jamendo.DUPLICATES
    imported, genres = jamendo.build(
        Path(),
        metadata=metadata,
        genres=request.genres,
        rule=request.rule,
        labels_from=request.labels_from,
        drop_duplicates=duplicates if duplicates.is_file() else None,
    )
    notes = list(imported.notes)
    table = imported.tracks
    if request.tars:
        table = table[table["path"].str[:2].isin(request.tars)]
    small = request.per_genre is not None or request.tracks is not None
    if small and table["split"].notna().any():
        n_before = len(table)
        table = table[table["split"].notna()]
        if n_without := n_before - len(table):
            notes.append(f"{n_without} tracks without an official part are left out.")
    if not len(table):
        raise DatasetError("No track is left with these choices. Choose more archives or genres.")
    rows = subset.choose(
        labels.multi_hot(table["genres"].tolist(), genres),
        artists=track_table.nullable(table["artist_id"]),
        parts=track_table.nullable(table["split"]),
        per_genre=request.per_genre,
        tracks=request.tracks,
        seed=request.seed,
    )
    table = table.iloc[rows].reset_index(drop=True)
    licences = jamendo_checksums.read_licences(metadata)
    if licences:
        table["licence"] = [licences.get(path) for path in table["path"]]
    source = imported.source | {"download": request.choice}
    return replace(imported, tracks=table, source=source, notes=tuple(notes)), genres


def takes_audio(dataset: Dataset) -> bool:
    """Whether its audio lies in its own folder; elsewhere it is the user's."""
    return not Path(dataset.info.get("audio") or "").is_absolute()


def _as_before(request: Request, dataset: Dataset) -> Request:
    """The request with what the data set has decided already.

    Raises:
        DatasetError: a data set that this isn't for.
        WrongUsage: it asks for something else.
    """
    name = dataset.name
    if dataset.kind != jamendo.KIND:
        raise DatasetError(
            f"{name!r} isn't made of MTG-Jamendo's tables. Choose another name for the download."
        )
    if not takes_audio(dataset):
        raise DatasetError(
            f"The audio of {name!r} lies in {dataset.audio_folder}, which this must not touch. "
            "Choose another name for the download."
        )
    # Of a data set that was imported by itself, only the kind of its audio may be decided yet.
    before = (dataset.info.get("source") or {}).get("download")
    plain = Request(request.name).choice
    asked = {key: value for key, value in request.choice.items() if value != plain[key]}
    decided = dict(before or {})
    if "audio_excerpt_s" in dataset.info:
        decided["excerpt_s"] = dataset.info["audio_excerpt_s"]
    if before is None and (others := sorted(set(asked) - {"excerpt_s", "tars"})):
        raise WrongUsage(
            f"There is a data set {name!r} with {len(dataset.tracks)} tracks, and it keeps them, "
            f"so {_option(others[0])} can't choose others. Leave it out to fetch the audio of all, "
            "or choose a new name."
        )
    if other := [key for key in asked if key in decided and asked[key] != decided[key]]:
        raise WrongUsage(
            f"{name!r} was begun with another {_option(other[0])} ({decided[other[0]]}). Leave the "
            "option out to go on, or choose a new name."
        )
    return Request.of(request.to_dict() | decided)


def _option(name: str) -> str:
    return "--" + name.removesuffix("_s").replace("_", "-")


def _wanted(table: pd.DataFrame, request: Request) -> pd.DataFrame:
    bad = [path for path in table["path"].tolist() if not _FILE.fullmatch(str(path))]
    if bad:
        raise DatasetError(
            f"The path {bad[0]!r} isn't as MTG's tables have it (41/241.mp3), so its audio can't "
            "be found. Import MTG's own tables for the download."
        )
    columns = ["track_id", "path", "duration_s", "genres", "split", "artist_id"]
    wanted = table[columns].rename(columns={"path": "file"})
    wanted["file"] = wanted["file"].str.replace(".mp3", ".low.mp3", regex=False)
    if request.tars:
        wanted = wanted[wanted["file"].str[:2].isin(request.tars)]
    if not len(wanted):
        raise WrongUsage("The data set has no track in these archives. Choose others.")
    return wanted.reset_index(drop=True)


def _bytes(made: Plan, done: set[str]) -> tuple[int, int]:
    """How much is still to come and to keep, from durations: audio-low's mean rate is known."""
    left = made.tracks[~made.tracks["track_id"].isin(done)]
    seconds = left["duration_s"].astype(float)
    if made.request.excerpt_s is not None:
        seconds = seconds.clip(upper=made.request.excerpt_s + 2 * MARGIN_S)
    kept = round(float(seconds.sum()) * jamendo_metadata.AUDIO_BYTES_PER_S)
    if made.request.tars:
        n_tars = len(set(left["file"].str[:2]))
        return round(n_tars * jamendo_metadata.AUDIO_BYTES / len(jamendo_metadata.TARS)), kept
    return kept, kept


def audio_folder(made: Plan | Request) -> str | None:
    """The entry `audio` of dataset.json: None for whole tracks."""
    request = made if isinstance(made, Request) else made.request
    return None if request.excerpt_s is None else f"audio-{request.excerpt_s:g}s"


def _there(made: Plan) -> set[str]:
    """Tracks whose audio is there, as far as a look at the folder shows."""
    if made.dataset is None:
        return set()
    folder = made.dataset.folder / (audio_folder(made) or "audio")
    names = sizes(folder)
    rows = zip(made.tracks["track_id"], made.tracks["file"], strict=True)
    return {track_id for track_id, file in rows if file in names}


def sizes(folder: Path) -> dict[str, int]:
    """Length of each MP3 below an audio folder, by name (`41/241.low.mp3`)."""
    return {
        f"{place.name}/{file.name}": file.stat().st_size
        for place in (sorted(folder.iterdir()) if folder.is_dir() else ())
        if place.is_dir()
        for file in place.iterdir()
        if file.suffix == ".mp3" and not file.name.startswith(".")
    }


def _rates_file() -> Path:
    return workspace.root() / "download-rates.json"


def _rate(base: str) -> tuple[float, bool]:
    try:
        rate = float(json.loads(_rates_file().read_text(encoding="utf-8"))[base])
    except (OSError, ValueError, KeyError, TypeError):
        return ASSUMED_RATE, False
    return (rate, True) if rate > 0 else (ASSUMED_RATE, False)


def keep_rate(base: str, rate: float) -> None:
    """Remember how fast a server was, for the next estimate."""
    rates: dict[str, float] = {}
    with suppress(OSError, ValueError, TypeError):
        rates = dict(json.loads(_rates_file().read_text(encoding="utf-8")))
    with workspace.replacing(_rates_file()) as path:
        path.write_text(json.dumps(rates | {base: rate}, indent=2) + "\n", encoding="utf-8")


def in_words(made: Plan) -> Sequence[str]:
    """The plan as lines for a terminal."""
    facts = made.to_dict()
    how = f"the middle {made.request.excerpt_s:g} s of each" if made.request.excerpt_s else "whole"
    if made.request.tars:
        how += f", from {len(made.request.tars)} archives"
    measured = "measured before" if made.rate_measured else "assumed"
    return [
        f"{facts['tracks']} tracks by {facts['artists']} artists, {how}"
        + (f"; {facts['done']} are there already" if facts["done"] else ""),
        ", ".join(f"{genre} {n}" for genre, n in facts["genres"].items()),
        ", ".join(f"{part} {n}" for part, n in facts["parts"].items()) or "no official parts",
        f"About {size(facts['bytes'])}",
        f"about {_time(facts['seconds'])} at {made.rate / 1e6:.1f} MB/s ({measured})",
    ]


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
