"""A plan says what would change and why files are left out, and writes nothing."""

import json
import os

import pytest
from mutagen.id3 import ID3, TCON

from genre_engine.errors import WrongUsage
from genre_engine.library import mapping, tag_frames, tag_plan
from genre_engine.library.tag_plan import Wanted
from tests.library import tagged
from tests.library.songs import SUFFIXES, write_song
from tests.library.test_identity import set_tags

pytestmark = pytest.mark.usefixtures("workspace")


@pytest.fixture
def one(tmp_path):
    return tagged.made(tmp_path, ["MP3"])


def path_of(lib):
    (path,) = tagged.contents(lib)
    return path


def change(lib, *args, **options):
    plan = tagged.planned(lib, *args, **options)
    assert plan.left_out == ()
    (found,) = plan.changes
    return found.values


def reason(lib, *args, **options):
    plan = tagged.planned(lib, *args, **options)
    assert plan.changes == ()
    (left,) = plan.left_out
    assert left.text.endswith(".")
    return left.reason


def test_a_plan_of_all_formats_says_old_and_new_and_writes_nothing(tmp_path):
    lib = tagged.made(tmp_path, SUFFIXES)
    before = tagged.contents(lib)
    plan = tagged.planned(lib, **tagged.EVERYTHING)
    assert len(plan.changes) == len(SUFFIXES)
    for found in plan.changes:
        assert found.values == {
            "genre": ((), ("Jazz", "Pop Rock")),
            "mood": ((), ("happy",)),
            "bpm": ((), ("128",)),
            "key": ((), ("F#m",)),
        }
    assert tagged.contents(lib) == before


@pytest.mark.parametrize("form", SUFFIXES)
def test_modes_differ_in_what_becomes_of_genres_that_are_there(tmp_path, form):
    lib = tagged.made(tmp_path)
    path = write_song(lib.roots[0] / f"a{SUFFIXES[form]}", form)
    set_tags(path, form, {"genres": ["jazz", "Folk/Rock"]})
    tagged.add(lib, path)
    assert reason(lib, "only-missing") == "there already"
    assert change(lib, "append") == {
        "genre": (("jazz", "Folk/Rock"), ("jazz", "Folk/Rock", "Pop Rock")),
    }
    assert change(lib, "replace") == {"genre": (("jazz", "Folk/Rock"), ("Jazz", "Pop Rock"))}
    tagged.write(lib, "append")
    assert tag_frames.read(path)["genre"] == ("jazz", "Folk/Rock", "Pop Rock")
    assert reason(lib, "append") == "unchanged"
    tagged.write(lib, "replace")
    assert reason(lib, "replace") == "unchanged"


def test_fields_that_are_missing_are_written_where_others_are_there(one):
    path = path_of(one)
    tag = ID3()
    tag.add(TCON(encoding=0, text=["Rock"]))
    tag.save(path)
    assert list(change(one, bpm=True, moods=True)) == ["mood", "bpm"]


def test_an_empty_genre_counts_as_missing(one):
    tag = ID3()
    tag.add(TCON(encoding=0, text=[""]))
    tag.save(path_of(one))
    assert change(one) == {"genre": ((), ("Jazz", "Pop Rock"))}


def test_the_users_own_decision_comes_before_the_scores(one):
    (sound,) = one.songs()["sound"]
    one.decide([sound], "corrected", ["Mine", "Yours"])
    assert change(one, least=1.0) == {"genre": ((), ("Mine", "Yours"))}
    one.decide([sound], "accepted", ["Jazz"])
    assert change(one, least=1.0) == {"genre": ((), ("Jazz",))}
    one.decide([sound], "rejected")
    assert reason(one) == "rejected"
    assert reason(one, "replace", bpm=True) == "rejected"
    one.decide([sound], "corrected", [])
    assert reason(one) == "no genre"


def test_songs_without_a_clear_genre_are_left_as_they_are(one):
    assert reason(one, least=0.95) == "no genre"
    assert reason(one, "replace", genres=()) == "no genre"
    assert change(one, "replace", genres=(), bpm=True) == {"bpm": ((), ("128",))}
    with one.connect() as connection:
        connection.execute("UPDATE sounds SET bpm_sure = 0.4, key_sure = 0.4")
    assert reason(one, genres=(), bpm=True, key=True) == "nothing sure"


def test_signs_that_would_part_a_genre_are_taken_out(one):
    assert change(one, genres=[("A;B\0C  D", 1.0), (" ", 1.0)]) == {"genre": ((), ("A,B C D",))}


def test_files_that_cannot_be_written_are_named_with_the_reason(tmp_path):
    lib = tagged.made(tmp_path, SUFFIXES)
    paths = sorted(tagged.contents(lib))
    paths[0].chmod(0o444)
    os.link(paths[1], tmp_path / "other name.flac")
    paths[2].unlink()
    outside = tmp_path / "outside.opus"
    paths[3].rename(outside)
    paths[3].symlink_to(outside)
    paths[4].write_bytes(paths[5].read_bytes())
    with lib.connect() as connection:
        connection.execute("UPDATE songs SET missing = 1 WHERE path = ?", (str(paths[5]),))
        connection.execute(
            "UPDATE songs SET error = 'It is broken.', error_type = 'NotAudio' WHERE path = ?",
            (str(paths[6]),),
        )
    plan = tagged.planned(lib)
    assert [left.reason for left in plan.left_out] == [
        *("read-only", "hard link", "vanished", "outside", "other sound", "missing", "failed"),
    ]
    assert plan.left_out[-1].text == "It is broken."
    assert plan.reasons["read-only"] == 1


def test_a_link_within_the_library_is_written_once(one):
    path = path_of(one)
    link = path.with_name("link.mp3")
    link.symlink_to(path)
    tagged.add(one, link)
    plan = tagged.planned(one)
    assert [left.reason for left in plan.left_out] == ["same file"]
    assert tagged.write(one).left_out == []
    assert link.is_symlink()
    assert tag_frames.read(link)["genre"] == ("Jazz", "Pop Rock")


def test_a_folder_that_cannot_be_written_is_named(one):
    path = path_of(one)
    path.parent.chmod(0o555)
    try:
        assert reason(one) == "read-only"
    finally:
        path.parent.chmod(0o755)


def test_other_formats_and_damaged_tags_are_named(tmp_path):
    lib = tagged.made(tmp_path)
    for name, data in (("a.mka", b"\x1a\x45\xdf\xa3" + bytes(99)), ("b.mp3", b"ID3\4\0\0\xff" * 9)):
        (lib.roots[0] / name).write_bytes(data)
        tagged.add(lib, lib.roots[0] / name)
    plan = tagged.planned(lib)
    assert [left.reason for left in plan.left_out] == ["unsupported", "unsupported"]
    assert "Matroska" in plan.left_out[0].text


def test_songs_that_wait_for_their_analysis_are_left_out(one):
    with one.connect() as connection:
        connection.execute("DELETE FROM sounds")
    assert reason(one) == "waiting"


def test_a_plan_of_some_songs_speaks_of_their_own_genres(tmp_path):
    lib = tagged.made(tmp_path, ["MP3", "FLAC", "OGG"])
    songs = lib.songs()
    genres = [[("A", 1.0)], [("B", 1.0)], [("C", 1.0)]]
    plan = tag_plan.plan(lib, songs.iloc[1:], genres.__getitem__, Wanted())
    assert [found.values["genre"][1] for found in plan.changes] == [("B",), ("C",)]


def test_a_librarys_own_words_and_a_filter_make_a_plan(tmp_path):
    lib = tagged.made(tmp_path, ["MP3", "FLAC"])
    from tests.library import filled

    with lib.connect() as connection:
        connection.execute(
            "UPDATE sounds SET wide = ?", (filled.wide(jazz=0.6, rock=0.4).tobytes(),)
        )
    mapping.save(lib, mapping.Mapping((mapping.Rule(("jazz",), "Swing"),)))
    plan = tag_plan.of_library(lib, Wanted(), "path ~ flac")
    assert [found.values["genre"][1] for found in plan.changes] == [("Swing",)]
    plan = tag_plan.of_library(lib, Wanted(least=0.3))
    assert {found.values["genre"][1] for found in plan.changes} == {("Swing", "Rock")}


def test_a_plan_can_be_stopped(tmp_path):
    lib = tagged.made(tmp_path, ["MP3", "FLAC"])
    asked, said = iter([False, True]), []
    plan = tag_plan.plan(
        *(lib, lib.songs(), lambda row: tagged.GENRES, Wanted()),
        should_stop=lambda: next(asked),
        progress=lambda *done: said.append(done),
    )
    assert len(plan.changes) == 1
    assert said == [(1, 2)]


def test_settings_that_cannot_be_are_refused():
    with pytest.raises(WrongUsage, match="A mode is one of"):
        Wanted(mode="overwrite")
    with pytest.raises(WrongUsage, match="between 0 and 1"):
        Wanted(least=50)
    assert json.dumps(vars(Wanted()))
