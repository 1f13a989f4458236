"""Has the visitors' songs classified in the background, one step at a time for the whole server.

A song belongs to its visitor's session; the listener only borrows it, and drops it when the
session is gone. One thread asks the listening process for one step after the other, so that one
inference runs at a time whoever is waiting, and goes on while the visitor looks at another page.
The thread never calls streamlit.
"""

import itertools
import logging
import threading
import weakref
from dataclasses import dataclass, field
from typing import Literal

import streamlit as st

from genre_engine import audio
from genre_engine.errors import GenreEngineError
from genre_engine.listening_process import ListeningProcess, ProcessEnded
from genre_engine.overview import Overview
from genre_engine.results import Analysis

logger = logging.getLogger(__name__)

# Songs that are open at the same time; each holds some tens of MB in the listening process.
_OPEN_SONGS = 2

# Seconds without a song after which the listening process is ended and its memory given back.
_REST_S = 600.0

_QUEUED, _LISTENING = "Waiting for its turn", "Listening"

_numbers = itertools.count(1)


@dataclass(eq=False)
class Song:
    """A song of this visit; the listener fills in what it finds.

    Attributes:
        key: names it within the session.
        visitor: whose it is; visitors take turns.
        example: whether it is the bundled one.
        note: what is being done, while there is no ranking yet.
        error: why it could not be classified.
        cancelled: set by the page to have it dropped.
        playable: bytes for the browser's player and their MIME type; None until they are made.
        drawn: its waveform and spectrogram, once asked for.
    """

    name: str
    data: bytes
    visitor: str
    key: str = field(default_factory=lambda: f"song-{next(_numbers)}")
    example: bool = False
    state: Literal["waiting", "working", "done", "failed"] = "waiting"
    note: str = ""
    analysis: Analysis | None = None
    error: Exception | None = None
    cancelled: bool = False
    playable: tuple[bytes, str] | None = field(init=False)
    drawn: Overview | None = None

    def __post_init__(self) -> None:
        mime = audio.browser_type(self.data)
        self.playable = (self.data, mime) if mime else None

    @property
    def busy(self) -> bool:
        return self.state in ("waiting", "working")


class Listener:
    """The queue and its thread."""

    def __init__(self) -> None:
        self._waiting: list[weakref.ref[Song]] = []
        self._open: dict[weakref.ref[Song], str] = {}
        self._served: dict[str, int] = {}
        self._process = ListeningProcess()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)
        self._thread.start()

    def submit(self, song: Song) -> None:
        with self._changed:
            reference = weakref.ref(song)
            if reference not in self._waiting and reference not in self._open:
                song.note = _QUEUED if self._waiting or self._open else _LISTENING
                self._waiting.append(reference)
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._forget()
                while not self._waiting and not self._open:
                    self._served.clear()
                    if not self._changed.wait(_REST_S if self._process.running else None):
                        self._process.end()
                    self._forget()
                chosen = self._choose()
            song = chosen() if chosen else None
            if chosen is not None and song is not None:
                self._step(chosen, song)
            # The name must not keep a song alive whose visitor has left.
            del song

    def _forget(self) -> None:
        """Drop songs whose visitors have left or who took them back."""

        def alive(reference: weakref.ref[Song]) -> bool:
            song = reference()
            return song is not None and song.busy and not song.cancelled

        self._waiting = [reference for reference in self._waiting if alive(reference)]
        for reference in [reference for reference in self._open if not alive(reference)]:
            self._process.close(self._open.pop(reference))

    def _choose(self) -> weakref.ref[Song] | None:
        """The song to go on with: first who has been served least, then who came first."""
        candidates = [*self._open, *self._waiting]
        if len(self._open) >= _OPEN_SONGS:
            candidates = list(self._open)

        def claim(reference: weakref.ref[Song]) -> int:
            song = reference()
            return self._served.get(song.visitor, 0) if song else 0

        return min(candidates, key=claim, default=None)

    def _step(self, reference: weakref.ref[Song], song: Song) -> None:
        try:
            if reference in self._open:
                song.analysis = self._process.step(song.key)
            else:
                self._waiting.remove(reference)
                song.state, song.note = "working", _LISTENING
                self._open[reference] = song.key
                song.analysis = self._process.open(
                    song.key, song.data, lambda note: setattr(song, "note", note)
                )
            if song.analysis.share_heard >= 1.0:
                if song.playable is None:
                    song.playable = (audio.for_browser(song.data), "audio/flac")
                song.state = "done"
        except ProcessEnded as error:
            song.error, song.state = error, "failed"
            # The others that were open went with it, through no fault of theirs.
            del self._open[reference]
            self._waiting[:0] = self._open
            self._open.clear()
        except GenreEngineError as error:
            song.error, song.state = error, "failed"
        except Exception as error:
            # A fault of ours must not end the queue for everybody.
            logger.exception("classifying a song failed")
            song.error, song.state = error, "failed"
        self._served[song.visitor] = self._served.get(song.visitor, 0) + 1
        if not song.busy:
            self._open.pop(reference, None)


@st.cache_resource(show_spinner=False)
def listener() -> Listener:
    """The server's one listener."""
    return Listener()
