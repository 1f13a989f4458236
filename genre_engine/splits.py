"""Which track is in which part: train, validation or test.

Three kinds have parts: `official` (the data set's own), `artist` (no artist in two parts, genre
proportions kept), `random` (the course project's; it lets artists leak). What identical audio ties
together counts as one artist. Validation is halved by artist: the early-stopping set chooses the
epoch and the settings, the threshold set thresholds and calibration.

Two kinds are for cross-validation: `kfold` and `artist-kfold` put every track into one of K folds,
each of which is judged by a model that learnt from the others. All tracks are then in validation.

A split depends on the tracks, the seed and the fractions alone, not on the order of rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from genre_engine.errors import SplitError, WrongUsage

PARTS = ("train", "validation", "test")
# The two halves of validation, by the names that they have in saved files.
EARLY_STOPPING_SET = "selecting"
THRESHOLD_SET = "tuning"
HALVES = (EARLY_STOPPING_SET, THRESHOLD_SET)
KINDS = ("official", "artist", "random")
FOLD_KINDS = ("kfold", "artist-kfold")
ALL_KINDS = KINDS + FOLD_KINDS
MOST_FOLDS, MOST_REPEATS = 50, 20

Ints = npt.NDArray[np.intp]
Counts = npt.NDArray[np.float32]

# On the 13,178 tracks of the course project's choice, one candidate leaves a mean difference of 3.8
# points between a genre's share in a part and the share wanted, 100 leave 1.9, 1,000 leave 1.1 and
# 3,000 leave 0.7, in half a second.
N_CANDIDATES = 3000
_MAX_WORK = 200_000_000  # artists × genres × candidates: fewer candidates where there is much
_BATCH_CELLS = 1_000_000  # bounds the memory of drawing candidates


@dataclass(frozen=True)
class Fractions:
    """Shares of the tracks; a part of 0 is left out."""

    train: float
    validation: float
    test: float

    def __post_init__(self) -> None:
        shares = (self.train, self.validation, self.test)
        if not all(0 <= share < 1 for share in shares) or abs(sum(shares) - 1) > 1e-6:
            raise WrongUsage(
                "The fractions of a split lie between 0 and 1 and add up to 1, for example "
                "0.72,0.18,0.10 (train, test, validation)."
            )
        if not self.train or not (self.validation or self.test):
            raise WrongUsage("A split needs tracks to train on and tracks to judge by.")


@dataclass(frozen=True)
class Folds:
    """Into how many folds the tracks go, and how often they are dealt again."""

    folds: int
    repeats: int = 1

    def __post_init__(self) -> None:
        if not 2 <= self.folds <= MOST_FOLDS or not 1 <= self.repeats <= MOST_REPEATS:
            raise WrongUsage(
                f"Cross-validation has 2 to {MOST_FOLDS} folds and up to {MOST_REPEATS} repeats, "
                "as in artist-kfold:5 or kfold:10x3 (ten folds, three times)."
            )


# The course project's: as described, as planned for the full job, and as it ran.
PRESETS: Mapping[str, Fractions] = {
    "course": Fractions(train=0.72, validation=0.10, test=0.18),
    "course-full": Fractions(train=0.80, validation=0.10, test=0.10),
    "course-ran": Fractions(train=0.70, validation=0.15, test=0.15),
}
DEFAULT_FRACTIONS = PRESETS["course"]
DEFAULT_FOLDS = 5
# So many artists are wanted in validation and in test, as far as a fifth of the tracks has them:
# validation is halved, and from fewer than about eight nothing can be said.
_ARTISTS_WANTED = 20
_LARGEST_SHARE = 0.20


@dataclass(frozen=True)
class Split:
    """A part for each row of the track table it was made from.

    Attributes:
        part: str [n], one of PARTS, or "" for a track in no part.
        half: str [n], one of HALVES for tracks in validation, else "".
        fold: int [n, repeats], from 0, for cross-validation; else None.
        warnings: sentences: which genre is missing from which part and why.
    """

    kind: str
    part: npt.NDArray[np.str_]
    half: npt.NDArray[np.str_]
    seed: int = 0
    fractions: Fractions | None = None
    warnings: tuple[str, ...] = field(default=())
    fold: Ints | None = None

    def rows(self, part: str) -> Ints:
        """Positions of a part's tracks, or of a half's."""
        if part in PARTS:
            return np.flatnonzero(self.part == part)
        if part in HALVES:
            return np.flatnonzero(self.half == part)
        raise WrongUsage(f"There is no part {part!r}. Choose one of: {', '.join(PARTS + HALVES)}.")

    @property
    def sizes(self) -> dict[str, int]:
        """Tracks per part; parts without tracks are left out."""
        return {part: n for part in PARTS if (n := int((self.part == part).sum()))}


def default_fractions(kind: str, n_artists: int) -> Fractions:
    """The shares where none are asked for: the course project's, but enough artists in each part.

    >>> default_fractions("artist", 1000) == DEFAULT_FRACTIONS
    True
    >>> default_fractions("artist", 100)
    Fractions(train=0.6, validation=0.2, test=0.2)
    """
    if kind != "artist":
        return DEFAULT_FRACTIONS
    enough = min(_LARGEST_SHARE, _ARTISTS_WANTED / max(1, n_artists))
    validation = max(DEFAULT_FRACTIONS.validation, enough)
    test = max(DEFAULT_FRACTIONS.test, enough)
    return Fractions(round(1 - validation - test, 12), validation, test)


def parse(text: str) -> tuple[str, Fractions | Folds | None]:
    """Read `official`, `artist`, `random`, `random:train=0.8,validation=0.1,test=0.1`,
    `random:0.72,0.18,0.10`, `random:course-ran`, `kfold:10` or `artist-kfold:5x3`.

    Bare numbers are train, test, validation, the order in which the course project names them; two
    numbers are train and test. Without numbers `default_fractions` has them. After `kfold` comes
    the number of folds (5 by default), and how often they are dealt again.

    Raises:
        WrongUsage: none of these.

    >>> parse("random:0.72,0.18,0.10")
    ('random', Fractions(train=0.72, validation=0.1, test=0.18))
    >>> parse("artist:train=0.7,validation=0.1,test=0.2")
    ('artist', Fractions(train=0.7, validation=0.1, test=0.2))
    >>> parse("kfold:10x3")
    ('kfold', Folds(folds=10, repeats=3))
    """
    kind, colon, rest = text.strip().partition(":")
    if kind not in ALL_KINDS:
        raise WrongUsage(f"There is no split {kind!r}. Choose one of: {', '.join(ALL_KINDS)}.")
    if kind in FOLD_KINDS:
        return kind, _folds(kind, rest) if colon else Folds(DEFAULT_FOLDS)
    if not colon:
        return kind, None if kind == "artist" else DEFAULT_FRACTIONS
    if kind == "official":
        raise WrongUsage("The official split has its own sizes; leave out what follows the colon.")
    if rest in PRESETS:
        return kind, PRESETS[rest]
    if "=" in rest:
        return kind, _named(kind, rest)
    try:
        numbers = [float(number) for number in rest.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in (2, 3):
        raise WrongUsage(
            f"{rest!r} is no set of fractions. Name the parts, as in "
            f"{kind}:train=0.8,validation=0.1,test=0.1, or give one of: {', '.join(PRESETS)}."
        )
    return kind, Fractions(numbers[0], numbers[2] if len(numbers) == 3 else 0.0, numbers[1])


def describe(text: str) -> str:
    """Which part gets which share, for shares that were given without names; else "".

    >>> describe("random:0.8,0.15,0.05")
    'Read as train 80 %, validation 5 %, test 15 %. Name them to be sure: random:train=0.8,...'
    >>> describe("random:0.8,0.1,0.1"), describe("kfold:5")
    ('', '')
    """
    kind, shares = parse(text)
    rest = text.partition(":")[2]
    if not isinstance(shares, Fractions) or "=" in rest or "," not in rest:
        return ""
    if shares.validation == shares.test:
        return ""  # whichever is meant, it is the same
    listed = ", ".join(f"{part} {getattr(shares, part) * 100:g} %" for part in PARTS)
    return f"Read as {listed}. Name them to be sure: {kind}:train={shares.train:g},..."


def _folds(kind: str, text: str) -> Folds:
    folds, times, repeats = text.partition("x")
    try:
        return Folds(int(folds), int(repeats) if times else 1)
    except ValueError as error:
        raise WrongUsage(
            f"{text!r} is no number of folds. Write {kind}:5, or {kind}:5x3 for three repeats."
        ) from error


def _named(kind: str, text: str) -> Fractions:
    shares: dict[str, float] = {}
    for entry in text.split(","):
        part, _, number = entry.partition("=")
        part = part.strip()
        try:
            share = float(number)
        except ValueError:
            share = -1.0
        if part not in PARTS or part in shares or not 0 <= share < 1:
            raise WrongUsage(
                f"{entry.strip()!r} is no part with its share. Write for example "
                f"{kind}:train=0.8,validation=0.1,test=0.1."
            )
        shares[part] = share
    return Fractions(**{part: shares.get(part, 0.0) for part in PARTS})


def make(
    tracks: pd.DataFrame,
    y: npt.NDArray[np.uint8],
    genres: Sequence[str],
    *,
    kind: str = "artist",
    fractions: Fractions | Folds | None = None,
    seed: int = 0,
    joined: Iterable[Sequence[str]] = (),
    n_candidates: int = N_CANDIDATES,
) -> Split:
    """Give every track its part.

    Args:
        tracks: the rows of a track table that take part [n].
        y: their labels [n, n_genres], from `labels.select`.
        fractions: shares of the tracks, by default `default_fractions`; for cross-validation the
            number of folds.
        joined: groups of artists who count as one, besides those whose identical audio shows in
            the column `sha256`.

    Raises:
        SplitError: no official split, no artist known, or too few tracks or artists.
        WrongUsage: an unknown kind.

    >>> import numpy, pandas
    >>> tracks = pandas.DataFrame({"track_id": list("abcdef"), "artist_id": list("uuvvww")})
    >>> tracks["album_id"] = tracks["sha256"] = None
    >>> y = numpy.ones((6, 1), numpy.uint8)
    >>> fractions = Fractions(train=1 / 3, validation=1 / 3, test=1 / 3)
    >>> split = make(tracks, y, ["jazz"], kind="artist", fractions=fractions)
    >>> all(len(set(split.part[tracks.artist_id == artist])) == 1 for artist in "uvw")
    True
    """
    if kind not in ALL_KINDS:
        raise WrongUsage(f"There is no split {kind!r}. Choose one of: {', '.join(ALL_KINDS)}.")
    if len(tracks) != len(y):
        raise ValueError(f"{len(tracks)} tracks, but labels for {len(y)}")
    rng = np.random.default_rng(seed)
    groups = artist_groups(tracks, joined)
    warnings: list[str] = []
    if kind in FOLD_KINDS:
        if not isinstance(fractions, Folds):
            fractions = Folds(DEFAULT_FOLDS)
        return _cross_validation(tracks, y, genres, kind, fractions, seed, groups, n_candidates)
    if not isinstance(fractions, Fractions):
        fractions = default_fractions(kind, int(groups.max(initial=-1)) + 1)
    if kind == "official":
        part = _official(tracks)
        warnings += _official_gaps(part, y, genres)
    else:
        wanted = {p: share for p in PARTS if (share := getattr(fractions, p))}
        if kind == "random":
            units = _by_id(tracks)
            noun = "track"
        else:
            units = groups
            noun = "artist"
            warnings += _check_artists(tracks, groups, len(wanted))
        if len(units) == 0 or int(units.max()) + 1 < len(wanted):
            raise SplitError(
                f"{len(tracks)} tracks are too few for {len(wanted)} parts. Add tracks, or choose "
                "genres that have more."
            )
        per_unit, sizes = _per_unit(units, y)
        shares = np.array(list(wanted.values()))
        shares /= shares.sum()
        candidates = 1 if kind == "random" else n_candidates
        found = _partition(per_unit, sizes, shares, rng, candidates)
        warnings += _gaps(per_unit, found, list(wanted), genres, noun)
        part = np.array(list(wanted))[found][units]
    half = _halve(part == "validation", groups, y, rng)
    return Split(kind, part, half, seed, None if kind == "official" else fractions, tuple(warnings))


def folds_in(parts: pd.DataFrame) -> Ints | None:
    """The folds that a table of parts holds, int [n, repeats]; None if it holds none.

    >>> folds_in(pd.DataFrame({"track_id": ["a", "b"], "fold_1": [0, 1]})).tolist()
    [[0], [1]]
    """
    columns = sorted(
        (name for name in parts.columns if name.startswith("fold_")), key=lambda n: int(n[5:])
    )
    return parts[columns].to_numpy(np.intp) if columns else None


def _by_id(tracks: pd.DataFrame) -> Ints:
    """Each track's place among the sorted ids, so that the order of rows doesn't matter."""
    return np.argsort(np.argsort(tracks["track_id"].to_numpy(str)))


def _cross_validation(
    tracks: pd.DataFrame,
    y: npt.NDArray[np.uint8],
    genres: Sequence[str],
    kind: str,
    folds: Folds,
    seed: int,
    groups: Ints,
    n_candidates: int,
) -> Split:
    warnings: list[str] = []
    units = groups
    noun = "artist"
    if kind == "kfold":
        # What has the same audio stays together: else a fold would judge what it has learnt.
        units = artist_groups(tracks.assign(artist_id=None, album_id=None))
        units = _in_order_of_ids(units, tracks)
        noun = "track"
    elif len(tracks):
        warnings += _check_artists(tracks, groups, folds.folds)
    n_units = int(units.max(initial=-1)) + 1
    if n_units < folds.folds:
        raise SplitError(
            f"{n_units} tracks are too few for {folds.folds} folds. Add tracks, or choose fewer "
            f"folds, as in {kind}:{max(2, n_units)}."
        )
    for column, genre in enumerate(genres):
        holders = len(np.unique(units[y[:, column] > 0]))
        if holders < 2:
            raise SplitError(
                f"Only {holders} {noun} has {genre!r}, so no fold could be judged that hasn't been "
                "learnt from. Leave the genre out, or add music of it"
                f"{' by another artist' if noun == 'artist' else ''}."
            )
        if holders < folds.folds:
            warnings.append(
                f"{genre!r} has only {holders} {noun}s, so not every fold has it; the figures are "
                "of all folds together."
            )
    rng = np.random.default_rng([seed, folds.folds])
    fold = np.stack(
        [
            partition(units, y, np.ones(folds.folds), rng, n_candidates)
            for _ in range(folds.repeats)
        ],
        axis=1,
    )
    part = np.full(len(tracks), "validation")
    half = np.full(len(tracks), THRESHOLD_SET)
    return Split(kind, part, half, seed, None, tuple(warnings), fold)


def _in_order_of_ids(units: Ints, tracks: pd.DataFrame) -> Ints:
    """The same units, numbered by their least track id."""
    order = np.argsort(tracks["track_id"].to_numpy(str), kind="stable")
    _, first = np.unique(units[order], return_index=True)
    number = np.empty(len(first), np.intp)
    number[np.argsort(first)] = np.arange(len(first))
    return number[units]


def partition(
    units: Ints,
    y: npt.NDArray[np.uint8],
    shares: npt.ArrayLike,
    rng: np.random.Generator,
    n_candidates: int = 200,
) -> Ints:
    """Deal units, each with all its tracks, into parts of about these shares; each track's part.

    Args:
        units: int [n], from 0: what stays together.
        y: labels [n, n_genres], whose proportions are kept as far as the units allow.

    >>> import numpy
    >>> y = numpy.ones((6, 1), numpy.uint8)
    >>> part = partition(numpy.array([0, 0, 1, 1, 2, 2]), y, [1, 1, 1], numpy.random.default_rng(0))
    >>> numpy.bincount(part).tolist()
    [2, 2, 2]
    """
    wanted = np.asarray(shares, float)
    per_unit, sizes = _per_unit(units, y)
    found = _partition(per_unit, sizes, wanted / wanted.sum(), rng, n_candidates)
    parts: Ints = found[units]
    return parts


def artist_groups(tracks: pd.DataFrame, joined: Iterable[Sequence[str]] = ()) -> Ints:
    """The number of each track's artist [n], artists who share byte-identical audio joined.

    A track without artist goes by its album, else stands alone.

    >>> import pandas
    >>> tracks = pandas.DataFrame({"track_id": list("abc"), "artist_id": list("uvu")})
    >>> tracks["album_id"] = tracks["sha256"] = None
    >>> artist_groups(tracks).tolist()
    [0, 1, 0]
    """
    from scipy.cluster.hierarchy import DisjointSet

    keys = []
    for artist, album, track in zip(
        tracks["artist_id"], tracks["album_id"], tracks["track_id"], strict=True
    ):
        if _known(artist):
            keys.append(f"artist {artist}")
        elif _known(album):
            keys.append(f"album {album}")
        else:
            keys.append(f"track {track}")
    groups = DisjointSet(keys)
    for names in joined:
        for name in names:
            groups.add(f"artist {name}")
            groups.merge(f"artist {names[0]}", f"artist {name}")
    first: dict[str, str] = {}
    for key, sha256 in zip(keys, tracks["sha256"], strict=True):
        if _known(sha256):
            groups.merge(first.setdefault(sha256, key), key)
    # A group's number is its least name's place, whatever order the tracks come in.
    least = {key: min(group) for group in groups.subsets() for key in group}
    return np.unique([least[key] for key in keys], return_inverse=True)[1].astype(np.intp)


def _known(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _official(tracks: pd.DataFrame) -> npt.NDArray[np.str_]:
    part = tracks["split"].fillna("").to_numpy(str)
    if not (part != "").any():
        raise SplitError("These tracks have no official split. Choose the split artist or random.")
    return np.asarray(part)


def _official_gaps(
    part: npt.NDArray[np.str_], y: npt.NDArray[np.uint8], genres: Sequence[str]
) -> list[str]:
    warnings = []
    if alone := int((part == "").sum()):
        warnings.append(f"{alone} tracks are in no part of the official split and stay unused.")
    for name in [p for p in PARTS if (part == p).any()]:
        totals = y[part == name].sum(axis=0)
        warnings += [
            f"The official split has no track of {genre!r} in {name}; its parts are fixed."
            for genre, total in zip(genres, totals, strict=True)
            if not total
        ]
    return warnings


def _check_artists(tracks: pd.DataFrame, groups: Ints, n_parts: int) -> list[str]:
    unknown = int(tracks["artist_id"].isna().sum())
    if unknown == len(tracks):
        raise SplitError(
            "No artist is known here, so a split by artist can't be made. Choose the split random, "
            "or import the data set with a column that names the artist or another group."
        )
    n_groups = int(groups.max()) + 1
    if n_groups < n_parts:
        raise SplitError(
            f"{n_groups} artists are too few for {n_parts} parts. Add music by other artists, or "
            "choose the split random."
        )
    if unknown:
        return [f"{unknown} tracks name no artist; each counts as one of its own, or by its album."]
    return []


def _per_unit(units: Ints, y: npt.NDArray[np.uint8]) -> tuple[Counts, Counts]:
    """Tracks per unit and genre [n_units, n_genres], and per unit [n_units]."""
    n_units = int(units.max()) + 1
    per_unit = np.empty((n_units, y.shape[1]), np.float32)
    for number, column in enumerate(y.T):
        per_unit[:, number] = np.bincount(units, weights=column, minlength=n_units)
    return per_unit, np.bincount(units, minlength=n_units).astype(np.float32)


def _partition(
    per_unit: Counts,
    sizes: Counts,
    shares: npt.NDArray[np.float64],
    rng: np.random.Generator,
    n_candidates: int,
) -> Ints:
    """The best of many partitions of units [n_units] → part's number.

    The first fifth of the candidates is drawn freely; each later one redraws the part of some
    units of the best so far.
    """
    n_units = len(sizes)
    n_candidates = min(n_candidates, max(200, _MAX_WORK // per_unit.size))
    best, best_cost = np.zeros(n_units, np.int8), np.inf
    batch = max(1, min(100, n_candidates, _BATCH_CELLS // n_units))
    for start in range(0, n_candidates, batch):
        n = min(batch, n_candidates - start)
        if start < n_candidates / 5:
            candidates = _draw(sizes, shares, rng, n)
        else:
            rates = rng.uniform(1 / n_units, 0.02 + 1 / n_units, (n, 1))
            candidates = np.repeat(best[None], n, axis=0)
            at = np.nonzero(rng.random((n, n_units), np.float32) < rates)
            candidates[at] = rng.choice(len(shares), len(at[0]), p=shares)
        cost = _cost(candidates, per_unit, sizes, shares)
        winner = int(cost.argmin())
        if cost[winner] < best_cost:
            best, best_cost = candidates[winner], float(cost[winner])
    return _repair(per_unit, sizes, best.astype(np.intp), len(shares))


def _draw(
    sizes: Counts, shares: npt.NDArray[np.float64], rng: np.random.Generator, n: int
) -> npt.NDArray[np.int8]:
    """Random partitions [n, n_units] whose parts have about their shares of the tracks.

    The parts are filled one after the other with units in a random order; a unit goes where its
    middle track falls.
    """
    order = rng.random((n, len(sizes)), np.float32).argsort(axis=1)
    filled = sizes[order]
    middle = (np.cumsum(filled, axis=1, dtype=np.float64) - filled / 2) / sizes.sum()
    assigned = np.empty(order.shape, np.int8)
    edges = np.cumsum(shares)[:-1]
    np.put_along_axis(assigned, order, np.searchsorted(edges, middle).astype(np.int8), axis=1)
    return assigned


def _cost(
    assigned: npt.NDArray[np.int8],
    per_unit: Counts,
    sizes: Counts,
    shares: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """How far partitions [n, n_units] are from what is wanted [n].

    For each part the mean distance, over genres, between the share of the genre's tracks that lies
    in the part and the share wanted, and the same distance for all tracks. A genre absent from a
    part costs more than any distance.
    """
    per_unit = per_unit[:, per_unit.any(axis=0)]
    totals = per_unit.sum(axis=0)
    cost = np.zeros(len(assigned))
    for number, share in enumerate(shares):
        within = (assigned == number).astype(np.float32)
        counts = within @ per_unit
        cost += np.abs(counts / totals - share).sum(axis=1) / max(1, len(totals))
        cost += np.abs(within @ sizes / sizes.sum() - share)
        cost += (counts == 0).sum(axis=1) * 2 * len(shares)
    return cost


def _repair(per_unit: Counts, sizes: Counts, part: Ints, n_parts: int) -> Ints:
    """Bring missing genres into parts by moving the smallest units that can be spared."""
    part = part.copy()
    # Units that hold a genre, and all units, by part: moves keep these up to date.
    held = np.stack([(per_unit[part == number] > 0).sum(axis=0) for number in range(n_parts)])
    members = np.bincount(part, minlength=n_parts)

    def move(units: Ints, number: int) -> None:
        if not len(units):
            return
        unit = units[np.lexsort((units, sizes[units]))[0]]
        members[part[unit]] -= 1
        members[number] += 1
        held[part[unit]] -= per_unit[unit] > 0
        held[number] += per_unit[unit] > 0
        part[unit] = number

    # The rarest first: it has the fewest units to choose from.
    for genre in np.argsort(held.sum(axis=0), kind="stable"):
        for number in np.flatnonzero(held[:, genre] == 0):
            if held[:, genre].sum() < n_parts:
                break
            units = np.flatnonzero(per_unit[:, genre] > 0)
            needed = ((per_unit[units] > 0) & (held[part[units]] <= 1)).any(axis=1)
            move(units[~needed & (members[part[units]] > 1)], int(number))
    for number in np.flatnonzero(members == 0):
        move(np.flatnonzero(part == members.argmax()), int(number))
    return part


def _gaps(
    per_unit: Counts, part: Ints, names: Sequence[str], genres: Sequence[str], noun: str
) -> list[str]:
    warnings = []
    for column, genre in enumerate(genres):
        holds = per_unit[:, column] > 0
        missing = [name for number, name in enumerate(names) if not holds[part == number].any()]
        if not missing:
            continue
        n = int(holds.sum())
        if n < len(names):
            reason = (
                f"only {n} {noun}{'' if n == 1 else 's'} {'has' if n == 1 else 'have'} it"
                if noun == "artist"
                else f"only {n} track{'' if n == 1 else 's'} of it"
            )
            why = f"{reason}, and {len(names)} parts each need one"
        else:
            why = f"every {noun} that has it is needed where it is for another genre"
        warnings.append(f"{genre!r} can't be in {' and '.join(missing)}: {why}.")
    return warnings


def _halve(
    inside: npt.NDArray[np.bool_],
    groups: Ints,
    y: npt.NDArray[np.uint8],
    rng: np.random.Generator,
) -> npt.NDArray[np.str_]:
    """Halve validation by artist; a single artist's tracks all go into the early-stopping set."""
    half = np.full(len(inside), "", f"<U{max(map(len, HALVES))}")
    if not inside.any():
        return half
    units = np.unique(groups[inside], return_inverse=True)[1]
    if int(units.max()) == 0:
        half[inside] = HALVES[0]
        return half
    half[inside] = np.array(HALVES)[partition(units, y[inside], [0.5, 0.5], rng)]
    return half
