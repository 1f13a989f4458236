"""Has the visitors' songs classified in the background, one step at a time for the whole server.

A song belongs to its visitor's session; the listener only borrows it, and drops it when the
session is gone. What one model says of one song is a hearing; the queue is made of these. One
thread asks the listening process for one step after the other, so that one inference runs at a time
whoever is waiting, and goes on while the visitor looks at another page. The thread never calls
streamlit.
"""

import hashlib
import itertools
import logging
import threading
import time
import weakref
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import streamlit as st

from genre_engine import audio
from genre_engine.audio import tags
from genre_engine.audio.tags import FileTags
from genre_engine.errors import GenreEngineError
from genre_engine.prediction import recent
from genre_engine.prediction.analysis import Analysis
from genre_engine.prediction.process import ListeningProcess, ProcessEnded
from genre_engine.prediction.recent import KeptSong

logger = logging.getLogger(__name__)

# Hearings that are open at the same time, of one visitor and in all; each holds some tens of MB in
# the listening process.
_OPEN = 2
_OPEN_IN_ALL = 12

# A first ranking comes before others' refinements while it has taken less than so many seconds.
_FIRST_S = 2.0

# Seconds without work after which a process is ended and its memory given back: the one with the
# networks, and the one for questions that nobody waits for.
_REST_S, _BACKGROUND_REST_S = 600.0, 30.0
# How often a listener that comes after another looks whether that is busy still.
_LOOK_S = 0.3

_QUEUED, _LISTENING = "Waiting for its turn", "Analysing"

_numbers = itertools.count(1)


@dataclass(eq=False)
class Hearing:
    """What one model says of a song, or the answer to a question about it; a listener fills it in.

    Attributes:
        model: the model's id, or the question.
        answer: to a question, as plain values.
        note: what is being done, while there is no ranking yet.
        error: why the song could not be classified.
        named: by view, the genre that the headline names while there is more to come.
    """

    model: str
    state: Literal["waiting", "working", "done", "failed"] = "waiting"
    note: str = ""
    analysis: Analysis | None = None
    answer: dict[str, Any] | None = None
    error: Exception | None = None
    named: dict[str, str] = field(default_factory=dict)

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
        pictures: names and PNGs of its waveform and spectrogram, once asked for.
        tags: what the file says of itself.
        cover: its cover as a small JPEG, if it has one.
        sha256: of the file's content; of a song whose analysis was kept, not its file, from then.
        is_here: whether its file is here, to be played and analysed again; it may be empty.
    """

    name: str
    data: bytes
    visitor: str
    key: str = field(default_factory=lambda: f"song-{next(_numbers)}")
    example: bool = False
    hearings: dict[str, Hearing] = field(default_factory=dict)
    cancelled: bool = False
    playable: tuple[bytes, str] | None = field(init=False)
    pictures: list[tuple[str, bytes]] | None = None
    tags: FileTags = field(init=False)
    cover: bytes | None = field(init=False)
    sha256: str = ""
    is_here: bool = True

    def __post_init__(self) -> None:
        self.sha256 = self.sha256 or hashlib.sha256(self.data).hexdigest()
        mime = audio.browser_type(self.data)
        self.playable = (self.data, mime) if mime else None
        found = tags.read(self.data)
        self.cover = tags.thumbnail(found.cover) if found.cover is not None else None
        self.tags = replace(found, cover=None)

    @property
    def title(self) -> str:
        """Title and artist where its tags have them, else the file's name."""
        if self.tags.title is None or self.example:
            return self.name
        return " · ".join(filter(None, (self.tags.title, self.tags.artist)))


def _keep(song: Song, model: str, analysis: Analysis) -> None:
    if song.example:
        return
    kept = KeptSong(song.sha256, song.name, song.title, genres=song.tags.genres)
    recent.keep(song.visitor, kept, model, analysis)


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
    """A queue, its thread, and the process that does the work.

    Args:
        after: another listener, whose work comes first: this one begins nothing while that is busy.
        rest_s: seconds without work after which the process is ended and its memory given back.
    """

    def __init__(self, *, after: "Listener | None" = None, rest_s: float = _REST_S) -> None:
        self._after, self._rest_s = after, rest_s
        self._waiting: list[Wanted] = []
        self._open: dict[Wanted, str] = {}
        # Seconds that each visitor's songs were worked on.
        self._served: dict[str, float] = {}
        self._worked: dict[Wanted, float] = {}
        self._process = ListeningProcess(background=after is not None)
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)
        self._thread.start()

    def submit(self, song: Song, model: str) -> None:
        """Have a song classified by a model; nothing where that is being done already."""
        with self._changed:
            wanted = (weakref.ref(song), model)
            if wanted not in self._waiting and wanted not in self._open:
                # A new visitor is next, but doesn't make up for the time before they came.
                others = [self._served.get(v, 0.0) for v in self._visitors()]
                before = self._served.get(song.visitor, 0.0)
                self._served[song.visitor] = max(before, min(others, default=0.0))
                queued = self._waiting or self._open
                song.hearings[model].note = _QUEUED if queued else _LISTENING
                self._waiting.append(wanted)
            self._changed.notify()

    @property
    def busy(self) -> bool:
        """Whether something is being worked on or waits."""
        return bool(self._waiting or self._open)

    def _visitors(self) -> set[str]:
        """Those whose songs are being worked on or wait."""
        songs = (wanted[0]() for wanted in (*self._open, *self._waiting))
        return {song.visitor for song in songs if song is not None}

    def _run(self) -> None:
        while True:
            try:
                self._turn()
            except Exception:
                # A fault of ours must not end the queue for good.
                logger.exception("the queue of songs")
                self._process.end()
                self._reopen()

    def _turn(self) -> None:
        with self._changed:
            self._forget()
            while not self._waiting and not self._open:
                self._served.clear()
                self._worked.clear()
                if not self._changed.wait(self._rest_s if self._process.running else None):
                    self._process.end()
                self._forget()
            chosen = self._choose()
            self._say_places()
        if self._after is not None and self._after.busy:
            time.sleep(_LOOK_S)
            return
        if chosen is not None:
            self._step(chosen)

    def _forget(self) -> None:
        """Drop songs whose visitors have left or who took them back, and models that they did."""
        self._waiting = [wanted for wanted in self._waiting if _hearing(wanted)]
        for wanted in [wanted for wanted in self._open if not _hearing(wanted)]:
            key = self._open.pop(wanted)
            try:
                self._process.close(key)
            except ProcessEnded:
                self._reopen()

    def _reopen(self) -> None:
        """What was open when the process ended begins again, in a new one."""
        self._waiting[:0] = self._open
        self._open.clear()

    def _say_places(self) -> None:
        for place, wanted in enumerate(self._waiting, len(self._open)):
            if (hearing := _hearing(wanted)) is not None:
                hearing.note = f"{_QUEUED}, {place} ahead" if place else _QUEUED

    def _choose(self) -> Wanted | None:
        """What to go on with: first rankings, then who has been served least, then what came first.

        A first ranking that is begun is brought to its end, so that with several nobody waits for
        all of them; a song that gives none for a while waits like the others.
        """

        def visitor(wanted: Wanted) -> str:
            song = wanted[0]()
            return song.visitor if song is not None else ""

        counts = Counter(map(visitor, self._open))
        candidates = list(self._open)
        if len(self._open) < _OPEN_IN_ALL:
            candidates += [one for one in self._waiting if counts[visitor(one)] < _OPEN]

        def claim(one: Wanted) -> tuple[bool, bool, float]:
            hearing = _hearing(one)
            begins = hearing is not None and hearing.analysis is None
            soon = begins and self._worked.get(one, 0.0) < _FIRST_S
            return not soon, soon and one not in self._open, self._served.get(visitor(one), 0.0)

        return min(candidates, key=claim, default=None)

    def _step(self, wanted: Wanted) -> None:
        # These names end with this call: they must not keep a song alive whose visitor has left.
        song, hearing = wanted[0](), _hearing(wanted)
        if song is None or hearing is None:
            return
        began = time.monotonic()
        try:
            if wanted in self._open:
                found = self._process.step(self._open[wanted])
            else:
                self._waiting.remove(wanted)
                hearing.state, hearing.note = "working", _LISTENING
                self._open[wanted] = key = f"{song.key}/{hearing.model}"
                found = self._process.open(
                    key, song.data, lambda note: setattr(hearing, "note", note), hearing.model
                )
            if isinstance(found, dict):
                hearing.answer, hearing.state = found, "done"
            else:
                hearing.analysis = found or hearing.analysis
            if isinstance(found, Analysis) and found.share_heard >= 1.0:
                if song.playable is None:
                    song.playable = (audio.for_browser(song.data), "audio/flac")
                hearing.state = "done"
                _keep(song, hearing.model, found)
        except ProcessEnded as error:
            hearing.error, hearing.state = error, "failed"
            # The others that were open went with it, through no fault of theirs.
            del self._open[wanted]
            self._reopen()
        except GenreEngineError as error:
            hearing.error, hearing.state = error, "failed"
        except Exception as error:
            # A fault of ours must not end the queue for everybody.
            logger.exception("classifying a song failed")
            hearing.error, hearing.state = error, "failed"
        took_s = time.monotonic() - began
        self._served[song.visitor] = self._served.get(song.visitor, 0.0) + took_s
        self._worked[wanted] = self._worked.get(wanted, 0.0) + took_s
        if not hearing.busy:
            self._open.pop(wanted, None)


@st.cache_resource(show_spinner=False)
def listener() -> Listener:
    """The server's listener for genres, and for questions that somebody waits for."""
    return Listener()


@st.cache_resource(show_spinner=False)
def background_listener() -> Listener:
    """The server's listener for what nobody waits for; it works while the other has nothing to do,
    in a process that leaves the processors to others."""
    return Listener(after=listener(), rest_s=_BACKGROUND_REST_S)
