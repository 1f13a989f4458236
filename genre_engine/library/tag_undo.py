"""What was written into music files is taken back.

A file that is still as a batch left it becomes, byte for byte, what it was before that batch. So
batches that are undone from the newest on lead back to the first state of all.

A file that has changed since (by a later batch, or by another program) keeps that change: of the
fields that the batch wrote, those that still say what it wrote get their old items back, the others
stay. Where none does, the file is left alone and named.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from genre_engine.errors import WrongUsage
from genre_engine.library import tag_frames, tag_journal
from genre_engine.library.tag_delta import applied
from genre_engine.library.tag_files import LeftAlone, whole_hash, writable
from genre_engine.library.tag_formats import Items, Splice, Tags
from genre_engine.library.tag_journal import Batch, Entry, Journal, Kept
from genre_engine.library.tag_writing import (
    Exchange,
    HasFolder,
    Refresh,
    Result,
    each,
    exchange,
    locked,
)
from genre_engine.storage.progress import Progress

# Where a sound lies now, for files that were moved since; None where that isn't known.
MovedTo = Callable[[str], str | None]


@dataclass(frozen=True)
class Summary:
    """A batch in a list.

    Attributes:
        batch: its id.
        kind: tags or undo.
        time: seconds since 1970.
        files: how many it wrote.
        undone: how many of these were taken back.
        settings: as they were asked for.
    """

    batch: str
    kind: str
    time: float
    files: int
    undone: int
    settings: dict[str, object]

    @property
    def when(self) -> str:
        """Its time, here and in words."""
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(self.time))


def batches(lib: HasFolder) -> list[Summary]:
    """The batches that wrote anything, the oldest first.

    Raises:
        LibraryError: a journal is damaged.
    """
    found = [batch if batch.ended else batch.counted() for batch in tag_journal.batches(lib.folder)]
    back: Counter[str] = Counter()
    for batch in found:
        back.update(batch.took_back)
    return [
        Summary(batch.id, batch.kind, batch.time, batch.files, back[batch.id], batch.settings)
        for batch in found
        if batch.files
    ]


def open_entries(
    lib: HasFolder, batch: str | None = None, *, everything: bool = False
) -> list[tuple[Batch, Entry]]:
    """What there is to take back, the newest first.

    Args:
        batch: an id, or its beginning; None: the newest batch that isn't taken back.
        everything: all batches instead.

    Raises:
        WrongUsage: there is no such batch, or it is an undoing itself.
    """
    found = tag_journal.batches(lib.folder)
    gone = tag_journal.undone(found)
    if batch is not None:
        chosen = tag_journal.batch_named(lib.folder, batch)
        if chosen.kind == "undo":
            raise WrongUsage(
                f"{chosen.id} took tags back, and isn't taken back itself. Write the tags again."
            )
        found = [one for one in found if one.id == chosen.id]
    entries: list[tuple[Batch, Entry]] = []
    for one in reversed(found):
        if one.kind == "undo":
            continue
        entries += [
            (one, entry)
            for entry in reversed(one.entries())
            if entry.state in ("written", "ready", "lost") and (one.id, entry.n) not in gone
        ]
        if entries and not everything:
            break
    return entries


def undo(
    lib: HasFolder,
    batch: str | None = None,
    *,
    everything: bool = False,
    moved_to: MovedTo | None = None,
    should_stop: Callable[[], bool] | None = None,
    progress: Progress | None = None,
    refresh: Refresh | None = None,
) -> Result:
    """Take back what was written.

    Args:
        batch, everything: as `open_entries`.
        moved_to: asked for files that aren't where they were.
        should_stop: asked before each file.
        refresh: given the paths of files that were written, a few hundred at a time.

    Raises:
        WrongUsage: there is no such batch.
        Refused, LibraryError: as `tag_writing.locked`.
        StorageError: the journal can't be written; no file was touched without it.
    """
    result = Result()
    with locked(lib, refresh):
        entries = open_entries(lib, batch, everything=everything)
        if not entries:
            return result
        ids = sorted({one.id for one, _ in entries})
        journal = Journal.create(lib.folder, "undo", {"batches": ids})
        result.batch = journal.batch.id
        roots = list(lib.roots)

        def one(task: tuple[Batch, Entry]) -> None:
            batch, entry = task
            real, state = writable(_place(entry, moved_to), roots)
            exchange(
                *(journal, real, entry.sound, state),
                lambda tags, file: _of_entry(tags, file, batch, entry, state.st_mtime_ns),
            )

        paths = [entry.path for _, entry in entries]
        each(paths, entries, one, result, should_stop, progress, refresh)
        journal.end()
    return result


def _place(entry: Entry, moved_to: MovedTo | None) -> Path:
    path = Path(entry.path)
    if not path.exists() and moved_to is not None:
        return Path(moved_to(entry.sound) or path)
    return path


def _of_entry(tags: Tags, file: BinaryIO, batch: Batch, entry: Entry, mtime_ns: int) -> Exchange:
    kept = batch.kept(entry)
    if entry.new_hash and whole_hash(file) == entry.new_hash:
        splices = []
        for at, length, old in kept.replaced:
            file.seek(at)
            now = file.read(length)
            splices.append(Splice(at, now, applied(old, now)))
        back = Kept(
            {field: (new, old) for field, (old, new) in kept.values.items()},
            *(kept.new_items, kept.old_items, (), mtime_ns),
        )
        return Exchange(
            *(splices, back, kept.old_items, kept.mtime_ns, entry.old_hash),
            undoes=(batch.id, entry.n),
        )
    changes = _unchanged_fields(tags, kept)
    fields = [name for name in kept.values if set(tags.slots(name)) & set(changes)]
    back = Kept(
        {name: (tag_frames.texts(tags, name), kept.values[name][0]) for name in fields},
        *({slot: tags.items(slot) for slot in changes}, changes, (), mtime_ns),
    )
    return Exchange(tags.splices(changes), back, changes, undoes=(batch.id, entry.n))


def _unchanged_fields(tags: Tags, kept: Kept) -> Items:
    """The old items of the fields that still say what was written."""
    changes: Items = {}
    for name, (old, new) in kept.values.items():
        slots: Sequence[str] = tags.slots(name)
        written = {slot: kept.new_items.get(slot, ()) for slot in slots}
        if all(tags.items(slot) == items for slot, items in written.items()):
            changes |= {slot: kept.old_items.get(slot, ()) for slot in slots}
        elif tag_frames.texts(tags, name) == new:
            # Another program keeps the same values in another way.
            changes |= tags.encode(name, old)
    if not changes:
        raise LeftAlone("other tags")
    return changes
