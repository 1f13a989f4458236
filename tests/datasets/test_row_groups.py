"""Rows of one song: slices by their names, repeated ids, and what leaks through them."""

import numpy as np
import pytest

from genre_engine import datasets
from genre_engine.datasets.row_groups import group_rows, song_of


@pytest.fixture
def imported(tmp_path):
    """A table of rows (id, feature, label) as a data set."""

    def make(rows, **options):
        path = tmp_path / "t.csv"
        lines = [f"{name},{value},{label}" for name, value, label in rows]
        path.write_text("\n".join(["filename,f,label", *lines]) + "\n")
        return datasets.import_table("t", path, label="label", **options)

    return make


@pytest.mark.parametrize(
    ("name", "song"),
    [
        ("blues.00000.0.wav", "blues.00000"),
        ("hip-hop.00012.3.wav", "hip-hop.00012"),
        ("drum and bass.00001.9", "drum and bass.00001"),
        ("C:\\music\\blues.00000.7.wav", "C:/music/blues.00000"),
        ("a/b/song_seg3.wav", "a/b/song"),
        ("track-03-part2", "track-03"),
        ("My song clip 07.mp3", "My song"),
        ("x.chunk12", "x"),
        ("blues.00000.wav", None),
        ("song_1.wav", None),
        ("partner 3", None),
        ("depart4", None),
        ("seg1", None),
        ("", None),
    ],
)
def test_a_name_shows_its_song(name, song):
    assert song_of(name) == song


def test_one_odd_name_does_not_undo_the_others():
    names = ["a.00000.0.wav", "a.00000.1.wav", "b.00000.0.wav", "b.00000.1.wav", "extra"]
    groups, notes = group_rows(names)
    assert groups == ["a.00000", "a.00000", "b.00000", "b.00000", None]
    assert notes[0].startswith("4 rows are slices of 2 songs")
    assert "1 rows have names that show no song" in notes[1]
    assert "extra" in notes[1]


def test_a_whole_song_belongs_to_its_slices():
    groups, _ = group_rows(["a.00000.0.wav", "a.00000.1.wav", "a.00000.wav"])
    assert groups == ["a.00000"] * 3


def test_parts_without_others_are_no_slices():
    groups, notes = group_rows(["Suite part 2", "Sonata part 1", "Song"])
    assert (groups, notes) == ([None] * 3, [])


def gtzan(genres=("blues", "hip-hop"), songs=6, slices=5):
    rng = np.random.default_rng(0)
    return [
        (f"{genre}.{song:05d}.{part}.wav", f"{rng.normal():.6f}", genre)
        for genre in genres
        for song in range(songs)
        for part in range(slices)
    ]


def test_slices_stay_together_and_a_random_split_shows_its_leak(imported):
    dataset = imported([*gtzan(), ("odd name", "0.5", "blues")])
    shown = datasets.summary(dataset)
    assert shown["artist_overlap"]["artist"] == 0.0
    # Nearly every song has slices in train.
    assert shown["artist_overlap"]["random"] > 0.5
    assert any("12 songs" in note for note in dataset.notes)
    assert any("odd name" in note for note in dataset.notes)


def test_a_groups_column_goes_before_names_and_names_fill_its_gaps(imported, tmp_path):
    path = tmp_path / "g.csv"
    rows = ["filename,f,label,who", "a_part1,1,x,Ann", "a_part2,2,x,", "b_part1,3,y,"]
    rows += ["b_part2,4,y,", "c,5,x,Ann", "d,6,y,Bob"]
    path.write_text("\n".join(rows) + "\n")
    dataset = datasets.import_table("g", path, label="label", group="who")
    assert dataset.tracks["artist_id"].tolist() == ["Ann", "a", "b", "b", "Ann", "Bob"]


def test_rows_with_an_id_and_features_in_common_are_one_track_with_all_genres(imported):
    dataset = imported([("t1", 1, "pop"), ("t1", 1, "rock"), ("t2", 2, "pop"), ("t3", 3, "rock")])
    assert dataset.tracks["track_id"].tolist() == ["t1", "t2", "t3"]
    assert dataset.tracks["genres"].tolist() == [["pop", "rock"], ["pop"], ["rock"]]
    assert any("repeat the id" in note for note in dataset.notes)


def test_rows_with_an_id_in_common_and_other_features_are_one_group(imported):
    dataset = imported(
        [("t1", 1, "pop"), ("t1", 2, "pop"), ("t1 #2", 3, "rock"), ("t2", 4, "rock")]
    )
    tracks = dataset.tracks
    assert tracks["track_id"].is_unique
    assert tracks["artist_id"].tolist()[:2] == ["t1", "t1"]
    assert any("stay in one part" in note for note in dataset.notes)
    assert datasets.summary(dataset)["artist_overlap"]["random"] is not None


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize("first", ["", "sep=;", '"sep=;"'])
def test_lines_may_end_in_any_way_and_begin_with_excels_separator(end, first, tmp_path):
    path = tmp_path / "t.csv"
    lines = [*([first] if first else []), "f;label", "1;a", "2;a", "3;b", "4;b"]
    path.write_bytes((end.join(lines) + end).encode())
    dataset = datasets.import_table("t", path, label="label")
    assert dataset.genres == ("a", "b")
    assert len(dataset.tracks) == 4


def test_rows_are_counted_with_excels_separator_line(tmp_path):
    from genre_engine.errors import BadTable

    path = tmp_path / "t.csv"
    path.write_text("sep=;\nf;label\n1;a\nloud;a\n")
    with pytest.raises(BadTable, match="row 4: the feature column 'f' holds 'loud'"):
        datasets.import_table("t", path, label="label")


def test_spellings_of_a_genre_are_joined_and_that_is_said(imported):
    dataset = imported(
        [("1", 1, "Hip-Hop"), ("2", 2, "hip-hop"), ("3", 3, "Hip-Hop"), ("4", 4, "HIP HOP")]
    )
    assert dataset.genres == ("Hip-Hop",)
    assert any("HIP HOP, hip-hop" in note for note in dataset.notes)
