"""FMA's tables, written here as they are published, and a few clips."""

import random

import pytest

from genre_engine import datasets
from genre_engine.datasets import fma, fma_tables
from genre_engine.errors import BadTable, DatasetError, GenreEngineError, WrongUsage
from tests import sounds
from tests.datasets.fma_files import COLUMNS, GENRES, table, track


@pytest.fixture
def root(tmp_path):
    """Write tracks.csv and genres.csv below a folder, and return it."""

    def write(*rows, place="fma_metadata", text=None, genres=GENRES):
        folder = tmp_path / "fma" / place
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "tracks.csv").write_text(text or table(*rows), encoding="utf-8")
        if genres:
            (folder / "genres.csv").write_text(genres)
        return tmp_path / "fma"

    return write


SMALL = (
    track(2),
    track(5, track_genre_top="Rock", set_split="validation", track_title="This  World\nToo"),
    track(10, track_genre_top="Rock", set_split="test", artist_id="6", album_id="-1"),
)
MEDIUM = track(20, set_subset="medium", track_genre_top="International", track_duration="12")
LARGE = track(
    1040,
    set_subset="large",
    track_genre_top="",
    track_genres="[46, 1, 21]",
    track_duration="4140",
)


def test_a_subset_has_its_top_genres_official_parts_ids_and_licences(root):
    dataset = datasets.import_fma("f", root(*SMALL, MEDIUM, LARGE))
    tracks = dataset.tracks
    assert tracks["track_id"].tolist() == ["fma_000002", "fma_000005", "fma_000010"]
    assert tracks["genres"].tolist() == [["Hip-Hop"], ["Rock"], ["Rock"]]
    assert tracks["split"].tolist() == ["train", "validation", "test"]
    assert tracks["artist_id"].tolist() == ["artist_000001", "artist_000002", "artist_000006"]
    assert tracks["album_id"].tolist()[:2] == ["album_000001", "album_000001"]
    assert tracks["album_id"].isna().tolist() == [False, False, True]
    assert tracks["title"].tolist() == ["Food", "This World Too", "Food"]
    assert tracks["licence"].iloc[0].startswith("Attribution-NonCommercial")
    assert tracks["path"].tolist() == ["000/000002.mp3", "000/000005.mp3", "000/000010.mp3"]
    assert tracks["duration_s"].tolist() == [30.0] * 3
    assert "CC BY 4.0" in dataset.info["licence"]
    assert any("no folder fma_small with audio" in note for note in dataset.notes)
    assert datasets.summary(dataset)["artist_overlap"]["official"] == 0.0


def test_a_larger_subset_holds_the_smaller_ones(root):
    folder = root(*SMALL, MEDIUM, LARGE)
    medium = datasets.import_fma("m", folder, subset="medium")
    assert medium.tracks["track_id"].tolist()[-1] == "fma_000020"
    assert medium.tracks["duration_s"].tolist()[-1] == 12.0
    assert len(datasets.import_fma("l", folder, subset="large").tracks) == 5


def test_large_and_full_have_all_top_genres_through_the_tree(root):
    folder = root(*SMALL, LARGE, track(30, set_subset="", track_genre_top="", track_genres="[7]"))
    large = datasets.import_fma("l", folder, subset="large")
    last = large.tracks.iloc[-1]
    assert last["genres"] == ["Experimental", "Hip-Hop", "Rock"]
    assert last["duration_s"] == 30.0
    # A genre by its name alone counts too.
    assert large.tracks["genres"].iloc[1] == ["Hip-Hop", "Rock"]
    said = " ".join(large.notes)
    assert "1 tracks without a genre left out: 000030." in said
    assert "1 numbers of genres aren't in genres.csv" in said
    full = datasets.import_fma("f", folder, subset="full")
    assert full.tracks["duration_s"].iloc[-1] == 4140.0


def test_clips_that_are_known_to_be_empty_are_left_out_with_a_word(root):
    folder = root(*SMALL, track(99134), track(98565), track(133297))
    dataset = datasets.import_fma("s", folder)
    assert len(dataset.tracks) == 3
    said = " ".join(dataset.notes)
    assert "3 clips are left out" in said
    assert "099134, 098565, 133297" in said
    assert len(datasets.import_fma("f", folder, subset="full").tracks) == 6
    assert len(fma.BROKEN) == 21


@pytest.mark.parametrize("given", ["", "fma_metadata", "fma_small"])
def test_the_audio_is_found_from_each_folder_that_may_be_named(root, given):
    folder = root(*SMALL)
    for name in ("000/000002.mp3", "000/000005.mp3"):
        file = folder / "fma_small" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(sounds.encoded(sounds.tone(1.0), form="MP3"))
    dataset = datasets.import_fma("f", folder / given)
    assert dataset.audio_path("000/000002.mp3") == folder.resolve() / "fma_small/000/000002.mp3"
    assert any("1 of 3 tracks have no audio" in note for note in dataset.notes)


def test_tables_may_lie_beside_the_clips_themselves(root):
    folder = root(*SMALL, place="")
    (folder / "000").mkdir()
    (folder / "000" / "000002.mp3").write_bytes(b"x")
    dataset = datasets.import_fma("f", folder)
    assert dataset.audio_path("000/000002.mp3") is not None


def test_clips_are_taken_from_a_larger_subset_s_folder_but_not_from_whole_tracks(root):
    folder = root(*SMALL)
    (folder / "fma_full" / "000").mkdir(parents=True)
    assert datasets.import_fma("none", folder).info["audio"] is None
    (folder / "fma_large" / "000").mkdir(parents=True)
    assert datasets.import_fma("large", folder).info["audio"].endswith("fma_large")
    assert datasets.import_fma("full", folder, subset="full").info["audio"].endswith("fma_full")


def test_features_are_made_of_the_clips_that_are_there(root):
    from genre_engine import extraction, features

    folder = root(*SMALL)
    file = folder / "fma_small" / "000" / "000005.mp3"
    file.parent.mkdir(parents=True)
    file.write_bytes(sounds.encoded(sounds.chords(2.0, 22050), 22050, "MP3"))
    dataset = datasets.import_fma("f", folder)
    store = extraction.extract(dataset, features.kind("patches"), jobs=1)
    assert store.track_ids == ["fma_000005"]
    assert len(store.failures) == 0


def test_folders_and_subsets_that_are_not_there_are_refused(root, tmp_path):
    with pytest.raises(DatasetError, match="There is no folder"):
        datasets.import_fma("f", tmp_path / "none")
    with pytest.raises(DatasetError, match=r"no tracks\.csv.*download fma-metadata"):
        datasets.import_fma("f", tmp_path)
    folder = root(*SMALL, genres=None)
    with pytest.raises(WrongUsage, match="no subset 'tiny'"):
        datasets.import_fma("f", folder, subset="tiny")
    with pytest.raises(DatasetError, match=r"no genres\.csv.*tree"):
        datasets.import_fma("f", folder, subset="large")
    with pytest.raises(DatasetError, match="no track of the subset small"):
        datasets.import_fma("f", root(MEDIUM))
    with pytest.raises(DatasetError, match="No track of the subset small has a genre"):
        datasets.import_fma("f", root(track(2, track_genre_top="")))
    assert datasets.listing() == []


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (track(2, name="../../etc/passwd"), r"row 4: '../../etc/passwd' is no id of a track"),
        (track(1234567), "row 4: '1234567' is no id of a track"),
        (track(-2), "row 4: '-2' is no id of a track"),
        (track(2, artist_id="x"), "'x' is no id of an artist"),
        (track(2, album_id="1e9"), "'1e9' is no id of an album"),
        (track(2, set_split="train"), "'train' is no part of the official split"),
        (track(2, set_subset="tiny"), "'tiny' is no subset"),
        (track(2, track_genres="__import__('os')"), "is no list of genres' numbers"),
        (track(2, track_genres="[" + "1, " * 2000 + "1]"), "is no list of genres' numbers"),
        (track(2, track_duration="-1"), "'-1' is no duration"),
        (track(2, track_duration="nan"), "'nan' is no duration"),
        (track(2)[:-1], "after row 3, a row has 15 columns where 16 belong"),
    ],
)
def test_a_cell_that_cannot_be_right_is_refused_with_its_row(root, row, message):
    with pytest.raises(BadTable, match=message):
        datasets.import_fma("f", root(row))


def test_a_track_that_is_there_twice_is_refused(root):
    with pytest.raises(BadTable, match="row 5: the track 2 is there already"):
        datasets.import_fma("f", root(track(2), track(2)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "three rows"),
        ("track_id,title\n2,Food\n", "three rows"),
        ("track_id,track_title\n2,Food\n3,More\n", "three rows"),
        (table(header=[["", "track"], ["", "title"], ["track_id", ""]]), "artist id is missing"),
        (table(), "no row below the header"),
    ],
)
def test_another_table_is_refused_with_the_way_to_the_right_one(root, text, message):
    folder = root(text=text or "\n")
    with pytest.raises(BadTable, match=rf"tracks\.csv.*{message}.*download fma-metadata"):
        datasets.import_fma("f", folder)


def test_a_column_that_is_there_twice_is_refused(root):
    header = [["", *(c for c, _ in COLUMNS)], ["", *(n for _, n in COLUMNS)]]
    header = [[*row, row[-1]] for row in header] + [["track_id"] + [""] * (len(COLUMNS) + 1)]
    with pytest.raises(BadTable, match="track title is there twice"):
        datasets.import_fma("f", root(text=table(header=header)))


def test_text_that_is_not_utf_8_is_refused(root):
    folder = root(track(2, track_title="Café"))
    path = folder / "fma_metadata" / "tracks.csv"
    path.write_bytes(path.read_text(encoding="utf-8").encode("latin-1"))
    with pytest.raises(BadTable, match="UTF-8"):
        datasets.import_fma("f", folder)


def test_limits_hold_before_anything_is_read(root, monkeypatch):
    folder = root(*SMALL)
    monkeypatch.setattr(fma_tables, "MAX_TRACKS", 2)
    with pytest.raises(BadTable, match="more than 2 tracks"):
        datasets.import_fma("f", folder)
    monkeypatch.setattr(fma_tables, "MAX_COLUMNS", 5)
    with pytest.raises(BadTable, match="more than 5 columns"):
        datasets.import_fma("f", folder)
    monkeypatch.setattr(fma_tables, "MAX_BYTES", 5)
    with pytest.raises(DatasetError, match="over the limit"):
        datasets.import_fma("f", folder)


@pytest.mark.parametrize(
    ("genres", "message"),
    [
        ("genre_id,title\n1,Rock\n", "the column parent is missing"),
        ("genre_id,parent,title\nx,0,Rock\n", "row 2: 'x' is no number of a genre"),
        ("genre_id,parent,title\n1,0,Rock\n1,0,Pop\n", "row 3: the genre 1 is there already"),
        ("genre_id,parent,title\n1,0, \n", "row 2: the genre 1 has no title"),
        ("genre_id,parent,title\n1,2,A\n2,3,B\n3,2,C\n", "the genre 1 has no top: it is above"),
        ("genre_id,parent,title\n1,9,A\n", "the genre 1 has no top: its parent isn't there"),
    ],
)
def test_a_tree_of_genres_that_has_no_tops_is_refused(root, genres, message):
    with pytest.raises(BadTable, match=message):
        datasets.import_fma("f", root(LARGE, genres=genres), subset="large")


def test_changed_tables_are_read_or_refused_in_words(root):
    folder = root(*SMALL, MEDIUM, LARGE)
    path = folder / "fma_metadata" / "tracks.csv"
    whole = path.read_bytes()
    rng = random.Random(0)
    outcomes = set()
    for number in range(200):
        data = bytearray(whole)
        for _ in range(rng.choice((1, 2, 8))):
            at = rng.randrange(len(data))
            data[at : at + rng.choice((0, 1, 30))] = rng.randbytes(rng.choice((0, 1, 3)))
        path.write_bytes(data)
        try:
            datasets.import_fma(f"f{number}", folder, subset=rng.choice(fma.SUBSETS))
            outcomes.add("read")
        except GenreEngineError as error:
            outcomes.add("refused" if str(error).strip() else "refused without a word")
    assert outcomes == {"read", "refused"}
