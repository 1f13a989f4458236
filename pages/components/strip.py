"""The heat strip: a song's strongest genres over time, under its player, click to seek."""

from pathlib import Path

import numpy as np
import streamlit as st

from genre_engine import vocabulary
from genre_engine.results import Analysis
from genre_engine.vocabulary import Floats

_HTML = """<div class="strip"><div class="lanes"></div>
<div class="field" role="slider" tabindex="0" aria-label="Genre over time; moves the player"
 aria-valuemin="0"><div class="head"></div><div class="tip" hidden></div></div>
<div class="axis" aria-hidden="true"></div></div>"""

_ROWS = 6
# Windows that a value is averaged over: 9 s.
_SMOOTHED = 3


_HERE = Path(__file__)
_strip = st.components.v2.component(
    "genre_strip",
    html=_HTML,
    css=_HERE.with_name("strip.css").read_text(encoding="utf-8"),
    js=_HERE.with_name("strip.js").read_text(encoding="utf-8"),
)


def heat_strip(analysis: Analysis, view: str, card: str) -> None:
    """Draw the strip of a song whose player is in the container with the key `card`."""
    scores = analysis.views[view]
    strongest = scores.ranking()[:_ROWS]
    rows = [
        {
            "name": vocabulary.display_name(scores.genres[i]),
            "values": smoothed(100 * scores.by_window[:, i]).round(1).tolist(),
        }
        for i in strongest
    ]
    _strip(
        key=f"{card}-strip",
        data={
            "card": card,
            "rows": rows,
            "starts": analysis.starts_s.round(3).tolist(),
            "ends": analysis.ends_s.round(3).tolist(),
            "duration": analysis.duration_s,
        },
        height="content",
    )


def smoothed(values: Floats) -> Floats:
    """Running mean over three windows, over fewer at the ends: float `[n]` → `[n]`."""
    beside = _SMOOTHED // 2
    here = slice(beside, beside + len(values))
    ones = np.ones(_SMOOTHED)
    means: Floats = np.convolve(values, ones)[here] / np.convolve(np.ones(len(values)), ones)[here]
    return means
