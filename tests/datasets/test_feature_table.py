import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genre_engine import datasets
from genre_engine.datasets import tables
from genre_engine.errors import BadTable, DatasetError, WrongUsage

GTZAN = (
    "filename,length,chroma_stft_mean,tempo,label\n"
    "blues.00000.wav,661794,0.35,123.0,blues\n"
    "blues.00001.wav,661794,0.34,67.9,blues\n"
    "rock.00000.wav,661794,0.36,161.4,rock\n"
    "rock.00001.wav,661794,0.40,63.0,rock\n"
)


@pytest.fixture
def write(tmp_path):
    def to_file(content, name="t.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return to_file


def features_of(dataset):
    (store,) = dataset.features_folder.iterdir()
    return pq.read_table(store / "part-0.parquet").to_pandas()


def test_the_gtzan_table_comes_in_with_one_command(write):
    dataset = datasets.import_table("g", write(GTZAN), label="label")
    assert dataset.tracks["track_id"].tolist()[0] == "blues.00000.wav"
    assert dataset.tracks["genres"].tolist() == [["blues"], ["blues"], ["rock"], ["rock"]]
    assert dataset.tracks["artist_id"].isna().all()
    features = features_of(dataset)
    assert list(features.columns) == ["track_id", "chroma_stft_mean", "tempo"]
    assert features["tempo"].dtype == np.float32
    assert features["tempo"].tolist() == pytest.approx([123.0, 67.9, 161.4, 63.0])
    assert set(datasets.summary(dataset)["splits"]) == {"random"}


def test_slices_of_one_song_are_one_group(write):
    sliced = (
        GTZAN.replace("0.wav", "0.0.wav").replace("1.wav", "0.1.wav").replace(".00001", ".00000")
    )
    sliced = sliced.replace("00000.0.1", "00000.1")
    dataset = datasets.import_table("g", write(sliced), label="label")
    assert dataset.tracks["artist_id"].tolist() == ["blues.00000"] * 2 + ["rock.00000"] * 2


def test_several_labels_in_one_column_are_parted_by_a_separator(write):
    path = write("a;tags\n1;pop|rock\n2;rock\n3;\n4;pop\n")
    dataset = datasets.import_table("t", path, label="tags", label_separator="|")
    assert dataset.tracks["genres"].tolist() == [["pop", "rock"], ["rock"], ["pop"]]
    assert "row 4" in dataset.notes[0]
    assert features_of(dataset)["a"].tolist() == [1, 2, 4]


def test_what_separates_columns_is_not_looked_for_in_quotes(write):
    path = write('"x,1";"y,2";tag\n1;2;pop\n2;3;rock\n3;4;rock\n5;6;pop\n')
    dataset = datasets.import_table("t", path, label="tag")
    assert list(features_of(dataset).columns) == ["track_id", "x,1", "y,2"]


def test_labels_may_be_columns_of_zeros_and_ones_with_a_group_and_dropped_columns(write):
    path = write("x,pop,rock,who,note\n1,1,0,a,hm\n2,1,1,a,hm\n3,0,1,b,\n4,0,0,b,\n")
    dataset = datasets.import_table("t", path, labels=["pop", "rock"], group="who", drop=["note"])
    assert dataset.tracks["genres"].tolist() == [["pop"], ["pop", "rock"], ["rock"]]
    assert dataset.tracks["artist_id"].tolist() == ["a", "a", "b"]
    assert list(features_of(dataset).columns) == ["track_id", "x"]


def test_parquet_is_read_with_lists_of_labels(tmp_path):
    path = tmp_path / "t.parquet"
    pd.DataFrame(
        {"id": [7, 8, 9], "f": [1.0, 2.0, 3.0], "g": [["a"], ["a", "b"], ["b"]]}
    ).to_parquet(path)
    dataset = datasets.import_table("t", path, label="g")
    assert dataset.tracks["track_id"].tolist() == ["7", "8", "9"]
    assert dataset.tracks["genres"].tolist() == [["a"], ["a", "b"], ["b"]]


def test_labels_that_look_like_numbers_or_missing_values_stay_text(write):
    path = write("f,label\n1,01\n2,01\n3,80s\n4,80s\n")
    assert datasets.import_table("t", path, label="label").genres == ("01", "80s")


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("f,label\n1,a\nloud,a\n3,b\n4,b\n", r"t\.csv, row 3: the feature column 'f' holds 'loud'"),
        ("f,label\n1,a\n2,a\nNaN,b\n4,b\n", r"row 4: the feature column 'f' has no number"),
        ("f,label\n1,a\n2,a\n,b\n4,b\n", r"row 4: the feature column 'f' has no number"),
        ("f,label\n1,a\n2,a\ninf,b\n4,b\n", r"row 4: the feature column 'f' holds 'inf'"),
        ("f,label\n1,a\n2,a\n1e60,b\n4,b\n", r"row 4: the feature column 'f' holds '1e60'"),
        ("f,label\n1,a\n2,a\n3,b\n", r"t\.csv, row 4: the label 'b' is seen only here"),
        ("f,label\n1,a\n2,\n3,a\n", r"row 3: the column 'label' has no label"),
        ("f,label\n1,a\n2,nan\n3,a\n", r"row 3: the column 'label' has no label"),
        ("f,label\n1,a\n2,a,9\n", r"row 3: 3 columns where 2 belong"),
        ("f,label\n1,a,9\n2,a,9\n", r"row 2: 3 columns where 2 belong"),
        ("f,label\n1,a\n2\n", r"row 3: 1 columns where 2 belong"),
        ("f,f,label\n1,1,a\n2,2,a\n", r"row 1: two columns are named 'f'"),
        ("id,f,label\nx,1,a\n,2,a\n", r"row 3: the column 'id' is empty"),
        ("label\na\na\n", "no column is left"),
        ("f,label\n", "no row below the header"),
        ("", "row 1: the first row is empty"),
        (b"f,label\n1,a\n2,caf\xe9\n", r"row 3: not UTF-8"),
    ],
)
def test_bad_tables_are_named_with_row_and_column_and_leave_nothing(write, content, match):
    with pytest.raises(BadTable, match=match):
        datasets.import_table("t", write(content), label="label")
    assert datasets.listing() == []


def test_blank_lines_do_not_shift_the_rows_that_are_named(write):
    path = write("f,label\r\n1,a\r\n\r\n2,a\r\nx,a\r\n\r\n")
    with pytest.raises(BadTable, match="row 5"):
        datasets.import_table("t", path, label="label")


def test_label_columns_hold_zeros_and_ones_only(write):
    path = write("f,pop\n1,1\n2,2\n")
    with pytest.raises(BadTable, match=r"row 3: the label column 'pop' holds '2'"):
        datasets.import_table("t", path, labels=["pop"])


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"label": "genre"},
        {"label": "label", "labels": ["f"]},
        {"label": "label", "group": "who"},
        {"label": "label", "drop": ["x"]},
        {"labels": ["f"], "label_separator": ";"},
    ],
)
def test_columns_that_are_not_there_are_wrong_usage(write, options):
    with pytest.raises(WrongUsage):
        datasets.import_table("t", write("f,label\n1,a\n2,a\n"), **options)


def test_bad_parquet_is_named_with_row_and_column(tmp_path, write):
    path = tmp_path / "t.parquet"
    pd.DataFrame({"f": [1.0, None, 3.0], "g": ["a", "a", "a"]}).to_parquet(path)
    with pytest.raises(BadTable, match=r"t\.parquet, row 2: the feature column 'f' has no number"):
        datasets.import_table("t", path, label="g")
    pd.DataFrame({"f": pd.to_datetime(["2020-01-01"] * 2), "g": ["a", "a"]}).to_parquet(path)
    with pytest.raises(BadTable, match=r"row 1: the feature column 'f' holds '2020"):
        datasets.import_table("t", path, label="g")
    with pytest.raises(BadTable, match="can't be read as Parquet"):
        datasets.import_table("t", write("no parquet", "x.parquet"), label="g")
    with pytest.raises(BadTable, match="empty"):
        datasets.import_table("t", write("", "x.parquet"), label="g")
    with pytest.raises(DatasetError, match="no file"):
        datasets.import_table("t", tmp_path / "none.parquet", label="g")


def test_tables_over_the_limits_are_refused(write, monkeypatch):
    path = write("f,label\n1,a\n2,a\n")
    monkeypatch.setattr(tables, "MAX_CELLS", 3)
    with pytest.raises(BadTable, match="too many"):
        datasets.import_table("t", path, label="label")
    monkeypatch.setattr(tables, "MAX_BYTES", 3)
    with pytest.raises(DatasetError, match="over the limit"):
        datasets.import_table("t", path, label="label")


def test_the_feature_store_is_named_after_its_columns(write):
    one = datasets.import_table("a", write("f,g,label\n1,1,a\n2,2,a\n"), label="label")
    same = datasets.import_table("b", write("f,g,label\n5,1,b\n2,2,b\n"), label="label")
    other = datasets.import_table("c", write("g,f,label\n1,1,a\n2,2,a\n"), label="label")
    names = [next(dataset.features_folder.iterdir()).name for dataset in (one, same, other)]
    assert names[0] == names[1] != names[2]
    assert names[0].startswith("table-")


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(max_size=200))
def test_no_content_does_more_than_raise_an_error_in_words(tmp_path, content):
    path = tmp_path / "x.csv"
    path.write_bytes(b"f,label\n" + content)
    try:
        table = tables.read(path)
    except BadTable:
        return
    assert len(table.text("label")) == len(table) > 0
    assert table.row(len(table) - 1) > len(table)
