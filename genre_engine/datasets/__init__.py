"""Data sets: what kinds there are, and how they are made, opened and summed up.

    from genre_engine import datasets
    datasets.open("demo").tracks                # the track table
    datasets.import_jamendo("j", metadata=…)    # and import_folder, import_gtzan, import_fma,
                                                # import_table, make_demo
    datasets.summary(datasets.open("demo"))     # the JSON of `dataset show`

A kind is a module with `KIND`, `SUMMARY` and `build(folder, …)`, which returns what is to be stored
(`store.Imported`) and the genres; what belongs to the data set (audio, features) it writes into the
folder. The modules are loaded when they are needed.
"""

import importlib
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from genre_engine.datasets.store import Dataset, Imported, building, listing, load, remove
from genre_engine.datasets.store import save as _save
from genre_engine.datasets.summary import facts, leaks, possible_splits, summary
from genre_engine.errors import WrongUsage
from genre_engine.storage.progress import Progress

__all__ = [
    "KINDS",
    "Dataset",
    "Imported",
    "Progress",
    "building",
    "facts",
    "import_fma",
    "import_folder",
    "import_gtzan",
    "import_jamendo",
    "import_table",
    "kind",
    "leaks",
    "listing",
    "make_demo",
    "open",
    "possible_splits",
    "remove",
    "summary",
]

KINDS = {
    "jamendo": "genre_engine.datasets.jamendo",
    "gtzan": "genre_engine.datasets.gtzan",
    "fma": "genre_engine.datasets.fma",
    "folder": "genre_engine.datasets.folder",
    "feature_table": "genre_engine.datasets.feature_table",
    "demo": "genre_engine.datasets.demo",
}

# The contract names it so: datasets.open("demo").
open = load  # noqa: A001


def kind(name: str) -> ModuleType:
    """The module of a kind of data set.

    Raises:
        WrongUsage: an unknown kind.
    """
    if name not in KINDS:
        raise WrongUsage(
            f"There is no kind of data set {name!r}. Choose one of: {', '.join(KINDS)}."
        )
    return importlib.import_module(KINDS[name])


def import_jamendo(
    name: str,
    metadata: Path,
    *,
    audio: Path | None = None,
    genres: str = "top10",
    rule: str = "any",
    labels_from: str = "raw",
    drop_duplicates: Path | None = None,
) -> Dataset:
    """Import MTG-Jamendo's metadata; see `jamendo.build`."""
    return _make(
        name,
        "jamendo",
        metadata=metadata,
        audio=audio,
        genres=genres,
        rule=rule,
        labels_from=labels_from,
        drop_duplicates=drop_duplicates,
    )


def import_folder(
    name: str,
    path: Path,
    *,
    genres_from: str = "auto",
    progress: Progress | None = None,
    jobs: int | None = None,
) -> Dataset:
    """Import a folder of music; see `folder.build`."""
    return _make(name, "folder", path=path, genres_from=genres_from, progress=progress, jobs=jobs)


def import_gtzan(
    name: str,
    path: Path,
    *,
    filtered: bool = False,
    progress: Progress | None = None,
    jobs: int | None = None,
) -> Dataset:
    """Import GTZAN's audio; see `gtzan.build`."""
    return _make(name, "gtzan", path=path, filtered=filtered, progress=progress, jobs=jobs)


def import_fma(
    name: str, path: Path, *, subset: str = "small", progress: Progress | None = None
) -> Dataset:
    """Import FMA's tables, with the audio that lies beside them; see `fma.build`."""
    return _make(name, "fma", path=path, subset=subset, progress=progress)


def import_table(
    name: str,
    file: Path,
    *,
    label: str | None = None,
    label_separator: str | None = None,
    labels: Sequence[str] = (),
    group: str | None = None,
    drop: Sequence[str] = (),
) -> Dataset:
    """Import a table of ready features; see `feature_table.build`."""
    return _make(
        name,
        "feature_table",
        file=file,
        label=label,
        label_separator=label_separator,
        label_columns=tuple(labels),
        group=group,
        drop=tuple(drop),
    )


def make_demo(
    name: str = "demo",
    *,
    tracks: int = 300,
    seed: int = 0,
    progress: Progress | None = None,
    jobs: int | None = None,
) -> Dataset:
    """Synthesise the demo data set; see `demo_set.build`."""
    return _make(name, "demo", tracks=tracks, seed=seed, progress=progress, jobs=jobs)


def _make(name: str, kind_name: str, **options: Any) -> Dataset:
    with building(name) as folder:
        imported, genres = kind(kind_name).build(folder, **options)
        _save(folder, name, kind_name, imported, genres)
    return load(name)
