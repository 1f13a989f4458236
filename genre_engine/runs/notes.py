"""What people say of a run: a note and tags, kept beside it in `notes.json`.

    {"note": "first with the embedding", "tags": ["baseline", "thesis"]}

They decide nothing of what is trained, so they stand apart from the config, and a damaged file is
one without a word.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from genre_engine.errors import WrongUsage

FILE = "notes.json"
MOST_SIGNS = 2000
MOST_TAGS = 20
MOST_TAG_SIGNS = 32


@dataclass(frozen=True)
class Notes:
    """A run's note and tags; empty where nobody wrote any."""

    note: str = ""
    tags: tuple[str, ...] = ()


def read(folder: Path) -> Notes:
    """What is noted of a run's folder."""
    try:
        values = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return Notes(check_note(str(values["note"])), check_tags([*map(str, values["tags"])]))
    except (OSError, ValueError, KeyError, TypeError, WrongUsage):
        return Notes()


def check_note(text: str) -> str:
    """A note without what no text has, and without blanks around it.

    Raises:
        WrongUsage: it is too long.

    >>> check_note("  best so far ")
    'best so far'
    """
    kept = "".join(sign for sign in text if sign.isprintable() or sign == "\n").strip()
    if len(kept) > MOST_SIGNS:
        raise WrongUsage(
            f"A note has up to {MOST_SIGNS:,} characters, this one {len(kept):,}. Shorten it."
        )
    return kept


def check_tags(tags: Sequence[str]) -> tuple[str, ...]:
    """Tags in the order of the alphabet, each once; capitals don't make another tag.

    Raises:
        WrongUsage: one can't be a tag, or there are too many.

    >>> check_tags(["thesis", " Baseline", "baseline"])
    ('Baseline', 'thesis')
    """
    found: dict[str, str] = {}
    for tag in tags:
        word = " ".join(tag.split())
        if not word or len(word) > MOST_TAG_SIGNS or "," in word or not word.isprintable():
            raise WrongUsage(
                f"{tag!r} can't be a tag. Use up to {MOST_TAG_SIGNS} characters without a comma."
            )
        found.setdefault(word.casefold(), word)
    if len(found) > MOST_TAGS:
        raise WrongUsage(f"A run has up to {MOST_TAGS} tags, not {len(found)}. Take some away.")
    return tuple(found[key] for key in sorted(found))
