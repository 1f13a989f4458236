"""What a visitor corrected: the genres that they say songs have, kept by the files' content.

    corrections.jsonl           one correction a line, the newest last
    corrections.damaged.jsonl   what that was before, where a part of it couldn't be read

At home they are kept in the workspace. Where visitors share a server they are kept in its memory,
each visitor's apart, and are gone when it ends. With a song's words its vector is kept
(`questions.EMBEDDING`), from which `taught_model` learns; the audio itself is kept nowhere.
"""

import json
import logging
import math
import re
import shutil
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

from filelock import FileLock

from genre_engine import labels
from genre_engine.errors import GenreEngineError, WrongUsage
from genre_engine.prediction import vocabulary
from genre_engine.pretrained import NETWORKS
from genre_engine.storage import budget, json_fields, owners, workspace

# How many songs can be corrected, and how many are kept of all visitors where they share a server.
MOST, MOST_IN_ALL = 300, 3_000
MOST_WORDS, MOST_SIGNS = 5, 40
_MOST_NAME = 300
_MOST_LINE, _MOST_BYTES = 20_000, 6_000_000
# Numbers a network has in a song's vector, and how many decimals of each are kept.
_TAGS, _DECIMALS = 50, 4
_SHA256 = re.compile(r"[0-9a-f]{64}")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Correction:
    """A song with the genres that its listener says it has.

    Attributes:
        sha256: of the file's content.
        title: of its tags, or the file's name.
        artist: of its tags; empty where they name none.
        networks: whose tags the vector is made of, in their order.
        embedding: the vector, `[50 × networks]`.

    Raises:
        WrongUsage: no words or too many, or a vector that isn't the networks'.
    """

    sha256: str
    title: str
    artist: str
    genres: tuple[str, ...]
    networks: tuple[str, ...]
    embedding: tuple[float, ...]

    def __post_init__(self) -> None:
        if not _SHA256.fullmatch(self.sha256):
            raise WrongUsage("A correction is kept by the SHA-256 of its file.")
        if self.genres != tuple(words(self.genres)) or not self.genres:
            raise WrongUsage(f"Name one to {MOST_WORDS} genres of {MOST_SIGNS} signs at most.")
        if max(len(self.title), len(self.artist)) > _MOST_NAME:
            raise WrongUsage(f"A title and an artist have {_MOST_NAME} signs at most.")
        fits = self.networks and len(self.embedding) == _TAGS * len(self.networks)
        known = set(self.networks) <= set(NETWORKS)
        if not (fits and known and all(map(math.isfinite, self.embedding))):
            raise WrongUsage("The vector of the song isn't one of the pretrained networks'.")


@dataclass(frozen=True)
class Corrections:
    """All that were kept, in the order in which they were made.

    Attributes:
        problem: a sentence on what couldn't be read; empty where all could.
    """

    songs: tuple[Correction, ...] = ()
    problem: str = ""

    def of(self, sha256: str) -> Correction | None:
        """The correction of a file, by its checksum."""
        return next((one for one in self.songs if one.sha256 == sha256), None)

    @property
    def words(self) -> tuple[str, ...]:
        """Their genres, the most frequent first."""
        return tuple(labels.count(one.genres for one in self.songs))


_lock = threading.Lock()
_in_memory: OrderedDict[str, tuple[Correction, ...]] = OrderedDict()


def words(given: Iterable[str], known: Iterable[str] = ()) -> list[str]:
    """Genres as they are kept: without needless spaces, each once, in the spelling that is known.

    Raises:
        WrongUsage: a word is too long, or holds signs that can't be shown; or they are too many.

    >>> words([" Folk  rock", "HIP-HOP", "hip hop"], known=["hip hop"])
    ['Folk rock', 'hip hop']
    """
    spelling = {labels.folded(word): word for word in reversed(list(known))}
    found: dict[str, str] = {}
    for word in given:
        clean = " ".join(word.split())
        if not clean:
            continue
        if len(clean) > MOST_SIGNS or not clean.isprintable():
            raise WrongUsage(f"A genre is a word of {MOST_SIGNS} letters and signs at most.")
        found.setdefault(labels.folded(clean), spelling.get(labels.folded(clean), clean))
    if len(found) > MOST_WORDS:
        raise WrongUsage(f"A song has {MOST_WORDS} genres at most. Leave some out.")
    return list(found.values())


def correct(
    visitor: str,
    sha256: str,
    genres: Sequence[str],
    *,
    title: str,
    artist: str | None,
    networks: Sequence[str],
    embedding: Sequence[float],
) -> Correction:
    """Keep the genres of a song, in place of those that it was given before.

    Args:
        visitor: whose correction it is, where visitors share a server.
        embedding: the song's vector of these networks, from `questions.EMBEDDING`.

    Raises:
        WrongUsage: no words, too many of them, or too many corrections.
        StorageError: the workspace can't be written.
    """
    known = (*listing(visitor).words, *vocabulary.WIDE)
    made = Correction(
        sha256,
        _name(title),
        _name(artist or ""),
        tuple(words(genres, known)),
        tuple(networks),
        tuple(round(float(value), _DECIMALS) for value in embedding),
    )

    def changed(before: tuple[Correction, ...]) -> tuple[Correction, ...]:
        others = tuple(one for one in before if one.sha256 != sha256)
        if len(others) >= MOST:
            raise WrongUsage(f"{MOST} corrections are kept at most. Remove some of them first.")
        return (*others, made)

    _change(visitor, changed)
    return made


def restore(visitor: str, correction: Correction) -> None:
    """Bring back a correction that was removed.

    Raises:
        WrongUsage, StorageError: as `correct`.
    """
    values = asdict(correction)
    correct(visitor, values.pop("sha256"), values.pop("genres"), **values)


def remove(visitor: str, sha256: str) -> Correction | None:
    """Forget the correction of a song, and return it.

    Raises:
        StorageError: the workspace can't be written.
    """
    found = listing(visitor).of(sha256)
    _change(visitor, lambda before: tuple(one for one in before if one.sha256 != sha256))
    return found


def listing(visitor: str) -> Corrections:
    """The corrections of a visitor. What can't be read is left out, and said."""
    if owners.active():
        return Corrections(_in_memory.get(visitor, ()))
    try:
        state = _path().stat()
    except OSError:
        return Corrections()
    return _read(_path(), state.st_mtime_ns, state.st_size)


def _name(text: str) -> str:
    """A title or an artist as one line that can be shown and written."""
    return " ".join(text.encode(errors="replace").decode().split())[:_MOST_NAME]


def _path() -> Path:
    return workspace.root() / "corrections.jsonl"


def _change(
    visitor: str, changed: Callable[[tuple[Correction, ...]], tuple[Correction, ...]]
) -> None:
    with _lock:
        if owners.active():
            _in_memory[visitor] = changed(_in_memory.get(visitor, ()))
            _in_memory.move_to_end(visitor)  # who came last stays longest
            while sum(map(len, _in_memory.values())) > MOST_IN_ALL and len(_in_memory) > 1:
                _in_memory.popitem(last=False)
            return
        path = _path()
        workspace.make_folder(path.parent)
        with workspace.storage_errors(path), FileLock(path.with_name(f".{path.name}.lock")):
            before = listing(visitor)
            songs = changed(before.songs)
            if before.problem:
                with workspace.replacing(path.with_suffix(".damaged.jsonl")) as beside:
                    shutil.copyfile(path, beside)
            with workspace.replacing(path) as temporary:
                lines = (json.dumps(asdict(one), separators=(",", ":")) + "\n" for one in songs)
                temporary.write_text("".join(lines), encoding="utf-8")
            _read.cache_clear()  # clocks of file systems are coarse


@lru_cache(maxsize=1)
def _read(path: Path, changed_ns: int, size: int) -> Corrections:
    """What a file holds, read again when its time or size has changed."""
    if size > _MOST_BYTES:
        return Corrections((), f"{path.name} is larger than any of ours, so it is left out.")
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        return Corrections((), f"{path.name} can't be read ({error.strerror or error}).")
    songs: dict[str, Correction] = {}
    bad = 0
    for line in lines:
        try:
            values = budget.parse_json(line, _MOST_LINE)
            found = json_fields.read(Correction, values, "a correction")
        except (ValueError, GenreEngineError) as error:
            _log.warning("%s: a line can't be read: %r", path.name, error)
            bad += 1
        else:
            songs.pop(found.sha256, None)
            songs[found.sha256] = found
    kept = tuple(songs.values())[-MOST:]
    bad += len(songs) - len(kept)
    lines_ = "A line" if bad == 1 else f"{bad:,} lines"
    return Corrections(kept, f"{lines_} of {path.name} can't be read: left out." if bad else "")
