"""Names as a figure shows them."""

from genre_engine.prediction import vocabulary
from genre_engine.storage.escape import plotly


def genre_name(genre: str) -> str:
    """A genre's name for a label or a hover."""
    return plotly(vocabulary.display_name(genre))
