"""An MP3 as parts that a decoder reads to their ends: whatever the file's header says.

Decoders estimate the length of an MP3 that doesn't say it, and stop there; what was joined to it
they leave out. So the frames are counted, from header to header, which costs about a hundredth of
decoding. A part is a row of frames of one sample rate and as many channels, with a frame in front
that says how many there are.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from genre_engine.audio.mp3_headers import (
    counting,
    frame_at,
    is_mono,
    recounted,
    tag_offset,
    tagged_count,
)
from genre_engine.audio.virtual_file import Piece

# So many frames of a kind in a row aren't there by chance.
_SURE = 4
_VBRI, _VBRI_AT = b"VBRI", 36
_TAGS = frozenset([b"Xing", b"Info", _VBRI])
# No frame is longer than this.
_LONGEST = 1441
_READ = 1 << 20
# How often something is looked at that only begins like a frame, before a file is given up.
_MOST_TRIES = 100_000


# Version and layer, sample rate, mono.
Form = tuple[int, int, bool]


@dataclass
class Part:
    """A row of frames.

    Attributes:
        form: what stays the same in it.
        head: its first frame's header.
        tagged: where its tagged frame lies, where there is one.
        samples: of one frame, a channel.
        claimed: how many frames its tag says; 0 where it doesn't say, None without a tag.
        n_frames: those that are there, whole, without the tagged one.
        ranges: where they lie, from and up to before; several where something else lies between.
    """

    form: Form
    sample_rate: int
    samples: int
    head: bytes
    claimed: int | None = None
    tagged: tuple[int, int] | None = None
    n_frames: int = 0
    ranges: list[tuple[int, int]] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return self.n_frames * self.samples / self.sample_rate

    @property
    def n_bytes(self) -> int:
        return sum(end - start for start, end in self.ranges)


def pieces(part: Part, file: BinaryIO) -> list[Piece]:
    """A part as a file of its own, which says how many frames it has."""
    ranges: list[Piece] = list(part.ranges)
    if part.tagged is None or not part.claimed:
        # The tagged frame, where there is one, is silent; nothing of it is needed.
        return [counting(part.head, part.n_frames, part.n_bytes), *ranges]
    start, end = part.tagged
    if part.claimed >= part.n_frames:
        return [(start, end), *ranges]
    file.seek(start)
    return [recounted(file.read(end - start), part.n_frames, part.n_bytes), *ranges]


def parts(file: BinaryIO) -> list[Part]:
    """The parts of an MP3; none where there are no frames of layer III that can be counted."""
    found = [part for part in _Walk(file).parts() if part.n_frames]
    for number, part in enumerate(found[:-1]):
        # Some programs that join files write the count of all, with or without the tagged frames,
        # into the first one's tag.
        rest = sum(other.n_frames for other in found[number:])
        if part.claimed and rest <= part.claimed <= rest + len(found):
            part.claimed = part.n_frames
    return found


class _Walk:
    """Goes from header to header through a file, a megabyte at a time."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._data, self._base = b"", 0
        self._tries = 0
        # What a header's four bytes stand for: the frame's length and form, None for no header.
        self._known: dict[bytes, tuple[int, Form] | None] = {}
        # The lengths of those of one form; 0 for all others.
        self._lengths: dict[Form, dict[bytes, int]] = {}

    def parts(self) -> Iterator[Part]:
        place: int | None = 0
        part: Part | None = None
        while place is not None and (place := self._next_row(place)) is not None:
            new = self._part(place)
            if part is None or new.form != part.form or new.tagged:
                if part is not None:
                    yield part
                part = new
                place = new.tagged[1] if new.tagged else place
            place = self._row(place, part)
        if part is not None:
            yield part

    def _entry(self, head: bytes) -> tuple[int, Form] | None:
        try:
            return self._known[head]
        except KeyError:
            frame = frame_at(head, 0)
            entry = None
            if frame:
                # Version and layer, not the bit that says whether there is a checksum.
                entry = frame.length, (head[1] & 0xFE, head[2] & 0x0C, is_mono(head))
            self._known[head] = entry
            return entry

    def _from(self, place: int) -> bytes:
        """What lies from a place on, more than one frame where there is more."""
        end = self._base + len(self._data)
        if not self._base <= place <= end - _LONGEST - 4:
            self._file.seek(place)
            self._base, self._data = place, self._file.read(_READ)
        return self._data[place - self._base : place - self._base + _LONGEST]

    def _part(self, place: int) -> Part:
        """The part that begins with the frame at a place where there is one."""
        data = self._from(place)
        frame, entry = frame_at(data, 0), self._entry(data[:4])
        if frame is None or entry is None:
            raise ValueError(f"there is no frame at {place}")
        part = Part(entry[1], frame.sample_rate, frame.samples, data[:4])
        part.claimed = tagged_count(data)
        if part.claimed is not None:
            part.tagged = place, place + frame.length
        return part

    def _row(self, place: int, part: Part) -> int:
        """Take whole frames of the part's form from a place on; returns where there is no more."""
        start, count = place, 0
        while True:
            self._from(place)
            at, taken = self._frames(place - self._base, part)
            ended = at <= len(self._data) - _LONGEST - 4 or len(self._data) < _READ
            place, count = self._base + at, count + taken
            if ended:
                break
        if count:
            part.n_frames += count
            if part.ranges and part.ranges[-1][1] == start:
                part.ranges[-1] = part.ranges[-1][0], place
            else:
                part.ranges.append((start, place))
        return place

    def _frames(self, at: int, part: Part) -> tuple[int, int]:
        """From a place in the data to the last that surely holds a whole frame, and their number.

        This is gone through for every frame of a file, so it looks things up and computes nothing.
        """
        data, count = self._data, 0
        lengths = self._lengths.setdefault(part.form, {})
        tag_at = tag_offset(part.head)
        end = len(data) - (_LONGEST + 4 if len(data) == _READ else 0)
        while at <= end:
            head = data[at : at + 4]
            length = lengths.get(head)
            if length is None:
                entry = self._entry(head)
                length = lengths[head] = entry[0] if entry and entry[1] == part.form else 0
            if (
                not length
                or data[at + tag_at : at + tag_at + 4] in _TAGS
                or at + length > len(data)
            ):
                break
            if tag_at != _VBRI_AT and data[at + _VBRI_AT : at + _VBRI_AT + 4] == _VBRI:
                break
            at += length
            count += 1
        return at, count

    def _next_row(self, place: int) -> int | None:
        """Where the next frames surely begin, from a place on; None where there are none."""
        while self._tries < _MOST_TRIES:
            data = self._from(place)
            if len(data) < 4:
                return None
            if data[:3] == b"ID3" and len(data) >= 10:
                # Its length is written in seven bits a byte; the header's ten aren't counted.
                a, b, c, d = (byte & 0x7F for byte in data[6:10])
                place += 10 + (a << 21 | b << 14 | c << 7 | d)
                continue
            self._tries += 1
            if self._is_row(place):
                return place
            place = self._next_start(place + 1)
        return None

    def _next_start(self, place: int) -> int:
        """The next byte that may begin a frame or an ID3 tag, or the end of the file."""
        while True:
            self._from(place)
            at = place - self._base
            hits = [hit for start in (b"\xff", b"ID3") if (hit := self._data.find(start, at)) >= 0]
            if hits:
                return self._base + min(hits)
            end = self._base + len(self._data)
            if len(self._data) < _READ:
                return end
            # Two bytes of a tag's name may be the last here.
            place = max(place + 1, end - 2)

    def _is_row(self, place: int) -> bool:
        """Whether several frames of one form follow one another here."""
        form = None
        for _ in range(_SURE):
            data = self._from(place)
            entry = self._entry(data[:4])
            if entry is None or entry[1] != (form or entry[1]) or len(data) < entry[0]:
                return False
            form = entry[1]
            place += entry[0]
        return True
