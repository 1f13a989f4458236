"""Prediction in a process of its own, for a server that must stay small and quick.

TensorFlow gives its memory back only when its process ends, and Streamlit resets Keras after every
run of a page, which takes half a second once Keras is loaded and spoils a network that another
thread is building. So the app's server never loads either: it starts this process when the first
song comes and ends it when none has come for a while.

The two talk through the child's standard input and output, a JSON object a line:

    {"open": KEY, "model": ID, "bytes": N} and N bytes   → {"analysis": …}   the first snapshot
    {"step": KEY}                                        → {"analysis": …}   the next one
    {"close": KEY}                                       → {}

Instead of a model, ID may be a question about the song (`questions`): then the answer to `open` or
to a `step` is {"answer": …} once it is known, as plain values.

An answer comes after a turn of a third of a second, also where there is no new snapshot by then:
{"analysis": null}. So songs of several visitors take turns, however long one of them is. A child
that gives no answer for a long time is ended.

Before an answer there may be lines {"fetching": [bytes, of bytes]} and {"note": TEXT}; instead of
one {"error": TYPE, "message": TEXT}. The child ends when its standard input does, so it never
outlives the server, however that ends.
"""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from genre_engine import errors
from genre_engine.errors import GenreEngineError
from genre_engine.prediction.analysis import Analysis, dump, restore
from genre_engine.storage import turns

logger = logging.getLogger(__name__)

Note = Callable[[str], None]
# A snapshot, or the answer to a question.
Found = Analysis | dict[str, Any]
_BACKGROUND = "background"

# After so long, another song may have its turn.
TURN_S = 0.33
# Who gives no answer for so long hangs.
HANG_S = 120.0
_JOIN_S = 1.0


class ProcessEnded(GenreEngineError):
    """The listening process ended by itself, most likely for want of memory."""


class ListeningProcess:
    """The server's end; for one thread only.

    Args:
        background: whether it leaves the processors to whoever else wants them.
    """

    def __init__(self, *, background: bool = False) -> None:
        self._background = background
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def _hang_s(self) -> float:
        # What leaves the processors to others may get little of them.
        return HANG_S * (5 if self._background else 1)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def open(self, key: str, data: bytes, note: Note, model: str = "full") -> Found | None:
        """The first snapshot of the song in `data`, or the answer to a question about it; None
        after a turn without one.

        `note` gets what is being done.

        A key stands for one song and one model, by its id; several may be open at a time.

        Raises:
            GenreEngineError: the child of it that says what is wrong with the song or the model.
            ProcessEnded: the process is gone, and all songs that were open with it.
        """
        if not self.running:
            self._start()
        return self._ask({"open": key, "model": model, "bytes": len(data)}, data, note)

    def step(self, key: str) -> Found | None:
        """The next snapshot or the answer, or None after a turn without one; raises as `open`."""
        return self._ask({"step": key})

    def close(self, key: str) -> None:
        """Forget a song that isn't wanted any more."""
        if self.running:
            self._exchange({"close": key})

    def end(self) -> None:
        """End the process and give its memory back; `open` starts a new one."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _start(self) -> None:
        self.end()
        # The child must find this package wherever the server was started from.
        package_home = str(Path(__file__).parents[2])
        paths = [package_home, *filter(None, [os.environ.get("PYTHONPATH")])]
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "genre_engine.prediction.process",
                *([_BACKGROUND] if self._background else []),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )

    def _ask(
        self, request: dict[str, Any], data: bytes = b"", note: Note | None = None
    ) -> Found | None:
        answer = self._exchange(request, data, note)
        if "error" in answer:
            kind = getattr(errors, answer["error"], None)
            if isinstance(kind, type) and issubclass(kind, GenreEngineError):
                raise kind(answer["message"])
            raise RuntimeError(f"{answer['error']}: {answer['message']}")
        if "answer" in answer:
            return dict(answer["answer"])
        found = answer["analysis"]
        return None if found is None else restore(found)

    def _exchange(
        self, request: dict[str, Any], data: bytes = b"", note: Note | None = None
    ) -> dict[str, Any]:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise ProcessEnded("The listening process isn't running. Try again.")
        with _Watchdog(process, self._hang_s) as watchdog:
            with suppress(BrokenPipeError):  # said below, as the end of its output
                process.stdin.write(json.dumps(request).encode() + b"\n")
                process.stdin.write(data)
                process.stdin.flush()
            for line in process.stdout:
                watchdog.reset()
                if not line.endswith(b"\n"):  # it ended while it wrote this
                    break
                answer: dict[str, Any] = json.loads(line)
                if "fetching" in answer or "note" in answer:
                    if note is not None:
                        note(_note(answer))
                    continue
                return answer
        self.end()
        if watchdog.bit:
            raise ProcessEnded(
                f"The analysis of this song gave no sign of life for {self._hang_s:.0f} s and was "
                "ended. Convert the file to FLAC or WAV, then try again."
            )
        raise ProcessEnded(
            "The process that listens to the songs has ended, most likely because memory is short. "
            "Close other programs, then try again."
        )


class _Watchdog:
    """Kills a process that says nothing for so many seconds."""

    def __init__(self, process: "subprocess.Popen[bytes]", hang_s: float) -> None:
        self._process, self._hang_s = process, hang_s
        self._timer: threading.Timer | None = None
        self.bit = False

    def __enter__(self) -> "_Watchdog":
        self.reset()
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def reset(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(self._hang_s, self._bite)
        self._timer.daemon = True
        self._timer.start()

    def _bite(self) -> None:
        self.bit = True
        self._process.kill()


def _note(answer: dict[str, Any]) -> str:
    if "note" in answer:
        return str(answer["note"])
    done, total = answer["fetching"]
    return f"Fetching the pretrained networks, once: {done / total:.0%} of {total / 1e6:.0f} MB"


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """The child's end: answer requests until there are no more."""
    songs: dict[str, _Turns] = {}

    def say(**answer: Any) -> None:
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()

    for line in requests:
        request = json.loads(line)
        if "close" in request:
            if (closed := songs.pop(request["close"], None)) is not None:
                closed.close()
            say()
            continue
        if "open" in request:
            key, data = request["open"], requests.read(request["bytes"])
            if len(data) < request["bytes"]:  # the server ended while it sent them
                return
            songs[key] = _Turns(_listened(data, request.get("model", "full"), say))
        else:
            key = request["step"]
        try:
            analysis = songs[key].take()
        except GenreEngineError as error:
            songs.pop(key, None)
            say(error=type(error).__name__, message=str(error))
        except Exception as error:
            # A fault of ours with one song must not take the others with it.
            logger.exception("listening to a song failed")
            songs.pop(key, None)
            say(error=type(error).__name__, message=str(error))
        else:
            if analysis is None:
                say(analysis=None)
                continue
            if not isinstance(analysis, Analysis):
                songs.pop(key).close()
                say(answer=analysis)
                continue
            if analysis.share_heard >= 1.0:
                songs.pop(key).close()
            say(analysis=dump(analysis))


class _Closed(BaseException):
    """Ends the work on a song that nobody wants any more."""


class _Turns:
    """One song's analyses, worked on in a thread of its own a turn at a time.

    Only one thread works at any moment: the one whose song has its turn, while who called `take`
    waits.
    """

    def __init__(self, analyses: Iterator[Found]) -> None:
        self._analyses = analyses
        self._go, self._done = threading.Semaphore(0), threading.Semaphore(0)
        self._closed = False
        self._ends = 0.0
        self._found: Found | Exception | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def take(self) -> Found | None:
        """Work until there is a snapshot or the turn is over; raises what the work raises."""
        self._ends, self._found = time.monotonic() + TURN_S, None
        self._go.release()
        self._done.acquire()
        if isinstance(self._found, Exception):
            raise self._found
        return self._found

    def close(self) -> None:
        """End the work, and let go of what it holds."""
        self._closed = True
        self._go.release()
        self._thread.join(_JOIN_S)

    def _work(self) -> None:
        try:
            self._wait()
            with turns.taking(self._pause):
                for analysis in self._analyses:
                    self._found = analysis
                    self._done.release()
                    self._wait()
        except _Closed:
            pass
        except Exception as error:  # noqa: BLE001 - raised where the turn was asked for
            self._found = error
            self._done.release()

    def _pause(self) -> None:
        if time.monotonic() >= self._ends:
            self._done.release()
            self._wait()

    def _wait(self) -> None:
        self._go.acquire()
        if self._closed:
            raise _Closed


def _listened(data: bytes, model: str, say: Callable[..., None]) -> Iterator[Found]:
    from genre_engine import prediction
    from genre_engine.prediction import questions

    if questions.is_question(model):
        yield questions.answer(model, data)
        return
    chosen = prediction.open_model(model)
    say(note="Loading the model" if chosen.info.is_run else "Loading the networks")
    chosen.prepare(lambda done, total: say(fetching=[done, total]))
    say(note="Analysing")
    if (first := chosen.glance(data)) is not None:
        yield first
    yield from chosen.stream(data)


def main() -> None:
    # Control-C in a terminal reaches all of its processes; this one ends with its server.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if _BACKGROUND in sys.argv[1:] and hasattr(os, "nice"):
        os.nice(10)
    # What libraries print must not get between the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with suppress(BrokenPipeError):  # the server is gone
        serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
