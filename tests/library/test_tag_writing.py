"""Tags are written as planned, nothing else changes, and all of it can be taken back."""

import dataclasses
import os
import random
import stat
import sys
from pathlib import Path

import mutagen
import pytest
from mutagen.id3 import ID3, TIT2

from genre_engine.errors import LibraryError, Refused, StorageError, WrongUsage
from genre_engine.library import tag_files, tag_frames, tag_journal, tag_undo, tag_writing
from genre_engine.library.identity import sound_identity
from tests.library import tagged
from tests.library.songs import SUFFIXES
from tests.library.test_identity import damaged, set_tags

pytestmark = pytest.mark.usefixtures("workspace")
FORMS = tuple(SUFFIXES)


@pytest.fixture
def lib(tmp_path):
    return tagged.made(tmp_path, FORMS)


@pytest.fixture
def one(tmp_path):
    return tagged.made(tmp_path, ["MP3"])


def paths(lib):
    return sorted(tagged.contents(lib))


def test_every_format_gets_genres_moods_tempo_and_key_and_has_its_old_bytes_back(lib):
    before = tagged.contents(lib)
    result = tagged.write(lib, **tagged.EVERYTHING)
    assert result.left_out == []
    assert len(result.written) == len(FORMS)
    assert paths(lib) == sorted(before)
    for path, old in before.items():
        assert path.read_bytes() != old
        assert tag_frames.read(path) == {
            "genre": ("Jazz", "Pop Rock"),
            "mood": ("happy",),
            "bpm": ("128",),
            "key": ("F#m",),
        }
    assert set(lib.songs()["file_genres"]) == {("Jazz", "Pop Rock")}
    undone = tagged.undo(lib)
    assert undone.left_out == []
    assert tagged.contents(lib) == before
    assert set(lib.songs()["file_genres"]) == {()}


@pytest.mark.parametrize("keep_times", [True, False])
def test_owner_permissions_and_if_wanted_times_stay(one, keep_times):
    (path,) = paths(one)
    path.chmod(0o640)
    if os.getuid() == 0:
        os.chown(path, 12, 34)
    os.utime(path, ns=(10**18, 10**18 + 7))
    if hasattr(os, "setxattr"):
        try:
            os.setxattr(path, "user.rating", b"5")
        except OSError:
            pytest.skip("the disk keeps no extended attributes")
    before = path.stat()
    assert tagged.write(one, keep_times=keep_times).left_out == []
    after = path.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (
        *(before.st_mode, before.st_uid, before.st_gid),
    )
    assert (after.st_mtime_ns == before.st_mtime_ns) == keep_times
    if hasattr(os, "getxattr"):
        assert os.getxattr(path, "user.rating") == b"5"
    tagged.undo(one)
    assert path.stat().st_mtime_ns == before.st_mtime_ns


def test_batches_are_undone_one_after_the_other_back_to_the_first_state(lib):
    states = [tagged.contents(lib)]
    for genres in ([("A", 1.0)], [("B", 1.0), ("Käse", 0.9)], [("C" * 3000, 1.0)]):
        assert tagged.write(lib, "replace", genres).left_out == []
        states.append(tagged.contents(lib))
    while len(states) > 1:
        assert tagged.contents(lib) == states.pop()
        assert tagged.undo(lib).left_out == []
    assert tagged.contents(lib) == states[0]
    assert tagged.undo(lib).batch is None


def test_all_batches_are_undone_at_once(lib):
    before = tagged.contents(lib)
    for genre in "ABC":
        tagged.write(lib, "append", [(genre, 1.0)], **tagged.EVERYTHING)
    tagged.undo(lib)
    tagged.write(lib, "replace", [("D", 1.0)])
    assert tagged.undo(lib, everything=True).left_out == []
    assert tagged.contents(lib) == before


def test_an_older_batch_gives_back_only_what_nobody_changed_since(lib):
    first = tagged.write(lib, "replace", [("First", 1.0)], bpm=True)
    tagged.write(lib, "replace", [("Second", 1.0)])
    result = tagged.undo(lib, first.batch)
    assert result.left_out == []
    for path in paths(lib):
        found = tag_frames.read(path)
        assert (found["genre"], found["bpm"]) == (("Second",), ())
        assert mutagen.File(path) is not None
    # What the first had found, no genre, is behind both.
    tagged.undo(lib)
    assert {tag_frames.read(path)["genre"] for path in paths(lib)} == {("First",)}
    assert [(one.kind, one.undone) for one in tag_undo.batches(lib)] == [
        *(("tags", 7), ("tags", 7), ("undo", 0), ("undo", 0)),
    ]


def test_another_programs_changes_stay_when_a_batch_is_undone(lib):
    tagged.write(lib)
    sounds = {path: sound_identity(path) for path in paths(lib)}
    for path, form in zip(paths(lib), FORMS, strict=True):
        file = mutagen.File(path)
        if form in ("MP3", "WAV", "AIFF"):
            file.tags.add(TIT2(encoding=3, text=["New title"]))
        else:
            file["©nam" if form == "M4A" else "title"] = ["New title"]
        file.save()
    assert tagged.undo(lib).left_out == []
    for path in paths(lib):
        file = mutagen.File(path)
        assert tag_frames.read(path)["genre"] == ()
        assert "New title" in str(dict(file.tags))
        assert sound_identity(path) == sounds[path]


def test_a_genre_that_another_program_wrote_since_is_not_undone(lib):
    tagged.write(lib)
    for path, form in zip(paths(lib), FORMS, strict=True):
        set_tags(path, form, {"genres": ["Mine"]})
    before = tagged.contents(lib)
    result = tagged.undo(lib)
    assert {one.reason for one in result.left_out} == {"other tags"}
    assert result.written == []
    assert tagged.contents(lib) == before


def test_a_file_that_was_moved_is_found_by_its_sound(one, tmp_path):
    (path,) = paths(one)
    before = path.read_bytes()
    tagged.write(one)
    moved = path.rename(path.with_name("moved.mp3"))
    result = tagged.undo(one)
    assert [left.reason for left in result.left_out] == ["vanished"]
    sound = sound_identity(moved)
    result = tagged.undo(one, moved_to={sound: str(moved)}.get)
    assert result.left_out == []
    assert moved.read_bytes() == before


def test_a_file_that_changed_since_the_plan_is_left_alone_and_named(one):
    (path,) = paths(one)
    plan = tagged.planned(one)
    ID3().save(path)
    before = path.read_bytes()
    result = tag_writing.write(one, plan)
    assert [(left.path, left.reason) for left in result.left_out] == [(str(path), "changed")]
    assert path.read_bytes() == before


def test_a_file_with_another_sound_is_left_alone(one, tmp_path):
    (path,) = paths(one)
    plan, state = tagged.planned(one), path.stat()
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    result = tag_writing.write(one, plan)
    assert [left.reason for left in result.left_out] == ["other sound"]
    assert path.read_bytes() == data


def test_a_vanished_file_is_named_and_the_others_are_written(lib):
    plan = tagged.planned(lib)
    gone = paths(lib)[2]
    gone.unlink()
    result = tag_writing.write(lib, plan)
    assert [(left.path, left.reason) for left in result.left_out] == [(str(gone), "vanished")]
    assert len(result.written) == len(FORMS) - 1


def test_files_that_may_not_be_written_are_named_by_the_writing_too(lib, tmp_path):
    plan = tagged.planned(lib)
    found = paths(lib)
    found[0].chmod(0o444)
    os.link(found[1], tmp_path / "link")
    outside = tmp_path / "outside.ogg"
    found[2].rename(outside)
    found[2].symlink_to(outside)
    before = tagged.contents(lib)
    result = tag_writing.write(lib, plan)
    assert [left.reason for left in result.left_out] == ["read-only", "hard link", "outside"]
    assert all(found[n].read_bytes() == before[found[n]] for n in range(3))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps others out by itself")
def test_a_file_that_another_program_has_locked_is_left_alone(one):
    import fcntl

    (path,) = paths(one)
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        result = tagged.write(one)
    assert [left.reason for left in result.left_out] == ["locked"]


def test_a_full_disk_loses_nothing_and_is_named(lib, monkeypatch):
    before = tagged.contents(lib)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tag_files, "_stream", full)
    result = tagged.write(lib)
    assert {left.reason for left in result.left_out} == {"full"}
    assert "Free some space" in result.left_out[0].text
    assert tagged.contents(lib) == before
    assert tagged.undo(lib).batch is None


def test_without_room_for_the_journal_no_file_is_touched(lib, monkeypatch):
    before = tagged.contents(lib)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tag_journal.os, "fsync", full)
    with pytest.raises(StorageError, match="full"):
        tagged.write(lib)
    monkeypatch.undo()
    assert tagged.contents(lib) == before


def test_an_old_file_stays_where_its_copy_would_sound_different(one, monkeypatch):
    before = tagged.contents(one)
    real = tag_writing.sound_identity
    monkeypatch.setattr(
        *(tag_writing, "sound_identity"),
        lambda path: real(path) if path.suffix else "another",
    )
    result = tagged.write(one)
    assert [left.reason for left in result.left_out] == ["sound"]
    assert tagged.contents(one) == before


def test_a_stop_leaves_the_rest_and_what_was_written_can_be_undone(lib):
    before = tagged.contents(lib)
    asked = iter([False, False, True])
    result = tag_writing.write(lib, tagged.planned(lib), should_stop=lambda: next(asked))
    assert (result.stopped, len(result.written)) == (True, 2)
    tagged.undo(lib)
    assert tagged.contents(lib) == before


def test_visitors_of_a_shared_server_write_nothing(one, monkeypatch):
    plan = tagged.planned(one)
    monkeypatch.setenv("GENRE_ENGINE_HOSTED", "1")
    with pytest.raises(Refused, match="writes no tags"):
        tag_writing.write(one, plan)
    with pytest.raises(Refused, match="writes no tags"):
        tag_undo.undo(one)


def test_one_process_writes_at_a_time(one):
    with tag_writing.locked(one), pytest.raises(LibraryError, match="Another process"):
        tagged.undo(one)


def test_batches_are_named_by_their_beginning(one):
    result = tagged.write(one)
    tagged.undo(one, result.batch[:8])
    with pytest.raises(WrongUsage, match="no batch 'x'"):
        tagged.undo(one, "x")
    with pytest.raises(WrongUsage, match="isn't taken back"):
        tagged.undo(one, tag_undo.batches(one)[-1].batch)


def test_journals_keep_their_order_when_the_clock_goes_back(one, monkeypatch):
    names = []
    for now in (2e9, 1e9, 1e9):
        monkeypatch.setattr(tag_journal.time, "time", lambda now=now: now)
        names.append(tag_journal.Journal.create(one.folder, "tags", {}).batch.id)
    assert names == sorted(set(names))


def test_a_copy_is_nobody_elses_to_read_before_it_is_in_place(one, monkeypatch):
    (path,) = paths(one)
    path.chmod(0o600)
    seen = []
    real = tag_files._stream

    def look(source, splices, target):
        seen.append(stat.S_IMODE(os.fstat(target.fileno()).st_mode))
        return real(source, splices, target)

    monkeypatch.setattr(tag_files, "_stream", look)
    tagged.write(one)
    assert seen == [0o600]


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.9])
def test_a_journal_that_was_cut_short_in_a_line_goes_on(one, kept):
    before = tagged.contents(one)
    tagged.write(one)
    (batch,) = tag_journal.batches(one.folder)
    journal = batch.folder / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    assert len(lines) == 3  # begin, ready, written
    journal.write_bytes(b"".join(lines[:2]) + lines[2][: int(kept * len(lines[2]))])
    tag_journal._save(dataclasses.replace(batch, ended=False))
    assert tagged.undo(one).left_out == []
    assert tagged.contents(one) == before
    assert journal.read_bytes().splitlines()[-1] == lines[2].rstrip()


def test_a_batch_that_was_killed_before_it_had_written_anything_is_no_batch(one):
    journal = tag_journal.Journal.create(one.folder, "tags", {})
    (journal.batch.folder / "journal.jsonl").unlink()
    assert tagged.write(one).left_out == []
    assert len(tag_undo.batches(one)) == 1


def test_an_entry_whose_file_another_program_changed_meanwhile_is_lost_and_left(one):
    tagged.write(one)
    (batch,) = tag_journal.batches(one.folder)
    journal = batch.folder / "journal.jsonl"
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:2]))
    tag_journal._save(dataclasses.replace(batch, ended=False))
    (path,) = paths(one)
    set_tags(path, "MP3", {"title": "Other"})
    assert [left.reason for left in tagged.undo(one).left_out] == ["other tags"]
    assert tag_journal.batches(one.folder)[0].entries()[0].state == "lost"


def test_a_list_of_batches_reads_no_journal_of_one_that_has_ended(lib, monkeypatch):
    first = tagged.write(lib)
    tagged.write(lib, "replace", [("Other", 1.0)])
    tagged.undo(lib)
    tagged.undo(lib, first.batch)
    counts = [(one.kind, one.files, one.undone) for one in tag_undo.batches(lib)]
    assert counts == [("tags", 7, 7), ("tags", 7, 7), ("undo", 7, 0), ("undo", 7, 0)]
    with monkeypatch.context() as patched:
        patched.setattr(tag_journal, "_lines", lambda path: pytest.fail("it is read"))
        assert len(tag_undo.batches(lib)) == 4
    (last,) = [batch for batch in tag_journal.batches(lib.folder) if batch.kind == "undo"][1:]
    tag_journal._save(dataclasses.replace(last, ended=False, files=0, took_back={}))
    assert [(one.kind, one.files, one.undone) for one in tag_undo.batches(lib)] == counts


def test_a_damaged_journal_is_said(one):
    tagged.write(one)
    (batch,) = tag_journal.batches(one.folder)
    (batch.folder / "batch.json").write_text("[")
    with pytest.raises(LibraryError, match="damaged"):
        tag_undo.batches(one)


def test_damaged_files_are_left_alone_or_come_back_byte_for_byte(tmp_path):
    lib = tagged.made(tmp_path)
    for seed in range(400):
        path = lib.roots[0] / f"{seed:03}"
        path.write_bytes(damaged(random.Random(seed)) or b"x")
        tagged.add(lib, path)
    before = tagged.contents(lib)
    sounds = {path: sound_identity(path) for path in before}
    result = tagged.write(lib, "replace", **tagged.EVERYTHING)
    written = set(map(Path, result.written))
    assert len(written) > 100
    after = tagged.contents(lib)
    assert {path for path in before if after[path] != before[path]} == written
    assert {path: sound_identity(path) for path in before} == sounds
    assert tagged.undo(lib).left_out == []
    assert tagged.contents(lib) == before
