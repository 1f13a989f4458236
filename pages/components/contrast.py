"""Colours that Streamlit's theme can't set."""

import streamlit as st

_CHIPS = '[data-testid="stMultiSelect"] [data-tag]'


def mend_chips() -> None:
    """Dark letters on a multiselect's chips where the theme is dark: it puts white on the light
    violet there, which is too little contrast to read."""
    if st.context.theme.type == "dark":
        ground = "#14111c"
        st.html(f"<style>{_CHIPS}, {_CHIPS} * {{ color: {ground}; }}</style>")
