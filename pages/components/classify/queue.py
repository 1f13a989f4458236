"""Has the visitors' songs classified in the background, one step at a time for the whole server.

A song belongs to its visitor's session; the listener only borrows it, and drops it when the
session is gone. What one model says of one song is a hearing; the queue is made of these. One
thread asks the listening process for one step after the other, so that one inference runs at a time
whoever is waiting, and goes on while the visitor looks at another page. The thread never calls
streamlit.
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
from genre_engine.prediction.analysis import Analysis
from genre_engine.prediction.overview import Overview
from genre_engine.prediction.process import ListeningProcess, ProcessEnded

logger = logging.getLogger(__name__)

# Hearings that are open at the same time; each holds some tens of MB in the listening process.
_OPEN = 2

# Seconds without a song after which the listening process is ended and its memory given back.
_REST_S = 600.0

_QUEUED, _LISTENING = "Waiting for its turn", "Analysing"

_numbers = itertools.count(1)


@dataclass(eq=False)
class Hearing:
    """What one model says of a song; the listener fills it in.

    Attributes:
        model: the model's id.
        note: what is being done, while there is no ranking yet.
        error: why the song could not be classified.
    """

    model: str
    state: Literal["waiting", "working", "done", "failed"] = "waiting"
    note: str = ""
    analysis: Analysis | None = None
    error: Exception | None = None

    @property
    def busy(self) -> bool:
        return self.state in ("waiting", "working")


@dataclass(eq=False)
class Song:
    """A song of this visit.

    Attributes:
        key: names it within the session.
        visitor: whose it is; visitors take turns.
        example: whether it is the bundled one.
        hearings: by the model's id; who takes one out has it dropped.
        cancelled: set by the page to have it dropped.
        playable: bytes for the browser's player and their MIME type; None until they are made.
        drawn: its waveform and spectrogram, once asked for.
    """

    name: str
    data: bytes
    visitor: str
    key: str = field(default_factory=lambda: f"song-{next(_numbers)}")
    example: bool = False
    hearings: dict[str, Hearing] = field(default_factory=dict)
    cancelled: bool = False
    playable: tuple[bytes, str] | None = field(init=False)
    drawn: Overview | None = None

    def __post_init__(self) -> None:
        mime = audio.browser_type(self.data)
        self.playable = (self.data, mime) if mime else None


# A hearing in the queue: which song, if it is still there, and which model.
Wanted = tuple[weakref.ref[Song], str]


def _hearing(wanted: Wanted) -> Hearing | None:
    """The hearing that is wanted, if it still is."""
    song = wanted[0]()
    if song is None or song.cancelled:
        return None
    hearing = song.hearings.get(wanted[1])
    return hearing if hearing is not None and hearing.busy else None


class Listener:
    """The queue and its thread."""

    def __init__(self) -> None:
        self._waiting: list[Wanted] = []
        self._open: dict[Wanted, str] = {}
        self._served: dict[str, int] = {}
        self._process = ListeningProcess()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)
        self._thread.start()

    def submit(self, song: Song, model: str) -> None:
        """Have a song classified by a model; nothing where that is being done already."""
        with self._changed:
            wanted = (weakref.ref(song), model)
            if wanted not in self._waiting and wanted not in self._open:
                queued = self._waiting or self._open
                song.hearings[model].note = _QUEUED if queued else _LISTENING
                self._waiting.append(wanted)
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
            if chosen is not None:
                self._step(chosen)

    def _forget(self) -> None:
        """Drop songs whose visitors have left or who took them back, and models that they did."""
        self._waiting = [wanted for wanted in self._waiting if _hearing(wanted)]
        for wanted in [wanted for wanted in self._open if not _hearing(wanted)]:
            self._process.close(self._open.pop(wanted))

    def _choose(self) -> Wanted | None:
        """What to go on with: first who has been served least, then what came first."""
        candidates = [*self._open, *self._waiting]
        if len(self._open) >= _OPEN:
            candidates = list(self._open)

        def claim(wanted: Wanted) -> int:
            song = wanted[0]()
            return self._served.get(song.visitor, 0) if song else 0

        return min(candidates, key=claim, default=None)

    def _step(self, wanted: Wanted) -> None:
        # These names end with this call: they must not keep a song alive whose visitor has left.
        song, hearing = wanted[0](), _hearing(wanted)
        if song is None or hearing is None:
            return
        try:
            if wanted in self._open:
                hearing.analysis = self._process.step(self._open[wanted])
            else:
                self._waiting.remove(wanted)
                hearing.state, hearing.note = "working", _LISTENING
                self._open[wanted] = key = f"{song.key}/{hearing.model}"
                hearing.analysis = self._process.open(
                    key, song.data, lambda note: setattr(hearing, "note", note), hearing.model
                )
            if hearing.analysis.share_heard >= 1.0:
                if song.playable is None:
                    song.playable = (audio.for_browser(song.data), "audio/flac")
                hearing.state = "done"
        except ProcessEnded as error:
            hearing.error, hearing.state = error, "failed"
            # The others that were open went with it, through no fault of theirs.
            del self._open[wanted]
            self._waiting[:0] = self._open
            self._open.clear()
        except GenreEngineError as error:
            hearing.error, hearing.state = error, "failed"
        except Exception as error:
            # A fault of ours must not end the queue for everybody.
            logger.exception("classifying a song failed")
            hearing.error, hearing.state = error, "failed"
        self._served[song.visitor] = self._served.get(song.visitor, 0) + 1
        if not hearing.busy:
            self._open.pop(wanted, None)


@st.cache_resource(show_spinner=False)
def listener() -> Listener:
    """The server's one listener."""
    return Listener()
