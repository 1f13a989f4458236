import json

import pytest

from genre_engine import datasets, labels, leakage, splits
from genre_engine.datasets import jamendo
from genre_engine.errors import BadTable, DatasetError, GenreEngineError, WrongUsage

FIFTEEN = {
    "electronic": 16326,
    "soundtrack": 7946,
    "pop": 7805,
    "ambient": 7467,
    "rock": 6865,
    "classical": 5599,
    "easylistening": 4833,
    "experimental": 3941,
    "alternative": 3761,
    "chillout": 3678,
    "dance": 2809,
    "hiphop": 2657,
    "indie": 2632,
    "folk": 2498,
    "orchestral": 2434,
}
HEADER = "TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS"
ROW = "track_0000241\tartist_000005\talbum_000033\t41/241.mp3\t340.1\tgenre---rock"


def bad(tmp_path, content):
    path = tmp_path / "bad.tsv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_ragged_rows_with_windows_line_ends_are_read_whole(tsv):
    path = tsv((241, 5, "rock", "pop"), (242, 5, "rock"), (243, 6, "ska", "pop", "rock"))
    dataset = datasets.import_jamendo("j", path, genres="all")
    first = dataset.tracks.iloc[0]
    assert first["track_id"] == "track_0000241"
    assert first["artist_id"] == "artist_000005"
    assert first["album_id"] == "album_000005"
    assert first["path"] == "41/241.mp3"
    assert first["duration_s"] == 30.5
    assert dataset.tracks["genres"].tolist() == [["pop", "rock"], ["rock"], ["pop", "rock", "ska"]]
    assert dataset.genres == ("pop", "rock", "ska")


def test_other_categories_of_tags_are_no_genres_and_a_byte_order_mark_is_passed_over(tmp_path):
    row = f"{ROW}\tinstrument---piano\tmood/theme---dark"
    path = bad(tmp_path, f"\ufeff{HEADER}\n{row}\n")
    assert datasets.import_jamendo("j", path).tracks["genres"].tolist() == [["rock"]]


def test_tracks_without_a_genre_are_dropped_counted_and_named(tsv):
    dataset = datasets.import_jamendo("j", tsv((1, 1, "pop"), (2, 1), (3, 2, "pop")))
    assert dataset.tracks["track_id"].tolist() == ["track_0000001", "track_0000003"]
    assert dataset.notes == ("1 tracks without a genre dropped: raw_30s.tsv, row 3.",)


def test_genres_not_asked_for_are_cut_off_but_still_count_for_only(tsv):
    path = tsv((1, 1, "pop"), (2, 2, "pop", "ska"), (3, 3, "ska"), (4, 4, "rock", "pop"))
    either = datasets.import_jamendo("any", path, genres="pop,rock")
    within = datasets.import_jamendo("only", path, genres="pop,rock", rule="only")
    assert either.tracks["genres"].tolist() == [["pop"], ["pop"], ["pop", "rock"]]
    assert within.tracks["track_id"].tolist() == ["track_0000001", "track_0000004"]
    assert len(either.select(rule="only").rows) == 2
    assert len(either.select().rows) == 3


def test_labels_are_raw_and_parts_official_unless_the_split_s_labels_are_asked_for(tsv):
    raw = tsv((1, 1, "pop"), (2, 2, "pop"), (3, 3, "ska"))
    tsv((1, 1, "poprock"), name="split-0-autotagging_genre-train.tsv")
    tsv((2, 2, "pop"), name="split-0-autotagging_genre-test.tsv")
    dataset = datasets.import_jamendo("raw", raw.parent, genres="all")
    assert dataset.tracks["genres"].tolist() == [["pop"], ["pop"], ["ska"]]
    assert dataset.tracks["split"].tolist()[:2] == ["train", "test"]
    assert dataset.tracks["split"].isna().tolist() == [False, False, True]
    other = datasets.import_jamendo("split", raw.parent, genres="all", labels_from="split")
    assert other.tracks["genres"].tolist() == [["poprock"], ["pop"]]
    assert other.tracks["split"].tolist() == ["train", "test"]


def test_split_files_are_found_where_mtg_s_repository_has_them(tsv):
    raw = tsv((1, 1, "pop"))
    place = raw.parent / "splits" / "split-0"
    place.mkdir(parents=True)
    tsv((1, 1, "pop"), name="x.tsv").rename(place / "autotagging_genre-validation.tsv")
    assert datasets.import_jamendo("j", raw.parent).tracks["split"].tolist() == ["validation"]


def test_a_track_in_two_official_parts_is_an_error(tsv):
    raw = tsv((1, 1, "pop"))
    tsv((1, 1, "pop"), name="split-0-autotagging_genre-train.tsv")
    tsv((1, 1, "pop"), name="split-0-autotagging_genre-test.tsv")
    with pytest.raises(BadTable, match=r"test\.tsv, row 2: track_0000001 is in train already"):
        datasets.import_jamendo("j", raw.parent)


def write_hugging(folder, train, valid=()):
    header = "id\tartist_id\talbum_id\tdurationInSec\tgenres\tinstruments\tmoods\tchunk_nr"
    folder.mkdir()
    for name, rows in (("train", train), ("valid", valid)):
        lines = [f"{n}\t7\t9\t200\t{genres}\t[]\t[]\t3" for n, genres in rows]
        (folder / f"{name}.tsv").write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return folder


def test_the_hugging_face_layout_is_read_with_ids_as_mtg_writes_them(tmp_path):
    train = [(241, "['rock', 'pop']"), (242, "[]"), (243, '''"[""children's""]"''')]
    folder = write_hugging(tmp_path / "hf", train, [(1234446, "['pop']")])
    dataset = datasets.import_jamendo("hf", folder, genres="all")
    tracks = dataset.tracks.set_index("track_id")
    assert tracks["genres"].to_dict() == {
        "track_0000241": ["pop", "rock"],
        "track_0000243": ["children's"],
        "track_1234446": ["pop"],
    }
    assert tracks["split"].tolist() == ["train", "train", "validation"]
    assert tracks["artist_id"].tolist() == ["artist_000007"] * 3
    assert tracks["path"].iloc[0] == "train/3/241.opus"
    assert "row 3" in dataset.notes[0]
    assert datasets.summary(dataset)["splits"]["official"] == {"train": 2, "validation": 1}


@pytest.mark.parametrize(
    "genres", ["rock", "__import__('os').getcwd()", "{'rock': 1}", "[1]", "(" * 500, "[" * 90]
)
def test_what_is_no_python_list_of_texts_is_named_with_its_row(tmp_path, genres):
    folder = write_hugging(tmp_path / "hf", [(1, "['pop']"), (2, genres)])
    with pytest.raises(BadTable, match=r"train\.tsv, row 3: .* is no list of genres"):
        datasets.import_jamendo("hf", folder)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("", "empty"),
        (HEADER, "no row below"),
        (f"TRACK_ID\tPATH\n{ROW}\n", r"bad\.tsv, row 1: the columns ARTIST_ID.* are missing"),
        (f"{HEADER}\n{ROW}\n{ROW}\n", r"bad\.tsv, row 3: .*track_0000241.* row 2"),
        (f"{HEADER}\n{ROW}\ntrack_1\tartist\n", r"row 3: 2 columns"),
        (f"{HEADER}\n{ROW.replace('41/241.mp3', '../../etc/passwd')}\n", r"row 2: .*leads out"),
        (f"{HEADER}\n{ROW.replace('41/241.mp3', '/etc/passwd')}\n", r"row 2: .*leads out"),
        (f"{HEADER}\n{ROW.replace('41/241.mp3', 'C:/x.mp3')}\n", r"row 2: .*drive's letter"),
        (f"{HEADER}\n{ROW.replace('41/241.mp3', '')}\n", r"row 2: .*empty"),
        (f"{HEADER}\n{ROW.replace('340.1', 'long')}\n", r"row 2: 'long' is no duration"),
        (f"{HEADER}\n{ROW.replace('340.1', 'nan')}\n", r"row 2: 'nan' is no duration"),
        (f"{HEADER}\n{ROW}\trock\n", r"row 2: the tag 'rock' names no category"),
        (f"{HEADER}\n{ROW.replace('genre---rock', '')}\n", r"row 2: no row has a genre"),
        (f"{HEADER}\n{ROW}\n".encode() + b"track_\xe9\n", r"bad\.tsv, row 3: not UTF-8"),
        (f"{HEADER}\n{ROW}\n".encode("utf-16"), "UTF-16"),
        (f"{HEADER}\n{ROW}\0\n", r"row 2: holds a null byte"),
    ],
)
def test_bad_tables_are_named_with_row_and_leave_nothing_behind(
    tmp_path, workspace, content, match
):
    with pytest.raises(BadTable, match=match):
        datasets.import_jamendo("j", bad(tmp_path, content))
    assert datasets.listing() == []
    assert [path.name for path in (workspace / "datasets").iterdir()] == [".j.lock"]


def test_a_folder_without_tables_and_a_missing_file_are_errors(tmp_path):
    with pytest.raises(DatasetError, match="holds no MTG-Jamendo table"):
        datasets.import_jamendo("j", tmp_path)
    with pytest.raises(DatasetError, match="There is no file"):
        datasets.import_jamendo("j", tmp_path / "nothing.tsv")


def test_unknown_choices_are_wrong_usage(tsv):
    path = tsv((1, 1, "pop"))
    for options in ({"genres": "polka"}, {"labels_from": "guess"}, {"labels_from": "split"}):
        with pytest.raises(WrongUsage):
            datasets.import_jamendo("j", path, **options)


def write_duplicates(tmp_path, *rows):
    path = tmp_path / "duplicates.csv"
    lines = [f"{digit * 64},{number},5,33" for digit, number in rows]
    path.write_text("\n".join(["mp3_sha256,id,artist_id,album_id", *lines]) + "\n")
    return path


def test_the_first_of_identical_tracks_is_kept_and_their_artists_stay_joined(tsv, tmp_path):
    path = tsv((1, 1, "pop"), (2, 2, "rock"), (3, 2, "pop"), (4, 3, "rock"), (5, 4, "pop"))
    listed = write_duplicates(tmp_path, ("a", 1), ("a", 2), ("b", 4), ("b", 99))
    dataset = datasets.import_jamendo("j", path, drop_duplicates=listed)
    assert [track[-1] for track in dataset.tracks["track_id"]] == ["1", "3", "4", "5"]
    assert dataset.joined_artists == (("artist_000001", "artist_000002"),)
    assert dataset.info["uploader_agreement"]["pairs"] == 1
    split = dataset.split(dataset.select(), "artist", fractions=splits.Fractions(0.5, 0, 0.5))
    assert split.part[0] == split.part[1]


def test_a_list_of_duplicates_beside_the_tables_gives_checksums_without_dropping(tsv, tmp_path):
    path = tsv((1, 1, "pop"), (2, 2, "rock"))
    listed = write_duplicates(tmp_path, ("a", 1), ("a", 2))
    listed.rename(path.parent / "duplicates_sha256.csv")
    dataset = datasets.import_jamendo("j", path.parent)
    assert dataset.tracks["sha256"].tolist() == ["a" * 64] * 2


def test_a_list_of_duplicates_with_other_columns_or_no_checksums_is_refused(tsv, tmp_path):
    path = tsv((1, 1, "pop"))
    listed = tmp_path / "duplicates.csv"
    for content, match in (("a,b\n1,2\n", "mp3_sha256 and id"), ("sha256,id\nx,1\n", "row 2")):
        listed.write_text(content)
        with pytest.raises(BadTable, match=match):
            datasets.import_jamendo("j", path, drop_duplicates=listed)


def test_audio_is_found_in_full_or_low_quality_and_never_outside(tsv, tmp_path):
    audio = tmp_path / "audio"
    (audio / "01").mkdir(parents=True)
    (audio / "01" / "1.low.mp3").touch()
    (audio / "02").mkdir()
    (audio / "02" / "2.mp3").touch()
    (tmp_path / "secret.mp3").touch()
    path = tsv((1, 1, "pop"), (2, 2, "pop"), (3, 2, "pop"))
    dataset = datasets.import_jamendo("j", path, audio=audio)
    found = [dataset.audio_path(path) for path in dataset.tracks["path"]]
    assert found == [audio / "01" / "1.low.mp3", audio / "02" / "2.mp3", None]
    assert dataset.audio_path("../secret.mp3") is None
    with pytest.raises(DatasetError, match="no folder"):
        datasets.import_jamendo("k", path, audio=tmp_path / "none")


def test_the_hugging_face_copy_s_audio_is_found_with_and_without_folders(tmp_path):
    folder = write_hugging(tmp_path / "hf", [(241, "['pop']"), (242, "['pop']"), (243, "['pop']")])
    audio = tmp_path / "audio"
    (audio / "train" / "3").mkdir(parents=True)
    there = [audio / "train" / "3" / "241.opus", audio / "train" / "242.opus", audio / "243.opus"]
    for path in there:
        path.touch()
    dataset = datasets.import_jamendo("hf", folder, audio=audio)
    assert [dataset.audio_path(path) for path in dataset.tracks["path"]] == there


def test_the_carried_facts_name_the_real_counts():
    facts = datasets.facts()
    assert {row["genre"]: row["raw"] for row in facts[:15]} == FIFTEEN
    assert facts[0] == {
        "genre": "electronic",
        "raw": 16326,
        "cleaned": 16480,
        "train": 10034,
        "validation": 2921,
        "test": 3525,
    }


def test_the_carried_facts_are_those_of_the_real_tables(real_metadata):
    facts = datasets.facts()
    names = {"raw": "raw_30s.tsv", "cleaned": "autotagging_genre.tsv"}
    for part in ("train", "validation", "test"):
        names[part] = f"split-0-autotagging_genre-{part}.tsv"
    for column, name in names.items():
        rows, _, _ = jamendo.read(real_metadata / name)
        carried = {row["genre"]: row[column] for row in facts if row[column]}
        assert carried == labels.count(rows.genres)


def test_the_real_table_is_read_with_its_fifteen_counts(real_metadata):
    rows, _, _ = jamendo.read(real_metadata / "raw_30s.tsv")
    assert len(rows.track_id) == 55_701
    counts = labels.count(rows.genres)
    assert dict(list(counts.items())[:15]) == FIFTEEN
    assert len(counts) == 252


def test_the_course_project_s_choice_has_its_known_size_and_leaks(real_metadata):
    dataset = datasets.import_jamendo("real", real_metadata, rule="only")
    summary = datasets.summary(dataset)
    assert summary["tracks"] == 13_178
    assert summary["artists"] == 1_560
    assert summary["labels_per_track"] == pytest.approx(1.684, abs=5e-4)
    assert summary["artist_overlap"]["official"] == 0
    assert summary["artist_overlap"]["artist"] == 0
    assert summary["splits"]["official"]["test"] == 2_657
    json.dumps(summary)
    chosen = dataset.select()
    random = dataset.split(chosen, "random", fractions=splits.Fractions(0.8, 0, 0.2))
    found = leakage.measure(dataset.tracks, chosen.y, random)
    assert found.artist_overlap == pytest.approx(0.954, abs=0.01)
    assert 0.68 <= found.artist_prior.f1_macro <= 0.78
    assert found.artist_prior.roc_auc_macro == pytest.approx(0.94, abs=0.02)
    agreement = dataset.info["uploader_agreement"]
    assert agreement["same_genres"] == pytest.approx(0.30, abs=0.01)
    assert agreement["f1"] == pytest.approx(0.70, abs=0.015)


def test_the_real_split_files_carry_other_labels(real_metadata):
    try:
        dataset = datasets.import_jamendo("s", real_metadata, rule="only", labels_from="split")
    except GenreEngineError as error:
        pytest.fail(str(error))
    assert len(dataset.tracks) == 15_080
