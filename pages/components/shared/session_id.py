"""Whose visit this is, for what belongs to one visit only."""

import uuid

import streamlit as st

_KEY = "visit-owner"


def visitor() -> str:
    """A name for this session that no other has, nor can guess."""
    return str(st.session_state.setdefault(_KEY, uuid.uuid4().hex))
