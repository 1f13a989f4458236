import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from genre_engine import datasets
from genre_engine.datasets import tracks as track_table
from genre_engine.errors import DatasetError, DatasetExists, DatasetMissing, WrongUsage
from genre_engine.storage import workspace


def content(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_every_kind_of_data_set_keeps_the_contract():
    for name in datasets.KINDS:
        module = datasets.kind(name)
        assert name == module.KIND
        assert module.SUMMARY
        assert callable(module.build)


def test_an_unknown_kind_is_refused():
    with pytest.raises(WrongUsage, match="no kind"):
        datasets.kind("spotify")


def test_an_existing_data_set_is_left_untouched(tsv):
    path = tsv((1, 1, "pop"))
    before = content(datasets.import_jamendo("j", path).folder)
    other = tsv((2, 2, "rock"), name="other.tsv")
    with pytest.raises(DatasetExists, match="Choose another name"):
        datasets.import_jamendo("j", other)
    assert content(workspace.dataset_folder("j")) == before


def test_two_imports_of_one_name_make_one_data_set(tsv):
    paths = [tsv((n, n, "pop"), name=f"{n}.tsv") for n in range(1, 9)]
    gate = threading.Barrier(len(paths))

    def attempt(path):
        gate.wait()
        try:
            return datasets.import_jamendo("j", path)
        except (DatasetExists, DatasetError):
            return None

    with ThreadPoolExecutor(len(paths)) as pool:
        made = [dataset for dataset in pool.map(attempt, paths) if dataset]
    assert len(made) == 1
    assert len(datasets.open("j").tracks) == 1


def test_a_name_taken_while_the_data_set_is_built_is_refused(tsv):
    def overtaken():
        with datasets.building("j") as folder:
            (folder / "dataset.json").write_text("mine")
            place = workspace.dataset_folder("j")
            place.mkdir()
            (place / "dataset.json").write_text("theirs")

    with pytest.raises(DatasetExists):
        overtaken()
    assert (workspace.dataset_folder("j") / "dataset.json").read_text() == "theirs"


def test_a_failure_while_building_leaves_nothing(workspace):
    def failing():
        with datasets.building("j") as folder:
            (folder / "audio").mkdir()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        failing()
    assert [path.name for path in (workspace / "datasets").iterdir()] == [".j.lock"]


def test_what_a_killed_import_left_is_cleared_and_another_one_s_room_is_not(tsv, workspace):
    for name in (".j-abcd1234", ".j-k-abcd1234"):
        (workspace / "datasets" / name).mkdir(parents=True)
    datasets.import_jamendo("j", tsv((1, 1, "pop")))
    names = {path.name for path in (workspace / "datasets").iterdir()}
    assert names == {"j", ".j.lock", ".j-k-abcd1234"}


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", ".hidden", "-x", "a b", "x" * 65, "a\0"])
def test_names_that_are_no_folder_names_are_refused(tsv, name):
    with pytest.raises(WrongUsage, match="can't be a name"):
        datasets.import_jamendo(name, tsv((1, 1, "pop")))


def test_a_missing_data_set_is_named_with_those_that_are_there(tsv):
    with pytest.raises(DatasetMissing, match="none yet"):
        datasets.open("nope")
    datasets.import_jamendo("mine", tsv((1, 1, "pop")))
    with pytest.raises(DatasetMissing, match="There are: mine"):
        datasets.open("nope")


def test_a_damaged_data_set_does_not_hide_the_others(tsv):
    path = tsv((1, 1, "pop"))
    datasets.import_jamendo("good", path)
    (datasets.import_jamendo("bad", path).folder / "dataset.json").write_text("{")
    entries = {entry["name"]: entry for entry in datasets.listing()}
    assert entries["good"]["tracks"] == 1
    assert entries["good"]["error"] is None
    assert "import it again" in entries["bad"]["error"]
    datasets.remove("bad")
    assert [entry["name"] for entry in datasets.listing()] == ["good"]


def test_removing_takes_the_data_set_and_leaves_audio_elsewhere(tsv, tmp_path):
    audio = tmp_path / "music"
    (audio / "01").mkdir(parents=True)
    (audio / "01" / "1.mp3").touch()
    dataset = datasets.import_jamendo("j", tsv((1, 1, "pop")), audio=audio)
    datasets.remove("j")
    assert not dataset.folder.exists()
    assert (audio / "01" / "1.mp3").exists()
    with pytest.raises(DatasetMissing):
        datasets.remove("j")


def test_a_track_table_comes_back_as_it_was_written(tmp_path):
    tracks = track_table.frame(
        {
            "track_id": ["a", "b"],
            "genres": [["rock", "pop"], []],
            "duration_s": [1.5, None],
            "title": [None, "Ünï"],
        }
    )
    track_table.write(tracks, tmp_path / "t.parquet")
    again = track_table.read(tmp_path / "t.parquet")
    assert again["genres"].tolist() == [["pop", "rock"], []]
    assert again["title"].isna().tolist() == [True, False]
    assert again["duration_s"].isna().tolist() == [False, True]
    assert list(again.columns[:10]) == list(track_table.COLUMNS)


@pytest.mark.parametrize(
    ("columns", "match"),
    [
        ({"track_id": [], "genres": []}, "no track"),
        ({"track_id": ["a", "a"], "genres": [["x"], ["x"]]}, "twice"),
        ({"track_id": ["a"], "genres": [["x"]], "path": ["../a.mp3"]}, "leads out"),
    ],
)
def test_a_track_table_that_breaks_its_promises_is_not_written(tmp_path, columns, match):
    with pytest.raises(DatasetError, match=match):
        track_table.write(track_table.frame(columns), tmp_path / "t.parquet")


def test_summary_has_exactly_the_agreed_keys(tsv):
    rows = [(n, n, "pop" if n % 2 else "rock") for n in range(1, 31)]
    summary = datasets.summary(datasets.import_jamendo("j", tsv(*rows, (31, 31, "pop", "rock"))))
    assert list(summary) == [
        "name",
        "kind",
        "tracks",
        "artists",
        "labels_per_track",
        "genres",
        "splits",
        "artist_overlap",
    ]
    assert summary["genres"] == {"pop": 16, "rock": 16}
    assert summary["labels_per_track"] == pytest.approx(32 / 31)
    assert set(summary["splits"]) == set(summary["artist_overlap"]) == {"artist", "random"}
    assert summary["artist_overlap"] == {"artist": 0, "random": 0}
    assert json.loads(json.dumps(summary)) == summary


def test_leaks_are_measured_for_every_split_that_can_be_made(tsv):
    rows = [(n, n % 10, "pop" if n % 2 else "rock") for n in range(1, 101)]
    leaks = datasets.leaks(datasets.import_jamendo("j", tsv(*rows)))
    assert leaks["artist"].artist_overlap == 0
    assert leaks["random"].artist_overlap == 1
    assert leaks["random"].artist_prior.f1_macro == 1
    assert leaks["random"].duplicate_groups is None


def test_the_demo_is_a_data_set_with_its_clips_and_says_that_it_is_synthetic():
    dataset = datasets.make_demo(tracks=20, seed=3, jobs=1)
    assert len(dataset.tracks) == 20
    assert dataset.info["synthetic"]
    assert "synthetic" in dataset.notes[0]
    assert all(dataset.audio_path(path).is_file() for path in dataset.tracks["path"])


def test_a_demo_of_no_tracks_is_refused():
    with pytest.raises(WrongUsage, match="tracks"):
        datasets.make_demo(tracks=0)
