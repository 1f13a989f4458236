"""The address `/`: sends on to Classify, whose own address can then be shared."""

import streamlit as st

from pages.components.shared import navigation

navigation.enter()
st.switch_page("pages/classify.py")
