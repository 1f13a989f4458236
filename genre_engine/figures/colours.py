"""Colours that stand on a light and on a dark ground, and one for each genre everywhere."""

from collections.abc import Iterable

from genre_engine.prediction import vocabulary

ACCENT = "#8b5cf6"
ACCENT_LIGHT = "rgba(139, 92, 246, 0.5)"
ACCENT_PALE = "rgba(139, 92, 246, 0.22)"
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

# Dark to light through violet. Not a named scale: Streamlit's theme takes some of their colours,
# such as the darkest of Magma, for places where it puts its own.
LEVELS = (
    (0.0, "#120b1f"),
    (0.35, "#4c1d95"),
    (0.65, "#c0347c"),
    (0.85, "#fb8c5a"),
    (1.0, "#fdf6c3"),
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
