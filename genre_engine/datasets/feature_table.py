"""A table of ready features, CSV or Parquet, one row a track.

Every column is a feature (a finite number in each row) but these: the label (or the label columns
of zeros and ones), the group (an artist, or whatever must not be in two parts), the track's id (a
column named track_id, filename, file or id), what is dropped, and the row numbers that pandas
writes.

The GTZAN tables (filename,length,chroma_stft_mean,…,label) come in as they are: `length` says only
how long the clip is. Slices of one song are one group (see `row_groups`), and so are rows with the
same id: where their features are equal too, they are one track with the genres of all of them.

Rows are counted as a spreadsheet shows them: the header is row 1. In Parquet the first row is 1.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from genre_engine import labels
from genre_engine.datasets import tracks as track_table
from genre_engine.datasets.row_groups import group_rows
from genre_engine.datasets.store import Imported
from genre_engine.datasets.tables import Table, read
from genre_engine.errors import BadTable, WrongUsage

KIND = "feature_table"
SUMMARY = "A CSV or Parquet file of ready features"

ID_COLUMNS = ("track_id", "filename", "file", "id")
# How tracks of a table without ids are named, by their rows: two tables' are not the same tracks.
ROW = "row_"
FEATURE_KIND = "table"
_GTZAN = {"filename", "length", "chroma_stft_mean"}
_MISSING = frozenset(("", "nan", "na", "n/a", "none", "null", "<na>"))


def build(
    folder: Path,
    *,
    file: Path,
    label: str | None = None,
    label_separator: str | None = None,
    label_columns: Sequence[str] = (),
    group: str | None = None,
    drop: Sequence[str] = (),
) -> tuple[Imported, tuple[str, ...]]:
    """Read a table and write its features into `folder` as a feature store.

    Args:
        label: the column that holds the genre, or the genres parted by `label_separator`.
        label_columns: columns of zeros and ones, one a genre, instead.

    Raises:
        BadTable: text or no number in a feature, no label, a label on one row only.
        DatasetError: the file can't be read.
        WrongUsage: a column that isn't there, or not exactly one way to name labels.
    """
    if bool(label) == bool(label_columns):
        raise WrongUsage("Name the labels either by --label COLUMN or by --labels COLUMN,COLUMN,….")
    if label_separator is not None and (not label or not label_separator):
        raise WrongUsage("A label separator is one or more signs, and goes with --label.")
    table = read(file)
    named = [*([label] if label else label_columns), *([group] if group else []), *drop]
    for name in named:
        if name not in table.columns:
            raise WrongUsage(
                f"{file.name} has no column {name!r}. It has: {', '.join(table.columns[:30])}"
                f"{' and more' if len(table.columns) > 30 else ''}."
            )
    notes: list[str] = []
    ids, id_column = _ids(table, taken=named)
    lists = _one_spelling(_genres(table, label, label_separator, label_columns), notes)
    kept = _with_genre(table, lists, notes)
    left_out = {*named, id_column}
    if set(table.columns) >= _GTZAN:
        left_out.add("length")
        notes.append("The column length is no feature and is left out.")
    unnamed = [n for n in table.columns if not n or n.startswith(("Unnamed:", "__index_level_"))]
    left_out |= set(unnamed)
    feature_names = [name for name in table.columns if name not in left_out]
    if not feature_names:
        raise BadTable(file.name, "no column is left that could be a feature. Give more columns.")
    values = np.column_stack([_numbers(table, name) for name in feature_names])
    kept = _join_equal(kept, ids, lists, values, notes)
    _refuse_single(table, [lists[row] for row in kept])
    groups = _groups(table, group, ids, kept, notes)
    names = _unique([ids[row] for row in kept])
    values = values[kept]

    columns: dict[str, list[Any]] = {
        "track_id": names,
        "artist_id": groups,
        "title": [ids[row] for row in kept],
        "genres": [lists[row] for row in kept],
    }
    tracks = track_table.frame(columns)
    store = write_features(folder, columns["track_id"], feature_names, values)
    imported = Imported(
        tracks,
        source={
            "file": file.name,
            "label": label,
            "label_separator": label_separator,
            "label_columns": list(label_columns),
            "group": group,
            "drop": list(drop),
            "features": store.name,
        },
        notes=tuple(notes),
    )
    return imported, labels.choose(labels.count(columns["genres"]), "all")


def fingerprint(columns: Sequence[str]) -> str:
    """Twelve hexadecimal digits that stand for a table's feature columns, in their order."""
    return hashlib.sha256("\0".join(columns).encode()).hexdigest()[:12]


def write_features(
    folder: Path,
    track_ids: Sequence[str],
    columns: Sequence[str],
    values: npt.NDArray[np.float32],
) -> Path:
    """Write features [n_tracks, n_columns] as a feature store and return its folder."""
    store = folder / "features" / f"{FEATURE_KIND}-{fingerprint(columns)}"
    store.mkdir(parents=True)
    frame = pd.DataFrame(values, columns=list(columns))
    frame.insert(0, "track_id", list(track_ids))
    frame.to_parquet(store / "part-0.parquet", index=False)
    return store


def _ids(table: Table, taken: Sequence[str]) -> tuple[list[str], str | None]:
    by_name = {name.lower(): name for name in reversed(table.columns) if name not in taken}
    column = next((by_name[name] for name in ID_COLUMNS if name in by_name), None)
    if column is None:
        return [f"{ROW}{table.row(index):07d}" for index in range(len(table))], None
    ids = [text.strip() for text in table.text(column)]
    for index, name in enumerate(ids):
        if not name:
            raise BadTable(table.name, f"the column {column!r} is empty.", row=table.row(index))
    return ids, column


def _unique(ids: Sequence[str]) -> list[str]:
    """Ids with a number behind those that were there before: x, x #2, x #3."""
    taken = set(ids)
    seen: Counter[str] = Counter()
    unique = []
    for name in ids:
        seen[name] += 1
        new = name
        while seen[name] > 1 and new in taken:
            new = f"{name} #{seen[name]}"
            seen[name] += new in taken
        taken.add(new)
        unique.append(new)
    return unique


def _one_spelling(lists: Sequence[list[str]], notes: list[str]) -> list[list[str]]:
    """Genres that differ in capitals, hyphens or spaces only, by their most frequent spelling."""
    spelling = labels.spellings(name for names in lists for name in names)
    joined: dict[str, list[str]] = {}
    for name in sorted({name for names in lists for name in names}):
        best = spelling[labels.folded(name)]
        if name != best:
            joined.setdefault(best, []).append(name)
    for best, others in joined.items():
        notes.append(
            f"Genres joined, for only their spelling differs: {best}, {', '.join(others)}."
        )
    return [sorted({spelling[labels.folded(name)] for name in names}) for names in lists]


def _join_equal(
    kept: Sequence[int],
    ids: Sequence[str],
    lists: list[list[str]],
    values: npt.NDArray[np.float32],
    notes: list[str],
) -> list[int]:
    """Make one row of those with the same id and the same features, with the genres of all."""
    first: dict[tuple[str, bytes], int] = {}
    rows = []
    for row in kept:
        key = (ids[row], values[row].tobytes())
        if key in first:
            earlier = first[key]
            lists[earlier] = sorted({*lists[earlier], *lists[row]})
        else:
            first[key] = row
            rows.append(row)
    if n_joined := len(kept) - len(rows):
        notes.append(
            f"{n_joined:,} rows repeat the id and the features of an earlier one: each such track "
            "is one row with all its genres."
        )
    return rows


def _genres(
    table: Table, label: str | None, separator: str | None, columns: Sequence[str]
) -> list[list[str]]:
    if label is None:
        flags = np.column_stack([_flags(table, name) for name in columns])
        return [[name for name, on in zip(columns, row, strict=True) if on] for row in flags]
    texts = table.lists(label)
    if texts is not None:
        return [sorted({t.strip() for t in names if t.strip()}) for names in texts]
    lists = []
    for index, text in enumerate(table.text(label)):
        names = text.split(separator) if separator else [text]
        clean = sorted({" ".join(name.split()) for name in names})
        clean = [name for name in clean if name.lower() not in _MISSING]
        if not clean and not separator:
            raise BadTable(
                table.name,
                f"the column {label!r} has no label. Fill it in, or remove the row.",
                row=table.row(index),
            )
        lists.append(clean)
    return lists


def _flags(table: Table, column: str) -> npt.NDArray[np.bool_]:
    texts = table.text(column)
    meaning = {"0": False, "1": True, "0.0": False, "1.0": True, "false": False, "true": True}
    for index, text in enumerate(texts):
        if text.strip().lower() not in meaning:
            raise BadTable(
                table.name,
                f"the label column {column!r} holds {text[:40]!r}; only 0 and 1 may stand there.",
                row=table.row(index),
            )
    return np.array([meaning[text.strip().lower()] for text in texts], bool)


def _with_genre(table: Table, lists: Sequence[Sequence[str]], notes: list[str]) -> list[int]:
    kept = [index for index, names in enumerate(lists) if names]
    if not kept:
        raise BadTable(table.name, "no row has a label. Name another column.")
    empty = [table.row(index) for index, names in enumerate(lists) if not names]
    if empty:
        rows = ", ".join(map(str, empty[:10])) + (", …" if len(empty) > 10 else "")
        notes.append(f"{len(empty)} rows without a label dropped: {table.name}, row {rows}.")
    return kept


def _refuse_single(table: Table, lists: Sequence[Sequence[str]]) -> None:
    counts = Counter(name for names in lists for name in names)
    once = sorted(name for name, n in counts.items() if n == 1)
    if once:
        at = next(index for index, names in enumerate(lists) if once[0] in names)
        more = f" (and {len(once) - 1} more labels)" if len(once) > 1 else ""
        raise BadTable(
            table.name,
            f"the label {once[0]!r} is seen only here{more}, so it can't be learnt in one part and "
            "judged in another. Correct it, add rows, or remove it.",
            row=table.row(at),
        )


def _groups(
    table: Table, group: str | None, ids: Sequence[str], kept: Sequence[int], notes: list[str]
) -> list[str | None]:
    """What belongs together, for each row that is kept: by the group's column, else by names."""
    names = [ids[row] for row in kept]
    given: list[str | None] = [None] * len(kept)
    if group:
        texts = table.text(group)
        given = [
            texts[row].strip() if texts[row].strip().lower() not in _MISSING else None
            for row in kept
        ]
        if all(text is not None for text in given):
            return given
    found, said = group_rows(names)
    counts = Counter(names)
    repeated = sum(n > 1 for n in counts.values())
    if repeated:
        found = [
            own if own is not None else name if counts[name] > 1 else None
            for own, name in zip(found, names, strict=True)
        ]
        said.append(
            f"{repeated:,} ids stand on several rows with different features. These rows are one "
            "group each, as one artist's tracks are, so that they stay in one part."
        )
    notes += said
    return [text if text is not None else own for text, own in zip(given, found, strict=True)]


def _numbers(table: Table, column: str) -> npt.NDArray[np.float32]:
    numbers, bad = table.numbers(column)
    if bad is None:
        largest = np.finfo(np.float32).max
        wrong = np.flatnonzero(~(np.abs(numbers) <= largest))
        bad = int(wrong[0]) if len(wrong) else None
    if bad is not None:
        text = table.text(column)[bad].strip()
        what = "has no number" if text.lower() in _MISSING else f"holds {text[:40]!r}"
        raise BadTable(
            table.name,
            f"the feature column {column!r} {what}; only finite numbers may stand there. Correct "
            f"it, or leave the column out with --drop {column}.",
            row=table.row(bad),
        )
    return numbers.astype(np.float32)
