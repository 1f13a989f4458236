"""A map of a data set's tracks: the two directions in which their features differ most.

Reads a feature store, `features/<kind>-<fingerprint>/part-*.parquet` with a column `track_id`.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from genre_engine.datasets import Dataset
from genre_engine.errors import DatasetError

# As many as a browser draws and a visitor can distinguish.
MOST_TRACKS = 6000
# A column that is the same for all tracks carries nothing and can't be scaled.
_LEAST_SPREAD = 1e-12


@dataclass(frozen=True, eq=False)
class TrackMap:
    """Where tracks lie.

    Attributes:
        rows: int [n], positions in the track table.
        places: [n, 2], the first two principal components of the scaled features.
        explained: share of the features' variance that each of the two shows.
        n_tracks: how many tracks have features; more than n where the map is a sample.
        n_features: how many columns went in.
    """

    rows: npt.NDArray[np.intp]
    places: npt.NDArray[np.float32]
    explained: tuple[float, float]
    n_tracks: int
    n_features: int


def stores(dataset: Dataset) -> list[Path]:
    """The data set's feature stores that hold one row a track, by name."""
    if not dataset.features_folder.is_dir():
        return []
    return [
        place
        for place in sorted(dataset.features_folder.iterdir())
        if any(place.glob("part-*.parquet"))
    ]


def track_map(dataset: Dataset, store: Path, *, most: int = MOST_TRACKS, seed: int = 0) -> TrackMap:
    """Project a store's features; with more than `most` tracks, a random choice of them.

    Raises:
        DatasetError: the store can't be read, or has too little in it for a map.
    """
    ids, values = _read(store)
    place = {track: row for row, track in enumerate(dataset.tracks["track_id"])}
    kept = [(row, place[track]) for row, track in enumerate(ids) if track in place]
    n_tracks = len(kept)
    if n_tracks > most:
        chosen = np.random.default_rng(seed).choice(n_tracks, most, replace=False)
        kept = [kept[index] for index in np.sort(chosen)]
    values = values[[row for row, _ in kept]]
    if len(values) < 3 or values.shape[1] < 2:
        raise DatasetError("A map needs at least three tracks with two features each.")
    places, explained = principal_components(values)
    rows = np.array([row for _, row in kept], np.intp)
    return TrackMap(rows, places, explained, n_tracks, values.shape[1])


def principal_components(
    values: npt.NDArray[np.float32],
) -> tuple[npt.NDArray[np.float32], tuple[float, float]]:
    """The first two principal components [n, 2] of features [n, n_columns], each column scaled to
    zero mean and unit spread, and their shares of the variance.
    """
    scaled = values.astype(np.float64)
    scaled -= scaled.mean(axis=0)
    spread = scaled.std(axis=0)
    scaled = scaled[:, spread > _LEAST_SPREAD] / spread[spread > _LEAST_SPREAD]
    if scaled.shape[1] < 2:
        raise DatasetError("A map needs at least two features that differ between tracks.")
    variances, directions = np.linalg.eigh(scaled.T @ scaled / len(scaled))
    first = directions[:, ::-1][:, :2]
    # A direction and its reverse are the same; the largest weight decides, so maps stay put.
    first = first * np.sign(first[np.abs(first).argmax(axis=0), [0, 1]])
    shares = variances[::-1][:2] / variances.sum()
    return (scaled @ first).astype(np.float32), (float(shares[0]), float(shares[1]))


def _read(store: Path) -> tuple[list[str], npt.NDArray[np.float32]]:
    try:
        frames = [pq.read_table(part).to_pandas() for part in sorted(store.glob("part-*.parquet"))]
        frame = pd.concat(frames).drop_duplicates("track_id", keep="last")
        values = frame.drop(columns="track_id").to_numpy(np.float32)
    except (OSError, pa.ArrowException, KeyError, ValueError) as error:
        raise DatasetError(
            f"The features {store.name} can't be read ({error}). Make them again."
        ) from error
    usable = np.isfinite(values).all(axis=1)
    return frame["track_id"][usable].astype(str).tolist(), values[usable]
