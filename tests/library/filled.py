"""Libraries with songs whose analysis is made up."""

import json

import numpy as np

from genre_engine import library
from genre_engine.prediction import vocabulary


def made(tmp_path, name="mine"):
    (tmp_path / "music").mkdir(exist_ok=True)
    return library.create(name, [tmp_path / "music"])


def wide(**genres):
    """Scores over the wide view: those given by name, with "_" for a space, the others 0."""
    scores = np.zeros(len(vocabulary.WIDE), np.float32)
    for genre, score in genres.items():
        scores[tuple(vocabulary.WIDE).index(genre.replace("_", " "))] = score
    return scores


def add(
    lib,
    path,
    *,
    embedding=None,
    scores=None,
    sound=None,
    title=None,
    artist=None,
    missing=False,
    moods=(),
    instruments=(),
    bpm=None,
    key=None,
    duration_s=60.0,
):
    """A song of a library, analysed if it has an embedding; its sound is its path's by default."""
    sound = sound or path
    detected = [("mood", *pair) for pair in moods]
    detected += [("instruments", *pair) for pair in instruments]
    scores = wide() if scores is None else scores
    with lib.connect() as connection:
        connection.execute(
            "INSERT INTO songs (path, root, size, mtime_ns, sound, title, artist, missing) "
            "VALUES (?, ?, 1, 1, ?, ?, ?, ?)",
            (path, "/music", sound, title, artist, missing),
        )
        if embedding is not None:
            connection.execute(
                "INSERT OR IGNORE INTO sounds (sound, model, networks, duration_s, wide, ten, "
                "detected, embedding, bpm, bpm_sure, key, key_sure) "
                "VALUES (?, 'fast', '[]', ?, ?, ?, ?, ?, ?, 1, ?, 1)",
                (
                    sound,
                    duration_s,
                    np.asarray(scores, "<f4").tobytes(),
                    np.zeros(len(vocabulary.TEN), "<f4").tobytes(),
                    json.dumps(detected),
                    np.asarray(embedding, "<f4").tobytes(),
                    bpm,
                    key,
                ),
            )
