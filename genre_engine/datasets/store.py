"""Data sets on disk, one folder each:

    dataset.json            name, kind, genres, where the audio lies, how it was made
    tracks.parquet          the track table
    failures.parquet        what was kept out and why, if anything was
    audio/                  audio that belongs to the data set, if any
    features/<kind>-<fingerprint>/part-*.parquet

A data set is built in a folder beside its place and moved there when it is whole, so that there is
never half of one, and one that exists is never touched.
"""

import json
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from genre_engine import labels, splits
from genre_engine.datasets import tracks as track_table
from genre_engine.errors import (
    DatasetError,
    DatasetExists,
    DatasetMissing,
    GenreEngineError,
    StorageError,
)
from genre_engine.storage import owners, workspace
from genre_engine.storage.lock import exclusively

FORMAT = 1

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Imported:
    """What a kind of data set hands over to be stored.

    Attributes:
        tracks: a track table from `tracks.frame`.
        audio: where the audio lies; None where there is none or it lies in the data set's `audio`.
        source: what it was made from and how, as JSON.
        notes: sentences for the user: what was dropped and why.
        failures: what was kept out, from `tracks.failures`.
        joined_artists: groups of artists who share byte-identical audio.
        extra: further entries of dataset.json.
    """

    tracks: pd.DataFrame
    audio: Path | None = None
    source: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    failures: pd.DataFrame | None = None
    joined_artists: tuple[tuple[str, ...], ...] = ()
    licence: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Dataset:
    """A stored data set.

    Attributes:
        genres: the genres it was imported for, in their fixed order.
        info: all of dataset.json.
    """

    name: str
    folder: Path
    info: dict[str, Any]

    @property
    def kind(self) -> str:
        return str(self.info["kind"])

    @property
    def genres(self) -> tuple[str, ...]:
        return tuple(self.info["genres"])

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(self.info.get("notes", ()))

    @property
    def joined_artists(self) -> tuple[tuple[str, ...], ...]:
        return tuple(tuple(group) for group in self.info.get("joined_artists", ()))

    @cached_property
    def _table(self) -> pd.DataFrame:
        return track_table.read(self.folder / "tracks.parquet")

    @cached_property
    def tracks(self) -> pd.DataFrame:
        """The track table."""
        return self._table[list(track_table.COLUMNS)]

    @cached_property
    def failures(self) -> pd.DataFrame:
        """What was kept out: track_id, error, message."""
        path = self.folder / "failures.parquet"
        return pd.read_parquet(path) if path.exists() else track_table.failures([])

    @property
    def audio_folder(self) -> Path:
        """Where audio lies, or would be put.

        An absolute path leads out of the data set; excerpts have a folder of their own in it.
        """
        return self.folder / (self.info.get("audio") or "audio")

    @property
    def audio_excerpt_s(self) -> float | None:
        """How much of each track's middle the audio files hold; None: all of it."""
        seconds = self.info.get("audio_excerpt_s")
        return float(seconds) if seconds else None

    @property
    def features_folder(self) -> Path:
        return self.folder / "features"

    def audio_path(self, path: str | None) -> Path | None:
        """A track's file on disk, from its `path` in the track table; None if it isn't there."""
        return find_audio(self.audio_folder, path)

    def select(
        self,
        genres: str | Sequence[str] | None = None,
        *,
        rule: str = "any",
        task: str = "multilabel",
    ) -> labels.Labels:
        """The tracks that take part in a task; genres by default all that are stored.

        Raises:
            WrongUsage, DatasetError: as `labels.choose` and `labels.select`.
        """
        lists = self.tracks["genres"].tolist()
        wanted = self.genres
        if genres is not None:
            counts = dict.fromkeys(self.genres, 0) | labels.count(lists)
            wanted = labels.choose(counts, genres)
        others = self._table[track_table.OTHER].map(len).to_numpy() > 0
        return labels.select(lists, wanted, rule=rule, task=task, has_others=others)

    def split(
        self,
        chosen: labels.Labels,
        kind: str = "artist",
        *,
        fractions: splits.Fractions | splits.Folds | None = None,
        seed: int = 0,
    ) -> splits.Split:
        """Parts for the tracks of `select` (rows of the split are positions in `chosen.rows`).

        Raises:
            SplitError, WrongUsage: as `splits.make`.
        """
        return splits.make(
            self.tracks.iloc[chosen.rows],
            chosen.y,
            chosen.genres,
            kind=kind,
            fractions=fractions,
            seed=seed,
            joined=self.joined_artists,
        )


def find_audio(folder: Path, path: str | None) -> Path | None:
    """The file that holds a track's audio below a folder, or None.

    MTG hands out low-quality audio as `41/241.low.mp3`, and the Hugging Face copy `241.opus` inside
    tars that are unpacked with or without a folder for each; all stand for `41/241.mp3`.
    """
    if not isinstance(path, str) or track_table.path_problem(path):
        return None
    given = PurePosixPath(path)
    low = given.with_suffix(f".low{given.suffix}")
    for candidate in (
        given,
        low,
        PurePosixPath(given.name),
        PurePosixPath(given.parts[0], given.name),
    ):
        if (folder / candidate).is_file():
            return folder / candidate
    return None


@contextmanager
def building(name: str) -> Iterator[Path]:
    """A folder in which to build a data set; it takes its place when the block ends well.

    Raises:
        WrongUsage: the name can't be one.
        DatasetExists: the name is taken, now or when the block ends.
        DatasetError: the same name is being imported at this moment.
    """
    place = workspace.dataset_folder(name)
    workspace.make_folder(place.parent)
    refusal = DatasetError(
        f"A data set {name!r} is being imported at this moment. Wait for it, or choose another "
        "name."
    )
    with exclusively(place.parent / f".{name}.lock", refusal):
        if place.exists():
            raise _taken(name)
        workspace.clear_leftovers(place)
        try:
            with workspace.replacing(place) as folder:
                folder.mkdir()
                yield folder
                owners.mark(folder)
        except StorageError as error:
            if place.exists() and isinstance(error.__cause__, OSError):
                raise _taken(name) from error
            raise


def clear_half_made(name: str) -> None:
    """Remove what a killed import left of a data set that never became whole."""
    place = workspace.dataset_folder(name)
    busy = DatasetError(f"The data set {name!r} is being imported.")
    with (
        suppress(DatasetError, StorageError),
        exclusively(place.parent / f".{name}.lock", busy),
    ):
        workspace.clear_leftovers(place)


def save(folder: Path, name: str, kind: str, imported: Imported, genres: Sequence[str]) -> None:
    """Write what a kind handed over into the folder of `building`."""
    tracks = imported.tracks
    track_table.write(tracks, folder / "tracks.parquet")
    failed = imported.failures
    if failed is not None and len(failed):
        failed.to_parquet(folder / "failures.parquet", index=False)
    info = {
        "format": FORMAT,
        "name": name,
        "kind": kind,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "genres": list(genres),
        "tracks": len(tracks),
        "artists": int(tracks["artist_id"].nunique()),
        "audio": str(imported.audio.resolve()) if imported.audio else None,
        "licence": imported.licence,
        "failures": 0 if failed is None else len(failed),
        "notes": list(imported.notes),
        "joined_artists": [list(group) for group in imported.joined_artists],
        "source": imported.source,
        **imported.extra,
    }
    text = json.dumps(info, ensure_ascii=False, indent=2)
    (folder / "dataset.json").write_text(text + "\n", encoding="utf-8")


def update(dataset: Dataset, **changes: Any) -> Dataset:
    """Change entries of dataset.json, and return the data set as it is then.

    Raises:
        StorageError: it can't be written.
    """
    info = {**dataset.info, **changes}
    if info != dataset.info:
        with workspace.replacing(dataset.folder / "dataset.json") as path:
            text = json.dumps(info, ensure_ascii=False, indent=2)
            path.write_text(text + "\n", encoding="utf-8")
    return load(dataset.name)


def record_failures(dataset: Dataset, failed: pd.DataFrame) -> Dataset:
    """Replace what is recorded as failed (a table from `tracks.failures`).

    Raises:
        StorageError: it can't be written.
    """
    path = dataset.folder / "failures.parquet"
    if len(failed):
        with workspace.replacing(path) as beside:
            failed.to_parquet(beside, index=False)
    else:
        with workspace.storage_errors(path):
            path.unlink(missing_ok=True)
    return update(dataset, failures=len(failed))


def load(name: str) -> Dataset:
    """Open a data set.

    Raises:
        DatasetMissing: there is none of that name.
        DatasetError: its dataset.json is damaged.
    """
    folder = workspace.dataset_folder(name)
    try:
        if not owners.may_see(folder):
            raise FileNotFoundError(folder)
        info = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        there = [entry["name"] for entry in listing()]
        raise DatasetMissing(
            f"There is no data set {name!r}. "
            + (
                f"There are: {', '.join(there)}."
                if there
                else "There is none yet: make one with "
                "`dataset demo`, or import your own with `dataset folder`."
            )
        ) from error
    except (OSError, ValueError) as error:
        raise DatasetError(
            f"dataset.json of {name!r} can't be read ({error}). Remove the data set and import it "
            "again."
        ) from error
    if not isinstance(info, dict) or not {"kind", "genres"} <= set(info):
        raise DatasetError(
            f"dataset.json of {name!r} isn't a data set's. Remove the data set and import it again."
        )
    if info.get("format", 0) > FORMAT:
        raise DatasetError(f"The data set {name!r} was made by a newer version. Update this one.")
    return Dataset(name, folder, info)


def listing() -> list[dict[str, Any]]:
    """All data sets by name: `name`, `kind`, `tracks`, `genres`, `created`, and `error` or None.

    Where visitors share a server, those that whoever asks may see.
    """
    folder = workspace.datasets_folder()
    if not folder.is_dir():
        return []
    entries = []
    for place in sorted(folder.iterdir()):
        if place.name.startswith(".") or not (place / "dataset.json").is_file():
            continue
        if not owners.may_see(place):
            continue
        entry: dict[str, Any] = dict.fromkeys(("kind", "tracks", "genres", "created", "error"))
        try:
            info = load(place.name).info
            entry |= {key: info.get(key) for key in ("kind", "tracks", "genres", "created")}
        except GenreEngineError as error:
            entry["error"] = str(error)
        entries.append({"name": place.name, **entry})
    return entries


def remove(name: str) -> None:
    """Remove a data set with what lies in its folder; audio elsewhere stays.

    Raises:
        DatasetMissing: there is none of that name.
        Refused: where visitors share a server, it isn't whoever asks'.
    """
    place = workspace.dataset_folder(name)
    if not (place / "dataset.json").is_file():
        load(name)
    owners.check_own(owners.owner(place).visit, f"The data set {name!r}")
    with workspace.storage_errors(place):
        if place.is_symlink():
            place.unlink()
            return
        # Out of sight in one step, so that no half of it is ever listed.
        room = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=place.parent))
        os.replace(place, room / name)
        shutil.rmtree(room)
    _log.info("removed data set %s", name)


def _taken(name: str) -> DatasetExists:
    return DatasetExists(
        f"There is a data set {name!r} already, and it stays as it is. Choose another name, or "
        f"remove it first with `dataset remove {name}`."
    )
