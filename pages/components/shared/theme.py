"""Colours that Streamlit's theme can't set."""

import streamlit as st

_CHIPS = '[data-testid="stMultiSelect"] [data-tag]'
_BUTTONS = '[data-testid="stBaseButton-primary"]:not(:disabled)'
# White on the dark theme's light violet is too little contrast. The browser chooses by the theme
# that is drawn: the first run of a visit isn't always given the right one.
_STYLE = (
    f"<style>{_CHIPS}, {_CHIPS} * {{ color: light-dark(#fff, #14111c); }} "
    f"{_BUTTONS} {{ background: #7a3ff2; border-color: #7a3ff2; color: #fff; }}</style>"
)


def adjust() -> None:
    """Dark letters on a multiselect's chips where the theme is dark, and the same ground under a
    primary button's white letters in both."""
    st.html(_STYLE)
