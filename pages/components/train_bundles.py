"""A run as one file: out of this server, and into it."""

from pathlib import Path

import streamlit as st

from genre_engine.runs import Run

_PAGES = Path(__file__).parents[1]


def has_page(name: str) -> bool:
    """Whether the app has such a page."""
    return (_PAGES / f"{name}.py").is_file()


def export(run: Run) -> None:
    """Offer a finished run as a zip."""


def take_in() -> None:
    """Offer to take in a run from elsewhere."""
