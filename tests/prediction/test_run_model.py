"""Songs and models that were really trained: every kind of features and every task."""

import json
import shutil

import numpy as np
import pytest

from genre_engine import features, models, prediction, runs
from genre_engine.errors import FileMissing, ModelError, RunError, SilentAudio
from genre_engine.prediction import analysis as song_analysis
from genre_engine.prediction import catalogue
from genre_engine.prediction import run_model as trained_models
from tests import sounds, trainings

RUNS = ["tones", "one-of", "two", "pictures"]


@pytest.fixture(scope="module")
def song():
    """24 s of chords, then 12 s of drums."""
    return trainings.make_song(("chords", 24.0), ("drums", 12.0))


def own(analysis):
    return analysis.views["own"]


@pytest.mark.parametrize("name", RUNS)
def test_every_task_and_kind_of_features_scores_a_song_as_a_whole_and_over_time(
    name, trained, song
):
    snapshots = list(prediction.stream(song, name))
    found = snapshots[-1]
    scores = own(found)
    assert found.model == name
    assert found.calibrated
    assert scores.genres == catalogue.find(name).genres
    assert scores.by_window.shape == (len(found.starts_s), len(scores.genres))
    assert ((scores.song >= 0) & (scores.song <= 1)).all()
    np.testing.assert_allclose(found.ends_s - found.starts_s, 6.0, atol=1e-3)
    assert [s.share_heard for s in snapshots] == sorted(s.share_heard for s in snapshots)
    assert snapshots[-1].share_heard == 1.0
    assert found.warnings == ()
    json.dumps(song_analysis.element(found, "a", "own", windows=True), allow_nan=False)


@pytest.mark.parametrize("name", ["tones", "one-of", "two"])
def test_what_leads_changes_where_the_song_does(name, trained, song):
    found = prediction.analyse(song, name)
    leading = [own(found).genres[i] for i in own(found).by_window.argmax(axis=1)]
    for start_s, end_s, genre in zip(found.starts_s, found.ends_s, leading, strict=True):
        if end_s <= 24:
            assert genre == "chords"
        if start_s >= 24.5:
            assert genre == "drums"


@pytest.mark.parametrize("name", ["one-of", "two"])
def test_where_a_song_has_one_genre_scores_add_up_to_one(name, trained, song):
    scores = own(prediction.analyse(song, name))
    assert scores.thresholds is None
    np.testing.assert_allclose(scores.song.sum(), 1, atol=1e-6)
    np.testing.assert_allclose(scores.by_window.sum(axis=1), 1, atol=1e-6)


def test_a_clip_s_probability_is_what_its_run_predicted_for_it(trained):
    """The whole way: a clip of validation, decoded and computed again, against the run's file."""
    run = runs.open("tones")
    predicted = run.predictions("validation")
    name = predicted.track_ids[0]
    clip = trained.parent / "clips" / name
    loaded = trained_models.load(catalogue.find("tones"))
    kind = features.kind("summary", excerpt_s=6.0)
    found = loaded.probabilities([kind.load(clip)])
    np.testing.assert_allclose(found[0], predicted.p[0], atol=1e-5)
    analysis = prediction.analyse(clip, "tones")
    calibrated = loaded.platt.apply(predicted.p[:1])[0]
    np.testing.assert_allclose(own(analysis).song, calibrated, atol=1e-5)


def test_the_threshold_on_calibrated_scores_says_yes_as_it_does_on_the_model_s(trained):
    """Over everything that a model may say."""
    loaded = trained_models.load(catalogue.find("tones"))
    rng = np.random.default_rng(0)
    for row in rng.uniform(0, 1, (200, 1, 3)).astype(np.float32):
        expected = set(np.flatnonzero(row[0] >= loaded.threshold))
        assert set(loaded.scores(row).yes()) == expected


def test_the_sentence_names_the_genres_that_count_as_yes(trained, song):
    found = prediction.analyse(song, "tones")
    scores = own(found)
    yes = [scores.genres[i] for i in scores.yes()]
    assert yes
    assert found.sentence("own").lower() == " and ".join(yes)


def test_a_run_on_the_demo_set_warns_with_every_song(trained, song):
    found = prediction.classify(song, "toy")
    assert found["warnings"] == [catalogue.find("toy").warning]


def test_a_song_shorter_than_the_excerpt_is_one_window_with_a_warning(trained):
    found = prediction.classify(trainings.make_song(("chords", 3.0)), "tones", windows=True)
    assert [(w["start_s"], w["end_s"]) for w in found["windows"]] == [(0.0, 3.0)]
    (warning,) = found["warnings"]
    assert warning.startswith("It lasts only 3.0 s, less than the 6 s excerpts")


def test_a_cut_song_has_a_warning(trained):
    mp3 = sounds.encoded(sounds.chords(30.0, 44100), 44100, "MP3")
    found = prediction.analyse(mp3[: len(mp3) // 2], "tones")
    assert found.warnings[0].startswith("The file is cut short or damaged")


@pytest.mark.parametrize("name", ["tones", "pictures"])
@pytest.mark.parametrize("sound", ["silence", "noise"])
def test_silence_and_noise_are_refused(sound, name, trained):
    samples = np.zeros(160_000) if sound == "silence" else sounds.noise(10.0, level=0.05)
    data = sounds.encoded(samples.astype(np.float32), 16000, "WAV", "FLOAT")
    with pytest.raises(SilentAudio, match="Nothing was found in it"):
        prediction.analyse(data, "tones")


def test_silent_windows_are_left_out(trained):
    song = trainings.make_song(("chords", 20.0), (None, 20.0), ("chords", 20.0))
    found = prediction.analyse(song, "tones")
    assert not ((found.starts_s >= 20.5) & (found.ends_s <= 39.5)).any()
    assert len(found.starts_s) > 12


def test_a_glance_hears_three_windows_as_the_whole_has_them(trained):
    song = trainings.make_song(("chords", 36.0))
    glanced = prediction.glance(song, "tones")
    assert len(glanced.starts_s) == 3
    assert glanced.share_heard == pytest.approx(0.5, abs=0.01)
    whole = prediction.analyse(song, "tones")
    np.testing.assert_allclose(own(glanced).song, own(whole).song, atol=0.05)
    assert prediction.glance(trainings.make_song(("chords", 20.0)), "tones") is None
    assert prediction.glance(trainings.make_song((None, 40.0)), "tones") is None


def test_the_file_is_looked_at_before_the_model_is_loaded(trained, monkeypatch):
    monkeypatch.setattr(trained_models, "load", None)
    with pytest.raises(FileMissing):
        prediction.classify("no such song.mp3", "tones")


@pytest.fixture
def copied(trained, tmp_path, monkeypatch):
    """A workspace that may be changed."""
    copy = shutil.copytree(trained, tmp_path / "copy")
    monkeypatch.setenv("GENRE_ENGINE_WORKSPACE", str(copy))
    trained_models._loaded.clear()
    return copy


def test_a_model_is_loaded_once_and_the_oldest_is_let_go(copied, monkeypatch):
    read = []
    real = models.load_classifier
    monkeypatch.setattr(
        models, "load_classifier", lambda folder: read.append(folder) or real(folder)
    )
    names = ["tones", "one-of", "two", "toy"]
    for name in ["tones", *names, "toy", "tones"]:
        trained_models.load(catalogue.find(name))
    assert [runs.Run(folder.parent).name for folder in read] == [*names, "tones"]


def test_a_model_that_was_written_anew_is_loaded_anew(copied):
    found = catalogue.find("tones")
    before = trained_models.load(found)
    assert trained_models.load(found) is before
    other = runs.open("toy")
    shutil.rmtree(runs.open("tones").model_folder)
    shutil.copytree(
        other.model_folder, runs.open("tones").model_folder, copy_function=shutil.copyfile
    )
    assert trained_models.load(found) is not before


def test_a_run_that_was_removed_meanwhile_says_so(copied):
    found = catalogue.find("tones")
    runs.remove(runs.open("tones"))
    with pytest.raises(RunError, match="'tones' has no model any more: it was removed"):
        trained_models.load(found)


def test_features_that_are_computed_otherwise_now_are_refused(copied, monkeypatch):
    from genre_engine.features.summary import Summary

    real = Summary.parameters.fget
    monkeypatch.setattr(Summary, "parameters", property(lambda self: real(self) | {"version": 99}))
    with pytest.raises(ModelError, match=r"other parameters \(version 1 there, 99 here\)"):
        prediction.classify("no such song.mp3", "tones")
    assert catalogue.find("pictures").name == "pictures"
    assert [model.name for model in catalogue.available()] == ["full", "fast", "pictures"]


def test_features_that_this_version_does_not_know_are_named(copied):
    path = runs.open("tones").folder / "config.json"
    path.write_text(path.read_text().replace('"kind": "summary"', '"kind": "wavelets"'))
    with pytest.raises(ModelError, match="wavelets features, which this version doesn't know"):
        catalogue.find("tones")


def test_a_model_whose_features_its_run_does_not_name_is_refused(copied):
    path = runs.open("tones").model_folder / "model.json"
    fingerprint = features.kind("summary", excerpt_s=6.0).fingerprint
    path.write_text(path.read_text().replace(fingerprint, "0" * 12))
    with pytest.raises(ModelError, match="takes other summary features"):
        trained_models.load(catalogue.find("tones"))


@pytest.mark.parametrize(
    "report",
    [
        {"thresholds": {"per_genre": {}}},
        {"thresholds": {"global": "high"}},
        {"calibration": {"slope": 1}},
        {"calibration": {"slope": 1, "offsets": [0, 0]}},
    ],
    ids=str,
)
def test_a_damaged_report_is_reported(report, copied):
    (runs.open("tones").folder / "report.json").write_text(json.dumps(report))
    with pytest.raises(RunError, match=r"report.json of the run 'tones' is"):
        trained_models.load(catalogue.find("tones"))


def test_without_calibration_scores_are_the_model_s_and_are_not_called_calibrated(copied, song):
    (runs.open("tones").folder / "report.json").write_text('{"thresholds": {"global": 0.5}}')
    found = prediction.analyse(song, "tones")
    assert not found.calibrated
    np.testing.assert_allclose(own(found).thresholds, 0.5)
    assert prediction.classify(song, "tones")["calibrated"] is False
