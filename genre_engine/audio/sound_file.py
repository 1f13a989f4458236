"""What libsndfile (soundfile) opens, as this project opens it: by content, and read onwards."""

import io
import os
import re
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, BinaryIO

from genre_engine.audio import mp3_parts, ogg_parts, unfinished
from genre_engine.audio.virtual_file import Piece, Source, assembled, opened

if TYPE_CHECKING:
    import soundfile

_CLAIM = re.compile(r"^\s*(?:data|SSND) : (\d+) \(should be (\d+)\)", re.MULTILINE)
_WITHOUT_END = 0x7FFF0000


class _Upload(io.BytesIO):
    """Stays where it is when a damaged file's offsets point before its beginning.

    libsndfile notices by itself; an exception here would be printed on standard error.
    """

    def seek(self, offset: int, whence: int = 0, /) -> int:
        try:
            return super().seek(offset, whence)
        except (ValueError, OverflowError):
            return self.tell()


def sound_file(
    source: Source, pieces: Sequence[Piece] | None, closing: ExitStack
) -> "soundfile.SoundFile":
    """Open a source, or what is put together from it; raises soundfile.LibsndfileError."""
    import soundfile

    class Forward(soundfile.SoundFile):  # type: ignore[misc]
        """Reads on from where it is; after every read soundfile would seek to where it is already,
        and MP3 and Vorbis decode again what lies before a place that is sought.
        """

        def seekable(self) -> bool:
            return False

    if pieces is not None:
        return Forward(closing.enter_context(assembled(source, pieces)))
    if isinstance(source, bytes):
        return Forward(_Upload(source))
    # Not by name: soundfile takes a name that ends in .raw for headerless samples.
    descriptor = os.open(source, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    closing.callback(os.close, descriptor)
    return Forward(descriptor, closefd=False)


def cut_to(file: "soundfile.SoundFile") -> float:
    """How many times as much as there is a file without compression claims; 1 for any other.

    libsndfile counts what is there, and what the header says stands in its log alone.
    """
    if file.format not in ("WAV", "WAVEX", "AIFF"):
        return 1.0
    listed = _CLAIM.search(file.extra_info)
    # Who writes without knowing the end claims all that the format has room for.
    if listed is None or int(listed[1]) >= _WITHOUT_END or not int(listed[2]):
        return 1.0
    return max(1.0, int(listed[1]) / int(listed[2]))


class Plan:
    """What has to be opened so that all of a source is decoded.

    Attributes:
        parts: pieces of the source, one file each; None instead for the source as it is.
        length_s: what will be decoded, where counting has shown it.
        makes_no_claim: the file doesn't say itself how long it is.
    """

    def __init__(self) -> None:
        self.parts: list[Sequence[Piece] | None] = [None]
        self.length_s: float | None = None
        self.makes_no_claim = False


def open_planned(source: Source, closing: ExitStack) -> tuple["soundfile.SoundFile", Plan]:
    """Open a source that libsndfile knows so that all of it is decoded.

    Returns:
        Its first part, or what there is of it as it is where there are several.

    Raises:
        soundfile.LibsndfileError: it isn't known.
        OSError: it can't be read.
    """
    import soundfile

    planned = Plan()
    with opened(source) as raw:
        planned.parts = [unfinished.completed(raw)]
        try:
            file = closing.enter_context(sound_file(source, planned.parts[0], closing))
        except soundfile.LibsndfileError:
            if planned.parts == [None]:
                raise
            # What it holds is for another decoder, which knows how to do without a length.
            planned.parts = [None]
            file = closing.enter_context(sound_file(source, None, closing))
        before = planned.parts
        if file.format == "MP3" or file.subtype == "MPEG_LAYER_III":  # WAV may hold one
            _plan_mp3(planned, raw, file)
        elif file.format == "OGG":
            links = ogg_parts.links(raw)
            if len(links) > 1:
                planned.parts = [[link] for link in links]
    if planned.parts is not before and len(planned.parts) == 1:
        file = closing.enter_context(sound_file(source, planned.parts[0], closing))
    return file, planned


def _plan_mp3(made: Plan, raw: BinaryIO, file: "soundfile.SoundFile") -> None:
    parts = mp3_parts.parts(raw)
    if not parts:
        return
    made.length_s = sum(part.seconds for part in parts)
    only = parts[0]
    if len(parts) > 1:
        made.parts = [mp3_parts.pieces(part, raw) for part in parts]
        return
    made.makes_no_claim = not only.claimed
    enough = file.frames >= only.n_frames * only.samples or (only.claimed or 0) >= only.n_frames
    if file.format != "MP3" or len(only.ranges) > 1 or only.claimed == 0 or not enough:
        made.parts = [mp3_parts.pieces(only, raw)]
