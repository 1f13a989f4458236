"""MP3 as a row of frames: where they begin, how long they last, what a file's header claims.

A frame begins with eleven set bits and says its own length; any row of whole frames is an MP3 that
decodes. So the middle of a file can be cut out without the rest.

Source: ISO/IEC 11172-3 and 13818-3 (headers), LAME's Xing/Info tag.
"""

import math
from pathlib import Path

from genre_engine.audio.mp3_headers import Frame, counting, frame_at

# So many frames of a kind in a row aren't there by chance.
_SURE = 4
# A frame may borrow from those before it, so the first ones of a piece sound wrong.
LEAD = 4


def frames(data: bytes, most: int | None = None) -> list[Frame]:
    """The whole frames in a piece of a file, from the first that is surely one."""
    start = data.find(b"\xff")
    while start >= 0:
        found = _row(data, start, most)
        if len(found) >= _SURE:
            return found
        start = data.find(b"\xff", start + 1)
    return []


def _row(data: bytes, offset: int, most: int | None) -> list[Frame]:
    found: list[Frame] = []
    while (frame := frame_at(data, offset)) and offset + frame.length <= len(data):
        if found and frame.sample_rate != found[0].sample_rate:
            break
        found.append(frame)
        offset += frame.length
        if len(found) == most:
            break
    return found


def middle(data: bytes, seconds: float) -> tuple[bytes, float]:
    """The middle of a piece, cut at frames, and how long it lasts.

    It holds `seconds` and, where there are more, some frames before and after, so that the middle
    of what decodes is sound. A frame in front says how many follow: decoders guess wrongly from a
    changing bit rate, and some stop where they have guessed the end.
    """
    row = frames(data)
    if not row:
        return b"", 0.0
    if _claimed_at(data, row[0].offset) is not None:
        del row[0]  # holds no sound but the whole file's length, which the piece hasn't
    wanted = math.ceil(seconds / row[0].seconds) + 2 * LEAD if row else 0
    first = max(0, (len(row) - wanted) // 2)
    kept = row[first : first + wanted]
    if not kept:
        return b"", 0.0
    start, end = kept[0].offset, kept[-1].offset + kept[-1].length
    sound = data[start:end]
    return counting(sound, len(kept), len(sound)) + sound, sum(frame.seconds for frame in kept)


def problem(path: Path) -> str | None:
    """What is wrong with an MP3 file as far as its beginning and length show, or None."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(10)
        skipped = 0
        if head[:3] == b"ID3" and len(head) == 10:
            # Its length is written in seven bits a byte; the header's ten bytes aren't counted.
            a, b, c, d = (byte & 0x7F for byte in head[6:])
            skipped = 10 + (a << 21 | b << 14 | c << 7 | d)
        file.seek(skipped)
        data = file.read(1 << 14)
    row = frames(data, _SURE)
    if not row:
        return "it is no MP3"
    claimed = _claimed_at(data, row[0].offset)
    if claimed is not None and skipped + row[0].offset + claimed > size:
        return f"it has {size} bytes, fewer than it says itself"
    return None


def _claimed_at(data: bytes, offset: int) -> int | None:
    """How many bytes the Xing or Info tag in a frame says that the frames have; None without one.

    0 where there is a tag that doesn't say.
    """
    frame = data[offset : offset + 200]
    for tag in (b"Xing", b"Info"):
        # Behind the side information, whose length is one of four.
        at = next((i for i in (36, 21, 13) if frame[i : i + 4] == tag), None)
        if at is None:
            continue
        flags = int.from_bytes(frame[at + 4 : at + 8], "big")
        if not flags & 2:
            return 0
        at += 12 if flags & 1 else 8
        return int.from_bytes(frame[at : at + 4], "big")
    return None
