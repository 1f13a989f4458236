"""MP3 as a row of frames: where they begin, how long they last, what a file's header claims.

A frame begins with eleven set bits and says its own length; any row of whole frames is an MP3 that
decodes. So the middle of a file can be cut out without the rest.

Source: ISO/IEC 11172-3 and 13818-3 (headers), LAME's Xing/Info tag.
"""

import math
from dataclasses import dataclass
from pathlib import Path

_KBITS = {
    1: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}

# So many frames of a kind in a row aren't there by chance.
_SURE = 4
# A frame may borrow from those before it, so the first ones of a piece sound wrong.
LEAD = 4


@dataclass(frozen=True)
class Frame:
    """One frame: where it begins, its length in bytes, its samples a channel and their rate."""

    offset: int
    length: int
    samples: int
    sample_rate: int

    @property
    def seconds(self) -> float:
        return self.samples / self.sample_rate


def frame_at(data: bytes, offset: int) -> Frame | None:
    """The frame whose header lies at `offset`, or None where there is no such header."""
    head = data[offset : offset + 4]
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0 or head[1] & 0x06 != 0x02:
        return None
    version, kbits, rate = head[1] >> 3 & 3, head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or kbits in (0, 15) or rate == 3:
        return None
    first = version == 3
    sample_rate = _RATES[version][rate]
    bits = _KBITS[1 if first else 2][kbits] * 1000
    length = (144 if first else 72) * bits // sample_rate + (head[2] >> 1 & 1)
    return Frame(offset, length, 1152 if first else 576, sample_rate)


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
    return _counting(sound, len(kept)) + sound, sum(frame.seconds for frame in kept)


def _counting(sound: bytes, n_frames: int) -> bytes:
    """A silent frame like those of `sound` with a Xing tag: how many frames follow, and bytes."""
    first, mono = sound[1] >> 3 & 3 == 3, sound[3] >> 6 == 3
    kbits = 9 if first else 8  # 128 or 64 kbit/s: room for the tag at every sample rate
    head = bytes([0xFF, sound[1] | 1, kbits << 4 | sound[2] & 0x0C, sound[3]])
    frame = frame_at(head, 0)
    length = frame.length if frame else 0
    side = (17 if mono else 32) if first else (9 if mono else 17)
    tag = b"Xing" + (3).to_bytes(4, "big")
    tag += n_frames.to_bytes(4, "big") + (length + len(sound)).to_bytes(4, "big")
    return (head + bytes(side) + tag).ljust(length, b"\0")


def problem(path: Path) -> str | None:
    """What is wrong with an MP3 file as far as its beginning and length tell, or None."""
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
