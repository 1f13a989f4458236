"""The identity of a sound: a checksum of a file's audio without its tags.

It stays the same when tags are written or removed and when the file is renamed or moved, so none of
that costs a new analysis. What counts, by what the content is:

    MP3, AAC and other bare streams  what lies between the tags in front (ID3v2) and those behind
                                     (ID3v1, APEv2, Lyrics3, ID3v2 with a footer)
    FLAC                             the frames, with sample rate, channels and bits of STREAMINFO
    Ogg (Vorbis, Opus, FLAC, Speex)  the packets of each stream but its comments; not the pages
    MP4, M4A                         the content of `mdat`
    WAV, AIFF, AIFC                  the chunks with the samples and their format

A file whose structure is damaged, and one of any other kind, counts as a whole: its identity is
still the same after a move, but not after a change of its tags.

A file is read once, in pieces, and a number in it is never believed beyond the file's own size.

Source: id3.org (ID3v1, ID3v2, Lyrics3), hydrogenaud.io (APEv2), RFC 9639 (FLAC), RFC 3533 (Ogg),
RFC 7845 (Opus), ISO/IEC 14496-12 (MP4), the Multimedia Programming Interface 1.0 (RIFF).
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal

from genre_engine.audio.decoders import first_bytes
from genre_engine.errors import FileUnreadable
from genre_engine.library.ogg_identity import ogg_packets

Span = tuple[int, int]
# What is hashed: bytes as they are, or where they lie in the file.
Part = bytes | Span

_READ = 1 << 18
_DIGEST_BYTES = 16
# No sound file has more chunks, atoms, blocks or tags; without a limit millions of empty ones could
# be gone through.
_MOST_CHUNKS = 20_000
_MOST_TAGS = 100
_LYRICS3_V1_BYTES = 5_100


def sound_identity(path: Path) -> str:
    """The checksum of a file's audio without its tags: BLAKE2b of 128 bits, as 32 hex digits.

    Raises:
        FileMissing, FileUnreadable: it isn't there, or can't be read.
        NotAudio: it is empty.

    >>> import tempfile
    >>> from mutagen.id3 import ID3, TCON
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     song = Path(folder, "song.mp3")
    ...     _ = song.write_bytes(bytes.fromhex("fffb9000") + bytes(413))
    ...     before = sound_identity(song)
    ...     ID3().save(song)
    ...     sound_identity(song) == before
    True
    """
    first_bytes(path)
    try:
        with path.open("rb", buffering=_READ) as file:
            return _identity(file)
    except OSError as error:
        raise FileUnreadable(f"It can't be read ({error}).") from error


def _identity(file: BinaryIO) -> str:
    size = file.seek(0, 2)
    start = front_tags_end(file, size)
    file.seek(start)
    head = file.read(16)
    if head[:4] == b"OggS":
        packets = ogg_packets(file, start, size)
        return packets if packets is not None else _hashed(file, [(0, size)])
    found: list[Part] | None
    if head[:4] == b"fLaC":
        found = _flac(file, start, size)
    elif head[4:8] == b"ftyp":
        found = _mp4(file, start, size)
    elif head[:4] in (b"RIFF", b"RIFX") and head[8:12] == b"WAVE":
        order: Literal["big", "little"] = "big" if head[:4] == b"RIFX" else "little"
        found = _chunks(file, start, size, order, (b"fmt ", b"data"))
    elif head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        found = _chunks(file, start, size, "big", (b"COMM", b"SSND"))
    elif head[:4] in (b"RF64", b"riff"):
        found = None
    else:
        found = _bare(file, start, size)
    return _hashed(file, found or [(0, size)])


def _hashed(file: BinaryIO, parts: list[Part]) -> str:
    digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    for part in parts:
        if isinstance(part, bytes):
            digest.update(part)
            continue
        place, end = part
        file.seek(place)
        while place < end and (data := file.read(min(_READ, end - place))):
            digest.update(data)
            place += len(data)
    return digest.hexdigest()


def front_tags_end(file: BinaryIO, size: int) -> int:
    """Where the ID3v2 tags in front end, one or several; 0 where there are none."""
    place = 0
    for _ in range(_MOST_TAGS):
        file.seek(place)
        length = id3v2_length(file.read(10))
        if not length or place + length > size:
            break
        place += length
    return place


def id3v2_length(head: bytes) -> int:
    """How many bytes the ID3v2 tag that begins with these ten has, with all; 0 where none begins.

    >>> id3v2_length(b"ID3" + bytes([4, 0, 0, 0, 0, 1, 0]))
    138
    """
    if len(head) < 10 or head[:3] != b"ID3" or 0xFF in head[3:5] or max(head[6:10]) > 0x7F:
        return 0
    has_footer = head[3] == 4 and head[5] & 0x10
    return 10 + seven_bits(head[6:10]) + (10 if has_footer else 0)


def seven_bits(data: bytes) -> int:
    """A number that is written in seven bits a byte, as ID3v2 does.

    >>> seven_bits(bytes([0, 0, 1, 1]))
    129
    """
    number = 0
    for byte in data:
        number = number << 7 | byte & 0x7F
    return number


def back_tags_start(file: BinaryIO, start: int, end: int) -> int:
    """Where the tags behind a sound that begins at `start` begin; `end` where there are none."""
    for _ in range(_MOST_TAGS):
        length = _back_tag_length(file, start, end)
        if not length or end - length < start:
            break
        end -= length
    return end


def _back_tag_length(file: BinaryIO, start: int, end: int) -> int:
    """The length of the tag that ends at a place; 0 where none does."""

    def before(n_bytes: int, wanted: int) -> bytes:
        """`wanted` bytes from `n_bytes` before the end on."""
        if end - n_bytes < start:
            return b""
        file.seek(end - n_bytes)
        return file.read(wanted)

    if before(128, 3) == b"TAG":
        return 227 + 128 if before(227 + 128, 4) == b"TAG+" else 128
    footer = before(32, 32)
    if footer[:8] == b"APETAGEX":
        # Its size leaves out the header, which the flags announce.
        length = int.from_bytes(footer[12:16], "little")
        return max(32, length) + (32 if footer[23] & 0x80 else 0)
    tail = before(15, 15)
    if tail[6:] == b"LYRICS200" and tail[:6].isdigit():
        length = int(tail[:6]) + 15
        return length if before(length, 11) == b"LYRICSBEGIN" else 0
    if tail[6:] == b"LYRICSEND":
        room = before(min(end - start, _LYRICS3_V1_BYTES + 20), _LYRICS3_V1_BYTES + 20)
        at = room.rfind(b"LYRICSBEGIN")
        return len(room) - at if at >= 0 else 0
    footer = before(10, 10)
    if footer[:3] == b"3DI" and footer[3] == 4 and max(footer[6:10]) <= 0x7F:
        length = seven_bits(footer[6:10]) + 20
        return length if before(length, 3) == b"ID3" else 0
    return 0


def _bare(file: BinaryIO, start: int, size: int) -> list[Part] | None:
    """Frames after frames, which may have tags in front and behind."""
    end = back_tags_start(file, start, size)
    start = _behind_zeros(file, start, end)
    return [(start, end)] if start < end else None


def _behind_zeros(file: BinaryIO, place: int, end: int) -> int:
    """Where the zeros end that begin at a place: some programs pad behind their tags."""
    file.seek(place)
    while place < end and (data := file.read(min(_READ, end - place))):
        kept = data.lstrip(b"\0")
        place += len(data) - len(kept)
        if kept:
            break
    return place


def _flac(file: BinaryIO, start: int, size: int) -> list[Part] | None:
    place, form = start + 4, b""
    for _ in range(_MOST_CHUNKS):
        file.seek(place)
        head = file.read(4)
        length = int.from_bytes(head[1:], "big")
        if len(head) < 4 or place + 4 + length > size:
            return None
        if head[0] & 0x7F == 0 and length >= 18:
            # Sample rate (20 bits), channels (3) and bits a sample (5).
            form = bytes(file.read(18)[10:14])
            form = form[:3] + bytes([form[3] & 0xF0])
        place += 4 + length
        if head[0] & 0x80:
            break
    else:
        return None
    end = back_tags_start(file, place, size)
    file.seek(place)
    sync = file.read(2)
    # A block with a wrong length leads to a place where no frame begins.
    if not form or len(sync) < 2 or sync[0] != 0xFF or sync[1] & 0xFC != 0xF8 or place >= end:
        return None
    return [form, (place, end)]


def _mp4(file: BinaryIO, start: int, size: int) -> list[Part] | None:
    found: list[Part] = []
    for name, begin, end in _atoms(file, start, size):
        if not name:
            return None
        if name == b"mdat" and begin < end:
            found += [(end - begin).to_bytes(8, "big"), (begin, end)]
    return found or None


def _atoms(file: BinaryIO, place: int, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, begin and end of the content of each atom of the top level; no name where damaged."""
    for _ in range(_MOST_CHUNKS):
        if place == size:
            return
        file.seek(place)
        head = file.read(16)
        length, n_head = int.from_bytes(head[:4], "big"), 8
        if length == 1:
            length, n_head = int.from_bytes(head[8:16], "big"), 16
        elif length == 0:  # goes on to the end
            length = size - place
        if len(head) < n_head or length < n_head or place + length > size:
            break
        yield head[4:8], place + n_head, place + length
        place += length
    yield b"", place, size


def _chunks(
    file: BinaryIO,
    start: int,
    size: int,
    order: Literal["big", "little"],
    wanted: tuple[bytes, bytes],
) -> list[Part] | None:
    """The wanted chunks of a RIFF or IFF file; None where its lengths don't lead to them."""
    file.seek(start + 4)
    end = min(size, start + 8 + int.from_bytes(file.read(4), order))
    place = start + 12
    names: set[bytes] = set()
    found: list[Part] = []
    for _ in range(_MOST_CHUNKS):
        if place + 8 > end:
            return found if names == set(wanted) else None
        file.seek(place)
        head = file.read(8)
        length = int.from_bytes(head[4:], order)
        if len(head) < 8 or place + 8 + length > size:
            return None
        if head[:4] in wanted:
            names.add(head[:4])
            found += [head, (place + 8, place + 8 + length)]
        place += 8 + length + length % 2
    return None
