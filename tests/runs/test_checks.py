"""What is refused before a run is made, and what is only warned of."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from genre_engine import datasets, features, runs
from genre_engine.datasets import feature_table
from genre_engine.errors import (
    BadSetting,
    DatasetError,
    DatasetMissing,
    FeaturesMissing,
    SplitError,
    WrongUsage,
)
from genre_engine.features import store as feature_stores
from tests.training.conftest import import_table, table

COLUMNS = ("track_id", "path", "error", "message", "state")


@pytest.fixture
def small(tmp_path):
    return import_table(tmp_path)


@pytest.fixture
def music(tmp_path):
    """A Jamendo data set of 60 tracks by 15 artists, audio of all but five (empty files)."""
    rows = [
        f"track_{n:03d}\tartist_{n % 15}\talbum_1\t{n}.mp3\t9\tgenre---{('pop', 'rock')[n % 2]}\r\n"
        for n in range(60)
    ]
    path = tmp_path / "raw_30s.tsv"
    header = "TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS\r\n"
    path.write_text(header + "".join(rows), newline="")
    audio = tmp_path / "audio"
    audio.mkdir()
    for n in range(5, 60):
        (audio / f"{n}.mp3").touch()
    return datasets.import_jamendo("music", path, audio=audio)


def write_summary(dataset, tmp_path, ids, failed=()):
    x = np.random.default_rng(0).normal(size=(len(ids), 3)).astype(np.float32)
    made = feature_table.write_features(tmp_path / "made", ids, ["a", "b", "c"], x)
    rows = [(name, "", "NotAudio", "No audio.", "") for name in failed]
    pd.DataFrame(rows, columns=list(COLUMNS)).to_parquet(made / "failures.parquet")
    dataset.features_folder.mkdir(exist_ok=True)
    made.rename(dataset.features_folder / f"summary-{features.kind('summary').fingerprint}")


def test_a_config_holds_all_that_decides_the_result(small):
    config = runs.new_config("small", settings={"epochs": 3}, seed=7, name="mine")
    assert config.settings["epochs"] == 3
    assert config.settings["dropout"] == 0.5
    assert config.genres == ("ambient", "jazz", "rock")
    assert config.features["kind"] == "table"
    assert config.features["columns"][0] == "x0"
    assert config.split == {
        "kind": "artist",
        "fractions": {"train": 0.72, "validation": 0.10, "test": 0.18},
    }
    assert config.dataset_created == small.info["created"]
    assert (config.seed, config.name, config.warnings) == (7, "mine", ())
    stored = runs.create(config)
    again = runs.open("mine").config
    assert replace(again, id="", created="", name="mine") == config
    assert runs.open_material(again).track_ids == runs.open_material(config).track_ids
    assert stored.status == "queued"


@pytest.mark.parametrize(
    ("wishes", "error", "match"),
    [
        ({"model": "fnc"}, WrongUsage, "Did you mean 'fcn'"),
        ({"settings": {"epoch": 3}}, BadSetting, "Did you mean 'epochs'"),
        ({"settings": {"epochs": 0}}, BadSetting, "choose a value from"),
        ({"settings": {"epochs": "3"}}, BadSetting, "whole number"),
        ({"task": "regression"}, WrongUsage, "no task 'regression'"),
        ({"rule": "all"}, WrongUsage, "no rule 'all'"),
        ({"genres": ["jazz"]}, WrongUsage, "'jazz' alone"),
        ({"genres": ["jazz", "polka"]}, WrongUsage, "no genre 'polka'"),
        ({"task": "binary"}, WrongUsage, "needs two genres"),
        ({"split": "artist:0.8,0.2"}, SplitError, "No track is in validation"),
        ({"split": "official"}, SplitError, "no official split"),
        ({"features": "summary"}, WrongUsage, "--features table"),
        ({"features": "mfcc"}, WrongUsage, "no mfcc features"),
        ({"seed": -1}, WrongUsage, "A seed is"),
        ({"name": "a/b"}, WrongUsage, "can't be a name"),
        ({"fingerprint": "000000000000"}, WrongUsage, "no table features"),
    ],
)
def test_what_cannot_be_trained_is_refused_with_the_mend(small, wishes, error, match):
    with pytest.raises(error, match=match):
        runs.new_config("small", **wishes)
    assert runs.listing() == []


def test_a_data_set_that_is_not_there_is_named(small):
    with pytest.raises(DatasetMissing, match="There are: small"):
        runs.new_config("big")


@pytest.fixture
def official(tmp_path):
    """A table whose tracks have parts of their own: one artist of `polka` in one part."""

    def made(polka_part):
        frame = table()
        polka = frame["artist"] == "a00"
        frame.loc[polka, "genre"] = "polka"
        dataset = import_table(tmp_path, "official", frame)
        path = dataset.folder / "tracks.parquet"
        tracks = pd.read_parquet(path)
        parts = np.array(["train"] * 30 + ["validation"] * 8 + ["test"] * 7)
        tracks["split"] = np.repeat(parts, 4)
        tracks.loc[tracks["artist_id"] == "a00", "split"] = polka_part
        tracks.to_parquet(path, index=False)

    return made


def test_a_genre_that_no_track_in_train_has_is_refused_with_the_genres_that_are_left(official):
    official("test")
    with pytest.raises(SplitError, match="No track of 'polka' is in train") as refused:
        runs.new_config("official", split="official")
    assert str(refused.value).endswith("--genres ambient,jazz,rock")
    assert runs.new_config("official", split="official", genres="ambient,jazz,rock").genres


def test_a_genre_that_cannot_be_judged_is_only_warned_of(official):
    official("train")
    warnings = runs.new_config("official", split="official").warnings
    for part in ("validation", "test"):
        assert any("'polka'" in text and part in text for text in warnings)


def test_a_genre_that_all_of_train_has_is_refused(tmp_path):
    frame = table()
    frame["genre"] = "rock;" + frame["genre"].str.replace("rock", "jazz")
    import_table(tmp_path, "all", frame)
    with pytest.raises(SplitError, match="Every track in train is 'rock'"):
        runs.new_config("all")


def test_missing_features_are_named_with_the_command(music, tmp_path):
    with pytest.raises(FeaturesMissing, match="extract music --features summary"):
        runs.new_config("music", model="linear")
    ids = music.tracks["track_id"].tolist()
    write_summary(music, tmp_path, ids[10:])
    with pytest.raises(FeaturesMissing, match="5 of 60 tracks of 'music' have no summary"):
        runs.new_config("music", model="linear")


def test_tracks_without_audio_and_failed_ones_are_left_out_and_counted(music, tmp_path):
    ids = music.tracks["track_id"].tolist()
    write_summary(music, tmp_path, ids[8:], failed=ids[5:8])
    config = runs.new_config("music", model="linear", split="random")
    told = " ".join(config.warnings)
    assert "5 of 60 tracks are left out: their audio isn't there" in told
    assert "3 tracks are left out: their features could not be extracted" in told
    material = runs.open_material(config)
    assert sorted(material.track_ids) == sorted(ids[8:])
    # Other features, for which nothing failed, are judged on the same parts.
    part = dict(zip(material.track_ids, material.split.part, strict=True))
    folder = music.features_folder / f"summary-{features.kind('summary').fingerprint}"
    folder.rename(tmp_path / "before")
    write_summary(music, tmp_path, ids[5:])
    whole = runs.open_material(config)
    other = dict(zip(whole.track_ids, whole.split.part, strict=True))
    assert len(other) == 55
    assert {name: other[name] for name in part} == part


def test_a_data_set_without_any_audio_says_so(music, tmp_path):
    write_summary(music, tmp_path, ["track_000"])
    for file in music.audio_folder.iterdir():
        file.unlink()
    store = feature_stores.listing(music.features_folder)[0]
    frame = pd.DataFrame({"track_id": ["x"], "a": [0.0], "b": [0.0], "c": [0.0]})
    frame.to_parquet(store.folder / "part-0.parquet")
    with pytest.raises(DatasetError, match="None of these tracks has audio"):
        runs.new_config("music", model="linear")


def test_patches_and_vectors_go_to_the_models_that_take_them(music):
    with pytest.raises(WrongUsage, match="fcn takes one vector a track"):
        runs.new_config("music", model="fcn", features="patches")
    assert runs.fitting_features(music, "fcn") == "summary"
