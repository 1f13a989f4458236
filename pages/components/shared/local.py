"""Whether the visitor sits at the computer that the app runs on."""

import os

import streamlit as st

from genre_engine.jobs import hosted

_LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")
_PROXY_HEADERS = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via")


def is_local() -> bool:
    """Only then may a path on the server's disk be named: it is the visitor's own disk.

    The environment variable GENRE_ENGINE_LOCAL_PATHS (0 or 1) overrides what is found, for a
    server behind a proxy that hides who asks, or in a house where everyone may.
    """
    if hosted.active():
        return False
    given = os.environ.get("GENRE_ENGINE_LOCAL_PATHS")
    if given in ("0", "1"):
        return given == "1"
    headers = st.context.headers
    if st.context.ip_address is not None or any(headers.get(name) for name in _PROXY_HEADERS):
        return False
    host = str(headers.get("Host") or _LOCAL_NAMES[0])
    return host.rsplit(":", 1)[0].lower() in _LOCAL_NAMES
