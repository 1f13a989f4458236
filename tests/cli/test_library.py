"""`library …` from the command line."""

import csv
import io
import json

import pytest
import typer
from typer.testing import CliRunner

from genre_engine import library as engine
from genre_engine.cli import library
from genre_engine.errors import FileMissing, LibraryMissing, WrongUsage
from tests import stub_networks
from tests.library.songs import write_song

pytestmark = pytest.mark.usefixtures("workspace")


@pytest.fixture
def run():
    main = typer.Typer()
    main.add_typer(library.app)
    runner = CliRunner()
    return lambda *words, **options: runner.invoke(
        main, ["library", *map(str, words)], **{"catch_exceptions": False, **options}
    )


@pytest.fixture
def music(tmp_path, monkeypatch):
    stub_networks.install(monkeypatch, stub_networks.rock)
    folder = tmp_path / "music"
    folder.mkdir()
    write_song(folder / "a.mp3", "MP3", 300)
    write_song(folder / "b.flac", "FLAC", 400)
    return folder.resolve()


def test_a_library_is_scanned_listed_shown_exported_and_removed(run, music, tmp_path):
    made = run("scan", "mine", music, "--jobs", 1)
    assert made.exit_code == 0
    assert made.stdout == "mine: 2 files, 2 new or changed, 2 analysed\n"
    assert "mine" in run("list").stdout
    (entry,) = json.loads(run("list", "--format", "json").stdout)
    assert entry == {
        "name": "mine",
        "folders": [str(music)],
        "songs": 2,
        "analysed": 2,
        "missing": 0,
        "failed": 0,
    }
    shown = json.loads(run("show", "mine", "--format", "json").stdout)
    assert (shown["songs"], shown["analysed"], shown["missing"], shown["failed"]) == (2, 2, 0, 0)
    assert shown["genres"]["Rock"] == 2
    assert shown["untagged"] == 2
    table = run("show", "mine").stdout
    assert "2 songs, 2 analysed" in table
    assert "Rock" in table
    again = run("scan", "mine")
    assert again.stdout == "mine: 2 files, 0 new or changed, 0 analysed\n"
    assert run("remove", "mine").exit_code == 0
    assert engine.names() == []
    assert (music / "a.mp3").exists()


def test_exports_hold_the_songs_that_the_filter_leaves(run, music, tmp_path):
    run("scan", "mine", music, "--jobs", 1)
    found = json.loads(run("export", "mine", "--format", "json").stdout)
    assert [song["path"] for song in found] == [str(music / "a.mp3"), str(music / "b.flac")]
    assert found[0]["genres"][0] == "Rock"
    assert 0 < found[0]["scores"][0] <= 1
    rows = list(csv.DictReader(io.StringIO(run("export", "mine", "--format", "csv").stdout)))
    assert rows[1]["path"] == str(music / "b.flac")
    assert rows[0]["genres"].startswith("Rock")
    listed = run("export", "mine", "--format", "m3u8", "--where", "path ~ flac").stdout
    assert listed.splitlines()[0] == "#EXTM3U"
    assert listed.splitlines()[-1] == str(music / "b.flac")
    (tmp_path / "lists").mkdir()
    out = tmp_path / "lists" / "rock.m3u8"
    done = run("export", "mine", "--format", "m3u8", "--out", out, "--relative")
    assert done.stdout == ""
    assert "../music/a.mp3" in out.read_text(encoding="utf-8").splitlines()
    with pytest.raises(WrongUsage, match="is no field"):
        run("export", "mine", "--format", "csv", "--where", "colour = red")


def test_failures_are_named_and_end_with_1(run, music):
    (music / "broken.mp3").write_text("this is no audio")
    made = run("scan", "mine", music, "--jobs", 1)
    assert made.exit_code == 1
    assert f"{music / 'broken.mp3'}: Its content is no audio" in made.stderr
    assert "1 failed" in made.stdout
    assert "broken.mp3" in run("show", "mine").stdout.replace("\n", "")
    again = run("scan", "mine")
    assert again.exit_code == 0


def test_what_is_wrong_is_said(run, music):
    with pytest.raises(LibraryMissing, match="There is none yet"):
        run("show", "mine")
    with pytest.raises(FileMissing, match="no folder"):
        run("scan", "mine", music / "nowhere")
    with pytest.raises(WrongUsage, match="Name the folders"):
        run("scan", "mine")
    assert "There is no library yet" in run("list").stderr
    assert run("export", "mine", "--format", "xml").exit_code == 2


def test_control_c_stops_after_the_songs_at_hand_and_keeps_them(run, music, monkeypatch):
    from genre_engine.library import scan

    def interrupted(wanted, tasks):
        import signal

        signal.raise_signal(signal.SIGINT)
        return real(wanted, tasks)

    real = scan._worker
    monkeypatch.setattr(scan, "_worker", interrupted)
    monkeypatch.setattr(scan, "_CHUNK", 1)
    made = run("scan", "mine", music, "--jobs", 1)
    assert made.exit_code == 130
    assert "Scan again to go on" in made.stderr
    assert engine.open("mine").counts()["analysed"] == 1
    monkeypatch.setattr(scan, "_worker", real)
    assert run("scan", "mine", "--jobs", 1).exit_code == 0
    assert engine.open("mine").counts()["analysed"] == 2
