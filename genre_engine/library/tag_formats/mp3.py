"""MP3: an ID3v2 tag in front; what ID3v1 behind says counts where the other is silent.

A file without an ID3v2 tag gets one of version 2.4: the only one in which several genres are parted
unambiguously, and one that players have read for many years. What ID3v1 says of title, artist and
so on goes into it too, since most programs stop looking there once they find the newer tag. ID3v1
itself stays as it is.
"""

import io
from typing import Any, BinaryIO

from genre_engine.audio.decoders import sniff
from genre_engine.audio.mp3_frames import frames
from genre_engine.errors import TagsError
from genre_engine.library.identity import id3v2_length
from genre_engine.library.tag_formats.id3 import Id3Tag, damaged
from genre_engine.library.tag_formats.splices import MOST_BYTES

_V1_BYTES = 128
# Where the first frames have to be found.
_LOOKED_AT = 1 << 16


class Mp3Tag(Id3Tag):
    """The first ID3v2 tag of an MP3, and the genre of its ID3v1 tag."""

    kind = "MP3"
    old_genres: tuple[str, ...] = ()

    def texts(self, slot: str) -> list[str]:
        found = super().texts(slot)
        return list(self.old_genres) if slot == "TCON" and not found else found


def mp3(file: BinaryIO, start: int, size: int) -> Mp3Tag:
    """The tags of an MP3 whose frames come after `start`.

    Raises:
        TagsError: it is no MP3, or its tag is damaged.
    """
    file.seek(start)
    head = file.read(_LOOKED_AT)
    if head[:3] == b"ID3":
        raise damaged()
    if sniff(head.lstrip(b"\0")[:64]) != "MP3" and not frames(head, 4):
        raise TagsError("What it is can't be made out from its content, so no tags are written.")
    file.seek(0)
    length = id3v2_length(file.read(10))
    if length > MOST_BYTES:
        raise TagsError("Its tags have more than 64 MB. Remove pictures that nobody needs.")
    old = _v1(file, size)
    if start and length:
        file.seek(0)
        tag = Mp3Tag(file.read(length))
    else:
        tag = Mp3Tag.empty(frames=_as_frames(old))
    if "TCON" in old:
        tag.old_genres = tuple(old["TCON"].genres)
    return tag


def _v1(file: BinaryIO, size: int) -> dict[str, Any]:
    from mutagen.id3 import ParseID3v1

    file.seek(max(0, size - _V1_BYTES))
    data = file.read(_V1_BYTES)
    return (ParseID3v1(data) or {}) if data[:3] == b"TAG" else {}  # type: ignore[no-untyped-call]


def _as_frames(old: dict[str, Any]) -> bytes:
    """What ID3v1 says as frames of ID3v2.4, without the genre."""
    from mutagen.id3 import ID3

    tag: Any = ID3()  # type: ignore[no-untyped-call]
    for frame in old.values():
        if frame.FrameID != "TCON":
            tag.add(frame)
    made = io.BytesIO()
    tag.save(made, v1=0, v2_version=4, padding=lambda info: 0)
    return made.getvalue()[10:]
