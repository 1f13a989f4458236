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
# The page that is shown, and the one that is being left for, with its query.
_HERE_NOW, _GOING = "page-here", "page-going"
_HERE = Path(__file__).parent


# Drawn beside the titles by the page's own font: a page's `icon` becomes the browser tab's, too,
# and for that one Streamlit asks a font server.
_ICONS = {
    "classify": "music_note",
    "library": "library_music",
    "explore": "travel_explore",
    "train": "model_training",
    "metrics": "insights",
    "compare": "compare_arrows",
    "reproduce": "science",
}
_STYLE = (
    '<style>[data-testid="stSidebarNavLink"]::before { font-family: "Material Symbols Rounded"; '
    "font-size: 1.25rem; line-height: 1; font-feature-settings: 'liga'; }"
    + "".join(
        f' [data-testid="stSidebarNavLink"][href$="/{page}"]::before {{ content: "{icon}" / ""; }}'
        for page, icon in _ICONS.items()
    )
    + "</style>"
)


def pages() -> list[Any]:
    """All pages in the order of the navigation; each has its file's name as its address."""
    return [
        st.Page("pages/home.py", title="Genre Studio", default=True, visibility="hidden"),
        st.Page("pages/classify.py", title="Classify", url_path="classify"),
        st.Page("pages/library.py", title="Library", url_path="library"),
        st.Page("pages/explore.py", title="Explore", url_path="explore"),
        st.Page("pages/train.py", title="Train", url_path="train"),
        st.Page("pages/metrics.py", title="Results", url_path="metrics"),
        # The page's name is a good guess at its address.
        st.Page(_to_results, title="Results", url_path="results", visibility="hidden"),
        st.Page("pages/compare.py", title="Compare", url_path="compare"),
        st.Page("pages/reproduce.py", title="Reproduce", url_path="reproduce"),
        st.Page("pages/glossary.py", title="Glossary", url_path="glossary", visibility="hidden"),
    ]


def _to_results() -> None:
    st.switch_page("pages/metrics.py", query_params=st.query_params.to_dict())


def run() -> None:
    """Set up and run the page that was asked for; the entry point's only call."""
    st.session_state[_ENTERED] = True
    page = st.navigation(pages())
    st.set_page_config(
        page_title=f"{page.title} · Genre Studio", page_icon=str(_HERE / "icon.svg"), layout="wide"
    )
    st.logo(str(_HERE / "logo.svg"), size="large")
    theme.adjust()
    st.html(_STYLE)
    session_id.remember()
    job_badge.show()
    with st.sidebar:
        st.page_link("pages/glossary.py", label="What the words mean", icon=":material/menu_book:")
    housekeeping.start()
    st.session_state[_HERE_NOW] = page.url_path
    page.run()


def go(page: str, query: dict[str, str]) -> None:
    """Leave for another page by the stem of its file, with a query in its address."""
    st.session_state[_GOING] = (page, query)
    st.switch_page(f"pages/{page}.py", query_params=query)


def _arrive() -> None:
    """Put into the address what `go` was given, where it was lost.

    A fragment that ticks in the moment of a change of pages can take the old page's address along.
    """
    page, query = st.session_state.get(_GOING, ("", {}))
    if page and page == st.session_state.get(_HERE_NOW):
        del st.session_state[_GOING]
        for name, value in query.items():
            if name not in st.query_params:
                st.query_params[name] = value


def enter() -> None:
    """The first line of every page."""
    _arrive()
    if _ENTERED not in st.session_state:
        st.navigation(pages(), position="hidden")
        st.session_state[_ENTERED] = True
        st.rerun()
