"""A table of which a row can be picked by a click anywhere on it."""

from functools import partial
from typing import Any

import streamlit as st


def row_table(rows: Any, *, key: str, **options: Any) -> int | None:
    """Draw a table, and return the place of the row that is picked; None where none is.

    A click on a cell picks the row as the small box at its left does, and ticks the box.

    Args:
        rows, options: as `st.dataframe` takes them.
    """
    picked = st.dataframe(
        rows,
        key=key,
        on_select=partial(_cell_to_row, key),
        selection_mode=["single-row", "single-cell"],
        **options,
    )
    found = picked["selection"]["rows"]
    return int(found[0]) if found and found[0] < len(rows) else None


def _cell_to_row(key: str) -> None:
    """While a cell is picked, Streamlit's table takes no click on a box."""
    cells = st.session_state[key]["selection"].get("cells")
    if cells:
        st.session_state[key] = {"selection": {"rows": [int(cells[-1][0])]}}
