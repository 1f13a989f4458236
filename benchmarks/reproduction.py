"""How long the course project's experiment takes at small size, every stage of it.

    python -m benchmarks.reproduction [--tracks 500] [--quick] [--stages A,B]

A small MTG-Jamendo on loopback (`tests/download/jamendo_server.py`) with ten genres, five official
splits and songs of 40 s, of which the middle 30 s are fetched. From nothing to the report; prints
what each stage took. The music is a few melodies, so the scores mean nothing. Weights of the
pretrained network are fetched into the workspace beforehand.
"""

import argparse
import importlib
import os
import sys
import tempfile
import time
from pathlib import Path

MOST_S = 600.0
EXCERPT_S, SONG_S, N_SONGS = 30.0, 40.0, 40


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--tracks", type=int, default=500)
    options.add_argument("--quick", action="store_true", help="short trainings")
    options.add_argument("--stages", default="", help="some stages only, with what they need")
    given = options.parse_args()
    from genre_engine import reproduce
    from genre_engine.download import jamendo_metadata
    from genre_engine.prediction import vocabulary
    from genre_engine.pretrained import weights

    jamendo = importlib.import_module("tests.download.jamendo_server")
    with tempfile.TemporaryDirectory() as room, jamendo.Server() as server:
        os.environ["GENRE_ENGINE_WORKSPACE"] = str(Path(room, "workspace"))
        os.environ[jamendo_metadata.JAMENDO_METADATA_VARIABLE] = server.metadata_url
        os.environ[jamendo_metadata.JAMENDO_AUDIO_VARIABLE] = server.audio_url
        songs = [jamendo.mp3(seed, SONG_S, sample_rate=44100) for seed in range(N_SONGS)]
        # No multiple of five, or an artist's part and a song's genre would go together.
        tracks, artists = given.tracks, given.tracks // 4 + 2
        jamendo.World(
            server,
            tracks,
            songs=songs,
            seconds=SONG_S,
            artists=artists,
            genres=list(vocabulary.TEN),
        )
        put_splits(server.files)
        weights.fetch()
        begun = time.monotonic()
        found = reproduce.reproduce(
            {
                "dataset": "small",
                "tracks": tracks,
                "excerpt_s": EXCERPT_S,
                "quick": given.quick,
                "stages": given.stages.split(",") if given.stages else [],
            },
            progress=lambda done, total, note: print(
                f"\r{time.monotonic() - begun:6.0f} s  {done:5.1f} of {total}  {note:60.60}",
                end="",
                file=sys.stderr,
            ),
        )
        spent = time.monotonic() - begun
        print(file=sys.stderr)
        for name, outcome in found.outcomes.items():
            print(
                f"{name:<22} {outcome.status:<9} {outcome.seconds or 0:7.1f} s  {outcome.message}"
            )
        print(f"{'all':<32} {spent:7.1f} s of {MOST_S:.0f} s")


def put_splits(files: dict[str, bytes]) -> None:
    """The other four official splits: the first one's tables, with the parts in other places."""
    parts = ("train", "validation", "test")
    for number in range(1, 5):
        for part in parts:
            of = "train" if part == "train" else parts[1 + (parts.index(part) + number) % 2]
            table = files[f"/data/splits/split-0/autotagging_genre-{of}.tsv"]
            files[f"/data/splits/split-{number}/autotagging_genre-{part}.tsv"] = table


if __name__ == "__main__":
    main()
