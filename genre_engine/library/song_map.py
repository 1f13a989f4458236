"""A map of a library: songs that sound alike lie together.

Two ways to lay it out. `pca`, the two directions in which the embeddings differ most, is there at
once for any size. `tsne` keeps neighbours together, and shows groups that PCA lays over one
another; it takes about 20 processor seconds for 5,000 songs, so it is made for no more, and kept:

    workspace/libraries/<name>/map-tsne.npz     key, ids [n], places [n, 2]

The key is a checksum of the songs' numbers and embeddings: with other songs another map is made.
"""

import hashlib
import logging
import zipfile
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genre_engine.errors import LibraryError
from genre_engine.library.index import Library, Snapshot
from genre_engine.library.space import Floats, Space, space
from genre_engine.storage import workspace

FILE = "map-tsne.npz"
METHODS = ("pca", "tsne")
MOST_TSNE = 5_000
_LEAST_SONGS = 3
# t-SNE looks at distances between all pairs of near songs; of fewer dimensions they are quicker,
# and what the rest holds is mostly noise.
_DIMENSIONS = 30
_PERPLEXITY = 30
# Half of scikit-learn's default: the groups stand by then, and it takes half the time.
_ITERATIONS = 500
# Counts up when the same songs would get another map.
_VERSION = 1

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class SongMap:
    """Where songs lie.

    Attributes:
        rows: int `[n]`, positions in the snapshot's `songs` of those that have an embedding and
            weren't missing at the last scan.
        places: float32 `[n, 2]`.
        method: `pca` or `tsne`.
        explained: of `pca`, the share of the variance that each of the two directions shows.
    """

    rows: NDArray[np.intp]
    places: Floats
    method: str
    explained: tuple[float, float] | None = None


def method_for(n_songs: int) -> str:
    """The better way for so many songs."""
    return "tsne" if n_songs <= MOST_TSNE else "pca"


def by_pca(now: Snapshot) -> SongMap:
    """A map by the first two principal components, at once.

    Raises:
        LibraryError: there are fewer than three songs to be laid out.
    """
    found = _checked(now)
    places, shares = _principal(found.units, 2)
    return _present(found, places, "pca", (float(shares[0]), float(shares[1])))


def kept_tsne(lib: Library, now: Snapshot) -> SongMap | None:
    """The map by t-SNE that was made of these songs; None where it wasn't."""
    found = _checked(now)
    path = lib.folder / FILE
    try:
        # Opened here: numpy leaves a damaged file open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as content:
            if str(content["key"]) != _key(now, found):
                return None
            ids, places = content["ids"], content["places"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile) as error:
        _log.warning("%s can't be read and is made again: %s", path, error)
        return None
    fits = places.dtype == np.float32 and places.shape == (len(found.rows), 2)
    if not fits or not np.array_equal(ids, _ids(now, found)) or not np.isfinite(places).all():
        return None
    return _present(found, places, "tsne")


def by_tsne(lib: Library, now: Snapshot) -> SongMap:
    """A map by t-SNE: the one that is kept, else it is made, which takes a while, and kept.

    Raises:
        LibraryError: there are too few songs to be laid out, or more than `MOST_TSNE`.
        StorageError: it can't be kept.
    """
    if (kept := kept_tsne(lib, now)) is not None:
        return kept
    found = _checked(now)
    if len(found.rows) > MOST_TSNE:
        raise LibraryError(
            f"A map that keeps neighbours together is made of up to {MOST_TSNE:,} songs; there are "
            f"{len(found.rows):,}. Take the map by principal components."
        )
    places = _tsne(found.units)
    with workspace.replacing(lib.folder / FILE) as path, path.open("wb") as file:
        key = np.array(_key(now, found))
        np.savez_compressed(file, key=key, ids=_ids(now, found), places=places)
    return _present(found, places, "tsne")


def _tsne(units: Floats) -> Floats:
    """Places `[n, 2]`, the same for the same songs."""
    from sklearn.manifold import TSNE

    reduced, _ = _principal(units, min(_DIMENSIONS, *units.shape))
    spread = float(reduced[:, 0].std()) or 1.0
    start = np.zeros((len(reduced), 2), np.float32)
    start[:, : reduced.shape[1]] = reduced[:, :2] / spread * 1e-4
    places: Floats = (
        TSNE(
            n_components=2,
            # Vectors of length 1 are as near as their cosine says.
            metric="euclidean",
            init=start,
            perplexity=min(_PERPLEXITY, (len(units) - 1) / 3),
            max_iter=_ITERATIONS,
            random_state=0,
            n_jobs=-1,
        )
        .fit_transform(reduced)
        .astype(np.float32)
    )
    return places


def _principal(units: Floats, n: int) -> tuple[Floats, NDArray[np.float64]]:
    """The first n principal components `[songs, n]`, and the shares of the variance."""
    centre = units.mean(axis=0, dtype=np.float64)
    covariance = (units.T @ units).astype(np.float64) / len(units) - np.outer(centre, centre)
    variances, directions = np.linalg.eigh(covariance)
    first = directions[:, ::-1][:, :n]
    # A direction and its reverse are the same; the largest weight decides, so maps stay put.
    first = first * np.sign(first[np.abs(first).argmax(axis=0), np.arange(first.shape[1])])
    places: Floats = units @ first.astype(np.float32) - (centre @ first).astype(np.float32)
    total = variances.sum()
    return places, variances[::-1][:n] / (total if total > 0 else 1)


def _checked(now: Snapshot) -> Space:
    found = space(now)
    if len(found.rows) < _LEAST_SONGS or found.units.shape[1] < 2:
        raise LibraryError(
            f"A map needs at least {_LEAST_SONGS} songs that were analysed. Scan more music first."
        )
    return found


def _present(
    found: Space, places: Floats, method: str, explained: tuple[float, float] | None = None
) -> SongMap:
    return SongMap(found.rows[found.present], places[found.present], method, explained)


def _ids(now: Snapshot, found: Space) -> NDArray[np.int64]:
    numbers: NDArray[np.int64] = now.songs["id"].to_numpy(np.int64)
    return numbers[found.rows]


def _key(now: Snapshot, found: Space) -> str:
    digest = hashlib.blake2b(f"{_VERSION}".encode(), digest_size=16)
    digest.update(_ids(now, found).astype("<i8").tobytes())
    digest.update(now.embeddings()[found.rows].astype("<f4").tobytes())
    return digest.hexdigest()
