"""Files that a user names for results: nothing is destroyed unasked."""

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from genre_engine.errors import WrongUsage
from genre_engine.storage import output

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="devices and pipes of POSIX")


def checked(path, **options):
    options = {"kind": "a list", "is_kind": output.looks_like_text, **options}
    return output.check(path, **options)


def test_devices_and_pipes_stay_what_they_are(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    heard = []
    reader = threading.Thread(target=lambda: heard.append(pipe.read_text()))
    reader.start()
    with output.place_for(checked(pipe)) as place, place.open("w") as file:
        file.write("hello")
    reader.join(60)
    assert heard == ["hello"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    with output.place_for(checked(Path("/dev/null"))) as place:
        place.write_text("nothing")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_links_are_written_through(tmp_path):
    target, link = tmp_path / "target.txt", tmp_path / "link.txt"
    target.write_text("old")
    link.symlink_to(target)
    with output.place_for(checked(link)) as place:
        place.write_text("new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_an_input_is_never_written_over(tmp_path):
    song = tmp_path / "song.txt"
    song.write_text("a song")
    hard, soft = tmp_path / "hard.txt", tmp_path / "soft.txt"
    hard.hardlink_to(song)
    soft.symlink_to(song)
    for path in (song, hard, soft):
        with pytest.raises(WrongUsage, match="is one of the inputs"):
            checked(path, inputs=[song], force=True)
    assert song.read_text() == "a song"


def test_a_file_of_another_kind_is_replaced_by_force_only(tmp_path):
    song = tmp_path / "song.mp3"
    song.write_bytes(b"ID3\0\0\0")
    with pytest.raises(WrongUsage, match=r"isn't a list\. Name another file, or replace it with"):
        checked(song)
    assert checked(song, force=True) == song
    (tmp_path / "empty").touch()
    assert checked(tmp_path / "empty") == tmp_path / "empty"
    with pytest.raises(WrongUsage, match="is a folder"):
        checked(tmp_path, force=True)


def test_one_program_at_a_time_writes_to_a_file(tmp_path):
    code = (
        "import sys; from pathlib import Path; from genre_engine.storage import output\n"
        "with output.alone(Path(sys.argv[1])): print('in', flush=True); sys.stdin.read()\n"
    )
    path = tmp_path / "out.csv"
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "in\n"
        with pytest.raises(WrongUsage, match="Another program is writing"), output.alone(path):
            pass
        other.kill()
    # The system has freed it, and nothing lies beside the results.
    with output.alone(path):
        assert list(tmp_path.iterdir()) == []
