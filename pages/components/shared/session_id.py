"""Whose visit this is, for what belongs to one visitor only.

Where visitors share a server, a browser keeps its visitor's name as a signed cookie, so that a new
tab is the same visitor with the same allowance. Whoever clears their cookies is somebody new: a
server without accounts knows no better. Elsewhere each session has a name of its own.
"""

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from genre_engine.storage import owners

_KEY = "visit-owner"
_COOKIE = "genre-studio-visit"
_DAYS = 30


def visitor() -> str:
    """A name for this visitor that no other has, nor can guess."""
    if _KEY not in st.session_state:
        kept = owners.verified(st.context.cookies.get(_COOKIE)) if owners.active() else None
        st.session_state[_KEY] = kept or owners.new_visit()
    return str(st.session_state[_KEY])


def remember() -> None:
    """Have the browser keep the visitor's name, where visitors share a server."""
    if not owners.active():
        return
    kept = owners.signed(visitor())
    # Hexadecimal digits and a dot: nothing that could end the text.
    st.html(
        f"<script>document.cookie = '{_COOKIE}={kept}; path=/; max-age={_DAYS * 86400}; "
        "SameSite=Strict' + (location.protocol === 'https:' ? '; Secure' : '')</script>",
        unsafe_allow_javascript=True,
    )


def _asking() -> str | None:
    # Threads of the server, which work for everybody, have no page.
    return None if get_script_run_ctx(suppress_warning=True) is None else visitor()


owners.identify_by(_asking)
