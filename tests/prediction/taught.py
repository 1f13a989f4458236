"""Corrected songs whose genres and artists move their vectors in known directions."""

import numpy as np

from genre_engine.prediction.teaching import Correction

FAST = ("mtg-jamendo-fcn", "msd-fcn", "mtat-fcn")


def vector(genre, artist, seed, *, apart=1.0):
    """A genre's centre, an artist's own shift, and noise, `[150]`."""
    centre = np.random.default_rng([1, genre]).normal(0, apart, 150)
    shift = np.random.default_rng([2, artist]).normal(0, 0.5, 150)
    found = centre + shift + np.random.default_rng([3, seed]).normal(0, 1, 150)
    return tuple(np.round(found, 4).tolist())


def correction(number, genres, *, genre=0, artist=0, named=True, apart=1.0):
    """A song of a genre by an artist, each by its number."""
    return Correction(
        f"{number:064x}",
        f"Song {number}",
        f"Artist {artist}" if named else "",
        tuple(genres),
        FAST,
        vector(genre, artist, number, apart=apart),
    )


def songs(n, genres, artists, *, named=True, apart=1.0):
    """Songs of genres in turn, with artists who each play one genre."""
    return tuple(
        correction(
            number,
            [genres[number % len(genres)]],
            genre=number % len(genres),
            artist=number % artists,
            named=named,
            apart=apart,
        )
        for number in range(n)
    )
