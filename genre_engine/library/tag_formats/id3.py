"""ID3v2.2, 2.3 and 2.4: frames, of which a few are exchanged and all others stay as they are.

Several genres: 2.4 parts them by NUL, as its text says. 2.3 and 2.2 have no rule for genres that
aren't on ID3v1's list; players part them at ";", the sign that most programs write there and that
no name of a genre contains ("/" is in some).

mutagen decodes what single frames say, with their compression, encodings and numbers of genres.

Source: id3.org, "ID3 tag version 2.3.0", "2.4.0 - Main Structure", "2.4.0 - Native Frames".
"""

import io
import re
from collections.abc import Sequence
from typing import Any, Self

from genre_engine.errors import TagsError
from genre_engine.library.identity import id3v2_length, seven_bits
from genre_engine.library.tag_formats.splices import (
    Edit,
    Entry,
    Items,
    Splice,
    as_splices,
    edited,
    growth,
    item_edits,
)

SLOTS = {
    "genre": ("TCON",),
    "mood": ("TMOO", "TXXX:MOOD"),
    "bpm": ("TBPM",),
    "key": ("TKEY",),
}
_SHORT = {"TCO": "TCON", "TBP": "TBPM", "TKE": "TKEY", "TXX": "TXXX"}
_LONG = {name: short for short, name in _SHORT.items()}
_NAMES = {2: re.compile(rb"[A-Z][A-Z0-9]{2}"), 3: re.compile(rb"[A-Z][A-Z0-9]{2}[A-Z0-9 \0]")}
_UNSYNC, _EXTENDED, _FOOTER = 0x80, 0x40, 0x10
_HEADER = 10
_PADDING = 1024
# A text longer than this says no genre, mood, tempo or key.
_MOST_TEXT = 100_000


def damaged() -> TagsError:
    return TagsError("Its ID3 tag is damaged. Repair it with a tag editor, then try again.")


class Id3Tag:
    """An ID3v2 tag that lies at `start` of a file.

    Attributes:
        version: 2, 3 or 4.
        length: bytes in the file; 0 for a tag that isn't there yet.
    """

    kind = "ID3"

    def __init__(self, data: bytes, start: int = 0) -> None:
        """Parse a whole tag, from its header on.

        Raises:
            TagsError: it is damaged, or has parts that a change would make wrong.
        """
        if len(data) < _HEADER or id3v2_length(data[:_HEADER]) != len(data):
            raise damaged()
        self.version, self._flags = data[3], data[5]
        self.length, self._start, self._raw = len(data), start, data
        if self.version not in (2, 3, 4) or (self.version == 2 and self._flags & 0x40):
            raise TagsError(f"Its ID3 tag is of an unknown version (2.{self.version}).")
        self._footer = _HEADER if self.version == 4 and self._flags & _FOOTER else 0
        self._unsynced = self.version < 4 and bool(self._flags & _UNSYNC)
        if self._unsynced:
            # Signs that look like a frame's start have a zero behind them, in the whole tag.
            data = data[:_HEADER] + data[_HEADER:].replace(b"\xff\0", b"\xff")
            if _unsynced(data[_HEADER:]) != self._raw[_HEADER:]:
                raise damaged()
        self._data = data
        self._padding_field: int | None = None
        self._names: list[tuple[str, int, int, int]] = []
        self._parse(self._behind_extended())
        self._entries = [
            Entry(self._slot(name, head, start, end), start, end)
            for name, start, head, end in self._names
        ]

    @classmethod
    def empty(cls, version: int = 4, frames: bytes = b"") -> Self:
        """A tag that isn't in the file yet, with some frames already encoded."""
        head = b"ID3" + bytes([version, 0, 0])
        tag = cls(head + _sevens(len(frames)) + frames)
        tag.length = 0
        return tag

    def slots(self, field: str) -> tuple[str, ...]:
        return SLOTS[field]

    def items(self, slot: str) -> tuple[bytes, ...]:
        if not self.length:
            return ()
        return tuple(self._data[e.start : e.end] for e in self._entries if e.slot == slot)

    def texts(self, slot: str) -> list[str]:
        found: list[str] = []
        for name, start, head, end in self._names:
            if self._slot(name, head, start, end) == slot:
                frame = self._decoded(name, head, end)
                found += getattr(frame, "genres", None) or getattr(frame, "text", None) or []
        return [str(text) for text in found]

    def encode(self, field: str, values: Sequence[str]) -> Items:
        found: Items = dict.fromkeys(SLOTS[field], ())
        if not values:
            return found
        if field != "mood":
            slot = SLOTS[field][0]
        elif self.version == 4 or self.items("TMOO"):
            slot = "TMOO"
        else:
            slot = "TXXX:MOOD"
        texts = list(values) if self.version == 4 else ["; ".join(values)]
        if slot == "TCON" and self.version < 4 and texts[0].startswith("("):
            texts = ["(" + texts[0]]  # one bracket would begin a number of ID3v1's list
        found[slot] = (self._frame(slot, texts),)
        return found

    def splices(self, changes: Items) -> list[Splice]:
        edits = item_edits(self._data, self._entries, changes, self._frames_end)
        if not edits:
            return []
        padding = len(self._data) - self._footer - self._frames_end
        left = padding - growth(edits)
        if self._footer:
            left = 0
        elif left < 0:
            left = _PADDING if padding or not self.length else 0
        return self._changed(edits, padding, left)

    def _changed(self, edits: list[Edit], padding: int, left: int) -> list[Splice]:
        end = self._frames_end
        if left > padding:
            edits.append((end + padding, end + padding, bytes(left - padding)))
        elif left < padding:
            edits.append((end, end + padding - left, b""))
        if self._padding_field is not None:
            at = self._padding_field
            edits.append((at, at + 4, left.to_bytes(4, "big")))
        # Edits at the same place: what is appended comes before the padding.
        if not self.length or self._unsynced:
            body = edited(self._data, edits)[_HEADER:]
            body = _unsynced(body) if self._unsynced else body
            whole = self._data[:6] + _sevens(len(body)) + body
            return [Splice(self._start, self._raw if self.length else b"", whole)]
        size = len(self._data) - _HEADER - self._footer + growth(edits)
        places = (6, len(self._data) - 4) if self._footer else (6,)
        edits += [(at, at + 4, _sevens(size)) for at in places]
        return as_splices(self._data, self._start, edits)

    def _behind_extended(self) -> int:
        """Where the frames begin."""
        if self.version == 2 or not self._flags & _EXTENDED:
            return _HEADER
        head = self._data[_HEADER : _HEADER + 14]
        if len(head) < 10:
            raise damaged()
        if self.version == 4:
            length, has_checksum = seven_bits(head[:4]), bool(head[5] & 0x20)
        else:
            length, has_checksum = int.from_bytes(head[:4], "big") + 4, bool(head[4] & 0x80)
            self._padding_field = _HEADER + 6
        if has_checksum:
            raise TagsError(
                "Its ID3 tag has a checksum of its own, which a change would make wrong."
            )
        if length < 6 or _HEADER + length > len(self._data) - self._footer:
            raise damaged()
        return _HEADER + length

    def _parse(self, begin: int) -> None:
        end = len(self._data) - self._footer
        for sevens in (True, False) if self.version == 4 else (False,):
            frames = _frames(self._data, begin, end, self.version, sevens=sevens)
            if frames is not None:
                self._names, self._sevens = frames, sevens
                self._frames_end = frames[-1][3] if frames else begin
                return
        raise damaged()

    def _slot(self, name: str, head: int, start: int, end: int) -> str | None:
        if name != "TXXX":
            return name if name in ("TCON", "TMOO", "TBPM", "TKEY") else None
        frame = self._decoded(name, head, end)
        described = getattr(frame, "desc", "")
        return "TXXX:MOOD" if described.casefold() == "mood" else None

    def _decoded(self, name: str, head: int, end: int) -> Any:
        """A frame as mutagen understands it, None where it doesn't."""
        from mutagen.id3 import ID3, error

        if end - head > _MOST_TEXT:
            return None
        short = self.version == 2
        body = self._data[head:end]
        start = (_LONG[name] if short else name).encode()
        start += len(body).to_bytes(3, "big") if short else b""
        if not short:
            size = _sevens(len(body)) if self.version == 4 else len(body).to_bytes(4, "big")
            start += size + self._data[head - 2 : head]
        unsync = self._flags & _UNSYNC if self.version == 4 else 0
        tag = b"ID3" + bytes([self.version, 0, unsync]) + _sevens(len(start + body)) + start + body
        try:
            found: Any = ID3(io.BytesIO(tag), translate=False, load_v1=False)  # type: ignore[no-untyped-call]
            return next(iter(found.values()), None)
        except (error, ValueError, EOFError):
            return None

    def _frame(self, slot: str, texts: Sequence[str]) -> bytes:
        name, _, described = slot.partition(":")
        parts = [described, *texts] if described else list(texts)
        if self.version == 4:
            body = b"\x03" + "\0".join(parts).encode("utf-8", "replace")
        elif all(part.isascii() for part in parts):
            body = b"\0" + "\0".join(parts).encode()
        else:
            coded = [b"\xff\xfe" + part.encode("utf-16-le", "replace") for part in parts]
            body = b"\x01" + b"\0\0".join(coded)
        if len(body) > _MOST_TEXT:
            raise TagsError("These values are too long for a tag.")
        if self.version == 2:
            return _LONG[name].encode() + len(body).to_bytes(3, "big") + body
        size = _sevens(len(body)) if self._sevens else len(body).to_bytes(4, "big")
        return name.encode() + size + bytes(2) + body


def _frames(
    data: bytes, at: int, end: int, version: int, *, sevens: bool
) -> list[tuple[str, int, int, int]] | None:
    """Name, start, start of the content and end of each frame; None where they don't fit."""
    found: list[tuple[str, int, int, int]] = []
    n_name, n_head = (3, 6) if version == 2 else (4, 10)
    while at < end:
        head = data[at : at + n_head]
        if not data[at]:
            break
        if at + n_head > end or not _NAMES[min(version, 3)].fullmatch(head[:n_name]):
            return None
        size = head[n_name : 6 if version == 2 else 8]
        if sevens and max(size) > 0x7F:
            return None
        length = seven_bits(size) if sevens else int.from_bytes(size, "big")
        if at + n_head + length > end:
            return None
        name = head[:n_name].decode()
        found.append((_SHORT.get(name, name), at, at + n_head, at + n_head + length))
        at += n_head + length
    return found if not data[at:end].strip(b"\0") else None


def _sevens(number: int) -> bytes:
    if number >= 1 << 28:
        raise TagsError("Its tags are too long for an ID3 tag.")
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))


def _unsynced(data: bytes) -> bytes:
    """Zeros put behind every 0xFF that a zero or the start of a sync follows, or the end."""
    return re.sub(rb"\xff(?=[\xe0-\xff\0]|\Z)", b"\xff\0", data)
