"""Ogg Vorbis and Opus: the comments in a packet that lies, with what follows it, in pages.

The pages of the comments (for Vorbis those of the set-up too, which may share one) are refilled.
There are as many of them as before wherever that is possible, so that no page behind them changes;
else the later ones are numbered again. All pages of other streams stay as they are.

Source: RFC 3533 (Ogg), RFC 7845 (Opus), the Vorbis I specification (4.2, A).
"""

from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from genre_engine.errors import TagsError
from genre_engine.library.tag_formats.splices import MOST_BYTES, Items, Splice, edited
from genre_engine.library.tag_formats.vorbis import Comments, damaged

# First packet's beginning → format, comments' beginning, packets before the sound.
_KINDS = {
    b"\x01vorbis": ("Ogg Vorbis", b"\x03vorbis", 3),
    b"OpusHead": ("Opus", b"OpusTags", 2),
}
_MOST_LACING = 255


class OggTags(Comments):
    """The comments of an Ogg's first stream that is Vorbis or Opus."""

    def __init__(self, source: BinaryIO, kind: str, pages: list[Any], name: bytes) -> None:
        """`pages` are those of the packets behind the first."""
        from mutagen.ogg import OggPage

        self.kind, self._pages, self._file = kind, pages, source
        self._packets: list[bytes] = OggPage.to_packets(pages)  # type: ignore[no-untyped-call]
        super().__init__(self._packets[0], len(name))

    def splices(self, changes: Items) -> list[Splice]:
        edits = self.edits(changes)
        if not edits:
            return []
        # Opus's padding and Vorbis's last bit, which stand behind the comments, stay.
        packets = [edited(self.data, edits), *self._packets[1:]]
        old = [page.write() for page in self._pages]
        made = self._laid_out(packets, len(self._pages))
        new = [page.write() for page in made]
        last = len(old) - 1
        new[last:] = [b"".join(new[last:])]
        new += [b""] * (len(old) - len(new))
        splices = [
            Splice(page.offset, before, after)
            for page, before, after in zip(self._pages, old, new, strict=True)
            if before != after
        ]
        if len(made) != len(self._pages):
            splices += self._renumbered(len(made) - len(self._pages))
        return splices

    def _laid_out(self, packets: Sequence[bytes], n_pages: int) -> list[Any]:
        """The packets in pages: in `n_pages` of them, or as near to that as can be."""
        from mutagen.ogg import OggPage

        lacing: list[int] = []
        for packet in packets:
            full, rest = divmod(len(packet), 255)
            lacing += [255] * full + [rest]
        n_pages = min(max(n_pages, -(-len(lacing) // _MOST_LACING)), len(lacing))
        content, at = b"".join(packets), 0
        made: list[Any] = []
        for number in range(n_pages):
            # As equal as possible, so that each page has some.
            part = lacing[len(lacing) * number // n_pages : len(lacing) * (number + 1) // n_pages]
            page: Any = OggPage()  # type: ignore[no-untyped-call]
            page.serial = self._pages[0].serial
            page.sequence = self._pages[0].sequence + number
            page.continued = bool(made) and not made[-1].complete
            page.complete = part[-1] < 255
            for length in _packet_lengths(part):
                page.packets.append(content[at : at + length])
                at += length
            # No packet ends in the page: no place in time.
            page.position = 0 if min(part) < 255 else -1
            made.append(page)
        return made

    def _renumbered(self, more: int) -> Iterator[Splice]:
        """The numbers and checksums of the stream's later pages, up to the end of the stream."""
        from mutagen.ogg import OggPage

        last = self._pages[-1]
        self._file.seek(last.offset + last.size)
        while True:
            try:
                page: Any = OggPage(self._file)  # type: ignore[no-untyped-call]
            except EOFError:
                return
            if page.serial != last.serial:
                continue
            if page.first:
                return
            old = page.write()
            page.sequence += more
            new = page.write()
            # Serial number, number and checksum lie side by side.
            yield Splice(page.offset + 18, old[18:26], new[18:26])
            if page.last:
                return


def _packet_lengths(lacing: Sequence[int]) -> Iterator[int]:
    length, begun = 0, False
    for value in lacing:
        length, begun = length + value, True
        if value < 255:
            yield length
            length, begun = 0, False
    if begun:
        yield length


def ogg(file: BinaryIO) -> OggTags:
    """The tags of an Ogg file.

    Raises:
        TagsError: it is damaged, or neither Vorbis nor Opus.
    """
    from mutagen.ogg import OggPage, error

    file.seek(0)
    found: tuple[str, bytes, int] | None = None
    serial, pages, n_ended, n_bytes = 0, [], 0, 0
    try:
        while found is None or n_ended < found[2] - 1:
            page: Any = OggPage(file)  # type: ignore[no-untyped-call]
            if _raw(file, page) != page.write():
                raise damaged()
            if found is None:
                if not page.first:
                    raise TagsError("Tags are written to Ogg files with Vorbis or Opus only.")
                start = page.packets[0] if page.packets else b""
                known = next((one for one in _KINDS if start.startswith(one)), None)
                if known is not None:
                    if len(page.packets) != 1 or not page.complete:
                        raise damaged()
                    found, serial = _KINDS[known], page.serial
                continue
            if page.serial != serial:
                continue
            pages.append(page)
            n_ended += len(page.packets) - (not page.complete)
            n_bytes += page.size
            if n_bytes > MOST_BYTES:
                raise TagsError("Its tags have more than 64 MB. Remove pictures nobody needs.")
    except (EOFError, error) as problem:
        raise damaged() from problem
    kind, name, n_packets = found
    # The sound begins on a page of its own.
    if n_ended != n_packets - 1 or not pages[-1].complete:
        raise damaged()
    if not pages[0].packets[0].startswith(name):
        raise damaged()
    try:
        return OggTags(file, kind, pages, name)
    except ValueError as problem:  # pages that don't follow one another
        raise damaged() from problem


def _raw(file: BinaryIO, page: Any) -> bytes:
    """The page's own bytes; the file is left behind it."""
    end = file.tell()
    file.seek(page.offset)
    return file.read(end - page.offset)
