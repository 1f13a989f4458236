"""A data set with audio and the features of its tracks, without any computing of them."""

import numpy as np

from genre_engine import datasets, features
from genre_engine.features.writer import Failure, Writer

HEADER = "TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS\r\n"
GENRES = ("pop", "rock")


def make_music(folder, n=60, silent=5):
    """A Jamendo data set of two genres by 15 artists, audio of all but some (empty files)."""
    rows = [
        f"track_{i:03d}\tartist_{i % 15}\talbum_1\t{i}.mp3\t9\tgenre---{GENRES[i % 2]}\r\n"
        for i in range(n)
    ]
    path = folder / "raw_30s.tsv"
    path.write_text(HEADER + "".join(rows), newline="")
    audio = folder / "audio"
    audio.mkdir()
    for i in range(silent, n):
        (audio / f"{i}.mp3").touch()
    return datasets.import_jamendo("music", path, audio=audio)


def write_features(dataset, ids=None, *, kind="summary", excerpt_s=30.0, failed=()):
    """A store in which tracks of one genre differ from those of the other."""
    ids = dataset.tracks["track_id"].tolist() if ids is None else ids
    place = {name: row for row, name in enumerate(dataset.tracks["track_id"])}
    rng = np.random.default_rng(0)
    made = features.kind(kind, excerpt_s=excerpt_s)
    with Writer(dataset.features_folder, made) as writer:
        for name in ids:
            shape = made.shape if made.is_vector else (2, *made.shape)
            values = rng.normal(place[name] % 2, 1, shape)
            if made.is_vector:
                writer.add(name, values.astype(np.float32))
            else:  # logarithms of at least 1
                writer.add(name, np.abs(values).astype(np.float16))
        for name in failed:
            writer.fail(Failure(name, "", "NotAudio", "No audio.", ""))
        writer.flush()
    return writer.folder
