"""Libraries of real files whose analysis is made up, to write tags to."""

import json
import os
from pathlib import Path

import numpy as np

from genre_engine import library
from genre_engine.audio import tags
from genre_engine.library import tag_plan, tag_undo, tag_writing
from genre_engine.library.identity import sound_identity
from genre_engine.library.tag_plan import Wanted
from genre_engine.prediction import vocabulary
from tests.library.songs import SUFFIXES, write_song

GENRES = (("Jazz", 0.9), ("Pop Rock", 0.6), ("Ambient", 0.2))
EVERYTHING = {"moods": True, "bpm": True, "key": True}


def made(tmp_path, forms=(), name="mine"):
    """A library with a song of each of some formats: a.mp3, b.flac and so on."""
    (tmp_path / "music").mkdir(exist_ok=True)
    lib = library.create(name, [tmp_path / "music"])
    for number, form in enumerate(forms):
        path = tmp_path / "music" / f"{chr(97 + number)}{SUFFIXES[form]}"
        add(lib, write_song(path, form, 300.0 + 10 * number))
    return lib


def add(lib, path, **columns):
    """A file as a scan notes it, analysed."""
    path = Path(path)
    sound, state = sound_identity(path), path.stat()
    given = {
        "path": str(path),
        "root": str(lib.roots[0]),
        "size": state.st_size,
        "mtime_ns": state.st_mtime_ns,
        "sound": sound,
        "file_genres": json.dumps(tags.read(path).genres),
        **columns,
    }
    with lib.connect() as connection:
        connection.execute(
            f"INSERT INTO songs ({', '.join(given)}) VALUES ({', '.join('?' * len(given))})",
            list(given.values()),
        )
        connection.execute(
            "INSERT OR IGNORE INTO sounds (sound, model, networks, duration_s, wide, detected, "
            "bpm, bpm_sure, key, key_sure) VALUES (?, 'fast', '[]', 60, ?, ?, 127.6, 0.9, ?, 0.9)",
            (
                sound,
                np.zeros(len(vocabulary.WIDE), "<f4").tobytes(),
                '[["mood", "happy", 0.8], ["mood", "dark", 0.3]]',
                "F♯ minor",
            ),
        )


def planned(lib, mode="only-missing", genres=GENRES, least=0.5, **wanted):
    return tag_plan.plan(
        lib, lib.songs(), lambda row: genres, Wanted(mode=mode, least=least, **wanted)
    )


def write(lib, mode="only-missing", genres=GENRES, keep_times=False, **wanted):
    plan = planned(lib, mode, genres, **wanted)
    return tag_writing.write(lib, plan, keep_times=keep_times, refresh=tag_writing.refresher(lib))


def undo(lib, batch=None, **options):
    return tag_undo.undo(lib, batch, refresh=tag_writing.refresher(lib), **options)


def contents(lib):
    """Path → bytes of all files in the library's folders, hidden ones too."""
    found = {}
    for root in lib.roots:
        for folder, _, names in os.walk(root):
            for name in names:
                found[Path(folder, name)] = Path(folder, name).read_bytes()
    return found
