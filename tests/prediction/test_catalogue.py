"""Which models there are, and what is said of those that can't be used."""

import shutil

import pytest

from genre_engine import prediction, runs
from genre_engine.errors import ModelError, RunError, WrongUsage
from genre_engine.prediction import catalogue

USABLE = ["toy", "pictures", "two", "one-of", "tones"]


def test_the_pretrained_networks_come_first_then_finished_runs_newest_first(trained):
    found = catalogue.available()
    assert [model.name for model in found[:2]] == ["full", "fast"]
    assert sorted(model.name for model in found[2:]) == sorted(USABLE)
    assert [m.id for m in found[2:]] == sorted((m.id for m in found[2:]), reverse=True)


def test_without_runs_there_are_the_pretrained_networks(workspace):
    assert [model.name for model in catalogue.available()] == ["full", "fast"]


def test_a_run_is_found_by_name_and_by_id_with_what_it_was_trained_on(trained):
    found = catalogue.find("tones")
    assert catalogue.find(found.id) == found
    assert (found.dataset, found.algorithm, found.features) == ("sounds", "linear", "summary")
    assert found.genres == ("chords", "drums", "low")
    assert found.excerpt_s == 6.0
    assert found.warning is None


def test_a_run_on_the_demo_set_knows_synthetic_music_only(trained):
    assert catalogue.find("toy").warning.startswith("This model knows synthetic music only")


def test_an_unknown_model_names_what_there_is_and_the_nearest(trained):
    with pytest.raises(WrongUsage, match=r"no model 'tone'\. Did you mean 'tones'\?") as raised:
        catalogue.find("tone")
    for name in ("full", "fast", *USABLE):
        assert name in str(raised.value)
    assert "waiting" not in str(raised.value)


def test_a_run_that_has_not_finished_cannot_classify_yet(trained):
    with pytest.raises(RunError, match="'waiting' is queued, so it can't classify songs yet"):
        catalogue.find("waiting")


def test_a_run_on_an_imported_table_cannot_classify_audio(trained):
    with pytest.raises(ModelError, match="trained on an imported table of features"):
        catalogue.find("numbers")


@pytest.mark.parametrize("name", ["full", "fast", "pretrained"])
def test_a_run_called_like_pretrained_networks_goes_by_its_id(name, trained, tmp_path, monkeypatch):
    copy = shutil.copytree(trained, tmp_path / "copy")
    monkeypatch.setenv("GENRE_ENGINE_WORKSPACE", str(copy))
    config = runs.open("tones").folder / "config.json"
    config.write_text(config.read_text().replace('"tones"', f'"{name}"'))
    assert catalogue.find(name) in catalogue.PRETRAINED
    (impostor,) = [m for m in catalogue.available() if m.is_run and m.name not in USABLE]
    assert impostor.name == impostor.id
    assert catalogue.find(impostor.name).is_run


def test_a_run_has_one_view_of_its_own_genres(trained):
    assert prediction.check_choice(None, "tones").views == ("own",)
    with pytest.raises(WrongUsage, match="has no view 'ten': it knows the 3 genres"):
        prediction.check_choice("ten", "tones")
    with pytest.raises(WrongUsage, match="The pretrained networks have no view 'own'"):
        prediction.check_choice("own", "pretrained")
