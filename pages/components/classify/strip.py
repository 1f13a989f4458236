"""The heat strip: a song's strongest genres over time, under its player, click to seek."""

import base64
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from genre_engine.prediction import vocabulary
from genre_engine.prediction.analysis import Analysis
from genre_engine.prediction.vocabulary import Floats

_HTML = """<div class="strip"><div class="lanes"></div>
<div class="field" role="slider" tabindex="0" aria-label="Genre over time; moves the player"
 aria-valuemin="0"><div class="head"></div><div class="tip" hidden></div></div>
<div class="axis" aria-hidden="true"></div></div>"""

_ROWS = 6
# Windows that a value is averaged over: 9 s.
_SMOOTHED = 3
Times = NDArray[np.float64]


_HERE = Path(__file__)
_strip = st.components.v2.component(
    "genre_strip",
    html=_HTML,
    css=_HERE.with_name("strip.css").read_text(encoding="utf-8"),
    js=_HERE.with_name("strip.js").read_text(encoding="utf-8"),
)


Picture = tuple[str, bytes]


def heat_strip(
    analysis: Analysis,
    view: str,
    card: str,
    key: str,
    *,
    narrow: bool = False,
    pictures: Sequence[Picture] = (),
) -> None:
    """Draw the strip of a song whose player is in the container with the key `card`.

    Args:
        pictures: names and PNGs of the whole song, drawn below on the same axis of time.
    """
    scores = analysis.views[view]
    starts, ends = analysis.starts_s, analysis.ends_s
    # Only a song's last window of 3 s reaches back into another; those of runs all do, and are
    # smooth already.
    overlapping = overlap(starts, ends).sum() > 1
    if overlapping:
        starts, ends = cells(starts, ends)
    strongest = scores.ranking()[:_ROWS]
    values = 100 * scores.by_window
    rows = [
        {
            "name": vocabulary.display_name(scores.genres[i]),
            "values": (values[:, i] if overlapping else smoothed(values[:, i])).round(1).tolist(),
        }
        for i in strongest
    ]
    _strip(
        key=f"{key}-strip",
        data={
            "card": card,
            "rows": rows,
            "starts": starts.round(3).tolist(),
            "ends": ends.round(3).tolist(),
            "duration": analysis.duration_s,
            "narrow": narrow,
            "pictures": [
                {"name": name, "url": f"data:image/png;base64,{base64.b64encode(png).decode()}"}
                for name, png in pictures
            ],
        },
        height="content",
    )


def overlap(starts_s: Times, ends_s: Times) -> NDArray[np.bool_]:
    """Which windows reach into the next one, by more than the rounding of their times."""
    return ends_s[:-1] > starts_s[1:] + 0.01


def cells(starts_s: Times, ends_s: Times) -> tuple[Times, Times]:
    """Where each window is drawn, start and end: windows that overlap meet halfway between their
    middles, so that a value stands where its window is."""
    middles = (starts_s + ends_s) / 2
    borders = (middles[:-1] + middles[1:]) / 2
    over = overlap(starts_s, ends_s)
    starts, ends = starts_s.copy(), ends_s.copy()
    starts[1:] = np.where(over, borders, starts_s[1:])
    ends[:-1] = np.where(over, borders, ends_s[:-1])
    return starts, ends


def smoothed(values: Floats) -> Floats:
    """Running mean over three windows, over fewer at the ends: float `[n]` → `[n]`."""
    beside = _SMOOTHED // 2
    here = slice(beside, beside + len(values))
    ones = np.ones(_SMOOTHED)
    means: Floats = np.convolve(values, ones)[here] / np.convolve(np.ones(len(values)), ones)[here]
    return means
