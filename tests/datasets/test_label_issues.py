import pytest

from genre_engine import datasets
from genre_engine.datasets import label_issues
from genre_engine.errors import DatasetError, WrongUsage


@pytest.fixture
def mine(workspace, tmp_path):
    path = tmp_path / "t.csv"
    rows = [f"t{n},{n}.5,{n % 3}.25,{'rock' if n % 2 else 'jazz'}" for n in range(12)]
    path.write_text("\n".join(["track_id,a,b,genre", *rows]))
    return datasets.import_table("mine", path, label="genre")


def test_a_mark_is_kept_beside_the_data_set_and_changes_no_label(mine):
    before = (mine.folder / "tracks.parquet").read_bytes()
    assert label_issues.read(mine) == []
    label_issues.mark(mine, "t1", "rock", part="validation", run="r1")
    (mark,) = label_issues.read(datasets.open("mine"))
    assert (mark.track_id, mark.genre, mark.carries, mark.run) == ("t1", "rock", True, "r1")
    label_issues.mark(mine, "t1", "jazz", part="validation")
    assert [m.carries for m in label_issues.read(mine)] == [True, False]
    assert (mine.folder / "tracks.parquet").read_bytes() == before


def test_marking_again_takes_the_mark_away(mine):
    label_issues.mark(mine, "t1", "rock", part="train")
    assert label_issues.mark(mine, "t1", "rock", part="train") == []
    assert label_issues.read(mine) == []


def test_test_is_never_edited_and_strangers_are_refused(mine):
    with pytest.raises(WrongUsage, match="test stay as they are"):
        label_issues.mark(mine, "t1", "rock", part="test")
    with pytest.raises(WrongUsage, match="no track 'x'"):
        label_issues.mark(mine, "x", "rock", part="validation")
    assert not (mine.folder / label_issues.FILE).exists()


def test_a_damaged_file_is_named_and_left_alone(mine):
    (mine.folder / label_issues.FILE).write_text("{")
    with pytest.raises(DatasetError, match="can't be read"):
        label_issues.mark(mine, "t1", "rock", part="validation")
    assert (mine.folder / label_issues.FILE).read_text() == "{"
