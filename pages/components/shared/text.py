"""Text on a page: users' own, and durations in words."""

from genre_engine.storage.escape import streamlit as plain

__all__ = ["duration", "plain"]


def duration(seconds: float) -> str:
    """Seconds in words."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
