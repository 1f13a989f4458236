"""How a library grows: filters and similar songs among up to a million made-up songs.

    python -m benchmarks.library_scale [--sizes 50000,100000,1000000] [--json FILE]

Rows, scores and embeddings are drawn at random and lie in a real index; no audio is read. Each part
runs in a process of its own, whose memory is its highest. Filters of 50,000 songs and similar songs
among 100,000 have targets; beyond, the figures say where the design ends (docs/scale.md). A million
takes 2 GB on disk, 5 GB of memory and about six minutes.
"""

import argparse
import json
import multiprocessing
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

TARGET_FILTER_S, TARGET_SIMILAR_S = 0.5, 0.1
WIDTH = 150  # three networks of 50 tags each
TIMES = 7
FILTERS = ("genre = rock and score >= 60", "artist ~ 'artist 12' and not missing")
SQL = (
    "SELECT id FROM songs WHERE artist LIKE '%artist 12%' AND NOT missing",
    "SELECT songs.id FROM songs JOIN sounds USING (sound) WHERE bpm BETWEEN 118 AND 122",
)
_CHUNK = 20_000

Figure = dict[str, Any]


def figure(name: str, value: float, unit: str, target: float | None = None) -> Figure:
    met = None if target is None else value <= target
    return {"name": name, "value": round(value, 4), "unit": unit, "target": target, "met": met}


def seconds(work: Callable[[], Any], times: int = 1) -> float:
    """The median of some runs."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def rows(count: int) -> Iterator[tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]]:
    """Rows of `songs` and of `sounds`, so many at a time."""
    from genre_engine.prediction import vocabulary

    rng = np.random.default_rng(0)
    # A fourth of the artists have most of the songs.
    artists = (count / 12 * rng.random(count) ** 2).astype(int)
    genres = [[], ["Rock"], ["Pop", "Dance"], ["Jazz"]]
    detected = json.dumps(
        [["mood", "happy", 0.51], ["instruments", "guitar", 0.62], ["instruments", "drums", 0.4],
         ["voice", "singing", 0.71], ["era", "the 90s", 0.2]]
    )  # fmt: skip
    for start in range(0, count, _CHUNK):
        size = min(_CHUNK, count - start)
        wide = rng.beta(0.3, 2, (size, len(vocabulary.WIDE))).astype("<f4")
        ten = rng.beta(0.3, 2, (size, len(vocabulary.TEN))).astype("<f4")
        vectors = rng.standard_normal((size, WIDTH), np.float32)
        bpm = rng.uniform(60, 180, size)
        songs, sounds = [], []
        for n in range(size):
            number = start + n
            artist, sound = f"Artist {artists[number]}", f"{number:032x}"
            path = f"/music/{artist}/An album of theirs {number % 5}/{number:07} A title.flac"
            songs.append(
                (
                    *(path, "/music", 30_000_000, 1, sound, f"A title {number}", artist),
                    *("An album of theirs", json.dumps(genres[number % 4])),
                )
            )
            sounds.append(
                (
                    *(sound, "fast", "[]", 240.0, wide[n].tobytes(), ten[n].tobytes(), detected),
                    *(vectors[n].tobytes(), "[]", bpm[n], 0.8, "A minor", 0.7),
                )
            )
        yield songs, sounds


def made(count: int, room: str) -> list[Figure]:
    from genre_engine import library

    (Path(room) / "music").mkdir()
    lib = library.create("big", [Path(room) / "music"])

    def fill() -> None:
        with lib.connect() as connection:
            for songs, sounds in rows(count):
                connection.executemany(
                    "INSERT INTO songs (path, root, size, mtime_ns, sound, title, artist, album, "
                    "file_genres) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    songs,
                )
                connection.executemany(
                    "INSERT INTO sounds (sound, model, networks, duration_s, wide, ten, detected, "
                    "embedding, warnings, bpm, bpm_sure, key, key_sure) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    sounds,
                )

    taken = seconds(fill)
    with lib.connect() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        size = pages * connection.execute("PRAGMA page_size").fetchone()[0]
    return [
        figure("rows written", taken, "s"),
        figure("index on disk, a song", size / count, "bytes"),
    ]


def filtered(count: int, room: str) -> list[Figure]:
    from genre_engine import library
    from genre_engine.library import catalogue, where

    lib = library.open("big")
    found = [figure("table made, once", seconds(lambda: catalogue.table(lib)), "s")]
    target = TARGET_FILTER_S if count <= 50_000 else None

    def matching(expression: str) -> None:
        songs = catalogue.table(lib)
        songs[where.matching(expression, songs)].head(50)

    for expression in FILTERS:
        taken = seconds(lambda: matching(expression), TIMES)  # noqa: B023
        found.append(figure(f"filter {expression!r}", taken, "s", target))
    return found


def by_sql(count: int, room: str) -> list[Figure]:
    from genre_engine import library

    lib = library.open("big")

    def select(query: str) -> None:
        with lib.connect() as connection:
            connection.execute(query).fetchall()

    return [figure(f"SQL {query}", seconds(lambda: select(query), 3), "s") for query in SQL]  # noqa: B023


def by_parquet(count: int, room: str) -> list[Figure]:
    """What a million songs would be filtered by: columns in parts beside the index."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.dataset as ds
    import pyarrow.parquet as pq

    from genre_engine.library.mapping import Mapping
    from genre_engine.prediction import vocabulary

    words, folder = Mapping(), Path(room) / "parts"
    folder.mkdir()
    for number, (songs, sounds) in enumerate(rows(count)):
        wide = np.array([np.frombuffer(sound[4], "<f4") for sound in sounds])
        firsts = [found[:1] for found in words.assign(tuple(vocabulary.WIDE), wide)]
        columns = {
            "path": [song[0] for song in songs],
            "artist": [song[6] for song in songs],
            "genre": [found[0][0] if found else None for found in firsts],
            "score": [100 * found[0][1] if found else None for found in firsts],
        }
        pq.write_table(pa.table(columns), folder / f"part-{number:04}.parquet")
    parts = ds.dataset(folder)

    def matching(condition: Any) -> None:
        parts.to_table(columns=["path"], filter=condition)

    rock = (pc.field("genre") == "Rock") & (pc.field("score") >= 60)
    artist = pc.match_substring(pc.field("artist"), "Artist 12")
    size = sum(part.stat().st_size for part in folder.iterdir())
    return [
        figure("Parquet on disk, a song", size / count, "bytes"),
        figure("Parquet, genre and score", seconds(lambda: matching(rock), TIMES), "s"),
        figure("Parquet, part of an artist", seconds(lambda: matching(artist), TIMES), "s"),
    ]


def similar_songs(count: int, room: str) -> list[Figure]:
    from genre_engine import library
    from genre_engine.library import similar, space

    now = library.open("big").snapshot()
    found = [
        figure("embeddings read", seconds(now.embeddings), "s"),
        figure("embeddings prepared", seconds(lambda: space.space(now)), "s"),
    ]
    now.scores("wide")
    asked = iter(np.random.default_rng(1).integers(0, count, 3 * TIMES).tolist())
    similar.nearest(now, next(asked))
    target = TARGET_SIMILAR_S if count <= 100_000 else None
    one = seconds(lambda: similar.nearest(now, next(asked)), TIMES)
    mix = seconds(lambda: similar.playlist(now, [next(asked)]), TIMES)
    found.append(figure("20 similar songs", one, "s", target))
    return [*found, figure("a playlist of 20", mix, "s")]


def part(work: Callable[[int, str], list[Figure]], count: int, room: str) -> list[Figure]:
    """The figures of a part, with the memory that its process took at most."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found, most_mb = pool.apply(_measured, (work, count, room))
    memory = figure(f"memory of {work.__name__.replace('_', ' ')}", most_mb, "MB")
    return [{**line, "songs": count} for line in (*found, memory)]


def _measured(
    work: Callable[[int, str], list[Figure]], count: int, room: str
) -> tuple[list[Figure], float]:
    found = work(count, room)
    return found, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="50000,100000,1000000")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    asked = parser.parse_args()
    figures: list[Figure] = []
    for count in map(int, asked.sizes.split(",")):
        with tempfile.TemporaryDirectory() as room:
            os.environ["GENRE_ENGINE_WORKSPACE"] = f"{room}/workspace"
            for work in (made, filtered, by_sql, by_parquet, similar_songs):
                lines = part(work, count, room)
                figures += lines
                for line in lines:
                    judged = {None: "", True: "met", False: "MISSED"}[line["met"]]
                    target = f"  target {line['target']:g}: {judged}" if judged else ""
                    print(
                        f"{count:>9,}  {line['name'][:70]:70} {line['value']:>10,.3f} "
                        f"{line['unit']:6}{target}",
                        flush=True,
                    )
    text = json.dumps({"cores": os.cpu_count(), "figures": figures}, indent=1)
    print(text)
    if asked.json:
        asked.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
