"""`library tag` and `library undo` from the command line."""

import pytest

from genre_engine.cli import library_tags
from genre_engine.library import tag_frames
from tests.library import filled, tagged

pytestmark = pytest.mark.usefixtures("workspace")


@pytest.fixture
def lib(tmp_path):
    made = tagged.made(tmp_path, ["MP3", "FLAC", "M4A"])
    with made.connect() as connection:
        connection.execute("UPDATE sounds SET wide = ?", (filled.wide(jazz=0.6).tobytes(),))
    return made


def genres(lib):
    return [tag_frames.read(path)["genre"] for path in sorted(tagged.contents(lib))]


def test_the_plan_is_shown_and_nothing_is_written_without_a_yes(run, lib):
    before = tagged.contents(lib)
    status, out, err = run("library", "tag", "mine", "--moods", "--bpm", "--key")
    assert status == 2
    assert "a.mp3" in out
    assert "Jazz" in out
    assert "F#m" in out
    assert "3 files would change (3 genres, 3 moods, 3 tempo, 3 key)" in out
    assert "Add --yes" in err
    assert run("library", "tag", "mine", "--dry-run")[0] == 0
    assert tagged.contents(lib) == before


def test_tags_are_written_listed_and_brought_back(run, lib):
    before = tagged.contents(lib)
    status, out, err = run("library", "tag", "mine", "--yes", "--where", "path ~ .mp3")
    assert status == 0
    assert "1 file written" in out
    assert "library undo mine" in err
    assert genres(lib) == [("Jazz",), (), ()]
    status, out, _ = run("library", "tag", "mine", "--replace", "--yes")
    assert status == 0
    assert "unchanged: 1" in out
    assert genres(lib) == [("Jazz",)] * 3
    status, out, _ = run("library", "undo", "mine", "--list")
    assert status == 0
    assert "only-missing" in out
    assert "replace" in out
    assert run("library", "undo", "mine")[0] == 2
    status, out, _ = run("library", "undo", "mine", "--yes")
    assert (status, genres(lib)) == (0, [("Jazz",), (), ()])
    assert run("library", "undo", "mine", "--all", "--yes")[0] == 0
    assert tagged.contents(lib) == before
    status, _, err = run("library", "undo", "mine", "--yes")
    assert status == 0
    assert "nothing to take back" in err


def test_at_a_terminal_it_asks(run, lib, monkeypatch):
    monkeypatch.setattr(library_tags.sys.stdin, "isatty", lambda: True, raising=False)
    for answer, written in (False, 0), (True, 3):
        asked = []

        def confirm(question, *, abort, err, answer=answer, asked=asked):
            asked.append(question)
            if not answer:
                raise library_tags.typer.Abort

        monkeypatch.setattr(library_tags.typer, "confirm", confirm)
        run("library", "tag", "mine")
        assert asked == ["Write tags into 3 files?"]
        assert genres(lib).count(("Jazz",)) == written


def test_files_that_fail_are_named_and_end_with_1(run, lib, monkeypatch):
    paths = sorted(tagged.contents(lib))
    paths[1].chmod(0o444)
    status, out, err = run("library", "tag", "mine", "--yes")
    assert status == 1
    assert "read-only: 1" in out
    assert genres(lib) == [("Jazz",), (), ("Jazz",)]
    assert f"{paths[1]}: It, or its folder, can't be written." in err
    paths[0].unlink()
    status, _, err = run("library", "undo", "mine", "--yes")
    assert status == 1
    assert f"{paths[0]}: It isn't there any more." in err


def test_what_is_wrong_is_said(run, lib, monkeypatch):
    status, _, err = run("library", "tag", "mine", "--append", "--replace")
    assert status == 2
    assert "Choose one" in err
    assert run("library", "tag", "nobody")[0] == 2
    assert run("library", "tag", "mine", "--where", "colour = red")[0] == 2
    assert run("library", "undo", "mine", "20010101")[0] == 2
    assert run("library", "undo", "mine", "x", "--all")[0] == 2
    assert run("library", "undo", "mine", "--list")[2] == "No tags were written yet.\n"
    status, out, _ = run("library", "tag", "mine", "--least", "99")
    assert status == 0
    assert "no genre: 3" in out
    monkeypatch.setenv("GENRE_ENGINE_HOSTED", "1")
    status, _, err = run("library", "tag", "mine", "--yes")
    assert status == 1
    assert "writes no tags" in err
