"""A library's songs on a map."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from genre_engine.figures.colours import NEUTRAL, genre_colours
from genre_engine.library.song_map import SongMap
from genre_engine.prediction import vocabulary
from genre_engine.storage.escape import plotly

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

# As many as a browser draws and takes in at once: a point with its texts is about 150 bytes.
MOST_DRAWN = 20_000
_NO_GENRE, _OTHER = "no clear genre", "other"


def word_colours(words: Iterable[str]) -> dict[str, str]:
    """A colour for each of up to ten words for genres, most important first.

    A word that means one of the ten Jamendo genres has that genre's colour.

    >>> word_colours(["Rock", "Polka"])["Rock"] == genre_colours(["rock"])["rock"]
    True
    """
    meant: dict[str, str] = {}
    for word in dict.fromkeys(words):
        genre = vocabulary.genre_called(word, vocabulary.TEN)
        meant[word] = word if genre is None or genre in meant.values() else genre
    colours = genre_colours(meant.values())
    return {word: colours[genre] for word, genre in meant.items() if genre in colours}


def song_map(
    found: SongMap, songs: "pd.DataFrame", words: Sequence[Sequence[str]]
) -> tuple["go.Figure", list[list[int]]]:
    """Songs by their places on the map, one trace a coloured word.

    A point's custom data is the song's number and what the hover says.

    Args:
        songs: of the snapshot that the map was made from.
        words: each song's words for genres, best first, for all of `songs`.

    Returns:
        The figure, and for each of its traces the songs' rows. Of more than `MOST_DRAWN` songs a
        random choice is drawn.
    """
    import plotly.graph_objects as go

    rows, places = _drawn(found)
    firsts = [words[row][0] if words[row] else "" for row in rows.tolist()]
    common = [word for word, _ in Counter(filter(None, firsts)).most_common()]
    colours = word_colours(common)
    # Drawn in this order: what has no colour of its own lies below, the rarest on top.
    groups: dict[str, list[int]] = {word: [] for word in (_NO_GENRE, _OTHER, *colours)}
    for index, word in enumerate(firsts):
        groups[word if word in colours else _OTHER if word else _NO_GENRE].append(index)
    hovers = _hovers(songs, rows.tolist(), words)
    numbers = songs["id"].to_numpy()[rows].tolist()
    figure = go.Figure()
    traces: list[list[int]] = []
    for word, members in groups.items():
        if not members:
            continue
        traces.append(rows[members].tolist())
        figure.add_scattergl(
            x=places[members, 0],
            y=places[members, 1],
            mode="markers",
            name=plotly(word),
            legendrank=1000 if word in colours else 1001,
            marker={
                "color": colours.get(word, NEUTRAL),
                "symbol": "circle-open" if word == _NO_GENRE else "circle",
                "size": 7 if len(rows) < 1500 else 5 if len(rows) < 8000 else 4,
                "opacity": 0.8 if word in colours else 0.5,
            },
            customdata=[[numbers[index], hovers[index]] for index in members],
            unselected={"marker": {"opacity": 0.25}},
            hovertemplate="%{customdata[1]}<extra></extra>",
        )
    figure.update_layout(
        height=560,
        margin={"l": 4, "r": 8, "t": 8, "b": 4},
        clickmode="event+select",
        # With the lasso chosen, a click selects nothing on the page.
        dragmode="pan",
        hovermode="closest",
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "itemsizing": "constant"},
        xaxis=_axis(found, 0),
        yaxis=_axis(found, 1),
    )
    return figure, traces


def _drawn(found: SongMap) -> tuple[np.ndarray, np.ndarray]:
    if len(found.rows) <= MOST_DRAWN:
        return found.rows, found.places
    chosen = np.random.default_rng(0).choice(len(found.rows), MOST_DRAWN, replace=False)
    chosen.sort()
    return found.rows[chosen], found.places[chosen]


def _hovers(songs: "pd.DataFrame", rows: list[int], words: Sequence[Sequence[str]]) -> list[str]:
    shown = songs[["title", "artist", "path"]].iloc[rows].itertuples(index=False)
    said = []
    for row, song in zip(rows, shown, strict=True):
        name = song.path.replace("\\", "/").rpartition("/")[2]
        title = song.title if isinstance(song.title, str) and song.title else name
        lines = [f"<b>{plotly(title)}</b>"]
        if isinstance(song.artist, str) and song.artist:
            lines.append(plotly(song.artist))
        lines.append(plotly(", ".join(words[row]) or _NO_GENRE))
        said.append("<br>".join(lines))
    return said


def _axis(found: SongMap, which: int) -> dict[str, object]:
    # Only nearness means anything in t-SNE.
    if found.explained is None:
        return {"visible": False}
    title = ("First component, {:.0%} of the variance", "Second, {:.0%}")[which]
    return {"title": title.format(found.explained[which]), "zeroline": False}


def song_map_alt(found: SongMap, words: Sequence[Sequence[str]]) -> str:
    """The map in words."""
    rows, _ = _drawn(found)
    firsts = Counter(words[row][0] if words[row] else _NO_GENRE for row in rows.tolist())
    listed = ", ".join(f"{word} {n:,}" for word, n in firsts.most_common(5))
    how = "by principal components" if found.method == "pca" else "with neighbours together"
    of_all = f" of {len(found.rows):,}" if len(rows) < len(found.rows) else ""
    return f"A map of {len(rows):,}{of_all} songs, {how}. Songs by their first genre: {listed}"
