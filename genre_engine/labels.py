"""Which genres are asked for, and which tracks answer.

Genres travel as a tuple of names in alphabetical order: the same set always has the same order,
whatever the order of files or rows, and it is this tuple that is stored with data sets and models.
Labels are a matrix uint8 [n_tracks, n_genres] of zeros and ones, columns in that order.

Two rules say which tracks take part: `any` keeps those with at least one of the genres, `only`
those whose genres all lie within (the course project's choice, and an easier selection).
"""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genre_engine.errors import DatasetError, WrongUsage

RULES = ("any", "only")
TASKS = ("multilabel", "multiclass", "binary")
DEFAULT_GENRES = "top10"

_BETWEEN = re.compile(r"[-_\s]+")
_TOP = re.compile(r"top(\d{1,6})")


@dataclass(frozen=True)
class Labels:
    """The tracks that take part and their truth.

    Attributes:
        rows: int [m], positions in the track table, ascending.
        y: uint8 [m, n_genres]; for `multiclass` and `binary` each row has a single one.
        genres: names of the columns.
        dropped: how many tracks don't take part, by reason.
    """

    rows: npt.NDArray[np.intp]
    y: npt.NDArray[np.uint8]
    genres: tuple[str, ...]
    rule: str
    task: str
    dropped: Mapping[str, int]

    @property
    def counts(self) -> dict[str, int]:
        """Tracks per genre, most populated first."""
        totals = dict(zip(self.genres, self.y.sum(axis=0, dtype=int).tolist(), strict=True))
        return dict(sorted(totals.items(), key=lambda item: (-item[1], item[0])))

    @property
    def labels_per_track(self) -> float:
        return float(self.y.sum() / len(self.y)) if len(self.y) else 0.0


def folded(name: str) -> str:
    """What two spellings of a genre have in common.

    >>> {folded(name) for name in ("Hip-Hop", "hip-hop", "HIP HOP", " hip_hop ")}
    {'hip hop'}
    """
    return _BETWEEN.sub(" ", name).strip().casefold()


def spellings(names: Iterable[str]) -> dict[str, str]:
    """The most frequent spelling of each genre by what its spellings have in common.

    >>> spellings(["Rock", "rock", "Rock"])
    {'rock': 'Rock'}
    """
    best: dict[str, str] = {}
    for name, _ in sorted(Counter(names).items(), key=lambda item: (-item[1], item[0])):
        best.setdefault(folded(name), name)
    return best


def count(genre_lists: Iterable[Sequence[str]]) -> dict[str, int]:
    """Tracks per genre, most populated first, then by name."""
    counter = Counter(genre for genres in genre_lists for genre in set(genres))
    return dict(sorted(counter.items(), key=lambda item: (-item[1], item[0])))


def listed(genres: Iterable[str], between: str = ",") -> str:
    """Names parted by commas, quoted as in a CSV file where one has a comma itself.

    >>> listed(["rock", "drum, bass"])
    'rock,"drum, bass"'
    """
    quoted = (genre.replace('"', '""') for genre in genres)
    return between.join(f'"{name}"' if set(name) & set(',"\r\n') else name for name in quoted)


def unlisted(text: str) -> list[str]:
    """The reverse of `listed`."""
    try:
        names = next(csv.reader([text], skipinitialspace=True), [])
    except csv.Error:  # a line break outside quotes: then it is no list, and no genre's name either
        names = [text]
    return [name.strip() for name in names if name.strip()]


def choose(
    counts: Mapping[str, int], wanted: str | Sequence[str] = DEFAULT_GENRES
) -> tuple[str, ...]:
    """The genres that are meant, in their fixed order.

    Args:
        counts: tracks per genre of what there is.
        wanted: `top10` (or any other number), `all`, or names, as a list or as `listed` has them.

    Raises:
        WrongUsage: a genre that isn't there, or none at all.
    """
    ranked = sorted(counts, key=lambda genre: (-counts[genre], genre))
    if isinstance(wanted, str):
        text = wanted.strip()
        if text == "all":
            return tuple(sorted(ranked))
        if top := _TOP.fullmatch(text):
            if not int(top[1]):
                raise WrongUsage("top0 asks for no genre at all. Ask for top1 or more.")
            return tuple(sorted(ranked[: int(top[1])]))
        wanted = unlisted(text)
    exact = {genre: genre for genre in ranked}
    folded = {genre.casefold(): genre for genre in reversed(ranked)}
    chosen = []
    for name in filter(None, (name.strip() for name in wanted)):
        genre = exact.get(name) or folded.get(name.casefold())
        if genre is None:
            raise WrongUsage(
                f"There is no genre {name!r} here. There are: {listed(ranked[:30], ', ')}"
                f"{' and more' if len(ranked) > 30 else ''}."
            )
        chosen.append(genre)
    if not chosen:
        raise WrongUsage("No genre was named. Give names parted by commas, or top10, or all.")
    return tuple(sorted(set(chosen)))


def multi_hot(genre_lists: Sequence[Sequence[str]], genres: Sequence[str]) -> npt.NDArray[np.uint8]:
    """Zeros and ones [n_tracks, n_genres]; genres outside the list are passed over."""
    column = {genre: index for index, genre in enumerate(genres)}
    y = np.zeros((len(genre_lists), len(column)), np.uint8)
    cells = [
        (row, column[genre])
        for row, names in enumerate(genre_lists)
        for genre in names
        if genre in column
    ]
    if cells:
        y[tuple(np.array(cells).T)] = 1
    return y


def select(
    genre_lists: Sequence[Sequence[str]],
    genres: Sequence[str],
    *,
    rule: str = "any",
    task: str = "multilabel",
    has_others: npt.NDArray[np.bool_] | None = None,
) -> Labels:
    """The tracks that take part in a task over these genres.

    Args:
        genre_lists: each track's genres.
        genres: the genres asked for, from `choose`.
        rule: `any` or `only`.
        task: `multilabel`; `multiclass` keeps tracks with exactly one of the genres; `binary` is
            that with two genres.
        has_others: bool [n], True where a track carries genres besides those in `genre_lists`
            (cut off when it was imported), so that `only` stays true to the source.

    Raises:
        WrongUsage: an unknown rule or task, or a `binary` without exactly two genres.
        DatasetError: no track is left.
    """
    if rule not in RULES:
        raise WrongUsage(f"There is no rule {rule!r}. Choose one of: {', '.join(RULES)}.")
    if task not in TASKS:
        raise WrongUsage(f"There is no task {task!r}. Choose one of: {', '.join(TASKS)}.")
    genres = tuple(genres)
    if task == "binary" and len(genres) != 2:
        raise WrongUsage(f"The task binary needs two genres, not {len(genres)}. Name two.")
    if task == "multiclass" and len(genres) < 2:
        raise WrongUsage("The task multiclass needs at least two genres. Name more.")
    y = multi_hot(genre_lists, genres)
    marked = y.sum(axis=1)
    keep = marked > 0
    dropped = {"none_of_the_genres": int((~keep).sum())}
    if rule == "only":
        total = np.fromiter((len(set(names)) for names in genre_lists), int, len(genre_lists))
        within = total == marked
        if has_others is not None:
            within &= ~np.asarray(has_others, bool)
        dropped["other_genres_too"] = int((keep & ~within).sum())
        keep &= within
    if task != "multilabel":
        dropped["several_of_the_genres"] = int((keep & (marked > 1)).sum())
        keep &= marked == 1
    if not keep.any():
        raise DatasetError(
            "No track is left with these genres and this rule. Choose more genres, or the rule any."
        )
    rows = np.flatnonzero(keep)
    return Labels(rows, y[rows], genres, rule, task, dropped)
