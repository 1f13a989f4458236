"""Songs of a library as CSV, JSON or a playlist, for other programs.

path, title, artist, album, duration_s, genres (best first), scores (0 to 1), file_genres, moods,
instruments, bpm, key, decision, missing, warnings, error
"""

import csv
import io
import json
from typing import Any

import pandas as pd

from genre_engine.storage import escape

FORMATS = ("csv", "json", "m3u8")
COLUMNS = (
    *("path", "title", "artist", "album", "duration_s", "genres", "scores", "file_genres"),
    *("moods", "instruments", "bpm", "key", "decision", "missing", "warnings", "error"),
)


def elements(songs: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of `catalogue.table` as plain values, with the keys COLUMNS."""
    found = []
    for song in songs.to_dict("records"):
        words = song["words"]
        row = {
            "path": song["path"],
            "title": song["title"],
            "artist": song["artist"],
            "album": song["album"],
            "duration_s": _number(song["duration_s"], 3),
            "genres": [word for word, _ in words],
            "scores": [round(float(score), 4) for _, score in words],
            "file_genres": list(song["file_genres"]),
            "moods": list(song["mood"]),
            "instruments": list(song["instrument"]),
            "bpm": _number(song["bpm"], 1),
            "key": song["key"],
            "decision": song["decision"],
            "missing": bool(song["missing"]),
            "warnings": list(song["warnings"]),
            "error": song["error"],
        }
        found.append({name: None if _is_none(value) else value for name, value in row.items()})
    return found


def as_json(songs: pd.DataFrame) -> str:
    """A list of objects, see the module."""
    return json.dumps(elements(songs), ensure_ascii=False, indent=1) + "\n"


def as_csv(songs: pd.DataFrame) -> str:
    """A row a song; several values stand in one cell, parted by semicolons."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in elements(songs):
        writer.writerow([_cell(row[name]) for name in COLUMNS])
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        value = "; ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return escape.cell(value) if isinstance(value, str) else value


def _number(value: float, digits: int) -> float | None:
    return None if pd.isna(value) else round(float(value), digits)


def _is_none(value: Any) -> bool:
    return value is None or (isinstance(value, float) and pd.isna(value))
