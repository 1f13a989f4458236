"""A song's best genres as bars, in HTML: the chart library is 4.6 MB, and nobody zooms into five
bars.
"""

import numpy as np
import streamlit as st

from genre_engine.figures.colours import ACCENT, ACCENT_LIGHT, ACCENT_PALE, MUTED, NEUTRAL
from genre_engine.prediction import vocabulary
from genre_engine.prediction.vocabulary import GenreScores
from genre_engine.storage import escape

_TICKS = (0, 25, 50, 75, 100)
_GRID = "rgba(128, 122, 145, 0.22)"
_STYLE = f"""<style>
.genre-bars {{ display: grid; grid-template-columns: max-content 1fr; column-gap: 0.75rem;
  padding-right: 2.2rem; font-size: 0.875rem; line-height: 1.1rem; }}
.genre-bars .name {{ text-align: right; padding: 0.5rem 0; }}
.genre-bars .track {{ position: relative; background-image: linear-gradient(to right,
  {_GRID} 1px, transparent 1px); background-size: 25% 100%; border-right: 1px solid {_GRID}; }}
.genre-bars .track > * {{ position: absolute; top: 50%; transform: translateY(-50%); }}
.genre-bars .value {{ left: 0; height: 1.15rem; border-radius: 0 4px 4px 0;
  background: {ACCENT_LIGHT}; }}
.genre-bars .value.no {{ background: {ACCENT_PALE}; }}
.genre-bars .spread {{ height: 0.5rem; border: solid {ACCENT}; border-width: 0 2px;
  background: linear-gradient({ACCENT}, {ACCENT}) center / 100% 2px no-repeat; }}
.genre-bars .threshold {{ width: 2px; height: 1.4rem; background: {NEUTRAL}; }}
.genre-bars .number {{ padding-left: 0.5rem; font-weight: 600; }}
.genre-bars .number.no {{ font-weight: 400; }}
.genre-bars .unknown {{ left: 0; right: 0; height: 1.15rem; border: 1px solid {MUTED};
  background: repeating-linear-gradient(-45deg, {MUTED} 0 1px, transparent 1px 6px); }}
.genre-bars .axis {{ position: relative; height: 1.3rem; font-size: 0.8rem; }}
.genre-bars .axis span {{ position: absolute; transform: translateX(-50%); }}
</style>"""


def draw(
    scores: GenreScores, top: int | None = 5, unknown: tuple[str, ...] = (), word: str = "match"
) -> None:
    """Bars from 0 to 100, a line over each from the 10th to the 90th percentile of its windows;
    genres that the model doesn't know as hatched rows below.

    Where there are thresholds, a tick stands at each, and bars that don't reach theirs are pale.
    """
    st.html(_STYLE + html(scores, top, unknown, word))


def html(
    scores: GenreScores, top: int | None = 5, unknown: tuple[str, ...] = (), word: str = "match"
) -> str:
    """What `draw` draws; names of genres are anybody's text, and are escaped."""
    best = list(scores.ranking()[:top])
    low, high = 100 * np.percentile(scores.by_window[:, best], (10, 90), axis=0)
    yes = set(best if scores.thresholds is None else scores.yes())
    rows = []
    for place, index in enumerate(best):
        name = escape.html(vocabulary.display_name(scores.genres[index]))
        value, start, end = 100 * float(scores.song[index]), float(low[place]), float(high[place])
        far, threshold, said = max(value, end), "", ""
        if scores.thresholds is not None:
            at = 100 * float(scores.thresholds[index])
            far = max(far, at)
            threshold = f'<div class="threshold" style="left: {at:.1f}%"></div>'
            said = f"; counts as &quot;yes&quot; from {at:.0f} on"
        no = "" if index in yes else " no"
        rows.append(
            f'<div class="name">{name}</div><div class="track" title="{name}: {word} {value:.0f}; '
            f'most windows between {start:.0f} and {end:.0f}{said}">'
            f'<div class="value{no}" style="width: {value:.1f}%"></div>'
            f'<div class="spread" style="left: {start:.1f}%; width: {end - start:.1f}%"></div>'
            f'{threshold}<div class="number{no}" style="left: {far:.1f}%">{value:.0f}</div></div>'
        )
    for genre in unknown:
        name = escape.html(vocabulary.display_name(genre))
        rows.append(
            f'<div class="name">{name}</div><div class="track" '
            f'title="{name}: these networks don&#x27;t know it"><div class="unknown"></div></div>'
        )
    ticks = "".join(f'<span style="left: {tick}%">{tick}</span>' for tick in _TICKS)
    label = escape.html(alt(scores, top, word))
    return (
        f'<div class="genre-bars" role="img" aria-label="{label}">{"".join(rows)}'
        f'<div></div><div class="axis">{ticks}</div></div>'
    )


def alt(scores: GenreScores, top: int | None = 5, word: str = "match") -> str:
    """The bars in words."""
    best = scores.ranking()[:top]
    yes = scores.yes()
    listed = (
        f"{vocabulary.display_name(scores.genres[i])} {100 * scores.song[i]:.0f}"
        + (' (counts as "yes")' if i in yes else "")
        for i in best
    )
    return f"{word.capitalize()} from 0 to 100: " + ", ".join(listed)
