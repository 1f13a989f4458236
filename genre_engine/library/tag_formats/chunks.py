"""WAV and AIFF: an ID3 tag in a chunk of its own, and the genre in WAV's INFO where it has one.

Source: the Multimedia Programming Interface 1.0 (RIFF), Audio Interchange File Format 1.3.
"""

from collections.abc import Sequence
from typing import BinaryIO, Literal, NamedTuple

from genre_engine.errors import TagsError
from genre_engine.library.identity import id3v2_length
from genre_engine.library.tag_formats.id3 import Id3Tag, damaged
from genre_engine.library.tag_formats.splices import MOST_BYTES, Items, Splice

_MOST_CHUNKS = 20_000
_MOST_INFO = 1 << 20
_ID3 = (b"ID3 ", b"id3 ")
_INFO_GENRE = "IGNR"


class _Chunk(NamedTuple):
    """Name, and where its content begins and ends; its header of eight bytes lies before it."""

    name: bytes
    begin: int
    end: int


def _bad() -> TagsError:
    return TagsError("Its structure is damaged or unfinished. Save it again with an audio editor.")


class ChunkTags:
    """The tags of a file of chunks."""

    def __init__(
        self, file: BinaryIO, size: int, kind: str, order: Literal["big", "little"]
    ) -> None:
        self.kind, self._order = kind, order
        file.seek(4)
        self._length = int.from_bytes(file.read(4), order)
        self._end = 8 + self._length
        if self._end > size:
            raise _bad()
        self._chunks = _chunks(file, 12, self._end, order)
        self._chunk = next((chunk for chunk in self._chunks if chunk.name in _ID3), None)
        self._tag = self._read_tag(file)
        self._info, self._genre = self._read_info(file) if order == "little" else (None, None)
        self._genre_bytes = b""
        if self._genre is not None:
            file.seek(self._genre.begin - 8)
            self._genre_bytes = file.read(self._genre.end - self._genre.begin + 8)

    def _read_tag(self, file: BinaryIO) -> Id3Tag:
        if self._chunk is None:
            return Id3Tag.empty()
        begin, end = self._chunk.begin, self._chunk.end
        file.seek(begin)
        length = id3v2_length(file.read(10))
        if not length or begin + length > end:
            raise damaged()
        if length > MOST_BYTES:
            raise TagsError("Its tags have more than 64 MB. Remove pictures that nobody needs.")
        file.seek(begin)
        return Id3Tag(file.read(length), begin)

    def _read_info(self, file: BinaryIO) -> tuple[_Chunk | None, _Chunk | None]:
        """The list with a genre, and the genre in it."""
        for chunk in self._chunks:
            file.seek(chunk.begin)
            if chunk.name != b"LIST" or file.read(4) != b"INFO":
                continue
            if chunk.end - chunk.begin > _MOST_INFO:
                continue
            for inner in _chunks(file, chunk.begin + 4, chunk.end, self._order):
                if inner.name == _INFO_GENRE.encode():
                    return chunk, inner
        return None, None

    def slots(self, field: str) -> tuple[str, ...]:
        slots = self._tag.slots(field)
        return (*slots, _INFO_GENRE) if field == "genre" and self._genre else slots

    def items(self, slot: str) -> tuple[bytes, ...]:
        if slot == _INFO_GENRE:
            return (self._genre_bytes,) if self._genre_bytes else ()
        return self._tag.items(slot)

    def texts(self, slot: str) -> list[str]:
        if slot != _INFO_GENRE:
            return self._tag.texts(slot)
        text = self._genre_bytes[8:].partition(b"\0")[0]
        try:
            found = text.decode()
        except UnicodeDecodeError:
            found = text.decode("latin-1")
        return [found] if found.strip() else []

    def encode(self, field: str, values: Sequence[str]) -> Items:
        found = self._tag.encode(field, values)
        if field == "genre" and self._genre is not None:
            text = "; ".join(values).encode("utf-8", "replace") + b"\0"
            size = len(text).to_bytes(4, self._order)
            found[_INFO_GENRE] = (_INFO_GENRE.encode() + size + text,)
        return found

    def splices(self, changes: Items) -> list[Splice]:
        of_tag = self._tag.splices({s: i for s, i in changes.items() if s != _INFO_GENRE})
        found = self._tag_splices(of_tag) + self._info_splices(changes.get(_INFO_GENRE))
        more = sum(len(splice.new) - len(splice.old) for splice in found)
        if more:
            found.append(self._size(4, self._length, more))
        return sorted((one for one in found if one.old != one.new), key=lambda one: one.at)

    def _size(self, at: int, length: int, more: int) -> Splice:
        if length + more >= 1 << 32:
            raise TagsError("It is too long for its tags to grow.")
        old, new = (number.to_bytes(4, self._order) for number in (length, length + more))
        return Splice(at, old, new)

    def _tag_splices(self, splices: list[Splice]) -> list[Splice]:
        if not splices:
            return []
        if self._chunk is None:
            (made,) = splices
            name = b"ID3 " if self._order == "big" else b"id3 "
            head = name + len(made.new).to_bytes(4, self._order)
            # A chunk begins at an even place.
            filler = bytes(self._end % 2)
            return [Splice(self._end, b"", filler + head + made.new + bytes(len(made.new) % 2))]
        more = sum(len(splice.new) - len(splice.old) for splice in splices)
        return self._resized(self._chunk, splices, more)

    def _resized(self, chunk: _Chunk, splices: list[Splice], more: int) -> list[Splice]:
        """The splices in a chunk with its size, and with the zero that makes its length even."""
        if not more:
            return splices
        length = chunk.end - chunk.begin
        found = [*splices, self._size(chunk.begin - 4, length, more)]
        if more % 2 and not length % 2:
            found.append(Splice(chunk.end, b"", b"\0"))
        elif more % 2 and chunk.end < self._end:
            found.append(Splice(chunk.end, b"\0", b""))
        return found

    def _info_splices(self, items: tuple[bytes, ...] | None) -> list[Splice]:
        if items is None or self._genre is None or self._info is None:
            return []
        old, new = self._genre_bytes, b"".join(items)
        if old == new or not new:
            return []
        splice = Splice(self._genre.begin - 8, old, new)
        more = len(new) - len(old)
        # Within the list too each item has an even length.
        inner = [splice]
        if more % 2 and not len(old) % 2:
            inner.append(Splice(self._genre.end, b"", b"\0"))
            more += 1
        elif more % 2 and self._genre.end < self._info.end:
            inner.append(Splice(self._genre.end, b"\0", b""))
            more -= 1
        return self._resized(self._info, inner, more)


def _chunks(file: BinaryIO, place: int, end: int, order: Literal["big", "little"]) -> list[_Chunk]:
    """The chunks between two places, which they fill but for the last one's zero."""
    found: list[_Chunk] = []
    for _ in range(_MOST_CHUNKS):
        if place >= end - 1:
            return found
        file.seek(place)
        head = file.read(8)
        begin = place + 8
        stop = begin + int.from_bytes(head[4:], order)
        if len(head) < 8 or stop > end:
            raise _bad()
        found.append(_Chunk(head[:4], begin, stop))
        place = stop + stop % 2
    raise _bad()


def wav(file: BinaryIO, size: int) -> ChunkTags:
    """The tags of a WAV; raises TagsError where its structure is damaged."""
    return ChunkTags(file, size, "WAV", "little")


def aiff(file: BinaryIO, size: int) -> ChunkTags:
    """The tags of an AIFF or AIFC; raises TagsError where its structure is damaged."""
    return ChunkTags(file, size, "AIFF", "big")
