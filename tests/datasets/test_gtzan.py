"""GTZAN's layouts, lists and faults, on clips of a quarter of a second."""

import hashlib

import numpy as np
import pytest
import soundfile

from genre_engine import datasets
from genre_engine.datasets import gtzan, gtzan_lists
from genre_engine.errors import BadTable, DatasetError

GENRES = gtzan_lists.GENRES


def tone(number):
    return (0.1 * np.sin(np.arange(2000) / (5 + number))).astype(np.float32)


@pytest.fixture
def clips(tmp_path):
    """Write clips below a folder in a layout, each with a sound of its own; return the folder."""
    root = tmp_path / "gtzan"

    def write(*names, layout="genres/{genre}", suffix="wav", sound=None):
        for number, name in enumerate(names):
            genre = name.partition(".")[0]
            path = root / layout.format(genre=genre) / f"{name}.{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            samples = tone(number) if sound is None else tone(sound)
            soundfile.write(path, samples, 8000, format=None if suffix != "au" else "AU")
        return root

    write.root = root
    return write


def lists(folder, train=(), validation=(), test=()):
    for (name, _), names in zip(
        gtzan_lists.FILTERED.values(), (train, validation, test), strict=True
    ):
        lines = [f"{clip.partition('.')[0]}/{clip}.wav\n" for clip in names]
        (folder / name).write_text("".join(lines))


ONE_EACH = tuple(f"{genre}.00000" for genre in GENRES)


@pytest.mark.parametrize("suffix", ["wav", "au", "mp3"])
@pytest.mark.parametrize(
    "layout", ["genres/{genre}", "genres_original/{genre}", "Data/genres_original/{genre}", ""]
)
def test_clips_are_known_by_their_names_in_every_layout(clips, layout, suffix):
    root = clips(*ONE_EACH, layout=layout, suffix=suffix)
    dataset = datasets.import_gtzan("g", root)
    assert dataset.genres == GENRES
    tracks = dataset.tracks
    assert tracks["track_id"].tolist() == list(ONE_EACH)
    assert tracks["genres"].tolist() == [[genre] for genre in GENRES]
    assert tracks["split"].isna().all()
    assert tracks["artist_id"].isna().all()
    assert tracks["duration_s"].to_numpy() == pytest.approx(0.25, abs=0.3)
    for _, row in tracks.iterrows():
        file = dataset.audio_path(row["path"])
        assert file.name == f"{row['track_id']}.{suffix}"
        assert hashlib.sha256(file.read_bytes()).hexdigest() == row["sha256"]
    assert "10 of GTZAN's 1,000 clips are here." in dataset.notes
    assert any("artists are unknown" in note for note in dataset.notes)


def test_the_folder_of_the_genres_may_be_named_itself(clips):
    root = clips(*ONE_EACH)
    tracks = datasets.import_gtzan("g", root / "genres").tracks
    assert tracks["path"].iloc[0] == "blues/blues.00000.wav"


def test_the_damaged_clip_is_left_out_only_if_it_cannot_be_read(clips):
    root = clips("jazz.00053", gtzan.BROKEN)
    assert len(datasets.import_gtzan("whole", root).tracks) == 2
    (root / "genres" / "jazz" / f"{gtzan.BROKEN}.wav").write_bytes(b"\0no header" * 200)
    dataset = datasets.import_gtzan("damaged", root)
    assert dataset.tracks["track_id"].tolist() == ["jazz.00053"]
    assert any(note.startswith("jazz.00054 can't be read") for note in dataset.notes)
    assert len(dataset.failures) == 0


def test_other_damaged_clips_are_failures(clips):
    root = clips("jazz.00053", "jazz.00055")
    (root / "genres" / "jazz" / "jazz.00055.wav").write_bytes(b"no sound" * 200)
    failures = datasets.import_gtzan("g", root).failures
    assert failures["track_id"].tolist() == ["genres/jazz/jazz.00055.wav"]


def test_other_music_is_passed_over_and_said(clips):
    clips("pop.00000")
    root = clips("pop.00001.3", "song", "pop.00100", layout="more")
    dataset = datasets.import_gtzan("g", root)
    assert dataset.tracks["track_id"].tolist() == ["pop.00000"]
    assert "3 audio files aren't named as GTZAN's clips and are left out." in dataset.notes


def test_two_files_for_one_clip_are_refused(clips):
    clips("pop.00000")
    root = clips("pop.00000", layout="converted/{genre}", suffix="mp3")
    with pytest.raises(DatasetError, match=r"two files for pop\.00000: converted/.* and genres/"):
        datasets.import_gtzan("g", root)
    assert datasets.listing() == []


def test_a_folder_of_other_things_is_refused(clips, tmp_path, monkeypatch):
    with pytest.raises(DatasetError, match="There is no folder"):
        datasets.import_gtzan("g", tmp_path / "none")
    root = clips("song")
    with pytest.raises(DatasetError, match="no clip of GTZAN"):
        datasets.import_gtzan("g", root)
    clips("pop.00000", "pop.00001")
    monkeypatch.setattr(gtzan, "MAX_FILES", 2)
    with pytest.raises(DatasetError, match="more than 2 audio files"):
        datasets.import_gtzan("g", root)


def test_clips_none_of_which_can_be_read_are_refused(clips):
    root = clips("pop.00000")
    (root / "genres" / "pop" / "pop.00000.wav").write_bytes(b"no sound" * 200)
    with pytest.raises(DatasetError, match=r"None of the 1 clips.*pop\.00000"):
        datasets.import_gtzan("g", root)


@pytest.mark.parametrize("where", ["", "genres"])
def test_the_fault_filtered_split_comes_from_its_lists(clips, where):
    root = clips("pop.00000", "pop.00001", "rock.00000", "rock.00001", suffix="au")
    lists(root / where, ["pop.00000", "rock.00000"], ["pop.00001"], ["jazz.00007"])
    dataset = datasets.import_gtzan("g", root / "genres", filtered=True)
    assert dict(dataset.tracks[["track_id", "split"]].itertuples(index=False)) == {
        "pop.00000": "train",
        "pop.00001": "validation",
        "rock.00000": "train",
    }
    said = " ".join(dataset.notes)
    assert "name 2/1/1 clips instead of the published 443/197/290" in said
    assert "1 clips of the fault-filtered split aren't here: jazz.00007." in said
    assert "1 clips are outside the fault-filtered split and left out." in said
    assert "official" in datasets.summary(dataset)["splits"]


def test_lists_of_the_published_sizes_need_no_word():
    names = [f"{genre}.{number:05d}" for genre in GENRES for number in range(93)]
    parts = dict(zip(names, ["train"] * 443 + ["validation"] * 197 + ["test"] * 290, strict=True))
    assert gtzan_lists.filtered_notes(parts) == []


def test_without_the_lists_the_message_says_what_is_missing_and_where(clips):
    root = clips("pop.00000")
    lists(root, ["pop.00000"])
    (root / "valid_filtered.txt").unlink()
    with pytest.raises(DatasetError, match=r"valid_filtered\.txt is in neither.*--filtered"):
        datasets.import_gtzan("g", root / "genres", filtered=True)
    lists(root, ["rock.00000"])
    with pytest.raises(DatasetError, match="None of the clips that the lists name"):
        datasets.import_gtzan("g", root, filtered=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pop/pop.00000.wav\n../../etc/passwd\n", r"train_filtered.txt, row 2: '../../etc/passwd'"),
        ("pop.00000\n\npop.00000.mp3\n", r"row 3: pop.00000 is in train already"),
        ("pop.00000\0", "null byte"),
        ("caf\xe9".encode("latin-1"), "not UTF-8"),
    ],
)
def test_a_list_of_something_else_is_refused_with_its_row(clips, text, message):
    root = clips("pop.00000")
    lists(root)
    data = text if isinstance(text, bytes) else text.encode()
    (root / "train_filtered.txt").write_bytes(data)
    with pytest.raises(BadTable, match=message):
        datasets.import_gtzan("g", root, filtered=True)


def test_a_list_that_is_too_large_is_not_read(clips, monkeypatch):
    root = clips("pop.00000")
    lists(root, ["pop.00000"])
    monkeypatch.setattr(gtzan_lists, "MAX_LIST_BYTES", 5)
    with pytest.raises(DatasetError, match="over the limit"):
        datasets.import_gtzan("g", root, filtered=True)


@pytest.mark.parametrize("where", ["", "genres"])
def test_artists_come_from_a_list_beside_the_audio(clips, where):
    root = clips("pop.00000", "pop.00001", "rock.00000")
    (root / where / "artists.csv").write_text(
        "Filename,Artist\npop.00000.wav, Britney  Spears\npop/pop.00001.au,Cher\nrock.00000,\n"
    )
    dataset = datasets.import_gtzan("g", root / "genres")
    assert dataset.tracks["artist_id"].tolist()[:2] == ["Britney Spears", "Cher"]
    assert dataset.tracks["artist_id"].isna().tolist() == [False, False, True]
    assert "1 clips name no artist: rock.00000." in dataset.notes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("clip,who\npop.00000,a\n", "row 1: the columns clip and artist"),
        ("clip,artist\nsong.wav,a\n", "row 2: 'song.wav' is no clip"),
        ("clip,artist\npop.00000,a\npop.00000.au,b\n", "row 3: pop.00000 is by 'a'"),
    ],
)
def test_a_list_of_artists_that_cannot_be_right_is_refused(clips, text, message):
    root = clips("pop.00000")
    (root / "artists.csv").write_text(text)
    with pytest.raises(BadTable, match=message):
        datasets.import_gtzan("g", root)


def test_the_table_of_repeats_has_the_published_size():
    recordings = gtzan_lists.read_recordings()
    assert len(recordings) - len(set(recordings.values())) == 50
    assert all(gtzan_lists.clip_of(clip) == clip for clip in recordings)
    across = {(clip, first) for clip, first in recordings.items() if clip[:4] != first[:4]}
    assert across == {("rock.00016", "metal.00058")}


def test_published_repeats_stay_together_though_their_bytes_differ(clips):
    names = [f"{genre}.{number:05d}" for genre in ("disco", "pop") for number in range(45, 75)]
    root = clips(*names)
    (root / "artists.csv").write_text("clip,artist\ndisco.00060,Chic\n")
    dataset = datasets.import_gtzan("g", root)
    tracks = dataset.tracks.set_index("track_id")
    together = tracks["album_id"].dropna().groupby(tracks["album_id"]).groups
    assert {key: list(ids) for key, ids in together.items()} == {
        "recording of disco.00050": ["disco.00050", "disco.00051", "disco.00070"],
        "recording of disco.00055": ["disco.00055", "disco.00060"],
        "recording of disco.00071": ["disco.00071", "disco.00074"],
        "recording of pop.00045": ["pop.00045", "pop.00046"],
        "recording of pop.00052": ["pop.00052", "pop.00057"],
        "recording of pop.00054": ["pop.00054", "pop.00060"],
        "recording of pop.00056": ["pop.00056", "pop.00059"],
        "recording of pop.00067": ["pop.00067", "pop.00071"],
    }
    # What one of them is by, its repeat is by too.
    assert tracks["artist_id"].dropna().to_dict() == {
        "disco.00055": "Chic",
        "disco.00060": "Chic",
    }
    assert any(note.startswith("9 clips repeat another exactly") for note in dataset.notes)
    split = dataset.split(dataset.select(), "artist")
    parts = dict(zip(dataset.tracks["track_id"], split.part, strict=True))
    for ids in together.values():
        assert len({parts[clip] for clip in ids}) == 1


def test_two_names_for_one_recording_count_as_one_artist(clips):
    root = clips("disco.00071", "disco.00074")
    (root / "artists.csv").write_text("clip,artist\ndisco.00071,KC\ndisco.00074,K.C.\n")
    dataset = datasets.import_gtzan("g", root)
    assert dataset.joined_artists == (("K.C.", "KC"),)


def test_files_with_the_same_bytes_are_found_whatever_is_published(clips):
    root = clips("blues.00000", "rock.00000", sound=1)
    tracks = datasets.import_gtzan("g", root).tracks
    assert tracks["sha256"].nunique() == 1
    assert tracks["album_id"].isna().all()
