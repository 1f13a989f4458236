"""Colours that Streamlit's theme can't set."""

import streamlit as st

_CHIPS = '[data-testid="stMultiSelect"] [data-tag]'
_BUTTONS = '[data-testid="stBaseButton-primary"]:not(:disabled)'
# White on the dark theme's light violet is too little contrast. The browser chooses by the theme
# that is drawn: the first run of a visit isn't always given the right one.
_STYLE = (
    f"<style>{_CHIPS}, {_CHIPS} * {{ color: light-dark(#fff, #14111c); }} "
    f"{_BUTTONS} {{ background: #7a3ff2; border-color: #7a3ff2; color: #fff; }} "
    # Titles begin below the toolbar, not a hand's breadth lower.
    '[data-testid="stMainBlockContainer"] { padding-top: 3.5rem; } '
    # As high as the pickers that stand beside them, so that their labels are in line.
    '[data-testid="stButtonGroup"] button { min-height: 2.5rem; } '
    '[data-testid="stButtonGroup"] [data-testid="stWidgetLabel"] '
    "{ position: relative; top: 0.45rem; }</style>"
)


def adjust() -> None:
    """Dark letters on a multiselect's chips where the theme is dark, the same ground under a
    primary button's white letters in both, less air above titles, controls of one height."""
    st.html(_STYLE)
