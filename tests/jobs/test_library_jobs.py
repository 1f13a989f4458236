"""A library's scan and its tags as jobs, in real processes with real networks."""

import mutagen
import pytest

from genre_engine import jobs, library
from genre_engine.errors import JobError, LibraryMissing, Refused, WrongUsage
from tests.jobs.conftest import wait_until
from tests.library.songs import write_song


@pytest.fixture
def music(workspace, weights, tmp_path):
    """Three songs and a broken file; the networks' weights are in the workspace."""
    (workspace / "weights").mkdir(parents=True)
    (workspace / "weights" / "musicnn-0.1.0").symlink_to(weights / "weights" / "musicnn-0.1.0")
    folder = tmp_path / "music"
    folder.mkdir()
    for number in range(3):
        write_song(folder / f"{number}.flac", "FLAC", 200 + 50 * number)
    (folder / "broken.mp3").write_text("this is no audio")
    return folder


def test_a_folder_is_scanned_and_its_files_get_tags_and_lose_them_again(music, supervisor):
    before = {path.name: path.read_bytes() for path in music.iterdir()}
    request = {"library": "mine", "folders": [str(music)], "jobs": 1}
    scanned = wait_until(jobs.submit("library", request), "finished")
    assert (scanned.result["read"], scanned.result["analysed"], scanned.result["failed"]) == (
        4,
        3,
        1,
    )
    mine = library.open("mine")
    assert mine.counts() == {"songs": 4, "analysed": 3, "missing": 0, "failed": 1}
    sounds = mine.songs()["sound"].dropna().tolist()
    mine.decide(sounds, "corrected", ["Jazz"])
    wanted = {"library": "mine", "action": "plan"}
    planned = wait_until(jobs.submit("tags", wanted), "finished")
    assert planned.result["files"] == 3
    assert planned.result["changes"][0][1] == {"genre": [[], ["Jazz"]]}
    assert {path.name: path.read_bytes() for path in music.iterdir()} == before
    written = wait_until(jobs.submit("tags", {**wanted, "action": "write"}), "finished")
    assert written.result["written"] == 3
    assert mutagen.File(music / "0.flac")["genre"] == ["Jazz"]
    assert mine.songs()["file_genres"].tolist().count(("Jazz",)) == 3
    undone = wait_until(jobs.submit("tags", {**wanted, "action": "undo"}), "finished")
    assert undone.result["written"] == 3
    assert {path.name: path.read_bytes() for path in music.iterdir()} == before
    again = wait_until(jobs.submit("library", {"library": "mine"}), "finished")
    assert (again.result["read"], again.result["analysed"]) == (0, 0)


def test_what_cannot_be_done_is_refused_before(music, monkeypatch):
    with pytest.raises(WrongUsage, match="Name the folders"):
        jobs.submit("library", {"library": "mine"})
    with pytest.raises(LibraryMissing):
        jobs.submit("tags", {"library": "mine"})
    with pytest.raises(WrongUsage, match="not 'burn'"):
        jobs.submit("tags", {"library": "mine", "action": "burn"})
    jobs.submit("library", {"library": "mine", "folders": [str(music)]})
    with pytest.raises(JobError, match="being scanned already"):
        jobs.submit("library", {"library": "mine", "folders": [str(music)]})
    monkeypatch.setenv("GENRE_ENGINE_HOSTED", "1")
    with pytest.raises(Refused, match="no library of music"):
        jobs.submit("library", {"library": "other", "folders": [str(music)]})
