"""What is refused before a run is made, and what is only warned of."""

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from genre_engine import features, runs, training
from genre_engine.errors import (
    BadSetting,
    DatasetError,
    DatasetMissing,
    FeaturesDiffer,
    FeaturesError,
    FeaturesMissing,
    SplitError,
    WrongUsage,
)
from genre_engine.features.summary import Summary
from genre_engine.training import SearchRequest, TrainingRequest
from tests.extracted import make_music, write_features
from tests.training.conftest import import_table, table


@pytest.fixture
def small(tmp_path):
    return import_table(tmp_path)


@pytest.fixture
def music(tmp_path):
    """60 tracks, audio of all but five (empty files)."""
    return make_music(tmp_path)


def test_a_config_holds_all_that_decides_the_result(small):
    config = training.new_config("small", settings={"epochs": 3}, seed=7, name="mine")
    assert config.settings["epochs"] == 3
    assert config.settings["dropout"] == 0.3
    assert config.genres == ("ambient", "jazz", "rock")
    assert config.features["kind"] == "table"
    assert config.features["columns"][0] == "x0"
    assert config.split == {
        "kind": "artist",
        "fractions": {"train": 0.6, "validation": 0.2, "test": 0.2},  # of few artists
    }
    assert config.dataset_created == small.info["created"]
    assert (config.seed, config.name, config.warnings) == (7, "mine", ())
    stored = runs.create(config)
    again = runs.open("mine").config
    assert replace(again, id="", created="", name="mine") == config
    assert training.open_material(again).track_ids == training.open_material(config).track_ids
    assert stored.status == "queued"


@pytest.mark.parametrize(
    ("options", "error", "match"),
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
        ({"excerpt_s": 15.0}, WrongUsage, "aren't made from excerpts"),
    ],
)
def test_what_cannot_be_trained_is_refused_with_what_to_do(small, options, error, match):
    with pytest.raises(error, match=match):
        training.new_config("small", **options)
    assert runs.listing() == []


def test_a_data_set_that_is_not_there_is_named(small):
    with pytest.raises(DatasetMissing, match="There are: small"):
        training.new_config("big")


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
        training.new_config("official", split="official")
    assert str(refused.value).endswith("--genres ambient,jazz,rock")
    assert training.new_config("official", split="official", genres="ambient,jazz,rock").genres


def test_a_genre_that_cannot_be_evaluated_is_only_warned_of(official):
    official("train")
    warnings = training.new_config("official", split="official").warnings
    for part in ("validation", "test"):
        assert any("'polka'" in text and part in text for text in warnings)


def test_a_genre_that_all_of_train_has_is_refused(tmp_path):
    frame = table()
    frame["genre"] = "rock;" + frame["genre"].str.replace("rock", "jazz")
    import_table(tmp_path, "all", frame)
    with pytest.raises(SplitError, match="Every track in train is 'rock'"):
        training.new_config("all")


def test_missing_features_are_named_with_the_command(music, tmp_path):
    with pytest.raises(FeaturesMissing, match="extract music --features summary"):
        training.new_config("music", model="linear")
    ids = music.tracks["track_id"].tolist()
    write_features(music, ids[10:])
    with pytest.raises(FeaturesMissing, match="5 of 60 tracks of 'music' have no summary"):
        training.new_config("music", model="linear")


def test_tracks_without_audio_and_failed_ones_are_left_out_and_counted(music, tmp_path):
    ids = music.tracks["track_id"].tolist()
    write_features(music, ids[8:], failed=ids[5:8])
    config = training.new_config("music", model="linear", split="random")
    said = " ".join(config.warnings)
    assert "5 of 60 tracks are left out: their audio isn't there" in said
    assert "3 tracks are left out: their features could not be extracted" in said
    material = training.open_material(config)
    assert sorted(material.track_ids) == sorted(ids[8:])
    # Other features, for which nothing failed, are judged on the same parts.
    part = dict(zip(material.track_ids, material.split.part, strict=True))
    folder = music.features_folder / f"summary-{features.kind('summary').fingerprint}"
    folder.rename(tmp_path / "before")
    write_features(music, ids[5:])
    whole = training.open_material(config)
    other = dict(zip(whole.track_ids, whole.split.part, strict=True))
    assert len(other) == 55
    assert {name: other[name] for name in part} == part


def test_a_data_set_without_any_audio_says_so(music, tmp_path):
    write_features(music, [])
    for file in music.audio_folder.iterdir():
        file.unlink()
    with pytest.raises(DatasetError, match="None of these tracks has audio"):
        training.new_config("music", model="linear")


def test_patches_and_vectors_go_to_the_models_that_take_them(music):
    with pytest.raises(WrongUsage, match="fcn takes one vector a track"):
        training.new_config("music", model="fcn", features="patches")
    assert training.fitting_features(music, "fcn") == "summary"


def test_features_made_with_other_parameters_are_no_substitute_and_can_be_asked_for(music):
    write_features(music, excerpt_s=15.0)
    with pytest.raises(FeaturesDiffer) as refused:
        training.new_config("music", model="linear")
    said = str(refused.value)
    assert "made with other parameters (excerpt_s 15 there, 30 here)" in said
    assert "Take these with --excerpt 15" in said
    assert said.endswith("or run: python -m genre_engine extract music --features summary")
    config = training.new_config("music", model="linear", excerpt_s=15.0)
    assert config.features["parameters"]["excerpt_s"] == 15.0
    assert training.open_material(config).store.fingerprint == config.features["fingerprint"]
    with pytest.raises(FeaturesDiffer, match="extract music --features summary --excerpt full"):
        training.new_config("music", model="linear", excerpt_s=None)


@pytest.fixture
def newer_version(monkeypatch):
    made = Summary.parameters.fget

    def come():
        newer = property(lambda self: made(self) | {"version": 99})
        monkeypatch.setattr(Summary, "parameters", newer)

    return come


def test_features_of_an_earlier_version_are_not_used_and_can_only_be_made_again(
    music, newer_version
):
    write_features(music)
    newer_version()
    with pytest.raises(FeaturesDiffer, match=r"\(version 1 there, 99 here\)\. Run: ") as refused:
        training.new_config("music", model="linear")
    assert "--excerpt" not in str(refused.value)


def test_a_run_whose_features_are_gone_says_how_to_make_them_or_that_none_can(
    music, newer_version, tmp_path
):
    folder = write_features(music, excerpt_s=15.0)
    write_features(music)
    config = training.new_config("music", model="linear", excerpt_s=15.0)
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(FeaturesMissing, match=r"are gone\. Run: .* --excerpt 15"):
        training.open_material(config)
    newer_version()
    with pytest.raises(FeaturesError, match=r"\(version 1 there, 99 here\). Train a new run"):
        training.open_material(config)


def test_a_data_set_of_one_genre_has_nothing_to_choose_between(tmp_path):
    import_table(tmp_path, "one", table().assign(genre="rock"))
    with pytest.raises(WrongUsage, match="With 'rock' alone there is nothing to choose between"):
        training.new_config("one")


def test_a_request_survives_json_and_what_is_left_out_is_at_its_default():
    request = TrainingRequest(
        "small", genres=["jazz", "rock"], settings={"layers": (8, 8)}, excerpt_s=None, origin="cli"
    )
    assert TrainingRequest.from_dict(json.loads(json.dumps(request.to_dict()))) == (
        replace(request, settings={"layers": [8, 8]})
    )
    assert TrainingRequest.from_dict({"dataset_name": "small"}) == TrainingRequest("small")


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({}, "needs 'dataset_name'"),
        ({"dataset_name": "small", "dance": 1}, "has no 'dance'. It has: dataset_name, model"),
        ({"dataset_name": "small", "seed": "7"}, "'seed' as a whole number, not '7'"),
        ({"dataset_name": "small", "seed": True}, "'seed' as a whole number"),
        ({"dataset_name": "small", "genres": ["rock", 3]}, "'genres' as text or a list or null"),
        ({"dataset_name": "small", "settings": [1]}, "'settings' as names with values"),
        ({"dataset_name": None}, "'dataset_name' as text"),
        ([], "described by names with values"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(values, match):
    with pytest.raises(WrongUsage, match=re.escape(match)):
        TrainingRequest.from_dict(values)


def test_a_search_has_a_training_s_entries_and_a_budget():
    request = SearchRequest(TrainingRequest("small", model="linear", name="found"), minutes=5)
    assert SearchRequest.from_dict(json.loads(json.dumps(request.to_dict()))) == request
    assert (request.trials, SearchRequest(TrainingRequest("small")).trials) == (None, 20)
    with pytest.raises(WrongUsage, match="finds the settings itself"):
        SearchRequest(TrainingRequest("small", settings={"epochs": 3}))
