"""Changes of a file's bytes, and what every format's tags offer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from genre_engine.audio.virtual_file import Piece
from genre_engine.errors import TagsError

FIELDS = ("genre", "mood", "bpm", "key")
# Slot → the raw items in it, in their order.
Items = dict[str, tuple[bytes, ...]]
# From, up to before, and what comes there instead.
Edit = tuple[int, int, bytes]

# Tags with more than this are mostly pictures of a size that nobody needs, or meant to do harm.
MOST_BYTES = 1 << 26


@dataclass(frozen=True)
class Splice:
    """At a place of a file, some bytes instead of those that are there; either may be none."""

    at: int
    old: bytes
    new: bytes


class Tags(Protocol):
    """The tags of one file.

    Attributes:
        kind: the format in words, such as "MP3".
    """

    kind: str

    def slots(self, field: str) -> tuple[str, ...]:
        """Where this format keeps a field."""
        ...

    def items(self, slot: str) -> tuple[bytes, ...]:
        """The raw items of a slot."""
        ...

    def texts(self, slot: str) -> list[str]:
        """What the items of a slot say."""
        ...

    def encode(self, field: str, values: Sequence[str]) -> Items:
        """A field's slots as they are to be so that it has these values."""
        ...

    def splices(self, changes: Items) -> list[Splice]:
        """How the file has to change so that these slots have these items.

        Raises:
            TagsError: it can't be done in this file.
        """
        ...


@dataclass(frozen=True)
class Entry:
    """An item among others: its slot (None for what is left alone) and where it lies."""

    slot: str | None
    start: int
    end: int


def item_edits(
    data: bytes, entries: Iterable[Entry], changes: Mapping[str, tuple[bytes, ...]], end: int
) -> list[Edit]:
    """The edits of `data` so that slots have other items: where the first of the old ones stood,
    else at `end`, behind all items."""
    edits: list[Edit] = []
    appended = b""
    entries = list(entries)
    for slot, items in changes.items():
        own = [entry for entry in entries if entry.slot == slot]
        if tuple(data[entry.start : entry.end] for entry in own) == tuple(items):
            continue
        new = b"".join(items)
        if not own:
            appended += new
        for entry in own:
            edits.append((entry.start, entry.end, new))
            new = b""
    if appended:
        edits.append((end, end, appended))
    return edits


def growth(edits: Iterable[Edit]) -> int:
    """By how many bytes edits make something longer."""
    return sum(len(new) - (end - start) for start, end, new in edits)


def as_splices(data: bytes, base: int, edits: Iterable[Edit]) -> list[Splice]:
    """Edits of `data`, which begins at `base` of the file; those that change nothing left out."""
    found = [Splice(base + start, data[start:end], new) for start, end, new in edits]
    return sorted((one for one in found if one.old != one.new), key=lambda one: one.at)


def pieces(splices: Sequence[Splice], size: int) -> list[Piece]:
    """A file of `size` bytes after some splices: pieces of it, and new bytes.

    >>> pieces([Splice(2, b"cd", b"X"), Splice(6, b"", b"Y")], 8)
    [(0, 2), b'X', (4, 6), b'Y', (6, 8)]

    Raises:
        TagsError: they overlap, or lie beyond the end.
    """
    found: list[Piece] = []
    place = 0
    for splice in sorted(splices, key=lambda one: one.at):
        if splice.at < place or splice.at + len(splice.old) > size:
            raise TagsError("Its tags lie in a way that can't be changed safely.")
        if splice.at > place:
            found.append((place, splice.at))
        if splice.new:
            found.append(splice.new)
        place = splice.at + len(splice.old)
    if place < size:
        found.append((place, size))
    return found


def edited(data: bytes, edits: Iterable[Edit]) -> bytes:
    """`data` after some edits.

    >>> edited(b"abcd", [(1, 2, b"XY"), (4, 4, b"e")])
    b'aXYcde'
    """
    found = pieces(as_splices(data, 0, edits), len(data))
    return b"".join(
        piece if isinstance(piece, bytes) else data[piece[0] : piece[1]] for piece in found
    )
