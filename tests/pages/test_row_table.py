"""A table whose rows are picked by a click anywhere on them."""

from streamlit.testing.v1 import AppTest

TABLE = """
import streamlit as st
from pages.components.shared.row_table import row_table

if "click" in st.query_params:
    st.session_state["t"] = {"selection": {"rows": [int(st.query_params["click"])]}}
st.markdown(f"picked: {row_table([{'a': 1}, {'a': 2}, {'a': 3}], key='t')}")
"""


def picked(app):
    return app.run().markdown[0].value


def test_nothing_is_picked_at_first():
    assert picked(AppTest.from_string(TABLE)) == "picked: None"


def test_a_cell_that_is_clicked_picks_its_row(monkeypatch):
    import streamlit as st

    from pages.components.shared import row_table

    monkeypatch.setattr(
        st, "session_state", {"t": {"selection": {"rows": [], "cells": [(2, "a")]}}}
    )
    taken = []
    row_table._picked("t", taken.append)
    assert st.session_state["t"] == {"selection": {"rows": [2]}}
    assert taken == [2]


def test_a_row_is_picked_by_its_place():
    app = AppTest.from_string(TABLE)
    app.query_params["click"] = "1"
    assert picked(app) == "picked: 1"


SEVERAL = """
import streamlit as st
from pages.components.shared.row_table import rows_table

if "click" in st.query_params:
    rows = [int(row) for row in st.query_params["click"].split(",")]
    st.session_state["t"] = {"selection": {"rows": rows}}
st.markdown(f"picked: {rows_table([{'a': 1}, {'a': 2}, {'a': 3}], key='t')}")
"""


def test_several_rows_are_picked_by_their_places():
    assert picked(AppTest.from_string(SEVERAL)) == "picked: []"
    app = AppTest.from_string(SEVERAL)
    app.query_params["click"] = "2,0"
    assert picked(app) == "picked: [2, 0]"
