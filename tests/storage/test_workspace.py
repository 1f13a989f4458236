"""Files that are old or new and never half, and names that are safe."""

import os

import pytest

from genre_engine.errors import StorageError, WrongUsage
from genre_engine.storage import workspace as place


def test_the_workspace_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("GENRE_ENGINE_WORKSPACE", str(tmp_path / "there"))
    assert place.root() == tmp_path / "there"
    monkeypatch.setenv("GENRE_ENGINE_WORKSPACE", "")
    monkeypatch.chdir(tmp_path)
    assert place.root() == tmp_path / "workspace"


def test_a_file_is_replaced_when_its_block_ends_well(tmp_path):
    path = tmp_path / "new" / "file"
    for text in ("old", "new"):
        with place.replacing(path) as fresh:
            fresh.write_text(text)
        assert path.read_text() == text
    assert [p.name for p in path.parent.iterdir()] == ["file"]


def test_a_file_stays_as_it_was_when_its_block_fails(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")

    def fail():
        with place.replacing(path) as fresh:
            fresh.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_leftovers_of_killed_writers_are_cleared_and_nothing_else(tmp_path):
    for name in (".a-abcdefg1", ".a-b-abcdefg2", ".a-short", "a-abcdefg3"):
        (tmp_path / name).mkdir()
    place.clear_leftovers(tmp_path / "a")
    assert sorted(os.listdir(tmp_path)) == [".a-b-abcdefg2", ".a-short", "a-abcdefg3"]  # noqa: PTH208
    place.clear_leftovers(tmp_path / "no" / "such")


@pytest.mark.parametrize(
    ("number", "message"),
    [(28, "is full. Free some space"), (122, "is full"), (13, "Permission denied"), (30, "file")],
)
def test_what_the_system_says_of_writing_becomes_words(number, message, tmp_path):
    with pytest.raises(StorageError, match=message), place.storage_errors(tmp_path / "file"):
        raise OSError(number, os.strerror(number))


@pytest.mark.parametrize("name", ["demo", "Jamendo-10", "a.b_c", "Ä", "7", "x" * 64])
def test_good_names_are_taken(name):
    assert place.check_name(name) == name


@pytest.mark.parametrize("name", ["", ".", "..", ".a", "-a", "a/b", "a\\b", "a b", "a.", "x" * 65])
def test_names_that_are_no_folders_everywhere_are_refused(name):
    with pytest.raises(WrongUsage, match="can't be a name"):
        place.check_name(name)


def test_what_killed_writers_left_is_cleared_but_not_what_is_being_written(tmp_path):
    for name in (".model-abcdefgh", ".report.json-a1b2c3d4", ".control-abcdefgh", ".hidden"):
        (tmp_path / name).mkdir()
    place.clear_leftovers_in(tmp_path, but="control")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".control-abcdefgh", ".hidden"]
    place.clear_leftovers_in(tmp_path / "nowhere")
