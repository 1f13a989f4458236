"""What is computed only when it is opened: pairs of genres, labels a track, lengths, artists."""

import streamlit as st

from genre_engine import figures
from genre_engine.datasets import statistics
from genre_engine.errors import GenreEngineError
from genre_engine.prediction import vocabulary
from pages.components.shared import datasets
from pages.components.shared.datasets import Opened
from pages.components.shared.text import plain

_CONFIG = {"displayModeBar": False, "displaylogo": False}
# The numbers on pale cells follow the theme, which Plotly doesn't know.
_NUMBERS = """<style>.st-key-pairs .scatterlayer .trace:first-child text {
  fill: light-dark(#221b33, #ece8f5) !important; }</style>"""


def genres_together(data: Opened) -> None:
    """Co-occurrence and labels per track, of the most common genres."""
    try:
        y = datasets.chosen(data, f"top{datasets.MOST_PAIRED}", "any")
    except GenreEngineError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    found = datasets.together(data, y)
    counts = statistics.labels_per_track(y.y)
    several = 1 - counts.get(1, 0) / max(1, len(y.y))
    left, right = st.columns([2, 1], gap="large")
    with right:
        st.header(f"{several:.0%} of tracks carry several genres", anchor=False)
        st.plotly_chart(
            figures.labels_per_track(counts),
            key="labels",
            config=_CONFIG,
            alt="Tracks by number of genres: "
            + ", ".join(f"{n} genres {tracks:,}" for n, tracks in counts.items()),
        )
        st.markdown(
            f"{y.labels_per_track:.2f} genres a track on average. A model for one genre a track "
            f"would have to drop {several:.0%} of them."
        )
    with left:
        if several == 0:
            st.header("Every track carries one genre, so no two go together", anchor=False)
            return
        st.header(_strongest(found), anchor=False)
        st.html(_NUMBERS)
        st.container(key="pairs").plotly_chart(
            figures.cooccurrence(found),
            key="together",
            config=_CONFIG,
            alt=figures.cooccurrence_alt(found),
        )
        more = len(data.counts) - len(found.genres)
        st.markdown(
            ":gray[How many times as often as by chance two genres share a track; similar genres "
            f"are side by side.{f' The {len(found.genres)} most common genres.' if more else ''}]"
        )


def _strongest(found: statistics.Cooccurrence) -> str:
    import numpy as np

    place = np.nanargmax(found.lift)
    one, other = divmod(int(place), len(found.genres))
    names = (vocabulary.display_name(found.genres[one]), found.genres[other])
    times = 2.0 ** float(found.lift[one, other])
    return plain(
        f"{names[0]} and {names[1]} go together most: {times:.1f} times as often as chance"
    )


def lengths_and_artists(data: Opened) -> None:
    """How long tracks are, and how they are spread over artists."""
    left, right = st.columns(2, gap="large")
    with left:
        lengths = statistics.durations(data.tracks["duration_s"])
        if lengths is None:
            st.header("No length is known", anchor=False)
            st.markdown("This data set's source says nothing of how long its tracks are.")
        else:
            st.header(f"Half of the tracks last at least {_clock(lengths.median)}", anchor=False)
            st.plotly_chart(
                figures.durations(lengths),
                key="durations",
                config=_CONFIG,
                alt=f"Tracks by length: median {_clock(lengths.median)}, longest "
                f"{_clock(lengths.longest)}",
            )
            said = f"The longest has {_clock(lengths.longest)}."
            if lengths.beyond:
                said += f" {lengths.beyond:,} tracks are longer than the picture."
            if lengths.missing:
                said += f" Of {lengths.missing:,} the length isn't known."
            st.markdown(said)
    with right:
        sizes = statistics.artist_sizes(data.tracks["artist_id"])
        if sizes is None:
            st.header("No artist is known", anchor=False)
            st.markdown(
                "Import the data set again with a column that names the artist (or another group), "
                "so that no artist need be in two parts."
            )
            return
        st.header(_artists(sizes), anchor=False)
        st.plotly_chart(
            figures.artist_sizes(sizes),
            key="artists",
            config=_CONFIG,
            alt="Artists by number of tracks: "
            + ", ".join(
                f"{size} tracks {n:,}" for size, n in zip(sizes.labels, sizes.artists, strict=True)
            ),
        )
        artist, n = sizes.largest
        if n > 1:
            st.markdown(f"Most are by {plain(artist)}: {n:,} tracks.")


def _artists(sizes: statistics.ArtistSizes) -> str:
    if sizes.largest[1] == 1:
        return "Every artist made one track"
    if sizes.n_artists < 10:
        return f"{sizes.n_artists} artists"
    return f"A tenth of the artists made {sizes.tenth:.0%} of the tracks"


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
