"""The middle of an MP3 by HTTP range: some hundred kilobytes instead of megabytes.

The file's length is asked for first; with the track's duration it says where the middle lies. What
comes is cut at frames. A server that ignores ranges sends the file from its beginning: then that is
read until the middle is there, and what is kept is the same.
"""

import os
from collections.abc import Callable
from pathlib import Path

from genre_engine.audio import mp3_frames
from genre_engine.errors import DownloadError
from genre_engine.storage import workspace
from genre_engine.web.http import Answer, BeyondEnd, Cut, Retry, Web

# On each side: what is lost at the cuts, and what a changing bit rate shifts.
MARGIN_S = 1.5
# Pieces that are asked for at most, where the bit rate is higher in the middle than on average.
_PIECES = 4
_SHORT = 0.98

Count = Callable[[int], None]


def span(total: int, duration_s: float, seconds: float) -> tuple[int, int]:
    """The bytes of a file that hold its middle, from and up to before."""
    half_s = seconds / 2 + MARGIN_S
    if duration_s <= 2 * half_s:
        return 0, total
    half = half_s * total / duration_s
    return max(0, int(total / 2 - half)), min(total, int(total / 2 + half) + 1)


def fetch_middle(
    url: str,
    target: Path,
    *,
    duration_s: float,
    seconds: float,
    web: Web,
    retry: Retry,
    max_bytes: int,
    count: Count | None = None,
) -> int:
    """Fetch the middle `seconds` of an MP3 to `target`; a short track whole.

    Args:
        duration_s: how long the whole track lasts.
        max_bytes: a longer file is refused.
        count: called with the bytes that have come, as they come.

    Returns:
        The excerpt's length in bytes.

    Raises:
        NotThere, DownloadError: as `fetch.fetch`; also where there is no MP3.
        StorageError: it can't be written.
    """
    total = retry.persist(lambda: web.size(url), lambda: 0, url)
    piece = _Piece(web, url, max_bytes, count or (lambda n: None))
    if total is None:
        # Neither its length nor, without that, where its middle lies.
        retry.persist(piece.whole, piece.have, url)
        data, length_s = cut(bytes(piece.data), duration_s, seconds)
    else:
        if total > max_bytes:
            raise DownloadError(f"{url} has {total} bytes, over the limit of {max_bytes}.")
        start, end = span(total, duration_s, seconds)
        piece.total = total
        data, length_s = b"", 0.0
        for _ in range(_PIECES):
            piece.want(start, end)
            retry.persist(piece.attempt, piece.have, url)
            whole = start == 0 and end == total
            data, length_s = (
                (bytes(piece.data), seconds)
                if whole
                else mp3_frames.middle(bytes(piece.data), seconds)
            )
            if not length_s or length_s >= seconds * _SHORT or end == total:
                break
            # The middle has more bytes a second than the average; this is its own rate.
            per_s = len(data) / length_s
            missing = int((seconds - length_s + MARGIN_S) * per_s)
            end = min(total, end + missing)
    if not length_s or not mp3_frames.frames(data):
        raise DownloadError(f"{url} is no MP3 that a piece can be taken from.")
    write(target, data)
    return len(data)


def cut(data: bytes, duration_s: float, seconds: float) -> tuple[bytes, float]:
    """The middle of a whole file's bytes, and how long it lasts; a short track as it is."""
    start, end = span(len(data), duration_s, seconds)
    if start == 0 and end == len(data):
        return data, seconds
    return mp3_frames.middle(data[start:end], seconds)


def write(target: Path, data: bytes) -> None:
    """Put a file in its place, whole or not at all.

    Raises:
        StorageError: it can't be written.
    """
    part = target.with_name(f".{target.name}.part")
    with workspace.storage_errors(target):
        part.write_bytes(data)
        os.replace(part, target)


class _Piece:
    """Bytes `start` to before `end` of a file, in memory, got in as many attempts as it takes."""

    def __init__(self, web: Web, url: str, max_bytes: int, count: Count) -> None:
        self.web, self.url, self.max_bytes, self.count = web, url, max_bytes, count
        self.data = bytearray()
        self.start = self.end = 0
        self.total: int | None = None
        self._validator = ""

    def have(self) -> int:
        return len(self.data)

    def want(self, start: int, end: int) -> None:
        """Say what is wanted; later only with a later end."""
        self.start, self.end = start, end

    def attempt(self) -> None:
        at = self.start + len(self.data)
        if at >= self.end:
            return
        try:
            with self.web.open(
                self.url, start=at, end=self.end, validator=self._validator
            ) as answer:
                if answer.total is not None and answer.total != self.total:
                    raise DownloadError(f"{self.url} changes while it is fetched. Try again later.")
                self._validator = answer.validator
                self._take(answer, at)
        except BeyondEnd as end:
            raise Cut(str(end)) from end
        if self.start + len(self.data) < self.end:
            raise Cut("the connection was cut")

    def _take(self, answer: Answer, at: int) -> None:
        """Keep what lies from `at` to before `end`; stop there, whatever more the server sends."""
        place = answer.start
        for came in answer.pieces():
            self.count(len(came))
            first = max(0, at - place)
            self.data += came[first : max(first, self.end - place)]
            place += len(came)
            if place >= self.end:
                return

    def whole(self) -> None:
        self.data.clear()
        with self.web.open(self.url) as answer:
            for came in answer.pieces():
                self.count(len(came))
                self.data += came
                if len(self.data) > self.max_bytes:
                    raise DownloadError(
                        f"{self.url} has more than the limit of {self.max_bytes} bytes."
                    )
            if answer.total is not None and len(self.data) < answer.total:
                raise Cut("the connection was cut")
