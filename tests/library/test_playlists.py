"""Playlists, read back by the rules of the programs that they are for."""

import os
import posixpath
import re
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_engine.errors import StorageError, WrongUsage
from genre_engine.library import playlists
from genre_engine.library.playlists import Written


def songs(*paths, **columns):
    given_ = {"title": None, "artist": None, "duration_s": 60.0, "missing": False, **columns}
    # As objects, for names that aren't text are none of pandas' own.
    return pd.DataFrame({"path": pd.Series(list(paths), dtype=object), **given_})


def lines_of(table, relative_to=None, folder="/lists"):
    path = Path(folder)
    path.mkdir(exist_ok=True)
    playlists.write_m3u8(path / "a.m3u8", table, relative_to)
    return (path / "a.m3u8").read_bytes().decode("utf-8").split("\n")


def vlc(text, folder):
    """Paths as VLC 3 and 4 read them: lines are addresses, made valid where they aren't."""
    found = []
    for line in text.split("\n"):
        line = line.lstrip(" \t\r")
        if not line or line.startswith("#"):
            continue
        if not re.search(r"%(?![0-9A-Fa-f]{2})", line):
            line = unquote(line.split("#")[0].split("?")[0])
        else:
            line = line.split("#")[0].split("?")[0]
        scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", line)
        if scheme:
            line = line.removeprefix("file://") if scheme[1] == "file" else f"protocol {line}"
        found.append(posixpath.normpath(posixpath.join(folder, line)))
    return found


def navidrome(text, folder):
    found = []
    for line in text.split("\n"):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("file://"):
            line = unquote(line.removeprefix("file://"))
        found.append(posixpath.normpath(posixpath.join(folder, line)))
    return found


def mixxx(text, folder):
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", text), "taken for Windows-1250"
    found = []
    for line in re.split(r"\r\n|\r|\n", text):
        # Comments are looked up as files, and aren't there.
        if not line or line.startswith("#EXT"):
            continue
        line = (
            unquote(line.removeprefix("file://"))
            if line.startswith("file://")
            else (line.replace("\\", "/"))
        )
        found.append(posixpath.normpath(posixpath.join(folder, line)))
    return found


def test_a_playlist_has_lengths_artists_titles_and_paths(tmp_path):
    table = songs(
        "/music/a.mp3",
        "/music/b.mp3",
        "/music/c - d.mp3",
        title=["One", None, "Three"],
        artist=["Somebody", "", None],
        duration_s=[183.6, None, 0.2],
    )
    assert playlists.write_m3u8(tmp_path / "a.m3u8", table, name="My\nlist") == Written(3)
    assert (tmp_path / "a.m3u8").read_bytes() == (
        b"#EXTM3U\n#PLAYLIST:My list\n"
        b"#EXTINF:184,Somebody - One\n/music/a.mp3\n"
        b"#EXTINF:-1,b\n/music/b.mp3\n"
        b"#EXTINF:1,Three\n/music/c - d.mp3\n"
    )


def test_names_with_line_breaks_stay_on_their_line(tmp_path):
    table = songs("/a.mp3", title="One\n#EXTINF:1,x\r\n/etc/passwd", artist="A\u2028B - C\x7f")
    assert "#EXTINF:60,A B – C - One #EXTINF:1,x /etc/passwd" in lines_of(table, folder=tmp_path)
    assert len(lines_of(table, folder=tmp_path)) == 4


def test_paths_can_be_relative_to_the_playlist(tmp_path):
    table = songs("/music/a/1.mp3", "/music/lists/2.mp3", "/other/3.mp3")
    text = lines_of(table, Path("/music/lists"), tmp_path)
    assert text[2::2] == ["../a/1.mp3", "2.mp3", "../../other/3.mp3"]


def test_a_relative_path_is_never_a_comment_nor_a_protocol(tmp_path):
    table = songs("/m/#1.mp3", "/m/ x.mp3", "/m/12:30.mp3", "/m/a/12:30.mp3")
    assert lines_of(table, Path("/m"), tmp_path)[2::2] == [
        "./#1.mp3",
        "./ x.mp3",
        "./12:30.mp3",
        "a/12:30.mp3",
    ]


def test_an_absolute_path_that_reads_as_something_else_is_an_address(tmp_path):
    table = songs("/m/50%.mp3", "/m/50%41.mp3", "/m/#1 ü.mp3", "/m/why?.mp3")
    assert lines_of(table, folder=tmp_path)[2::2] == [
        "/m/50%.mp3",
        "file:///m/50%2541.mp3",
        "file:///m/%231%20%C3%BC.mp3",
        "file:///m/why%3F.mp3",
    ]


def test_songs_that_are_gone_or_cannot_be_written_are_left_out_and_counted(tmp_path):
    table = songs(
        *("/a.mp3", "/b.mp3", "/c\nd.mp3", "/e\udcff.mp3", "/f\x01.mp3", "/g.mp3 "),
        missing=[False, True, False, False, False, False],
    )
    found = playlists.write_m3u8(tmp_path / "a.m3u8", table)
    assert found == Written(1, missing=1, unwritable=4)
    assert playlists.write_m3u8(tmp_path / "b.m3u8", songs()) == Written(0)
    assert (tmp_path / "b.m3u8").read_text() == "#EXTM3U\n"


names = st.text(
    st.one_of(
        st.sampled_from("#?%4 :\\.&+ä𝄞"),
        st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"), exclude_characters="/"),
    ),
    min_size=1,
    max_size=12,
).map(lambda name: f"{name}.mp3")


@settings(deadline=None)
@given(st.lists(names, min_size=1, max_size=4))
def test_all_three_programs_read_absolute_paths(tmp_path_factory, drawn):
    folder = tmp_path_factory.getbasetemp() / "absolute"
    paths = [f"/music/{name}" for name in drawn]
    text = "\n".join(lines_of(songs(*paths), folder=folder))
    for program in (vlc, navidrome, mixxx):
        assert program(text, "/lists") == paths


@settings(deadline=None)
@given(st.lists(names, min_size=1, max_size=4))
def test_relative_paths_are_read_as_far_as_a_program_can(tmp_path_factory, drawn):
    folder = tmp_path_factory.getbasetemp() / "relative"
    paths = [f"/music/{name}" for name in drawn]
    text = "\n".join(lines_of(songs(*paths), Path("/music"), folder))
    assert navidrome(text, "/music") == paths
    if not any("\\" in path for path in paths):
        assert mixxx(text, "/music") == paths
    if not any(set("#?\\") & set(path) or "%" in path for path in paths):
        assert vlc(text, "/music") == paths


def test_a_playlist_replaces_the_old_one_whole_or_not_at_all(tmp_path, monkeypatch):
    playlists.write_m3u8(tmp_path / "a.m3u8", songs("/old.mp3"))

    def broken(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", broken)
    with pytest.raises(StorageError, match="full"):
        playlists.write_m3u8(tmp_path / "a.m3u8", songs("/new.mp3"))
    assert "/old.mp3" in (tmp_path / "a.m3u8").read_text()
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.m3u8"]


def test_a_playlist_is_made_for_each_word(tmp_path):
    table = songs("/m/1.mp3", "/m/2.mp3", "/m/3.mp3", missing=[False, False, True])
    found = playlists.write_by_word(
        tmp_path, table, [("Folk/Rock", "Jazz"), ("jazz",), ("Jazz",)], relative=False
    )
    assert {word: (path.name, written) for word, (path, written) in found.items()} == {
        "Folk/Rock": ("Folk-Rock.m3u8", Written(1)),
        "Jazz": ("Jazz.m3u8", Written(1, missing=1)),
        "jazz": ("jazz 2.m3u8", Written(1)),
    }
    assert "#PLAYLIST:Folk/Rock\n" in (tmp_path / "Folk-Rock.m3u8").read_text()
    with pytest.raises(WrongUsage, match="None of these songs has a genre"):
        playlists.write_by_word(tmp_path, table, [(), (), ()])


@settings(deadline=None)
@given(st.lists(st.text(max_size=130), unique=True))
def test_file_names_of_words_are_allowed_everywhere_and_differ(words):
    found = list(playlists._file_names(words))
    assert len({name.casefold() for name in found}) == len(words)
    for name in found:
        assert 0 < len(name) <= 110
        assert not re.search(r'[\\/:*?"<>|\x00-\x1f]', name)
        assert name == name.strip(" .")
        assert name.casefold() not in playlists._WINDOWS_DEVICES
        name.encode("utf-8")
