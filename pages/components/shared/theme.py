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
    # As high as the pickers that stand beside them. A label's button of help is none of these.
    '[data-testid="stButtonGroup"] button[data-variant] { min-height: 2.5rem; } '
    # A link in a row with pickers and buttons, in line with their letters.
    '[data-testid="stMain"] [data-testid="stPageLink-NavLink"] { min-height: 2.5rem; } '
    # The page itself takes the focus after a click on it; its frame says nothing then.
    '[data-testid="stMain"]:focus-visible::before { display: none; } '
    # Headings are one level below the title, so that no level is left out, and not as large.
    '[data-testid="stMain"] [data-testid="stHeading"] h2 { font-size: 1.5rem; '
    "padding: 0.5rem 0 1rem; line-height: 1.2; } "
    '[data-testid="stMain"] [data-testid="stHeading"] h3 { font-size: 1.2rem; } '
    # No empty screen below what a page says last.
    '[data-testid="stMainBlockContainer"] { padding-bottom: 4rem; }</style>'
)


def adjust() -> None:
    """Dark letters on a multiselect's chips where the theme is dark, the same ground under a
    primary button's white letters in both, less air above titles, controls of one height,
    headings of a fitting size."""
    st.html(_STYLE)
