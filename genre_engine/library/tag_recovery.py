"""What a process that was killed while it wrote tags has left, is settled and cleared."""

import re
from contextlib import suppress
from pathlib import Path

from genre_engine.library.tag_files import sync_folder, whole_hash
from genre_engine.library.tag_journal import Entry, Journal, batches
from genre_engine.storage import workspace

_COPY = re.compile(r"\.genre-studio-\d{8}-\d{6}-\d{3}-\d+")


def recover(library: Path) -> list[str]:
    """Settle what killed processes left; for those who hold the library's lock.

    Returns:
        The paths of the files that had been written then.
    """
    found = []
    for batch in batches(library):
        if batch.ended:
            continue
        workspace.clear_leftovers_in(batch.folder)
        journal = Journal(batch.folder, batch)
        for entry in batch.entries():
            if entry.state in ("begun", "ready"):
                journal.settle(entry, _outcome(entry))
            if entry.state == "written":
                found.append(entry.path)
        journal.end()
    return found


def _outcome(entry: Entry) -> str:
    """What became of a file whose writer was killed; its copy is removed if it is still there."""
    copy = Path(entry.copy)
    if _COPY.fullmatch(copy.name) and copy.parent == Path(entry.path).parent:
        with suppress(FileNotFoundError):
            copy.unlink()
            sync_folder(copy.parent)
            return "dropped"
    if entry.state == "begun":
        return "dropped"
    try:
        with Path(entry.path).open("rb") as file:
            found = whole_hash(file)
    except OSError:
        return "lost"
    return {entry.new_hash: "written", entry.old_hash: "dropped"}.get(found, "lost")
