"""Navigation, and the guard that every page calls first.

When the first request after a server's start asks for a page's own address, Streamlit runs that
page alone, without the entry point, and shows file names as navigation. The guard notices that the
entry point hasn't run, declares the pages itself and starts over; address and query survive.
"""

from pathlib import Path
from typing import Any

import streamlit as st

from pages.components.shared import housekeeping, job_badge, session_id, theme

_ENTERED = "entered"
_HERE = Path(__file__).parent


def pages() -> list[Any]:
    """All pages in the order of the navigation; each has its file's name as its address."""
    return [
        st.Page("pages/home.py", title="Genre Studio", default=True, visibility="hidden"),
        st.Page(
            "pages/classify.py", title="Classify", icon=":material/music_note:", url_path="classify"
        ),
        st.Page(
            "pages/explore.py",
            title="Explore",
            icon=":material/travel_explore:",
            url_path="explore",
        ),
        st.Page(
            "pages/train.py", title="Train", icon=":material/model_training:", url_path="train"
        ),
        st.Page(
            "pages/metrics.py", title="Results", icon=":material/insights:", url_path="metrics"
        ),
        # The page's name is a good guess at its address.
        st.Page(_to_results, title="Results", url_path="results", visibility="hidden"),
        st.Page(
            "pages/compare.py",
            title="Compare",
            icon=":material/compare_arrows:",
            url_path="compare",
        ),
        st.Page(
            "pages/reproduce.py",
            title="Reproduce",
            icon=":material/science:",
            url_path="reproduce",
        ),
    ]


def _to_results() -> None:
    st.switch_page("pages/metrics.py", query_params=st.query_params.to_dict())


def run() -> None:
    """Set up and run the page that was asked for; the entry point's only call."""
    st.session_state[_ENTERED] = True
    page = st.navigation(pages())
    # After the navigation, so that the browser's tab has our icon and not one from a font server.
    st.set_page_config(
        page_title=f"{page.title} · Genre Studio", page_icon=str(_HERE / "icon.svg"), layout="wide"
    )
    st.logo(str(_HERE / "logo.svg"), size="large")
    theme.adjust()
    session_id.remember()
    job_badge.show()
    housekeeping.start()
    page.run()


def enter() -> None:
    """The first line of every page."""
    if _ENTERED not in st.session_state:
        st.navigation(pages(), position="hidden")
        st.session_state[_ENTERED] = True
        st.rerun()
