"""A file that is put together from pieces of another one, without copying them.

A header that lies is replaced by bytes of one's own, and what follows is read from where it is.
"""

import io
import os
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

Source = str | os.PathLike[str] | bytes
# Bytes as they are, or a stretch of the source: its first byte and the one after its last.
Piece = bytes | tuple[int, int]

_BUFFER = 1 << 16


class VirtualFile(io.RawIOBase):
    """Reads the pieces one after the other; can be sought in, never written.

    A place before the beginning is taken as the present one, because decoders of damaged files ask
    for such places and an exception would be printed on standard error.
    """

    def __init__(self, source: BinaryIO, pieces: Sequence[Piece]) -> None:
        """Takes `source`, and closes it with itself."""
        super().__init__()
        self._source = source
        self._pieces = [piece for piece in pieces if _length(piece)]
        ends = list(accumulate(_length(piece) for piece in self._pieces))
        self._starts, self._size = [0, *ends[:-1]], ends[-1] if ends else 0
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        place = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if place >= 0:
            self._at = place
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        if self._at >= self._size:
            return 0
        room = memoryview(buffer).cast("B")
        number = bisect_right(self._starts, self._at) - 1
        piece, within = self._pieces[number], self._at - self._starts[number]
        wanted = min(len(room), _length(piece) - within)
        if isinstance(piece, bytes):
            came = piece[within : within + wanted]
        else:
            self._source.seek(piece[0] + within)
            came = self._source.read(wanted)
        room[: len(came)] = came
        self._at += len(came)
        return len(came)

    def close(self) -> None:
        self._source.close()
        super().close()


def opened(source: Source) -> BinaryIO:
    """A path or bytes as an open file, read without a buffer of its own."""
    if isinstance(source, bytes):
        return io.BytesIO(source)
    return open(source, "rb", buffering=0)  # noqa: PTH123 - the caller closes it


def assembled(source: Source, pieces: Sequence[Piece]) -> BinaryIO:
    """The pieces of a path or of bytes as one file, with a buffer for many small reads."""
    return io.BufferedReader(VirtualFile(opened(source), pieces), _BUFFER)


def _length(piece: Piece) -> int:
    return len(piece) if isinstance(piece, bytes) else max(0, piece[1] - piece[0])
