"""What a file's tags say of genre, mood, tempo and key.

Values are texts, such as `("Rock", "Pop")`, `("128",)` or `("F#m",)`.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from genre_engine.audio.decoders import first_bytes
from genre_engine.audio.tags import split_genres
from genre_engine.errors import AudioError, FileUnreadable, TagsError
from genre_engine.library.tag_formats import FIELDS, Items, Tags, opened

Values = Mapping[str, tuple[str, ...]]


@contextmanager
def opened_tags(path: Path) -> Iterator[Tags]:
    """The tags of a file, while the block runs.

    Raises:
        FileMissing, FileUnreadable: it isn't there, or can't be read.
        NotAudio: it is empty.
        TagsError: its tags are damaged, or of a format that tags aren't written to.
    """
    first_bytes(path)
    with ExitStack() as closing:
        with in_words():
            tags = opened(closing.enter_context(path.open("rb")))
        yield tags


@contextmanager
def in_words() -> Iterator[None]:
    """Turn what readers of tags raise into words.

    Raises:
        FileUnreadable, TagsError: instead of any other error.
    """
    try:
        yield
    except AudioError:
        raise
    except OSError as error:
        if error.errno is None:  # mutagen's own, where something ends too early
            raise _damaged() from error
        raise FileUnreadable(f"It can't be read ({error}).") from error
    except (ValueError, IndexError, KeyError, TypeError, OverflowError) as error:
        # mutagen's parsers raise many kinds on damaged tags.
        raise _damaged() from error


def _damaged() -> TagsError:
    return TagsError("Its tags are damaged. Repair them with a tag editor, then try again.")


def texts(tags: Tags, field: str) -> tuple[str, ...]:
    """What a field says, as its items stand: in the first of its slots that says anything."""
    for slot in tags.slots(field):
        found = tuple(text for text in tags.texts(slot) if text.strip())
        if found:
            return found
    return ()


def names(values: Sequence[str]) -> list[str]:
    """Single values: one text may hold several.

    >>> names(["Rock; Pop"])
    ['Rock', 'Pop']
    """
    return split_genres(values)


def read(path: Path) -> dict[str, tuple[str, ...]]:
    """The values of each of FIELDS.

    Raises:
        AudioError: as `opened_tags`.
    """
    with opened_tags(path) as tags:
        return {field: texts(tags, field) for field in FIELDS}


def items(tags: Tags, fields: Sequence[str] = FIELDS) -> Items:
    """The raw items of some fields, slot by slot."""
    return {slot: tags.items(slot) for field in fields for slot in tags.slots(field)}


def encoded(tags: Tags, values: Values) -> Items:
    """The items that say some values."""
    found: Items = {}
    for field, wanted in values.items():
        found |= tags.encode(field, wanted)
    return found


_SIGNS = str.maketrans({"♯": "#", "♭": "b"})


def key_text(key: str) -> str:
    """A key as ID3's TKEY wants it, which DJ programs read everywhere.

    >>> key_text("F♯ minor"), key_text("E♭ major")
    ('F#m', 'Eb')
    """
    note, _, mode = key.partition(" ")
    return note.translate(_SIGNS) + ("m" if mode == "minor" else "")
