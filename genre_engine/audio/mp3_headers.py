"""Headers of MP3 frames, and the tag in a first frame that says how many follow.

Source: ISO/IEC 11172-3 and 13818-3 (headers), LAME's Xing/Info tag, Fraunhofer's VBRI.
"""

from dataclasses import dataclass

_KBITS = {
    1: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


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


def is_mono(head: bytes) -> bool:
    return head[3] >> 6 == 3


def tag_offset(head: bytes) -> int:
    """Where in a first frame a Xing or Info tag stands: behind the side information."""
    if head[1] >> 3 & 3 == 3:
        return 4 + (17 if is_mono(head) else 32)
    return 4 + (9 if is_mono(head) else 17)


def counting(sound: bytes, n_frames: int, n_bytes: int) -> bytes:
    """A silent frame like those of `sound` with a Xing tag: how many frames follow, and bytes.

    Args:
        sound: begins with a frame's header; the rest isn't looked at.
    """
    kbits = 9 if sound[1] >> 3 & 3 == 3 else 8  # 128 or 64: room for the tag at every sample rate
    head = bytes([0xFF, sound[1] | 1, kbits << 4 | sound[2] & 0x0C, sound[3]])
    frame = frame_at(head, 0)
    length = frame.length if frame else 0
    tag = b"Xing" + (3).to_bytes(4, "big")
    tag += n_frames.to_bytes(4, "big") + (length + n_bytes).to_bytes(4, "big")
    return (head.ljust(tag_offset(head), b"\0") + tag).ljust(length, b"\0")


def recounted(frame: bytes, n_frames: int, n_bytes: int) -> bytes:
    """A tagged frame with another count; what else it says, such as LAME's padding, stays."""
    at = tag_offset(frame)
    flags = int.from_bytes(frame[at + 4 : at + 8], "big")
    if frame[at : at + 4] not in (b"Xing", b"Info") or not flags & 1:
        return counting(frame, n_frames, n_bytes)
    count = n_frames.to_bytes(4, "big")
    size = (len(frame) + n_bytes).to_bytes(4, "big") if flags & 2 else b""
    return frame[: at + 8] + count + size + frame[at + 8 + len(count + size) :]


def tagged_count(frame: bytes) -> int | None:
    """How many frames a tagged frame says that follow; 0 where it doesn't say, None without a tag.

    Fraunhofer's VBRI counts as a tag that doesn't say: decoders here don't know it.
    """
    if frame[36:40] == b"VBRI":
        return 0
    at = tag_offset(frame)
    if frame[at : at + 4] not in (b"Xing", b"Info"):
        return None
    flags = int.from_bytes(frame[at + 4 : at + 8], "big")
    return int.from_bytes(frame[at + 8 : at + 12], "big") if flags & 1 else 0
