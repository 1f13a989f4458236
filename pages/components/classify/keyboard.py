"""Keys of the Classify page, and the box that names them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from pages.components.classify.queue import Song

_KEY = "keys"
_PLAY = "play_song"
_KEYS = {
    "`Space`": "play or pause",
    "`←` `→`": "5 s back, 5 s on",
    "`j` `k`": "next song, song before",
    "`?`": "show these keys",
}
# Where nothing hovers, there is no keyboard as a rule.
_NO_KEYS = "<style>@media (hover: none) { .st-key-keyboard { display: none; } }</style>"

_keys = st.components.v2.component(
    "genre_keys",
    html="<span hidden></span>",
    js=Path(__file__).with_name("keyboard.js").read_text(encoding="utf-8"),
)


def listen(*, listed: bool, move: Callable[[int], Song | None]) -> None:
    """Let keys play, seek and go from song to song.

    Args:
        listed: whether the songs stand in a list, of which one card is open.
        move: opens the song so many rows below in the list; returns it.
    """

    def moved() -> None:
        asked: Any = st.session_state[_KEY]["move"]
        song = move(int(asked["step"]))
        if song is not None and asked["playing"]:
            play(song)

    _keys(
        key=_KEY, data={"listed": listed, "play": st.session_state.get(_PLAY)}, on_move_change=moved
    )


def play(song: Song) -> None:
    """Have the browser play a song as soon as its card is there."""
    number = st.session_state.get(_PLAY, {"number": 0})["number"] + 1
    st.session_state[_PLAY] = {"card": f"st-key-{song.key}", "number": number}


def help_box() -> None:
    """The keys in words; `?` opens it as well."""
    st.html(_NO_KEYS)
    with st.popover("Keys", icon=":material/keyboard:", type="tertiary", key="keyboard"):
        st.markdown("  \n".join(f"{keys}: {what}" for keys, what in _KEYS.items()))
