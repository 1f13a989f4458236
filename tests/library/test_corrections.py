"""Decisions become a data set."""

import pytest

from genre_engine import datasets
from genre_engine.errors import DatasetExists, WrongUsage
from genre_engine.library import corrections
from tests.library import filled
from tests.library.songs import write_song

pytestmark = pytest.mark.usefixtures("workspace")


@pytest.fixture
def mine(tmp_path):
    lib = filled.made(tmp_path)
    for number in range(12):
        path = write_song(tmp_path / "music" / f"{number}.flac", "FLAC", 300 + number)
        filled.add(
            lib, str(path), embedding=[1, 2], artist=f"Artist {number % 6}", title=f"T{number}"
        )
    return lib


def test_decided_songs_become_a_data_set_that_keeps_artists_apart(mine):
    sounds = mine.songs()["sound"].tolist()
    mine.decide(sounds[:5], "corrected", ["Jazz"])
    mine.decide(sounds[5:10], "accepted", ["Rock", "Pop"])
    mine.decide(sounds[10:11], "rejected")
    made = corrections.to_dataset(mine, "corrected")
    assert made.genres == ("Jazz", "Pop", "Rock")
    assert len(made.tracks) == 10
    assert all(made.audio_path(path).is_file() for path in made.tracks["path"])
    assert set(made.tracks["artist_id"]) == {f"Artist {n}" for n in range(6)}
    assert "decided on in the library mine" in made.notes[0]
    assert datasets.summary(made)["artist_overlap"]["artist"] == 0
    with pytest.raises(DatasetExists):
        corrections.to_dataset(mine, "corrected")
    assert datasets.open("corrected").info["kind"] == "folder"


def test_a_recording_that_is_there_twice_counts_once(mine, tmp_path):
    sounds = mine.songs()["sound"].tolist()
    copy = write_song(tmp_path / "music" / "copy.flac", "FLAC", 300)
    with mine.connect() as connection:
        connection.execute(
            "INSERT INTO songs (path, root, size, mtime_ns, sound) VALUES (?, '/music', 1, 1, ?)",
            (str(copy), sounds[0]),
        )
    mine.decide(sounds[:2], "corrected", ["Jazz"])
    mine.decide(sounds[2:4], "corrected", ["Rock"])
    assert len(corrections.to_dataset(mine, "once").tracks) == 4


def test_too_few_decisions_are_named(mine):
    with pytest.raises(WrongUsage, match="0 songs were accepted or corrected"):
        corrections.to_dataset(mine, "none")
    mine.decide(mine.songs()["sound"][:3], "accepted", ["Jazz"])
    with pytest.raises(WrongUsage, match="they name 1 genres"):
        corrections.to_dataset(mine, "one")
