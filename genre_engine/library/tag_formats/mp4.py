"""M4A: atoms of iTunes' list, in `moov.udta.meta.ilst`.

Several genres are several values of one `©gen`. What a change adds or takes away, `free` atoms make
up for where there are some; else the tables of offsets into the sound are corrected.

Source: ISO/IEC 14496-12, Apple's QuickTime File Format Specification.
"""

from collections.abc import Iterator, Sequence
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

_MEAN = "com.apple.iTunes"
SLOTS = {
    "genre": ("©gen", "gnre"),
    "mood": (f"----:{_MEAN}:MOOD",),
    "bpm": ("tmpo",),
    "key": (f"----:{_MEAN}:initialkey", f"----:{_MEAN}:KEY"),
}
_KNOWN = {slot.casefold(): slot for slots in SLOTS.values() for slot in slots}
_PATH = (b"moov", b"udta", b"meta", b"ilst")
_TO_TABLES = (b"trak", b"mdia", b"minf", b"stbl")
_TEXT, _INTEGER = 1, 21
_MOST_ATOMS = 20_000
_MOST_TEMPO = 65_535


def _damaged() -> TagsError:
    return TagsError("Its structure is damaged. Repair it with a tag editor, then try again.")


class _Atom(NamedTuple):
    """Where an atom begins, its content begins, and both end."""

    name: bytes
    start: int
    head: int
    end: int


class Mp4Tags:
    """The tags of an M4A.

    Args:
        file: open for reading.
        moov: where `moov` lies in it.
        after: the atoms behind that.
        fragmented: sound lies in fragments, whose places several tables know.
    """

    kind = "M4A"

    def __init__(
        self, file: BinaryIO, moov: _Atom, after: Sequence[_Atom], *, fragmented: bool
    ) -> None:
        file.seek(moov.start)
        self._file, self._start = file, moov.start
        self._data = file.read(moov.end - moov.start)
        self._after, self._fragmented = after, fragmented
        self._chain = self._found()
        self._entries = []
        if len(self._chain) == len(_PATH):
            for atom in _atoms(self._data, self._chain[-1].head, self._chain[-1].end):
                self._entries.append(Entry(self._slot(atom), atom.start, atom.end))

    def slots(self, field: str) -> tuple[str, ...]:
        return SLOTS[field]

    def items(self, slot: str) -> tuple[bytes, ...]:
        return tuple(self._data[e.start : e.end] for e in self._entries if e.slot == slot)

    def texts(self, slot: str) -> list[str]:
        found = []
        for item in self.items(slot):
            for atom in _atoms(item, 8, len(item)):
                value = item[atom.head + 8 : atom.end]
                if atom.name != b"data":
                    continue
                if slot == "gnre":
                    found += _old_genre(int.from_bytes(value[:2], "big"))
                elif slot == "tmpo":
                    found.append(str(int.from_bytes(value[:8], "big")))
                else:
                    found.append(value.decode("utf-8", "replace"))
        return found

    def encode(self, field: str, values: Sequence[str]) -> Items:
        slots = SLOTS[field]
        found: Items = dict.fromkeys(slots, ())
        if not values:
            return found
        slot = next((one for one in slots if self.items(one) and one != "gnre"), slots[0])
        if field == "bpm":
            # 0 says that there is none.
            tempo = min(_MOST_TEMPO, round(float(values[0])))
            content = _value(_INTEGER, tempo.to_bytes(2, "big"))
        else:
            content = b"".join(_value(_TEXT, value.encode("utf-8", "replace")) for value in values)
        name = slot.encode("latin-1")
        if slot.startswith("----"):
            name, mean, described = slot.split(":")[0].encode(), *slot.encode().split(b":")[1:]
            content = (
                _made(b"mean", bytes(4) + mean) + _made(b"name", bytes(4) + described) + content
            )
        found[slot] = (_made(name, content),)
        return found

    def splices(self, changes: Items) -> list[Splice]:
        if len(self._chain) < len(_PATH):
            new = b"".join(item for items in changes.values() for item in items)
            if not new:
                return []
            place = self._chain[-1].end
            if self._chain[-1].name == b"udta":
                inner = self._children(self._chain[-1])
                place = inner[-1].end if inner else self._chain[-1].head
            edits: list[Edit] = [(place, place, _list(new, below=self._chain[-1].name))]
            free = None
        else:
            edits = item_edits(self._data, self._entries, changes, self._chain[-1].end)
            free = next((a for a in self._in_meta() if a.name == b"free"), None)
        if not edits:
            return []
        more = growth(edits)
        if free is not None and (room := _made_room(free, more)):
            # The list grows and what follows it shrinks: all around them is as long as before.
            edits += self._sizes(self._chain[-1:], more)
            return as_splices(self._data, self._start, [*edits, *room])
        edits += self._sizes(self._chain, more)
        return sorted(
            self._shifted(edits, more) if more else as_splices(self._data, self._start, edits),
            key=lambda splice: splice.at,
        )

    def _shifted(self, edits: list[Edit], more: int) -> list[Splice]:
        """What changes when `moov` becomes longer by `more` bytes."""
        sound = [atom for atom in self._after if atom.name == b"mdat"]
        if not sound:
            return as_splices(self._data, self._start, edits)
        free = next(
            (a for a in self._after if a.name in (b"free", b"skip") and a.end <= sound[0].start),
            None,
        )
        if free is not None and (room := _made_room(free, more)):
            made = as_splices(self._data, self._start, edits)
            for start, end, new in room:
                self._file.seek(start)
                made.append(Splice(start, self._file.read(end - start), new))
            return made
        if self._fragmented:
            raise TagsError(
                "Its sound lies in fragments, with no room between them and the tags. Copy it "
                "with another program, as one piece, then try again."
            )
        return as_splices(self._data, self._start, [*edits, *self._tables(more)])

    def _found(self) -> list[_Atom]:
        """`moov`, and as much of the way to the list as there is."""
        chain = list(_atoms(self._data, 0, len(self._data)))[:1]
        for name in _PATH[1:]:
            inner = self._children(chain[-1])
            atom = next((one for one in inner if one.name == name), None)
            if atom is None:
                break
            if name == b"ilst":
                kind = next((a for a in inner if a.name == b"hdlr"), None)
                if kind is None or self._data[kind.head + 8 : kind.head + 12] != b"mdir":
                    raise TagsError("It keeps its tags in a way that isn't written here.")
            chain.append(atom)
        return chain

    def _children(self, atom: _Atom) -> list[_Atom]:
        head = atom.head
        if atom.name == b"meta" and self._data[head + 4 : head + 8] != b"hdlr":
            head += 4  # its version
        return list(_atoms(self._data, head, atom.end, may_end=atom.name == b"udta"))

    def _in_meta(self) -> list[_Atom]:
        """The atoms behind the list."""
        inner = self._children(self._chain[-2])
        return [atom for atom in inner if atom.start >= self._chain[-1].end]

    def _slot(self, atom: _Atom) -> str | None:
        if atom.name != b"----":
            return _KNOWN.get(atom.name.decode("latin-1").casefold())
        parts = {
            inner.name: self._data[inner.head + 4 : inner.end].decode("utf-8", "replace")
            for inner in _atoms(self._data, atom.head, atom.end)
            if inner.name in (b"mean", b"name") and inner.end - inner.head < 1000
        }
        return _KNOWN.get(f"----:{parts.get(b'mean')}:{parts.get(b'name')}".casefold())

    def _sizes(self, chain: Sequence[_Atom], more: int) -> Iterator[Edit]:
        for atom in chain:
            size = int.from_bytes(self._data[atom.start : atom.start + 4], "big")
            if size == 1:
                at, n_bytes = atom.start + 8, 8
            elif size:
                at, n_bytes = atom.start, 4
            else:  # it goes on to the end
                continue
            new = atom.end - atom.start + more
            if new >= 1 << 8 * n_bytes:
                raise TagsError("Its tags are too long.")
            yield at, at + n_bytes, new.to_bytes(n_bytes, "big")

    def _tables(self, more: int) -> Iterator[Edit]:
        """The tables of places in the file, of all that lies behind `moov`."""
        end = self._start + len(self._data)
        level = [self._chain[0]]
        for name in _TO_TABLES:
            level = [a for atom in level for a in self._children(atom) if a.name == name]
        for atom in (table for stbl in level for table in self._children(stbl)):
            if atom.name == b"saio":
                raise TagsError("It is encrypted, so its tags aren't changed.")
            if atom.name not in (b"stco", b"co64"):
                continue
            width = 4 if atom.name == b"stco" else 8
            first = atom.head + 8
            count = int.from_bytes(self._data[first - 4 : first], "big")
            if first + count * width > atom.end:
                raise _damaged()
            table = bytearray(self._data[first : first + count * width])
            for at in range(0, len(table), width):
                place = int.from_bytes(table[at : at + width], "big")
                if place >= end:
                    if place + more >= 1 << 8 * width:
                        raise TagsError("It is too long for its tags to grow.")
                    table[at : at + width] = (place + more).to_bytes(width, "big")
            yield first, first + len(table), bytes(table)


def _made_room(free: _Atom, more: int) -> list[Edit]:
    """The edits that make a free atom smaller by `more` bytes; none where it hasn't got them."""
    left = free.end - free.start - more
    if left == 0:
        return [(free.start, free.end, b"")]
    if left < 8 or left >= 1 << 32 or free.head - free.start != 8:
        return []
    size = (free.start, free.start + 4, left.to_bytes(4, "big"))
    if more < 0:
        return [size, (free.end, free.end, bytes(-more))]
    return [size, (free.end - more, free.end, b"")]


def _atoms(data: bytes, at: int, end: int, *, may_end: bool = False) -> Iterator[_Atom]:
    """The atoms in a stretch of bytes, which they fill.

    Args:
        may_end: a zero of four bytes may end them, as in QuickTime's lists of user data.
    """
    for _ in range(_MOST_ATOMS):
        if at >= end or (may_end and data[at:end] == bytes(4)):
            return
        atom = _atom(data[at : at + 16], at, end)
        yield atom
        at = atom.end
    raise _damaged()


def _atom(head: bytes, at: int, end: int) -> _Atom:
    length, n_head = int.from_bytes(head[:4], "big"), 8
    if length == 1:
        length, n_head = int.from_bytes(head[8:16], "big"), 16
    elif length == 0:
        length = end - at
    if len(head) < n_head or length < n_head or at + length > end:
        raise _damaged()
    return _Atom(head[4:8], at, at + n_head, at + length)


def _made(name: bytes, content: bytes) -> bytes:
    return (8 + len(content)).to_bytes(4, "big") + name + content


def _value(kind: int, content: bytes) -> bytes:
    return _made(b"data", kind.to_bytes(4, "big") + bytes(4) + content)


def _list(items: bytes, *, below: bytes) -> bytes:
    """A list with some items, in the atoms that it lacks below a given one."""
    made = _made(b"ilst", items)
    if below != b"meta":
        handler = _made(b"hdlr", bytes(8) + b"mdirappl" + bytes(9))
        made = _made(b"meta", bytes(4) + handler + made)
    return _made(b"udta", made) if below == b"moov" else made


def _old_genre(number: int) -> list[str]:
    from mutagen.id3 import TCON

    return [TCON.GENRES[number - 1]] if 0 < number <= len(TCON.GENRES) else []


def mp4(file: BinaryIO, size: int) -> Mp4Tags:
    """The tags of an M4A.

    Raises:
        TagsError: its structure is damaged, or its tags are in none that is known.
    """
    at, atoms = 0, []
    for _ in range(_MOST_ATOMS):
        if at >= size:
            break
        file.seek(at)
        atoms.append(_atom(file.read(16), at, size))
        at = atoms[-1].end
    else:
        raise _damaged()
    moov = next((atom for atom in atoms if atom.name == b"moov"), None)
    if moov is None:
        raise _damaged()
    if moov.end - moov.start > MOST_BYTES:
        raise TagsError("Its tags have more than 64 MB. Remove pictures that nobody needs.")
    after = [atom for atom in atoms if atom.start >= moov.end]
    fragmented = any(atom.name == b"moof" for atom in atoms)
    return Mp4Tags(file, moov, after, fragmented=fragmented)
