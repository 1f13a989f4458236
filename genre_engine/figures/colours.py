"""Colours that stand on a light and on a dark ground, and one for each genre everywhere."""

from collections.abc import Iterable

from genre_engine import vocabulary

ACCENT = "#8b5cf6"
ACCENT_LIGHT = "rgba(139, 92, 246, 0.5)"
MUTED = "rgba(128, 122, 145, 0.55)"
NEUTRAL = "#8a8596"

# A part has its colour and its shape, so that neither need be seen.
PARTS = {
    "train": (ACCENT, "circle"),
    "validation": ("#0d9488", "diamond"),
    "test": ("#ea580c", "square"),
}

# Low is rarer than chance, high commoner; the middle lets either ground through.
DIVERGING = (
    (0.0, "#c2410c"),
    (0.25, "#fb923c"),
    (0.5, "rgba(128, 122, 145, 0.12)"),
    (0.75, "#a78bfa"),
    (1.0, "#5b21b6"),
)

# Magma, but for its first colour: Streamlit's theme takes #000004 for a place to put the fourth
# colour of its own, and paints the quietest cells with it.
LEVELS = (
    (0.000, "#06040f"),
    (0.111, "#180f3d"),
    (0.222, "#440f76"),
    (0.333, "#721f81"),
    (0.444, "#9e2f7f"),
    (0.556, "#cd4071"),
    (0.667, "#f1605d"),
    (0.778, "#fd9668"),
    (0.889, "#feca8d"),
    (1.000, "#fcfdbf"),
)

# Petroff's ten survive colour blindness; in the order of vocabulary.TEN.
TEN = (
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#94a4a2",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
)


def genre_colours(genres: Iterable[str]) -> dict[str, str]:
    """A colour for each of up to ten genres, most important first; the rest is left out (neutral).

    The ten Jamendo genres always have their own; others take those that are free.
    """
    genres = list(genres)
    fixed = dict(zip(vocabulary.TEN, TEN, strict=True))
    colours = {genre: fixed[genre] for genre in genres if genre in fixed}
    free = iter([colour for colour in TEN if colour not in colours.values()])
    for genre in genres:
        if genre not in colours and (colour := next(free, None)) is not None:
            colours[genre] = colour
    return colours
