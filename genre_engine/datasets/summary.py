"""What there is to say about a data set at a glance."""

import csv
from importlib import resources
from typing import Any

from genre_engine import labels, leakage, splits
from genre_engine.datasets.store import Dataset
from genre_engine.errors import SplitError


def summary(
    dataset: Dataset, *, seed: int = 0, made: dict[str, splits.Split] | None = None
) -> dict[str, Any]:
    """The JSON of `dataset show`: counts over the stored genres, and each split that can be made.

    `artist_overlap` is the share of test tracks (of validation, where a split has no test) whose
    artist is also in train; null where no artist is known. `made` are the splits of all stored
    genres, where the caller has them already.
    """
    chosen = dataset.select()
    made = made or possible_splits(dataset, chosen, seed=seed)
    tracks = dataset.tracks.iloc[chosen.rows]
    return {
        "name": dataset.name,
        "kind": dataset.kind,
        "tracks": len(dataset.tracks),
        "artists": int(dataset.tracks["artist_id"].nunique()),
        "labels_per_track": chosen.labels_per_track,
        "genres": chosen.counts,
        "splits": {kind: split.sizes for kind, split in made.items()},
        "artist_overlap": {
            kind: leakage.overlap(tracks["artist_id"], split) for kind, split in made.items()
        },
    }


def possible_splits(
    dataset: Dataset, chosen: labels.Labels, *, seed: int = 0
) -> dict[str, splits.Split]:
    """The splits that can be made of these tracks, by kind."""
    made = {}
    for kind in splits.KINDS:
        try:
            made[kind] = dataset.split(chosen, kind, seed=seed)
        except SplitError:
            continue
    return made


def leaks(
    dataset: Dataset,
    chosen: labels.Labels | None = None,
    *,
    seed: int = 0,
    made: dict[str, splits.Split] | None = None,
) -> dict[str, leakage.Leakage]:
    """What each split that can be made lets through: the leak meter; `made` as in `summary`."""
    chosen = chosen or dataset.select()
    tracks = dataset.tracks.iloc[chosen.rows]
    made = made or possible_splits(dataset, chosen, seed=seed)
    return {kind: leakage.measure(tracks, chosen.y, split) for kind, split in made.items()}


def facts() -> list[dict[str, Any]]:
    """Tracks per genre and official split of the real MTG-Jamendo, most populated first.

    Each row has `genre`, `raw` (tracks in raw_30s.tsv), `cleaned` (in autotagging_genre.tsv) and
    `train`, `validation`, `test` (in the official split files, with the cleaned labels). Source:
    MTG-Jamendo (https://github.com/MTG/mtg-jamendo-dataset), metadata CC BY-NC-SA 4.0.
    """
    table = resources.files("genre_engine.datasets") / "data" / "jamendo_genre_counts.csv"
    lines = [
        line for line in table.read_text(encoding="utf-8").splitlines() if not line.startswith("#")
    ]
    return [
        {name: value if name == "genre" else int(value) for name, value in row.items()}
        for row in csv.DictReader(lines)
    ]
