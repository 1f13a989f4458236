"""Colours that Streamlit's theme can't set."""

import streamlit as st

_CHIPS = '[data-testid="stMultiSelect"] [data-tag]'
_BUTTONS = '[data-testid="stBaseButton-primary"]:not(:disabled)'


def adjust() -> None:
    """Where the theme is dark: dark letters on a multiselect's chips, and a darker ground under a
    primary button's white ones. White on the theme's light violet is too little contrast."""
    if st.context.theme.type == "dark":
        st.html(
            f"<style>{_CHIPS}, {_CHIPS} * {{ color: #14111c; }} "
            f"{_BUTTONS} {{ background: #7a3ff2; border-color: #7a3ff2; color: #fff; }}</style>"
        )
