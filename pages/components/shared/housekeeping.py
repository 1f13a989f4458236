"""Gives back the memory of visitors who have left.

Streamlit collects garbage after every run of a script only if it is asked to (`postScriptGC`),
which takes a tenth of a second each time; once in a while does as well. The C library keeps what is
freed unless it is asked to return it.
"""

import ctypes
import gc
import sys
import threading
import time
from contextlib import suppress

import streamlit as st

_EVERY_S = 30.0


@st.cache_resource(show_spinner=False)
def start() -> threading.Thread:
    """Begin, once for the server."""
    thread = threading.Thread(target=_run, name="housekeeping", daemon=True)
    thread.start()
    return thread


def _run() -> None:
    while True:
        time.sleep(_EVERY_S)
        give_back()


def give_back() -> None:
    """Collect what only refers to itself, and return freed memory to the system."""
    gc.collect()
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library
            ctypes.CDLL("libc.so.6").malloc_trim(0)
