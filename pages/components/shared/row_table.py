"""Tables of which a row, or several, can be picked by a click anywhere on it."""

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st


def row_table(
    rows: Any, *, key: str, on_pick: Callable[[int], None] | None = None, **options: Any
) -> int | None:
    """Draw a table, and return the place of the row that is picked; None where none is.

    A click on a cell picks the row as the small box at its left does, and ticks the box.

    Args:
        on_pick: called with the row that a visitor picks, before the page is drawn.
        rows, options: as `st.dataframe` takes them.
    """
    picked = st.dataframe(
        rows,
        key=key,
        on_select=partial(_picked, key, on_pick),
        selection_mode=["single-row", "single-cell"],
        **options,
    )
    found = picked["selection"]["rows"]
    return int(found[0]) if found and found[0] < len(rows) else None


def rows_table(rows: Any, *, key: str, **options: Any) -> list[int]:
    """Draw a table, and return the places of the rows that are picked.

    A click on a cell picks its row alone; the boxes at the left pick several.
    """
    picked = st.dataframe(
        rows,
        key=key,
        on_select=partial(_picked, key, None),
        selection_mode=["multi-row", "single-cell"],
        **options,
    )
    return [int(row) for row in picked["selection"]["rows"] if row < len(rows)]


def _picked(key: str, on_pick: Callable[[int], None] | None) -> None:
    chosen = st.session_state[key]["selection"]
    if cells := chosen.get("cells"):
        # While a cell is picked, Streamlit's table takes no click on a box.
        pick(key, int(cells[-1][0]))
    rows = st.session_state[key]["selection"]["rows"]
    if rows and on_pick is not None:
        on_pick(int(rows[0]))


def pick(key: str, row: int) -> None:
    """Pick a row of the table with this key; before it is drawn."""
    st.session_state[key] = {"selection": {"rows": [row]}}
