"""MTG-Jamendo's five official splits: one data set a split, with the same audio and features.

Besides split 0, which an import takes, their tables are fetched into the workspace's metadata, or
read where another folder of metadata holds them, as `splits/split-N/autotagging_genre-PART.tsv` or
`split-N-autotagging_genre-PART.tsv`.
"""

import shutil
from pathlib import Path

import pandas as pd

from genre_engine import datasets
from genre_engine.datasets import Dataset, store
from genre_engine.datasets import tracks as track_table
from genre_engine.download import jamendo_metadata
from genre_engine.errors import BadTable, DownloadError
from genre_engine.splits import PARTS
from genre_engine.storage import workspace
from genre_engine.web.fetch import Retry

NUMBERS = range(5)
_PLACES = (
    "splits/split-{}/autotagging_genre-{}.tsv",
    "split-{}-autotagging_genre-{}.tsv",
)
_MOST_BYTES = 1 << 27


def tables(folder: Path | None = None) -> dict[int, dict[str, Path]]:
    """The tables of each split that is there whole, by part."""
    folder = folder or workspace.metadata_folder()
    found = {}
    for number in NUMBERS:
        for place in _PLACES:
            parts = {part: folder / place.format(number, part) for part in PARTS}
            if all(path.is_file() for path in parts.values()):
                found[number] = parts
                break
    return found


def found_or_fetched(folder: Path | None = None) -> tuple[dict[int, dict[str, Path]], str]:
    """As `tables`; in the workspace's own folder what is missing is fetched first.

    Returns:
        The tables, and a sentence on why some can't be fetched (a space at its end), or nothing.
    """
    there = tables(folder)
    if len(there) == len(NUMBERS) or folder is not None:
        return there, ""
    try:
        jamendo_metadata.jamendo_splits(retry=Retry(attempts=2))
    except DownloadError as error:
        return there, f"{error} "
    return tables(), ""


def with_split(dataset: Dataset, number: int, parts: dict[str, Path]) -> Dataset:
    """The data set with another official split, made once.

    Raises:
        BadTable: a split's table can't be read.
        StorageError: it can't be stored.
    """
    name = workspace.check_name(f"{dataset.name}-split-{number}")
    if (workspace.dataset_folder(name) / "dataset.json").is_file():
        made = datasets.open(name)
        if (made.info.get("source") or {}).get("of") == dataset.info.get("created"):
            _share_features(dataset, made)
            return made
        datasets.remove(name)
    placed = {track: part for part, path in parts.items() for track in _read(path)}
    table = track_table.read(dataset.folder / "tracks.parquet")
    table["split"] = pd.array([placed.get(track) for track in table["track_id"]], dtype="string")
    source = dict(dataset.info.get("source") or {})
    with datasets.building(name) as folder:
        imported = store.Imported(
            tracks=table,
            audio=dataset.audio_folder,
            source=source | {"official_split": number, "of": dataset.info.get("created")},
            notes=(f"{dataset.name} with MTG-Jamendo's official split {number}.",),
            joined_artists=dataset.joined_artists,
            licence=dataset.info.get("licence"),
        )
        store.save(folder, name, dataset.kind, imported, dataset.genres)
    made = datasets.open(name)
    _share_features(dataset, made)
    return made


def _share_features(dataset: Dataset, made: Dataset) -> None:
    """Vectors take two kilobytes a track: a copy serves wherever a link can't be made."""
    for folder in dataset.features_folder.glob("summary-*"):
        place = made.features_folder / folder.name
        if place.exists():
            continue
        with workspace.replacing(place) as room:
            shutil.copytree(folder, room, ignore=shutil.ignore_patterns("*.lock", ".lock"))


def _read(path: Path) -> list[str]:
    with workspace.storage_errors(path):
        text = track_table.decode(track_table.read_bytes(path, limit=_MOST_BYTES), path.name)
    head, _, rest = text.partition("\n")
    if not head.startswith("TRACK_ID\t"):
        raise BadTable(path.name, "the first column must be TRACK_ID. Fetch it again.", row=1)
    return [line.partition("\t")[0] for line in rest.split("\n") if line.strip()]
