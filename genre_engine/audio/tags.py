"""What a file says of itself: title, artist, album, genres, licence, and the picture of its cover.

mutagen reads the tags; RIFF's own INFO chunk, which it passes over, libsndfile does. Tags are
hostile: texts are cut, whatever a damaged tag raises counts as no tag, and a cover is drawn again,
small, from a picture whose size is checked before its pixels are decoded.
"""

import base64
import io
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from genre_engine.audio.decoders import Source
from genre_engine.storage.native_stderr import native_noise_filtered

_PARTED = re.compile(r"[;/\0]")
_MAX_TEXT = 1_000
_NAMES = {"TCON": "genre", "TPE1": "artist", "TPE2": "albumartist", "TALB": "album"}
_NAMES |= {"TIT2": "title", "TCOP": "copyright", "WCOP": "license"}
_NAMES |= {"WM/GENRE": "genre", "WM/ALBUMTITLE": "album", "AUTHOR": "artist"}
_NAMES |= {"©NAM": "title", "©ART": "artist", "©ALB": "album", "©GEN": "genre", "CPRT": "copyright"}
_NAMES |= {"AART": "albumartist"}
_WANTED = ("title", "artist", "albumartist", "album", "genre", "license", "licence", "copyright")

# A cover beyond these isn't shown: bytes of the file, and pixels.
_MAX_COVER_BYTES, _MAX_COVER_PIXELS = 20_000_000, 16_000_000
_COVER_KINDS = ("JPEG", "PNG", "WEBP", "GIF")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FileTags:
    """The tags of one audio file; what isn't there is None or empty.

    Attributes:
        cover: the bytes of the front cover's picture as they stand in the file.
    """

    title: str | None = None
    artist: str | None = None
    album: str | None = None
    genres: tuple[str, ...] = ()
    licence: str | None = None
    cover: bytes | None = None


def read(source: Source, *, cover: bool = True) -> FileTags:
    """The tags of a file or of its bytes; empty where it has none, or none that can be read.

    Raises:
        OSError: the file can't be read.
    """
    from mutagen.wave import WAVE

    opened = _opened(source)
    tags = _plain(getattr(opened, "tags", None))
    if opened is None or (not tags and isinstance(opened, WAVE)):
        tags = _riff_tags(source)
    return FileTags(
        title=_first(tags, "title"),
        artist=_first(tags, "artist", "albumartist"),
        album=_first(tags, "album"),
        genres=tuple(split_genres(tags.get("genre", []))),
        licence=_first(tags, "license", "licence", "copyright"),
        cover=_cover(opened) if cover and opened is not None else None,
    )


def split_genres(texts: Iterable[str]) -> list[str]:
    """Genres of one or more texts, parted at `;` and `/`.

    >>> split_genres(["Rock; Pop/Folk", "Rock"])
    ['Rock', 'Pop', 'Folk']
    """
    names = (" ".join(name.split()) for text in texts for name in _PARTED.split(text))
    return list(dict.fromkeys(name for name in names if name))


def thumbnail(picture: bytes, size: int = 96) -> bytes | None:
    """A picture of at most `size` × `size` pixels as JPEG; None where it can't be drawn."""
    from PIL import Image

    if len(picture) > _MAX_COVER_BYTES:
        return None
    drawn = io.BytesIO()
    try:
        with Image.open(io.BytesIO(picture), formats=_COVER_KINDS) as image:
            if image.width * image.height > _MAX_COVER_PIXELS:
                return None
            image.draft("RGB", (2 * size, 2 * size))
            image.thumbnail((size, size))
            image.convert("RGB").save(drawn, "JPEG", quality=85)
    except Exception as error:  # noqa: BLE001 - its parsers raise many kinds on damaged pictures
        _log.debug("a cover that can't be drawn: %r", error)
        return None
    return drawn.getvalue()


def _opened(source: Source) -> Any:
    import mutagen

    try:
        # Without `easy`, which knows neither pictures nor the frames of WAV and AIFF.
        return mutagen.File(io.BytesIO(source) if isinstance(source, bytes) else source)
    except OSError:
        raise
    except mutagen.MutagenError as error:
        cause = error.__context__
        # mutagen raises the same kind, without a number, where a tag ends too early.
        if isinstance(cause, OSError) and cause.errno is not None and not isinstance(source, bytes):
            raise cause from error
        _log.debug("mutagen: %r", error)
    except Exception as error:  # noqa: BLE001 - its parsers raise many kinds on damaged files
        _log.debug("mutagen: %r", error)
    return None


def _first(tags: dict[str, list[str]], *names: str) -> str | None:
    for name in names:
        for text in tags.get(name, []):
            if clean := " ".join(text.split()):
                return clean
    return None


def _plain(tags: Any) -> dict[str, list[str]]:
    """Texts by name, from Vorbis comments, ID3 frames, MP4 atoms, APE or ASF."""
    plain: dict[str, list[str]] = {}
    if not tags:
        return plain
    for key in tags.keys():  # noqa: SIM118 - to go through Vorbis comments gives pairs
        name = _NAMES.get(str(key).upper(), str(key).lower())
        if name not in _WANTED:  # pictures and others' data, which may be large
            continue
        try:
            value = tags[key]
        except (KeyError, ValueError):
            continue
        # A genre's frame may hold numbers of ID3's list; `genres` turns these into names.
        texts = getattr(value, "genres", None) or getattr(value, "text", None) or value
        texts = getattr(texts, "url", texts)
        if isinstance(texts, (str, bytes)) or not isinstance(texts, Iterable):
            texts = [texts]
        # What isn't text in a damaged tag must not spoil a table.
        plain[name] = [str(text)[:_MAX_TEXT].encode("utf-8", "replace").decode() for text in texts]
    return plain


def _riff_tags(source: Source) -> dict[str, list[str]]:
    import soundfile

    names = ("genre", "artist", "album", "title", "copyright", "license")
    opened = io.BytesIO(source) if isinstance(source, bytes) else source
    try:
        with native_noise_filtered(), soundfile.SoundFile(opened) as file:
            return {name: [text] for name in names if (text := getattr(file, name, ""))}
    except (soundfile.LibsndfileError, RuntimeError) as error:
        _log.debug("libsndfile: %r", error)
        return {}


def _cover(opened: Any) -> bytes | None:
    """The front cover, or the first picture there is."""
    try:
        pictures = [(picture.type, picture.data) for picture in getattr(opened, "pictures", ())]
        tags = opened.tags or {}
        for key in tags.keys():  # noqa: SIM118 - as above
            if str(key).startswith("APIC"):
                pictures.append((tags[key].type, tags[key].data))
            elif str(key) == "covr":
                pictures += [(_FRONT, bytes(data)) for data in tags[key]]
            elif str(key) == "metadata_block_picture":
                pictures += [_vorbis_picture(text) for text in tags[key]]
    except Exception as error:  # noqa: BLE001 - as above
        _log.debug("a cover that can't be read: %r", error)
        return None
    front = [data for kind, data in pictures if kind == _FRONT]
    return next(iter([*front, *(data for _, data in pictures)]), None)


_FRONT = 3  # ID3's number, which FLAC uses too


def _vorbis_picture(text: str) -> tuple[int, bytes]:
    from mutagen.flac import Picture

    picture = Picture(base64.b64decode(text))  # type: ignore[no-untyped-call]
    return picture.type, picture.data
