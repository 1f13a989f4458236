"""Columns of features that belong together, by their names.

`summary` has families and statistics (`mfcc_00_mean`), an embedding has networks (`msd_000`), and
an imported table has columns, some of which may share the beginning of their names.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

# What groups of one level have in common; the levels of one kind of features, in order.
LEVELS = {
    "family": "Whole families",
    "statistic": "Whole statistics",
    "part": "One statistic of one family",
    "network": "Networks",
    "prefix": "Columns of one name",
    "column": "Columns",
}
FAMILIES = {"mfcc": "MFCC", "mel": "Mel", "chroma": "Chroma", "tonnetz": "Tonnetz"}


@dataclass(frozen=True)
class Group:
    """Columns that belong together.

    Attributes:
        level: one of LEVELS.
        columns: their positions.
    """

    title: str
    level: str
    columns: tuple[int, ...]


def family(column: str) -> str:
    """What a column is of: a family of `summary`, or an embedding's network.

    >>> family("mfcc_00_mean"), family("msd_000")
    ('mfcc', 'msd')
    """
    return column.partition("_")[0]


def statistic(column: str) -> str:
    """Which statistic over time a column of `summary` is.

    >>> statistic("mfcc_00_mean")
    'mean'
    """
    return column.rpartition("_")[2]


def groups(kind: str, columns: Sequence[str]) -> tuple[Group, ...]:
    """The groups of a kind of features; those of a level share no column.

    >>> columns = ["mfcc_00_mean", "mfcc_00_max", "mel_000_mean", "mel_000_max"]
    >>> [group.title for group in groups("summary", columns)]
    ['MFCC', 'Mel', 'mean', 'max', 'MFCC, mean', 'MFCC, max', 'Mel, mean', 'Mel, max']
    >>> [group.title for group in groups("table", ["mfcc1_mean", "mfcc2_var", "tempo"])]
    ['mfcc', 'tempo']
    """
    if kind == "summary":
        families = [FAMILIES.get(name, name) for name in map(family, columns)]
        statistics = [statistic(column) for column in columns]
        both = [f"{one}, {other}" for one, other in zip(families, statistics, strict=True)]
        return (
            *_by_name(families, "family"),
            *_by_name(statistics, "statistic"),
            *_by_name(both, "part"),
        )
    if kind != "table":
        return _by_name([family(column).upper() for column in columns], "network")
    by_prefix = _by_name([_prefix(column) for column in columns], "prefix")
    if 1 < len(by_prefix) < len(columns):
        return by_prefix
    return _by_name(list(columns), "column")


def _by_name(names: Sequence[str], level: str) -> tuple[Group, ...]:
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        places.setdefault(name, []).append(place)
    return tuple(Group(name, level, tuple(found)) for name, found in places.items())


def _prefix(column: str) -> str:
    """A column's name without its last word and a number: `mfcc12_mean` is of `mfcc`."""
    *words, last = re.split(r"[_.\-\s]+", column)
    stem = "_".join(words) or last
    return stem.rstrip("0123456789_") or stem
