"""The index of a library: what it keeps, and that nothing of it is lost."""

import sqlite3

import numpy as np
import pytest

from genre_engine import library
from genre_engine.errors import (
    FileMissing,
    LibraryError,
    LibraryExists,
    LibraryMissing,
    Refused,
    WrongUsage,
)
from genre_engine.library import index, schema
from genre_engine.prediction import vocabulary

pytestmark = pytest.mark.usefixtures("workspace")


@pytest.fixture
def mine(tmp_path):
    (tmp_path / "music").mkdir()
    return library.create("mine", [tmp_path / "music"])


def add(lib, path, sound=None, *, wide=None, embedding=None, **columns):
    columns = {"root": "/music", "size": 1, "mtime_ns": 1, **columns, "path": path, "sound": sound}
    with lib.connect() as connection:
        connection.execute(
            f"INSERT INTO songs ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",
            list(columns.values()),
        )
        if wide is not None:
            connection.execute(
                "INSERT INTO sounds (sound, model, networks, duration_s, wide, embedding, detected)"
                " VALUES (?, 'fast', '[]', 60, ?, ?, ?)",
                (
                    sound,
                    np.asarray(wide, "<f4").tobytes(),
                    None if embedding is None else np.asarray(embedding, "<f4").tobytes(),
                    '[["mood", "happy", 0.5], ["instruments", "piano", 0.4]]',
                ),
            )


WIDE = np.linspace(0, 1, len(vocabulary.WIDE), dtype=np.float32)


def test_a_new_library_is_empty_and_knows_its_folders(mine, tmp_path):
    assert library.names() == ["mine"]
    assert library.open("mine").roots == ((tmp_path / "music").resolve(),)
    assert len(mine.songs()) == 0
    assert mine.scores()[1].shape == (0, len(vocabulary.WIDE))
    assert mine.embeddings().shape == (0, 0)
    assert mine.counts() == {"songs": 0, "analysed": 0, "missing": 0, "failed": 0}


def test_a_song_has_the_scores_of_its_sound_wherever_it_lies(mine):
    add(mine, "/music/b.mp3", "aa", wide=WIDE, embedding=[1, 2], title="B")
    add(mine, "/music/sub/a.mp3", "aa")
    add(mine, "/music/c.mp3", error="broken", error_type="NotAudio")
    songs, (genres, scores) = mine.songs(), mine.scores()
    assert songs["path"].tolist() == ["/music/b.mp3", "/music/c.mp3", "/music/sub/a.mp3"]
    assert songs["state"].tolist() == ["analysed", "failed", "analysed"]
    assert songs["folder"].tolist() == ["", "", "sub"]
    assert songs["moods"].iloc[0] == (("happy", 0.5),)
    assert genres == tuple(vocabulary.WIDE)
    np.testing.assert_array_equal(scores[0], WIDE)
    np.testing.assert_array_equal(scores[2], WIDE)
    assert np.isnan(scores[1]).all()
    np.testing.assert_array_equal(mine.embeddings()[[0, 2]], [[1, 2], [1, 2]])
    assert mine.counts() == {"songs": 3, "analysed": 2, "missing": 0, "failed": 1}


def test_a_library_made_anew_under_its_name_has_no_state_of_the_old_one(mine, tmp_path):
    add(mine, "/music/old.mp3", "aa", wide=WIDE)
    version = mine.version()
    assert mine.songs()["path"].tolist() == ["/music/old.mp3"]
    library.remove("mine")
    again = library.create("mine", [tmp_path / "music"])
    add(again, "/music/new.mp3", "aa", wide=WIDE)
    assert again.version() != version
    assert again.songs()["path"].tolist() == ["/music/new.mp3"]


def test_a_snapshot_stays_while_the_index_changes(mine):
    add(mine, "/music/b.mp3", "bb", wide=WIDE)
    before = mine.snapshot()
    assert mine.snapshot() is before
    add(mine, "/music/a.mp3", "aa", wide=1 - WIDE)
    _, scores = before.scores()
    np.testing.assert_array_equal(scores, [WIDE])
    assert mine.snapshot() is not before
    assert len(mine.songs()) == 2


def test_vectors_of_other_networks_than_most_songs_have_are_left_out(mine):
    add(mine, "/music/a.mp3", "aa", wide=WIDE, embedding=[1, 2])
    add(mine, "/music/b.mp3", "bb", wide=WIDE, embedding=[1, 2])
    add(mine, "/music/c.mp3", "cc", wide=WIDE, embedding=[1, 2, 3])
    assert np.isnan(mine.embeddings()).all(axis=1).tolist() == [False, False, True]


def test_decisions_are_kept_by_sound_and_taken_back(mine):
    add(mine, "/music/a.mp3", "aa", wide=WIDE)
    mine.decide(["aa"], "corrected", ["jazz"])
    assert mine.songs()["decided_genres"].tolist() == [("jazz",)]
    mine.decide(["aa"], "rejected")
    assert mine.songs()[["decision", "decided_genres"]].values.tolist() == [["rejected", ()]]
    mine.decide(["aa"], None)
    assert mine.songs()["decision"].tolist() == [None]
    with pytest.raises(WrongUsage, match="accepted, corrected, rejected"):
        mine.decide(["aa"], "liked")


def test_a_song_is_found_by_number_path_or_a_part_of_its_title(mine):
    for name in ("one", "two", "twofold"):
        add(mine, f"/music/{name}.mp3", title=f"Song {name}")
    assert mine.song("/music/two.mp3") == 1
    assert mine.song(int(mine.songs()["id"].iloc[2])) == 2
    assert mine.song("song TWO") == 1
    assert mine.song("fold") == 2
    with pytest.raises(WrongUsage, match="names 2 songs"):
        mine.song("tw")
    with pytest.raises(WrongUsage, match="Did you mean 'Song one'"):
        mine.song("Song ones")


def test_names_and_folders_are_checked(mine, tmp_path, monkeypatch):
    with pytest.raises(LibraryExists, match="already"):
        library.create("mine", [tmp_path])
    with pytest.raises(FileMissing, match="no folder"):
        library.create("other", [tmp_path / "nowhere"])
    with pytest.raises(WrongUsage, match="can't be a name"):
        library.create("../other", [tmp_path])
    with pytest.raises(WrongUsage, match="Name the folders"):
        library.create("other", [])
    with pytest.raises(LibraryMissing, match="There are: mine"):
        library.open("other")
    assert library.names() == ["mine"]
    monkeypatch.setenv("GENRE_ENGINE_HOSTED", "1")
    with pytest.raises(Refused, match="on your computer"):
        library.create("other", [tmp_path])


def test_a_folder_within_another_goes_with_it(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert library.check_folders([tmp_path / "a" / "b", tmp_path / "a", tmp_path / "a"]) == [
        (tmp_path / "a").resolve()
    ]


def test_a_removed_library_is_gone_and_its_music_stays(mine, tmp_path):
    (tmp_path / "music" / "a.mp3").write_bytes(b"sound")
    library.remove("mine")
    assert library.names() == []
    assert (tmp_path / "music" / "a.mp3").exists()
    with pytest.raises(LibraryError, match="isn't there any more"):
        mine.songs()
    library.create("mine", [tmp_path / "music"])


def test_a_damaged_index_and_one_of_a_later_version_are_named(mine):
    with sqlite3.connect(mine.folder / index.FILE) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(LibraryError, match="later version"):
        mine.counts()
    (mine.folder / index.FILE).write_bytes(b"this is no database" * 1000)
    with pytest.raises(LibraryError, match="damaged"):
        mine.counts()


def test_a_failed_migration_leaves_the_tables_as_they_were(mine, monkeypatch):
    monkeypatch.setattr(
        schema, "MIGRATIONS", (*schema.MIGRATIONS, "CREATE TABLE new (a); CREATE TABLE songs (a)")
    )
    with pytest.raises(LibraryError, match="already exists"):
        mine.counts()
    monkeypatch.undo()
    monkeypatch.setenv("GENRE_ENGINE_WORKSPACE", str(mine.folder.parents[1]))
    with mine.connect() as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] == 1
        assert not connection.execute(
            "SELECT name FROM sqlite_master WHERE name = 'new'"
        ).fetchall()
