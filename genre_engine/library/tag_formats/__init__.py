"""Genre, mood, tempo and key in the tags of each format, and which bytes say something else.

Files are never given to a library that writes all tags again: such a library drops or re-encodes
what it doesn't know. Here a tag is parsed into its items (an ID3 frame, a Vorbis comment, an MP4
atom), the items of a field are exchanged, sizes that depend on them are corrected, and every other
byte stays as it is.

    splices.py   changes of a file's bytes
    id3.py       ID3v2.2, 2.3 and 2.4
    mp3.py       MP3, with what ID3v1 says
    chunks.py    WAV and AIFF: an ID3 tag in a chunk; WAV's own INFO
    vorbis.py    Vorbis comments, and FLAC
    ogg.py       Ogg Vorbis and Opus: the comments in pages
    mp4.py       M4A

A *field* is one of FIELDS. A *slot* is where a format keeps one, such as `TXXX:MOOD`; a field may
have several, of which `encode` fills one and empties the others.
"""

from typing import BinaryIO

from genre_engine.audio.decoders import sniff
from genre_engine.errors import TagsError
from genre_engine.library.identity import front_tags_end
from genre_engine.library.tag_formats import chunks, mp3, mp4, ogg, vorbis
from genre_engine.library.tag_formats.splices import FIELDS, Items, Splice, Tags

__all__ = ["FIELDS", "Items", "Splice", "Tags", "opened"]


def opened(file: BinaryIO) -> Tags:
    """The tags of a file that is open for reading, by its content.

    Raises:
        TagsError: they are damaged, or the format isn't one that tags are written to.
        OSError: it can't be read.
    """
    size = file.seek(0, 2)
    start = front_tags_end(file, size)
    file.seek(start)
    head = file.read(64)
    kind = sniff(head)
    if kind == "FLAC":
        return vorbis.flac(file, start, size)
    if start == 0 and kind == "Ogg":
        return ogg.ogg(file)
    if start == 0 and kind == "M4A":
        return mp4.mp4(file, size)
    if start == 0 and kind == "WAV" and head[:4] == b"RIFF":
        return chunks.wav(file, size)
    if start == 0 and kind == "AIFF":
        return chunks.aiff(file, size)
    if kind in (None, "MP3"):
        return mp3.mp3(file, start, size)
    if start:
        raise TagsError("An ID3 tag stands before it, where none belongs. Remove it first.")
    if kind == "WAV":
        raise TagsError("Tags aren't written to WAV files of this form (RF64, RIFX).")
    raise TagsError(
        f"Tags aren't written to {kind or 'this kind of'} files here, only to MP3, FLAC, Ogg "
        "Vorbis, Opus, M4A, AIFF and WAV."
    )
