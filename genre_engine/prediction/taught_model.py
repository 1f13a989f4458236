"""A visitor's corrections → a small classifier, how good it is, and a data set of them.

One-against-rest logistic regression on the songs' vectors (`questions.EMBEDDING`), each genre's
songs weighing as much as the others. Numbers are standardised, the spread of each drawn towards
the mean spread where songs are few, and scaled so that a vector has length one: the penalty then
keeps the scores near 50 until there are songs enough. It takes milliseconds and numpy alone, so
the app's process needn't load scikit-learn (1.4 s and 70 MB) for it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genre_engine import labels
from genre_engine.errors import WrongUsage
from genre_engine.prediction import vocabulary
from genre_engine.prediction.teaching import Correction
from genre_engine.pretrained import NETWORKS

if TYPE_CHECKING:
    from genre_engine.datasets.store import Dataset

# So many genres, of so many songs each, are needed; and so many songs for a check.
LEAST_GENRES, LEAST_OF_EACH, LEAST_TO_CHECK = 2, 2, 10
# With fewer artists no difference is called real, and with fewer than the second nothing is said.
_ENOUGH_ARTISTS, _LEAST_ARTISTS = 10, 3
# Artists are left out one by one, or in so many groups.
_MOST_FOLDS = 10
# Songs that the mean spread of all numbers weighs as much as.
_PRIOR_SONGS = 10.0
_MOST_AXES = 50
_STRENGTH = 2.0
_STEPS, _SMALL_STEP = 25, 1e-3

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Check:
    """How many songs were named right by what was learnt from other artists' songs.

    Attributes:
        most_common: the genre that most songs have, and `baseline` how many have it.
        artists: how many there are; songs whose artist isn't known count as one each.
        unknown: how many songs have no artist.
    """

    right: int
    songs: int
    most_common: str
    baseline: int
    artists: int
    unknown: int


@dataclass(frozen=True, eq=False)
class Learnt:
    """What was learnt from corrections.

    Attributes:
        genres: in alphabetical order, `[n]`.
        songs: how many were learnt from.
    """

    genres: tuple[str, ...]
    songs: int
    networks: tuple[str, ...]
    _mean: Floats
    _scale: Floats
    _coefficients: Floats

    def scores(self, embedding: Sequence[float]) -> list[tuple[str, float]]:
        """The genres with scores from 0 to 1, the best first; each is scored by itself.

        Args:
            embedding: a song's vector of the same networks.
        """
        x = (np.asarray(embedding, np.float64) - self._mean) / self._scale
        found = _sigmoid(np.append(x, 1.0) @ self._coefficients)
        order = np.argsort(-found, kind="stable")
        return [(self.genres[i], float(found[i])) for i in order]


@lru_cache(maxsize=8)
def learn(songs: tuple[Correction, ...], networks: tuple[str, ...]) -> Learnt | None:
    """A classifier of what these songs have; None where they are too few, or all of one genre.

    Args:
        networks: only songs with vectors of these are learnt from.
    """
    songs = tuple(one for one in songs if one.networks == networks)
    counts = labels.count(one.genres for one in songs)
    # A genre that all songs have can't be told from anything.
    genres = tuple(sorted(g for g, n in counts.items() if LEAST_OF_EACH <= n < len(songs)))
    if len(genres) < LEAST_GENRES:
        return None
    return _fit([one for one in songs if set(one.genres) & set(genres)], genres)


@lru_cache(maxsize=8)
def check(songs: tuple[Correction, ...], networks: tuple[str, ...]) -> Check | None:
    """How well songs are named by what is learnt from other artists'; None where they are too few.

    Every song is named once, by a model that met none of its artist. A song without an artist is
    left out by itself, with what sounds exactly like it.
    """
    learnt = learn(songs, networks)
    if learnt is None or learnt.songs < LEAST_TO_CHECK:
        return None
    used = [one for one in songs if one.networks == networks and set(one.genres) & {*learnt.genres}]
    artists = [one.artist.casefold() or str(hash(one.embedding)) for one in used]
    if len(set(artists)) < _LEAST_ARTISTS:
        return None
    by_size = Counter(artists).most_common()
    fold_of = {artist: place % _MOST_FOLDS for place, (artist, _) in enumerate(by_size)}
    folds = np.array([fold_of[artist] for artist in artists])
    right = 0
    for fold in np.unique(folds):
        model = _fit([used[i] for i in np.flatnonzero(folds != fold)], learnt.genres)
        for i in np.flatnonzero(folds == fold):
            right += model.scores(used[i].embedding)[0][0] in used[i].genres
    counts = labels.count([g for g in one.genres if g in learnt.genres] for one in used)
    most_common, baseline = next(iter(counts.items()))
    unknown = sum(not one.artist for one in used)
    return Check(right, len(used), most_common, baseline, len(by_size), unknown)


def in_words(learnt: Learnt, checked: Check | None) -> str:
    """How much to believe of what was learnt: "learnt from 7 songs of 2 genres: a guess"."""
    text = f"learnt from {learnt.songs} songs of {len(learnt.genres)} genres"
    if checked is None:
        few = learnt.songs < LEAST_TO_CHECK
        return f"{text}: a guess" if few else f"{text} by too few artists to check it: a guess"
    tried = "on songs left out" if checked.unknown == checked.songs else "on artists left out"
    most_common = vocabulary.display_name(checked.most_common)
    if checked.right <= checked.baseline:
        text += ": no better than a guess"
    text += (
        f"; tried {tried} it got {checked.right} of {checked.songs} right, always saying "
        f"{most_common} gets {checked.baseline}"
    )
    if checked.unknown == checked.songs:
        text += "; the artists aren't known, which flatters it if songs share one"
    elif checked.unknown:
        text += f"; of {checked.unknown} songs the artist isn't known"
    if checked.artists < _ENOUGH_ARTISTS:
        text += "; too few artists to be sure"
    return text


def to_dataset(songs: Sequence[Correction], name: str) -> "Dataset":
    """Make a data set of ready features of corrected songs, the artist as their group.

    All vectors of it are of the same networks, those that most songs have, and a genre that one
    song only has is left out, since it can't be learnt in one part and judged in another.

    Raises:
        WrongUsage: fewer than two genres are left.
        DatasetExists: the name is taken.
        StorageError: the workspace can't be written.
    """
    from genre_engine.datasets import feature_table, store
    from genre_engine.datasets import tracks as track_table

    networks = Counter(one.networks for one in songs).most_common(1)[0][0] if songs else ()
    same = [one for one in songs if one.networks == networks]
    counts = labels.count(one.genres for one in same)
    genres = {genre: n for genre, n in counts.items() if n >= LEAST_OF_EACH}
    if len(genres) < LEAST_GENRES:
        raise WrongUsage(
            f"A data set needs {LEAST_GENRES} genres of {LEAST_OF_EACH} songs each at least. "
            "Correct or confirm some more songs first."
        )
    used = [one for one in same if set(one.genres) & set(genres)]
    notes = ["The genres are those that a listener gave the songs on the Classify page."]
    if n_out := len(songs) - len(used):
        notes.append(
            f"Corrected songs that were left out: {n_out}. Their vectors are of other networks, or "
            "no other song has their genres."
        )
    columns = [f"{network}: {tag}" for network in networks for tag in NETWORKS[network].tags]
    ids = [one.sha256 for one in used]
    values = np.array([one.embedding for one in used], np.float32)
    with store.building(name) as folder:
        features = feature_table.write_features(folder, ids, columns, values)
        imported = store.Imported(
            track_table.frame(
                {
                    "track_id": ids,
                    "artist_id": [one.artist or None for one in used],
                    "title": [one.title for one in used],
                    "genres": [[g for g in one.genres if g in genres] for one in used],
                    "sha256": [one.sha256 for one in used],
                }
            ),
            source={"corrections": len(used), "networks": networks, "features": features.name},
            notes=tuple(notes),
        )
        chosen = labels.choose(genres, "all")
        store.save(folder, name, feature_table.KIND, imported, chosen)
    return store.load(name)


def _fit(songs: Sequence[Correction], genres: tuple[str, ...]) -> Learnt:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"):  # the matrices are small
        return _fitted(songs, genres)


def _fitted(songs: Sequence[Correction], genres: tuple[str, ...]) -> Learnt:
    x = np.array([one.embedding for one in songs])
    y = labels.multi_hot([one.genres for one in songs], genres).astype(bool)
    mean, variance = x.mean(axis=0), x.var(axis=0)
    drawn = (len(x) * variance + _PRIOR_SONGS * variance.mean()) / (len(x) + _PRIOR_SONGS)
    scale = np.sqrt(np.maximum(drawn, 1e-12) * x.shape[1])
    # Along the directions in which the songs differ most: few songs span no more, and many no much.
    scaled = (x - mean) / scale
    axes = np.linalg.eigh(scaled.T @ scaled)[1][:, -_MOST_AXES:].T
    found = np.stack([_logistic(scaled @ axes.T, truth) for truth in y.T], axis=1)
    coefficients = np.vstack([axes.T @ found[:-1], found[-1:]])
    return Learnt(genres, len(songs), songs[0].networks, mean, scale, coefficients)


def _logistic(x: Floats, y: NDArray[np.bool_]) -> Floats:
    """Coefficients of x `[n, d]` and an intercept, by Newton's method."""
    n, d = x.shape
    if y.all() or not y.any():  # after an artist was left out
        return np.append(np.zeros(d), 10.0 if y.all() else -10.0)
    weights = np.where(y, n / (2 * y.sum()), n / (2 * (~y).sum()))
    rows = np.column_stack([x, np.ones(n)])
    penalty = np.append(np.full(d, 1 / _STRENGTH), 1e-3)
    found = np.zeros(d + 1)
    for _ in range(_STEPS):
        p = _sigmoid(rows @ found)
        slope = rows.T @ (weights * (p - y)) + penalty * found
        curvature = (rows.T * (weights * p * (1 - p))) @ rows + np.diag(penalty)
        step = np.linalg.solve(curvature, slope)
        found -= step
        if np.abs(step).max() < _SMALL_STEP:
            break
    return found


def _sigmoid(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -30, 30))))
