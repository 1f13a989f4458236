"""The songs that were analysed before, in this visit or, at home, in earlier ones."""

from datetime import datetime

import streamlit as st

from genre_engine.errors import GenreEngineError
from genre_engine.jobs import hosted
from genre_engine.prediction import recent
from genre_engine.prediction.recent import Kept
from pages.components.classify import session
from pages.components.shared.session_id import visitor
from pages.components.shared.text import plain

_SHOWN = 10


def offer(view: str) -> None:
    """A list of the songs that aren't on the page; a click opens one."""
    count = recent.count(visitor())
    if not count:
        return
    shown = st.expander(
        "Recent songs", icon=":material/history:", key="recent-songs", on_change="rerun"
    )
    if not shown.open:
        return
    with shown:
        here = {song.sha256 for song in session.songs()}
        every = st.session_state.get("recent-all", False)
        most = recent.MOST if every else _SHOWN + len(here)
        others = [one for one in recent.listing(visitor(), most) if one.song.sha256 not in here]
        if not others:
            st.markdown("All songs that were analysed are on the page.")
        for kept in others if every else others[:_SHOWN]:
            _row(kept, view)
        if count - len(here) > _SHOWN:
            st.toggle("Show all", key="recent-all")
        _forget()


def _row(kept: Kept, view: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Open",
            key=f"recent-{kept.song.sha256[:16]}",
            on_click=_open,
            args=(kept.song.sha256,),
        )
        found = next(iter(kept.analyses.values()), None)
        said = "" if found is None else f": {plain(found.sentence(found.view(view)))}"
        when = f"{datetime.fromtimestamp(kept.song.kept_at).astimezone():%d %b, %H:%M}"
        st.markdown(f"**{plain(kept.song.title)}**{said} · {when}", width="stretch")


def _open(sha256: str) -> None:
    session.open_kept(sha256)


def _forget() -> None:
    where = (
        "in this server's memory, for you alone, until it restarts"
        if hosted.active()
        else "in the workspace"
    )
    with st.popover("Forget all", icon=":material/delete:"):
        st.markdown(
            f"Names and results are kept {where}; the files themselves aren't. Songs on the page "
            "stay on it."
        )
        if st.button("Forget all recent songs", type="primary"):
            try:
                recent.forget(visitor())
            except GenreEngineError as error:
                st.error(plain(str(error)), icon=":material/error:")
            else:
                st.rerun()
