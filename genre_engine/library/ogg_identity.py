"""The packets of an Ogg file's streams, without those that hold comments, as one checksum.

How packets are laid out in pages is left out, with the pages' numbers and checksums: programs that
write comments change all of that. A stream's packets are what its pages hold one after the other,
and the table of lengths, joined over its pages, says where each ends. So two running checksums a
stream will do, and no packet is put together.

Source: RFC 3533 (Ogg), RFC 7845 (Opus), the Vorbis I and the Speex specification, RFC 9639 (FLAC).
"""

import hashlib
from typing import BinaryIO

_HEADER_BYTES = 27
_DIGEST_BYTES = 16
_READ = 1 << 18
# A recording of a station may have thousands of links; more streams than this are no music.
_MOST_STREAMS = 2_000
_FIRST_PAGE = 2
# The first packet's beginning of what has its comments in the second.
_COMMENTED = (b"\x01vorbis", b"OpusHead", b"Speex   ", b"\x80theora")
_FLAC = b"\x7fFLAC"
_FLAC_FRAME = 0xFF


class _Stream:
    """One logical stream: what of it counts."""

    def __init__(self) -> None:
        self.body = hashlib.blake2b(digest_size=_DIGEST_BYTES)
        self.lengths = hashlib.blake2b(digest_size=_DIGEST_BYTES)
        self.end = -1
        self._kind: bytes | None = None
        # The packet that comes next, or goes on; None once all that come count.
        self._number: int | None = 0
        self._begun = False
        self._counts = True

    def take(self, lacing: bytes, body: bytes) -> None:
        """A page's table of lengths, and its content."""
        at = done = 0
        while self._number is not None and done < len(lacing):
            length, ended, last = 0, False, done
            while last < len(lacing) and not ended:
                length += lacing[last]
                ended = lacing[last] < 255
                last += 1
            self._piece(lacing[done:last], body[at : at + length], ended=ended)
            at, done = at + length, last
        self.lengths.update(lacing[done:])
        self.body.update(body[at:])

    def _piece(self, lacing: bytes, data: bytes, *, ended: bool) -> None:
        """A packet among a stream's first, or as much of one as a page holds."""
        if not self._begun:
            self._counts = self._is_wanted(data)
            self._begun = True
        if self._counts:
            self.lengths.update(lacing)
            self.body.update(data)
        if ended and self._number is not None:
            self._begun = False
            self._number += 1
            if self._kind == _FLAC:
                # Any number of packets with metadata come before the first frame.
                if self._number > 1 and self._counts:
                    self._number = None
            elif self._number > 1:
                self._number = None

    def _is_wanted(self, data: bytes) -> bool:
        if self._number == 0:
            known = (*_COMMENTED, _FLAC)
            self._kind = next((kind for kind in known if data.startswith(kind)), None)
            return True
        if self._kind == _FLAC:
            return data[:1] == bytes([_FLAC_FRAME])
        return self._kind is None

    def digest(self) -> bytes:
        end = self.end.to_bytes(8, "little", signed=True)
        return self.body.digest() + self.lengths.digest() + end


def ogg_packets(file: BinaryIO, start: int, size: int) -> str | None:
    """The checksum of all that counts, as hex digits; None where the pages are damaged."""
    streams: list[_Stream] = []
    by_serial: dict[bytes, _Stream] = {}
    file.seek(start)
    place = start
    while place < size:
        head = file.read(_HEADER_BYTES)
        if len(head) < _HEADER_BYTES or head[:5] != b"OggS\0":
            return None if head.strip(b"\0") or not _only_zeros(file) else _joined(streams)
        lacing = file.read(head[26])
        body = file.read(sum(lacing))
        place += _HEADER_BYTES + len(lacing) + len(body)
        if len(lacing) < head[26] or len(body) < sum(lacing):
            return None
        serial = head[14:18]
        stream = by_serial.get(serial)
        if head[5] & _FIRST_PAGE or stream is None:
            stream = by_serial[serial] = _Stream()
            streams.append(stream)
            if len(streams) > _MOST_STREAMS:
                return None
        position = int.from_bytes(head[6:14], "little", signed=True)
        if position != -1:
            stream.end = position
        stream.take(lacing, body)
    return _joined(streams)


def _joined(streams: list[_Stream]) -> str:
    digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    for stream in streams:
        digest.update(stream.digest())
    return digest.hexdigest()


def _only_zeros(file: BinaryIO) -> bool:
    while data := file.read(_READ):
        if data.strip(b"\0"):
            return False
    return True
