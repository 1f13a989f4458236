"""The demo data set: synthetic music, to try every part of the app without a download.

Nothing here is a recording or an imitation of one. A hundred invented artists, each with a tuning,
a timbre, a room and habits of their own, "play" clips of 10 s in ten genres, one to three genres a
track; the project's own synthesis renders them. What a model scores on it says that the app works
and nothing about real music.

On disk, below the folder that the caller gives:

    demo_0001.flac        mono, 22,050 Hz, 16 bit, lossless

The same seed gives the same artists, labels and parameters on every machine, and samples that agree
within 1e-4. A smaller set is the beginning of a larger one. Artists stay in one official part.
"""

import hashlib
import io
import operator
import warnings
from collections import Counter
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from genre_engine.errors import WrongUsage
from genre_engine.storage.progress import Progress
from genre_engine.storage.workspace import make_folder, replacing
from genre_engine.synthesis.styles import Habits, Score, compose, draw_habits

DESCRIPTION = (
    "Synthetic clips of 10 s in ten genres by 100 invented artists, made by this app's own "
    "synthesis. For trying every part of the app without a download."
)
WARNING = (
    "This data set is synthetic: scores on it show that the app works, and say nothing about real "
    "music."
)
LICENCE = "CC0-1.0"
SAMPLE_RATE = 22_050
DURATION_S = 10.0
FEWEST, DEFAULT_TRACKS, MOST = 20, 300, 9999


@dataclass(frozen=True)
class Artist:
    """An invented artist: a name, and the genres they favour, the dearest first."""

    name: str
    genres: tuple[str, ...]


def _artists(*lines: str) -> tuple[Artist, ...]:
    named = (line.split(": ") for line in lines)
    return tuple(Artist(name, tuple(genres.split())) for name, genres in named)


# By official part, so that no artist is in two. In validation and in test the first two genres of
# the artists cover all ten: a part holds every genre as soon as its artists have two tracks each.
ARTISTS = {
    "train": _artists(
        "Velvet Oscillator: electronic chillout",
        "Paper Cathedral: soundtrack ambient classical",
        "Neon Turnip: pop electronic",
        "Granite Choir Club: rock alternative",
        "Slow Cartographer: ambient soundtrack",
        "Count Bitrate: electronic experimental",
        "The Unplugged Toasters: alternative rock pop",
        "Quartet for Four Spoons: classical",
        "Linen Afternoon: easylistening chillout",
        "Broken Abacus: experimental ambient",
        "Marmalade Signal: pop easylistening",
        "Copper Lantern Beach: chillout ambient electronic",
        "Hollow Mountain Film Unit: soundtrack",
        "Tin Roof Parade: rock pop",
        "Seven Left Socks: alternative experimental",
        "Orchard of Valves: electronic",
        "Madame Sinewave: classical soundtrack",
        "Polite Elevator: easylistening classical",
        "Dust on the Needle: chillout easylistening",
        "The Imaginary Amplifiers: rock",
        "Feather Engine: ambient electronic",
        "Glass Vegetable Orchestra: experimental classical soundtrack",
        "Saturday Algorithm: pop alternative electronic",
        "Robot Picnic: electronic pop",
        "Borrowed Umbrella: pop rock",
        "Night Bus Harmonium: ambient chillout",
        "Ministry of Gravel: rock",
        "Static Garden Party: electronic pop",
        "The Reluctant Cellos: classical",
        "Lower Balcony: soundtrack classical",
        "Sugar Cube Theory: electronic chillout",
        "Barefoot Satellite: electronic ambient",
        "Wooden Telegram: alternative",
        "Hotel Lobby Weather: easylistening",
        "Seventeen Doorbells: experimental",
        "Inland Lighthouse: ambient",
        "Cobalt Picnic Table: chillout electronic",
        "Rented Thunder: rock alternative",
        "Kettle and the Steam: electronic pop",
        "Parallel Bakery: electronic",
        "Sonata for Rain Gutter: classical experimental",
        "Desert Escalator: soundtrack ambient",
        "The Quiet Referees: alternative pop",
        "Afternoon Ferry: easylistening pop",
        "Loose Connection: experimental electronic",
        "Tidal Wardrobe: chillout",
        "Concrete Flamingo: electronic chillout",
        "Paper Crown Motors: rock pop",
        "Attic Planetarium: ambient soundtrack",
        "Prelude to Breakfast: classical easylistening",
        "Stolen Bicycle Bell: pop electronic",
        "Credits Roll Twice: soundtrack",
        "Six Green Buttons: alternative rock",
        "Carpet Museum: easylistening chillout",
        "Door Hinge Ensemble: experimental ambient",
        "Diesel Lullaby: rock",
        "Morning After Latitude: chillout ambient",
        "Voltage Orchard: electronic experimental",
        "Folding Chair Choir: pop alternative",
        "Snow on the Antenna: ambient electronic",
    ),
    "validation": _artists(
        "Lemon Transistor: electronic pop",
        "Whale Street Pavilion: ambient soundtrack",
        "Ode to a Staircase: classical easylistening",
        "Rusty Comet: rock alternative",
        "Clockwork Porridge: experimental electronic alternative",
        "Velour Submarine: chillout easylistening ambient",
        "Sir Reginald Reverb: soundtrack classical experimental",
        "Plastic Sunflower: pop rock chillout",
        "Pocket Thunderstorm: electronic experimental",
        "Lamp Post Serenade: pop easylistening",
        "Cellar Door Cinema: soundtrack ambient",
        "The Missing Drummers: rock alternative",
        "Rainproof Minuet: classical",
        "Half Past Neon: electronic chillout",
        "Driftwood Telephone: ambient",
        "Backwards Staircase: experimental classical",
        "Gravel Road Choir: alternative rock",
        "Sofa Horizon: chillout easylistening",
        "Tambourine Tax: electronic pop",
        "Overture in Overcoat: soundtrack classical",
    ),
    "test": _artists(
        "Kilohertz Garden: electronic chillout pop",
        "Moss Observatory: ambient experimental",
        "The Pretend Sonata: classical soundtrack",
        "Thunder Biscuit: rock pop",
        "Umbrella Republic: alternative rock experimental",
        "Café Nowhere: easylistening chillout",
        "Ten Thousand Torches: soundtrack ambient classical",
        "Bubblegum Voltage: pop electronic easylistening",
        "Circuit Meadow: electronic ambient",
        "Postcard from Nowhere: chillout pop",
        "Marble Waiting Room: classical easylistening",
        "Bent Spoon Revival: rock pop",
        "Fog Machine Diaries: soundtrack experimental",
        "Sunday Modem: electronic",
        "Anchor in the Attic: ambient chillout",
        "Crooked Ruler: alternative experimental",
        "Velcro Symphony: experimental electronic",
        "Lift Music Revolt: easylistening",
        "Paperclip Parade: pop rock",
        "Last Train to Treble: alternative soundtrack",
    ),
}

# What a track may be besides what its artist favours.
COMPANIONS: dict[str, tuple[str, ...]] = {
    "electronic": ("pop", "ambient", "chillout", "experimental"),
    "soundtrack": ("ambient", "classical", "electronic"),
    "ambient": ("electronic", "soundtrack", "experimental", "chillout"),
    "pop": ("electronic", "rock", "easylistening"),
    "experimental": ("electronic", "ambient", "soundtrack"),
    "classical": ("soundtrack", "easylistening"),
    "easylistening": ("pop", "chillout", "classical"),
    "rock": ("alternative", "pop"),
    "alternative": ("rock", "pop", "experimental"),
    "chillout": ("electronic", "ambient", "easylistening"),
}

# Twenty tracks in a row: 12 for train, 4 for validation, 4 for test.
ROTA = tuple(("train", "validation", "test")[int(digit)] for digit in 4 * "00120")

FIRST_WORDS = (
    "Amber", "Borrowed", "Cardboard", "Distant", "Electric", "Folded", "Gentle", "Hidden",
    "Invisible", "Jagged", "Late", "Magnetic", "Narrow", "Open", "Painted", "Quiet",
)  # fmt: skip
SECOND_WORDS = (
    "Archive", "Bridge", "Corridor", "Departure", "Escalator", "Ferry", "Garden", "Horizon",
    "Island", "Junction", "Kite", "Lighthouse", "Morning", "Notebook", "Orbit", "Postcard",
)  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """Everything about a track that is decided before a sample is made."""

    index: int
    artist: str
    album: str
    title: str
    part: str
    genres: tuple[str, ...]
    score: Score

    @property
    def track_id(self) -> str:
        return f"demo_{self.index + 1:04d}"

    @property
    def path(self) -> str:
        return f"{self.track_id}.flac"


def plan(tracks: int = DEFAULT_TRACKS, *, seed: int = 0) -> list[Plan]:
    """What `generate` will make: artists, labels, parts and parameters, without any sound."""
    _check("tracks", tracks, FEWEST, MOST)
    _check("seed", seed, 0, 2**63 - 1)
    habits = _habits(seed)
    queues = {part: cycle(_appearances(artists)) for part, artists in ARTISTS.items()}
    turns: Counter[str] = Counter()
    plans = []
    for index in range(tracks):
        part = ROTA[index % len(ROTA)]
        artist = next(queues[part])
        plans.append(_plan_track(index, part, artist, turns[artist.name], habits, seed))
        turns[artist.name] += 1
    return plans


def generate(
    folder: Path,
    *,
    tracks: int = DEFAULT_TRACKS,
    seed: int = 0,
    progress: Progress | None = None,
    jobs: int | None = None,
) -> pd.DataFrame:
    """Render the demo set into `folder` (a fresh one) and return its track table.

    Args:
        folder: gets the clips; paths in the table are relative to it.
        tracks: how many clips, 20 to 9,999.
        seed: another seed is another set by the same artists, with other sounds.
        progress: called with (done, tracks) after each clip; what it raises stops the work.
        jobs: processes to use; None is one for each processor.

    Raises:
        WrongUsage: a number is out of its range.
        StorageError: the folder can't be written.
    """
    if jobs is not None:
        _check("jobs", jobs, 1, 1024)
    plans = plan(tracks, seed=seed)
    make_folder(folder)
    rows: list[dict[str, Any]] = []
    with closing(_render_all(plans, folder, seed, jobs)) as rendered:
        for row in rendered:
            rows.append(row)
            if progress is not None:
                progress(len(rows), tracks)
    return pd.DataFrame(rows)


def _check(name: str, value: Any, low: int, high: int) -> None:
    try:
        fits = not isinstance(value, bool) and low <= operator.index(value) <= high
    except TypeError:
        fits = False
    if not fits:
        raise WrongUsage(
            f"{name} is {value!r}, but must be a whole number from {low:,} to {high:,}."
        )


def _generator(seed: int, *key: int) -> np.random.Generator:
    """Each artist and each track has its own stream: (0, artist), (1, track), (2, its sound)."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))


def _habits(seed: int) -> dict[str, Habits]:
    names = [artist.name for artists in ARTISTS.values() for artist in artists]
    return {name: draw_habits(_generator(seed, 0, index)) for index, name in enumerate(names)}


def _appearances(artists: tuple[Artist, ...]) -> tuple[Artist, ...]:
    """A round of a part's artists; the first third has two tracks in it, as some do more."""
    return (*artists, *artists[: len(artists) // 3])


def _plan_track(
    index: int, part: str, artist: Artist, turn: int, habits: dict[str, Habits], seed: int
) -> Plan:
    rng = _generator(seed, 1, index)
    genres = _draw_genres(artist, turn, rng)
    first = FIRST_WORDS[int(rng.integers(len(FIRST_WORDS)))]
    second = SECOND_WORDS[int(rng.integers(len(SECOND_WORDS)))]
    return Plan(
        index=index,
        artist=f"{artist.name} (synthetic)",
        album=f"{artist.name} (synthetic), volume {turn // 4 + 1}",
        title=f"{first} {second} (synthetic)",
        part=part,
        genres=tuple(sorted(genres)),
        score=compose(genres, habits[artist.name], rng),
    )


def _draw_genres(artist: Artist, turn: int, rng: np.random.Generator) -> list[str]:
    """One to three genres: the artist's favourites in turn, joined by what goes well with them."""
    genres = [artist.genres[turn % len(artist.genres)]]
    chance = rng.random()
    wanted = 1 if chance < 0.48 else 2 if chance < 0.9 else 3
    for _ in range(wanted - 1):
        companions = COMPANIONS[genres[-1]]
        # What the artist favours counts three times as much as what merely fits.
        fitting = [*companions, *[g for g in artist.genres if g in companions] * 2]
        fitting = [genre for genre in fitting if genre not in genres]
        genres.append(fitting[int(rng.integers(len(fitting)))])
    return genres


def _render_all(
    plans: list[Plan], folder: Path, seed: int, jobs: int | None
) -> Generator[dict[str, Any], None, None]:
    """Rows of the track table in the order of the plans, each as soon as its clip is written."""
    if jobs == 1:
        yield from (_render(one, folder, seed) for one in plans)
        return
    import joblib

    # Idle workers would hold their memory for five minutes.
    parallel = joblib.Parallel(
        n_jobs=jobs or -1,
        backend="loky",
        return_as="generator",
        batch_size=4,
        idle_worker_timeout=10,
    )
    rows = parallel(joblib.delayed(_render)(one, folder, seed) for one in plans)
    try:
        # Not `yield from`, which would close them before the warning is off.
        for row in rows:  # noqa: UP028
            yield row
    finally:
        with warnings.catch_warnings():
            # Whoever stops half-way leaves clips unused on purpose.
            warnings.simplefilter("ignore", UserWarning)
            rows.close()


def _render(one: Plan, folder: Path, seed: int) -> dict[str, Any]:
    """Make one clip, write it, and return its row of the track table."""
    import soundfile

    from genre_engine.synthesis.arrange import play

    samples = play(
        one.score, _generator(seed, 2, one.index), sample_rate=SAMPLE_RATE, duration_s=DURATION_S
    )
    path = folder / one.path
    encoded = io.BytesIO()  # libsndfile doesn't say why it can't write a file
    soundfile.write(encoded, samples, SAMPLE_RATE, format="FLAC", subtype="PCM_16")
    with replacing(path) as place:
        place.write_bytes(encoded.getvalue())
    return {
        "track_id": one.track_id,
        "artist_id": one.artist,
        "album_id": one.album,
        "title": one.title,
        "path": one.path,
        "duration_s": len(samples) / SAMPLE_RATE,
        "genres": list(one.genres),
        "split": one.part,
        "licence": LICENCE,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
