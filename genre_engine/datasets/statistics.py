"""What a track table shows before anything is trained: pure functions, tables in, arrays out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from genre_engine.splits import PARTS

Labels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]


def genre_parts(
    artists: pd.Series, y: Labels, genres: Sequence[str], part: npt.NDArray[np.str_]
) -> pd.DataFrame:
    """How each genre is spread over the parts, the genre with the most tracks in train first.

    Args:
        artists: artist_id of each track [n].
        y: labels [n, n_genres].
        part: each track's part [n], "" for none.

    Returns:
        One row a genre and part: `genre`, `part`, `tracks`, `share` (of the part's tracks that
        carry the genre), `artists`, and `largest_artist`, the share of these tracks that is by the
        artist with the most of them; null where no artist is known.
    """
    codes = pd.factorize(artists)[0]
    rows = []
    for name in [name for name in PARTS if (part == name).any()]:
        inside = part == name
        for genre, column in zip(genres, y.T, strict=True):
            tracks = int(column[inside].sum())
            by = codes[inside & (column == 1)]
            by = np.bincount(by[by >= 0])
            known = bool(by.sum())
            rows.append(
                {
                    "genre": genre,
                    "part": name,
                    "tracks": tracks,
                    "share": tracks / int(inside.sum()),
                    "artists": int((by > 0).sum()),
                    "largest_artist": float(by.max() / tracks) if known else None,
                }
            )
    table = pd.DataFrame(rows, columns=[*_PART_COLUMNS])
    first = table[table["part"] == (table["part"].iloc[0] if len(table) else "")]
    order = first.sort_values(["tracks", "genre"], ascending=[False, True])["genre"]
    rank = {genre: place for place, genre in enumerate(order)}
    return table.sort_values("genre", key=lambda names: names.map(rank), kind="stable").reset_index(
        drop=True
    )


_PART_COLUMNS = ("genre", "part", "tracks", "share", "artists", "largest_artist")


def widest_gap(table: pd.DataFrame) -> tuple[str, str, str, float] | None:
    """Where the parts differ most in `genre_parts`: genre, part with more, part with less, by how
    much (a share); None with fewer than two parts.
    """
    shares = table.pivot(index="genre", columns="part", values="share")
    if shares.shape[1] < 2 or shares.empty:
        return None
    gaps = shares.max(axis=1) - shares.min(axis=1)
    genre = gaps.idxmax()
    row = shares.loc[genre]
    return str(genre), str(row.idxmax()), str(row.idxmin()), float(gaps[genre])


@dataclass(frozen=True)
class Cooccurrence:
    """Genres that share tracks.

    Attributes:
        genres: in an order that puts those side by side that go together.
        counts: int [n, n], tracks that carry both.
        expected: [n, n], how many would, if genres were drawn independently.
        lift: [n, n], log2 of counts over expected, half a track added to both so that rare pairs
            don't shout; NaN on the diagonal.
    """

    genres: tuple[str, ...]
    counts: npt.NDArray[np.int64]
    expected: Floats
    lift: Floats


def cooccurrence(y: Labels, genres: Sequence[str]) -> Cooccurrence:
    """Which genres go together more often than chance would have it, from labels [n, n_genres]."""
    marks = y.astype(np.float32)
    counts = np.rint(marks.T @ marks).astype(np.int64)
    totals = np.diag(counts).astype(np.float64)
    expected = np.outer(totals, totals) / max(1, len(y))
    lift = np.log2((counts + 0.5) / (expected + 0.5))
    order = cluster_order(lift)
    np.fill_diagonal(lift, np.nan)
    at = np.ix_(order, order)
    return Cooccurrence(tuple(genres[i] for i in order), counts[at], expected[at], lift[at])


def cluster_order(similarity: Floats) -> list[int]:
    """Rows of a symmetric matrix in an order that puts similar ones side by side.

    Average linkage, its branches turned so that neighbours are most alike.
    """
    if len(similarity) < 2:
        return list(range(len(similarity)))
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    distances = similarity.max() - similarity
    np.fill_diagonal(distances, 0)
    tree = linkage(squareform(distances, checks=False), "average", optimal_ordering=True)
    return [int(row) for row in leaves_list(tree)]


def labels_per_track(y: Labels) -> dict[int, int]:
    """How many tracks carry one genre, two, …"""
    numbers, counts = np.unique(y.sum(axis=1, dtype=int), return_counts=True)
    return dict(zip(numbers.tolist(), counts.tolist(), strict=True))


@dataclass(frozen=True)
class Histogram:
    """Counts [n] between edges [n + 1], and what the values are like.

    Attributes:
        beyond: values above the last edge, left out of the counts.
        missing: tracks without a value.
    """

    edges: Floats
    counts: npt.NDArray[np.int64]
    median: float
    longest: float
    beyond: int
    missing: int


_WIDTHS_S = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0)


def durations(duration_s: pd.Series, bins: int = 40) -> Histogram | None:
    """Lengths in seconds, in bins of a round width up to the 99th percentile; None if none."""
    values = duration_s.dropna().to_numpy(float)
    if not len(values):
        return None
    top = float(np.quantile(values, 0.99))
    width = next((step for step in _WIDTHS_S if step >= top / bins), _WIDTHS_S[-1])
    edges = np.arange(0, np.floor(top / width) * width + 1.5 * width, width)
    counts = np.histogram(values[values < edges[-1]], edges)[0]
    return Histogram(
        edges,
        counts,
        float(np.median(values)),
        float(values.max()),
        int((values >= edges[-1]).sum()),
        int(duration_s.isna().sum()),
    )


@dataclass(frozen=True)
class ArtistSizes:
    """How many tracks artists have.

    Attributes:
        labels, artists, tracks: of each class of size, such as "3–4".
        largest: the artist with the most tracks, and how many.
        tenth: share of all tracks that is by the tenth of the artists who have most.
    """

    labels: tuple[str, ...]
    artists: tuple[int, ...]
    tracks: tuple[int, ...]
    largest: tuple[str, int]
    tenth: float
    n_artists: int


_SIZES = ((1, 1), (2, 2), (3, 4), (5, 9), (10, 19), (20, 49), (50, 99), (100, 10**9))


def artist_sizes(artists: pd.Series) -> ArtistSizes | None:
    """Tracks per artist from artist_id; None if no artist is known."""
    counts = artists.value_counts()
    if counts.empty:
        return None
    sizes = counts.to_numpy()
    classes = [(low, high, sizes[(sizes >= low) & (sizes <= high)]) for low, high in _SIZES]
    while len(classes) > 1 and not len(classes[-1][2]):
        classes.pop()
    names = tuple(
        str(low) if low == high else f"{low}+" if high > 10**6 else f"{low}–{high}"
        for low, high, _ in classes
    )
    return ArtistSizes(
        names,
        tuple(len(found) for _, _, found in classes),
        tuple(int(found.sum()) for _, _, found in classes),
        (str(counts.index[0]), int(sizes[0])),
        float(sizes[: max(1, len(sizes) // 10)].sum() / sizes.sum()),
        len(sizes),
    )


class SearchIndex:
    """Finds tracks by words in their title, artist, album, genres or id; quick over 55,000."""

    def __init__(self, tracks: pd.DataFrame) -> None:
        columns = [tracks[name].fillna("").astype(str).tolist() for name in _SEARCHED]
        genres = map(" ".join, tracks["genres"])
        lines = ("\t".join(parts).casefold() for parts in zip(*columns, genres, strict=True))
        self._lines = pd.Series(list(lines), dtype="str")

    def find(self, text: str) -> Ints:
        """Positions of the tracks that hold every word of `text`; all of them for no word."""
        found = np.ones(len(self._lines), bool)
        for word in text.casefold().split():
            rest = np.flatnonzero(found)
            found[rest] = self._lines.iloc[rest].str.contains(word, regex=False).to_numpy(bool)
        return np.flatnonzero(found)


_SEARCHED = ("title", "artist_id", "album_id", "track_id")
