"""What the Explore page looks at, read once for the whole server and never changed.

Everything is kept by the data set's folder and the time it was written, so that one which was
removed and made again is read again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from genre_engine import datasets, figures, labels, leakage
from genre_engine.datasets import Dataset, pca_map, statistics
from genre_engine.datasets.statistics import SearchIndex
from genre_engine.features import track_view
from genre_engine.labels import Labels
from genre_engine.splits import Split

# The leak meter and the heat map are about these many genres at most, the most common.
MOST_MEASURED = 30
MOST_PAIRED = 20


@dataclass(frozen=True, eq=False)
class Opened:
    """A data set as it was at one moment.

    Attributes:
        key: differs from every other's, and from its own at another time.
        counts: tracks per genre, the most common first.
        size_bytes: what it takes on the disk, audio elsewhere not counted.
        kinds: the kinds of split that can be made.
    """

    key: tuple[str, int]
    dataset: Dataset
    search: SearchIndex
    counts: dict[str, int]
    size_bytes: int
    kinds: tuple[str, ...]

    @property
    def tracks(self) -> pd.DataFrame:
        return self.dataset.tracks


# How the cache tells one from another: by where and when it was written, and by what was chosen of
# it. Labels come with the data set that they are of.
_BY: Any = {Opened: lambda one: one.key, Labels: lambda y: (y.genres, y.rule)}


def opened(name: str) -> Opened:
    """Open a data set, or take it as it is open.

    Raises:
        GenreEngineError: it can't be opened.
    """
    dataset = datasets.open(name)
    stamp = (dataset.folder / "dataset.json").stat().st_mtime_ns
    return _opened((str(dataset.folder), stamp), dataset)


@st.cache_resource(max_entries=3, show_spinner="Opening the data set …")
def _opened(key: tuple[str, int], _dataset: Dataset) -> Opened:
    tracks = _dataset.tracks
    artists = tracks["artist_id"].nunique()
    kinds = {
        "official": bool(tracks["split"].notna().any()),
        "artist": artists >= len(("train", "validation", "test")),
        "random": len(tracks) >= len(("train", "validation", "test")),
    }
    return Opened(
        key,
        _dataset,
        SearchIndex(tracks),
        labels.count(tracks["genres"]),
        _size(_dataset.folder),
        tuple(kind for kind, possible in kinds.items() if possible),
    )


def _size(folder: Path) -> int:
    return sum(place.stat().st_size for place in folder.rglob("*") if place.is_file())


def chosen(data: Opened, genres: Sequence[str] | str, rule: str) -> Labels:
    """The tracks that carry the genres.

    Raises:
        GenreEngineError: none does.
    """
    return _labels(data, labels.choose(data.counts, genres), rule)


@st.cache_resource(max_entries=12, show_spinner=False, hash_funcs=_BY)
def _labels(data: Opened, genres: tuple[str, ...], rule: str) -> Labels:
    return data.dataset.select(genres, rule=rule)


@st.cache_resource(max_entries=24, show_spinner="Splitting …", hash_funcs=_BY)
def split(data: Opened, y: Labels, kind: str) -> Split:
    """A split of the chosen tracks.

    Raises:
        SplitError: it can't be made of these.
    """
    return data.dataset.split(y, kind)


@st.cache_resource(max_entries=24, show_spinner=False, hash_funcs=_BY)
def genre_parts(data: Opened, y: Labels, kind: str) -> pd.DataFrame:
    """`statistics.genre_parts` of the chosen tracks."""
    artists = data.tracks["artist_id"].iloc[y.rows]
    return statistics.genre_parts(artists, y.y, y.genres, split(data, y, kind).part)


@st.cache_resource(
    max_entries=12,
    show_spinner="Measuring what each kind of split lets through …",
    hash_funcs=_BY,
)
def leaks(data: Opened, y: Labels) -> dict[str, leakage.Leakage]:
    """The leak meter over the chosen tracks."""
    tracks = data.tracks.iloc[y.rows]
    return {
        kind: leakage.measure(tracks, y.y, split(data, y, kind))
        for kind in datasets.possible_splits(data.dataset, y)
    }


@st.cache_resource(max_entries=12, show_spinner=False, hash_funcs=_BY)
def agreement(data: Opened, genres: Sequence[str]) -> dict[str, float | int] | None:
    """How far people agree who uploaded the same audio; None where nobody did."""
    return leakage.uploader_agreement(data.tracks["genres"], data.tracks["sha256"], genres)


@st.cache_resource(max_entries=12, show_spinner=False, hash_funcs=_BY)
def together(data: Opened, y: Labels) -> statistics.Cooccurrence:
    """Which of the most common of the chosen genres go together."""
    common = np.sort(np.argsort(-y.y.sum(axis=0, dtype=int), kind="stable")[:MOST_PAIRED])
    return statistics.cooccurrence(y.y[:, common], [y.genres[index] for index in common])


@st.cache_resource(max_entries=4, show_spinner="Drawing the map …", hash_funcs=_BY)
def mapped(data: Opened, store: Path) -> tuple[pca_map.TrackMap, Any, list[list[int]]]:
    """The map of a feature store and its figure, which must stay the same for clicks to work.

    Raises:
        DatasetError: there is no map of it.
    """
    found = pca_map.track_map(data.dataset, store)
    tracks = data.tracks.iloc[found.rows]
    names = [label(row) for row in tracks[["title", "track_id"]].to_dict("records")]
    colours = figures.genre_colours(data.counts)
    figure, traces = figures.track_map(found, names, tracks["genres"].tolist(), colours)
    return found, figure, traces


@st.cache_resource(max_entries=16, show_spinner="Computing the pictures …")
def track_view_of(path: str, stamp: int) -> track_view.TrackView:
    """The five pictures' numbers of a track.

    Raises:
        AudioError: its file can't be read.
    """
    return track_view.of_source(Path(path))


def label(row: dict[str, Any]) -> str:
    """What a track is called: its title, or its id where it has none."""
    title = row["title"]
    return title if isinstance(title, str) and title else str(row["track_id"])
