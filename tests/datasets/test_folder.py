import hashlib
import os

import mutagen
import numpy as np
import pytest
import soundfile
from mutagen.id3 import TALB, TCON, TIT2, TPE1

from genre_engine import datasets
from genre_engine.datasets import folder as folder_kind
from genre_engine.errors import DatasetError, WrongUsage

TONE = (0.1 * np.sin(np.arange(2000) / 10)).astype(np.float32)


@pytest.fixture
def music(tmp_path):
    """Write a short file with tags below a folder, and return the folder."""
    root = tmp_path / "music"

    def write(name, samples=TONE, **tags):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, samples, 8000)
        if tags:
            file = mutagen.File(path, easy=True)
            if path.suffix == ".wav":
                file = mutagen.File(path)
                file.add_tags()
                frames = {"genre": TCON, "artist": TPE1, "album": TALB, "title": TIT2}
                for key, value in tags.items():
                    file.tags.add(frames[key](encoding=3, text=[value]))
            else:
                for key, value in tags.items():
                    file[key] = value
            file.save()
        return root

    write.root = root
    root.mkdir()
    return write


@pytest.mark.parametrize("suffix", ["flac", "ogg", "mp3", "wav"])
def test_genre_artist_album_and_title_come_from_the_file_s_tags(music, suffix):
    tags = {"genre": "Rock; Pop/Jazz", "artist": "The Ünits", "album": "One", "title": "Tea"}
    music(f"a.{suffix}", **tags)
    dataset = datasets.import_folder("m", music.root)
    row = dataset.tracks.iloc[0]
    assert row["genres"] == ["Jazz", "Pop", "Rock"]
    assert (row["artist_id"], row["album_id"], row["title"]) == ("The Ünits", "One", "Tea")
    assert row["duration_s"] == pytest.approx(0.25, abs=0.3)
    digest = hashlib.sha256((music.root / f"a.{suffix}").read_bytes()).hexdigest()
    assert row["sha256"] == digest
    assert dataset.audio_path(row["path"]) == music.root.resolve() / f"a.{suffix}"


def test_sub_folders_are_genres_and_paths_are_ids(music):
    music("rock/one/a.flac")
    music("rock/b.flac", artist="x")
    music("hip hop;soul/c.ogg")
    dataset = datasets.import_folder("m", music.root)
    assert dict(dataset.tracks[["track_id", "genres"]].itertuples(index=False)) == {
        "hip hop;soul/c.ogg": ["hip hop", "soul"],
        "rock/b.flac": ["rock"],
        "rock/one/a.flac": ["rock"],
    }
    assert dataset.tracks["title"].tolist() == ["c", "b", "a"]
    assert dataset.genres == ("hip hop", "rock", "soul")


def test_genre_folders_count_before_tags_but_artist_folders_do_not(music):
    music("rock/a.flac", genre="Schlager", artist="x")
    assert datasets.import_folder("m", music.root).genres == ("rock",)
    other = music.root.parent / "library"
    (music.root / "rock" / "a.flac").rename(music.root / "a.flac")
    music("X/a.flac", genre="Ska", artist="x").rename(other)
    (other / "rock").rmdir()
    assert datasets.import_folder("n", other).genres == ("Schlager", "Ska")
    assert datasets.import_folder("o", other, genres_from="folders").genres == ("Schlager", "X")


def test_artist_and_album_folders_take_genres_from_tags(music):
    music("X/One/a.flac", genre="ska")
    music("Y/Two/b.flac", genre="Ska")
    music("Y/Two/c.flac", genre="Ska")
    music("Y/Two/d.flac")
    dataset = datasets.import_folder("m", music.root)
    assert dataset.genres == ("Ska",)
    assert len(dataset.tracks) == 3
    assert "Y/Two/d.flac" in dataset.notes[-1]


def test_identical_files_stay_separate_tracks_with_equal_checksums(music):
    music("pop/a.wav")
    music("rock/a.wav")
    tracks = datasets.import_folder("m", music.root).tracks
    assert tracks["track_id"].tolist() == ["pop/a.wav", "rock/a.wav"]
    assert tracks["sha256"].nunique() == 1


def test_unreadable_files_are_kept_out_and_named(music, capfd):
    music("pop/good.flac")
    pop = music.root / "pop"
    (pop / "empty.mp3").touch()
    for name in ("text.mp3", "text.wav", "text.flac", "text.ogg", "text.opus", "text.m4a"):
        (pop / name).write_text("this is no music " * 100)
    (pop / "gone.mp3").symlink_to(pop / "nowhere")
    soundfile.write(pop / "nothing.wav", TONE[:0], 8000)
    (pop / "cover.jpg").touch()
    (pop / "._good.flac").touch()
    dataset = datasets.import_folder("m", music.root)
    assert dataset.tracks["track_id"].tolist() == ["pop/good.flac"]
    failed = dataset.failures.set_index("track_id")["error"].to_dict()
    texts = {
        f"pop/text.{suffix}": "NotAudio" for suffix in ("mp3", "wav", "flac", "ogg", "opus", "m4a")
    }
    assert failed == texts | {
        "pop/empty.mp3": "NotAudio",
        "pop/gone.mp3": "FileUnreadable",
        "pop/nothing.wav": "TooShort",
    }
    assert dataset.failures["message"].str.len().min() > 10
    assert "mpg123" not in (said := capfd.readouterr().err)
    assert "MPEG" not in said


def test_names_that_are_no_text_are_named_and_kept_out(music):
    music("pop/good.flac")
    try:
        (music.root / "pop" / os.fsdecode(b"bad\xff.flac")).write_bytes(b"x")
    except OSError:
        pytest.skip("this file system allows text only")
    failures = datasets.import_folder("m", music.root).failures
    assert failures["error"].tolist() == ["BadName"]
    assert "Rename" in failures["message"][0]


def test_a_folder_that_cannot_be_read_is_named(music, monkeypatch):
    music("pop/a.flac")
    music("rock/b.flac")
    listing = os.scandir

    def closed(place):
        if str(place).endswith("rock"):
            raise PermissionError(13, "Permission denied", str(place))
        return listing(place)

    monkeypatch.setattr(os, "scandir", closed)
    failures = datasets.import_folder("m", music.root).failures
    assert failures["track_id"].tolist() == ["rock/"]
    assert "Permission denied" in failures["message"][0]


def test_links_in_a_circle_end(music):
    music("pop/a.flac")
    (music.root / "pop" / "again").symlink_to(music.root)
    assert list(folder_kind.walk(music.root)) == ["pop/a.flac"]


@pytest.mark.parametrize(
    ("files", "match"),
    [
        ([], "no audio file"),
        (["pop/readme.txt"], "no audio file"),
        (["pop/a.mp3"], "None of the 1 audio files"),
    ],
)
def test_folders_without_music_are_errors_and_leave_nothing(music, files, match):
    for name in files:
        (music.root / name).parent.mkdir(exist_ok=True)
        (music.root / name).write_text("no music")
    with pytest.raises(DatasetError, match=match):
        datasets.import_folder("m", music.root)
    assert datasets.listing() == []


def test_files_without_any_genre_and_missing_folders_are_errors(music):
    music("a.flac")
    with pytest.raises(DatasetError, match="names a genre"):
        datasets.import_folder("m", music.root)
    with pytest.raises(DatasetError, match="There is no folder"):
        datasets.import_folder("m", music.root / "none")
    with pytest.raises(WrongUsage, match="can't come from"):
        datasets.import_folder("m", music.root, genres_from="stars")


def test_thousands_of_files_are_read_and_counted(music):
    music("pop/0.flac", artist="x")
    (music.root / "rock").mkdir()
    data = (music.root / "pop" / "0.flac").read_bytes()
    for number in range(2000):
        (music.root / ("pop", "rock")[number % 2] / f"n{number}.flac").write_bytes(data)
    seen = []
    dataset = datasets.import_folder(
        "m", music.root, progress=lambda done, total: seen.append((done, total))
    )
    assert len(dataset.tracks) == 2001
    assert seen[-1] == (2001, 2001)


def test_a_wrapper_round_the_genres_is_looked_through(music):
    """Kaggle's GTZAN has its genres in Data/genres_original."""
    for genre in ("blues", "rock"):
        for number in range(2):
            music(f"genres_original/{genre}/{genre}.{number:05d}.flac")
    dataset = datasets.import_folder("g", music.root)
    assert dataset.genres == ("blues", "rock")
    assert dataset.tracks["track_id"].iloc[0] == "genres_original/blues/blues.00000.flac"


def test_a_folder_of_one_genre_with_albums_is_no_wrapper(music):
    for place in ("rock/one/a.flac", "rock/two/b.flac", "pop/three/c.flac", "pop/four/d.flac"):
        music(place)
    assert datasets.import_folder("g", music.root).genres == ("pop", "rock")


def test_numbered_folders_are_no_genres_where_files_are_tagged(music):
    """FMA's folders are the first digits of the tracks' numbers."""
    for number in range(6):
        music(f"{number % 2:03d}/{number:06d}.flac", genre="Rock" if number % 3 else "Folk")
    dataset = datasets.import_folder("f", music.root)
    assert dataset.genres == ("Folk", "Rock")
    assert not any("numbers" in note for note in dataset.notes)


def test_numbered_folders_without_tags_come_in_with_a_warning(music):
    for number in range(4):
        music(f"{number % 2:03d}/{number:06d}.flac")
    dataset = datasets.import_folder("f", music.root)
    assert dataset.genres == ("000", "001")
    assert any("The sub-folders are numbers" in note for note in dataset.notes)


def test_one_genre_alone_has_a_warning(music):
    for number in range(3):
        music(f"blues/{number}.flac")
    dataset = datasets.import_folder("b", music.root)
    assert any("Only one genre was found, 'blues'" in note for note in dataset.notes)


def test_a_genre_for_every_track_has_a_warning(music):
    for number in range(12):
        music(f"artist {number}/song.flac")
    dataset = datasets.import_folder("b", music.root)
    assert any("12 genres for 12 tracks" in note for note in dataset.notes)


@pytest.mark.parametrize("name", ["I: Allegro.flac", "x: y/song.flac"])
def test_a_name_that_a_table_cannot_hold_is_one_row_and_not_the_import(name, music):
    music("a.flac", genre="Rock")
    music(name, genre="Rock")
    dataset = datasets.import_folder("m", music.root)
    assert dataset.tracks["track_id"].tolist() == ["a.flac"]
    (failure,) = dataset.failures.to_dict("records")
    assert failure["track_id"] == name
    assert "drive's letter" in failure["message"]


def test_spellings_of_a_genre_are_joined(music):
    for name, genre in (("a", "Hip-Hop"), ("b", "Hip-Hop"), ("c", "hip hop"), ("d", "HIP-HOP")):
        music(f"{name}.flac", genre=genre)
    assert datasets.import_folder("m", music.root).genres == ("Hip-Hop",)
