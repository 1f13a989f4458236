"""Headers of WAV, W64 and RF64 files whose writer never came back to fill in the length.

A recorder that crashed leaves 0 there, a program that writes into a pipe 0 or the greatest number.
The sound then goes on to the end of the file. (AIFF, AU, CAF and FLAC say nothing false in that
case, and decoders read them as they are.)

Source: the Multimedia Programming Interface 1.0 (RIFF), EBU Tech 3306 (RF64), Sony's Wave64.
"""

from typing import BinaryIO, Literal

from genre_engine.audio.virtual_file import Piece

_HEAD = 1 << 16
# Who writes without knowing the end claims all, or half, of what the format has room for.
_UNKNOWN_FROM = 0x7FFF0000
_MOST = 0xFFFFFFFF
_W64_TAIL = b"\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
_W64_HEADER = 24


def completed(file: BinaryIO) -> list[Piece] | None:
    """The file with its length filled in, or None where it isn't one of these."""
    size = file.seek(0, 2)
    file.seek(0)
    start = _behind_id3(file.read(10))
    file.seek(start)
    head = file.read(_HEAD)
    if head[:4] in (b"RIFF", b"RIFX", b"RF64") and head[8:12] == b"WAVE":
        return _riff(head, start, size, file)
    if head[:4] == b"riff" and head[24:28] == b"wave":
        return _w64(head, start, size)
    return None


def _behind_id3(head: bytes) -> int:
    """Where the file itself begins, behind an ID3 tag."""
    if head[:3] != b"ID3" or len(head) < 10:
        return 0
    a, b, c, d = (byte & 0x7F for byte in head[6:10])
    return 10 + (a << 21 | b << 14 | c << 7 | d)


def _riff(head: bytes, start: int, size: int, file: BinaryIO) -> list[Piece] | None:
    order: Literal["big", "little"] = "big" if head[:4] == b"RIFX" else "little"
    at, ds64 = 12, None
    while at + 8 <= len(head):
        name, length = head[at : at + 4], int.from_bytes(head[at + 4 : at + 8], order)
        if name == b"ds64":
            ds64 = at + 8
        if name == b"data":
            break
        at += 8 + length + length % 2
    else:
        return None
    if ds64 is not None:
        length = int.from_bytes(head[ds64 + 8 : ds64 + 16], order)
    there = size - start - at - 8
    known = 0 < length < (_UNKNOWN_FROM if ds64 is None else 2**62)
    if known or there <= 0 or (not length and _has_chunks(file, start + at + 8, size, order)):
        return None
    fixed = bytearray(head[: at + 8])
    fixed[4:8] = min(_MOST, size - start - 8).to_bytes(4, order)
    if ds64 is None:
        fixed[-4:] = min(_MOST, there).to_bytes(4, order)
    else:
        fixed[:4], fixed[-4:] = b"RF64", _MOST.to_bytes(4, order)
        fixed[4:8] = _MOST.to_bytes(4, order)
        fixed[ds64 : ds64 + 8] = (size - start - 8).to_bytes(8, order)
        fixed[ds64 + 8 : ds64 + 16] = there.to_bytes(8, order)
    return [bytes(fixed), (start + at + 8, size)]


def _has_chunks(file: BinaryIO, at: int, size: int, order: Literal["big", "little"]) -> bool:
    """Whether whole chunks lie from here to the end: then there really is no sound."""
    for _ in range(1000):
        if at >= size - 1:
            return True
        file.seek(at)
        head = file.read(8)
        if len(head) < 8 or not head[:4].isascii() or not head[:4].strip().isalnum():
            return False
        length = int.from_bytes(head[4:], order)
        at += 8 + length + length % 2
        if at > size + 1:
            return False
    return False


def _w64(head: bytes, start: int, size: int) -> list[Piece] | None:
    at = 40
    while at + _W64_HEADER <= len(head):
        length = int.from_bytes(head[at + 16 : at + 24], "little")
        if head[at : at + 16] == b"data" + _W64_TAIL:
            break
        at += max(_W64_HEADER, (length + 7) // 8 * 8)
    else:
        return None
    there = size - start - at
    if _W64_HEADER < length < 2**62 or there <= _W64_HEADER:
        return None
    fixed = bytearray(head[: at + _W64_HEADER])
    fixed[16:24] = (size - start).to_bytes(8, "little")
    fixed[-8:] = there.to_bytes(8, "little")
    return [bytes(fixed), (start + at + _W64_HEADER, size)]
