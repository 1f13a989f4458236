"""Vorbis comments, and FLAC's block of them.

Comments are exchanged in their raw bytes: the program's name, the order and the spelling of all
others stay, also where they are no valid UTF-8.

Source: the Vorbis I specification (5), RFC 9639 (8).
"""

from collections.abc import Sequence
from typing import BinaryIO, NamedTuple

from genre_engine.errors import TagsError
from genre_engine.library.tag_formats.splices import (
    MOST_BYTES,
    Edit,
    Entry,
    Items,
    Splice,
    as_splices,
    growth,
    item_edits,
)

# The first of several names is written where none of them is there.
SLOTS = {
    "genre": ("GENRE",),
    "mood": ("MOOD",),
    "bpm": ("BPM",),
    "key": ("INITIALKEY", "KEY"),
}
_WANTED = {name for names in SLOTS.values() for name in names}
_MOST_COMMENTS = 1_000_000
_COMMENTS, _PADDING_BLOCK, _LAST = 4, 1, 0x80
_MOST_BLOCK = (1 << 24) - 1
_PADDING = 1024
_MOST_BLOCKS = 20_000


def damaged() -> TagsError:
    return TagsError("Its comments are damaged. Repair them with a tag editor, then try again.")


class Comments:
    """Vorbis comments that begin at `begin` of `data`.

    Attributes:
        end: where they end; what follows (a framing bit, padding) isn't theirs.
    """

    def __init__(self, data: bytes, begin: int = 0) -> None:
        """Raises TagsError: they are damaged."""
        self.data = data
        at = begin + 4 + self._number(begin)
        self._count_at, self._count = at, self._number(at)
        if self._count > _MOST_COMMENTS:
            raise damaged()
        at += 4
        self._entries = []
        for _ in range(self._count):
            end = at + 4 + self._number(at)
            if end > len(data):
                raise damaged()
            name = data[at + 4 : min(end, at + 24)].partition(b"=")[0]
            slot = name.decode("latin-1").upper()
            self._entries.append(Entry(slot if slot in _WANTED else None, at, end))
            at = end
        self.end = at

    def _number(self, at: int) -> int:
        if at + 4 > len(self.data):
            raise damaged()
        return int.from_bytes(self.data[at : at + 4], "little")

    def slots(self, field: str) -> tuple[str, ...]:
        return SLOTS[field]

    def items(self, slot: str) -> tuple[bytes, ...]:
        return tuple(self.data[e.start : e.end] for e in self._entries if e.slot == slot)

    def texts(self, slot: str) -> list[str]:
        items = self.items(slot)
        return [item[4:].partition(b"=")[2].decode("utf-8", "replace") for item in items]

    def encode(self, field: str, values: Sequence[str]) -> Items:
        names = SLOTS[field]
        found: Items = dict.fromkeys(names, ())
        name = next((one for one in names if self.items(one)), names[0])
        coded = [f"{name}={value}".encode("utf-8", "replace") for value in values]
        found[name] = tuple(len(one).to_bytes(4, "little") + one for one in coded)
        return found

    def edits(self, changes: Items) -> list[Edit]:
        """The edits of `data`, the count of comments included."""
        edits = item_edits(self.data, self._entries, changes, self.end)
        if edits:
            more = sum(len(items) - len(self.items(slot)) for slot, items in changes.items())
            at = self._count_at
            edits.append((at, at + 4, (self._count + more).to_bytes(4, "little")))
        return edits


class Block(NamedTuple):
    """A block of metadata: where its header of four bytes begins, and where its content ends."""

    kind: int
    start: int
    end: int


class FlacTags(Comments):
    """The first block of comments of a FLAC; the padding takes up what changes in length."""

    kind = "FLAC"

    def __init__(self, data: bytes, start: int, blocks: Sequence[Block]) -> None:
        """`data` is the file from `start` on, to the end of its metadata."""
        self._start, self._blocks = start, blocks
        self._block = next((block for block in blocks if block.kind == _COMMENTS), None)
        if self._block is None:
            super().__init__(bytes(8))
        else:
            super().__init__(data[: self._block.end], self._block.start + 4)
        self._whole = data

    def splices(self, changes: Items) -> list[Splice]:
        edits = self.edits(changes)
        if not edits:
            return []
        if self._block is None:
            return self._with_new_block(edits)
        length = self._block.end - self._block.start - 4 + growth(edits)
        self._check(length)
        at = self._block.start
        edits.append((at + 1, at + 4, length.to_bytes(3, "big")))
        return as_splices(self._whole, self._start, edits + self._padded(growth(edits)))

    def _padded(self, more: int) -> list[Edit]:
        """The padding that leaves the file as long as it was, or new padding."""
        block = next((one for one in self._blocks if one.kind == _PADDING_BLOCK), None)
        if block is None:
            return []
        there = block.end - block.start - 4
        left = there - more
        if not 0 <= left <= _MOST_BLOCK:
            left = _PADDING
        size = (block.start + 1, block.start + 4, left.to_bytes(3, "big"))
        if left > there:
            return [size, (block.end, block.end, bytes(left - there))]
        return [size, (block.start + 4, block.start + 4 + there - left, b"")]

    def _with_new_block(self, edits: list[Edit]) -> list[Splice]:
        added = b"".join(new for start, _, new in edits if start == self.end)
        count = next(new for start, _, new in edits if start == self._count_at)
        content = bytes(4) + count + added
        self._check(len(content))
        # Behind STREAMINFO, which is the first and never the last from now on.
        first = self._blocks[0]
        is_last = self._whole[first.start] & _LAST
        head = bytes([_COMMENTS | is_last]) + len(content).to_bytes(3, "big")
        made: list[Edit] = [(first.end, first.end, head + content)]
        made.append((first.start, first.start + 1, bytes([first.kind])))
        return as_splices(self._whole, self._start, made + self._padded(len(head + content)))

    @staticmethod
    def _check(length: int) -> None:
        if length > _MOST_BLOCK:
            raise TagsError("Its comments are too long for a FLAC.")


def flac(file: BinaryIO, start: int, size: int) -> FlacTags:
    """The tags of a FLAC that begins at `start`.

    Raises:
        TagsError: its metadata are damaged.
    """
    at, blocks = 4, []
    for _ in range(_MOST_BLOCKS):
        file.seek(start + at)
        head = file.read(4)
        end = at + 4 + int.from_bytes(head[1:], "big")
        if len(head) < 4 or start + end > size:
            raise damaged()
        blocks.append(Block(head[0] & 0x7F, at, end))
        at = end
        if head[0] & _LAST:
            break
    else:
        raise damaged()
    if blocks[0].kind != 0:
        raise damaged()
    if at > MOST_BYTES:
        raise TagsError("Its tags have more than 64 MB. Remove pictures that nobody needs.")
    file.seek(start)
    return FlacTags(file.read(at), start, blocks)
