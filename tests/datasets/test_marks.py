import pytest

from genre_engine import datasets
from genre_engine.datasets import marks
from genre_engine.errors import DatasetError, WrongUsage


@pytest.fixture
def mine(workspace, tmp_path):
    path = tmp_path / "t.csv"
    rows = [f"t{n},{n}.5,{n % 3}.25,{'rock' if n % 2 else 'jazz'}" for n in range(12)]
    path.write_text("\n".join(["track_id,a,b,genre", *rows]))
    return datasets.import_table("mine", path, label="genre")


def test_a_mark_is_kept_beside_the_data_set_and_changes_no_label(mine):
    before = (mine.folder / "tracks.parquet").read_bytes()
    assert marks.read(mine) == []
    marks.mark(mine, "t1", "rock", part="validation", run="r1")
    (mark,) = marks.read(datasets.open("mine"))
    assert (mark.track_id, mark.genre, mark.carries, mark.run) == ("t1", "rock", True, "r1")
    marks.mark(mine, "t1", "jazz", part="validation")
    assert [m.carries for m in marks.read(mine)] == [True, False]
    assert (mine.folder / "tracks.parquet").read_bytes() == before


def test_marking_again_takes_the_mark_away(mine):
    marks.mark(mine, "t1", "rock", part="train")
    assert marks.mark(mine, "t1", "rock", part="train") == []
    assert marks.read(mine) == []


def test_test_is_never_edited_and_strangers_are_refused(mine):
    with pytest.raises(WrongUsage, match="test stay as they are"):
        marks.mark(mine, "t1", "rock", part="test")
    with pytest.raises(WrongUsage, match="no track 'x'"):
        marks.mark(mine, "x", "rock", part="validation")
    assert not (mine.folder / marks.FILE).exists()


def test_a_damaged_file_is_named_and_left_alone(mine):
    (mine.folder / marks.FILE).write_text("{")
    with pytest.raises(DatasetError, match="can't be read"):
        marks.mark(mine, "t1", "rock", part="validation")
    assert (mine.folder / marks.FILE).read_text() == "{"
