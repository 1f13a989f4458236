"""What a command writes where: standard output that fails, files that stand there already."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import sounds
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="devices of POSIX")


@pytest.fixture
def song(tmp_path, monkeypatch, stub_networks):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "song.flac"
    path.write_bytes(sounds.encoded(sounds.chords(4.0), 16000, "FLAC"))
    return path


def command(*words, **options):
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY), **options.pop("env", {})}
    return subprocess.Popen(
        [sys.executable, "-m", "genre_engine", *words],
        stderr=subprocess.PIPE,
        text=True,
        env=env,
        **options,
    )


def test_a_song_is_never_written_over(song, run):
    before = song.read_bytes()
    for form in ("table", "json", "csv"):
        for words in ((), ("--force",)):
            status, _, errors = run("classify", "song.flac", "--format", form, *words,
                                    "--output", "song.flac")  # fmt: skip
            assert status == 2
            assert "is one of the inputs" in errors
    other = song.with_name("other.flac")
    other.write_bytes(before)
    status, _, errors = run("classify", "song.flac", "--output", "other.flac")
    assert status == 2
    assert "isn't a table of results" in errors
    assert song.read_bytes() == other.read_bytes() == before


def test_force_replaces_a_file_of_another_kind(song, run):
    for form in ("table", "json", "csv"):
        (song.parent / "notes.txt").write_text("my notes\n")
        words = ("classify", "song.flac", "--format", form, "--output", "notes.txt")
        assert run(*words)[0] == 2
        assert (song.parent / "notes.txt").read_text() == "my notes\n"
        assert run(*words, "--force")[0] == 0
        assert "song.flac" in (song.parent / "notes.txt").read_text()
        assert run(*words)[0] == 0  # it is one of ours now


def test_results_go_through_a_link_and_to_a_device(song, run):
    target = song.with_name("target.json")
    target.write_text("[]\n")
    song.with_name("link.json").symlink_to(target)
    assert run("classify", "song.flac", "--format", "json", "--output", "link.json")[0] == 0
    assert song.with_name("link.json").is_symlink()
    assert json.loads(target.read_text())[0]["file"] == "song.flac"
    for form in ("table", "json", "csv"):
        assert run("classify", "song.flac", "--format", form, "--output", "/dev/null")[0] == 0


def test_a_linked_folder_is_walked_once_and_a_circle_ends(song, run):
    music = song.parent / "music"
    (music / "inner").mkdir(parents=True)
    (music / "inner" / "a.flac").write_bytes(song.read_bytes())
    elsewhere = song.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "b.flac").write_bytes(song.read_bytes())
    (music / "linked").symlink_to(elsewhere)
    (music / "inner" / "back").symlink_to(music)
    status, out, errors = run("classify", "music", "--format", "json")
    assert status == 0
    found = [element["file"] for element in json.loads(out)]
    assert found == [str(Path("music", *p)) for p in (("inner", "a.flac"), ("linked", "b.flac"))]
    assert "was walked already" in errors


@pytest.mark.parametrize("words", [["dataset", "list"], ["runs"], ["--help"]], ids=" ".join)
def test_a_full_disk_is_said_in_words(words, tmp_path):
    with open("/dev/full", "w") as full:  # noqa: PTH123
        process = command(*words, stdout=full, cwd=tmp_path)
        _, errors = process.communicate(timeout=120)
    assert "Traceback" not in errors
    assert process.returncode in (0, 1)  # a command that prints nothing has nothing to lose
    if process.returncode:
        assert "No space left" in errors


def test_a_closed_standard_output_is_said_in_words(tmp_path):
    shell = f"exec {sys.executable} -m genre_engine dataset show none >&-"
    done = subprocess.run(
        ["sh", "-c", shell],
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        timeout=120,
    )
    assert "Traceback" not in done.stderr
    assert done.returncode in (1, 2)
    shell = f"exec {sys.executable} -m genre_engine --help >&-"
    done = subprocess.run(
        ["sh", "-c", shell],
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        timeout=120,
    )
    assert "Traceback" not in done.stderr


def test_a_terminated_command_leaves_nothing_half_made(tmp_path):
    process = command(
        *("dataset", "demo", "--tracks", "400"),
        stdout=subprocess.DEVNULL,
        cwd=tmp_path,
        env={"GENRE_ENGINE_WORKSPACE": str(tmp_path / "workspace")},
    )
    folder = tmp_path / "workspace" / "datasets"
    end = time.monotonic() + 120
    while not (folder.is_dir() and any(p.name.startswith(".demo-") for p in folder.iterdir())):
        assert time.monotonic() < end
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 128 + signal.SIGTERM
    assert "Traceback" not in errors
    assert not [p for p in folder.iterdir() if p.is_dir()]


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="users of POSIX")
def test_a_workspace_that_cannot_be_written_is_said_in_words(run, tmp_path, monkeypatch):
    monkeypatch.setenv("GENRE_ENGINE_WORKSPACE", str(tmp_path / "workspace"))
    (tmp_path / "workspace").mkdir()
    # A file in the folder's place stops root too.
    (tmp_path / "workspace" / "datasets").write_text("")
    status, _, errors = run("dataset", "demo", "--tracks", "20")
    assert status == 1
    assert "Can't write" in errors
    from filelock import FileLock

    def refuse(self, *args, **options):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "workspace" / "datasets").unlink()
    monkeypatch.setattr(FileLock, "acquire", refuse)
    status, _, errors = run("dataset", "demo", "--tracks", "20")
    assert status == 1
    assert "Permission denied" in errors
