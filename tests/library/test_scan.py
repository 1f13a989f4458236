"""A scan brings the index up to date with the folders, and does nothing twice."""

import os
import shutil
from pathlib import Path

import mutagen
import numpy as np
import pytest

from genre_engine import library
from genre_engine.errors import LibraryError
from genre_engine.library import analysing, catalogue, scan
from genre_engine.storage.lock import exclusively
from tests import stub_networks
from tests.library.songs import write_song

pytestmark = pytest.mark.usefixtures("workspace")


@pytest.fixture
def networks(monkeypatch):
    return stub_networks.install(monkeypatch, stub_networks.rock)


def scored(networks):
    return sum(network.scored for network in networks.values())


@pytest.fixture
def music(tmp_path, networks):
    folder = tmp_path / "music"
    (folder / "sub").mkdir(parents=True)
    write_song(folder / "a.mp3", "MP3", 300)
    write_song(folder / "sub" / "b.flac", "FLAC", 400)
    write_song(folder / "sub" / "c.ogg", "OGG", 500)
    tagged = mutagen.File(folder / "a.mp3", easy=True)
    tagged.add_tags()
    tagged.update(title="A", artist="Somebody", genre=["Folk; Pop"])
    tagged.save()
    return folder


@pytest.fixture
def mine(music):
    return library.create("mine", [music])


def run(lib, **options):
    return scan.scan(lib, jobs=1, **options)


def test_songs_are_found_with_their_tags_and_analysed(mine):
    reported = []
    result = run(mine, progress=reported.append)
    assert (result.files, result.read, result.analysed) == (3, 3, 3)
    assert result.failed == {}
    songs = mine.songs()
    assert songs["state"].tolist() == ["analysed"] * 3
    first = songs.iloc[0]
    assert (first["title"], first["artist"]) == ("A", "Somebody")
    assert first["file_genres"] == ("Folk", "Pop")
    assert first["duration_s"] == pytest.approx(1.0, abs=0.2)
    genres, scores = mine.scores()
    assert genres[int(np.nanargmax(scores[0]))] == "rock"
    assert mine.embeddings().shape == (3, 100)  # two networks
    assert reported[0].done == 0
    assert (reported[-1].done, reported[-1].total, reported[-1].failed) == (3, 3, 0)
    assert reported[-1].sentence().startswith("3 of 3 files, ")


def test_a_second_scan_opens_no_file(mine, networks, monkeypatch):
    run(mine)
    before = scored(networks)
    monkeypatch.setattr(scan, "_worker", _die)
    assert run(mine).read == 0
    assert scored(networks) == before


def test_a_broken_file_is_a_row_and_tried_again_once_it_changed(mine, music, networks):
    broken = music / "broken.mp3"
    broken.write_text("this is no audio")
    result = run(mine)
    assert list(result.failed) == [str(broken.resolve())]
    row = mine.songs().set_index("path").loc[str(broken.resolve())]
    assert (row["state"], row["error_type"]) == ("failed", "NotAudio")
    assert run(mine).read == 0
    assert run(mine, again=True).read == 4
    write_song(broken, "MP3", 600)
    assert run(mine).failed == {}
    assert mine.counts() == {"songs": 4, "analysed": 4, "missing": 0, "failed": 0}


def test_new_tags_cost_no_analysis(mine, music, networks):
    run(mine)
    before, sounds = scored(networks), mine.songs()["sound"].tolist()
    for path in ("a.mp3", "sub/b.flac", "sub/c.ogg"):
        tagged = mutagen.File(music / path, easy=True)
        tagged["genre"] = ["Something else"]
        tagged.save()
    result = run(mine)
    assert (result.read, result.analysed) == (3, 0)
    assert scored(networks) == before
    assert mine.songs()["sound"].tolist() == sounds
    assert mine.songs()["file_genres"].tolist() == [("Something else",)] * 3


def test_a_moved_song_is_recognised_and_a_copy_is_another_song(mine, music, networks):
    run(mine)
    before = scored(networks)
    mine.decide([mine.songs()["sound"].iloc[0]], "corrected", ["Jazz"])
    (music / "a.mp3").rename(music / "sub" / "moved.mp3")
    shutil.copy(music / "sub" / "b.flac", music / "copy.flac")
    result = run(mine)
    assert (result.moved, result.missing, result.analysed) == (1, 0, 0)
    assert scored(networks) == before
    songs = mine.songs()
    assert [Path(path).name for path in songs["path"]] == [
        "copy.flac",
        "b.flac",
        "c.ogg",
        "moved.mp3",
    ]
    assert songs["decided_genres"].iloc[3] == ("Jazz",)


def test_what_is_gone_is_marked_and_forgotten_on_request(mine, music):
    run(mine)
    saved = (music / "a.mp3").read_bytes()
    (music / "a.mp3").unlink()
    assert run(mine).missing == 1
    assert mine.songs()["missing"].tolist() == [True, False, False]
    (music / "a.mp3").write_bytes(saved)
    assert run(mine).missing == 0
    (music / "a.mp3").unlink()
    result = run(mine, forget=True)
    assert (result.forgotten, result.missing) == (1, 0)
    assert mine.counts()["songs"] == 2


def test_songs_of_a_disk_that_is_not_connected_stay(mine, music, tmp_path):
    run(mine)
    music.rename(tmp_path / "elsewhere")
    result = run(mine)
    assert result.missing == 0
    assert "can't be read, so the songs below it stay" in result.remarks[0]
    assert mine.songs()["missing"].tolist() == [False] * 3


def test_hidden_files_and_links_are_passed_over(mine, music, tmp_path):
    write_song(tmp_path / "outside.mp3", "MP3", 700)
    (music / "link.mp3").symlink_to(tmp_path / "outside.mp3")
    write_song(music / ".hidden.mp3", "MP3", 700)
    (music / ".folder").mkdir()
    write_song(music / ".folder" / "d.mp3", "MP3", 700)
    (music / "cover.jpg").write_bytes(b"picture")
    result = run(mine)
    assert result.files == 3
    assert "Symbolic links were passed over: 1." in result.remarks[0]


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_a_name_that_is_not_text_is_counted(mine, music):
    shutil.copy(music / "a.mp3", os.fsencode(music) + b"/\xff\xfe.mp3")
    result = run(mine)
    assert result.files == 3
    assert "aren't UTF-8: 1." in result.remarks[0]


def test_a_stopped_scan_keeps_what_is_done_and_goes_on(mine, networks):
    reported = []
    result = run(mine, progress=reported.append, should_stop=lambda: reported[-1].done >= 2)
    assert result.stopped
    assert result.read == 2
    assert mine.counts()["analysed"] == 2
    before = scored(networks)
    result = run(mine)
    assert (result.read, result.analysed) == (1, 1)
    assert scored(networks) == before + before // 2


def test_more_folders_and_tempo_and_key_on_request(mine, tmp_path, monkeypatch):
    run(mine)
    found = {"bpm": 120.0, "bpm_sure": 0.9, "key": "C major", "key_sure": 0.8}
    monkeypatch.setattr(analysing, "_tempo_key", lambda path: found)
    more = tmp_path / "more"
    more.mkdir()
    write_song(more / "d.wav", "WAV", 800)
    result = run(mine, folders=[more], tempo_key=True)
    assert (result.files, result.read, result.analysed) == (4, 4, 1)
    assert mine.songs()["bpm"].tolist() == [120.0] * 4
    assert mine.roots[0] == more.resolve() or mine.roots[1] == more.resolve()
    assert run(mine, tempo_key=True).read == 0


def test_two_scans_at_a_time_are_refused(mine):
    refusal = LibraryError("busy")
    with (
        exclusively(mine.folder / "scan.lock", refusal),
        pytest.raises(LibraryError, match="being scanned already"),
    ):
        run(mine)


def _die(wanted, tasks):
    """Stands for a decoder that takes its process with it."""
    if any(task.path.endswith("b.flac") for task in tasks):
        os._exit(11)
    return [analysing.Found(task, sound=task.path, row={}) for task in tasks]


def test_a_file_that_kills_its_process_is_one_failure(mine, monkeypatch):
    monkeypatch.setattr(scan, "_worker", _die)
    result = scan.scan(mine, jobs=2)
    assert [Path(path).name for path in result.failed] == ["b.flac"]
    assert mine.songs()["error_type"].tolist() == [None, "ProcessDied", None]


def test_a_fault_of_the_code_on_one_file_is_one_failure(mine, monkeypatch):
    real = analysing._scores

    def faulty(path, model):
        if path.name == "c.ogg":
            raise ZeroDivisionError("by accident")
        return real(path, model)

    monkeypatch.setattr(analysing, "_scores", faulty)
    result = run(mine)
    assert list(result.failed.values()) == ["by accident"]
    monkeypatch.undo()


def test_written_tags_are_noted_without_a_scan(mine, music, networks):
    run(mine)
    tagged = mutagen.File(music / "sub" / "b.flac", easy=True)
    tagged["genre"] = ["Rock"]
    tagged.save()
    scan.refresh(mine, [(music / "sub" / "b.flac").resolve()])
    assert mine.songs()["file_genres"].iloc[1] == ("Rock",)
    assert run(mine).read == 0


def test_a_song_outside_the_library_is_analysed_alone(networks, tmp_path):
    path = write_song(tmp_path / "outside.mp3", "MP3", 700)
    found = analysing.analyse_file(path)
    assert len(found.row["embedding"]) == 4 * 100
    assert found.sound


def test_the_catalogue_says_what_disagrees_and_what_was_decided(mine):
    run(mine)
    songs = catalogue.table(mine)
    assert catalogue.table(mine) is songs
    assert songs["genre"].map(lambda words: words[0]).tolist() == ["Rock"] * 3
    assert songs["disagrees"].tolist() == [True, False, False]
    assert songs["untagged"].tolist() == [False, True, True]
    sounds = songs["sound"].tolist()
    mine.decide(sounds[:1], "corrected", ["Jazz", "Rock"])
    mine.decide(sounds[1:2], "rejected")
    songs = catalogue.table(mine)
    assert songs["genre"].iloc[0] == ("Jazz", "Rock")
    assert songs["score"].iloc[0] == 100
    assert songs["genre"].iloc[1] == ()
    assert songs["corrected"].tolist() == [True, False, False]
    assert songs["undecided"].tolist() == [False, False, True]
    assert catalogue.genre_counts(songs) == {"Rock": 2, "Jazz": 1}
