"""`similar` on libraries whose neighbours are known."""

import json

import pytest

from genre_engine import library
from genre_engine.library import analysing
from tests import sounds
from tests.library.filled import add, made, wide
from tests.library.test_similar import on_circle

pytestmark = pytest.mark.usefixtures("workspace")


@pytest.fixture
def mine(tmp_path):
    lib = made(tmp_path)
    for angle in (0, 10, 30, 90, 180, 270):
        add(
            lib,
            f"/music/{angle:03}.mp3",
            embedding=on_circle(angle),
            title=f"Song at {angle}",
            artist="Pair" if angle in (0, 10) else f"[b]Artist[/b] {angle}",
            scores=wide(rock=0.8),
            bpm=120.0,
        )
    return lib


def paths(text):
    return [song["path"] for song in json.loads(text)]


def test_a_song_is_named_by_path_number_or_part_of_its_title(mine, run):
    number = mine.songs()["id"].iloc[0]
    for name in ("/music/000.mp3", number, "at 0", "SONG AT 0"):
        status, out, _ = run("similar", "mine", name, "--format", "json", "--count", "2")
        assert status == 0
        assert paths(out) == ["/music/010.mp3", "/music/030.mp3"]
    (first, _) = json.loads(out)
    assert first["title"] == "Song at 10"
    assert first["common"] == ["rock", "about 120 beats a minute"]
    assert 0 < first["distance"] < 0.1


def test_a_table_says_what_songs_have_in_common(mine, run):
    status, out, _ = run("similar", "mine", "/music/000.mp3", "--count", "3")
    assert status == 0
    lines = out.splitlines()
    assert lines[0].split() == ["Song", "Artist", "Distance", "In", "common"]
    assert "Song at 10" in lines[1]
    assert "both rock, about 120 beats a minute" in lines[1]
    assert "[b]Artist[/b] 30" in lines[2]
    assert len(lines) == 4


def test_the_artist_can_be_left_out(mine, run):
    words = ("similar", "mine", "/music/000.mp3", "--other-artists", "--format", "json")
    assert "/music/010.mp3" not in paths(run(*words)[1])


def test_several_songs_give_a_playlist_that_begins_with_them(mine, run, tmp_path):
    out = tmp_path / "list.m3u8"
    words = ("similar", "mine", "at 90", "at 0", "--count", "3", "--out", out)
    assert run(*words) == (0, "", "")
    lines = out.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "#EXTM3U"
    assert lines[1] == "#EXTINF:60,[b]Artist[/b] 90 - Song at 90"
    assert lines[2::2] == ["/music/090.mp3", "/music/000.mp3", "/music/030.mp3"]
    assert run(*words, "--relative")[0] == 0
    assert out.read_text(encoding="utf-8").splitlines()[2].endswith("../music/090.mp3")


def test_a_file_of_another_kind_is_kept(mine, run, tmp_path):
    (tmp_path / "notes.m3u8").write_text("my notes\n")
    words = ("similar", "mine", "at 90", "--out", tmp_path / "notes.m3u8")
    status, _, errors = run(*words)
    assert status == 2
    assert "isn't a playlist" in errors
    assert (tmp_path / "notes.m3u8").read_text() == "my notes\n"
    assert run(*words, "--force")[0] == 0
    assert run(*words)[0] == 0
    assert (tmp_path / "notes.m3u8").read_text().startswith("#EXTM3U\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nowhere", "at 0"), "no library 'nowhere'"),
        (("mine", "polka"), "no song 'polka'"),
        (("mine", "Song"), "names 6 songs"),
        (("mine", "waiting"), "hasn't been analysed"),
        (("mine", "at 0", "--relative"), "add --out LIST.m3u8"),
    ],
)
def test_what_cannot_be_found_is_said(mine, run, words, message):
    add(mine, "/music/waiting.mp3")
    status, out, errors = run("similar", *words)
    assert (status, out) == (2, "")
    assert message in errors


def test_a_library_of_one_song_says_that_there_is_no_other(tmp_path, run):
    add(made(tmp_path, "one"), "/music/a.mp3", embedding=[1, 2])
    status, out, errors = run("similar", "one", "a.mp3")
    assert (status, out) == (0, "")
    assert "no other songs" in errors


def test_a_file_from_outside_is_analysed(tmp_path, run, stub_networks):
    song = tmp_path / "song.flac"
    song.write_bytes(sounds.encoded(sounds.chords(4.0), 16000, "FLAC"))
    found = analysing.analyse_file(song)
    lib = made(tmp_path, "real")
    size = len(found.row["embedding"]) // 4
    for number in range(3):
        add(lib, f"/music/{number}.mp3", embedding=[number + 0.5] * size, scores=wide(rock=0.9))
    status, out, _ = run("similar", "real", song, "--format", "json")
    assert status == 0
    assert len(json.loads(out)) == 3
    assert all(entry["common"] == ["rock"] for entry in json.loads(out))

    status, _, errors = run("similar", "real", song, "/music/0.mp3")
    assert status == 2
    assert "song.flac isn't in the library 'real'" in errors

    (tmp_path / "broken.mp3").write_bytes(b"nothing")
    status, _, errors = run("similar", "real", tmp_path / "broken.mp3")
    assert status == 1
    assert "broken.mp3: " in errors


def test_a_copy_of_a_song_of_the_library_is_not_analysed_again(mine, run, tmp_path, monkeypatch):
    from genre_engine.library import similar

    song = tmp_path / "copy.flac"
    song.write_bytes(sounds.encoded(sounds.chords(1.0), 16000, "FLAC"))
    monkeypatch.setattr(similar, "sound_identity", lambda path: "/music/000.mp3")
    monkeypatch.setattr(similar, "analyse_file", lambda path: pytest.fail("analysed"))
    status, out, _ = run("similar", "mine", song, "--format", "json", "--count", "1")
    assert status == 0
    assert paths(out) == ["/music/010.mp3"]
    assert library.names() == ["mine"]
