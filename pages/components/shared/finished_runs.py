"""Which finished runs a page offers: those that somebody trained, and on request the others."""

from collections.abc import Collection

import streamlit as st

from genre_engine.runs import Run


def offered(found: list[Run], asked: Collection[str]) -> list[Run]:
    """The runs without those that a reproduction trained, of which there are many at once.

    Draws a switch for the others where both are there.

    Args:
        asked: ids and names that the address asks for; these are offered in any case.
    """
    made = {run.id for run in found if run.config.origin == "reproduction"}
    if not made or len(made) == len(found):
        return found
    if st.toggle(
        f"Also show {len(made)} run{'' if len(made) == 1 else 's'} of reproductions",
        key="show-reproductions",
        persist_state="session",
        help="The Reproduce page trains a run for each of its stages.",
    ):
        return found
    return [run for run in found if run.id not in made or run.id in asked or run.name in asked]
