"""The journal of what was written into music files: enough to take it back, at every moment.

    writes/<batch>/batch.json      when, of what kind, with which settings
    writes/<batch>/journal.jsonl   one JSON object a line, only ever added to

Each file has a number `n` in its batch, and up to three lines:

    begin     on disk before anything happens to the file: its path, the copy's name, its state, the
              bytes that are to be replaced, and the raw items of the fields before and after
    ready     on disk before the copy takes the file's place: checksums of both, the copy's state
    written   it has taken its place; or `dropped`: it hasn't, and won't

A file with `begin` alone was never touched. Of one with `ready` alone, the checksums show which of
the two it is (see `tag_recovery`). A last line that was cut short counts as not there. Bytes are in
base64 of zlib's format, since much of what is replaced is padding.
"""

import base64
import json
import os
import re
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

from genre_engine.errors import LibraryError, WrongUsage
from genre_engine.library.tag_delta import delta
from genre_engine.library.tag_files import sync_folder
from genre_engine.library.tag_formats import Items, Splice
from genre_engine.storage import workspace
from genre_engine.storage.workspace import storage_errors

FOLDER = "writes"
_BATCH, _LINES = "batch.json", "journal.jsonl"
_ID = re.compile(r"\d{8}-\d{6}-\d{3}")
# A file's old tags, as text: no line is longer.
_MOST_LINE = 1 << 28


@dataclass
class Entry:
    """What a journal says of one file.

    Attributes:
        batch, n: whose entry it is.
        state: begun, ready, written, dropped, or lost (it was changed or removed by another program
            before it could be settled).
        path: the file's, links resolved.
        copy: the path of the copy beside it.
        sound: the identity of its sound.
        undoes: the entry that this takes back, as (batch, n).
        old_hash, new_hash: of the whole file before and after.
        offset: where its first line begins.
    """

    batch: str
    n: int
    path: str
    copy: str
    sound: str
    offset: int
    state: str = "begun"
    undoes: tuple[str, int] | None = None
    old_hash: str = ""
    new_hash: str = ""
    new_state: tuple[int, ...] = ()


@dataclass(frozen=True)
class Kept:
    """What is needed to take an entry back.

    Attributes:
        values: field → what it said before, and what was written.
        old_items, new_items: of the slots of these fields.
        replaced: place in the new file, how many bytes there are new, and the old ones, by way of
            the new (see `tag_delta`).
        mtime_ns: the file's time of change before.
    """

    values: dict[str, tuple[tuple[str, ...], tuple[str, ...]]]
    old_items: Items
    new_items: Items
    replaced: tuple[tuple[int, int, tuple[tuple[int, int] | bytes, ...]], ...]
    mtime_ns: int


@dataclass(frozen=True)
class Batch:
    """One writing of tags, or one undoing.

    Attributes:
        id: sorts by time.
        kind: tags or undo.
        time: seconds since 1970.
        settings: as they were asked for.
        ended: whether all of its entries are settled.
        files: how many were written, and
        took_back: how many of each batch were taken back by this one; known once it has ended, so
            that a list of batches needn't read journals, which are long.
    """

    folder: Path
    id: str
    kind: str
    time: float
    settings: dict[str, Any]
    ended: bool
    files: int = 0
    took_back: dict[str, int] = field(default_factory=dict)

    def counted(self) -> "Batch":
        """The same with the counts that its entries give now."""
        written = [entry for entry in self.entries() if entry.state in ("written", "ready")]
        back = Counter(entry.undoes[0] for entry in written if entry.undoes is not None)
        return replace(self, files=len(written), took_back=dict(back))

    def entries(self) -> list[Entry]:
        """Its entries by their numbers, without the bytes of tags."""
        found: dict[int, Entry] = {}
        for offset, line in _lines(self.folder / _LINES):
            event, n = line.get("event"), line.get("n")
            if event == "begin":
                undoes = line.get("undoes")
                found[line["n"]] = Entry(
                    *(self.id, line["n"], line["path"], line["copy"], line["sound"], offset),
                    undoes=(undoes[0], undoes[1]) if undoes else None,
                )
            elif n in found:
                entry = found[n]
                entry.state = str(event)
                if event == "ready":
                    entry.old_hash, entry.new_hash = line["old_hash"], line["new_hash"]
                    entry.new_state = tuple(line["new_state"])
        return [found[n] for n in sorted(found)]

    def kept(self, entry: Entry) -> Kept:
        """The old tags of an entry."""
        with (self.folder / _LINES).open("rb") as file:
            file.seek(entry.offset)
            line = json.loads(file.readline(_MOST_LINE))
        return Kept(
            {name: (tuple(old), tuple(new)) for name, (old, new) in line["values"].items()},
            _unpacked_items(line["old_items"]),
            _unpacked_items(line["new_items"]),
            tuple(
                (at, length, tuple(map(_unpacked_part, old)))
                for at, length, old in line["replaced"]
            ),
            line["mtime_ns"],
        )


class Journal:
    """A batch that is being written; use as a context."""

    def __init__(self, folder: Path, batch: Batch) -> None:
        self.batch, self._path = batch, folder / _LINES
        self._n = 0

    @classmethod
    def create(cls, library: Path, kind: str, settings: dict[str, Any]) -> "Journal":
        """A new batch of a library's folder, later than all others.

        Raises:
            StorageError: it can't be written.
        """
        room = library / FOLDER
        workspace.make_folder(room)
        with storage_errors(room):
            while True:
                now = time.time()
                name = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now))
                name += f"-{int(now * 1000) % 1000:03d}"
                latest = max((entry.name for entry in room.iterdir()), default="")
                if name > latest:
                    break
                # A clock that was set back; ids stay in the order of the writing.
                time.sleep(0.002)
                if latest > name and _ID.fullmatch(latest):
                    name = _after(latest)
                    break
            folder = room / name
            folder.mkdir()
        batch = Batch(folder, name, kind, now, settings, ended=False)
        _save(batch)
        with storage_errors(folder):
            (folder / _LINES).touch()
            sync_folder(folder)
            sync_folder(room)
            sync_folder(library)
        return cls(folder, batch)

    def begin(
        self,
        path: Path,
        sound: str,
        splices: Sequence[Splice],
        kept: Kept,
        undoes: tuple[str, int] | None = None,
    ) -> Entry:
        """Keep the old tags of a file on disk, before anything happens to it."""
        n, self._n = self._n, self._n + 1
        copy = path.with_name(f".genre-studio-{self.batch.id}-{n}")
        replaced, moved = [], 0
        for splice in splices:
            old = [
                _packed(part) if isinstance(part, bytes) else part
                for part in delta(splice.old, splice.new)
            ]
            replaced.append((splice.at + moved, len(splice.new), old))
            moved += len(splice.new) - len(splice.old)
        line = {
            "n": n,
            "event": "begin",
            "path": str(path),
            "copy": str(copy),
            "sound": sound,
            "mtime_ns": kept.mtime_ns,
            "undoes": undoes,
            "values": kept.values,
            "old_items": _packed_items(kept.old_items),
            "new_items": _packed_items(kept.new_items),
            "replaced": replaced,
        }
        offset = self._add(line)
        return Entry(self.batch.id, n, str(path), str(copy), sound, offset, undoes=undoes)

    def ready(self, entry: Entry, old_hash: str, new_hash: str, state: os.stat_result) -> None:
        """Keep on disk what the file will be, before it is replaced."""
        new_state = (state.st_size, state.st_mtime_ns, state.st_ino, state.st_dev)
        self._add(
            {
                "n": entry.n,
                "event": "ready",
                "old_hash": old_hash,
                "new_hash": new_hash,
                "new_state": new_state,
            }
        )

    def settle(self, entry: Entry, state: str) -> None:
        """Say what became of a file: written, dropped or lost."""
        entry.state = state
        self._add({"n": entry.n, "event": state}, durably=False)

    def end(self) -> None:
        """Say that all entries are settled."""
        with storage_errors(self._path), self._path.open("ab") as file:
            os.fsync(file.fileno())
        _save(replace(self.batch.counted(), ended=True))

    def _add(self, line: dict[str, Any], *, durably: bool = True) -> int:
        """Add a line; returns where it begins."""
        with storage_errors(self._path), self._path.open("r+b", buffering=0) as file:
            offset = file.seek(0, 2)
            data = json.dumps(line, ensure_ascii=True).encode() + b"\n"
            if offset:
                file.seek(offset - 1)
                if file.read(1) != b"\n":  # a line that was cut short
                    data = b"\n" + data
            try:
                if file.write(data) != len(data):
                    raise OSError(28, "No space left on device")
                if durably:
                    os.fsync(file.fileno())
            except OSError:
                with suppress(OSError):
                    file.truncate(offset)
                raise
        return offset + (data[:1] == b"\n")


def batches(library: Path) -> list[Batch]:
    """The batches of a library's folder, the oldest first."""
    room = library / FOLDER
    if not room.is_dir():
        return []
    found = []
    for folder in sorted(room.iterdir()):
        if not _ID.fullmatch(folder.name):
            continue
        try:
            said = json.loads((folder / _BATCH).read_bytes())
            found.append(
                Batch(
                    *(folder, folder.name, str(said["kind"]), float(said["time"])),
                    *(dict(said["settings"]), bool(said["ended"])),
                    *(int(said["files"]), dict(said["took_back"])),
                )
            )
        except FileNotFoundError:  # killed before it had written anything
            continue
        except (ValueError, KeyError, TypeError) as error:
            raise LibraryError(f"The journal {folder} is damaged ({error}).") from error
    return found


def batch_named(library: Path, name: str) -> Batch:
    """A batch by its id, or by a beginning that no other has.

    Raises:
        WrongUsage: there is none, or there are several.
    """
    found = [batch for batch in batches(library) if batch.id.startswith(name)]
    if len(found) != 1:
        number = "no batch" if not found else f"{len(found)} batches"
        raise WrongUsage(f"There is {number} {name!r}. List them with: library undo NAME --list")
    return found[0]


def undone(found: Sequence[Batch]) -> set[tuple[str, int]]:
    """The entries that later batches took back."""
    return {
        entry.undoes
        for batch in found
        if batch.kind == "undo"
        for entry in batch.entries()
        if entry.undoes is not None and entry.state == "written"
    }


def _save(batch: Batch) -> None:
    said = {
        name: getattr(batch, name)
        for name in ("kind", "time", "settings", "ended", "files", "took_back")
    }
    with workspace.replacing(batch.folder / _BATCH) as path, path.open("wb") as file:
        file.write(json.dumps(said).encode())
        file.flush()
        os.fsync(file.fileno())


def _after(name: str) -> str:
    """The id that comes next."""
    day, clock, thousandth = name.split("-")
    number = int(day + clock + thousandth) + 1
    text = f"{number:017d}"
    return f"{text[:8]}-{text[8:14]}-{text[14:]}"


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    if not path.exists():  # killed before it had written anything
        return
    with path.open("rb") as file:
        for offset, line in _with_offsets(file):
            with suppress(ValueError):
                said = json.loads(line)
                if isinstance(said, dict):
                    yield offset, said


def _with_offsets(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    offset = 0
    while line := file.readline(_MOST_LINE):
        yield offset, line
        offset += len(line)


def _packed(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data)).decode()


def _unpacked(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text))


def _unpacked_part(part: str | list[int]) -> tuple[int, int] | bytes:
    return _unpacked(part) if isinstance(part, str) else (part[0], part[1])


def _packed_items(items: Items) -> dict[str, list[str]]:
    return {slot: [_packed(item) for item in raw] for slot, raw in items.items()}


def _unpacked_items(items: dict[str, list[str]]) -> Items:
    return {slot: tuple(map(_unpacked, raw)) for slot, raw in items.items()}
