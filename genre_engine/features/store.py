"""Features on disk, one folder a kind and its parameters, below a data set's `features/`:

    <kind>-<fingerprint>/
        kind.json           kind, fingerprint, parameters, columns
        part-*.parquet      vectors: a column track_id and one a feature
        part-*.npy          patches, float16 [n, frames, bands], with
        index-*.parquet     track_id, first, count: where in the part of that number a track is
        failures.parquet    track_id, path, error, message, state: what could not be done

Parts are only ever added whole; a track is done when a part holds it. A part's number may be a
range, `part-000000-000007`: it then holds what the parts 0 to 7 held and stands for them, should
they still be there. Tables of ready features have one part and no kind.json.
"""

import json
import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from genre_engine.errors import FeaturesError, FeaturesMissing, WrongUsage
from genre_engine.features import NAMES, Kind, excerpt_text, kind, this_version
from genre_engine.features.patches import Patches
from genre_engine.storage.workspace import shown

FORMAT = 1
FAILURE_COLUMNS = ("track_id", "path", "error", "message", "state")
_FOLDER = re.compile(r"([a-z]+)-([0-9a-f]{12})")
_PART = re.compile(r"part-(\d+)(?:-(\d+))?\.(parquet|npy)")


class FeatureStore:
    """Features of one kind, as they were when the store was opened.

    Attributes:
        folder: where it lies.
        kind_name, fingerprint: what was computed.
    """

    def __init__(self, folder: Path) -> None:
        """Open a store's folder.

        Raises:
            FeaturesError: it isn't one, or was made by a newer version.
        """
        named = _FOLDER.fullmatch(folder.name)
        if named is None:
            raise FeaturesError(f"{shown(folder)} is no feature store. Extract the features again.")
        self.folder = folder
        self.kind_name, self.fingerprint = named.groups()
        self._info: dict[str, Any] = {}
        try:
            self._info = json.loads((folder / "kind.json").read_text("utf-8"))
        except FileNotFoundError:
            pass  # a table of ready features
        except (OSError, ValueError) as error:
            raise self._damaged("kind.json", error) from error
        if self._info.get("format", 0) > FORMAT:
            raise FeaturesError(
                f"The features {folder.name} were made by a newer version. Update this one."
            )

    @property
    def dataset_name(self) -> str:
        return self.folder.parent.parent.name

    @property
    def parameters(self) -> dict[str, Any]:
        """What the kind's parameters were; none for a table of ready features."""
        return dict(self._info.get("parameters", {}))

    @property
    def kind(self) -> Kind | None:
        """What makes such features in this version; None where nothing does."""
        try:
            same = this_version(self.kind_name, self.parameters)
        except WrongUsage:
            return None
        return same if same.fingerprint == self.fingerprint else None

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Names of a vector's numbers; none for patches."""
        if "columns" in self._info:
            return tuple(self._info["columns"])
        vectors = [part for part in self._parts if part.suffix == ".parquet"]
        if not vectors:
            return ()
        try:
            names = pq.read_schema(vectors[0]).names
        except (OSError, pa.ArrowException, ValueError) as error:
            raise self._damaged(vectors[0].name, error) from error
        return tuple(name for name in names if name != "track_id")

    @cached_property
    def track_ids(self) -> list[str]:
        """Whose features are here, in the order in which they were stored."""
        return list(self._places)

    @cached_property
    def failures(self) -> pd.DataFrame:
        """What could not be done: track_id, path, error (its kind), message, state of the file."""
        path = self.folder / "failures.parquet"
        if not path.exists():
            return pd.DataFrame(columns=list(FAILURE_COLUMNS), dtype=str)
        try:
            return pd.read_parquet(path)
        except (OSError, pa.ArrowException, ValueError) as error:
            raise self._damaged(path.name, error) from error

    def has(self, track_ids: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Which of these tracks have features, bool `[n]`."""
        return np.array([track in self._places for track in track_ids], bool)

    def vectors(self, track_ids: Sequence[str]) -> npt.NDArray[np.float32]:
        """Features of these tracks, float32 `[n, columns]`, in their order.

        Raises:
            FeaturesMissing: some of them have none.
            FeaturesError: the store is damaged, or holds patches.
        """
        if not self.columns and self._parts:
            raise FeaturesError(
                f"{self.folder.name} holds patches, no vectors. Choose a model that takes patches, "
                "or other features."
            )
        self._demand(track_ids)
        return self._all_vectors[[self._places[track][2] for track in track_ids]]

    def patches(self, track_ids: Sequence[str]) -> Patches:
        """Patches of these tracks, in their order; read from disk when they are looked at.

        Raises:
            FeaturesMissing: some of them have none.
            FeaturesError: the store is damaged, or holds vectors.
        """
        if self.columns:
            raise FeaturesError(
                f"{self.folder.name} holds vectors, no patches. Choose a model that takes vectors, "
                "or extract patches."
            )
        self._demand(track_ids)
        found = [self._places[track] for track in track_ids]
        parts, firsts, counts = np.array(found, np.intp).reshape(-1, 3).T
        return Patches(self._arrays, parts, firsts, counts)

    @property
    def _parts(self) -> list[Path]:
        return parts(self.folder)

    @cached_property
    def _opened(self) -> list[Path]:
        return self._parts

    @cached_property
    def _places(self) -> dict[str, tuple[int, int, int]]:
        """Track → for vectors (part, row in it, row in all), for patches (part, first, count).

        Of a track that is there twice, the last counts.
        """
        places: dict[str, tuple[int, int, int]] = {}
        before = 0
        for number, part in enumerate(self._opened):
            try:
                if part.suffix == ".npy":
                    table = pq.read_table(index_of(part)).to_pydict()
                    rows = zip(table["track_id"], table["first"], table["count"], strict=True)
                    places |= {track: (number, first, count) for track, first, count in rows}
                    continue
                ids = pq.read_table(part, columns=["track_id"])["track_id"].to_pylist()
            except (OSError, pa.ArrowException, ValueError, KeyError) as error:
                raise self._damaged(part.name, error) from error
            places |= {str(track): (number, row, before + row) for row, track in enumerate(ids)}
            before += len(ids)
        return places

    @cached_property
    def _all_vectors(self) -> npt.NDArray[np.float32]:
        blocks = [np.empty((0, len(self.columns)), np.float32)]
        for part in self._opened:
            try:
                table = pq.read_table(part, columns=list(self.columns))
                blocks.append(
                    np.column_stack([table[name].to_numpy() for name in self.columns]).astype(
                        np.float32, copy=False
                    )
                )
            except (OSError, pa.ArrowException, ValueError, KeyError) as error:
                raise self._damaged(part.name, error) from error
        return np.concatenate(blocks)

    @cached_property
    def _arrays(self) -> list[npt.NDArray[np.float16]]:
        arrays = []
        for part in self._opened:
            try:
                arrays.append(np.load(part, mmap_mode="r", allow_pickle=False))
            except (OSError, ValueError) as error:
                raise self._damaged(part.name, error) from error
        return arrays

    def _demand(self, track_ids: Sequence[str]) -> None:
        missing = [track for track in track_ids if track not in self._places]
        if not missing:
            return
        failed = len(set(missing) & set(self.failures["track_id"]))
        why = f" ({failed} of them failed when they were extracted)" if failed else ""
        raise FeaturesMissing(
            f"{len(missing)} of {len(track_ids)} tracks of {self.dataset_name!r} have no "
            f"{self.kind_name} features{why}, the first is {missing[0]!r}. {self._mend()}"
        )

    def _damaged(self, file: str, error: Exception) -> FeaturesError:
        return FeaturesError(
            f"The features {self.folder.name} can't be read: {file} is damaged ({error}). Remove "
            f"the folder {shown(self.folder)}, then: {self._mend()}"
        )

    def _mend(self) -> str:
        if self.kind_name not in NAMES:
            return "import the table again."
        return f"run: {command(self.dataset_name, self.kind_name, self.parameters)}"


def command(dataset: str, kind_name: str, parameters: dict[str, Any] | None = None) -> str:
    """The command that extracts these features."""
    excerpt_s = (parameters or {}).get("excerpt_s", kind(kind_name).excerpt_s)
    words = ["python -m genre_engine extract", dataset, "--features", kind_name]
    if excerpt_s != kind(kind_name).excerpt_s:
        words.append(f"--excerpt {excerpt_text(excerpt_s)}")
    return " ".join(words)


def parts(folder: Path) -> list[Path]:
    """The parts that count, in their order: none that a part with a wider range stands for."""
    found: list[tuple[int, int, Path]] = []
    for path in folder.iterdir():
        if (named := _PART.fullmatch(path.name)) is not None:
            if path.suffix == ".npy" and not index_of(path).exists():
                continue  # its writer was killed before the part became one
            first = int(named[1])
            found.append((first, int(named[2] or first), path))
    found.sort(key=lambda part: (part[0], -part[1]))
    kept: list[Path] = []
    last_covered = -1
    for _first, last, path in found:
        if last > last_covered:
            kept.append(path)
            last_covered = last
    return kept


def index_of(part: Path) -> Path:
    """The index that lies beside a part with patches."""
    return part.with_name(part.name.replace("part-", "index-", 1)).with_suffix(".parquet")


def listing(features_folder: Path) -> list[FeatureStore]:
    """The stores of a data set, by name; none that can't be opened."""
    return list(_stores(features_folder))


def _stores(features_folder: Path) -> Iterator[FeatureStore]:
    if not features_folder.is_dir():
        return
    for folder in sorted(features_folder.iterdir()):
        if _FOLDER.fullmatch(folder.name) and folder.is_dir():
            try:
                yield FeatureStore(folder)
            except FeaturesError:
                continue


def find(
    features_folder: Path, kind_name: str, fingerprint: str | None = None
) -> FeatureStore | None:
    """A data set's store of a kind.

    Without a fingerprint that of the kind's default parameters: numbers that were made otherwise
    are no substitute. Of what isn't computed here (imported tables) the one made last.

    Raises:
        FeaturesError: it is there and damaged.
    """
    if fingerprint is None and kind_name in NAMES:
        fingerprint = kind(kind_name).fingerprint
    if fingerprint is not None:
        folder = features_folder / f"{kind_name}-{fingerprint}"
        return FeatureStore(folder) if folder.is_dir() else None
    return newest(features_folder, kind_name)


def newest(features_folder: Path, kind_name: str) -> FeatureStore | None:
    """The store of a kind that was made last, whatever its parameters."""
    same = [store for store in listing(features_folder) if store.kind_name == kind_name]
    return max(same, key=lambda store: store.folder.stat().st_mtime, default=None)
