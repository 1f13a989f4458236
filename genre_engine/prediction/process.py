"""Prediction in a process of its own, for a server that must stay small and quick.

TensorFlow gives its memory back only when its process ends, and Streamlit resets Keras after every
run of a page, which takes half a second once Keras is loaded and spoils a network that another
thread is building. So the app's server never loads either: it starts this process when the first
song comes and ends it when none has come for a while.

The two talk through the child's standard input and output, a JSON object a line:

    {"open": KEY, "model": ID, "bytes": N} and N bytes   → {"analysis": …}   the first snapshot
    {"step": KEY}                                        → {"analysis": …}   the next one
    {"close": KEY}                                       → {}

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
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from genre_engine import errors
from genre_engine.errors import GenreEngineError
from genre_engine.prediction.analysis import Analysis, dump, restore

logger = logging.getLogger(__name__)

Note = Callable[[str], None]


class ProcessEnded(GenreEngineError):
    """The listening process ended by itself, most likely for want of memory."""


class ListeningProcess:
    """The server's end; for one thread only."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def open(self, key: str, data: bytes, note: Note, model: str = "full") -> Analysis:
        """The first snapshot of the song in `data`; `note` gets what is being done.

        A key stands for one song and one model, by its id; several may be open at a time.

        Raises:
            GenreEngineError: the child of it that says what is wrong with the song or the model.
            ProcessEnded: the process is gone, and all songs that were open with it.
        """
        if not self.running:
            self._start()
        return self._ask({"open": key, "model": model, "bytes": len(data)}, data, note)

    def step(self, key: str) -> Analysis:
        """The next snapshot; raises what `open` raises."""
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
            [sys.executable, "-m", "genre_engine.prediction.process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )

    def _ask(
        self, request: dict[str, Any], data: bytes = b"", note: Note | None = None
    ) -> Analysis:
        answer = self._exchange(request, data, note)
        if "error" in answer:
            kind = getattr(errors, answer["error"], None)
            if isinstance(kind, type) and issubclass(kind, GenreEngineError):
                raise kind(answer["message"])
            raise RuntimeError(f"{answer['error']}: {answer['message']}")
        return restore(answer["analysis"])

    def _exchange(
        self, request: dict[str, Any], data: bytes = b"", note: Note | None = None
    ) -> dict[str, Any]:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise ProcessEnded("The listening process isn't running. Try again.")
        with suppress(BrokenPipeError):  # said below, as the end of its output
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.write(data)
            process.stdin.flush()
        for line in process.stdout:
            if not line.endswith(b"\n"):  # it ended while it wrote this
                break
            answer: dict[str, Any] = json.loads(line)
            if "fetching" in answer or "note" in answer:
                if note is not None:
                    note(_told(answer))
                continue
            return answer
        self.end()
        raise ProcessEnded(
            "The process that listens to the songs has ended, most likely because memory is short. "
            "Close other programs, then try again."
        )


def _told(answer: dict[str, Any]) -> str:
    if "note" in answer:
        return str(answer["note"])
    done, total = answer["fetching"]
    return f"Fetching the pretrained networks, once: {done / total:.0%} of {total / 1e6:.0f} MB"


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """The child's end: answer requests until there are no more."""
    songs: dict[str, Iterator[Analysis]] = {}

    def say(**answer: Any) -> None:
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()

    for line in requests:
        request = json.loads(line)
        if "close" in request:
            songs.pop(request["close"], None)
            say()
            continue
        if "open" in request:
            key, data = request["open"], requests.read(request["bytes"])
            if len(data) < request["bytes"]:  # the server ended while it sent them
                return
            songs[key] = _listened(data, request.get("model", "full"), say)
        else:
            key = request["step"]
        try:
            analysis = next(songs[key])
        except GenreEngineError as error:
            songs.pop(key, None)
            say(error=type(error).__name__, message=str(error))
        except Exception as error:
            # A fault of ours with one song must not take the others with it.
            logger.exception("listening to a song failed")
            songs.pop(key, None)
            say(error=type(error).__name__, message=str(error))
        else:
            if analysis.share_heard >= 1.0:
                del songs[key]
            say(analysis=dump(analysis))


def _listened(data: bytes, model: str, say: Callable[..., None]) -> Iterator[Analysis]:
    from genre_engine import prediction

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
    # What libraries print must not get between the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with suppress(BrokenPipeError):  # the server is gone
        serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
