"""Tags are written into music files as a plan says, and can be taken back.

Each file is copied beside itself with the new tags in it, the copy is checked (its sound is the
same, its tags say what they should), and takes the file's place. What stood there before lies in
the library's journal first (see `tag_journal`), so a process that is killed leaves every file old
or new, and `undo` knows which.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

from genre_engine.errors import AudioError, LibraryError, Refused
from genre_engine.library import tag_frames, tag_journal, tag_recovery
from genre_engine.library.identity import sound_identity
from genre_engine.library.index import Library
from genre_engine.library.tag_files import (
    LeftAlone,
    LeftOut,
    held,
    is_same,
    of_error,
    sync_folder,
    writable,
    write_copy,
)
from genre_engine.library.tag_formats import Items, Splice, Tags, opened
from genre_engine.library.tag_journal import Journal, Kept
from genre_engine.library.tag_plan import Change, Plan
from genre_engine.storage import workspace
from genre_engine.storage.lock import exclusively
from genre_engine.storage.progress import Progress

# Given the paths of files that were written, so that the index is true.
Refresh = Callable[[Sequence[str]], object]
_AT_ONCE = 200
Task = TypeVar("Task")


class HasFolder(Protocol):
    """A library, as far as writing needs it."""

    @property
    def name(self) -> str: ...
    @property
    def folder(self) -> Path: ...
    @property
    def roots(self) -> Sequence[Path]: ...


def refresher(lib: Library) -> Refresh:
    """What keeps a library's index true when its files are written."""

    def refresh(paths: Sequence[str]) -> None:
        from genre_engine.library import scan

        scan.refresh(lib, [path for path in map(Path, paths) if path.is_file()])

    return refresh


@dataclass
class Result:
    """What came of a writing or an undoing.

    Attributes:
        batch: its id; None where nothing was to be done.
        written: the paths of the files that have new tags.
        left_out: those that have not, and why.
        stopped: whether it ended before all was done, because that was asked for.
    """

    batch: str | None = None
    written: list[str] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    stopped: bool = False


@dataclass(frozen=True)
class Exchange:
    """What is to be done to one file.

    Attributes:
        splices: what changes in its bytes.
        kept: what is needed to take that back.
        wanted: slots as they must be in the copy.
        mtime_ns: the copy's time of change; None: now.
        new_hash: the checksum that the copy must have; None: any.
        undoes: the entry of the journal that this takes back.
    """

    splices: Sequence[Splice]
    kept: Kept
    wanted: Items
    mtime_ns: int | None = None
    new_hash: str | None = None
    undoes: tuple[str, int] | None = None


def check_allowed() -> None:
    """Raises Refused: a server that visitors share writes to no music."""
    if workspace.is_shared():
        raise Refused(
            "This server is shared, so it writes no tags. Do it on your own computer: the app is "
            "free."
        )


@contextmanager
def locked(lib: HasFolder, refresh: Refresh | None = None) -> Iterator[None]:
    """Keep other writers of a library's files out; what killed ones left is settled first.

    Raises:
        Refused: on a server that visitors share.
        LibraryError: another process writes or undoes.
        StorageError: the workspace can't be written.
    """
    check_allowed()
    room = workspace.make_folder(lib.folder / tag_journal.FOLDER)
    refusal = LibraryError(
        f"Another process writes tags for the library {lib.name!r}. Wait until it is done."
    )
    with exclusively(room / ".lock", refusal):
        found = tag_recovery.recover(lib.folder)
        if refresh is not None and found:
            refresh(found)
        yield


def write(
    lib: HasFolder,
    plan: Plan,
    *,
    keep_times: bool = False,
    should_stop: Callable[[], bool] | None = None,
    progress: Progress | None = None,
    refresh: Refresh | None = None,
) -> Result:
    """Write what a plan says.

    Args:
        keep_times: leave the files' times of change as they are. Programs that look at these then
            don't notice the new tags.
        should_stop: asked before each file.
        refresh: given the paths of files that were written, a few hundred at a time.

    Raises:
        Refused, LibraryError: as `locked`.
        StorageError: the journal can't be written; no file was touched without it.
    """
    result = Result()
    with locked(lib, refresh):
        if not plan.changes:
            return result
        settings = {**plan.settings, "keep_times": keep_times}
        journal = Journal.create(lib.folder, "tags", settings)
        result.batch = journal.batch.id
        roots = list(lib.roots)

        def one(change: Change) -> None:
            path = Path(change.path)
            real, state = writable(path, roots)
            if (state.st_size, state.st_mtime_ns) != (change.size, change.mtime_ns):
                raise LeftAlone("changed")
            exchange(
                *(journal, real, change.sound, state),
                lambda tags, file: _of_change(tags, change, state, keep_times=keep_times),
            )

        paths = [change.path for change in plan.changes]
        each(paths, plan.changes, one, result, should_stop, progress, refresh)
        journal.end()
    return result


def each(
    paths: Sequence[str],
    tasks: Sequence[Task],
    one: Callable[[Task], None],
    result: Result,
    should_stop: Callable[[], bool] | None,
    progress: Progress | None,
    refresh: Refresh | None,
) -> None:
    """Do something to file after file; what one of them doesn't allow is named in the result."""
    fresh: list[str] = []
    for number, (path, task) in enumerate(zip(paths, tasks, strict=True)):
        if should_stop is not None and should_stop():
            result.stopped = True
            break
        try:
            one(task)
            result.written.append(path)
            fresh.append(path)
        except (LeftAlone, AudioError, OSError) as error:
            result.left_out.append(of_error(path, error))
        if refresh is not None and len(fresh) >= _AT_ONCE:
            refresh(fresh)
            fresh = []
        if progress is not None:
            progress(number + 1, len(tasks))
    if refresh is not None and fresh:
        refresh(fresh)


def _of_change(tags: Tags, change: Change, state: os.stat_result, *, keep_times: bool) -> Exchange:
    for name, (old, _) in change.values.items():
        if tag_frames.texts(tags, name) != old:
            raise LeftAlone("changed")
    new = {name: values for name, (_, values) in change.values.items()}
    wanted = tag_frames.encoded(tags, new)
    kept = Kept(change.values, tag_frames.items(tags, list(new)), wanted, (), state.st_mtime_ns)
    mtime_ns = state.st_mtime_ns if keep_times else None
    return Exchange(tags.splices(wanted), kept, wanted, mtime_ns)


def exchange(
    journal: Journal,
    path: Path,
    sound: str,
    state: os.stat_result,
    planned: Callable[[Tags, BinaryIO], Exchange],
) -> None:
    """Change the tags of one file so that it is the old or the new at every moment.

    Args:
        sound: the identity that its sound has, and must have afterwards.
        state: of the file, as it was looked at.
        planned: what to do, from its tags and the file, open.

    Raises:
        LeftAlone, AudioError, OSError: it can't be done; the file is as it was.
        StorageError: the journal can't be written; the file is as it was.
    """
    with held(path) as file:
        if not is_same(os.fstat(file.fileno()), state):
            raise LeftAlone("changed")
        if sound_identity(path) != sound:
            raise LeftAlone("other sound")
        with tag_frames.in_words():
            plan = planned(opened(file), file)
        entry = journal.begin(path, sound, plan.splices, plan.kept, plan.undoes)
        copy = Path(entry.copy)
        is_ready = False
        try:
            made = write_copy(file, plan.splices, copy, mtime_ns=plan.mtime_ns)
            _check(copy, sound, plan.wanted)
            if plan.new_hash is not None and made.new_hash != plan.new_hash:
                raise LeftAlone("sound")
            journal.ready(entry, made.old_hash, made.new_hash, made.state)
            is_ready = True
            if not is_same(path.lstat(), state):
                raise LeftAlone("changed")
            if os.name == "nt":  # which replaces no file that is open
                file.close()
            os.replace(copy, path)
        except BaseException:
            # Where the copy is gone, an interruption came right behind the exchange: the next run
            # settles that.
            if copy.exists() or not is_ready:
                with suppress(OSError):
                    copy.unlink()
                journal.settle(entry, "dropped")
            raise
        sync_folder(path.parent)
        journal.settle(entry, "written")


def _check(copy: Path, sound: str, wanted: Items) -> None:
    """Whether a copy sounds as the file did and has the items that it should."""
    if sound_identity(copy) != sound:
        raise LeftAlone("sound")
    with tag_frames.opened_tags(copy) as tags:
        if any(tags.items(slot) != items for slot, items in wanted.items()):
            raise LeftAlone("sound", "Its tags can't be written safely, so it was left alone.")
