"""Rows of a library's index → the table of its songs."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def table(rows: Sequence[sqlite3.Row]) -> "pd.DataFrame":
    """The songs of an index as a table, with the columns that `Snapshot.songs` lists."""
    # Imported here: the processes that analyse songs read no tables, and it takes 80 MB.
    import pandas as pd

    names = rows[0].keys() if rows else _COLUMNS
    columns: dict[str, Any] = dict(
        zip(names, zip(*rows, strict=True) if rows else [()] * len(names), strict=True)
    )
    lists = {name: _lists(columns[name]) for name in ("file_genres", "warnings", "decided_genres")}
    detected = _detected(columns.pop("detected"))
    columns |= lists
    columns["missing"] = [bool(value) for value in columns["missing"]]
    columns["state"] = [
        "failed" if error else "analysed" if model else "waiting"
        for error, model in zip(columns["error"], columns["model"], strict=True)
    ]
    columns["folder"] = [
        str(Path(path).parent)[len(root) :].lstrip("/\\")
        for path, root in zip(columns["path"], columns["root"], strict=True)
    ]
    columns["moods"] = [groups.get("mood", ()) for groups in detected]
    columns["instruments"] = [groups.get("instruments", ()) for groups in detected]
    # Objects, so that a text that isn't there is None and not NaN.
    types = dict.fromkeys(_NUMBERS, "float64") | dict.fromkeys(("id", "size", "mtime_ns"), "int64")
    types["missing"] = "bool"
    return pd.DataFrame(
        {
            name: pd.Series(list(column), dtype=types.get(name, "object"))
            for name, column in columns.items()
        }
    )


_NUMBERS = ("duration_s", "bpm", "bpm_sure", "key_sure")


_COLUMNS = (
    *("id", "path", "root", "title", "artist", "album", "file_genres", "duration_s", "size"),
    *("mtime_ns", "sound", "missing", "error_type", "error", "model", "bpm", "bpm_sure", "key"),
    *("key_sure", "detected", "warnings", "decision", "decided_genres"),
)


def _lists(texts: Iterable[str | None]) -> list[tuple[str, ...]]:
    """JSON lists as tuples; the same text is read once."""
    known: dict[str | None, tuple[str, ...]] = {None: (), "[]": ()}
    found = []
    for text in texts:
        if text not in known:
            known[text] = tuple(json.loads(text or "[]"))
        found.append(known[text])
    return found


Groups = dict[str, tuple[tuple[str, float], ...]]


def _detected(texts: Iterable[str | None]) -> list[Groups]:
    found = []
    for text in texts:
        groups: Groups = {}
        for group, name, probability in json.loads(text) if text else ():
            groups[group] = (*groups.get(group, ()), (name, probability))
        found.append(groups)
    return found
