"""What downloads would come to, estimated in the background and kept: it takes seconds.

One plan at a time for the whole server; what a visitor doesn't wait for any more is dropped.
"""

import json
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import streamlit as st

from genre_engine import datasets
from genre_engine.download import jamendo_audio, jamendo_metadata
from genre_engine.errors import GenreEngineError
from genre_engine.storage import workspace
from genre_engine.web.fetch import Retry

Facts = dict[str, Any]  # a plan's, as JSON

_KEPT = 32
_TABLES = "tables"


class Planner:
    """Plans by request; the tables are fetched here too, for without them there is no plan.

    Attributes:
        note: what is being fetched at this moment, in words.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "plans")
        self._lock = threading.Lock()
        self._known: OrderedDict[str, Future[Facts]] = OrderedDict()
        self._awaited: dict[str, str] = {}
        self.note = ""

    def plan(self, visitor: str, request: Facts) -> "Future[Facts]":
        """The plan of a request, done or to be waited for; its exception is what is wrong."""
        key = json.dumps([_stamp(str(request["name"])), request], sort_keys=True)
        return self._ask(visitor, key, lambda: _plan(request, self._advance))

    def fetch_tables(self, visitor: str) -> "Future[Facts]":
        """Have MTG-Jamendo's tables fetched; a try that failed is made again by `forget_tables`."""
        return self._ask(visitor, _TABLES, lambda: _fetch_tables(self._advance))

    def fetching_tables(self) -> "Future[Facts] | None":
        """The tables that are being fetched, or couldn't be."""
        return self._known.get(_TABLES)

    def forget_tables(self) -> None:
        with self._lock:
            self._known.pop(_TABLES, None)

    def _ask(self, visitor: str, key: str, work: Callable[[], Facts]) -> "Future[Facts]":
        with self._lock:
            before = self._awaited.get(visitor)
            if before not in (None, key, _TABLES) and before not in (
                other for name, other in self._awaited.items() if name != visitor
            ):
                dropped = self._known.get(str(before))
                if dropped is not None and dropped.cancel():
                    del self._known[str(before)]
            self._awaited[visitor] = key
            if key not in self._known:
                self._known[key] = self._pool.submit(work)
            self._known.move_to_end(key)
            for old in list(self._known)[:-_KEPT]:
                if self._known[old].done():
                    del self._known[old]
            return self._known[key]

    def _advance(self, name: str, done: int, total: int) -> None:
        of = f" of {total / 1e6:.1f}" if total else ""
        self.note = f"Fetching {name}: {done / 1e6:.1f}{of} MB"


@st.cache_resource(show_spinner=False)
def planner() -> Planner:
    return Planner()


def _plan(request: Facts, advance: Callable[[str, int, int], None]) -> Facts:
    made = jamendo_audio.plan(request, progress=advance)
    known = int(made.imported.tracks["licence"].notna().sum()) if made.imported is not None else 0
    return made.to_dict() | {"licences": known}


def _fetch_tables(advance: Callable[[str, int, int], None]) -> Facts:
    # Whoever waits here can try again, so it is said soon that there is no network.
    jamendo_metadata.jamendo_metadata(retry=Retry(attempts=2), progress=advance)
    return {}


def _stamp(name: str) -> list[int]:
    """Changes with all that a plan depends on besides its request."""
    places = [workspace.metadata_folder() / jamendo_metadata.JAMENDO_METADATA[0].name]
    try:
        folder = datasets.open(name).folder
        places += [folder / "dataset.json", folder / "download" / "journal.jsonl"]
    except GenreEngineError:  # it doesn't exist yet, or the plan will say what is wrong with it
        pass
    return [place.stat().st_mtime_ns if place.exists() else 0 for place in places]
