"""Data sets that are being made, for the whole server: they go on whatever page one looks at."""

import logging
import shutil
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st

from genre_engine.errors import GenreEngineError
from genre_engine.making import MakingProcess, MakingStopped

logger = logging.getLogger(__name__)

# How often running work is looked after, in seconds.
_TICK_S = 0.4
_MINE = "works"


@dataclass(eq=False)
class Work:
    """One data set that is being made; its thread fills in what it hears.

    Attributes:
        name: the data set's.
        uploaded: a folder with what was uploaded for it; removed in the end.
        share: how much is done, 0 to 1; None where that isn't known.
        error: why there is no data set.
    """

    name: str
    request: dict[str, Any]
    uploaded: Path | None = None
    note: str = "Starting"
    share: float | None = None
    state: str = "running"
    error: Exception | None = None
    _process: MakingProcess | None = field(default=None, repr=False)

    def run(self) -> None:
        try:
            self._process = MakingProcess(self.request)
            for answer in self._process.answers():
                self.note = answer.get("note", self.note)
                if total := answer.get("total"):
                    self.share = min(1.0, answer["done"] / total)
                elif "note" in answer:
                    self.share = None
            self.state = "done"
        except MakingStopped as error:
            self.state, self.error = ("stopped" if self.state == "stopping" else "failed"), error
        except GenreEngineError as error:
            self.state, self.error = "failed", error
        except Exception as error:
            logger.exception("making the data set %s failed", self.name)
            self.state, self.error = "failed", error
        finally:
            if self.uploaded is not None:
                shutil.rmtree(self.uploaded, ignore_errors=True)

    def stop(self) -> None:
        self.state = "stopping"
        if self._process is not None:
            self._process.stop()

    @property
    def busy(self) -> bool:
        return self.state in ("running", "stopping")


class Works:
    """All that is being made, by name: a second click finds the first one's work."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._works: dict[str, Work] = {}

    def start(self, name: str, request: dict[str, Any], uploaded: Path | None = None) -> Work:
        with self._lock:
            running = self._works.get(name)
            if running is not None and running.busy:
                return running
            work = self._works[name] = Work(name, {**request, "name": name}, uploaded)
        threading.Thread(target=work.run, name=f"making {name}", daemon=True).start()
        return work

    def running(self) -> list[Work]:
        with self._lock:
            return [work for work in self._works.values() if work.busy]


@st.cache_resource(show_spinner=False)
def works() -> Works:
    """The server's one list."""
    return Works()


def start(name: str, request: dict[str, Any], uploaded: Path | None = None) -> None:
    """Have a data set made, and remember it as this visit's."""
    work = works().start(name, request, uploaded)
    mine: list[Work] = st.session_state.setdefault(_MINE, [])
    mine[:] = [other for other in mine if other.name != name]
    mine.append(work)


def finished() -> str | None:
    """The name of a data set of this visit that has become whole since the last look."""
    mine: list[Work] = st.session_state.setdefault(_MINE, [])
    for work in mine:
        if work.state == "done":
            mine.remove(work)
            return work.name
    return None


def failed(what: str) -> Work | None:
    """This visit's last failed work of a kind, until it is tried again."""
    mine: list[Work] = st.session_state.get(_MINE, [])
    return next((w for w in mine if w.state == "failed" and w.request["make"] == what), None)


def show() -> None:
    """Progress bars of what is being made; the page runs again when one has ended."""
    running = works().running()
    if running:
        st.fragment(_progress, run_every=_TICK_S, key="works")([work.name for work in running])


def _progress(names: list[str]) -> None:
    running = works().running()
    if [work.name for work in running] != names:
        st.rerun()
    for work in running:
        with st.container(horizontal=True, vertical_alignment="center"):
            said = f"Making **{work.name}**: {work.note.lower()}"
            if work.share is not None:
                said += f", {work.share:.0%}"
            st.progress(work.share or 0.0, text=said)
            st.button(
                "Stop",
                key=f"stop-{work.name}",
                on_click=work.stop,
                help="Nothing is left of what was half done.",
            )
