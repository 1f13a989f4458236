"""Kept analyses: found again by content, one visitor's never another's, damaged files forgotten."""

import os
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_engine import pretrained
from genre_engine.prediction import example, recent
from genre_engine.prediction.recent import KeptSong

SONG = KeptSong("a" * 64, "song.mp3", "Song · Artist", genres=("Folk",))


@pytest.fixture(params=["home", "shared"])
def place(request, workspace, monkeypatch):
    monkeypatch.setattr(recent, "_in_memory", {})
    if request.param == "shared":
        monkeypatch.setenv("GENRE_ENGINE_HOSTED", "1")
    return request.param


def said(**changes):
    names = tuple(pretrained.available("full"))
    return replace(example.analysis(), networks=names, **changes)


def test_an_analysis_is_found_again_by_the_file_s_content(place):
    recent.keep("me", SONG, "full", said())
    recent.keep("me", SONG, "run-1", replace(said(), model="mine", networks=()))
    kept = recent.find("me", "a" * 16)
    assert (kept.song.title, kept.song.genres) == (SONG.title, ("Folk",))
    assert set(kept.analyses) == {"full", "run-1"}
    found = kept.of("full")
    assert found.sentence("wide") == said().sentence("wide")
    assert np.allclose(found.views["wide"].by_window, said().views["wide"].by_window, atol=1e-4)
    assert kept.of("fast") is None
    assert recent.find("me", "b" * 16) is None


def test_what_other_networks_said_or_another_version_is_not_taken_for_today_s(place):
    recent.keep("me", SONG, "full", replace(said(), networks=("another",)))
    assert recent.find("me", SONG.sha256).of("full") is None
    recent.keep("me", replace(SONG, version=0), "run", said())
    assert recent.find("me", SONG.sha256).of("run") is None


def test_the_newest_come_first_and_the_oldest_go(place, monkeypatch):
    monkeypatch.setattr(recent, "MOST", 3)
    for number in range(5):
        recent.keep("me", replace(SONG, sha256=f"{number}" * 64, name=f"{number}"), "full", said())
        for place_ in recent._newest_first():
            seconds = int(place_.stem[0])
            os.utime(place_, (seconds, seconds))
    assert [kept.song.name for kept in recent.listing("me")] == ["4", "3", "2"]
    assert recent.count("me") == 3


def test_one_song_and_all_are_forgotten(place):
    for sign in "abc":
        recent.keep("me", replace(SONG, sha256=sign * 64), "full", said())
    recent.forget("me", "b" * 64)
    assert recent.find("me", "b" * 64) is None
    assert recent.count("me") == 2
    recent.forget("me")
    assert recent.listing("me") == []


def test_visitors_of_a_shared_server_see_their_own_only_and_nothing_is_written(
    workspace, monkeypatch
):
    monkeypatch.setattr(recent, "_in_memory", {})
    monkeypatch.setenv("GENRE_ENGINE_HOSTED", "1")
    monkeypatch.setattr(recent, "MOST_IN_ALL", 3)
    recent.keep("a", SONG, "full", said())
    assert recent.listing("b") == []
    assert recent.find("b", SONG.sha256) is None
    assert not (workspace / "analyses").exists()
    for sign in "bcd":
        recent.keep("b", replace(SONG, sha256=sign * 64), "full", said())
    assert (recent.count("a"), recent.count("b")) == (0, 3)


def test_a_path_is_no_checksum(workspace):
    (workspace / "x.json").parent.mkdir(parents=True, exist_ok=True)
    (workspace / "x.json").write_text("{}")
    for hostile in ("../x", "*", "", "..", "[a]"):
        assert recent.find("me", hostile) is None


def test_a_full_disk_loses_the_analysis_and_nothing_else(workspace, monkeypatch):
    workspace.mkdir(exist_ok=True)
    (workspace / "analyses").write_text("in the way")
    recent.keep("me", SONG, "full", said())
    assert recent.listing("me") == []


@settings(max_examples=40, deadline=None)
@given(at=st.integers(0, 4000), put=st.binary(max_size=30))
def test_a_changed_file_is_read_or_forgotten(at, put, tmp_path_factory):
    folder = tmp_path_factory.mktemp("kept")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENRE_ENGINE_WORKSPACE", str(folder))
        recent.keep("me", SONG, "full", said())
        (path,) = (folder / "analyses").iterdir()
        content = path.read_bytes()
        path.write_bytes(content[:at] + put + content[at + len(put) :])
        for kept in recent.listing("me"):
            for found in kept.analyses.values():
                assert found.sentence(found.view("wide"))
