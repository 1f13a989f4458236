import errno
import json
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_engine.errors import StorageError
from genre_engine.runs import journal
from genre_engine.runs.journal import Journal


@pytest.fixture
def path(tmp_path):
    return tmp_path / "events.jsonl"


def write(folder, *kinds):
    events = Journal(folder)
    for kind in kinds:
        events.write(kind)
    events.close()


def test_events_are_numbered_on_from_where_the_last_writer_ended(tmp_path, path):
    write(tmp_path, "status", "batch")
    write(tmp_path, "epoch")
    events, _ = journal.read(path)
    assert [(event["seq"], event["type"]) for event in events] == [
        (1, "status"),
        (2, "batch"),
        (3, "epoch"),
    ]
    assert all(isinstance(event["time"], float) for event in events)


def test_a_reader_goes_on_where_it_was(tmp_path, path):
    write(tmp_path, "status")
    first, offset = journal.read(path)
    write(tmp_path, "batch")
    second, end = journal.read(path, offset)
    assert [event["seq"] for event in first + second] == [1, 2]
    assert journal.read(path, end) == ([], end)
    assert journal.read(path, end + 1000)[0] == first + second


def test_an_unfinished_line_is_read_when_it_is_whole(tmp_path, path):
    write(tmp_path, "status")
    with path.open("ab") as file:
        file.write(b'{"seq": 2, "type": "ba')
    events, offset = journal.read(path)
    assert [event["seq"] for event in events] == [1]
    with path.open("ab") as file:
        file.write(b'tch"}\n')
    assert journal.read(path, offset)[0] == [{"seq": 2, "type": "batch"}]


def test_nothing_is_glued_to_a_line_that_a_killed_writer_left(tmp_path, path):
    write(tmp_path, "status", "batch")
    with path.open("ab") as file:
        file.write(b'{"seq": 3, "type": "epoch", "epo')
    write(tmp_path, "status")
    assert [event["seq"] for event in journal.read(path)[0]] == [1, 2, 3]
    assert path.read_bytes().count(b"\n") == 4


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 400))
def test_wherever_the_file_is_cut_the_next_writer_adds_a_readable_event(tmp_path_factory, cut):
    folder = tmp_path_factory.mktemp("run")
    write(folder, "status", "batch", "epoch", "epoch", "batch")
    path = folder / "events.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:cut])
    kept = [json.loads(line) for line in whole[:cut].split(b"\n")[:-1] if line]
    write(folder, "status")
    events, _ = journal.read(path)
    # A line that only lacked its end is still an event.
    assert events[: len(kept)] == kept
    assert events[-1]["type"] == "status"
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))


def test_damage_in_the_middle_costs_its_line_only(tmp_path, path):
    write(tmp_path, "status", "batch")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b"\xff\x00 nonsense\n[1]\n\n" + lines[1])
    assert [event["seq"] for event in journal.read(path)[0]] == [1, 2]


def test_the_newest_event_is_found_from_the_end_across_blocks(tmp_path, path):
    events = Journal(tmp_path)
    events.write("status", status="running")
    for _ in range(300):
        events.write("batch", text="x" * 500)
    events.close()
    assert path.stat().st_size > 2 * 64 * 1024
    assert journal.last(path, ("status",))["status"] == "running"
    assert journal.last(path)["seq"] == 301
    assert journal.last(path, ("epoch",)) is None
    assert journal.last(tmp_path / "none.jsonl") is None


def test_numbers_that_json_has_not_become_null(tmp_path, path):
    events = Journal(tmp_path)
    events.write("epoch", loss=float("nan"), auc=np.float32(0.5), val={"x": [np.inf, 1]})
    events.close()
    (event,) = journal.read(path)[0]
    assert (event["loss"], event["auc"], event["val"]) == (None, 0.5, {"x": [None, 1]})
    json.loads(path.read_text(), parse_constant=pytest.fail)


def test_of_each_epoch_the_last_event_counts_and_a_restart_takes_later_ones_back():
    def kept(*epochs):
        events = [{"type": "epoch", "epoch": n, "at": at} for at, n in enumerate(epochs)]
        return [(e["epoch"], e["at"]) for e in journal.by_epoch(events)]

    assert kept(1, 2, 3) == [(1, 0), (2, 1), (3, 2)]
    assert kept(1, 2, 2, 3) == [(1, 0), (2, 2), (3, 3)]
    assert kept(1, 2, 3, 1, 2) == [(1, 3), (2, 4)]


def full_disk(monkeypatch, folder):
    """The disk is full from now on, until the journal gives free what it had kept."""
    real = os.write

    def write(file, data):
        if (folder / ".spare").exists():
            done = real(file, bytes(data)[:7])  # some of it still goes on
            if done < len(data):
                return done
            raise OSError(errno.ENOSPC, "full")
        return real(file, data)

    monkeypatch.setattr(journal.os, "write", write)


def test_a_full_disk_is_an_error_and_the_status_that_reports_it_still_has_room(
    tmp_path, path, monkeypatch
):
    events = Journal(tmp_path)
    events.write("status", status="running")
    full_disk(monkeypatch, tmp_path)
    with pytest.raises(StorageError, match="is full"):
        events.write("epoch", epoch=1)
    events.write("status", status="failed")
    events.close()
    read, _ = journal.read(path)
    assert [event.get("status") for event in read] == ["running", "failed"]
    assert [event["seq"] for event in read] == [1, 2]


def test_nothing_is_kept_free_when_nobody_writes(tmp_path):
    write(tmp_path, "status")
    assert [place.name for place in tmp_path.iterdir()] == ["events.jsonl"]
