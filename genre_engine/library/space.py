"""A library's embeddings, ready to be compared: standardised, of length 1, with who made the songs.

Each dimension is centred and scaled over the library, so that what all its songs share doesn't
count. The product of two of them is the cosine of their angle.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

    from genre_engine.library.index import Snapshot

Floats = NDArray[np.float32]
Codes = NDArray[np.int64]

# What tags say where the artist isn't one person or band.
_NO_ARTIST = {"", "unknown", "unknown artist", "various", "various artists", "va"}
# A dimension that hardly varies is left as it is; scaled, it would be noise.
_LEAST_SPREAD = 1e-6


@dataclass(frozen=True, eq=False)
class Space:
    """A library's songs, ready to be compared.

    Attributes:
        rows: int `[n]`, positions in `songs()` of the songs that have an embedding.
        units: `[n, d]`, their embeddings, standardised and of length 1.
        centre, scale: `[d]`, what standardises.
        present: bool `[n]`, whether the file was there at the last scan.
        artists, sounds, recordings: int `[n]`, equal where they are the same, -1 where unknown.
            A recording is an artist with a title.
        artist_names: name of an artist as compared → its number.
    """

    rows: NDArray[np.intp]
    units: Floats
    centre: Floats
    scale: Floats
    present: NDArray[np.bool_]
    artists: Codes
    sounds: Codes
    recordings: Codes
    artist_names: dict[str, int]

    def unit(self, embedding: NDArray[np.floating]) -> Floats:
        """An embedding `[d]` standardised as the library's, of length 1."""
        unit: Floats = embedding[None].astype(np.float32) - self.centre
        _normalise(unit, self.scale)
        return unit.ravel()

    def place(self, row: int) -> int:
        """A song's position among those that have an embedding; -1 without one."""
        at = int(np.searchsorted(self.rows, row))
        return at if at < len(self.rows) and self.rows[at] == row else -1


def prepare(songs: "pd.DataFrame", embeddings: Floats) -> Space:
    """Standardise the embeddings `[n_songs, d]` of songs; rows with NaN are left out."""
    # Without any song that was analysed there are no dimensions either.
    finite = np.isfinite(embeddings).all(axis=1) & (embeddings.shape[1] > 0)
    rows = np.flatnonzero(finite)
    units = embeddings[rows]
    n, width = units.shape
    centre, scale = np.zeros(width, np.float32), np.ones(width, np.float32)
    if n:
        # In place: of 200,000 songs a copy in float64 would be 240 MB.
        centre = units.mean(axis=0, dtype=np.float64).astype(np.float32)
        units -= centre
        spread = np.sqrt(np.einsum("ij,ij->j", units, units) / n)
        scale = np.where(spread > _LEAST_SPREAD, spread, 1).astype(np.float32)
        _normalise(units, scale)
    artists = [artist_name(name) for name in songs["artist"].to_numpy()[rows]]
    titles = [plain(title) for title in songs["title"].to_numpy()[rows]]
    recordings = [
        f"{artist}\0{title}" if artist and title else ""
        for artist, title in zip(artists, titles, strict=True)
    ]
    artist_codes, artist_names = _codes(artists)
    return Space(
        rows,
        units,
        centre,
        scale,
        ~songs["missing"].to_numpy(bool)[rows],
        artist_codes,
        _codes([plain(sound) for sound in songs["sound"].to_numpy()[rows]])[0],
        _codes(recordings)[0],
        artist_names,
    )


def artist_name(name: Any) -> str:
    """An artist's name as names are compared; empty where a tag names nobody.

    >>> artist_name(" The Beatles "), artist_name("Various Artists")
    ('the beatles', '')
    """
    found = plain(name)
    return "" if found in _NO_ARTIST else found


def plain(text: Any) -> str:
    """A name without the differences that don't count; empty where there is none."""
    return " ".join(text.split()).casefold() if isinstance(text, str) else ""


def _codes(names: Sequence[str]) -> tuple[Codes, dict[str, int]]:
    known: dict[str, int] = {}
    codes = [known.setdefault(name, len(known)) if name else -1 for name in names]
    return np.array(codes, np.int64), known


def _normalise(centred: Floats, scale: Floats) -> None:
    """Scale the dimensions of vectors `[n, d]`, then the vectors to length 1, in place."""
    centred /= scale
    norms = np.sqrt(np.einsum("ij,ij->i", centred, centred))
    centred /= np.where(norms > 0, norms, 1)[:, None]


_spaces: "WeakKeyDictionary[Snapshot, Space]" = WeakKeyDictionary()
_lock = threading.Lock()


def space(snapshot: "Snapshot") -> Space:
    """A library's songs ready to be compared, kept as long as the snapshot is.

    The embeddings of 100,000 songs take 60 MB here.
    """
    with _lock:
        if snapshot not in _spaces:
            _spaces[snapshot] = prepare(snapshot.songs, snapshot.embeddings())
        return _spaces[snapshot]
